//! What stands around a request, in words: for the error page of development mode.

use super::site::WorkerSite;
use crate::error_page::{Around, Near, Surroundings};
use crate::request::Request;
use crate::router::RouteId;

impl WorkerSite {
    /// The route and the middleware around it; where no route answers, those that come close.
    pub(super) fn describe(&self, req: &Request) -> Surroundings {
        let (frozen, params) = (&self.frozen, req.router_params());
        let router = self.all_routes();
        let number = |id: RouteId| Some(*router.routes().get(id.index())?.value());
        let around = |id: RouteId| {
            let (known, place) =
                (router.routes().get(id.index())?, frozen.routes.get(number(id)?)?.place);
            let name = format!("{} {}{}", known.method(), frozen.host, known.pattern());
            Some(Around { name, place: place.to_string() })
        };
        let route = params.route().and_then(number).and_then(|number| frozen.routes.get(number));
        let scope = frozen.scopes.get(frozen.scope_of(params, req.path()));
        let steps = match (route, scope) {
            (Some(route), _) => route.steps.as_slice(),
            (None, Some(scope)) => scope.outer.as_slice(),
            (None, None) => &[],
        };
        let covers =
            |base: usize| frozen.bases.matches(params, req.path()).any(|&other| other == base);
        let steps = steps.iter().filter(|step| step.condition.is_none_or(covers));
        let steps = steps.map(|step| Around {
            name: short(step.middleware.name()),
            place: step.middleware.place().to_string(),
        });
        let mut all = Surroundings {
            route: params.route().and_then(around),
            steps: steps.collect(),
            ..Surroundings::default()
        };
        if route.is_none() {
            let explanation = frozen.router.explain(req.method(), req.path());
            all.verdict = Some(explanation.verdict().to_owned());
            let near = explanation.notes().iter().filter_map(|note| {
                Some(Near { around: around(note.route())?, reason: note.reason().to_owned() })
            });
            all.near = near.collect();
        }
        all
    }
}

/// The name of a type without what it is made of, which is long and says little.
fn short(name: &str) -> String {
    match name.split_once('<') {
        Some((outer, _)) if !outer.is_empty() => outer.to_owned(),
        _ => name.to_owned(),
    }
}
