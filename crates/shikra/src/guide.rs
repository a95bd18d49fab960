//! The pages of the guide and those for people who come from elsewhere, so that their examples are compiled and
//! run with the tests.

#[doc = include_str!("../../../docs/guide/routing.md")]
pub struct Routing;

#[doc = include_str!("../../../docs/guide/middleware.md")]
pub struct Middleware;

#[doc = include_str!("../../../docs/guide/requests.md")]
pub struct Requests;

#[doc = include_str!("../../../docs/guide/replies.md")]
pub struct Replies;

#[doc = include_str!("../../../docs/guide/errors.md")]
pub struct Errors;

#[doc = include_str!("../../../docs/guide/testing.md")]
pub struct Testing;

#[doc = include_str!("../../../docs/coming-from/polka-express.md")]
pub struct FromPolkaExpress;

#[doc = include_str!("../../../docs/coming-from/hyper-express.md")]
pub struct FromHyperExpress;

#[doc = include_str!("../../../docs/coming-from/harpia.md")]
pub struct FromHarpia;

#[doc = include_str!("../../../docs/coming-from/vapr.md")]
pub struct FromVapr;
