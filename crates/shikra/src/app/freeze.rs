//! From what was registered to what is served: mounts are flattened into one table, base paths are decided
//! where the patterns decide them, and every mistake is found.

use super::{App, BaseDef, MountDef, RouteDef};
use crate::dispatch::{Frozen, FrozenRoute, FrozenStep, Hook, Scope, StateMaker};
use crate::error::Result;
use crate::middleware::Middleware;
use crate::router::{
    Coverage, InsertError, Pattern, PatternError, Prefix, PrefixSet, RouterBuilder, Settings,
};
use crate::state::SharedState;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;

pub(super) fn hook<F>(function: F) -> Hook
where
    F: AsyncFn() -> Result<()> + Send + Sync + 'static,
{
    let function = Arc::new(function);
    Arc::new(move || {
        let function = Arc::clone(&function);
        Box::pin(async move { function().await })
    })
}

/// A mistake in an application, with the line that made it.
#[derive(Clone, Debug)]
pub struct Problem {
    what: String,
    place: &'static Location<'static>,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, place: &'static Location<'static>) -> Self {
        Self { what: what.into(), place }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Freezes an application.
///
/// # Errors
/// All mistakes at once, as one text.
pub(crate) fn freeze(app: App) -> io::Result<Frozen> {
    let mut freezer = Freezer::new(&app);
    let root = Level::root();
    freezer.add_app(&app, &root);
    freezer.finish(app)
}

/// Where in the tree of mounts an application stands.
#[derive(Clone)]
struct Level {
    prefix: Prefix,
    parent: Option<usize>,
    /// What the applications around put around everything: globals, then base paths.
    around: Vec<Candidate>,
    body_bytes_max: Option<u64>,
}

/// A middleware that stands around a route if its base path covers it.
#[derive(Clone)]
struct Candidate {
    middleware: Arc<dyn Middleware>,
    base: Option<(Prefix, usize)>,
}

struct Freezer {
    builder: RouterBuilder<usize>,
    settings: Settings,
    routes: Vec<FrozenRoute>,
    places: Vec<&'static Location<'static>>,
    outer: Vec<FrozenStep>,
    bases: PrefixSet<usize>,
    bases_len: usize,
    scopes: Vec<Scope>,
    mounts: PrefixSet<usize>,
    problems: Vec<Problem>,
    shared: SharedState,
    makers: Vec<StateMaker>,
    on_start: Vec<Hook>,
    on_stop: Vec<Hook>,
}

impl Level {
    fn root() -> Self {
        let prefix = Prefix::parse("/").expect("the root is a prefix");
        Self { prefix, parent: None, around: Vec::new(), body_bytes_max: None }
    }
}

impl Freezer {
    fn new(app: &App) -> Self {
        let settings = app.settings;
        Self {
            builder: RouterBuilder::new(settings),
            settings,
            routes: Vec::new(),
            places: Vec::new(),
            outer: Vec::new(),
            bases: PrefixSet::new(settings.path_case),
            bases_len: 0,
            scopes: Vec::new(),
            mounts: PrefixSet::new(settings.path_case),
            problems: Vec::new(),
            shared: SharedState::default(),
            makers: Vec::new(),
            on_start: Vec::new(),
            on_stop: Vec::new(),
        }
    }

    fn add_app(&mut self, app: &App, level: &Level) {
        self.problems.extend(app.problems.iter().cloned());
        self.shared.extend(&app.shared);
        self.makers.extend(app.makers.iter().cloned());
        self.on_start.extend(app.on_start.iter().cloned());
        self.on_stop.extend(app.on_stop.iter().cloned());
        let scope = self.scopes.len();
        self.scopes.push(Scope {
            parent: level.parent,
            catches: app.catches.clone(),
            on_error: app.on_error.as_ref().map(|placed| Arc::clone(&placed.value)),
            not_found: app.not_found.as_ref().map(|placed| Arc::clone(&placed.value)),
        });
        self.mounts.insert(&level.prefix, scope);
        let around = self.around(app, level);
        if level.parent.is_none() {
            self.outer = around.iter().map(Candidate::conditional).collect();
        }
        let body_bytes_max = app.body_bytes_max.or(level.body_bytes_max);
        for route in &app.routes {
            self.add_route(route, level, scope, &around, body_bytes_max);
        }
        for mount in &app.mounts {
            self.add_mount(mount, level, scope, &around, body_bytes_max);
        }
    }

    /// What stands around the routes of an application, outermost first: what stands around it, then
    /// its globals, then its base paths, shorter ones first.
    fn around(&mut self, app: &App, level: &Level) -> Vec<Candidate> {
        let mut around = level.around.clone();
        let globals = app.globals.iter().map(Arc::clone);
        around.extend(globals.map(|middleware| Candidate { middleware, base: None }));
        let mut bases: Vec<_> =
            app.bases.iter().filter_map(|base| self.base(base, level)).collect();
        bases.sort_by_key(|(prefix, ..)| prefix.len());
        for (prefix, number, middleware) in bases {
            around.push(Candidate { middleware, base: Some((prefix, number)) });
        }
        around
    }

    fn base(
        &mut self,
        def: &BaseDef,
        level: &Level,
    ) -> Option<(Prefix, usize, Arc<dyn Middleware>)> {
        let prefix = self.prefix_under(&def.prefix, level, def.place)?;
        let number = self.bases_len;
        self.bases_len += 1;
        self.bases.insert(&prefix, number);
        Some((prefix, number, Arc::clone(&def.middleware)))
    }

    fn add_mount(
        &mut self,
        mount: &MountDef,
        level: &Level,
        scope: usize,
        around: &[Candidate],
        body_bytes_max: Option<u64>,
    ) {
        let Some(prefix) = self.prefix_under(&mount.prefix, level, mount.place) else { return };
        if mount.app.settings != self.settings && mount.app.settings != Settings::new() {
            let what = "path case and trailing slash are settings of the whole application; \
                        the mount's differ";
            self.problems.push(Problem::new(what, mount.place));
        }
        let inner = Level { prefix, parent: Some(scope), around: around.to_vec(), body_bytes_max };
        self.add_app(&mount.app, &inner);
    }

    fn add_route(
        &mut self,
        def: &RouteDef,
        level: &Level,
        scope: usize,
        around: &[Candidate],
        body_bytes_max: Option<u64>,
    ) {
        let pattern = Pattern::parse(&def.pattern).and_then(|own| own.under(&level.prefix));
        let Some(pattern) = self.checked(pattern, def.place) else { return };
        let mut steps: Vec<_> =
            around.iter().filter_map(|step| step.around(&pattern, self.settings)).collect();
        let own = def.middleware.iter().map(Arc::clone);
        steps.extend(own.map(|middleware| FrozenStep { middleware, condition: None }));
        match self.builder.insert(def.method.clone(), pattern, self.routes.len()) {
            Ok(_) => {
                self.places.push(def.place);
                self.routes.push(FrozenRoute {
                    steps,
                    handler: Arc::clone(&def.handler),
                    body_bytes_max: def.options.body_bytes_max.or(body_bytes_max),
                    deadline: def.options.deadline,
                    scope,
                });
            }
            Err(error) => {
                let mut what = error.to_string();
                if let InsertError::Duplicate { first, .. } = error
                    && let Some(place) = self.places.get(first)
                {
                    what = format!("{what}, at {place}");
                }
                self.problems.push(Problem::new(what, def.place));
            }
        }
    }

    fn prefix_under(
        &mut self,
        text: &str,
        level: &Level,
        place: &'static Location<'static>,
    ) -> Option<Prefix> {
        let own = self.checked(Prefix::parse(text), place)?;
        let whole = match (level.prefix.text(), own.text()) {
            ("/", own) => own.to_owned(),
            (outer, "/") => outer.to_owned(),
            (outer, own) => format!("{outer}{own}"),
        };
        self.checked(Prefix::parse(&whole), place)
    }

    fn checked<T>(
        &mut self,
        result: std::result::Result<T, PatternError>,
        place: &'static Location<'static>,
    ) -> Option<T> {
        result.map_err(|error| self.problems.push(Problem::new(error.to_string(), place))).ok()
    }

    fn finish(self, app: App) -> io::Result<Frozen> {
        if !self.problems.is_empty() {
            let lines: Vec<_> = self.problems.iter().map(ToString::to_string).collect();
            let text = format!("the application has mistakes:\n{}", lines.join("\n"));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(Frozen {
            router: self.builder.build(),
            routes: self.routes,
            outer: self.outer,
            bases: self.bases,
            scopes: self.scopes,
            mounts: self.mounts,
            shared: self.shared,
            makers: self.makers,
            on_start: self.on_start,
            on_stop: self.on_stop,
            config: app.config,
            mode: app.mode,
        })
    }
}

impl Candidate {
    /// The step around a route, unless its base path never covers the route.
    fn around(&self, pattern: &Pattern, settings: Settings) -> Option<FrozenStep> {
        let middleware = Arc::clone(&self.middleware);
        let Some((prefix, number)) = &self.base else {
            return Some(FrozenStep { middleware, condition: None });
        };
        match prefix.covers(pattern, settings.path_case) {
            Coverage::Always => Some(FrozenStep { middleware, condition: None }),
            Coverage::Sometimes => Some(FrozenStep { middleware, condition: Some(*number) }),
            Coverage::Never => None,
        }
    }

    fn conditional(&self) -> FrozenStep {
        let middleware = Arc::clone(&self.middleware);
        FrozenStep { middleware, condition: self.base.as_ref().map(|(_, number)| *number) }
    }
}
