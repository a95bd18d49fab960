//! An application that the program itself asks, on workers of its own.

use super::serve::AppFactory;
use super::{App, freeze};
use crate::dispatch::AppService;
use crate::request::{OwnHead, Request, RequestExtra};
use crate::response::Response;
use http::StatusCode;
use shikra_engine::hub::ServiceHub;
use shikra_engine::in_process::{self, InProcess as Workers};
use shikra_engine::service::{End, Exchange, Service};
use shikra_engine::slot::SlotFuture;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// The workers of an application without sockets.
#[derive(Debug)]
pub(crate) struct InProcess(Workers<AppService>);

impl InProcess {
    pub(crate) fn start(app: App) -> io::Result<Self> {
        let frozen = Arc::new(freeze(app)?);
        let config = frozen.config.clone();
        Ok(Self(Workers::start(&config, AppFactory { frozen })?))
    }

    /// Runs a job on one of the workers; false if all of them have all that they may have.
    #[must_use]
    pub(crate) fn post<J, T>(&self, job: J) -> bool
    where
        J: FnOnce(AppWorker) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        self.0.post(move |hub| job(AppWorker(hub)))
    }
}

/// The application on one worker.
pub(crate) struct AppWorker(Rc<ServiceHub<AppService>>);

impl AppWorker {
    /// Begins to answer a request of the program's own; the reply alone where it is none.
    pub(crate) fn call(
        &self,
        head: OwnHead<'_>,
    ) -> Result<(OwnRequest, SlotFuture<Response>), Box<Response>> {
        let exchange = head
            .into_unbound(&self.0.base.limits.head)
            .map_err(|error| Box::new(self.refuse(error.status(), &error.to_string())))?;
        let (exchange, answer) = in_process::answer(&self.0, exchange);
        let answer = SlotFuture::new(async move { Response::from_reply(answer.await) });
        Ok((OwnRequest { exchange, end: End::Aborted }, answer))
    }

    pub(crate) fn refuse(&self, status: StatusCode, why: &str) -> Response {
        Response::from_reply(self.0.service().refuse(status, why))
    }
}

/// A request of the program's own; once this is dropped it is over.
pub(crate) struct OwnRequest {
    exchange: Rc<Exchange<RequestExtra>>,
    end: End,
}

impl OwnRequest {
    pub(crate) fn handle(&self) -> Request {
        Request::new(Rc::clone(&self.exchange))
    }

    /// The reply has been taken, down to the last byte.
    pub(crate) fn set_finished(&mut self) {
        self.end = End::Finished;
    }
}

impl Drop for OwnRequest {
    fn drop(&mut self) {
        if self.end == End::Aborted {
            self.exchange.fate().set_closed();
        }
        self.exchange.body().end();
        self.exchange.fate().finish(self.end);
    }
}
