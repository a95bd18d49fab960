//! Chromium and chromedriver: finding, starting and ending them.

use crate::wire;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Result};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running driver with one session, that is, one browser.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Driver {
    /// # Panics
    /// When one of the programs is missing or does not start, with what to do.
    pub(crate) fn start() -> Self {
        let (Some(browser), Some(driver)) = (find(BROWSERS), find(&["chromedriver"])) else {
            panic!("{MISSING}");
        };
        let mut command = Command::new(driver);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("chromedriver starts");
        let port = port(&mut process);
        let profile = TempDir::with_prefix("shikra-e2e-").expect("a temporary folder");
        // From here on a panic ends the driver too.
        let mut driver = Self { process, port, session: String::new(), _profile: profile };
        let wish = wish(&browser, driver._profile.path());
        match wire::send(port, "POST", "/session", Some(&wish)) {
            Ok(answer) => driver.session = text(&answer["sessionId"]),
            Err(error) => panic!("{} does not start: {error}", browser.display()),
        }
        driver
    }

    /// Sends a command to the browser.
    ///
    /// # Errors
    /// When the driver says that it failed.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        wire::send(self.port, method, &format!("/session/{}{path}", self.session), body)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser ends with its session, the driver with its process. Neither failure matters: the test
        // has its result, and there may have been no session.
        let _ = self.send("DELETE", "", None);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    files.find(|file| file.is_file())
}

/// The driver chooses a free port and says which.
fn port(process: &mut Child) -> u16 {
    let stdout = process.stdout.take().expect("its output is a pipe");
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse().ok()
    });
    // What it writes later has to go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver says on which port it listens")
}

fn wish(browser: &std::path::Path, profile: &std::path::Path) -> Value {
    let mut arguments: Vec<_> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        // How long the search for an element waits for it.
        "timeouts": {"implicit": 5000, "script": 5000, "pageLoad": 20000},
        "goog:chromeOptions": {"binary": browser, "args": arguments},
    }}})
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const MISSING: &str = "the browser tests need chromium and chromedriver on the search path; \
    `cargo xtask test` installs them as root where apt is at hand, otherwise: \
    apt-get install chromium chromium-driver, or your system's packages";
