//! What an application answers where no route does, and where something fails.

use super::{App, Placed, Problem};
use crate::dispatch::{NotFoundFor, Place, ScopePlaces, UnmatchedHandler, erase_unmatched};
use crate::error::Error;
use crate::error_handler::{self, ErrorHandler};
use crate::failure::Logger;
use crate::handler::{self, Handler};
use crate::into_response::IntoResponse;
use crate::request::Request;
use crate::router::Prefix;
use http::Method;
use std::any::{TypeId, type_name};
use std::error::Error as StdError;
use std::panic::Location;
use std::sync::Arc;

pub use crate::dispatch::Unmatched;

/// The handlers of one application for errors and for what no route answers.
#[derive(Clone, Default)]
pub(super) struct Scopes {
    pub(super) catches: Vec<(TypeId, Placed<Arc<dyn ErrorHandler>>)>,
    pub(super) on_error: Option<Placed<Arc<dyn ErrorHandler>>>,
    pub(super) logger: Option<Placed<Logger>>,
    pub(super) not_found: Option<Placed<Arc<dyn Handler>>>,
    pub(super) not_found_for: Vec<Placed<NotFoundFor>>,
    pub(super) unmatched: Option<Placed<Arc<dyn UnmatchedHandler>>>,
    pub(super) no_host: Option<Placed<Arc<dyn Handler>>>,
}

impl Scopes {
    pub(super) fn places(&self, prefix: &Prefix) -> ScopePlaces {
        fn place<T>(placed: &Placed<T>) -> Place {
            placed.place
        }
        ScopePlaces {
            below: prefix.text().into(),
            catches: self.catches.iter().map(|(_, placed)| placed.place).collect(),
            on_error: self.on_error.as_ref().map(place),
            no_host: self.no_host.as_ref().map(place),
            not_found_for: self.not_found_for.iter().map(place).collect(),
            not_found: self.not_found.as_ref().map(place),
            unmatched: self.unmatched.as_ref().map(place),
        }
    }
}

impl App {
    /// Turns every error of this application into a response. The status stays that of the error unless the
    /// reply sets one. What it returns may be an error itself: that one goes to the application around it.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.on_error(async |req, error| format!("{}: {}", req.path(), error.message()));
    /// let reply = TestClient::new(app).get("/old").send();
    /// assert_eq!((reply.status().as_u16(), &*reply.text()), (404, "/old: Not found"));
    /// ```
    #[track_caller]
    pub fn on_error<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request, &Error) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: error_handler::erase(handler), place: Location::caller() };
        if let Some(first) = self.scopes.on_error.replace(placed) {
            self.twice("the error handler", first.place, Location::caller());
        }
        self
    }

    /// Turns errors whose cause is an `E` into a response, before [`App::on_error`] is asked. They count as
    /// expected: no logger hears of them. The status is that of the error, 500 for one that came through `?`,
    /// unless the reply sets one.
    ///
    /// Two for one type are a mistake: the second would never be asked.
    #[track_caller]
    pub fn catch<E, F, R>(&mut self, handler: F) -> &mut Self
    where
        E: StdError + 'static,
        F: AsyncFn(Request, &E) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let (id, place) = (TypeId::of::<E>(), Location::caller());
        if let Some((_, first)) = self.scopes.catches.iter().find(|(other, _)| *other == id) {
            let first = first.place;
            self.twice(&format!("the error handler for `{}`", type_name::<E>()), first, place);
        }
        let placed = Placed { value: error_handler::erase_catch(handler), place };
        self.scopes.catches.push((id, placed));
        self
    }

    /// Answers paths that no route matches. The status is 404 unless the reply sets one.
    ///
    /// It holds for this application; of a mount or host child, for what lies under it. Where the innermost
    /// has none, the one around it is asked.
    #[track_caller]
    pub fn not_found<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: handler::erase(handler), place: Location::caller() };
        if let Some(first) = self.scopes.not_found.replace(placed) {
            self.twice("the not-found handler", first.place, Location::caller());
        }
        self
    }

    /// [`App::not_found`] for some methods alone, before the one for all. With `GET` it answers `HEAD` too,
    /// unless another is for that.
    ///
    /// ```
    /// use shikra::{App, Method, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.not_found_for([Method::GET], async |_| "this page is gone");
    /// let client = TestClient::new(app);
    /// let reply = client.get("/old").send();
    /// assert_eq!((reply.status().as_u16(), &*reply.text()), (404, "this page is gone"));
    /// assert_eq!(client.post("/old").send().text(), "Not found");
    /// ```
    #[track_caller]
    pub fn not_found_for<F, R>(
        &mut self,
        methods: impl IntoIterator<Item = Method>,
        handler: F,
    ) -> &mut Self
    where
        F: AsyncFn(Request) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let methods = methods.into_iter().collect();
        self.add_not_found_for(methods, handler::erase(handler), Location::caller());
        self
    }

    fn add_not_found_for(
        &mut self,
        methods: Vec<Method>,
        handler: Arc<dyn Handler>,
        place: &'static Location<'static>,
    ) {
        if methods.is_empty() {
            let what = "a not-found handler for no methods is never asked";
            self.problems.push(Problem::new(what, place));
        }
        for method in &methods {
            let mut others = self.scopes.not_found_for.iter();
            if let Some(first) = others.find(|other| other.value.0.contains(method)) {
                let first = first.place;
                self.twice(&format!("the not-found handler for {method}"), first, place);
            }
        }
        self.scopes.not_found_for.push(Placed { value: (methods, handler), place });
    }

    /// Answers paths that no route matches and methods that a path does not have, and is told which.
    /// The status is 404 or 405 unless the reply sets one; a 405 gets its `allow` field.
    ///
    /// Unknown paths go to [`App::not_found`] first where the same application has one. `OPTIONS` of a path that
    /// there is stays automatic.
    ///
    /// ```
    /// use shikra::{App, Unmatched, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/a", async |_| "a").unmatched(async |_, why| match why {
    ///     Unmatched::Method { allowed } => format!("only {allowed}"),
    ///     _ => "nothing here".to_owned(),
    /// });
    /// let client = TestClient::new(app);
    /// let reply = client.post("/a").send();
    /// assert_eq!((reply.status().as_u16(), &*reply.text()), (405, "only GET, HEAD, OPTIONS"));
    /// assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
    /// assert_eq!(client.get("/b").send().status(), 404);
    /// ```
    #[track_caller]
    pub fn unmatched<F, R>(&mut self, handler: F) -> &mut Self
    where
        F: AsyncFn(Request, Unmatched) -> R + Send + Sync + 'static,
        R: IntoResponse + 'static,
    {
        let placed = Placed { value: erase_unmatched(handler), place: Location::caller() };
        if let Some(first) = self.scopes.unmatched.replace(placed) {
            self.twice("the handler of what is unmatched", first.place, Location::caller());
        }
        self
    }
}
