//! Forms that say which method they mean, in their field `_method` (CF-41).
//!
//! The body must be read before there is a route, so such a request is routed in its own future.

use super::miss::Miss;
use super::site::WorkerSite;
use super::{COLLECTED_BYTES_MAX, path_view, too_large};
use crate::into_response::IntoResponse;
use crate::middleware::Chain;
use crate::request::{Context, Request, RequestExtra, Rerouted};
use crate::response::Response;
use crate::router::{Outcome, Params};
use http::Method;
use shikra_engine::service::Exchange;
use shikra_engine::slot::SlotFuture;
use shikra_proto::form::{self, FormLimits};
use shikra_proto::header::{ContentType, KnownField};
use shikra_proto::http1::RequestHead;
use std::rc::Rc;

/// Whether the body may say which method is meant: only a form that is posted.
pub(super) fn may_apply(head: &RequestHead) -> bool {
    let is_form = |value| {
        let content_type = ContentType::decode(value);
        content_type.is_some_and(|media| media.is("application/x-www-form-urlencoded"))
    };
    *head.method() == Method::POST && head.field(KnownField::ContentType).is_some_and(is_form)
}

/// Reads the form, then routes it. The exchange is not shared yet.
pub(super) fn call(
    site: &Rc<WorkerSite>,
    exchange: &mut Rc<Exchange<RequestExtra>>,
) -> SlotFuture<Response> {
    if let Some(unique) = Rc::get_mut(exchange) {
        let (head, extra) = unique.parts_mut();
        extra.body_bytes_max = largest_max(site, head, &mut extra.params);
        extra.context = Some(Rc::clone(site) as Rc<dyn Context>);
    }
    let (site, req) = (Rc::clone(site), Request::new(Rc::clone(exchange)));
    SlotFuture::new(async move {
        match req.bytes().await {
            Ok(body) => route(&site, req, body.len(), meant(&body)).await,
            Err(error) => error.into_response(),
        }
    })
}

/// The largest limit of the routes that may be meant. The route itself has the last word.
fn largest_max(site: &WorkerSite, head: &RequestHead, params: &mut Params) -> u64 {
    // `POST` comes last: its parameters stand until another method is known.
    let methods = [Method::PUT, Method::PATCH, Method::DELETE, Method::POST];
    let maxima = methods.iter().filter_map(|method| {
        match site.frozen.router.find(method, path_view(head), params) {
            Outcome::Found { value, .. } => site.routes.get(*value),
            _ => None,
        }
    });
    let maxima = maxima.map(|route| route.body_bytes_max.unwrap_or(COLLECTED_BYTES_MAX));
    maxima.max().unwrap_or(COLLECTED_BYTES_MAX)
}

/// The method that the form means.
fn meant(body: &[u8]) -> Method {
    // One with too many fields is refused by who wants the fields.
    let Ok(mut fields) = form::decode(body, &FormLimits::default()) else { return Method::POST };
    let value = fields.find(|(name, _)| name == "_method").map(|(_, value)| value);
    // HA-152: a POST that became a GET could get past what guards POST.
    let methods = [Method::PUT, Method::PATCH, Method::DELETE];
    let known = methods.into_iter().find(|method| {
        value.as_deref().is_some_and(|value| method.as_str().eq_ignore_ascii_case(value))
    });
    known.unwrap_or(Method::POST)
}

/// Runs what the request with this method is for.
fn route(site: &Rc<WorkerSite>, req: Request, len: usize, method: Method) -> SlotFuture<Response> {
    let mut params = Params::new();
    let found = find(site, &req, &method, &mut params);
    let max = found.as_ref().ok().and_then(|(_, max)| *max).unwrap_or(COLLECTED_BYTES_MAX);
    req.reroute(Rerouted { method, params, body_bytes_max: max });
    match found {
        // CF-38: the limit of the route holds, though the body is here already.
        Ok(_) if len as u64 > max => SlotFuture::new(async move { too_large(max) }),
        Ok((chain, _)) => chain.start(0, req),
        Err(miss) => site.call_outer(req, miss),
    }
}

/// The chain that answers, and the limit of its route.
fn find(
    site: &WorkerSite,
    req: &Request,
    method: &Method,
    params: &mut Params,
) -> Result<(Rc<Chain>, Option<u64>), Miss> {
    let head = req.head();
    let path = path_view(head);
    let outcome = site.frozen.router.find(method, path, params);
    if let Outcome::Found { value, .. } = outcome
        && let Some(route) = site.routes.get(*value)
    {
        return Ok((site.chain(route, params, path.raw()), route.body_bytes_max));
    }
    let miss = Miss::of(&outcome, head);
    if let (Some(why), Some(router)) = (miss.why(), &site.frozen.with_no_such_method)
        && let Outcome::Found { value, .. } = router.find(method, path, params)
        && let Some(route) = site.routes.get(*value)
    {
        return Ok((site.custom_chain(route, why, params, path.raw()), route.body_bytes_max));
    }
    Err(miss)
}
