//! A request that a test puts together.

use super::TestClient;
use super::agent::Agent;
use super::error::{Failure, TestError, TestErrorKind};
use super::exchange::{Payload, Plan, Redirects, perform};
use super::multipart::{Multipart, TestFile};
use super::reply::TestReply;
use super::shared::{Call, Progress};
use super::stream::TestExchange;
use super::url::Url;
use bytes::Bytes;
use http::{Method, Version};
use serde_core::Serialize;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

/// A request that is being put together.
///
/// Each begins clean: nothing of it but cookies stays with the client. A mistake, such as two kinds of
/// body or a file that is missing, is reported when the request is sent; nothing goes out then.
///
/// ```
/// use shikra::{App, testing::TestClient};
///
/// let client = TestClient::new(App::new().put("/notes/:id", async |req| req.text().await));
/// let reply = client.put("/notes/7").header("x-editor", "ada").text("buy milk").send();
/// reply.assert_status(200).assert_text("buy milk");
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct TestRequest<'a> {
    client: &'a TestClient,
    method: Method,
    version: Version,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    cookies: Vec<(String, String)>,
    body: Option<(&'static str, RequestBody)>,
    redirects: Redirects,
    patience: Duration,
    mistake: Option<String>,
}

/// The body of a request, beside the name of the method that set it.
enum RequestBody {
    Whole { content_type: Option<&'static str>, bytes: Bytes },
    Multipart(Multipart),
    Chunks(Box<dyn Iterator<Item = Bytes> + Send>),
}

impl fmt::Debug for TestRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl<'a> TestRequest<'a> {
    pub(super) fn new(client: &'a TestClient, method: Method, target: &str) -> Self {
        Self {
            client,
            method,
            version: Version::HTTP_11,
            target: target.to_owned(),
            fields: Vec::new(),
            cookies: Vec::new(),
            body: None,
            redirects: Redirects::Return,
            patience: super::PATIENCE,
            mistake: None,
        }
    }

    /// Sets a pair of the query, encoded, instead of others of its name; the rest stays.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.query_str().map(str::to_owned));
    /// let client = TestClient::new(app);
    /// let request = client.get("/?a=1&q=old").query("q", "R&D").query_all("tag", ["x", "y"]);
    /// assert_eq!(request.send().text(), "a=1&q=R%26D&tag=x&tag=y");
    /// ```
    pub fn query(self, name: &str, value: impl Display) -> Self {
        self.query_all(name, [value])
    }

    /// Sets several pairs of one name, instead of others of that name.
    pub fn query_all(mut self, name: &str, values: impl IntoIterator<Item: Display>) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let is_other = |pair: &&str| {
            let mut decoded = form_urlencoded::parse(pair.as_bytes());
            !pair.is_empty() && decoded.next().is_some_and(|(key, _)| key != name)
        };
        let mut pairs: Vec<_> = query.split('&').filter(is_other).map(str::to_owned).collect();
        for value in values {
            let mut pair = form_urlencoded::Serializer::new(String::new());
            pair.append_pair(name, &value.to_string());
            pairs.push(pair.finish());
        }
        let query = pairs.join("&");
        self.target = if pairs.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        self
    }

    /// Adds a header field, beside others of its name.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets a header field, instead of all others of its name. `host`, `content-type`, `content-length`,
    /// `transfer-encoding` and `cookie` take the place of what the client would send.
    pub fn set_header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.remove_header(name).header(name, value)
    }

    /// Removes the header fields of a name that were added before.
    pub fn remove_header(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Sends a cookie with this request alone, instead of a kept one of its name.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.retain(|(other, _)| other != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Speaks HTTP/1.0.
    pub fn http_10(mut self) -> Self {
        self.version = Version::HTTP_10;
        self
    }

    /// Sends a value as JSON.
    ///
    /// # Panics
    /// When the value cannot be serialised.
    #[cfg(feature = "json")]
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let text = serde_json::to_vec(value).expect("the value of a test is JSON");
        self.whole("json()", Some(JSON), text)
    }

    /// Sends text that is JSON already; text that is not is a mistake.
    #[cfg(feature = "json")]
    pub fn json_text(self, text: &str) -> Self {
        match serde_json::from_str::<serde_core::de::IgnoredAny>(text) {
            Ok(_) => self.whole("json_text()", Some(JSON), text.to_owned()),
            Err(error) => self.mistaken(format!("json_text() got no JSON: {error}")),
        }
    }

    /// Sends pairs as a form, urlencoded.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.whole("form()", Some(FORM), form.finish())
    }

    /// Sends a struct as a form, urlencoded.
    ///
    /// # Panics
    /// When the value is no form.
    pub fn form_value(self, value: &(impl Serialize + ?Sized)) -> Self {
        let text = serde_html_form::to_string(value).expect("the value of a test is a form");
        self.whole("form_value()", Some(FORM), text)
    }

    /// Sends text, as `text/plain; charset=utf-8`.
    pub fn text(self, text: &str) -> Self {
        self.whole("text()", Some("text/plain; charset=utf-8"), text.to_owned())
    }

    /// Sends bytes or text as they are, without a content type.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.whole("body()", None, body)
    }

    /// Sends chunks with `transfer-encoding: chunked`, each asked for when the one before is gone. The
    /// iterator runs on the application's thread, so it must not wait for anything.
    pub fn chunks<I>(self, chunks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Bytes> + 'static,
        I::IntoIter: Send + 'static,
    {
        let chunks = Box::new(chunks.into_iter().map(Into::into));
        self.set_body("chunks()", RequestBody::Chunks(chunks))
    }

    /// Adds a text field to a body of `multipart/form-data`.
    pub fn field(mut self, name: &str, value: impl Display) -> Self {
        if let Some(parts) = self.multipart("field()") {
            parts.add_field(name, &value.to_string());
        }
        self
    }

    /// Adds a file to a body of `multipart/form-data`: a path, or a [`TestFile`]. One that cannot be read is
    /// a mistake, and its message names the path.
    ///
    /// ```
    /// use shikra::{App, testing::{TestClient, TestFile}};
    ///
    /// let client = TestClient::new(App::new().post("/", async |req| req.text_lossy().await));
    /// let logo = TestFile::from_bytes("logo.svg", "<svg/>");
    /// let sent = client.post("/").field("title", "Logo").file("image", logo).send().text();
    /// assert!(sent.contains("name=\"title\"\r\n\r\nLogo\r\n"));
    /// assert!(sent.contains("Content-Type: image/svg+xml\r\n\r\n<svg/>\r\n"));
    ///
    /// let error = client.post("/").file("image", "no/such.png").try_send().unwrap_err();
    /// assert_eq!(error.to_string(), "POST /: file not found at path: no/such.png");
    /// ```
    pub fn file(self, field: &str, file: impl Into<TestFile>) -> Self {
        self.add_files("file()", field, [file])
    }

    /// Adds several files under one field, in order.
    pub fn files(self, field: &str, files: impl IntoIterator<Item: Into<TestFile>>) -> Self {
        self.add_files("files()", field, files)
    }

    fn add_files(
        mut self,
        verb: &'static str,
        field: &str,
        files: impl IntoIterator<Item: Into<TestFile>>,
    ) -> Self {
        for file in files {
            let Some(parts) = self.multipart(verb) else { return self };
            if let Err(mistake) = parts.add_file(field, file.into()) {
                return self.mistaken(mistake);
            }
        }
        self
    }

    /// Follows redirects, at most 10: as user agents do, a POST becomes a GET where the status says so,
    /// cookies go along, and `authorization` stays with its host. All hosts are the application.
    ///
    /// ```
    /// use shikra::{App, redirect, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.post("/login", async |_| redirect("/home")).get("/home", async |_| "welcome");
    /// let client = TestClient::new(app);
    /// client.post("/login").send().assert_redirect("/home");
    /// let reply = client.post("/login").follow_redirects().send();
    /// assert_eq!((&*reply.text(), reply.redirects()), ("welcome", &["/home".to_owned()][..]));
    /// ```
    pub fn follow_redirects(self) -> Self {
        self.redirects_max(REDIRECTS_MAX)
    }

    /// Follows at most that many redirects; one more is an error.
    pub fn redirects_max(mut self, max: usize) -> Self {
        self.redirects = Redirects::Follow { max };
        self
    }

    /// Waits that long for the reply, instead of 30 s. This is real time, also where the application's
    /// stands still.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends the request and waits for the whole reply.
    ///
    /// # Panics
    /// When [`TestRequest::try_send`] gives an error.
    #[must_use]
    #[track_caller]
    pub fn send(self) -> TestReply {
        self.begin().wait()
    }

    /// Sends the request and waits for the whole reply, or for what prevents it.
    ///
    /// # Errors
    /// When the request has a mistake, the connection breaks before the reply is whole, what comes is not
    /// HTTP, redirects go too far, or time runs out.
    pub fn try_send(self) -> Result<TestReply, TestError> {
        self.begin().try_wait()
    }

    /// Sends the request without waiting, so that others can go out or virtual time can pass.
    ///
    /// ```
    /// use shikra::{App, sleep, testing::TestClient};
    /// use std::time::Duration;
    ///
    /// let mut app = App::new();
    /// app.get("/later", async |_| {
    ///     sleep(Duration::from_secs(3600)).await;
    ///     "an hour later"
    /// });
    /// let client = TestClient::with_virtual_time(app);
    /// let pending = client.get("/later").begin();
    /// client.advance(Duration::from_secs(3600));
    /// assert_eq!(pending.wait().text(), "an hour later");
    /// ```
    pub fn begin(self) -> PendingReply {
        let (request, patience) = (self.label(), self.patience);
        let agent = Arc::clone(&self.client.agent);
        let state =
            match self.plan(None) {
                Err(failure) => PendingState::Done(Box::new(Err(failure))),
                Ok(plan) => {
                    let progress = Progress::new();
                    let seen = Arc::clone(&progress);
                    PendingState::Running(agent.shared.call(progress, move |bench| async move {
                        perform(&bench, plan, &seen).await
                    }))
                }
            };
        PendingReply { _agent: agent, request, patience, state }
    }

    /// Sends the request, and leaves its body open: the test gives the pieces, with
    /// `transfer-encoding: chunked` unless the request has a `content-length`.
    ///
    /// # Panics
    /// When the request has a mistake, such as a body already, or no connection opens.
    #[track_caller]
    pub fn stream(self) -> TestExchange {
        self.exchange(Some("stream()"))
    }

    /// Sends the request, and leaves the reading of its reply to the test.
    ///
    /// ```
    /// use shikra::{App, stream, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/endless", async |_| stream(async |out| loop { out.write("tick\n").await? }));
    /// let client = TestClient::new(app);
    /// let mut exchange = client.get("/endless").open();
    /// exchange.head().assert_status(200);
    /// assert!(exchange.read().unwrap().starts_with(b"tick\n"));
    /// ```
    ///
    /// # Panics
    /// When the request has a mistake, or no connection opens.
    #[track_caller]
    pub fn open(self) -> TestExchange {
        self.exchange(None)
    }

    #[track_caller]
    fn exchange(self, open_body: Option<&'static str>) -> TestExchange {
        let (request, patience) = (self.label(), self.patience);
        let agent = Arc::clone(&self.client.agent);
        let begun = match self.plan(open_body) {
            Ok(plan) => TestExchange::start(agent, plan, request, patience),
            Err(failure) => Err(TestError::new(&request, failure)),
        };
        match begun {
            Ok(exchange) => exchange,
            Err(error) => panic!("{error}"),
        }
    }

    fn label(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    fn whole(
        self,
        verb: &'static str,
        content_type: Option<&'static str>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        self.set_body(verb, RequestBody::Whole { content_type, bytes: bytes.into() })
    }

    fn set_body(mut self, verb: &'static str, body: RequestBody) -> Self {
        if let Some((earlier, _)) = self.body {
            return self.mistaken(cannot(verb, earlier));
        }
        self.body = Some((verb, body));
        self
    }

    /// The parts of a multipart body; `None` after another kind of body, which is a mistake.
    fn multipart(&mut self, verb: &'static str) -> Option<&mut Multipart> {
        let empty = || (verb, RequestBody::Multipart(Multipart::default()));
        match self.body.get_or_insert_with(empty) {
            (_, RequestBody::Multipart(parts)) => Some(parts),
            (earlier, _) => {
                let mistake = cannot(verb, earlier);
                self.mistake.get_or_insert(mistake);
                None
            }
        }
    }

    /// Keeps the first mistake.
    fn mistaken(mut self, mistake: String) -> Self {
        self.mistake.get_or_insert(mistake);
        self
    }

    /// The request as it goes out; `open_body` names the method that leaves its body open.
    fn plan(mut self, open_body: Option<&'static str>) -> Result<Plan, Failure> {
        if let (Some(verb), Some((earlier, _))) = (open_body, &self.body) {
            let mistake = cannot(verb, earlier);
            self.mistake.get_or_insert(mistake);
        }
        if let Some(mistake) = self.mistake {
            return Err(Failure::new(TestErrorKind::Request, mistake));
        }
        let payload = match self.body {
            None if open_body.is_some() => Payload::Open,
            None => Payload::None,
            Some((_, RequestBody::Chunks(chunks))) => Payload::Chunks(chunks),
            Some((_, RequestBody::Whole { content_type, bytes })) => {
                Payload::Whole { content_type: content_type.map(str::to_owned), bytes }
            }
            Some((_, RequestBody::Multipart(parts))) => {
                let (content_type, bytes) = parts.encode();
                Payload::Whole { content_type: Some(content_type), bytes }
            }
        };
        let client = self.client;
        Ok(Plan {
            agent: client.agent.id,
            method: self.method,
            version: self.version,
            url: Url { origin: client.origin.clone(), target: self.target },
            fields: self.fields,
            cookies: self.cookies,
            payload,
            redirects: self.redirects,
            jar: client.keeps_cookies().then(|| Arc::clone(&client.agent.jar)),
        })
    }
}

fn cannot(verb: &str, earlier: &str) -> String {
    format!("cannot use {verb} after {earlier}: a request has one kind of body")
}

/// A request that has gone out; see [`TestRequest::begin`]. Dropping it closes its connection.
#[must_use = "dropping a pending reply closes its connection"]
pub struct PendingReply {
    /// Keeps the application running.
    _agent: Arc<Agent>,
    request: String,
    patience: Duration,
    state: PendingState,
}

enum PendingState {
    Running(Call<Result<TestReply, Failure>>),
    Done(Box<Result<TestReply, Failure>>),
}

impl fmt::Debug for PendingReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingReply").field("request", &self.request).finish_non_exhaustive()
    }
}

impl PendingReply {
    /// Whether the reply, or what prevents it, is there. [`TestClient::settle`] before it lets the
    /// application do what it can.
    #[must_use]
    pub fn is_done(&mut self) -> bool {
        if let PendingState::Running(call) = &self.state
            && let Some(answer) = call.poll()
        {
            let reply = answer.unwrap_or_else(|gone| Err(gone.into()));
            self.state = PendingState::Done(Box::new(reply));
        }
        matches!(self.state, PendingState::Done(_))
    }

    /// Waits for the whole reply.
    ///
    /// # Panics
    /// When [`PendingReply::try_wait`] gives an error.
    #[must_use]
    #[track_caller]
    pub fn wait(self) -> TestReply {
        match self.try_wait() {
            Ok(reply) => reply,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// Waits for the whole reply, or for what prevents it.
    ///
    /// # Errors
    /// As [`TestRequest::try_send`].
    pub fn try_wait(self) -> Result<TestReply, TestError> {
        let reply = match self.state {
            PendingState::Running(call) => {
                call.wait(self.patience).unwrap_or_else(|gone| Err(gone.into()))
            }
            PendingState::Done(reply) => *reply,
        };
        reply.map_err(|failure| TestError::new(&self.request, failure))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
#[cfg(feature = "json")]
const JSON: &str = "application/json";
const REDIRECTS_MAX: usize = 10;
