//! Steps that stand under a base path or a mount: their handle of the request knows how much of the path
//! that is. Where nothing is mounted there are none of these.

use crate::handler::LocalHandler;
use crate::middleware::{LocalMiddleware, Next};
use crate::request::Request;
use crate::response::Response;
use shikra_engine::slot::SlotFuture;
use std::rc::Rc;

/// A step, and the number of segments that it stands under.
pub(super) struct Under<T: ?Sized> {
    depth: u16,
    step: Rc<T>,
}

impl Under<dyn LocalMiddleware> {
    pub(super) fn middleware(step: Rc<dyn LocalMiddleware>, depth: u16) -> Rc<dyn LocalMiddleware> {
        Rc::new(Self { depth, step })
    }
}

impl Under<dyn LocalHandler> {
    pub(super) fn handler(step: Rc<dyn LocalHandler>, depth: u16) -> Rc<dyn LocalHandler> {
        Rc::new(Self { depth, step })
    }
}

impl LocalMiddleware for Under<dyn LocalMiddleware> {
    fn call(self: Rc<Self>, req: Request, next: Next) -> SlotFuture<Response> {
        Rc::clone(&self.step).call(req.at(self.depth), next)
    }
}

impl LocalHandler for Under<dyn LocalHandler> {
    fn call(self: Rc<Self>, req: Request) -> SlotFuture<Response> {
        Rc::clone(&self.step).call(req.at(self.depth))
    }
}
