//! From what was registered to what is served: mounts are flattened into one table, base paths are decided
//! where the patterns decide them, and every mistake is found.

use super::{App, BaseDef, HostDef, MountDef, RouteDef};
use crate::dispatch::{
    COLLECTED_BYTES_MAX, Frozen, FrozenRoute, FrozenSite, FrozenStep, Hook, Scope, Tier,
};
use crate::error::Result;
use crate::middleware::Middleware;
use crate::router::{
    Coverage, HostPattern, HostTable, InsertError, MethodMatch, Pattern, PatternError, Prefix,
    PrefixSet, RouterBuilder, Settings, sort_few,
};
use crate::state::SharedState;
use http::Method;
use shikra_engine::body::Oversize;
use shikra_engine::config::Readiness;
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

/// Freezes an application for a server that is yet to start.
///
/// # Errors
/// All mistakes at once, as one text.
pub(crate) fn freeze(app: App) -> io::Result<Frozen> {
    // Of this server alone, though clones of the application may run on others.
    freeze_for(app, Readiness::default())
}

/// Freezes an application for the server of this readiness.
///
/// # Errors
/// As [`freeze`].
pub(super) fn freeze_for(mut app: App, readiness: Readiness) -> io::Result<Frozen> {
    app.config.readiness = readiness.clone();
    app.shared.insert(readiness);
    let mut freezer = Freezer::default();
    freezer.add_site(&app, Around { apps: &[], settings: Settings::new(), default_port: None });
    freezer.finish(app)
}

/// A setting of the whole server in a part of the application, where it would have no effect.
fn server_problem(app: &App) -> Option<Problem> {
    let what = "a mount or host has no limits, workers or signals of its own: set them on the \
                application around it";
    app.server_place.map(|place| Problem::new(what, place))
}

/// All sites: the application, and its host children.
#[derive(Default)]
struct Freezer {
    /// A site stands here before its children, and is complete after them.
    sites: Vec<Option<FrozenSite>>,
    problems: Vec<Problem>,
    on_start: Vec<Hook>,
    on_stop: Vec<Hook>,
}

/// What a site takes over from the applications around it.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Outermost first.
    apps: &'a [&'a App],
    settings: Settings,
    default_port: Option<u16>,
}

impl Freezer {
    fn add_site(&mut self, app: &App, around: Around<'_>) -> usize {
        let Around { apps, mut settings, default_port } = around;
        // VA-010: the child wins, setting by setting.
        if let Some(path_case) = app.path_case {
            settings = settings.with_path_case(path_case);
        }
        if let Some(trailing_slash) = app.trailing_slash {
            settings = settings.with_trailing_slash(trailing_slash);
        }
        let default_port = app.default_port.or(default_port);
        let index = self.sites.len();
        self.sites.push(None);
        let mut site = SiteFreezer::new(settings);
        let mut level = Level::root();
        for app in apps {
            level = site.enter(app, &level).0;
        }
        site.add_root(app, &level);
        let no_such_method = site.add_no_such_method();
        let apps: Vec<_> = apps.iter().copied().chain([app]).collect();
        let hosts =
            self.add_hosts(index, &app.hosts, Around { apps: &apps, settings, default_port });
        self.problems.append(&mut site.problems);
        self.on_start.append(&mut site.on_start);
        self.on_stop.append(&mut site.on_stop);
        self.sites[index] = Some(site.finish(hosts, no_such_method));
        index
    }

    fn add_hosts(
        &mut self,
        parent: usize,
        defs: &[HostDef],
        around: Around<'_>,
    ) -> Option<HostTable> {
        let mut hosts = HostTable::new();
        // By the number of their site.
        let mut taken: Vec<(usize, &HostDef)> = Vec::new();
        for def in defs {
            self.problems.extend(server_problem(&def.app));
            self.problems.extend(def.app.whole.problems_inside());
            let child = self.add_site(&def.app, around);
            if let Some(Some(site)) = self.sites.get_mut(child) {
                site.host.clone_from(&def.pattern);
                site.parent = Some(parent);
            }
            let pattern = match HostPattern::parse(&def.pattern) {
                Ok(pattern) => pattern,
                Err(problem) => {
                    let what = format!("the host pattern `{}`: {problem}", def.pattern);
                    self.problems.push(Problem::new(what, def.place));
                    continue;
                }
            };
            match hosts.insert(&pattern, around.default_port, child) {
                Ok(()) => taken.push((child, def)),
                Err(first) => {
                    let mut what = format!("the host `{}` is already registered", def.pattern);
                    if let Some((_, first)) = taken.iter().find(|(child, _)| *child == first) {
                        what = format!("{what} as `{}`, at {}", first.pattern, first.place);
                    }
                    self.problems.push(Problem::new(what, def.place));
                }
            }
        }
        (!defs.is_empty()).then_some(hosts)
    }

    fn finish(mut self, app: App) -> io::Result<Frozen> {
        let proxies = app.whole.proxies.as_ref().map(|placed| Arc::clone(&placed.value));
        let mut observe = app.observe;
        observe.request_ids = observe.request_ids.map(|(ids, place)| {
            if ids.means_proxies() && proxies.is_none() {
                let what = "request ids of trusted proxies, and `trust_proxy` names none";
                self.problems.push(Problem::new(what, place));
            }
            (ids.with_proxies(proxies.clone()), place)
        });
        // An application that is mounted twice has the same mistake twice.
        let mut lines: Vec<_> = Vec::new();
        for line in self.problems.iter().map(ToString::to_string) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if !lines.is_empty() {
            let text = format!("the application has mistakes:\n{}", lines.join("\n"));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let sites = self.sites.into_iter().flatten().map(|mut site| {
            site.proxies = proxies.clone();
            site.overrides_method = app.whole.method_override.is_some();
            Arc::new(site)
        });
        Ok(Frozen {
            sites: sites.collect(),
            on_start: self.on_start,
            on_stop: self.on_stop,
            config: app.config,
            mode: app.mode,
            observe,
        })
    }
}

/// Where in the tree of mounts an application stands.
#[derive(Clone)]
struct Level {
    prefix: Prefix,
    is_mount: bool,
    parent: Option<usize>,
    /// What the applications around put around everything: globals, then base paths.
    around: Vec<Candidate>,
    body_bytes_max: Option<u64>,
    oversize: Option<Oversize>,
}

/// A middleware that stands around a route if its base path covers it.
#[derive(Clone)]
struct Candidate {
    middleware: Arc<dyn Middleware>,
    base: Option<(Prefix, usize)>,
    /// The number of segments that it stands under.
    depth: u16,
    tier: Tier,
    below: Arc<str>,
}

/// One site while it grows.
struct SiteFreezer {
    builder: RouterBuilder<usize>,
    /// Handlers for methods that a path does not have; they join a copy of the table at the end.
    no_such_method: Vec<(Pattern, FrozenRoute, &'static Location<'static>)>,
    settings: Settings,
    routes: Vec<FrozenRoute>,
    places: Vec<&'static Location<'static>>,
    connect: Option<usize>,
    bases: PrefixSet<usize>,
    bases_len: usize,
    scopes: Vec<Scope>,
    mounts: PrefixSet<usize>,
    root: usize,
    problems: Vec<Problem>,
    on_start: Vec<Hook>,
    on_stop: Vec<Hook>,
}

impl Level {
    fn root() -> Self {
        let prefix = Prefix::parse("/").expect("the root is a prefix");
        let (parent, around) = (None, Vec::new());
        Self { prefix, is_mount: false, parent, around, body_bytes_max: None, oversize: None }
    }
}

impl SiteFreezer {
    fn new(settings: Settings) -> Self {
        Self {
            builder: RouterBuilder::new(settings),
            no_such_method: Vec::new(),
            settings,
            routes: Vec::new(),
            places: Vec::new(),
            connect: None,
            bases: PrefixSet::new(settings.path_case),
            bases_len: 0,
            scopes: Vec::new(),
            mounts: PrefixSet::new(settings.path_case),
            root: 0,
            problems: Vec::new(),
            on_start: Vec::new(),
            on_stop: Vec::new(),
        }
    }

    /// Adds the application that the site is for.
    fn add_root(&mut self, app: &App, level: &Level) {
        let (inner, scope) = self.enter(app, level);
        self.root = scope;
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.outer = inner.around.iter().map(Candidate::conditional).collect();
            scope.no_host = app.scopes.no_host.as_ref().map(|placed| Arc::clone(&placed.value));
        }
        self.add_content(app, &inner, scope);
    }

    /// Adds an application below a prefix.
    fn add_mounted(&mut self, app: &App, level: &Level) {
        let hosts = app.hosts.iter().map(|def| def.place);
        let no_host = app.scopes.no_host.iter().map(|placed| placed.place);
        for place in hosts.chain(no_host) {
            let what = "a mounted application has no hosts: they are asked before the path";
            self.problems.push(Problem::new(what, place));
        }
        self.problems.extend(server_problem(app));
        self.problems.extend(app.whole.problems_inside());
        let (inner, scope) = self.enter(app, level);
        // CF-21: its middleware stands around what lies below it and no route answers. What is mounted at
        // `/` has nothing below it of its own, so there the application around it decides.
        let outer = level.parent.and_then(|parent| self.scopes.get(parent));
        let outer = match outer.filter(|outer| outer.depth == depth(&level.prefix)) {
            Some(outer) => outer.outer.clone(),
            None => inner.around.iter().map(Candidate::conditional).collect(),
        };
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.outer = outer;
        }
        self.add_content(app, &inner, scope);
    }

    /// Opens the scope of an application, and gives the level inside it.
    fn enter(&mut self, app: &App, level: &Level) -> (Level, usize) {
        let scope = self.scopes.len();
        let scopes = &app.scopes;
        let catches = scopes.catches.iter();
        let not_found_for = scopes.not_found_for.iter().map(|placed| placed.value.clone());
        self.scopes.push(Scope {
            parent: level.parent,
            depth: depth(&level.prefix),
            catches: catches.map(|(_, placed)| Arc::clone(&placed.value)).collect(),
            on_error: scopes.on_error.as_ref().map(|placed| Arc::clone(&placed.value)),
            logger: scopes.logger.as_ref().map(|placed| Arc::clone(&placed.value)),
            no_host: None,
            not_found_for: not_found_for.collect(),
            not_found: scopes.not_found.as_ref().map(|placed| Arc::clone(&placed.value)),
            unmatched: scopes.unmatched.as_ref().map(|placed| Arc::clone(&placed.value)),
            outer: Vec::new(),
            shared: SharedState::default(),
            makers: Vec::new(),
            places: scopes.places(&level.prefix),
        });
        self.mounts.insert(&level.prefix, scope);
        let around = self.around(app, level);
        let body_bytes_max = app.body_bytes_max.or(level.body_bytes_max);
        let oversize = app.oversize.or(level.oversize);
        let prefix = level.prefix.clone();
        let is_mount = level.is_mount;
        let parent = Some(scope);
        (Level { prefix, is_mount, parent, around, body_bytes_max, oversize }, scope)
    }

    /// Adds what an application brings into its site.
    fn add_content(&mut self, app: &App, level: &Level, scope: usize) {
        self.problems.extend(app.problems.iter().cloned());
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.shared = app.shared.clone();
            scope.makers = app.makers.clone();
        }
        self.on_start.extend(app.on_start.iter().cloned());
        self.on_stop.extend(app.on_stop.iter().cloned());
        for route in &app.routes {
            self.add_route(route, level, scope);
        }
        for def in &app.no_such_method {
            if let Some((pattern, route)) = self.frozen_route(def, level, scope) {
                self.no_such_method.push((pattern, route, def.place));
            }
        }
        for mount in &app.mounts {
            self.add_mount(mount, level);
        }
    }

    /// What stands around the routes of an application, outermost first: what stands around it, then
    /// its globals, then its base paths, shorter ones first.
    fn around(&mut self, app: &App, level: &Level) -> Vec<Candidate> {
        let mut around = level.around.clone();
        let tier = if level.is_mount { Tier::Mount } else { Tier::Global };
        let below: Arc<str> = level.prefix.text().into();
        let outer = depth(&level.prefix);
        around.extend(app.globals.iter().map(|middleware| Candidate {
            middleware: Arc::clone(middleware),
            base: None,
            depth: outer,
            tier,
            below: Arc::clone(&below),
        }));
        let mut bases: Vec<_> =
            app.bases.iter().filter_map(|base| self.base(base, level)).collect();
        sort_few(&mut bases, |(a, ..), (b, ..)| a.len() < b.len());
        for (prefix, number, middleware) in bases {
            let (depth, below) = (depth(&prefix), prefix.text().into());
            let base = Some((prefix, number));
            around.push(Candidate { middleware, base, depth, tier: Tier::Base, below });
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

    fn add_mount(&mut self, mount: &MountDef, level: &Level) {
        let Some(prefix) = self.prefix_under(&mount.prefix, level, mount.place) else { return };
        let Settings { path_case, trailing_slash, .. } = self.settings;
        if mount.app.path_case.is_some_and(|own| own != path_case)
            || mount.app.trailing_slash.is_some_and(|own| own != trailing_slash)
        {
            let what = "path case and trailing slash are settings of the whole application; \
                        the mount's differ";
            self.problems.push(Problem::new(what, mount.place));
        }
        self.add_mounted(&mount.app, &Level { prefix, is_mount: true, ..level.clone() });
    }

    fn add_route(&mut self, def: &RouteDef, level: &Level, scope: usize) {
        let Some((pattern, route)) = self.frozen_route(def, level, scope) else { return };
        if def.method == MethodMatch::One(Method::CONNECT) {
            return self.add_connect(&pattern, route, def.place);
        }
        match self.builder.insert(def.method.clone(), pattern, self.routes.len()) {
            Ok(_) => {
                self.places.push(def.place);
                self.routes.push(route);
            }
            Err(error) => self.refuse(&error, "", def.place),
        }
    }

    /// CF-74: the target of `CONNECT` has no path, so its route stands beside the table.
    fn add_connect(
        &mut self,
        pattern: &Pattern,
        mut route: FrozenRoute,
        place: &'static Location<'static>,
    ) {
        let what = if pattern.text() != "*" || route.scope != self.root {
            "a CONNECT has no path: its route is `*`, of the application itself or a host child"
                .into()
        } else if let Some(first) = self.connect.and_then(|first| self.places.get(first)) {
            format!("CONNECT * is already registered, at {first}")
        } else {
            // No base path covers it.
            route.steps.retain(|step| step.condition.is_none());
            self.connect = Some(self.routes.len());
            self.places.push(place);
            self.routes.push(route);
            return;
        };
        self.problems.push(Problem::new(what, place));
    }

    fn frozen_route(
        &mut self,
        def: &RouteDef,
        level: &Level,
        scope: usize,
    ) -> Option<(Pattern, FrozenRoute)> {
        let pattern = Pattern::parse(&def.pattern).and_then(|own| own.under(&level.prefix));
        let pattern = self.checked(pattern, def.place)?;
        let mut steps: Vec<_> =
            level.around.iter().filter_map(|step| step.around(&pattern, self.settings)).collect();
        // CF-38: whoever says what becomes of large bodies means streams too.
        let unset_max = level.oversize.map(|_| COLLECTED_BYTES_MAX);
        let depth = depth(&level.prefix);
        let below: Arc<str> = pattern.text().into();
        steps.extend(def.middleware.iter().map(|middleware| FrozenStep {
            middleware: Arc::clone(middleware),
            condition: None,
            depth,
            tier: Tier::Route,
            below: Arc::clone(&below),
        }));
        let route = FrozenRoute {
            steps,
            handler: Arc::clone(&def.handler),
            body_bytes_max: def.options.body_bytes_max.or(level.body_bytes_max).or(unset_max),
            oversize: level.oversize.unwrap_or_default(),
            deadline: def.options.deadline,
            logger: def.logger.clone(),
            place: def.place,
            scope,
            depth,
        };
        Some((pattern, route))
    }

    fn refuse(
        &mut self,
        error: &InsertError<usize>,
        whose: &str,
        place: &'static Location<'static>,
    ) {
        let mut what = format!("{whose}{error}");
        if let InsertError::Duplicate { first, .. } = error
            && let Some(first) = self.places.get(*first)
        {
            what = format!("{what}, at {first}");
        }
        self.problems.push(Problem::new(what, place));
    }

    /// The table with the handlers for methods that a path does not have, as routes for all methods:
    /// what it finds beyond the other table is one of them. Both number their common routes alike.
    fn add_no_such_method(&mut self) -> Option<RouterBuilder<usize>> {
        if self.no_such_method.is_empty() {
            return None;
        }
        let mut builder = self.builder.clone();
        for (pattern, route, place) in std::mem::take(&mut self.no_such_method) {
            match builder.insert(MethodMatch::Any, pattern, self.routes.len()) {
                Ok(_) => {
                    self.places.push(place);
                    self.routes.push(route);
                }
                Err(error) => self.refuse(&error, "the handler for other methods: ", place),
            }
        }
        Some(builder)
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

    fn finish(
        self,
        hosts: Option<HostTable>,
        no_such_method: Option<RouterBuilder<usize>>,
    ) -> FrozenSite {
        FrozenSite {
            host: String::new(),
            parent: None,
            hosts,
            router: self.builder.build(),
            with_no_such_method: no_such_method.map(RouterBuilder::build),
            routes: self.routes,
            connect: self.connect,
            bases: self.bases,
            scopes: self.scopes,
            mounts: self.mounts,
            proxies: None,
            overrides_method: false,
            root: self.root,
        }
    }
}

impl Candidate {
    /// The step around a route, unless its base path never covers the route.
    fn around(&self, pattern: &Pattern, settings: Settings) -> Option<FrozenStep> {
        let coverage =
            self.base.as_ref().map(|(prefix, _)| prefix.covers(pattern, settings.path_case));
        match coverage {
            None | Some(Coverage::Always) => {
                Some(FrozenStep { condition: None, ..self.conditional() })
            }
            Some(Coverage::Sometimes) => Some(self.conditional()),
            Some(Coverage::Never) => None,
        }
    }

    fn conditional(&self) -> FrozenStep {
        FrozenStep {
            middleware: Arc::clone(&self.middleware),
            condition: self.base.as_ref().map(|(_, number)| *number),
            depth: self.depth,
            tier: self.tier,
            below: Arc::clone(&self.below),
        }
    }
}

/// Patterns have far fewer segments than fit.
fn depth(prefix: &Prefix) -> u16 {
    u16::try_from(prefix.len()).unwrap_or(u16::MAX)
}
