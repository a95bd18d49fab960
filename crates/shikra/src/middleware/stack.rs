//! Middleware as a list: one value that many routes may share.

use super::{Middleware, Next, erase};
use crate::into_response::IntoResponse;
use crate::request::Request;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A list of middleware in one value, to be put around many routes.
///
/// Cloning one copies no middleware: what they hold is shared.
///
/// ```
/// use shikra::{App, Stack, before, late, testing::TestClient};
///
/// let guarded = Stack::of((
///     late(|_| |res| res.set_header("cache-control", "no-store")),
///     before(async |req| req.header("authorization").is_none().then_some((401, "log in first"))),
/// ));
/// let mut app = App::new();
/// app.route("/account").use_all(&guarded).get(async |_| "account");
/// app.route("/orders").use_all(&guarded).get(async |_| "orders").post(async |_| 201);
/// let reply = TestClient::new(app).get("/orders").send();
/// assert_eq!((reply.status().as_u16(), reply.header("cache-control")), (401, Some("no-store")));
/// ```
#[derive(Clone, Default)]
#[must_use = "a list of middleware does nothing until something uses it"]
pub struct Stack {
    steps: Vec<Arc<dyn Middleware>>,
}

impl Stack {
    /// The middleware of a list, in the order in which they are written.
    #[track_caller]
    pub fn of<M>(list: impl IntoStack<M>) -> Self {
        Self::default().with(list)
    }

    /// The same with more middleware inside the ones that it has.
    #[track_caller]
    pub fn with<M>(mut self, list: impl IntoStack<M>) -> Self {
        list.add_to(&mut self);
        self
    }

    /// How many middleware it has, those of lists in it included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn into_steps(self) -> Vec<Arc<dyn Middleware>> {
        self.steps
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|step| step.name())).finish()
    }
}

/// Middleware, or lists of them: a [`Stack`], and tuples (up to 8), arrays and vectors of middleware and
/// lists, nested as deep as one likes. They stand around a handler in the order in which they are written, the
/// first outermost.
///
/// `M` tells the forms apart for the compiler; nobody writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a middleware nor a list of them",
    note = "a middleware is `async fn(req: Request, next: Next) -> impl IntoResponse`; a list is a tuple of up \
            to 8, an array, a `Vec` or a `Stack`"
)]
pub trait IntoStack<M> {
    /// Puts its middleware behind those of `stack`.
    #[track_caller]
    fn add_to(self, stack: &mut Stack);
}

/// Marks a middleware by itself.
#[derive(Debug)]
pub struct One<R>(PhantomData<fn() -> R>);

/// Marks an array or vector.
#[derive(Debug)]
pub struct Many<M>(PhantomData<fn() -> M>);

impl<F, R> IntoStack<One<R>> for F
where
    F: AsyncFn(Request, Next) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    #[track_caller]
    fn add_to(self, stack: &mut Stack) {
        stack.steps.push(erase(self));
    }
}

impl IntoStack<Stack> for Stack {
    fn add_to(self, stack: &mut Stack) {
        stack.steps.extend(self.steps);
    }
}

impl IntoStack<Stack> for &Stack {
    fn add_to(self, stack: &mut Stack) {
        stack.steps.extend(self.steps.iter().cloned());
    }
}

impl<S: IntoStack<M>, M> IntoStack<Many<M>> for Vec<S> {
    #[track_caller]
    fn add_to(self, stack: &mut Stack) {
        for list in self {
            list.add_to(stack);
        }
    }
}

impl<S: IntoStack<M>, M, const N: usize> IntoStack<Many<M>> for [S; N] {
    #[track_caller]
    fn add_to(self, stack: &mut Stack) {
        for list in self {
            list.add_to(stack);
        }
    }
}

impl IntoStack<()> for () {
    fn add_to(self, _: &mut Stack) {}
}

/// Tuples by their length.
macro_rules! tuple {
    ($($list:ident $marker:ident $at:tt),+) => {
        impl<$($list: IntoStack<$marker>, $marker),+> IntoStack<($($marker,)+)> for ($($list,)+) {
            #[track_caller]
            fn add_to(self, stack: &mut Stack) {
                $(self.$at.add_to(stack);)+
            }
        }
    };
}

tuple!(A Ma 0);
tuple!(A Ma 0, B Mb 1);
tuple!(A Ma 0, B Mb 1, C Mc 2);
tuple!(A Ma 0, B Mb 1, C Mc 2, D Md 3);
tuple!(A Ma 0, B Mb 1, C Mc 2, D Md 3, E Me 4);
tuple!(A Ma 0, B Mb 1, C Mc 2, D Md 3, E Me 4, F Mf 5);
tuple!(A Ma 0, B Mb 1, C Mc 2, D Md 3, E Me 4, F Mf 5, G Mg 6);
tuple!(A Ma 0, B Mb 1, C Mc 2, D Md 3, E Me 4, F Mf 5, G Mg 6, H Mh 7);
