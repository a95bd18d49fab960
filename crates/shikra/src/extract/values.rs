//! The extractors that are types of their own; `Json` stands with the reply of that name.

use super::{FromRequest, OptionalFromRequest, params};
use crate::error::{Error, Result};
use crate::request::Request;
use crate::state::missing;
use serde_core::de::DeserializeOwned;

/// The parameters of the route, decoded and parsed: one value, a tuple in the order of the pattern, or a
/// struct by name. An optional parameter is an `Option`.
///
/// A value that does not parse is a 400 that names the parameter. A type that does not go with the pattern
/// is a mistake of the program: a logged 500.
///
/// ```
/// use serde::Deserialize;
/// use shikra::{App, Path, testing::TestClient, with};
///
/// #[derive(Deserialize)]
/// struct Place {
///     shelf: u8,
///     book: String,
/// }
///
/// let mut app = App::new();
/// app.get("/one/:n", with(async |_, Path(n): Path<u8>| n.to_string()));
/// app.get("/two/:a/:b?", with(async |_, Path((a, b)): Path<(u8, Option<u8>)>| format!("{a} {b:?}")));
/// app.get("/:shelf/:book", with(async |_, Path(Place { shelf, book })| format!("{book} on {shelf}")));
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/one/7").send().text(), "7");
/// assert_eq!(client.get("/two/7").send().text(), "7 None");
/// assert_eq!(client.get("/3/Emma").send().text(), "Emma on 3");
/// assert_eq!(client.get("/x/Emma").send().text(), "parameter `shelf`: invalid digit found in string");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    async fn from_request(req: &Request) -> Result<Self> {
        params::decode(req).map(Self)
    }
}

/// `None` where the route has no parameters, or all of them are left out.
impl<T: DeserializeOwned> OptionalFromRequest for Path<T> {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        match params::are_absent(req) {
            true => Ok(None),
            false => Self::from_request(req).await.map(Some),
        }
    }
}

/// The query as a value: a struct by name, a map, or a list of pairs. A key that occurs several times fills
/// a list.
///
/// What does not fit is a 400 that names the key. [`Request::query`] reads single keys.
///
/// ```
/// use serde::Deserialize;
/// use shikra::{App, Query, testing::TestClient, with};
///
/// #[derive(Deserialize)]
/// struct Find {
///     q: String,
///     #[serde(default)]
///     tag: Vec<String>,
/// }
///
/// let mut app = App::new();
/// app.get("/find", with(async |_, Query(find): Query<Find>| format!("{} {:?}", find.q, find.tag)));
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/find?q=a+b&tag=x&tag=y").send().text(), r#"a b ["x", "y"]"#);
/// assert_eq!(client.get("/find").send().text(), "query: missing field `q`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    async fn from_request(req: &Request) -> Result<Self> {
        req.query().to().map(Self)
    }
}

/// `None` without a query, or with an empty one.
impl<T: DeserializeOwned> OptionalFromRequest for Query<T> {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        match req.query_str().unwrap_or_default() {
            "" => Ok(None),
            _ => Self::from_request(req).await.map(Some),
        }
    }
}

/// The body as the fields of a form (`application/x-www-form-urlencoded`), at most 1,000.
///
/// A field that is missing or does not parse is a 422 that names it. See [`Request::form`].
///
/// ```
/// use serde::Deserialize;
/// use shikra::{App, Form, testing::TestClient, with};
///
/// #[derive(Deserialize)]
/// struct Login {
///     name: String,
/// }
///
/// let mut app = App::new();
/// app.post("/login", with(async |_, Form(login): Form<Login>| format!("hello {}", login.name)));
/// let client = TestClient::new(app);
/// assert_eq!(client.post("/login").form(&[("name", "Ada L")]).send().text(), "hello Ada L");
/// assert_eq!(client.post("/login").form(&[]).send().status(), 422);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    async fn from_request(req: &Request) -> Result<Self> {
        req.form().await.map(Self)
    }
}

/// `None` for an empty body.
impl<T: DeserializeOwned> OptionalFromRequest for Form<T> {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        match req.bytes().await?.is_empty() {
            true => Ok(None),
            false => Self::from_request(req).await.map(Some),
        }
    }
}

/// A copy of the application's state of type `T`, the worker's own before the shared one.
///
/// State that is costly to copy is put behind an `Arc`, or read in place with [`Request::state`]. Missing
/// state is a logged 500.
///
/// ```
/// use shikra::{App, State, testing::TestClient, with};
///
/// #[derive(Clone)]
/// struct Motto(&'static str);
///
/// let mut app = App::new();
/// app.state(Motto("festina lente")).get("/", with(async |_, State(motto): State<Motto>| motto.0));
/// assert_eq!(TestClient::new(app).get("/").send().text(), "festina lente");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<T>(pub T);

impl<T: Clone + 'static> FromRequest for State<T> {
    async fn from_request(req: &Request) -> Result<Self> {
        let state = req.try_state::<T>().cloned().map(Self);
        state.ok_or_else(|| Error::from(std::io::Error::other(missing::<T>())))
    }
}

/// `None` where the application has no such state.
impl<T: Clone + 'static> OptionalFromRequest for State<T> {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        Ok(req.try_state::<T>().cloned().map(Self))
    }
}
