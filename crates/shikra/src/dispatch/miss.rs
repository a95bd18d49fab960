//! What answers where no route does.

use super::site::LocalScope;
use crate::error::Error;
use crate::handler::LocalHandler;
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::response::Response;
use crate::router::Outcome;
use http::{Method, StatusCode};
use shikra_engine::slot::SlotFuture;
use shikra_proto::http1::RequestHead;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// Why no route answers, as [`App::unmatched`](crate::App::unmatched) is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmatched {
    /// No route matches the path.
    Path,
    /// Routes match the path, but none of them has the method.
    Method {
        /// The methods that they have, as in `allow`.
        allowed: String,
    },
}

impl Unmatched {
    /// The status that says so: 404 or 405.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// A handler that is told why it is asked.
pub(crate) trait UnmatchedHandler: Send + Sync {
    fn call(self: Arc<Self>, req: Request, why: Unmatched) -> SlotFuture<Response>;
}

struct UnmatchedFn<F, R>(F, PhantomData<fn() -> R>);

pub(crate) fn erase_unmatched<F, R>(function: F) -> Arc<dyn UnmatchedHandler>
where
    F: AsyncFn(Request, Unmatched) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    Arc::new(UnmatchedFn(function, PhantomData))
}

impl<F, R> UnmatchedHandler for UnmatchedFn<F, R>
where
    F: AsyncFn(Request, Unmatched) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    fn call(self: Arc<Self>, req: Request, why: Unmatched) -> SlotFuture<Response> {
        SlotFuture::new(async move { (self.0)(req, why).await.into_response() })
    }
}

/// Why no route answers, as the handler that says so.
pub(super) enum Miss {
    Path,
    BadPath,
    Method {
        allow: String,
        is_options: bool,
    },
    Redirect(String),
    /// `OPTIONS *`: the server itself is meant.
    Server,
    Connect,
}

impl Miss {
    /// What an outcome other than a route means.
    pub(super) fn of(outcome: &Outcome<'_, usize>, head: &RequestHead) -> Self {
        match outcome {
            Outcome::NoMethod { allowed } => Self::Method {
                allow: allowed.to_string(),
                is_options: *head.method() == Method::OPTIONS,
            },
            Outcome::Redirect { to, .. } => {
                let mut location = to.apply(head.path());
                if let Some(query) = head.query() {
                    location.push('?');
                    location.push_str(query);
                }
                Self::Redirect(location)
            }
            _ if head.path() == "*" => Self::Server,
            // CF-74: its target has no path.
            _ if *head.method() == Method::CONNECT => Self::Connect,
            Outcome::BadPath => Self::BadPath,
            _ => Self::Path,
        }
    }

    /// Why a handler of the application is asked, if one may be.
    pub(super) fn why(&self) -> Option<Unmatched> {
        match self {
            Self::Path => Some(Unmatched::Path),
            Self::Method { allow, is_options: false } => {
                Some(Unmatched::Method { allowed: allow.clone() })
            }
            _ => None,
        }
    }

    /// The handler of the application for it, if one of the scopes has one, else what is usual.
    pub(super) fn handler<'a>(
        self,
        method: &Method,
        mut scopes: impl Iterator<Item = &'a LocalScope>,
    ) -> Rc<dyn LocalHandler> {
        let Some(why) = self.why() else { return Rc::new(self) };
        match scopes.find_map(|scope| scope.answer(method, &why)) {
            Some(answer) => custom(answer, why),
            None => Rc::new(self),
        }
    }
}

impl LocalHandler for Miss {
    fn call(self: Rc<Self>, _: Request) -> SlotFuture<Response> {
        SlotFuture::new(async move {
            match &*self {
                Self::Path => Error::new(404, "Not found").into_response(),
                Self::BadPath => closing(Error::new(400, "the path is not valid once decoded")),
                Self::Method { allow, is_options: true } => 204.with_header("allow", allow),
                Self::Method { allow, is_options: false } => {
                    let error = Error::new(405, "Method not allowed");
                    error.with_header("allow", allow).into_response()
                }
                Self::Redirect(location) => 308.with_header("location", location),
                Self::Server => 204.into_response(),
                Self::Connect => {
                    // RFC 9110 §15.5.6: a 405 has this field; empty, it says that no method would do.
                    let error = Error::new(405, "this server is no proxy");
                    closing(error.with_header("allow", ""))
                }
            }
        })
    }
}

/// The reply to a malformed request (CF-32) and to one that is for another kind of server: whoever sends
/// it may mean something else by the bytes behind it, too.
fn closing(error: Error) -> Response {
    let mut res = error.into_response();
    res.set_close();
    res
}

/// A handler of the application for what no route answers.
pub(super) enum CustomAnswer {
    Plain(Rc<dyn LocalHandler>),
    /// With the number of segments that its scope stands under.
    Told(Arc<dyn UnmatchedHandler>, u16),
}

pub(super) fn custom(answer: CustomAnswer, why: Unmatched) -> Rc<dyn LocalHandler> {
    Rc::new(Custom { answer, why })
}

/// The same for one request, and why it is asked.
struct Custom {
    answer: CustomAnswer,
    why: Unmatched,
}

impl LocalHandler for Custom {
    fn call(self: Rc<Self>, req: Request) -> SlotFuture<Response> {
        let answer = match &self.answer {
            CustomAnswer::Plain(handler) => Rc::clone(handler).call(req),
            CustomAnswer::Told(handler, depth) => {
                Arc::clone(handler).call(req.at(*depth), self.why.clone())
            }
        };
        SlotFuture::new(async move {
            let res = answer.await;
            let allow = match &self.why {
                Unmatched::Method { allowed } => Some(&**allowed),
                Unmatched::Path => None,
            };
            // HA-157, CF-12
            res.with_defaults(self.why.status(), allow)
        })
    }
}
