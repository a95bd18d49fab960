//! Strictness on the wire as tables: bytes in, answers out, and whether the connection lives on.
//!
//! A row is the section of the RFC that it comes from (9110 or 9112), the bytes, and the outcome: one word for
//! each answer, then one for the connection.
//!
//! | word | means |
//! |---|---|
//! | `200` | an answer with this status |
//! | `200=text` | with this body |
//! | `200-` | with a head that may declare a length, and no body |
//! | `100?` | one interim answer if the body had not come with the head, and none if it had |
//! | `stay` | the next request on the connection is answered |
//! | `close` | the last answer says `connection: close`, the application closes, and nothing behind is answered |
//! | `end` | the same, but the answer may have left before the fault came, and so not say it |
//! | `cut` | the message is not whole: the client closes its half, and this is what comes |
//!
//! Each row runs whole, byte by byte, and split at every position (at 20 positions if it is long), always with
//! a further request behind it. `/smuggled` stands for what an attacker hides; it never runs.

mod bodies;
mod chunks;
mod connections;
mod fields;
mod lengths;
mod lines;
mod reply;
mod targets;

use reply::replies;
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::yield_now;

/// The section of the RFC, the bytes or the part of them that matters, and the outcome.
type Row = (&'static str, &'static str, &'static str);

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Stays,
    Closes,
    Ends,
    Cut,
}

/// An outcome, taken apart.
#[derive(Debug)]
struct Outcome<'a> {
    answers: Vec<&'a str>,
    is_interim_allowed: bool,
    end: End,
}

/// An application, and how often the handlers ran that tell whether a request got through.
struct Bench {
    client: TestClient,
    after: Arc<AtomicUsize>,
    smuggled: Arc<AtomicUsize>,
}

/// Checks all rows of a table, whose bytes `frame` completes.
#[track_caller]
fn check(rows: &[Row], frame: impl Fn(&str) -> String) {
    let bench = Bench::new();
    let mut problems = Vec::new();
    for (section, part, outcome) in rows {
        assert!(section.starts_with("9110 §") || section.starts_with("9112 §"), "{section}");
        problems.extend(bench.try_row(&latin1(&frame(part)), outcome).err());
    }
    assert!(problems.is_empty(), "{} rows:\n{}", problems.len(), problems.join("\n"));
}

impl Bench {
    fn new() -> Self {
        let (after, smuggled) = (Arc::default(), Arc::default());
        Self { client: TestClient::new(app(&after, &smuggled)), after, smuggled }
    }

    /// Checks one row in all its cuts.
    #[track_caller]
    fn check(&self, bytes: &[u8], outcome: &str) {
        self.try_row(bytes, outcome).unwrap();
    }

    /// Checks a row whole and byte by byte, where there are too many rows for every split.
    #[track_caller]
    fn check_ends(&self, bytes: &[u8], outcome: &str) {
        self.check_cuts(bytes, outcome, &[]);
        self.check_cuts(bytes, outcome, &(1..bytes.len()).collect::<Vec<_>>());
    }

    /// Checks one row, cut at these places alone.
    #[track_caller]
    fn check_cuts(&self, bytes: &[u8], outcome: &str, cuts: &[usize]) {
        self.try_cuts(bytes, &Outcome::of(outcome), cuts).unwrap();
    }

    fn try_row(&self, bytes: &[u8], outcome: &str) -> Result<(), String> {
        let wanted = Outcome::of(outcome);
        self.try_cuts(bytes, &wanted, &[])?;
        self.try_cuts(bytes, &wanted, &(1..bytes.len()).collect::<Vec<_>>())?;
        let step = if bytes.len() < 300 { 1 } else { bytes.len().div_ceil(21) };
        for at in (step..bytes.len()).step_by(step) {
            self.try_cuts(bytes, &wanted, &[at])?;
        }
        Ok(())
    }

    fn try_cuts(&self, bytes: &[u8], wanted: &Outcome<'_>, cuts: &[usize]) -> Result<(), String> {
        let all = self.run(bytes, wanted.end, cuts);
        let after = self.after.swap(0, Ordering::Relaxed);
        let smuggled = self.smuggled.swap(0, Ordering::Relaxed);
        all.and_then(|all| {
            let fault = wanted.fault(&all, cuts).err();
            let wanted_after = usize::from(wanted.end == End::Stays);
            match fault {
                None if (after, smuggled) == (wanted_after, 0) => Ok(()),
                None => {
                    Err(format!("{after} ran behind, {smuggled} hidden: {}", all.escape_ascii()))
                }
                Some(fault) => Err(format!("{fault}: {}", all.escape_ascii())),
            }
        })
        .map_err(|problem| {
            let cuts = if cuts.len() > 1 { "byte by byte".into() } else { format!("{cuts:?}") };
            let head = bytes.get(..400).unwrap_or(bytes).escape_ascii();
            format!("{head} ({cuts}), wanted {wanted:?}: {problem}")
        })
    }

    /// Sends the bytes in pieces, and returns all that comes back.
    fn run(&self, bytes: &[u8], end: End, cuts: &[usize]) -> Result<Vec<u8>, String> {
        let connection = self.client.connect();
        let started = Instant::now();
        let (mut pieces, mut start) = (Vec::new(), 0);
        for &cut in cuts {
            pieces.push(bytes[start..cut].to_vec());
            start = cut;
        }
        pieces.push(bytes[start..].to_vec());
        if end != End::Cut {
            // In one write with the last piece: it is there already when the row is looked at.
            pieces.last_mut().unwrap().extend_from_slice(AFTER.as_bytes());
        }
        for piece in pieces {
            connection.write(piece);
        }
        if matches!(end, End::Stays | End::Cut) {
            connection.finish();
        }
        let all = match (connection.read_to_end(), end) {
            (Ok(all), _) | (Err(all), End::Ends) => all,
            (Err(all), _) => return Err(format!("reset after {}", all.escape_ascii())),
        };
        // Nobody but the application closed it, and not because it was idle for a minute.
        if started.elapsed() < PATIENCE { Ok(all) } else { Err("it stays open".into()) }
    }
}

impl<'a> Outcome<'a> {
    #[track_caller]
    fn of(text: &'a str) -> Self {
        // The body of an answer may have spaces.
        let (front, end) = text.rsplit_once(' ').unwrap_or(("", text));
        let end = match end {
            "stay" => End::Stays,
            "close" => End::Closes,
            "end" => End::Ends,
            "cut" => End::Cut,
            _ => panic!("{text:?} does not say what becomes of the connection"),
        };
        let mut answers: Vec<_> = front.split(' ').filter(|word| !word.is_empty()).collect();
        let len = answers.len();
        answers.retain(|&word| word != "100?");
        let is_interim_allowed = answers.len() < len;
        Self { answers, is_interim_allowed, end }
    }

    /// What is not as it should be in the bytes that came back.
    fn fault(&self, all: &[u8], cuts: &[usize]) -> Result<(), String> {
        let (mut finals, interims) = replies(all, &self.answers)?;
        let interims_max = usize::from(self.is_interim_allowed);
        // Whole, the body came with the head; byte by byte, it did not; a single cut may be anywhere.
        let is_right = match cuts.len() {
            0 => interims == 0,
            1 => interims <= interims_max,
            _ => interims == interims_max,
        };
        if !is_right {
            return Err(format!("{interims} interim answers"));
        }
        if self.end == End::Stays && finals.pop().is_none_or(|reply| !reply.is("200=after")) {
            return Err("the request behind is not answered".into());
        }
        if finals.len() != self.answers.len() {
            return Err(format!("{} answers", finals.len()));
        }
        for (index, (reply, word)) in finals.iter().zip(&self.answers).enumerate() {
            let is_last = index + 1 == finals.len();
            let says_close = match self.end {
                End::Closes => Some(is_last),
                End::Ends | End::Cut if is_last => None,
                _ => Some(false),
            };
            if !reply.is(word) {
                return Err(format!("answer {index} is {:?}", reply.text()));
            }
            if says_close.is_some_and(|says_close| reply.says_close() != says_close) {
                return Err(format!("the connection field of answer {index}"));
            }
        }
        Ok(())
    }
}

/// An application that has a handler for each way to treat a body.
fn app(after: &Arc<AtomicUsize>, smuggled: &Arc<AtomicUsize>) -> App {
    let mut app = App::new();
    for (path, counter) in [("/after", after), ("/smuggled", smuggled)] {
        let counter = Arc::clone(counter);
        app.any(path, async move |req: Request| {
            counter.fetch_add(1, Ordering::Relaxed);
            req.path().trim_start_matches('/').to_owned()
        });
    }
    app.any("/", async |_| "ok")
        .get("/only", async |_| "only")
        .any("/t/*", async |req: Request| req.path().to_owned())
        .any("/echo", async |req: Request| req.text().await)
        .any("/late", async |req: Request| {
            for _ in 0..5 {
                yield_now().await;
            }
            req.text().await
        })
        .any("/stream", async |req: Request| {
            let mut body = req.body();
            shikra::stream(async move |out| {
                while let Some(chunk) = body.next().await {
                    out.write(chunk?).await?;
                }
                out.write("!").await
            })
        })
        .any("/host", async |req: Request| req.authority().map(str::to_owned))
        .any("/refuse", async |_| (403, "no"))
        .any("/panic", async |_| -> &'static str { panic!("on the wire") })
        .any("/none", async |_| 204)
        .any("/same", async |_| 304);
    app
}

/// Text whose characters stand for one byte each.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).expect("a row has no character over U+00FF")).collect()
}

const AFTER: &str = "GET /after HTTP/1.1\r\nhost: a\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn the_tables_have_rows_enough_and_none_twice() {
    let tables = [
        lines::tables(),
        targets::tables(),
        fields::tables(),
        lengths::tables(),
        chunks::tables(),
        bodies::tables(),
        connections::tables(),
    ];
    let rows: usize = tables.iter().flatten().map(|table| table.len()).sum();
    assert!(rows >= 700, "{rows} rows");
    for table in tables.iter().flatten() {
        let mut parts: Vec<_> = table.iter().map(|(_, part, _)| part).collect();
        parts.sort_unstable();
        assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "{parts:?}");
    }
}
