//! Assertions about replies, which show what came instead.

use super::reply::TestReply;
use crate::IntoStatus;
#[cfg(feature = "json")]
use serde_core::Serialize;
#[cfg(feature = "json")]
use serde_json::Value;
use std::fmt::Write;

/// Assertions: each gives the reply back, so that they chain, and a failed one shows the request, the head
/// of the reply and the first 2,000 bytes of its body.
///
/// ```
/// use shikra::{App, Json, testing::TestClient};
///
/// let client = TestClient::new(App::new().get("/", async |_| Json([1, 2])));
/// client
///     .get("/")
///     .send()
///     .assert_status(200)
///     .assert_header("content-type", "application/json")
///     .assert_json(&[1, 2]);
/// ```
impl TestReply {
    /// Demands a status.
    ///
    /// # Panics
    /// When it is another, or `status` is none.
    #[track_caller]
    pub fn assert_status(&self, status: impl IntoStatus) -> &Self {
        match status.into_status() {
            Ok(status) if status == self.status() => self,
            Ok(status) => self.fail(&format!("expected status {status}, got {}", self.status())),
            Err(number) => panic!("{number} is no status that a reply can have: 200 to 999"),
        }
    }

    /// Demands a status from 200 to 299.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn assert_success(&self) -> &Self {
        if self.status().is_success() {
            return self;
        }
        self.fail(&format!("expected a status from 200 to 299, got {}", self.status()))
    }

    /// Demands a redirect (any status from 300 to 399) with exactly this `location`.
    ///
    /// # Panics
    /// When it is none, or leads elsewhere.
    #[track_caller]
    pub fn assert_redirect(&self, location: &str) -> &Self {
        if !self.status().is_redirection() {
            self.fail(&format!("expected a redirect to {location:?}, got {}", self.status()));
        }
        self.assert_header("location", location)
    }

    /// Demands that some line of a header field has this value.
    ///
    /// # Panics
    /// When none has.
    #[track_caller]
    pub fn assert_header(&self, name: &str, value: impl AsRef<[u8]>) -> &Self {
        let value = value.as_ref();
        if self.fields().get_all(name).any(|came| came == value) {
            return self;
        }
        let came: Vec<_> = self.fields().get_all(name).map(String::from_utf8_lossy).collect();
        let value = String::from_utf8_lossy(value);
        self.fail(&match came.as_slice() {
            [] => format!("expected {name}: {value}, but there is no such field"),
            came => format!("expected {name}: {value}, got {}", came.join(" and ")),
        })
    }

    /// Demands that a header field is not there.
    ///
    /// # Panics
    /// When it is.
    #[track_caller]
    pub fn assert_no_header(&self, name: &str) -> &Self {
        match self.fields().get(name) {
            None => self,
            Some(value) => {
                let value = String::from_utf8_lossy(value);
                self.fail(&format!("expected no field {name}, got {value}"))
            }
        }
    }

    /// Demands a body of exactly this text.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn assert_text(&self, text: &str) -> &Self {
        if self.bytes() == text.as_bytes() {
            return self;
        }
        let equal = self.bytes().iter().zip(text.as_bytes()).take_while(|(a, b)| a == b).count();
        self.fail(&format!("expected the body {text:?}; it differs from byte {equal} on"))
    }

    /// Demands that the body holds this text.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn assert_text_contains(&self, part: &str) -> &Self {
        if String::from_utf8_lossy(self.bytes()).contains(part) {
            return self;
        }
        self.fail(&format!("expected a body that contains {part:?}"))
    }

    /// Demands a body of JSON that equals `value`; the order of members does not count.
    ///
    /// ```should_panic
    /// # use shikra::{App, Json, testing::TestClient};
    /// let client = TestClient::new(App::new().get("/", async |_| Json(["ada", "bob"])));
    /// // at $[1]: expected "eve", got "bob"
    /// client.get("/").send().assert_json(&["ada", "eve"]);
    /// ```
    ///
    /// # Panics
    /// When it is no JSON or differs, with the places of the first 20 differences; when `value` cannot be
    /// serialised.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn assert_json(&self, value: &(impl Serialize + ?Sized)) -> &Self {
        let expected = serde_json::to_value(value).expect("the value of a test is JSON");
        let came: Value = match serde_json::from_slice(self.bytes()) {
            Ok(came) => came,
            Err(error) => self.fail(&format!("expected JSON, but the body is none: {error}")),
        };
        let mut lines = Vec::new();
        compare("$", Some(&expected), Some(&came), &mut lines);
        if lines.is_empty() {
            return self;
        }
        let more = lines.len().saturating_sub(DIFFERENCES_MAX);
        lines.truncate(DIFFERENCES_MAX);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        self.fail(&format!("the JSON differs:\n  {}", lines.join("\n  ")))
    }

    #[track_caller]
    fn fail(&self, message: &str) -> ! {
        let mut text = String::new();
        // Text takes everything.
        let _ = self.write_head(&mut text);
        let shown = self.bytes().get(..BODY_BYTES_SHOWN).unwrap_or(self.bytes());
        let more = self.bytes().len() - shown.len();
        let _ = write!(text, "\n{}", String::from_utf8_lossy(shown));
        if more > 0 {
            let _ = write!(text, "\n… and {more} more bytes");
        }
        panic!("{message}\n\n{text}\n");
    }
}

/// Adds a line for each place where two values differ; `None` is what is not there.
#[cfg(feature = "json")]
fn compare(place: &str, expected: Option<&Value>, came: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, came) {
        (Some(Value::Object(expected)), Some(Value::Object(came))) => {
            for (name, value) in expected {
                compare(&member(place, name), Some(value), came.get(name), lines);
            }
            for (name, value) in came.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                compare(&member(place, name), None, Some(value), lines);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(came))) => {
            for at in 0..expected.len().max(came.len()) {
                let place = format!("{place}[{at}]");
                compare(&place, expected.get(at), came.get(at), lines);
            }
        }
        (Some(expected), Some(came)) if expected == came => {}
        (Some(expected), Some(came)) => {
            lines.push(format!("at {place}: expected {expected}, got {came}"));
        }
        (Some(expected), None) => {
            lines.push(format!("at {place}: expected {expected}, got nothing"));
        }
        (None, Some(came)) => lines.push(format!("at {place}: expected nothing, got {came}")),
        (None, None) => {}
    }
}

#[cfg(feature = "json")]
fn member(place: &str, name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
    if is_plain { format!("{place}.{name}") } else { format!("{place}[{name:?}]") }
}

#[cfg(feature = "json")]
const DIFFERENCES_MAX: usize = 20;
const BODY_BYTES_SHOWN: usize = 2000;
