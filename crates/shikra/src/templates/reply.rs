//! Views as replies.

use super::engine::Engine;
use super::views::{Templates, in_module};
use crate::app::App;
use crate::error::{Error, Result};
use crate::into_response::{Html, IntoResponse};
use crate::request::Request;
use crate::response::Response;
use crate::stream::stream;
use serde_core::Serialize;
use shikra_template::{Plugin, Progress, Render, Value};
use std::any::Any;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// The engine of an application.
#[derive(Clone)]
struct Installed(Arc<dyn Engine>);

impl App {
    /// Installs a template engine for [`Request::render`]; a later one takes its place.
    ///
    /// Mounted applications use that of the application around them, if that has one.
    ///
    /// ```
    /// use shikra::templates::Templates;
    /// use shikra::{App, testing::TestClient};
    ///
    /// let pages = Templates::new("views").with_embedded([("views/home.html", "<h1>Hi</h1>")]);
    /// let mut app = App::new();
    /// app.set_engine(pages).get("/", async |req| req.render("home", &()).await);
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    /// assert_eq!(reply.text(), "<h1>Hi</h1>");
    /// ```
    pub fn set_engine(&mut self, engine: impl Engine) -> &mut Self {
        self.replace_state(Installed(Arc::new(engine)));
        self
    }

    /// The template engine that is installed.
    #[must_use]
    pub fn engine(&self) -> Option<&dyn Engine> {
        self.shared_state::<Installed>().map(|installed| &*installed.0)
    }
}

impl Request {
    /// Answers with a view, as HTML. `data` is anything that can be serialized, or a
    /// [`context!`](crate::templates::context). Nothing is sent before the page is whole; one that takes
    /// long lets other requests have their turn.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    /// use shikra::{App, Request, Result, testing::TestClient};
    ///
    /// async fn book(req: Request) -> Result {
    ///     let id: u32 = req.param("id")?;
    ///     Ok(req.render("book", &context! { id }).await?.with_status(203))
    /// }
    ///
    /// let pages = Templates::new("views").with_embedded([("views/book.html", "Book {{ id }}")]);
    /// let client = TestClient::new(App::new().set_engine(pages).get("/books/:id", book));
    /// let reply = client.get("/books/7").send();
    /// assert_eq!((reply.status().as_u16(), &*reply.text()), (203, "Book 7"));
    /// ```
    ///
    /// # Errors
    /// 500 when no engine is installed, or what the engine says: its error is the cause.
    pub async fn render(&self, view: &str, data: &(impl Serialize + ?Sized)) -> Result<Response> {
        let data = Value::from_serialize(data)?;
        let Installed(engine) = self.installed()?;
        let page = match builtin(&*engine) {
            Some(templates) => {
                super::views::whole(self.dress(templates.start(view, &data)?)).await?
            }
            None => engine.render_view(view, &data).await.map_err(foreign)?,
        };
        Ok(Html(page).into_response())
    }

    /// Answers with a view that is rendered while it is sent, in pieces and no faster than the client takes it: for
    /// pages that are too long to have in memory.
    ///
    /// A mistake in the first 16 KiB is an error as in [`Request::render`]; a later one resets the
    /// connection. Engines other than [`Templates`] render the page whole.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    /// use shikra::{App, testing::TestClient};
    ///
    /// let pages = Templates::new("views")
    ///     .with_embedded([("views/count.html", "@for n in numbers\n{{ n }},\n@endfor")]);
    /// let mut app = App::new();
    /// app.set_engine(pages).get("/", async |req| {
    ///     let numbers: Vec<u32> = (0..10_000).collect();
    ///     req.render_stream("count", &context! { numbers }).await
    /// });
    /// let reply = TestClient::new(app).get("/").send();
    /// assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    /// assert!(reply.text().ends_with("9998,9999,"));
    /// ```
    ///
    /// # Errors
    /// As [`Request::render`].
    pub async fn render_stream(
        &self,
        view: &str,
        data: &(impl Serialize + ?Sized),
    ) -> Result<Response> {
        let data = Value::from_serialize(data)?;
        let Installed(engine) = self.installed()?;
        match builtin(&*engine) {
            Some(templates) => streamed(self.dress(templates.start(view, &data)?)),
            None => {
                let page = engine.render_view(view, &data).await.map_err(foreign)?;
                Ok(Html(page).into_response())
            }
        }
    }

    /// The views of a module, for this reply alone: [`Templates::new`] says where they are.
    ///
    /// ```
    /// use shikra::templates::{Templates, context};
    /// use shikra::{App, testing::TestClient};
    ///
    /// let files = [("modules/books/pages/home.html", "BK {{ t }}")];
    /// let mut app = App::new();
    /// app.set_engine(Templates::new("modules/**/pages").with_embedded(files));
    /// app.get("/", async |req| req.module("books").render("home", &context! { t: 1 }).await);
    /// assert_eq!(TestClient::new(app).get("/").send().text(), "BK 1");
    /// ```
    #[must_use]
    pub fn module<'a>(&'a self, module: &'a str) -> Module<'a> {
        Module { req: self, module }
    }

    /// The template engine of the application.
    ///
    /// ```
    /// use shikra::templates::Templates;
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.engine().is_some().to_string());
    /// let client = TestClient::new(app.clone());
    /// assert_eq!(client.get("/").send().text(), "false");
    /// assert_eq!(TestClient::new(app.set_engine(Templates::new("views"))).get("/").send().text(), "true");
    /// ```
    #[must_use]
    pub fn engine(&self) -> Option<&dyn Engine> {
        self.try_state::<Installed>().map(|installed| &*installed.0)
    }

    /// Makes a function callable in the pages of this request alone, before one of the engine with the
    /// same name: what belongs to one request, such as a nonce. For [`Templates`].
    ///
    /// ```
    /// use shikra::templates::Templates;
    /// use shikra::{App, Next, Request, testing::TestClient};
    ///
    /// let pages = Templates::new("views").with_embedded([("views/home.html", "for {{ user() }}")]);
    /// let mut app = App::new();
    /// app.set_engine(pages).use_(async |req: Request, next: Next| {
    ///     let name = req.header("x-user").unwrap_or("nobody").to_owned();
    ///     req.add_page_plugin("user", move || name.clone());
    ///     next.run(req).await
    /// });
    /// app.get("/", async |req| req.render("home", &()).await);
    /// let reply = TestClient::new(app).get("/").header("x-user", "ann").send();
    /// assert_eq!(reply.text(), "for ann");
    /// ```
    ///
    /// # Panics
    /// When a page is rendered, if the name is none that a template can call, or belongs to the language (`raw`).
    pub fn add_page_plugin<A: 'static>(&self, name: &str, plugin: impl Plugin<A> + Clone) {
        let name = name.to_owned();
        self.add_dressing(move |render| render.with_plugin(&name, plugin.clone()));
    }

    /// Gives a value to a name in the pages of this request alone, for the case that neither data nor
    /// `@set` define it. For [`Templates`].
    ///
    /// ```
    /// use shikra::templates::Templates;
    /// use shikra::{App, Next, Request, testing::TestClient};
    ///
    /// let pages = Templates::new("views").with_embedded([("views/home.html", "{{ path }}")]);
    /// let mut app = App::new();
    /// app.set_engine(pages).use_(async |req: Request, next: Next| {
    ///     req.set_page_default("path", req.path());
    ///     next.run(req).await
    /// });
    /// app.get("/a", async |req| req.render("home", &()).await);
    /// assert_eq!(TestClient::new(app).get("/a").send().text(), "&#47;a");
    /// ```
    ///
    /// # Panics
    /// When a page is rendered, if the name is none that a template can write.
    pub fn set_page_default(&self, name: &str, value: impl Into<Value>) {
        let (name, value) = (name.to_owned(), value.into());
        self.add_dressing(move |render| render.with_default(&name, value.clone()));
    }

    fn installed(&self) -> Result<Installed> {
        // HA-088
        let missing =
            || std::io::Error::other("no template engine configured: `app.set_engine(…)`");
        Ok(self.try_state::<Installed>().cloned().ok_or_else(missing)?)
    }

    fn add_dressing(&self, dressing: impl Fn(Render) -> Render + 'static) {
        if self.meta().get::<Dressings>().is_none() {
            self.meta().insert(Dressings::default());
        }
        if let Some(all) = self.meta().get::<Dressings>() {
            all.0.borrow_mut().push(Rc::new(dressing));
        }
    }

    /// Adds to a page what belongs to this request.
    fn dress(&self, render: Render) -> Render {
        let Some(all) = self.meta().get::<Dressings>() else { return render };
        let all = all.0.borrow().clone();
        all.iter().fold(render, |render, dressing| dressing(render))
    }
}

type Dressing = Rc<dyn Fn(Render) -> Render>;

/// What a request adds to its pages.
#[derive(Default)]
struct Dressings(RefCell<Vec<Dressing>>);

/// The views of a module: [`Request::module`].
#[derive(Clone, Copy)]
pub struct Module<'a> {
    req: &'a Request,
    module: &'a str,
}

impl fmt::Debug for Module<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("module", &self.module).finish_non_exhaustive()
    }
}

impl Module<'_> {
    /// Answers with a view of the module, as [`Request::render`].
    ///
    /// # Errors
    /// As [`Request::render`].
    pub async fn render(&self, view: &str, data: &(impl Serialize + ?Sized)) -> Result<Response> {
        self.req.render(&in_module(self.module, view), data).await
    }

    /// Answers with a view of the module while it is rendered, as [`Request::render_stream`].
    ///
    /// # Errors
    /// As [`Request::render`].
    pub async fn render_stream(
        &self,
        view: &str,
        data: &(impl Serialize + ?Sized),
    ) -> Result<Response> {
        self.req.render_stream(&in_module(self.module, view), data).await
    }
}

fn builtin(engine: &dyn Engine) -> Option<&Templates> {
    (engine as &dyn Any).downcast_ref()
}

fn foreign(error: Box<dyn StdError + Send + Sync>) -> Error {
    let cause: Box<dyn StdError> = error;
    Error::from_status(500).with_cause(cause).into_unexpected()
}

fn streamed(mut render: Render) -> Result<Response> {
    let mut first = String::with_capacity(PIECE_BYTES + PIECE_BYTES / 2);
    if render.resume(&mut first, PIECE_BYTES)? == Progress::Done {
        return Ok(Html(first).into_response());
    }
    let pieces = stream(async move |out| {
        out.write(first).await?;
        loop {
            let mut piece = String::with_capacity(PIECE_BYTES + PIECE_BYTES / 2);
            let progress = render.resume(&mut piece, PIECE_BYTES)?;
            out.write(piece).await?;
            if progress == Progress::Done {
                return Ok(());
            }
            // Pieces may be empty, and the client faster than the page.
            tokio::task::yield_now().await;
        }
    });
    Ok(Html(pieces).into_response())
}

/// What is rendered ahead of the client.
const PIECE_BYTES: usize = 16 * 1024;
