//! What an application does with a request, told without calling any handler.
//!
//! All is `#[inline]`: compiled where somebody asks, which few programs do.

use super::{App, freeze};
use crate::dispatch::{Frozen, FrozenSite, FrozenStep, Place, Scope, Unmatched};
use crate::router::{MethodMatch, Outcome, Params, PathView, RouteId, Scheme};
use http::{Method, StatusCode, Version};
use shikra_proto::http1::RequestHead;
use shikra_proto::uri::Authority;
use std::fmt;
use std::io;
use std::panic::Location;

pub use crate::dispatch::Tier;

impl App {
    /// Says what the application does with a request, as data and, printed, in words: which route answers and
    /// why those that come close do not, the exact chain around it, and who answers errors. Every line
    /// names the place in the source that registered it. Nothing is called.
    ///
    /// The target is a path with or without a query. That of a host child is written
    /// `http://api.example.com/path`, and the target of `CONNECT` is `host:port`.
    ///
    /// ```
    /// use shikra::{App, explain::Answer, late};
    ///
    /// let mut app = App::new();
    /// app.use_(late(|_| |res| res.set_header("x-app", "1")));
    /// app.get("/users/:id", async |_| "one").get("/users/new", async |_| "form");
    /// let explained = app.explain("GET", "/users/new")?;
    /// assert_eq!(explained.answer, Answer::Route);
    /// assert_eq!(explained.chain.len(), 1);
    /// let text = explained.to_string();
    /// assert!(text.starts_with("GET /users/new: GET /users/new answers, at "));
    /// assert!(text.contains("segment 2 is a parameter here and literal text in /users/new"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What would keep the application from starting, and a method or target that no client can send.
    #[inline]
    pub fn explain(&self, method: impl AsRef<str>, target: &str) -> io::Result<Explained> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let method = Method::from_bytes(method.as_ref().as_bytes())
            .map_err(|error| invalid(error.to_string()))?;
        let mut head = RequestHead::new();
        // HTTP/1.0 needs no host.
        head.set_request_line(method, target, Version::HTTP_10)
            .map_err(|error| invalid(format!("{target}: {error}")))?;
        Ok(Explained::new(&freeze(self.clone())?, &head))
    }
}

/// What an application does with a request; made by [`App::explain`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The method and the target.
    pub request: String,
    /// The pattern of the host child that the request is for; `None` for the application itself.
    pub host: Option<String>,
    /// What the table of routes says, in words.
    pub verdict: String,
    /// Who answers.
    pub answer: Answer,
    /// The line that registered who answers; `None` where Shikra does.
    pub place: Option<&'static Location<'static>>,
    /// The route that answers.
    pub route: Option<ExplainedRoute>,
    /// The parameters of that route that are present, decoded.
    pub params: Vec<(String, String)>,
    /// The routes that come close, the closest first, and why they do not answer; ten at most.
    pub others: Vec<(ExplainedRoute, String)>,
    /// The middleware around the answer, outermost first.
    pub chain: Vec<ExplainedStep>,
    /// Who is asked for the response to an error, in this order; after them Shikra answers.
    pub error_handlers: Vec<ExplainedHandler>,
}

/// Who answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The handler of the route.
    Route,
    /// The route's handler for methods that it lacks.
    NoSuchMethod,
    /// A handler for unknown hosts.
    NoHost,
    /// A handler for unknown paths.
    NotFound,
    /// A handler for unknown paths and methods.
    Unmatched,
    /// Shikra, with this status.
    Shikra(StatusCode),
}

/// A route, as [`App::explain`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// The method or methods that it answers.
    pub method: MethodMatch,
    /// Its path, mounts included.
    pub pattern: String,
    /// The line that registered it.
    pub place: &'static Location<'static>,
}

/// A middleware around an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedStep {
    /// What it was registered for.
    pub tier: Tier,
    /// The base path or pattern that it was registered for, mounts included.
    pub below: String,
    /// The name of its type: the path of a function, or of the place of a closure.
    pub name: &'static str,
    /// The line that registered it.
    pub place: &'static Location<'static>,
}

/// A handler for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedHandler {
    /// Whether it takes errors of one type alone ([`App::catch`]).
    pub is_catch: bool,
    /// The prefix of its application, mounts included.
    pub below: String,
    /// The line that registered it.
    pub place: &'static Location<'static>,
}

impl Explained {
    #[inline]
    fn new(frozen: &Frozen, head: &RequestHead) -> Self {
        let site = site_of(frozen, head);
        let mut params = Params::new();
        let found = Found::new(site, head, &mut params);
        let (method, path) = (head.method(), head.path());
        let words = site.router.explain(method, path);
        let others = words.notes().iter().filter_map(|note| {
            Some((explained_route(site, note.route())?, note.reason().to_owned()))
        });
        let scope = match found.route {
            Some(number) => site.routes.get(number).map_or(site.root, |route| route.scope),
            None => site.scope_of(&params, path),
        };
        let steps = match found.route {
            Some(number) => site.routes.get(number).map(|route| &route.steps),
            None => site.scopes.get(scope).map(|scope| &scope.outer),
        };
        let covers = |step: &&FrozenStep| {
            step.condition.is_none_or(|condition| site.covers(condition, &params, path))
        };
        let chain = steps.into_iter().flatten().filter(covers).map(ExplainedStep::new);
        let named = params.named(site.all_routes(), path);
        let mut explained = Self {
            request: format!("{method} {}", head.target()),
            host: (!site.host.is_empty()).then(|| site.host.clone()),
            verdict: words.verdict().to_owned(),
            answer: found.answer,
            place: found.place,
            route: params.route().and_then(|id| explained_route(site, id)),
            params: named.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            others: others.collect(),
            chain: chain.collect(),
            error_handlers: scopes_outward(site, scope).flat_map(error_handlers).collect(),
        };
        if *method == Method::CONNECT {
            explained.verdict = "the target has no path, and no route for CONNECT is there".into();
            if let Some(place) = explained.place {
                let (method, pattern) = (MethodMatch::One(Method::CONNECT), "*".to_owned());
                explained.verdict = "CONNECT * answers".into();
                explained.route = Some(ExplainedRoute { method, pattern, place });
            }
        }
        explained
    }
}

/// The decision of the dispatch.
struct Found {
    answer: Answer,
    place: Option<Place>,
    /// The number of the route.
    route: Option<usize>,
}

impl Found {
    #[inline]
    fn new(site: &FrozenSite, head: &RequestHead, params: &mut Params) -> Self {
        let (method, path) = (head.method(), head.path());
        let why = match site.router.find(method, PathView::new(path), params) {
            Outcome::Found { value, .. } => return Self::route(site, Answer::Route, *value),
            Outcome::NoMethod { .. } if *method == Method::OPTIONS => {
                return Self::shikra(StatusCode::NO_CONTENT);
            }
            Outcome::NoMethod { allowed } => Unmatched::Method { allowed: allowed.to_string() },
            Outcome::Redirect { .. } => return Self::shikra(StatusCode::PERMANENT_REDIRECT),
            _ if path == "*" => return Self::shikra(StatusCode::NO_CONTENT),
            _ if *method == Method::CONNECT => {
                return match site.connect {
                    Some(number) => Self::route(site, Answer::Route, number),
                    None => Self::shikra(StatusCode::METHOD_NOT_ALLOWED),
                };
            }
            Outcome::BadPath => return Self::shikra(StatusCode::BAD_REQUEST),
            _ => Unmatched::Path,
        };
        if let Some(router) =
            site.with_no_such_method.as_ref().filter(|_| method != Method::OPTIONS)
            && let Outcome::Found { value, .. } = router.find(method, PathView::new(path), params)
        {
            return Self::route(site, Answer::NoSuchMethod, *value);
        }
        let mut scopes = scopes_outward(site, site.scope_of(params, path));
        match scopes.find_map(|scope| scope_answer(scope, method, &why)) {
            Some((answer, place)) => Self { answer, place: Some(place), route: None },
            None => Self::shikra(why.status()),
        }
    }

    #[inline]
    fn route(site: &FrozenSite, answer: Answer, number: usize) -> Self {
        let place = site.routes.get(number).map(|route| route.place);
        Self { answer, place, route: Some(number) }
    }

    #[inline]
    fn shikra(status: StatusCode) -> Self {
        Self { answer: Answer::Shikra(status), place: None, route: None }
    }
}

/// The handler of one scope for what no route answers.
#[inline]
fn scope_answer(scope: &Scope, method: &Method, why: &Unmatched) -> Option<(Answer, Place)> {
    let places = &scope.places;
    let unmatched = places.unmatched.map(|place| (Answer::Unmatched, place));
    if *why != Unmatched::Path {
        return unmatched;
    }
    let no_host = scope.no_host.as_ref().and(places.no_host).map(|place| (Answer::NoHost, place));
    let for_method = |method: &Method| {
        let mut all = scope.not_found_for.iter().zip(&places.not_found_for);
        all.find(|((methods, _), _)| methods.contains(method)).map(|(_, place)| *place)
    };
    // CF-14: what answers GET answers HEAD.
    let not_found = for_method(method)
        .or_else(|| for_method(&Method::GET).filter(|_| *method == Method::HEAD))
        .or(places.not_found)
        .map(|place| (Answer::NotFound, place));
    no_host.or(not_found).or(unmatched)
}

#[inline]
fn error_handlers(scope: &Scope) -> impl Iterator<Item = ExplainedHandler> {
    let places = &scope.places;
    let catches = places.catches.iter().map(|place| (true, *place));
    let all = catches.chain(places.on_error.map(|place| (false, place)));
    all.map(|(is_catch, place)| ExplainedHandler {
        is_catch,
        below: places.below.to_string(),
        place,
    })
}

#[inline]
fn scopes_outward(site: &FrozenSite, innermost: usize) -> impl Iterator<Item = &Scope> {
    let mut next = Some(innermost);
    std::iter::from_fn(move || {
        let scope = site.scopes.get(next?)?;
        next = scope.parent;
        Some(scope)
    })
}

#[inline]
fn site_of<'a>(frozen: &'a Frozen, head: &RequestHead) -> &'a FrozenSite {
    let mut site = frozen.sites.first().expect("there is a site for the application itself");
    let authority = head.authority().and_then(|text| Authority::decode(text).ok());
    let is_secure = head.target().get(..6).is_some_and(|s| s.eq_ignore_ascii_case("https:"));
    let scheme = if is_secure { Scheme::Https } else { Scheme::Http };
    while let Some(authority) = &authority
        && let Some(hosts) = &site.hosts
        && let Some(number) = hosts.find(authority, scheme)
        && let Some(child) = frozen.sites.get(number)
    {
        site = child;
    }
    site
}

#[inline]
fn explained_route(site: &FrozenSite, id: RouteId) -> Option<ExplainedRoute> {
    let route = site.all_routes().routes().get(id.index())?;
    let place = site.routes.get(*route.value())?.place;
    let pattern = route.pattern().text().to_owned();
    Some(ExplainedRoute { method: route.method().clone(), pattern, place })
}

impl ExplainedStep {
    #[inline]
    fn new(step: &FrozenStep) -> Self {
        let (name, place) = (step.middleware.name(), step.middleware.place());
        Self { tier: step.tier, below: step.below.to_string(), name, place }
    }
}

impl fmt::Display for Explained {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, verdict, .. } = self;
        write!(f, "{request}: {verdict}")?;
        if let Some(place) = self.place {
            write!(f, "{}, at {place}", self.answer.words())?;
        } else if let Answer::Shikra(status) = self.answer {
            write!(f, "; the answer is {status}")?;
        }
        if let Some(host) = &self.host {
            write!(f, "\n  the host is {host}")?;
        }
        for (route, reason) in &self.others {
            write!(f, "\n  {} {}, at {}: {reason}", route.method, route.pattern, route.place)?;
        }
        for step in &self.chain {
            let ExplainedStep { below, name, place, .. } = step;
            write!(f, "\n  {} `{below}`: {name}, at {place}", step.tier.words())?;
        }
        for handler in &self.error_handlers {
            let kind = if handler.is_catch { "errors of one type" } else { "errors" };
            write!(f, "\n  {kind} below `{}`, at {}", handler.below, handler.place)?;
        }
        Ok(())
    }
}

impl Answer {
    #[inline]
    fn words(&self) -> &'static str {
        match self {
            Self::Route | Self::Shikra(_) => "",
            Self::NoSuchMethod => "; its handler for other methods answers",
            Self::NoHost => "; the handler for unknown hosts answers",
            Self::NotFound => "; the not-found handler answers",
            Self::Unmatched => "; the handler of what is unmatched answers",
        }
    }
}

impl Tier {
    #[inline]
    fn words(self) -> &'static str {
        match self {
            Self::Global => "middleware of the application",
            Self::Mount => "middleware of the mount",
            Self::Base => "middleware of the base path",
            Self::Route => "middleware of the route",
        }
    }
}
