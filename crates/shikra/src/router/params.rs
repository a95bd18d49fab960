//! The values that a path gives to the parameters of its route.

use super::path::{PathProblem, PathView, Segments, Settings};
use super::table::{RouteId, Router};
use std::cell::{Cell, RefCell};

/// The parameters of one request, and the buffers that finding them needs.
///
/// It holds places, not text, so it can live beside the path; accessors take the path again. Used
/// for the next request it allocates only if that one is longer than all before.
///
/// ```
/// use http::Method;
/// use shikra::router::{Params, PathView, Pattern, RouterBuilder};
///
/// let mut routes = RouterBuilder::default();
/// routes.insert(Method::GET.into(), Pattern::parse("/users/:id/files/*")?, "file")?;
/// let router = routes.build();
///
/// let path = "/users/J%C3%BCrgen/files/a%20b/c";
/// let mut params = Params::new();
/// router.find(&Method::GET, PathView::new(path), &mut params);
/// assert_eq!(params.value(0, path), Some("Jürgen"));
/// assert_eq!(params.raw(1, path), Some("a%20b/c"));
/// assert_eq!(params.named(&router, path).get("*"), Some("a b/c"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Params {
    pub(super) segments: Segments,
    captures: Vec<Capture>,
    route: Option<RouteId>,
    /// The last path is compared as it is and was found without being cut.
    is_uncut: bool,
    /// A path came that may have taken much memory.
    is_long: bool,
    settings: Settings,
    /// The segments of such a path, cut when somebody asks for them.
    late: RefCell<Option<Box<Segments>>>,
    is_late_cut: Cell<bool>,
}

impl Params {
    /// Makes an empty set without allocating.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives memory back that an unusually long path has made it take; a pool calls this.
    #[inline]
    pub(crate) fn shed(&mut self) {
        if self.is_long {
            self.shed_long();
        }
    }

    #[cold]
    fn shed_long(&mut self) {
        self.is_long = false;
        if self.segments.capacity_bytes() > KEPT_BYTES_MAX {
            *self = Self::default();
        }
    }

    /// Looks at the segments of the last path, which is this one.
    pub(super) fn with_segments<R>(&self, path: &str, look: impl FnOnce(&Segments) -> R) -> R {
        if !self.is_uncut {
            return look(&self.segments);
        }
        let mut late = self.late.borrow_mut();
        let late = late.get_or_insert_default();
        if !self.is_late_cut.replace(true) {
            // It was found, so it can be cut; if it is another one there are no segments.
            let _ = late.load(PathView::new(path), self.settings);
        }
        look(late)
    }

    /// Cuts and decodes a path for [`PrefixSet::matches`](super::PrefixSet::matches) where no
    /// router has done it.
    ///
    /// # Errors
    ///
    /// [`BadPath`] for a malformed triplet, text that is not UTF-8, or no leading slash. There are
    /// then no segments, so that only the base `/` matches.
    pub fn load(&mut self, path: PathView<'_>, settings: Settings) -> Result<(), BadPath> {
        self.start(path, settings).map_err(|_| BadPath(()))
    }

    /// How many parameters the pattern of the route has, the absent ones included.
    pub fn len(&self) -> usize {
        self.captures.len()
    }

    /// Tells whether the pattern of the route has no parameters.
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty()
    }

    /// The route that was found for the last path.
    pub fn route(&self) -> Option<RouteId> {
        self.route
    }

    /// The decoded value of the parameter at this place of the pattern.
    ///
    /// `None` where the pattern has no such parameter, or an optional one that took nothing. In a
    /// wildcard an encoded slash looks like any other; [`raw`](Self::raw) tells them apart.
    pub fn value<'a>(&'a self, index: usize, path: &'a str) -> Option<&'a str> {
        let capture = self.captures.get(index)?;
        let text = if self.is_uncut { None } else { self.segments.decoded() };
        let text = text.unwrap_or(path);
        capture.present()?;
        text.get(capture.text.0 as usize..capture.text.1 as usize)
    }

    /// The same value as it was sent.
    pub fn raw<'a>(&'a self, index: usize, path: &'a str) -> Option<&'a str> {
        let capture = self.captures.get(index)?;
        capture.present()?;
        path.get(capture.raw.0 as usize..capture.raw.1 as usize)
    }

    /// The same parameters by name.
    pub fn named<'a, T>(&'a self, router: &'a Router<T>, path: &'a str) -> NamedParams<'a> {
        let names = self.route.map_or(&[][..], |route| router.names(route));
        NamedParams { params: self, names, path }
    }

    pub(super) fn start(
        &mut self,
        path: PathView<'_>,
        settings: Settings,
    ) -> Result<(), PathProblem> {
        self.captures.clear();
        self.route = None;
        self.is_uncut = false;
        self.is_long |= path.raw().len() > SHORT_BYTES_MAX;
        self.segments.load(path, settings)
    }

    /// Takes the route of a path that was found whole. Its parameters, if it has any, took nothing.
    #[inline]
    pub(super) fn take_whole(&mut self, route: RouteId, param_count: u32, settings: Settings) {
        self.captures.clear();
        if param_count > 0 {
            self.captures.resize(param_count as usize, Capture::ABSENT);
        }
        self.take_uncut(route, settings);
    }

    /// Forgets the values of the last path, for those of the next as they are come by.
    #[inline]
    pub(super) fn begin_walk(&mut self) {
        self.captures.clear();
    }

    /// Takes the next value, a whole segment of a path that is compared as it is.
    #[inline]
    pub(super) fn capture_segment(&mut self, start: usize, len: usize) -> Option<()> {
        let span = (u32::try_from(start).ok()?, u32::try_from(start + len).ok()?);
        self.captures.push(Capture { raw: span, text: span });
        Some(())
    }

    /// Takes the route of a path that nobody has cut.
    #[inline]
    pub(super) fn take_uncut(&mut self, route: RouteId, settings: Settings) {
        self.route = Some(route);
        self.is_uncut = true;
        self.settings = settings;
        self.is_late_cut.set(false);
    }

    /// Takes the places of the values of a route, slot for slot.
    #[inline]
    pub(super) fn fill(&mut self, route: RouteId, slots: &[Slot], raw: &str) {
        self.route = Some(route);
        let (segments, view) = (&self.segments, self.segments.raw_view(raw));
        let is_shared = segments.decoded().is_none();
        self.captures.extend(slots.iter().map(|slot| match slot {
            Slot::Segment { depth } if is_shared => {
                let span = view.span(usize::from(*depth));
                Capture { raw: span, text: span }
            }
            slot => slot.capture(segments, raw),
        }));
    }
}

/// The parameters of one request by name, in the order of the pattern.
#[derive(Debug, Clone, Copy)]
pub struct NamedParams<'a> {
    params: &'a Params,
    names: &'a [Box<str>],
    path: &'a str,
}

impl<'a> NamedParams<'a> {
    /// The decoded value; `None` if there is no such parameter or it took nothing.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.params.value(self.index(name)?, self.path)
    }

    /// The value as it was sent.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.params.raw(self.index(name)?, self.path)
    }

    /// Names and decoded values of the parameters that took something.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let Self { params, names, path } = *self;
        let named = names.iter().enumerate();
        named.filter_map(move |(index, name)| Some((&**name, params.value(index, path)?)))
    }

    /// How many parameters took something.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Tells whether no parameter took anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }
}

/// A path that cannot be cut into segments: the request deserves a 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPath(());

impl std::fmt::Display for BadPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the path is not percent-encoded UTF-8 behind a slash")
    }
}

impl std::error::Error for BadPath {}

/// Where a value lies in the raw path and in the decoded text.
#[derive(Debug, Clone, Copy)]
struct Capture {
    raw: (u32, u32),
    text: (u32, u32),
}

impl Capture {
    const ABSENT: Self = Self { raw: (ABSENT, ABSENT), text: (ABSENT, ABSENT) };

    fn present(&self) -> Option<()> {
        (self.raw.0 != ABSENT).then_some(())
    }
}

/// How one way through the table fills one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// An optional parameter that was left out.
    Absent,
    /// A whole segment.
    Segment { depth: u16 },
    /// A segment without the text around the value.
    Inner { depth: u16, prefix_len: u16, suffix_len: u16 },
    /// Everything from a segment on.
    Tail { depth: u16 },
}

impl Slot {
    #[inline]
    fn capture(self, segments: &Segments, path: &str) -> Capture {
        let (raw, text) = (segments.raw_view(path), segments.text_view(path));
        match self {
            Self::Absent => Capture::ABSENT,
            Self::Segment { depth } => {
                let depth = depth.into();
                Capture { raw: raw.span(depth), text: text.span(depth) }
            }
            Self::Tail { depth } => {
                let depth = depth.into();
                if depth >= segments.count() || is_empty(text.rest(depth)) {
                    return Capture::ABSENT;
                }
                Capture { raw: raw.rest(depth), text: text.rest(depth) }
            }
            Self::Inner { depth, prefix_len, suffix_len } => {
                let depth = depth.into();
                let (start, end) = text.span(depth);
                let text = (start + u32::from(prefix_len), end - u32::from(suffix_len));
                let raw_span = raw.span(depth);
                let raw = match segments.decoded() {
                    None => text,
                    Some(_) => trim_encoded(path, raw_span, prefix_len, suffix_len),
                };
                Capture { raw, text }
            }
        }
    }
}

fn is_empty((start, end): (u32, u32)) -> bool {
    start == end
}

/// Takes as many decoded bytes from both ends of a raw segment as the text around the value has.
///
/// Text around a value that the client sent in another normal form has another length; where that
/// shows, the whole segment is given.
fn trim_encoded(path: &str, whole: (u32, u32), prefix_len: u16, suffix_len: u16) -> (u32, u32) {
    let bytes = path.as_bytes();
    let (mut start, mut end) = (whole.0 as usize, whole.1 as usize);
    for _ in 0..prefix_len {
        start += if bytes.get(start) == Some(&b'%') { 3 } else { 1 };
    }
    for _ in 0..suffix_len {
        let encoded = end >= 3 && bytes.get(end - 3) == Some(&b'%');
        end = end.saturating_sub(if encoded { 3 } else { 1 });
    }
    match (path.get(start..end), u32::try_from(start), u32::try_from(end)) {
        (Some(inner), Ok(start), Ok(end)) if !inner.is_empty() => (start, end),
        _ => whole,
    }
}

/// The place of a value that is not there; no path is long enough to have it.
const ABSENT: u32 = u32::MAX;

/// What is kept for the next path: ten times what usual ones need.
const KEPT_BYTES_MAX: usize = 4096;

/// No path of this length makes the segments take more than [`KEPT_BYTES_MAX`]: three lists of at most as
/// many starts, and three texts that composing can make three times as long, each in a buffer of up to
/// twice the size.
const SHORT_BYTES_MAX: usize = 64;
