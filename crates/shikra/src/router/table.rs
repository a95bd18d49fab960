//! The frozen table: a tree of segments in one array, searched without recursion or a stack.
//!
//! A node is one way to take the first segments of a path. At each node the children are tried
//! from the most to the least specific, and a dead end goes back to the parent, so the first end
//! that has the method is the most specific one. Every node has one parent and one depth, so a
//! search enters a node at most once: its cost is bounded by the patterns that agree with the
//! path, whatever the path is.

use http::Method;

use super::edges::Edges;
use super::explain::{self, Explanation};
use super::method::{ANY, AllowSet, Code, GET, HEAD, MethodMatch, Methods, bit};
use super::params::{Params, Slot};
use super::path::{PathCase, PathProblem, PathView, Segments, Settings, TrailingSlash, View};
use super::pattern::{Affix, Pattern, Slash};
use super::whole::WholePaths;

/// Finds the route of a request.
///
/// Made by a [`RouterBuilder`](super::RouterBuilder), which also shows an example.
#[derive(Debug)]
pub struct Router<T> {
    pub(super) table: Table,
    pub(super) routes: Vec<Route<T>>,
}

/// One registered route.
#[derive(Debug, Clone)]
pub struct Route<T> {
    pub(super) method: MethodMatch,
    pub(super) pattern: Pattern,
    pub(super) value: T,
}

impl<T> Route<T> {
    /// The method or methods that it answers.
    pub fn method(&self) -> &MethodMatch {
        &self.method
    }

    /// Its pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// What it stands for.
    pub fn value(&self) -> &T {
        &self.value
    }
}

/// The place of a route in [`Router::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub(super) u32);

impl RouteId {
    /// The place as a number, counted from 0 in the order of registration.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a router says about a method and a path.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'r, T> {
    /// A route answers.
    Found {
        /// Which one.
        route: RouteId,
        /// What it stands for.
        value: &'r T,
        /// Whether the request is a `HEAD` that a route for `GET` answers.
        via_head: bool,
    },
    /// Patterns match the path, but none of them has the method.
    NoMethod {
        /// The methods of all of these patterns.
        allowed: AllowSet<'r>,
    },
    /// The path was registered with the other form of its end ([`TrailingSlash::Redirect`]).
    Redirect {
        /// The route that would answer.
        route: RouteId,
        /// The form that was registered.
        to: Canonical,
    },
    /// No pattern matches the path.
    NotFound,
    /// The path has a malformed triplet or is not UTF-8 once decoded: the request deserves a 400.
    BadPath,
}

/// The registered form of the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canonical {
    /// With a slash at the end.
    WithSlash,
    /// Without a slash at the end.
    WithoutSlash,
}

impl Canonical {
    /// The path in this form, still encoded as it was sent.
    ///
    /// It never begins with `//`, which a browser would take for a host: no pattern that is
    /// redirected matches an empty segment.
    pub fn apply(self, raw: &str) -> String {
        match self {
            Self::WithSlash => format!("{raw}/"),
            Self::WithoutSlash => raw.strip_suffix('/').unwrap_or(raw).to_owned(),
        }
    }
}

impl<T> Router<T> {
    /// Finds the most specific route that answers the method, and the values of its parameters.
    ///
    /// Segment for segment from the left, literal text wins over a parameter with text around it,
    /// then come parameters, optional ones and wildcards. A route without the method is passed
    /// over for a less specific one that has it. `HEAD` is answered by `GET`.
    pub fn find(&self, method: &Method, path: PathView<'_>, params: &mut Params) -> Outcome<'_, T> {
        match self.find_whole(method, path, params) {
            Some((route, via_head)) => self.found(route, via_head),
            None => self.search(method, path, params),
        }
    }

    /// Finds a path that is registered letter for letter, without a look at its segments. Where this says
    /// nothing, [`search`](Self::search) is to be asked.
    #[inline(always)]
    pub(crate) fn find_whole(
        &self,
        method: &Method,
        path: PathView<'_>,
        params: &mut Params,
    ) -> Option<(RouteId, bool)> {
        self.table.find_whole(method, path, params)
    }

    /// Finds a route by the segments of the path.
    pub(crate) fn search(
        &self,
        method: &Method,
        path: PathView<'_>,
        params: &mut Params,
    ) -> Outcome<'_, T> {
        match self.table.find(method, path, params) {
            Verdict::Found { route, via_head } => self.found(route, via_head),
            Verdict::NoMethod { bits } => {
                Outcome::NoMethod { allowed: AllowSet::new(bits, &self.table.methods) }
            }
            Verdict::Redirect { route, to } => Outcome::Redirect { route, to },
            Verdict::NotFound => Outcome::NotFound,
            Verdict::BadPath => Outcome::BadPath,
        }
    }

    fn found(&self, route: RouteId, via_head: bool) -> Outcome<'_, T> {
        Outcome::Found { route, value: &self.routes[route.index()].value, via_head }
    }

    /// All routes in the order of registration.
    pub fn routes(&self) -> &[Route<T>] {
        &self.routes
    }

    /// The names of the parameters of a route in the order of its pattern.
    ///
    /// Empty for an id of another router that this one does not have.
    pub fn param_names(&self, route: RouteId) -> impl ExactSizeIterator<Item = &str> {
        self.names(route).iter().map(|name| &**name)
    }

    /// How this router compares paths.
    pub fn settings(&self) -> Settings {
        self.table.settings
    }

    /// Says in words which route answers and why others that come close do not.
    ///
    /// It allocates freely: a tool for people.
    pub fn explain(&self, method: &Method, path: &str) -> Explanation {
        explain::explain(self, method, path)
    }

    pub(super) fn names(&self, route: RouteId) -> &[Box<str>] {
        self.routes.get(route.index()).map_or(&[], |route| route.pattern.name_list())
    }
}

/// The part that does not depend on what routes stand for.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) settings: Settings,
    pub(super) methods: Methods,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Edges,
    /// The paths without parameters.
    pub(super) whole: WholePaths,
    /// The children with text around a value, node by node.
    pub(super) affixes: Vec<(Affix, u32)>,
    /// Lists of ends, each up to one that is the last.
    pub(super) ends: Vec<End>,
    pub(super) ways: Vec<Way>,
    pub(super) slots: Vec<Slot>,
}

/// A way to take the first segments of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) parent: u32,
    /// Which of the children of its parent it is, see [`stage`].
    pub(super) stage: u32,
    pub(super) param: u32,
    pub(super) optional: u32,
    /// The first of its children in `Table::affixes`.
    pub(super) affixes: u32,
    pub(super) affix_count: u32,
    /// The list of ends for a path that has no more segments.
    pub(super) exact: u32,
    /// The list of wildcards that take at least one segment more.
    pub(super) one_or_more: u32,
    /// The list of wildcards that take what is there.
    pub(super) zero_or_more: u32,
    pub(super) depth: u16,
    pub(super) has_static: bool,
}

/// A method at the end of a way.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) way: u32,
    pub(super) code: Code,
    pub(super) is_last: bool,
}

/// A route, with what it makes of the segments that lead to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) route: RouteId,
    pub(super) slots_start: u32,
    pub(super) slots_end: u32,
    /// Each parameter takes a segment of its own, whole.
    pub(super) takes_segments: bool,
    /// The registered form of the end of the path; `None` if any form will do.
    pub(super) slash: Option<Slash>,
}

/// The order in which the children of a node are tried.
pub(super) mod stage {
    pub(in super::super) const STATIC: u32 = 0;
    /// The first child with text around a value; the others follow.
    pub(in super::super) const AFFIX: u32 = 1;
    pub(in super::super) const PARAM: u32 = u32::MAX - 2;
    pub(in super::super) const OPTIONAL: u32 = u32::MAX - 1;
}

/// No node, no list.
pub(super) const NONE: u32 = u32::MAX;

pub(super) enum Verdict {
    Found { route: RouteId, via_head: bool },
    NoMethod { bits: u64 },
    Redirect { route: RouteId, to: Canonical },
    NotFound,
    BadPath,
}

impl Table {
    /// A search comes to the same end: it tries literal text first, and looks at nothing else on the way down.
    #[inline(always)]
    fn find_whole(
        &self,
        method: &Method,
        path: PathView<'_>,
        params: &mut Params,
    ) -> Option<(RouteId, bool)> {
        let list = self.whole.find(path)?;
        let wanted = Wanted::new(self.methods.code(method));
        let (way, via_head) = self.end(list, wanted, &mut 0)?;
        let way = self.ways.get(way as usize)?;
        if way.slash == Some(Slash::With) {
            return None;
        }
        params.take_whole(way.route, way.slots_end - way.slots_start, self.settings);
        Some((way.route, via_head))
    }

    pub(super) fn find(&self, method: &Method, path: PathView<'_>, params: &mut Params) -> Verdict {
        let wanted = Wanted::new(self.methods.code(method));
        if let Some((route, via_head)) = self.walk(path, wanted, params) {
            return Verdict::Found { route, via_head };
        }
        self.find_by_search(path, wanted, params)
    }

    #[inline(never)]
    fn find_by_search(&self, path: PathView<'_>, wanted: Wanted, params: &mut Params) -> Verdict {
        match params.start(path, self.settings) {
            Ok(()) => {}
            Err(PathProblem::NotRooted) => return Verdict::NotFound,
            Err(PathProblem::Encoding) => return Verdict::BadPath,
        }
        let mut bits = 0;
        let probe = Probe::new(&params.segments, path.raw(), self.settings);
        let Some((way, via_head)) = self.search(&probe, wanted, &mut bits) else {
            return if bits == 0 { Verdict::NotFound } else { Verdict::NoMethod { bits } };
        };
        let way = &self.ways[way as usize];
        if let Some(to) = self.redirects(way, &params.segments) {
            return Verdict::Redirect { route: way.route, to };
        }
        let slots = &self.slots[way.slots_start as usize..way.slots_end as usize];
        params.fill(way.route, slots, path.raw());
        Verdict::Found { route: way.route, via_head }
    }

    fn redirects(&self, way: &Way, segments: &Segments) -> Option<Canonical> {
        if self.settings.trailing_slash != TrailingSlash::Redirect || segments.count() == 0 {
            return None;
        }
        match (way.slash?, segments.slash()) {
            (Slash::With, Slash::Without) => Some(Canonical::WithSlash),
            (Slash::Without, Slash::With) => Some(Canonical::WithoutSlash),
            _ => None,
        }
    }

    /// Walks to the first end that has the method; what the others have is added to `bits`.
    fn search(&self, probe: &Probe<'_>, wanted: Wanted, bits: &mut u64) -> Option<(u32, bool)> {
        let mut at = ROOT;
        let mut stage = stage::STATIC;
        loop {
            let node = &self.nodes[at as usize];
            let depth = usize::from(node.depth);
            if depth < probe.count {
                if let Some(child) = self.child(at, node, stage, probe) {
                    at = child;
                    stage = stage::STATIC;
                    continue;
                }
                if node.one_or_more != NONE
                    && !probe.rest_is_empty(depth)
                    && let Some(hit) = self.end(node.one_or_more, wanted, bits)
                {
                    return Some(hit);
                }
            } else if let Some(hit) = self.end(node.exact, wanted, bits) {
                return Some(hit);
            }
            if let Some(hit) = self.end(node.zero_or_more, wanted, bits) {
                return Some(hit);
            }
            if at == ROOT {
                return None;
            }
            stage = node.stage + 1;
            at = node.parent;
        }
    }

    /// The next child from a stage on that takes the next segment.
    fn child(&self, at: u32, node: &Node, stage: u32, probe: &Probe<'_>) -> Option<u32> {
        let depth = usize::from(node.depth);
        let key = probe.key.segment(depth);
        if stage == stage::STATIC && node.has_static {
            let child = self.edges.child(at, key);
            if child.is_some() {
                return child;
            }
        }
        if node.affix_count != 0 && stage < stage::PARAM {
            let tried = stage.saturating_sub(stage::AFFIX) as usize;
            let first = node.affixes as usize;
            let all = &self.affixes[first..first + node.affix_count as usize];
            let segment = probe.text.segment(depth);
            let mut open = all.iter().skip(tried);
            if let Some((_, child)) = open.find(|(a, _)| a.matches(segment, probe.case)) {
                return Some(*child);
            }
        }
        // A parameter never takes empty text.
        let open = |stage_of: u32, child: u32| {
            (child != NONE && stage <= stage_of && !key.is_empty()).then_some(child)
        };
        open(stage::PARAM, node.param).or_else(|| open(stage::OPTIONAL, node.optional))
    }

    /// The first end of a list that has the method.
    #[inline]
    pub(super) fn end(&self, list: u32, wanted: Wanted, bits: &mut u64) -> Option<(u32, bool)> {
        if list == NONE {
            return None;
        }
        for end in &self.ends[list as usize..] {
            if end.code == wanted.code || end.code == wanted.instead || end.code == ANY {
                return Some((end.way, end.code == GET && wanted.code == HEAD));
            }
            *bits |= bit(end.code);
            if end.is_last {
                break;
            }
        }
        None
    }
}

/// The method of a request, and the one whose routes answer it too.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    code: Code,
    instead: Code,
}

impl Wanted {
    fn new(code: Code) -> Self {
        Self { code, instead: if code == HEAD { GET } else { code } }
    }
}

/// What a search looks at.
struct Probe<'a> {
    count: usize,
    key: View<'a>,
    text: View<'a>,
    case: PathCase,
}

impl<'a> Probe<'a> {
    fn new(segments: &'a Segments, path: &'a str, settings: Settings) -> Self {
        Self {
            count: segments.count(),
            key: segments.key_view(path),
            text: segments.text_view(path),
            case: settings.path_case,
        }
    }

    fn rest_is_empty(&self, index: usize) -> bool {
        let (start, end) = self.text.rest(index);
        start == end
    }
}

pub(super) const ROOT: u32 = 0;
