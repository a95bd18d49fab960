//! From patterns to the frozen table.

use std::collections::{BTreeMap, HashMap};

use http::Method;

use super::edges::Edges;
use super::error::InsertError;
use super::method::{ANY, Code, EXTENSION_METHODS_MAX, HEAD, MethodMatch, Methods, is_standard};
use super::order::sort_few;
use super::params::Slot;
use super::path::{Settings, TrailingSlash};
use super::pattern::{Affix, Pattern, Segment, Slash, Tail};
use super::table::{End, NONE, Node, Route, RouteId, Router, Table, Way, stage};
use super::whole::WholePaths;

/// Collects routes and freezes them into a [`Router`].
///
/// ```
/// use http::Method;
/// use shikra::router::{MethodMatch, Outcome, Params, PathView, Pattern, RouterBuilder};
///
/// let mut routes = RouterBuilder::default();
/// routes.insert(Method::GET.into(), Pattern::parse("/users/:id")?, 1)?;
/// routes.insert(MethodMatch::Any, Pattern::parse("/users/new")?, 2)?;
/// let router = routes.build();
///
/// let mut params = Params::new();
/// let outcome = router.find(&Method::HEAD, PathView::new("/users/7"), &mut params);
/// assert!(matches!(outcome, Outcome::Found { value: 1, via_head: true, .. }));
/// assert_eq!(params.named(&router, "/users/7").get("id"), Some("7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RouterBuilder<T> {
    settings: Settings,
    routes: Vec<Route<T>>,
    taken: HashMap<(Vec<Segment>, MethodMatch), usize>,
    extensions: Vec<Method>,
}

impl<T> Default for RouterBuilder<T> {
    fn default() -> Self {
        Self::new(Settings::new())
    }
}

impl<T> RouterBuilder<T> {
    /// Starts without routes.
    pub fn new(settings: Settings) -> Self {
        Self { settings, routes: Vec::new(), taken: HashMap::new(), extensions: Vec::new() }
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`InsertError::Duplicate`] with both values if a route of the same method and shape is
    /// there; [`InsertError::TooManyMethods`] past 55 methods outside of the RFCs. The builder
    /// then stays as it was.
    pub fn insert(
        &mut self,
        method: MethodMatch,
        pattern: Pattern,
        value: T,
    ) -> Result<RouteId, InsertError<T>>
    where
        T: Clone,
    {
        let shape = pattern.shaped(self.settings.path_case, self.settings.trailing_slash);
        let key = (shape, method);
        if let Some(first) = self.taken.get(&key).and_then(|index| self.routes.get(*index)) {
            return Err(InsertError::Duplicate {
                method: key.1,
                first_pattern: first.pattern.text().to_owned(),
                first: first.value.clone(),
                second_pattern: pattern.text().to_owned(),
                second: value,
            });
        }
        let method = key.1.clone();
        if !self.knows(&method) {
            return Err(InsertError::TooManyMethods { method, value });
        }
        let index = self.routes.len();
        self.taken.insert(key, index);
        self.routes.push(Route { method, pattern, value });
        Ok(RouteId(narrow(index)))
    }

    /// The routes so far, in the order of registration.
    pub fn routes(&self) -> &[Route<T>] {
        &self.routes
    }

    /// Freezes the routes.
    pub fn build(self) -> Router<T> {
        let mut forest = Forest::new(self.settings, Methods::new(&self.extensions));
        for (index, route) in self.routes.iter().enumerate() {
            forest.plant(RouteId(narrow(index)), &route.method, &route.pattern);
        }
        Router { table: forest.freeze(), routes: self.routes }
    }

    /// Makes room for an extension method; `false` if there is none.
    fn knows(&mut self, method: &MethodMatch) -> bool {
        let MethodMatch::One(method) = method else { return true };
        if is_standard(method) || self.extensions.contains(method) {
            return true;
        }
        if self.extensions.len() == EXTENSION_METHODS_MAX {
            return false;
        }
        self.extensions.push(method.clone());
        true
    }
}

/// The tree while it grows. Optional parameters are planted both ways, with and without.
struct Forest {
    drafts: Vec<Draft>,
    table: Table,
    edges: Vec<(u32, Box<str>, u32)>,
}

#[derive(Default)]
struct Draft {
    statics: BTreeMap<Box<str>, usize>,
    affixes: Vec<(Affix, usize)>,
    param: Option<usize>,
    optional: Option<usize>,
    exact: Vec<Candidate>,
    one_or_more: Vec<Candidate>,
    zero_or_more: Vec<Candidate>,
}

/// An end before it has found its place in the list of its node.
struct Candidate {
    /// How many optional parameters this way leaves out: none is the most specific.
    absent: usize,
    /// The kinds of all segments of the pattern, which decide where the rest is equal.
    ranks: Vec<u8>,
    /// Within one pattern `HEAD` comes before `GET`, which also answers it, and both before any.
    class: u8,
    end: End,
}

/// One route on its way down the tree.
struct Planting<'a> {
    route: RouteId,
    code: Code,
    segments: &'a [Segment],
    slash: Option<Slash>,
}

impl Forest {
    fn new(settings: Settings, methods: Methods) -> Self {
        let table = Table {
            settings,
            methods,
            nodes: Vec::new(),
            edges: Edges::default(),
            whole: WholePaths::default(),
            affixes: Vec::new(),
            ends: Vec::new(),
            ways: Vec::new(),
            slots: Vec::new(),
        };
        Self { drafts: vec![Draft::default()], table, edges: Vec::new() }
    }

    fn plant(&mut self, route: RouteId, method: &MethodMatch, pattern: &Pattern) {
        let settings = self.table.settings;
        let segments = pattern.shaped(settings.path_case, settings.trailing_slash);
        let takes_slash = matches!(segments.last(), Some(Segment::Tail(_)));
        let slash = settings.trailing_slash == TrailingSlash::Redirect && !takes_slash;
        let code = self.table.methods.code_of(method);
        let slash = slash.then(|| pattern.slash());
        self.grow(&Planting { route, code, segments: &segments, slash }, 0, 0, 0, &mut Vec::new());
    }

    /// Follows a pattern from segment `at` on, below a draft that takes `depth` segments.
    fn grow(
        &mut self,
        planting: &Planting<'_>,
        at: usize,
        draft: usize,
        depth: u16,
        slots: &mut Vec<Slot>,
    ) {
        let Some(segment) = planting.segments.get(at) else {
            return self.end(planting, draft, None, slots);
        };
        let before = slots.len();
        let child = match segment {
            Segment::Tail(tail) => {
                slots.push(Slot::Tail { depth });
                self.end(planting, draft, Some(*tail), slots);
                return slots.truncate(before);
            }
            Segment::Static(_) => self.child(draft, segment),
            Segment::Affix(affix) => {
                // A pattern has at most 2048 bytes.
                let len = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX);
                let (prefix_len, suffix_len) = (len(&affix.prefix), len(&affix.suffix));
                slots.push(Slot::Inner { depth, prefix_len, suffix_len });
                self.child(draft, segment)
            }
            Segment::Param | Segment::Optional => {
                slots.push(Slot::Segment { depth });
                self.child(draft, segment)
            }
        };
        self.grow(planting, at + 1, child, depth + 1, slots);
        slots.truncate(before);
        if matches!(segment, Segment::Optional) {
            slots.push(Slot::Absent);
            self.grow(planting, at + 1, draft, depth, slots);
            slots.truncate(before);
        }
    }

    fn child(&mut self, draft: usize, segment: &Segment) -> usize {
        let fresh = self.drafts.len();
        let parent = &mut self.drafts[draft];
        let child = match segment {
            Segment::Static(text) => *parent.statics.entry(text.clone()).or_insert(fresh),
            Segment::Affix(affix) => {
                match parent.affixes.iter().find(|(known, _)| known == affix) {
                    Some((_, child)) => *child,
                    None => {
                        parent.affixes.push((affix.clone(), fresh));
                        fresh
                    }
                }
            }
            Segment::Optional => *parent.optional.get_or_insert(fresh),
            Segment::Param | Segment::Tail(_) => *parent.param.get_or_insert(fresh),
        };
        if child == fresh {
            self.drafts.push(Draft::default());
        }
        child
    }

    fn end(&mut self, planting: &Planting<'_>, draft: usize, tail: Option<Tail>, slots: &[Slot]) {
        let Planting { route, code, .. } = *planting;
        let list = match (tail, &mut self.drafts[draft]) {
            (None, draft) => &mut draft.exact,
            (Some(Tail::OneOrMore), draft) => &mut draft.one_or_more,
            (Some(Tail::ZeroOrMore), draft) => &mut draft.zero_or_more,
        };
        // Optional parameters side by side lead here more than once. The first time fills them
        // from the left, which is the way that counts.
        let ways = &mut self.table.ways;
        if list.iter().any(|c| ways[c.end.way as usize].route == route) {
            return;
        }
        let start = narrow(self.table.slots.len());
        self.table.slots.extend_from_slice(slots);
        let end = End { way: narrow(ways.len()), code, is_last: false };
        let slots_end = narrow(self.table.slots.len());
        let takes_segments = slots.iter().all(|slot| matches!(slot, Slot::Segment { .. }));
        let slash = planting.slash;
        ways.push(Way { route, slots_start: start, slots_end, takes_segments, slash });
        list.push(Candidate {
            absent: slots.iter().filter(|slot| **slot == Slot::Absent).count(),
            ranks: planting.segments.iter().map(Segment::rank).collect(),
            class: match code {
                HEAD => 0,
                ANY => 2,
                _ => 1,
            },
            end,
        });
    }

    fn freeze(mut self) -> Table {
        self.freeze_node(0, 0, stage::STATIC, 0);
        self.table.edges = Edges::new(&self.edges);
        self.table.whole = WholePaths::new(&self.table, &self.edges);
        self.table
    }

    /// Numbers the nodes in the order in which a search meets them, for the sake of the cache.
    fn freeze_node(&mut self, draft: usize, parent: u32, stage: u32, depth: u16) -> u32 {
        let Draft { statics, mut affixes, param, optional, exact, one_or_more, zero_or_more } =
            std::mem::take(&mut self.drafts[draft]);
        let id = self.table.nodes.len();
        let number = narrow(id);
        sort_few(&mut affixes, |(a, _), (b, _)| a.specificity() < b.specificity());
        let node = Node {
            parent,
            stage,
            param: NONE,
            optional: NONE,
            affixes: narrow(self.table.affixes.len()),
            affix_count: narrow(affixes.len()),
            exact: self.list(exact),
            one_or_more: self.list(one_or_more),
            zero_or_more: self.list(zero_or_more),
            depth,
            has_static: !statics.is_empty(),
        };
        self.table.nodes.push(node);
        let first_affix = self.table.affixes.len();
        let children: Vec<_> = affixes.iter().map(|(_, child)| *child).collect();
        self.table.affixes.extend(affixes.into_iter().map(|(affix, _)| (affix, NONE)));
        for (text, child) in statics {
            let child = self.freeze_node(child, number, stage::STATIC, depth + 1);
            self.edges.push((number, text, child));
        }
        for (index, child) in children.into_iter().enumerate() {
            let stage = stage::AFFIX + narrow(index);
            self.table.affixes[first_affix + index].1 =
                self.freeze_node(child, number, stage, depth + 1);
        }
        if let Some(child) = param {
            self.table.nodes[id].param = self.freeze_node(child, number, stage::PARAM, depth + 1);
        }
        if let Some(child) = optional {
            self.table.nodes[id].optional =
                self.freeze_node(child, number, stage::OPTIONAL, depth + 1);
        }
        number
    }

    /// Writes a list of ends, the most specific first.
    fn list(&mut self, mut candidates: Vec<Candidate>) -> u32 {
        sort_few(&mut candidates, |a, b| {
            (a.absent, &a.ranks, a.class) < (b.absent, &b.ranks, b.class)
        });
        let Some(last) = candidates.last_mut() else { return NONE };
        last.end.is_last = true;
        let start = narrow(self.table.ends.len());
        self.table.ends.extend(candidates.into_iter().map(|candidate| candidate.end));
        start
    }
}

/// Indices are 32 bits wide: half the memory that a search touches.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("a program has fewer than four billion routes")
}
