//! The engine: templates by name, plugins and settings.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::Error;
use crate::limits::Limits;
use crate::loader::Loader;
use crate::minify::{Minifier, Minify};
use crate::name;
use crate::plugin::{Plugin, Typed, check_name};
use crate::program::Program;
use crate::render::Render;
use crate::shared::Shared;
use crate::text::Text;
use crate::value::{Object, Value};
use crate::vm::Machine;
use crate::warning::Warning;

/// Compiles templates, keeps them, and renders pages with them.
///
/// An engine is shared freely between threads, and any number of pages may be rendered at once.
/// Clones share the compiled templates until one of them is configured differently.
///
/// ```
/// use shikra_template::{Engine, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let engine = Engine::new();
/// engine.add("layouts/default", "<h1>{{ heading }}</h1><main>@yield('main')</main>")?;
/// engine.add("views/home", "@layout('default', { heading: 'Prices' })@block('main')For {{ name }}@endblock")?;
/// let page = engine.render("views/home", &context! { name: "A & B" })?;
/// assert_eq!(page, "<h1>Prices</h1><main>For A &amp; B</main>");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl Engine {
    /// Makes an engine without templates. Layouts are looked for under `layouts/`, components
    /// under `components/`.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            limits: Limits::default(),
            strict: false,
            notify: None,
            plugins: HashMap::new(),
            defaults: Object::new(),
            layouts: Some(Text::from_static("layouts")),
            components: Some(Text::from_static("components")),
            minify: None,
            loader: None,
            programs: RwLock::default(),
        };
        let mut engine = Self { shared: Arc::new(shared) };
        // Whoever knows a nonce registers the real one, here or for a single rendering.
        engine.register("generateNonce", || "");
        engine.set_default("nonce", "");
        engine
    }

    /// Looks for templates that were not added by hand with a loader.
    ///
    /// ```
    /// use shikra_template::{Engine, context};
    ///
    /// # fn main() -> Result<(), shikra_template::Error> {
    /// let engine = Engine::new().with_loader(|name: &str| -> Result<_, std::io::Error> {
    ///     Ok((name == "hello").then(|| "Hello {{ name }}".to_owned()))
    /// });
    /// assert_eq!(engine.render("hello", &context! { name: "Ann" })?, "Hello Ann");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_loader(mut self, loader: impl Loader) -> Self {
        self.shared_mut().loader = Some(Arc::new(loader));
        self
    }

    /// Sets the directory of layouts. Default: `layouts`.
    #[must_use]
    pub fn with_layouts(mut self, directory: &str) -> Self {
        self.shared_mut().layouts = Some(directory.into());
        self
    }

    /// Does without layouts: `@layout` and the tags of blocks vanish, with a warning, and the
    /// contents of blocks stay in place.
    #[must_use]
    pub fn without_layouts(mut self) -> Self {
        self.shared_mut().layouts = None;
        self
    }

    /// Sets the directory of components. Default: `components`.
    #[must_use]
    pub fn with_components(mut self, directory: &str) -> Self {
        self.shared_mut().components = Some(directory.into());
        self
    }

    /// Does without components: `@component` vanishes, with a warning.
    #[must_use]
    pub fn without_components(mut self) -> Self {
        self.shared_mut().components = None;
        self
    }

    /// Sets what templates and renderings may cost.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.shared_mut().limits = limits;
        self
    }

    /// Makes errors of what a page otherwise survives: unknown names, members of something
    /// absent, unknown and failing plugins. Left of `?.` and `??` absence is still expected.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.shared_mut().strict = true;
        self
    }

    /// Shortens what pages put out. Default: nothing is shortened.
    #[must_use]
    pub fn with_minify(mut self, minify: Minify) -> Self {
        self.shared_mut().minify = Some(minify);
        self
    }

    /// Calls a function with what a page survives, for a log: unknown names and plugins, members
    /// of something absent, plugins that failed.
    #[must_use]
    pub fn on_notice(mut self, notify: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.shared_mut().notify = Some(Arc::new(notify));
        self
    }

    /// Registers a plugin for all templates; a later one of the same name replaces it.
    ///
    /// # Panics
    ///
    /// If the name is none that a template can call, or belongs to the language (`raw`).
    #[track_caller]
    pub fn register<A: 'static>(
        &mut self,
        name: &str,
        plugin: impl Plugin<A> + Send + Sync,
    ) -> &mut Self {
        if let Err(message) = check_name(name) {
            panic!("{message}");
        }
        self.shared_mut().plugins.insert(Text::from(name), Arc::new(Typed::new(plugin)));
        self
    }

    /// Gives a value to a name for the case that neither data nor `@set` define it.
    ///
    /// # Panics
    ///
    /// If the name is none that a template can write.
    #[track_caller]
    pub fn set_default(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        if let Err(message) = check_name(name) {
            panic!("{message}");
        }
        self.shared_mut().defaults.insert(name, value);
        self
    }

    /// Compiles a template and keeps it under a name, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// The name is refused, or the source does not follow the language; an earlier template of
    /// the name stays.
    pub fn add(&self, name: &str, source: &str) -> Result<Template, Error> {
        name::check(name)?;
        let program = self.shared.compile(Text::from(name), source)?;
        self.shared.keep(&program);
        Ok(Template { program })
    }

    /// Gives a compiled template, and loads it first if need be.
    ///
    /// # Errors
    ///
    /// There is no such template, or it does not compile.
    pub fn template(&self, name: &str) -> Result<Template, Error> {
        name::check(name)?;
        self.shared.program(name).map(|program| Template { program })
    }

    /// Renders a template to text. `data` is an object; anything else is no data.
    ///
    /// # Errors
    ///
    /// What fails the page: a template that is missing or does not compile, a loop over something
    /// that is no list, a breach of a limit, in strict mode also what [`Engine::strict`] lists.
    pub fn render(&self, name: &str, data: &Value) -> Result<String, Error> {
        self.begin(self.program(name)?, data).finish()
    }

    /// Begins a page that is rendered piece by piece, or with plugins of its own.
    ///
    /// # Errors
    ///
    /// The template is missing or does not compile.
    pub fn start(&self, name: &str, data: &Value) -> Result<Render, Error> {
        Ok(self.begin(self.program(name)?, data))
    }

    fn program(&self, name: &str) -> Result<Arc<Program>, Error> {
        // Names of templates that are kept have been checked.
        if let Some(program) = self.shared.kept(name) {
            return Ok(program);
        }
        name::check(name)?;
        self.shared.program(name)
    }

    #[inline]
    fn begin(&self, program: Arc<Program>, data: &Value) -> Render {
        let len_expected = program.len_expected.load(Ordering::Relaxed);
        // A page of the same size as the last one fits without growing.
        let len_expected = len_expected.min(LEN_EXPECTED_MAX) + LEN_SPARE;
        let minifier = self.shared.minify.map(Minifier::new);
        Render::new(Machine::new(Arc::clone(&self.shared), program, data), minifier, len_expected)
    }

    /// Forgets a template, so that the next use loads it again. Pages that are being rendered
    /// keep the template that they began with.
    pub fn invalidate(&self, name: &str) {
        self.shared.programs.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Forgets all templates, those added by hand included.
    pub fn invalidate_all(&self) {
        self.shared.programs.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Gives the warnings of all templates that are compiled now, in the order of their names.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let programs = self.shared.programs.read().unwrap_or_else(PoisonError::into_inner);
        let mut programs: Vec<_> = programs.values().collect();
        programs.sort_by(|a, b| a.name.cmp(&b.name));
        programs.into_iter().flat_map(|program| program.warnings.iter().cloned()).collect()
    }

    fn shared_mut(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.shared)
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("limits", &self.shared.limits)
            .field("strict", &self.shared.strict)
            .field("minify", &self.shared.minify)
            .field("layouts", &self.shared.layouts)
            .field("components", &self.shared.components)
            .finish_non_exhaustive()
    }
}

/// Shows a compiled template.
#[derive(Clone)]
pub struct Template {
    program: Arc<Program>,
}

impl Template {
    /// Gives the name of the template.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Gives what is worth a second look.
    ///
    /// ```
    /// use shikra_template::Engine;
    ///
    /// # fn main() -> Result<(), shikra_template::Error> {
    /// let template = Engine::new().add("index", r#"<a href="{{ url }}">go</a>"#)?;
    /// let place = template.warnings()[0].place();
    /// assert_eq!((place.line(), place.column()), (1, 10));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.program.warnings
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("name", &self.program.name).finish_non_exhaustive()
    }
}

const LEN_EXPECTED_MAX: usize = 1 << 20;
const LEN_SPARE: usize = 256;
