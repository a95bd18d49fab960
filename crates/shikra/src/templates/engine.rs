//! Template engines of any kind.

use shikra_template::Value;
use std::any::Any;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;

/// A page on its way.
pub type Rendering<'a> =
    Pin<Box<dyn Future<Output = Result<String, Box<dyn StdError + Send + Sync>>> + 'a>>;

/// A template engine: what [`Request::render`](crate::Request::render) asks for a page.
///
/// [`Templates`](super::Templates) is the one that comes along. Any other needs one method; the data can be serialized,
/// so most engines take it as it is.
///
/// ```
/// use shikra::templates::{Engine, Rendering, Value};
/// use shikra::{App, testing::TestClient};
///
/// struct Echo;
///
/// impl Engine for Echo {
///     fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a> {
///         Box::pin(async move { Ok(format!("{view} {}", serde_json::to_string(data)?)) })
///     }
/// }
///
/// let mut app = App::new();
/// app.set_engine(Echo).get("/", async |req| req.render("home", &[("n", 1)]).await);
/// assert_eq!(TestClient::new(app).get("/").send().text(), r#"home [["n",1]]"#);
/// ```
pub trait Engine: Any + Send + Sync {
    /// Renders a view to a page. The name comes as the handler wrote it; in a module it is `*module*/view`.
    ///
    /// # Errors
    /// What keeps the page from being whole; nothing of it is sent then.
    fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a>;
}
