//! Extractors: parts of a request that are parsed ahead of the call of a handler.
//!
//! [`with`] turns a handler with a second parameter into one of a request alone. That parameter is one
//! extractor or a tuple of them; [`FromRequest`] lists them, and a type of one's own joins by implementing
//! it. What a request says of itself is read in `request`, which does all of the parsing; see
//! [`Request`](crate::Request).

mod params;
mod values;

pub use values::{Form, Path, Query, State};

use crate::error::{Error, Result};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;
use bytes::Bytes;

/// Makes a handler of one that also takes what is parsed ahead of its call: one extractor, or a tuple of
/// up to eight.
///
/// They are made one after another, in order; the first that fails answers, and the handler is not called.
/// A handler that has to look at the head before a byte of the body is read takes the request alone, and
/// calls [`Request::json`] and the like when it is ready.
///
/// ```
/// use shikra::{App, Json, Path, Request, Result, testing::TestClient, with};
///
/// async fn scale(_: Request, (Path(by), Json(list)): (Path<i64>, Json<Vec<i64>>)) -> Result<Json<Vec<i64>>> {
///     Ok(Json(list.into_iter().map(|n| n * by).collect()))
/// }
///
/// let mut app = App::new();
/// app.post("/scale/:by", with(scale)).get("/:n", with(async |_, Path(n): Path<u8>| n.to_string()));
/// let client = TestClient::new(app);
/// assert_eq!(client.post("/scale/3").json(&[1, 2]).send().text(), "[3,6]");
/// assert_eq!(client.get("/256").send().status(), 400);
/// ```
pub fn with<T, F, R>(handler: F) -> impl AsyncFn(Request) -> Response + Send + Sync + 'static
where
    F: AsyncFn(Request, T) -> R + Send + Sync + 'static,
    T: FromRequest + 'static,
    R: IntoResponse + 'static,
{
    async move |req: Request| match T::from_request(&req).await {
        Ok(value) => handler(req, value).await.into_response(),
        Err(error) => Response::from_error(error),
    }
}

/// A value that is made of a request, for [`with`].
///
/// | extractor | takes | when it does not fit |
/// |---|---|---|
/// | [`Path<T>`](Path) | the parameters of the route | 400 |
/// | [`Query<T>`](Query) | the query | 400 |
/// | `Json<T>` | the body, as JSON | 400 if it is none, 422 for another shape |
/// | [`Form<T>`](Form) | the body, as a form | 422 |
/// | `String`, `Bytes` | the body | 400 for text that is not UTF-8 |
/// | [`State<T>`](State) | a copy of the application's state | 500 |
/// | `Option<E>` | an extractor, or `None` where there is nothing to take | as `E` |
/// | `Result<E, Error>` | an extractor, or why it failed | never |
/// | `(A, B, …)` | up to eight extractors, in order | as the first that fails |
///
/// Bodies are collected once, so several extractors may read one body.
///
/// ```
/// use shikra::{App, FromRequest, OrStatus, Request, Result, testing::TestClient, with};
///
/// struct Token(String);
///
/// impl FromRequest for Token {
///     async fn from_request(req: &Request) -> Result<Self> {
///         Ok(Self(req.header("x-token").or_status(401)?.to_owned()))
///     }
/// }
///
/// let client = TestClient::new(App::new().get("/", with(async |_, Token(text): Token| text)));
/// assert_eq!(client.get("/").header("x-token", "t").send().text(), "t");
/// assert_eq!(client.get("/").send().status(), 401);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken out of a request",
    label = "this is no extractor",
    note = "take `Path<T>`, `Query<T>`, `Json<T>`, `Form<T>`, `State<T>`, `Bytes` or `String`, an \
            `Option` or a `Result<_, Error>` of one of these, or a tuple of up to eight",
    note = "a value that derives `Deserialize` comes out of a JSON body as `Json<{Self}>`; for \
            other types implement `FromRequest`"
)]
#[expect(async_fn_in_trait, reason = "the future of a handler stays on its worker")]
pub trait FromRequest: Sized {
    /// Makes the value.
    ///
    /// # Errors
    /// When the request does not have it, or has it in another form. The error becomes the reply.
    async fn from_request(req: &Request) -> Result<Self>;
}

/// An extractor that can tell that there is nothing to take, which makes it one as `Option<Self>` too.
/// What is there and malformed stays an error.
///
/// ```
/// use serde::Deserialize;
/// use shikra::{App, Query, testing::TestClient, with};
///
/// #[derive(Deserialize)]
/// struct Page {
///     page: u32,
/// }
///
/// let mut app = App::new();
/// app.get("/", with(async |_, page: Option<Query<Page>>| match page {
///     Some(Query(Page { page })) => format!("page {page}"),
///     None => "all".to_owned(),
/// }));
/// let client = TestClient::new(app);
/// assert_eq!(client.get("/").send().text(), "all");
/// assert_eq!(client.get("/?page=2").send().text(), "page 2");
/// assert_eq!(client.get("/?page=two").send().status(), 400);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken out of a request as an `Option`",
    note = "`Option` stands around a single extractor: `(Option<A>, Option<B>)`, not `Option<(A, B)>`",
    note = "for a type of your own implement `OptionalFromRequest`"
)]
#[expect(async_fn_in_trait, reason = "the future of a handler stays on its worker")]
pub trait OptionalFromRequest: Sized {
    /// Makes the value; `None` if the request has nothing to make it of.
    ///
    /// # Errors
    /// When the request has it in another form.
    async fn optional_from_request(req: &Request) -> Result<Option<Self>>;
}

impl<E: OptionalFromRequest> FromRequest for Option<E> {
    async fn from_request(req: &Request) -> Result<Self> {
        E::optional_from_request(req).await
    }
}

impl<E: FromRequest> FromRequest for Result<E, Error> {
    async fn from_request(req: &Request) -> Result<Self> {
        Ok(E::from_request(req).await)
    }
}

impl FromRequest for Bytes {
    async fn from_request(req: &Request) -> Result<Self> {
        req.bytes().await
    }
}

impl OptionalFromRequest for Bytes {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        Ok(Some(req.bytes().await?).filter(|bytes| !bytes.is_empty()))
    }
}

impl FromRequest for String {
    async fn from_request(req: &Request) -> Result<Self> {
        req.text().await
    }
}

impl OptionalFromRequest for String {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        Ok(Some(req.text().await?).filter(|text| !text.is_empty()))
    }
}

macro_rules! tuples {
    ($(($($extractor:ident)+))+) => {$(
        impl<$($extractor: FromRequest),+> FromRequest for ($($extractor,)+) {
            async fn from_request(req: &Request) -> Result<Self> {
                Ok(($($extractor::from_request(req).await?,)+))
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
    (A B C D E G H)
    (A B C D E G H I)
}
