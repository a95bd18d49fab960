//! Settings of the whole application, which mounts and host children cannot have for themselves: what they
//! say must be known before there is a route.

use super::{App, Placed, Problem};
use crate::request::TrustedProxies;
use std::panic::Location;
use std::sync::Arc;

/// Settings of the whole application, and where they were made.
#[derive(Clone, Default)]
pub(super) struct Whole {
    pub(super) proxies: Option<Placed<Arc<TrustedProxies>>>,
    pub(super) method_override: Option<&'static Location<'static>>,
}

impl Whole {
    /// The mistakes of an application inside another.
    pub(super) fn problems_inside(&self) -> impl Iterator<Item = Problem> {
        let proxies = self.proxies.as_ref().map(|proxies| ("trusted proxies", proxies.place));
        let method = self.method_override.map(|place| ("method override", place));
        proxies.into_iter().chain(method).map(|(what, place)| {
            let what = format!("{what}: a setting of the whole application, not of one inside it");
            Problem::new(what, place)
        })
    }
}

impl App {
    /// Believes what these proxies say of the client: its address, and the host and scheme that it meant.
    /// Without this no forwarding header is read.
    ///
    /// [`Request::client_ip`](crate::Request::client_ip), `host`, `authority`, `port`, `scheme`,
    /// `is_secure` and `url` follow it, and so does the choice of a host child. It is a setting of the whole
    /// application: mounts and host children have none of their own.
    ///
    /// A network that is none keeps the application from starting.
    #[track_caller]
    pub fn trust_proxy(&mut self, proxies: TrustedProxies) -> &mut Self {
        let place = Location::caller();
        for problem in &proxies.problems {
            self.problems.push(Problem::new(problem.clone(), place));
        }
        let placed = Placed { value: Arc::new(proxies), place };
        if let Some(first) = self.whole.proxies.replace(placed) {
            self.twice("the list of trusted proxies", first.place, place);
        }
        self
    }

    /// Lets the field `_method` of a form replace the method of a `POST`, since forms of HTML know no
    /// other: by `PUT`, `PATCH` or `DELETE`, whatever its letter case. It is off unless this is called.
    ///
    /// Only `POST` with a body of type `application/x-www-form-urlencoded` is looked at; any other value
    /// leaves it a `POST`. The body is read before routing, within the largest limit of the routes that may
    /// be meant, and the handler reads it again. `req.method()` is the new method.
    ///
    /// A form of another site can send it too, so it needs the same protection as any `POST`.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.method_override().delete("/notes/:id", async |req| format!("{} done", req.method()));
    /// let reply = TestClient::new(app).post("/notes/7").form(&[("_method", "delete")]).send();
    /// assert_eq!(reply.text(), "DELETE done");
    /// ```
    #[track_caller]
    pub fn method_override(&mut self) -> &mut Self {
        self.whole.method_override = Some(Location::caller());
        self
    }
}
