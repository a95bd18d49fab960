//! Shikra's own templates: which file a view is, and what is set for all of them.

use super::engine::{Engine, Rendering};
use super::files::{Files, Loads, Reload, Source};
use serde_core::Serialize;
use shikra_template::{
    Engine as Language, Error, ErrorKind, Limits, Minify, Plugin, Progress, Render, Value, Warning,
};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Templates in files, in Shikra's own language.
///
/// A clone shares what was compiled. Views, layouts and components are named by their paths below their directories,
/// without the extension; imports by a path from the file that has them.
///
/// ```
/// use shikra::templates::Templates;
/// use shikra::{App, testing::TestClient};
///
/// #[derive(serde::Serialize)]
/// struct Shelf {
///     books: Vec<&'static str>,
/// }
///
/// # let project = tempfile::tempdir()?;
/// # std::fs::create_dir(project.path().join("views"))?;
/// # std::fs::write(
/// #     project.path().join("views/shelf.html"),
/// #     "@for book in books\n<li>{{ loud(book) }}</li>\n@endfor",
/// # )?;
/// // views/shelf.html: @for book in books
/// //                   <li>{{ loud(book) }}</li>
/// //                   @endfor
/// let templates = Templates::new("views")
///     .with_layouts("layouts")
///     .with_components("components")
///     .with_plugin("loud", |text: String| text.to_uppercase());
/// # let templates = templates.with_base(project.path());
/// let mut app = App::new();
/// app.set_engine(templates);
/// app.get("/", async |req| req.render("shelf", &Shelf { books: vec!["R&D"] }).await);
/// assert_eq!(TestClient::new(app).get("/").send().text(), "<li>R&amp;D</li>");
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct Templates {
    views: String,
    view_name: Option<String>,
    layouts: Option<String>,
    components: Option<String>,
    extension: String,
    source: Source,
    reload: Reload,
    language: Language,
    ready: Arc<OnceLock<Ready>>,
}

/// What is made of the settings at the first use.
struct Ready {
    language: Language,
    files: Arc<Files>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates")
            .field("views", &self.views)
            .field("view_name", &self.view_name)
            .field("extension", &self.extension)
            .field("reload", &self.reload)
            .finish_non_exhaustive()
    }
}

impl Templates {
    /// Templates whose views are in a directory below the base. `**` in it stands for a module:
    /// `modules/**/pages`.
    ///
    /// There are no layouts and no components before their directories are set.
    #[must_use]
    pub fn new(views: &str) -> Self {
        Self {
            views: directory(views),
            view_name: None,
            layouts: None,
            components: None,
            extension: ".html".to_owned(),
            source: Source::Directory(PathBuf::from(".")),
            reload: Reload::default(),
            language: Language::new()
                .without_layouts()
                .without_components()
                .on_notice(|notice| tracing::warn!(%notice, "a template")),
            ready: Arc::default(),
        }
    }

    /// Sets the directory of layouts. Without it `@layout` and the tags of blocks vanish, with a warning.
    #[must_use]
    pub fn with_layouts(mut self, layouts: &str) -> Self {
        let layouts = self.layouts.insert(directory(layouts)).clone();
        self.change(|language| language.with_layouts(&layouts))
    }

    /// Sets the directory of components. Without it `@component` vanishes, with a warning.
    #[must_use]
    pub fn with_components(mut self, components: &str) -> Self {
        let components = self.components.insert(directory(components)).clone();
        self.change(|language| language.with_components(&components))
    }

    /// Gives each view a directory of its own, in which its file has this name: with `page`, the view `home` is
    /// `views/home/page.html`.
    #[must_use]
    pub fn with_view_name(mut self, name: &str) -> Self {
        self.view_name = Some(name.to_owned());
        self.renew()
    }

    /// Sets the end of all file names. Default: `.html`.
    #[must_use]
    pub fn with_extension(mut self, extension: &str) -> Self {
        extension.clone_into(&mut self.extension);
        self.renew()
    }

    /// Sets the directory of the project, below which all others are, and which no template leaves: not by `..`, not by an
    /// absolute name, not through a link. Default: the working directory.
    #[must_use]
    pub fn with_base(mut self, base: impl AsRef<Path>) -> Self {
        self.source = Source::Directory(base.as_ref().to_owned());
        self.renew()
    }

    /// Takes the templates out of the program instead of files: pairs of a path below the base, with the
    /// extension, and a text. Nothing is read from the disk then.
    ///
    /// They may come from `include_str!`, or from a crate that embeds directories, such as `rust-embed`.
    /// [`Templates::precompile`] finds their mistakes at the start.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    ///
    /// let files = [("views/hello.html", "Hello {{ name }}@import('sign')"), ("views/sign.html", "!")];
    /// let templates = Templates::new("views").with_embedded(files);
    /// templates.precompile()?;
    /// assert_eq!(templates.render("hello", &context! { name: "Ann" })?, "Hello Ann!");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_embedded<P, T>(mut self, files: impl IntoIterator<Item = (P, T)>) -> Self
    where
        P: Into<String>,
        T: Into<Cow<'static, str>>,
    {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into()));
        self.source = Source::Embedded(Arc::new(files.collect()));
        self.renew()
    }

    /// Says whether changed files are noticed. Default: in debug builds.
    #[must_use]
    pub fn with_reload(mut self, reload: Reload) -> Self {
        self.reload = reload;
        self.renew()
    }

    /// Makes a function callable in all templates; a later one of the same name replaces it.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    ///
    /// let templates = Templates::new("views")
    ///     .with_embedded([("views/sum.html", "{{ sum(4, 38) }}")])
    ///     .with_plugin("sum", |a: f64, b: f64| a + b);
    /// assert_eq!(templates.render("sum", &context! {})?, "42");
    /// # Ok::<_, shikra::templates::TemplateError>(())
    /// ```
    ///
    /// # Panics
    /// If the name is none that a template can call, or belongs to the language (`raw`).
    #[track_caller]
    #[must_use]
    pub fn with_plugin<A: 'static>(
        mut self,
        name: &str,
        plugin: impl Plugin<A> + Send + Sync,
    ) -> Self {
        self.language.register(name, plugin);
        self.renew()
    }

    /// Shortens pages. Default: nothing is shortened.
    #[must_use]
    pub fn with_minify(self, minify: Minify) -> Self {
        self.change(|language| language.with_minify(minify))
    }

    /// Sets what templates and pages may cost.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        self.change(|language| language.with_limits(limits))
    }

    /// Makes errors of what a page otherwise survives: unknown names, members of something absent, unknown and
    /// failing plugins.
    #[must_use]
    pub fn strict(self) -> Self {
        self.change(Language::strict)
    }

    /// Calls a function with what a page survives. Default: a warning in the log.
    #[must_use]
    pub fn on_notice(self, notify: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.change(|language| language.on_notice(notify))
    }

    // Rendering.

    /// Renders a view.
    ///
    /// # Errors
    /// The view is missing or its name refused, it does not compile, or it fails; the data cannot be serialized.
    pub fn render(&self, view: &str, data: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.start(view, &Value::from_serialize(data)?)?.finish()
    }

    /// The views of a module, where the views have `**` in their directory.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    ///
    /// let files = [("modules/books/pages/home/page.html", "BK {{ t }}")];
    /// let templates =
    ///     Templates::new("modules/**/pages").with_view_name("page").with_embedded(files);
    /// assert_eq!(templates.module("books").render("home", &context! { t: 1 })?, "BK 1");
    /// # Ok::<_, shikra::templates::TemplateError>(())
    /// ```
    #[must_use]
    pub fn module<'a>(&'a self, module: &'a str) -> ViewsOf<'a> {
        ViewsOf { templates: self, module }
    }

    /// Renders a file by its path below the base, without the extension: a mail, say.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    ///
    /// let templates = Templates::new("views")
    ///     .with_extension(".txt")
    ///     .with_embedded([("mail/created.txt", "Hello {{ name }}")]);
    /// assert_eq!(templates.generate("mail/created", &context! { name: "Ann" })?, "Hello Ann");
    /// # Ok::<_, shikra::templates::TemplateError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn generate(&self, path: &str, data: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.start_file(path, &Value::from_serialize(data)?)?.finish()
    }

    /// Compiles all templates that there are now, and gives their warnings: for the start of a program, so that
    /// visitors do not find its mistakes.
    ///
    /// Of a directory it takes the views, layouts and components, of embedded files all.
    ///
    /// # Errors
    /// The first mistake, as the source of the error, or what keeps a directory from being read.
    pub fn precompile(&self) -> io::Result<Vec<Warning>> {
        let ready = self.ready();
        for name in ready.files.names(&self.directories())? {
            if self.is_ours(&name) {
                ready.language.template(&name).map_err(io::Error::other)?;
            }
        }
        Ok(ready.language.warnings())
    }

    /// The directories to look through for templates.
    fn directories(&self) -> Vec<&str> {
        let views = match self.views.split_once(MODULE) {
            Some((before, _)) => before.trim_end_matches('/'),
            None => &self.views,
        };
        let others = [self.layouts.as_deref(), self.components.as_deref()];
        std::iter::once(views).chain(others.into_iter().flatten()).collect()
    }

    /// Whether a file is a template: what a module has besides its views is its own business.
    fn is_ours(&self, name: &str) -> bool {
        let Source::Directory(_) = self.source else { return true };
        let Some((before, after)) = self.views.split_once(MODULE) else { return true };
        let module = name.strip_prefix(before).and_then(|rest| rest.split_once('/'));
        let is_view = module.is_some_and(|(_, rest)| {
            rest.starts_with(&format!("{}/", after.trim_start_matches('/')))
        });
        let mut others = [&self.layouts, &self.components].into_iter().flatten();
        is_view || others.any(|other| name.starts_with(&format!("{other}/")))
    }

    /// Begins a view.
    pub(super) fn start(&self, view: &str, data: &Value) -> Result<Render, Error> {
        self.start_file(&self.file_of(view)?, data)
    }

    fn start_file(&self, name: &str, data: &Value) -> Result<Render, Error> {
        let Ready { language, files } = self.ready();
        for changed in files.changed() {
            language.invalidate(&changed);
        }
        let render = language.start(name, data)?;
        if files.take_fresh() {
            log_warnings(&language.warnings(), files);
        }
        Ok(render)
    }

    /// The path of a view, below the base and without the extension.
    fn file_of(&self, view: &str) -> Result<String, Error> {
        let named = view.strip_prefix('*').and_then(|view| view.split_once("*/"));
        let (module, view) = match named.filter(|(module, _)| !module.is_empty()) {
            Some((module, view)) => (Some(module), view),
            None => (None, view),
        };
        let mut file = match (module, self.views.contains(MODULE)) {
            (_, false) => self.views.clone(),
            (Some(module), true) if is_plain(module) => self.views.replace(MODULE, module),
            (Some(_), true) => {
                return Err(Error::new(ErrorKind::Name, "the module's name is refused"));
            }
            (None, true) => {
                return Err(Error::new(ErrorKind::Name, "view path must include a module"));
            }
        };
        // Checked by itself: what is joined to it must not make up for what is wrong with it.
        if !view.split('/').all(is_plain) {
            let shown: String = view.chars().take(80).collect();
            let text = format!("{shown:?} is no name for a view");
            return Err(Error::new(ErrorKind::Name, text));
        }
        for part in std::iter::once(view).chain(self.view_name.as_deref()) {
            if !file.is_empty() {
                file.push('/');
            }
            file.push_str(part);
        }
        Ok(file)
    }

    fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| {
            let (source, extension) = (self.source.clone(), self.extension.clone());
            let files = Arc::new(Files::new(source, extension, self.reload));
            let language = self.language.clone().with_loader(Loads(Arc::clone(&files)));
            Ready { language, files }
        })
    }

    fn change(mut self, change: impl FnOnce(Language) -> Language) -> Self {
        self.language = change(self.language);
        self.renew()
    }

    /// What was compiled goes with the settings that it was compiled for.
    fn renew(mut self) -> Self {
        self.ready = Arc::default();
        self
    }
}

impl Engine for Templates {
    fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a> {
        Box::pin(async move { Ok(whole(self.start(view, data)?).await?) })
    }
}

/// The views of one module: [`Templates::module`].
#[derive(Clone, Copy, Debug)]
pub struct ViewsOf<'a> {
    templates: &'a Templates,
    module: &'a str,
}

impl ViewsOf<'_> {
    /// Renders a view of the module; where the views have no modules, one of all.
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn render(&self, view: &str, data: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.templates.render(&in_module(self.module, view), data)
    }
}

/// How a view of a module is written; one that names its module keeps that.
pub(super) fn in_module(module: &str, view: &str) -> String {
    if view.starts_with('*') { view.to_owned() } else { format!("*{module}*/{view}") }
}

/// Renders a page to its end. A long one lets others have their turn.
pub(super) async fn whole(mut render: Render) -> Result<String, Error> {
    let mut page = String::new();
    while render.resume(&mut page, TURN_BYTES)? == Progress::More {
        tokio::task::yield_now().await;
    }
    Ok(page)
}

fn log_warnings(warnings: &[Warning], files: &Files) {
    for warning in warnings {
        let text = warning.to_string();
        if files.is_news(&text) {
            tracing::warn!(warning = text, "a template");
        }
    }
}

/// One part of a path that is a name, and not a way out.
fn is_plain(part: &str) -> bool {
    let odd = |c: char| matches!(c, '/' | '\\') || c.is_control();
    !part.is_empty() && part != "." && part != ".." && !part.contains(odd)
}

/// A directory as names have it.
fn directory(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if path == "." { String::new() } else { path.to_owned() }
}

/// What stands for the module in the directory of views.
const MODULE: &str = "**";
/// What a page may put out before others have their turn.
const TURN_BYTES: usize = 64 * 1024;
