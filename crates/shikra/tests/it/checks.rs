//! What the checks from outside share. Each check of the four lists stands in a file named after its list,
//! under its number; where a ruling (CF) changes what a list expects, the case says so.

use shikra::prelude::*;
use shikra::testing::{TestClient, TestReply};
use std::sync::{Arc, Mutex};

/// Sends `METHOD target`.
#[track_caller]
pub(crate) fn ask(client: &TestClient, line: &str) -> TestReply {
    let (method, target) = line.split_once(' ').expect("a line is a method and a target");
    client.request(Method::from_bytes(method.as_bytes()).unwrap(), target).send()
}

/// Each row: `METHOD target`, the status, and the whole body.
#[track_caller]
pub(crate) fn check(client: &TestClient, rows: &[(&str, u16, &str)]) {
    for (line, status, body) in rows {
        let reply = ask(client, line);
        assert_eq!((reply.status().as_u16(), &*reply.text()), (*status, *body), "{line}");
    }
}

/// Each row: what comes before the fields of a request, and how the answer to it begins.
#[track_caller]
pub(crate) fn check_raw(client: &TestClient, rows: &[(&[u8], &str)]) {
    for (bytes, start) in rows {
        let connection = client.connect();
        connection.write(bytes);
        connection.finish();
        let all = connection.read_to_end().expect("a refusal is no reset");
        let all = String::from_utf8(all).unwrap();
        assert!(all.starts_with(start), "{}: {all}", bytes.escape_ascii());
        assert!(all.contains("\r\nconnection: close\r\n"), "{}: {all}", bytes.escape_ascii());
        assert_eq!(all.matches("HTTP/1.1 ").count(), 1, "{}: {all}", bytes.escape_ascii());
    }
}

/// What happened, in order, across handlers and the test.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What was noted since the last call, with blanks between.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }

    /// A middleware that notes its name on the way in.
    pub(crate) fn step(
        &self,
        name: &'static str,
    ) -> impl AsyncFn(Request, Next) -> Response + Send + Sync + 'static {
        let trace = self.clone();
        before(async move |_| trace.note(name))
    }

    /// A handler that notes its name, and answers with it.
    pub(crate) fn handler(
        &self,
        name: &'static str,
    ) -> impl AsyncFn(Request) -> &'static str + Send + Sync + 'static {
        let trace = self.clone();
        async move |_: Request| {
            trace.note(name);
            name
        }
    }

    /// A guard that notes `name` when it is dropped.
    pub(crate) fn on_drop(&self, name: &'static str) -> NotesDrop {
        NotesDrop(self.clone(), name)
    }
}

pub(crate) struct NotesDrop(Trace, &'static str);

impl Drop for NotesDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
