//! What middleware learns about a request, beside the request itself.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Values beside a request, one of each type. A type that only one module can name is private to it.
///
/// ```
/// # use shikra::{App, Next, Request, Response, testing::TestClient};
/// struct User(&'static str);
///
/// async fn log_in(req: Request, next: Next) -> Response {
///     req.meta().insert(User("ada"));
///     next.run(req).await
/// }
///
/// let mut app = App::new();
/// app.use_(log_in).get("/", async |req| req.meta().get::<User>().map(|user| user.0));
/// assert_eq!(TestClient::new(app).get("/").send().text(), "ada");
/// ```
#[derive(Default)]
pub struct Meta {
    // Rarely more than a handful, so a search through all is the fastest map.
    values: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta").field("len", &self.values.borrow().len()).finish()
    }
}

impl Meta {
    /// Stores a value and returns the one of the same type that was there.
    pub fn insert<T: 'static>(&self, value: T) -> Option<Rc<T>> {
        let id = TypeId::of::<T>();
        let value: Rc<dyn Any> = Rc::new(value);
        let mut values = self.values.borrow_mut();
        match values.iter_mut().find(|(other, _)| *other == id) {
            Some((_, old)) => std::mem::replace(old, value).downcast().ok(),
            None => {
                values.push((id, value));
                None
            }
        }
    }

    /// The value of type `T`.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let id = TypeId::of::<T>();
        let values = self.values.borrow();
        let (_, value) = values.iter().find(|(other, _)| *other == id)?;
        Rc::clone(value).downcast().ok()
    }

    /// Takes the value of type `T` away.
    #[must_use]
    pub fn remove<T: 'static>(&self) -> Option<Rc<T>> {
        let id = TypeId::of::<T>();
        let mut values = self.values.borrow_mut();
        let index = values.iter().position(|(other, _)| *other == id)?;
        values.swap_remove(index).1.downcast().ok()
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        if !self.values.get_mut().is_empty() {
            self.clear_values();
        }
    }

    #[inline(never)]
    fn clear_values(&mut self) {
        self.values.get_mut().clear();
    }
}
