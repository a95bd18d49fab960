//! What travels beside a request into tower's world and back.

use crate::request::Request;
use http::Extensions;
use std::net::SocketAddr;

/// What Shikra knows of a request besides what `http::Request` says: an extension of it.
///
/// ```
/// use shikra::{App, testing::TestClient, tower::{self, RequestInfo}};
///
/// let show = ::tower::service_fn(async |req: http::Request<tower::Body>| {
///     let info = req.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
///     Ok::<_, std::convert::Infallible>(http::Response::new(format!("{:?}", info.params)))
/// });
/// let client = TestClient::new(App::new().any("/users/:id", tower::service(show)));
/// assert_eq!(client.get("/users/7").send().text(), r#"[("id", "7")]"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The pattern of the route.
    pub pattern: Option<String>,
    /// The names and decoded values of its parameters.
    pub params: Vec<(String, String)>,
    /// The address of the client.
    pub peer_addr: Option<SocketAddr>,
    /// The address that was listened on.
    pub local_addr: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub is_secure: bool,
}

impl RequestInfo {
    pub(super) fn of(req: &Request) -> Self {
        let params = req.params().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            pattern: req.pattern().map(str::to_owned),
            params: params.collect(),
            peer_addr: req.peer_addr(),
            local_addr: req.local_addr(),
            is_secure: req.is_secure(),
        }
    }
}

impl Request {
    /// An extension that a layer of tower has left beside this request, or
    /// [`Request::insert_extension`] has put there.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient, tower};
    /// use tower_http::request_id::{MakeRequestUuid, RequestId, SetRequestIdLayer};
    ///
    /// let mut app = App::new();
    /// app.use_(tower::layer(SetRequestIdLayer::x_request_id(MakeRequestUuid)));
    /// app.get("/", async |req| req.extension::<RequestId>().map(|id| id.header_value().len().to_string()));
    /// assert_eq!(TestClient::new(app).get("/").send().text(), "36");
    /// ```
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.meta().get::<Extensions>()?.get().cloned()
    }

    /// Puts an extension beside this request, for the layers and services of tower that come after.
    pub fn insert_extension<T: Clone + Send + Sync + 'static>(&self, value: T) {
        let mut all = self.meta().get::<Extensions>().map(|all| (*all).clone()).unwrap_or_default();
        all.insert(value);
        self.meta().insert(all);
    }
}
