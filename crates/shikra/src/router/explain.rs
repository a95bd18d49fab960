//! The answer of a router in words, for people.
//!
//! It tries every pattern by itself and compares, so it is also a second opinion on the table.

use std::fmt;

use http::Method;

use super::method::MethodMatch;
use super::order::sort_few;
use super::params::Params;
use super::path::{PathCase, PathView, Settings, TrailingSlash, fold};
use super::pattern::{Segment, Tail};
use super::table::{Canonical, Outcome, Route, RouteId, Router};

/// Which route answers a request, and why others that come close do not.
///
/// ```
/// use http::Method;
/// use shikra::router::{Pattern, RouterBuilder};
///
/// let mut routes = RouterBuilder::default();
/// routes.insert(Method::GET.into(), Pattern::parse("/users/:id")?, ())?;
/// routes.insert(Method::GET.into(), Pattern::parse("/users/new")?, ())?;
/// assert_eq!(
///     routes.build().explain(&Method::GET, "/users/new").to_string(),
///     "GET /users/new: GET /users/new answers\n  \
///      GET /users/:id: segment 2 is a parameter here and literal text in /users/new",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    request: String,
    verdict: String,
    winner: Option<RouteId>,
    notes: Vec<Note>,
}

/// Why one route does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    route: RouteId,
    title: String,
    reason: String,
}

impl Explanation {
    /// The route that answers.
    pub fn winner(&self) -> Option<RouteId> {
        self.winner
    }

    /// What became of the request, in words.
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    /// The routes that came close, the closest first; ten at most.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

impl Note {
    /// The route.
    pub fn route(&self) -> RouteId {
        self.route
    }

    /// Why it does not answer, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.request, self.verdict)?;
        for Note { title, reason, .. } in &self.notes {
            write!(f, "\n  {title}: {reason}")?;
        }
        Ok(())
    }
}

pub(super) fn explain<T>(router: &Router<T>, method: &Method, path: &str) -> Explanation {
    let mut params = Params::new();
    let outcome = router.find(method, PathView::new(path), &mut params);
    let winner = match &outcome {
        Outcome::Found { route, .. } | Outcome::Redirect { route, .. } => Some(*route),
        _ => None,
    };
    let mut explanation = Explanation {
        request: format!("{method} {path}"),
        verdict: verdict(router, &outcome, path),
        winner,
        notes: Vec::new(),
    };
    if matches!(outcome, Outcome::BadPath) {
        return explanation;
    }
    let target = Target::new(&params, path, router.settings());
    let mut notes = Vec::new();
    for (index, route) in router.routes().iter().enumerate() {
        let Ok(number) = u32::try_from(index) else { break };
        let id = RouteId(number);
        if winner == Some(id) {
            continue;
        }
        let won = winner.and_then(|id| router.routes().get(id.index()));
        if let Some((distance, reason)) = reason(route, won, method, &target) {
            notes.push((distance, Note { route: id, title: title(route), reason }));
        }
    }
    sort_few(&mut notes, |(a, _), (b, _)| a < b);
    explanation.notes = notes.into_iter().map(|(_, note)| note).take(NOTES_MAX).collect();
    explanation
}

fn title<T>(route: &Route<T>) -> String {
    format!("{} {}", route.method(), route.pattern())
}

fn verdict<T>(router: &Router<T>, outcome: &Outcome<'_, T>, path: &str) -> String {
    let name = |id: &RouteId| router.routes().get(id.index()).map(title).unwrap_or_default();
    match outcome {
        Outcome::Found { route, via_head: false, .. } => format!("{} answers", name(route)),
        Outcome::Found { route, .. } => format!("{} answers without its body", name(route)),
        Outcome::NoMethod { allowed } => format!("the path answers {allowed} only"),
        Outcome::Redirect { route, to } => {
            let end = match to {
                Canonical::WithSlash => "with",
                Canonical::WithoutSlash => "without",
            };
            format!("redirected to {}, {} ends {end} a slash", to.apply(path), name(route))
        }
        Outcome::NotFound => "no pattern matches".into(),
        Outcome::BadPath => "the path is not percent-encoded UTF-8".into(),
    }
}

/// The request as patterns are compared with it.
struct Target {
    settings: Settings,
    /// The decoded segments and the same as literal text is compared.
    segments: Vec<(String, String)>,
}

impl Target {
    fn new(params: &Params, path: &str, settings: Settings) -> Self {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let segments = params.with_segments(path, |segments| {
            let (text, key) = (segments.text_view(path), segments.key_view(path));
            let both = |index| (string(text.segment(index)), string(key.segment(index)));
            (0..segments.count()).map(both).collect()
        });
        Self { settings, segments }
    }
}

/// Why a route does not answer, and how far it is from doing so; `None` if it is not close.
fn reason<T>(
    route: &Route<T>,
    winner: Option<&Route<T>>,
    method: &Method,
    target: &Target,
) -> Option<(usize, String)> {
    let here = match trace(route, target, Case::AsSet) {
        Ok(ways) => ways,
        Err(miss) => return near_miss(route, target, miss),
    };
    if !answers(route.method(), method) {
        return Some((0, format!("the path matches, but it answers {}", route.method())));
    }
    let winner = winner?;
    let there = trace(winner, target, Case::AsSet).ok()?;
    let differs = here.iter().zip(&there).position(|(a, b)| a != b);
    Some(match differs {
        Some(at) => (
            1,
            format!(
                "segment {} is {} here and {} in {}",
                at + 1,
                kind(here[at]),
                kind(there[at]),
                winner.pattern()
            ),
        ),
        None if route.method() == winner.method() => {
            (1, format!("{} is as close and leaves less open", winner.pattern()))
        }
        None => (1, format!("{} is the closer method", winner.method())),
    })
}

fn answers(registered: &MethodMatch, method: &Method) -> bool {
    match registered {
        MethodMatch::Any => true,
        MethodMatch::One(one) => one == method || (one == Method::GET && method == Method::HEAD),
    }
}

/// A route whose pattern does not match, if it is one step away from it.
fn near_miss<T>(route: &Route<T>, target: &Target, miss: Miss) -> Option<(usize, String)> {
    if trace(route, target, Case::Ignored).is_ok() {
        return Some((2, "only upper and lower case differ".into()));
    }
    let mut other_end = Target { segments: target.segments.clone(), ..*target };
    if target.settings.trailing_slash == TrailingSlash::Strict {
        if other_end.segments.last().is_some_and(|(text, _)| text.is_empty()) {
            other_end.segments.pop();
        } else {
            other_end.segments.push(Default::default());
        }
        if trace(route, &other_end, Case::AsSet).is_ok() {
            return Some((2, "only the trailing slash differs".into()));
        }
    }
    let shared = miss.segment;
    let is_close = shared > 0 || target.segments.len() <= 1;
    is_close.then(|| (usize::MAX - shared, miss.why))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    AsSet,
    Ignored,
}

/// Where a pattern and a path part.
struct Miss {
    segment: usize,
    why: String,
}

/// How the segments of the path are taken by the best way to match a pattern.
fn trace<T>(route: &Route<T>, target: &Target, case: Case) -> Result<Vec<u8>, Miss> {
    let Settings { path_case, trailing_slash } = target.settings;
    let pattern = route.pattern().shaped(path_case, trailing_slash);
    let mut tracer = Tracer {
        target,
        case,
        taken: Vec::new(),
        ways: Vec::new(),
        miss: Miss { segment: 0, why: "the path has more segments".into() },
    };
    tracer.follow(&pattern, 0);
    tracer.ways.into_iter().min().ok_or(tracer.miss)
}

struct Tracer<'a> {
    target: &'a Target,
    case: Case,
    taken: Vec<u8>,
    ways: Vec<Vec<u8>>,
    miss: Miss,
}

impl Tracer<'_> {
    fn follow(&mut self, pattern: &[Segment], at: usize) {
        let found = self.target.segments.get(at);
        let Some((wanted, next)) = pattern.split_first() else {
            match found {
                None => self.ways.push(self.taken.clone()),
                Some((text, _)) => self.missed(at, format!("it ends before `{text}`")),
            }
            return;
        };
        if let Segment::Tail(tail) = wanted {
            let rest = self.target.segments.get(at..).unwrap_or_default();
            let is_empty = rest.is_empty() || (rest.len() == 1 && rest[0].0.is_empty());
            if is_empty && *tail == Tail::OneOrMore {
                return self.missed(at, "nothing is left for its wildcard".into());
            }
            let mut way = self.taken.clone();
            way.push(wanted.rank());
            return self.ways.push(way);
        }
        match found {
            None => {
                if *wanted != Segment::Optional {
                    self.missed(at, format!("the path ends before {}", describe(wanted)));
                }
            }
            Some((text, _)) if !self.takes(wanted, found) => {
                self.missed(
                    at,
                    format!("segment {} is `{text}`, not {}", at + 1, describe(wanted)),
                );
            }
            Some(_) => {
                self.taken.push(wanted.rank());
                self.follow(next, at + 1);
                self.taken.pop();
            }
        }
        if *wanted == Segment::Optional {
            self.follow(next, at);
        }
    }

    fn takes(&self, wanted: &Segment, found: Option<&(String, String)>) -> bool {
        let Some((text, key)) = found else { return false };
        match (wanted, self.case) {
            (Segment::Static(literal), Case::AsSet) => **literal == **key,
            (Segment::Static(literal), Case::Ignored) => fold(literal) == fold(text),
            (Segment::Affix(affix), Case::AsSet) => {
                affix.matches(text.as_bytes(), self.target.settings.path_case)
            }
            (Segment::Affix(affix), Case::Ignored) => {
                affix.matches(text.as_bytes(), PathCase::Insensitive)
            }
            _ => !text.is_empty(),
        }
    }

    /// Keeps the reason that lies furthest to the right.
    fn missed(&mut self, segment: usize, why: String) {
        if segment >= self.miss.segment {
            self.miss = Miss { segment, why };
        }
    }
}

fn describe(wanted: &Segment) -> String {
    match wanted {
        Segment::Static(text) if text.is_empty() => "a trailing slash".into(),
        Segment::Static(text) => format!("`{text}`"),
        Segment::Affix(affix) => format!("`{}…{}`", affix.prefix, affix.suffix),
        other => kind(other.rank()).into(),
    }
}

fn kind(rank: u8) -> &'static str {
    match rank {
        0 => "literal text",
        1 => "a parameter with text around it",
        2 => "a parameter",
        3 => "an optional parameter",
        _ => "part of a wildcard",
    }
}

const NOTES_MAX: usize = 10;
