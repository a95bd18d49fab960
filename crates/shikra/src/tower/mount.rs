//! Services of tower as handlers.

use super::body::Body;
use super::convert;
use super::host::Host;
use super::layer::call;
use super::link::BoxError;
use crate::app::App;
use crate::error::{Error, Result};
use crate::request::Request;
use crate::response::Response;
use http::Uri;
use http::uri::PathAndQuery;
use tower_service::Service;

/// A service of tower as a handler.
///
/// It is cloned for each request; the clone is asked whether it is ready, waited for, and called. It sees the
/// whole path; parameters and addresses are in its request's extensions, as a
/// [`RequestInfo`](super::RequestInfo). An error of the service is an unexpected error.
///
/// ```
/// use shikra::{App, testing::TestClient, tower};
///
/// let hello = tower_service_fn(|name: &str| format!("hello {name}"));
/// let client = TestClient::new(App::new().any("/hello", tower::service(hello)));
/// assert_eq!(client.get("/hello").send().text(), "hello /hello");
///
/// # use std::convert::Infallible;
/// # fn tower_service_fn(
/// #     make: fn(&str) -> String,
/// # ) -> impl ::tower::Service<
/// #     http::Request<tower::Body>, Response = http::Response<String>, Error = Infallible,
/// # > + Clone + Send + Sync + 'static {
/// #     ::tower::service_fn(move |req: http::Request<tower::Body>| async move {
/// #         Ok(http::Response::new(make(req.uri().path())))
/// #     })
/// # }
/// ```
pub fn service<S, B>(service: S) -> impl AsyncFn(Request) -> Response + Send + Sync + 'static
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    async move |req: Request| match convert::to_http(&req, None) {
        Ok((request, _, upload)) => {
            call(service.clone(), request, Host::for_handler(upload), &req).await
        }
        Err(error) => Response::from_error(error),
    }
}

fn stripped<S, B>(service: S) -> impl AsyncFn(Request) -> Response + Send + Sync + 'static
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    async move |req: Request| {
        let prepared = convert::to_http(&req, None).and_then(|(mut request, _, upload)| {
            let inner = strip(request.uri(), req.param_raw("*").unwrap_or_default())?;
            let whole = std::mem::replace(request.uri_mut(), inner);
            request.extensions_mut().insert(WholeUri(whole));
            Ok((request, Host::for_handler(upload)))
        });
        match prepared {
            Ok((request, host)) => call(service.clone(), request, host, &req).await,
            Err(error) => Response::from_error(error),
        }
    }
}

/// The URI below a mount: the rest of the path, and the query as it was.
fn strip(uri: &Uri, rest: &str) -> Result<Uri> {
    let path = match uri.query() {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    };
    let refused =
        |error: &dyn std::fmt::Display| Error::new(400, format!("malformed path: {error}"));
    let path = PathAndQuery::try_from(path).map_err(|error| refused(&error))?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| refused(&error))
}

/// The URI that the client has asked for: an extension of requests to services behind
/// [`App::mount_service_stripped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeUri(pub Uri);

impl App {
    /// Gives everything at and below a prefix to a service of tower, such as a router of axum. It sees the
    /// whole path. Routes of this application that say more of a path win.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// // Or an `axum::Router`, as it is.
    /// let old = ::tower::service_fn(async |req: http::Request<shikra::tower::Body>| {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(format!("old {}", req.uri())))
    /// });
    /// let mut app = App::new();
    /// app.mount_service("/legacy", old).get("/legacy/weather", async |_| "new weather");
    /// let client = TestClient::new(app);
    /// assert_eq!(client.get("/legacy/news").send().text(), "old /legacy/news");
    /// assert_eq!(client.get("/legacy/weather").send().text(), "new weather");
    /// ```
    #[track_caller]
    pub fn mount_service<S, B>(&mut self, prefix: &str, service: S) -> &mut Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body + 'static,
        B::Error: Into<BoxError>,
    {
        self.any(&below(prefix), self::service(service))
    }

    /// [`App::mount_service`] for services that expect to stand at the root: they see the path without the
    /// prefix. The URI that the client has asked for is an extension, [`WholeUri`].
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let old = ::tower::service_fn(async |req: http::Request<shikra::tower::Body>| {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(format!("old {}", req.uri())))
    /// });
    /// let client = TestClient::new(App::new().mount_service_stripped("/legacy", old));
    /// assert_eq!(client.get("/legacy/news").send().text(), "old /news");
    /// ```
    #[track_caller]
    pub fn mount_service_stripped<S, B>(&mut self, prefix: &str, service: S) -> &mut Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body + 'static,
        B::Error: Into<BoxError>,
    {
        self.any(&below(prefix), stripped(service))
    }
}

fn below(prefix: &str) -> String {
    format!("{}/*?", prefix.trim_end_matches('/'))
}
