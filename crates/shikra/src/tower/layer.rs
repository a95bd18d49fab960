//! Layers of tower as middleware.

use super::body::Body;
use super::convert::{self, from_http};
use super::host::Host;
use super::link::{BoxError, Job, Link, ResponseFuture};
use crate::error::Result;
use crate::middleware::Next;
use crate::request::Request;
use crate::response::Response;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// A layer of tower as a middleware, for `use_`, `use_at` and the `use_` of a route.
///
/// The service that the layer makes is cloned for each request; the clone is asked whether it is ready, waited
/// for, and called. What clones share, such as the permits of a limit, all workers share. The layer sees the request
/// whole and may change its head and its body; the path was routed before, so changing it changes nothing but
/// what [`Request::path`] says. Extensions that it leaves are there for handlers: [`Request::extension`].
///
/// An error of the service is an unexpected error, so [`App::catch`](crate::App::catch) can give it a reply.
///
/// ```
/// use http::{HeaderName, HeaderValue};
/// use shikra::{App, testing::TestClient, tower};
/// use tower_http::set_header::SetResponseHeaderLayer;
///
/// let name = HeaderName::from_static("x-frame-options");
/// let deny = SetResponseHeaderLayer::overriding(name, HeaderValue::from_static("DENY"));
/// let mut app = App::new();
/// app.use_(tower::layer(deny)).get("/", async |_| "framed by nobody");
/// let reply = TestClient::new(app).get("/").send();
/// assert_eq!(reply.header("x-frame-options"), Some("DENY"));
/// ```
pub fn layer<L, B>(layer: L) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static
where
    L: Layer<NextService>,
    L::Service:
        Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    <L::Service as Service<http::Request<Body>>>::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    let service = layer.layer(NextService(()));
    async move |req: Request, next: Next| {
        let link = Link::default();
        match prepare(&req, next, &link) {
            Ok((request, host)) => call(service.clone(), request, host, &req).await,
            Err(error) => Response::from_error(error),
        }
    }
}

fn prepare(req: &Request, next: Next, link: &Link) -> Result<(http::Request<Body>, Host)> {
    let (request, head, upload) = convert::to_http(req, Some(link))?;
    Ok((request, Host::for_layer(upload, link, (next, req.clone(), head))))
}

/// Waits until a service is ready, calls it, and makes its response ours.
pub(super) async fn call<S, B>(
    mut service: S,
    request: http::Request<Body>,
    mut host: Host,
    req: &Request,
) -> Response
where
    S: Service<http::Request<Body>, Response = http::Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    let result = {
        let mut response = pin!(async {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        });
        poll_fn(|cx| host.poll(cx, |cx| response.as_mut().poll(cx))).await
    };
    match result {
        Ok(response) => from_http(response, host, req.method()).await,
        Err(error) => {
            let error: BoxError = error.into();
            Response::from_error(convert::unexpected(error))
        }
    }
}

/// The rest of a chain of middleware, and its handler, as a service: what [`layer()`] gives to a layer.
///
/// It takes requests with any body, answers with a response in every case, and is always ready. It is
/// `Send`, and so are its futures. It belongs to the request that it gets: the extensions have to come along, and it
/// can be called once.
#[derive(Clone, Debug)]
pub struct NextService(());

impl<B> Service<http::Request<B>> for NextService
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> ResponseFuture {
        match request.extensions_mut().remove::<Link>() {
            Some(link) => link.send(Job::new(request)),
            None => ResponseFuture::failed(UNLINKED),
        }
    }
}

const UNLINKED: &str =
    "a layer has called its inner service with another request, or without its extensions";
