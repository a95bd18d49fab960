//! What the tests share: a log that can be read, and a look at bare bytes.

use shikra::testing::TestClient;
use shikra::{App, IntoApp};
use std::fmt::{self, Write};
use std::sync::{Mutex, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A client of `app`, whose log goes to [`logged`].
#[track_caller]
pub(crate) fn client(app: impl IntoApp) -> TestClient {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Collector).expect("nobody else collects");
    });
    TestClient::new(app)
}

/// The lines of the log that hold all of `texts`. Tests run at the same time, so each asks for words of
/// its own.
pub(crate) fn logged(texts: &[&str]) -> usize {
    logged_lines(texts).len()
}

/// Those lines themselves.
pub(crate) fn logged_lines(texts: &[&str]) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().filter(|line| texts.iter().all(|text| line.contains(text))).cloned().collect()
}

/// All that the application answers to `bytes` until it closes, as text.
pub(crate) fn answers(client: &TestClient, bytes: impl AsRef<[u8]>) -> String {
    let connection = client.connect();
    connection.write(bytes);
    connection.finish();
    let all = connection.read_to_end().expect("the connection is not reset");
    String::from_utf8(all).expect("the replies of tests are text")
}

/// What keeps `app` from starting.
pub(crate) fn problems(app: &App) -> String {
    app.routes().expect_err("the application has mistakes").to_string()
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").expect("text takes everything");
    }
}
