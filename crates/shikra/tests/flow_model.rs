//! Control flow against a naive model: random middleware, late halves, errors and panics around
//! one handler (CF-20, CF-26, CF-27, CF-29). A program of its own, so that `cargo xtask models` builds little else.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use proptest::prelude::*;
use shikra::testing::TestClient;
use shikra::{App, Error, IntoResponse, Next, Request, Response, before, late};
use std::fmt;
use std::sync::{Arc, Mutex};

/// What a step does; numbers tell its replies apart.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pass,
    /// Answers without running the rest.
    Answer(u16),
    Fail(u16),
    Panic,
    /// Runs the rest, then fails.
    FailAfter(u16),
    PanicAfter,
    /// Runs the rest and answers something else.
    Replace(u16),
    BeforeNothing,
    BeforeAnswer(u16),
    BeforeFail(u16),
    Late,
    LateReplace(u16),
    LatePanic,
}

#[derive(Clone, Copy, Debug)]
enum Handler {
    Answer(u16),
    Fail(u16),
    /// Fails with a cause that a `catch` may be for.
    FailTyped(u16),
    Panic,
}

#[derive(Clone, Copy, Debug)]
enum OnError {
    None,
    Answer(u16),
    Fail(u16),
    Panic,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tier {
    Global,
    Base,
    Mount,
    Route,
}

#[derive(Clone, Debug)]
struct Plan {
    steps: Vec<(Tier, Step)>,
    handler: Handler,
    root_error: OnError,
    mount_error: OnError,
    catches: bool,
}

/// A cause that the program knows.
#[derive(Debug)]
struct Known(u16);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "known {}", self.0)
    }
}

impl std::error::Error for Known {}

// The real thing.

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, text: impl Into<String>) {
    log.lock().unwrap().push(text.into());
}

fn reply(number: u16) -> Response {
    (200, number.to_string()).into_response()
}

fn failure(number: u16) -> Error {
    Error::new(400 + number, format!("failed {number}"))
}

/// The middleware of a step, whose place in the plan is `at`.
async fn act(step: Step, at: usize, log: &Log, req: Request, next: Next) -> shikra::Result {
    note(log, format!("in {at}"));
    match step {
        Step::Answer(number) => return Ok(reply(number)),
        Step::Fail(number) => return Err(failure(number)),
        Step::Panic => panic!("step {at}"),
        _ => {}
    }
    let res = next.run(req).await;
    note(log, format!("out {at} {}", res.status().as_u16()));
    match step {
        Step::FailAfter(number) => Err(failure(number)),
        Step::PanicAfter => panic!("step {at}"),
        Step::Replace(number) => Ok(reply(number)),
        _ => Ok(res),
    }
}

fn add(app: &mut App, tier: Tier, step: Step, at: usize, log: &Log) {
    let log = Arc::clone(log);
    let base = if tier == Tier::Base { "/a" } else { "/" };
    match step {
        Step::BeforeNothing | Step::BeforeAnswer(_) | Step::BeforeFail(_) => {
            let step = before(async move |_| {
                note(&log, format!("in {at}"));
                match step {
                    Step::BeforeAnswer(number) => Ok(Some(reply(number))),
                    Step::BeforeFail(number) => Err(failure(number)),
                    _ => Ok(None),
                }
            });
            app.use_at(base, step);
        }
        Step::Late | Step::LateReplace(_) | Step::LatePanic => {
            let step = late(move |_| {
                note(&log, format!("in {at}"));
                let log = Arc::clone(&log);
                move |res| {
                    note(&log, format!("out {at} {}", res.status().as_u16()));
                    match step {
                        Step::LateReplace(number) => *res = reply(number),
                        Step::LatePanic => panic!("step {at}"),
                        _ => {}
                    }
                }
            });
            app.use_at(base, step);
        }
        _ => {
            let step = async move |req: Request, next: Next| act(step, at, &log, req, next).await;
            app.use_at(base, step);
        }
    }
}

fn set_error(app: &mut App, handler: OnError) {
    match handler {
        OnError::None => {}
        OnError::Answer(number) => {
            app.on_error(async move |_, _| reply(number));
        }
        OnError::Fail(number) => {
            app.on_error(async move |_, _| Err::<u16, _>(failure(number)));
        }
        OnError::Panic => {
            app.on_error(async |_, _| -> u16 { panic!("an error handler") });
        }
    }
}

fn real(plan: &Plan) -> (Vec<String>, u16, String) {
    let log = Log::default();
    let steps = |tier: Tier| {
        let numbered = plan.steps.iter().enumerate();
        numbered.filter(move |(_, (of, _))| *of == tier).map(|(at, (_, step))| (at, *step))
    };
    // The route stands alone in an application of its own, which makes `use_` there the last tier.
    let mut route = App::new();
    for (at, step) in steps(Tier::Route) {
        add(&mut route, Tier::Route, step, at, &log);
    }
    let handler = plan.handler;
    let handled = Arc::clone(&log);
    route.get("/", async move |_| {
        note(&handled, "handler");
        match handler {
            Handler::Answer(number) => Ok(reply(number)),
            Handler::Fail(number) => Err(failure(number)),
            Handler::FailTyped(number) => Err(Error::from(Known(number))),
            Handler::Panic => panic!("the handler"),
        }
    });
    let mut mount = App::new();
    for (at, step) in steps(Tier::Mount) {
        add(&mut mount, Tier::Mount, step, at, &log);
    }
    set_error(&mut mount, plan.mount_error);
    mount.mount("/c", route);
    let mut root = App::new();
    for tier in [Tier::Base, Tier::Global] {
        for (at, step) in steps(tier) {
            add(&mut root, tier, step, at, &log);
        }
    }
    if plan.catches {
        root.catch(async |_, known: &Known| reply(known.0));
    }
    set_error(&mut root, plan.root_error);
    root.mount("/a/b", mount);
    let reply = TestClient::new(root).get("/a/b/c").send();
    let log = log.lock().unwrap().clone();
    (log, reply.status().as_u16(), reply.text())
}

// The model.

/// A reply, or an error that nobody has answered yet.
type Outcome = Result<(u16, String), Failure>;

#[derive(Clone, Debug)]
struct Failure {
    status: u16,
    text: String,
    known: Option<u16>,
}

fn failed(number: u16) -> Failure {
    Failure { status: 400 + number, text: format!("failed {number}"), known: None }
}

fn unexpected(known: Option<u16>) -> Failure {
    Failure { status: 500, text: "Internal Server Error".to_owned(), known }
}

fn answer(number: u16) -> (u16, String) {
    (200, number.to_string())
}

/// Errors go outward: the mount's handler, then the root's `catch`, then the root's handler.
fn render(plan: &Plan, outcome: Outcome) -> (u16, String) {
    let mut failure = match outcome {
        Ok(reply) => return reply,
        Err(failure) => failure,
    };
    for (handler, catches) in [(plan.mount_error, false), (plan.root_error, plan.catches)] {
        if let Some(number) = failure.known.filter(|_| catches) {
            return answer(number);
        }
        failure = match handler {
            OnError::None => continue,
            OnError::Answer(number) => return answer(number),
            OnError::Fail(number) => failed(number),
            OnError::Panic => unexpected(None),
        };
    }
    (failure.status, failure.text)
}

fn model(plan: &Plan) -> (Vec<String>, u16, String) {
    // CF-20: global first, then by base path, shorter first, then the route's.
    let mut order = Vec::new();
    for tier in [Tier::Global, Tier::Base, Tier::Mount, Tier::Route] {
        let numbered = plan.steps.iter().enumerate();
        order.extend(numbered.filter(|(_, (of, _))| *of == tier).map(|(at, step)| (at, step.1)));
    }
    let mut log = Vec::new();
    let outcome = run(plan, &order, &mut log);
    let (status, text) = render(plan, outcome);
    (log, status, text)
}

fn run(plan: &Plan, steps: &[(usize, Step)], log: &mut Vec<String>) -> Outcome {
    let Some((&(at, step), rest)) = steps.split_first() else {
        log.push("handler".to_owned());
        return match plan.handler {
            Handler::Answer(number) => Ok(answer(number)),
            Handler::Fail(number) => Err(failed(number)),
            Handler::FailTyped(number) => Err(unexpected(Some(number))),
            Handler::Panic => Err(unexpected(None)),
        };
    };
    log.push(format!("in {at}"));
    match step {
        Step::Answer(number) | Step::BeforeAnswer(number) => return Ok(answer(number)),
        Step::Fail(number) | Step::BeforeFail(number) => return Err(failed(number)),
        Step::Panic => return Err(unexpected(None)),
        _ => {}
    }
    let outcome = run(plan, rest, log);
    let res = render(plan, outcome);
    if !matches!(step, Step::BeforeNothing) {
        log.push(format!("out {at} {}", res.0));
    }
    match step {
        Step::FailAfter(number) => Err(failed(number)),
        Step::PanicAfter | Step::LatePanic => Err(unexpected(None)),
        Step::Replace(number) | Step::LateReplace(number) => Ok(answer(number)),
        _ => Ok(res),
    }
}

// Both.

fn step() -> impl Strategy<Value = Step> {
    let number = 0..20_u16;
    prop_oneof![
        4 => Just(Step::Pass),
        4 => Just(Step::Late),
        2 => Just(Step::BeforeNothing),
        1 => number.clone().prop_map(Step::Answer),
        1 => number.clone().prop_map(Step::Fail),
        1 => Just(Step::Panic),
        1 => number.clone().prop_map(Step::FailAfter),
        1 => Just(Step::PanicAfter),
        1 => number.clone().prop_map(Step::Replace),
        1 => number.clone().prop_map(Step::BeforeAnswer),
        1 => number.clone().prop_map(Step::BeforeFail),
        1 => number.prop_map(Step::LateReplace),
        1 => Just(Step::LatePanic),
    ]
}

fn on_error() -> impl Strategy<Value = OnError> {
    prop_oneof![
        3 => Just(OnError::None),
        2 => (0..20_u16).prop_map(OnError::Answer),
        1 => (0..20_u16).prop_map(OnError::Fail),
        1 => Just(OnError::Panic),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let tier =
        prop_oneof![Just(Tier::Global), Just(Tier::Base), Just(Tier::Mount), Just(Tier::Route)];
    let handler = prop_oneof![
        3 => (0..20_u16).prop_map(Handler::Answer),
        2 => (0..20_u16).prop_map(Handler::Fail),
        2 => (0..20_u16).prop_map(Handler::FailTyped),
        1 => Just(Handler::Panic),
    ];
    let steps = prop::collection::vec((tier, step()), 0..7);
    (steps, handler, on_error(), on_error(), any::<bool>()).prop_map(
        |(steps, handler, root_error, mount_error, catches)| Plan {
            steps,
            handler,
            root_error,
            mount_error,
            catches,
        },
    )
}

/// The number of cases, or what `PROPTEST_CASES` asks for: `cargo xtask models` asks for many more.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").map_or(usual, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(1500),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn control_flow_is_that_of_the_model(plan in plan()) {
        prop_assert_eq!(real(&plan), model(&plan));
    }
}
