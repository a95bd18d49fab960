//! The server as a process of its own: started, asked for its state, looked at from outside, killed.

use crate::client::Client;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// A running server, killed when this value goes.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) at: SocketAddr,
    idle: Option<State>,
}

/// What the server has at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) connections: u64,
    pub(crate) exchanges: u64,
    pub(crate) tasks: u64,
    pub(crate) descriptors: u64,
}

impl Server {
    /// Starts this program as the server, on a port that the system chooses.
    pub(crate) fn start(options: &[&str]) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("own path: {error}"))?;
        let mut command = Command::new(program);
        command.args(["serve", "--host", "127.0.0.1", "--port", "0"]).args(options);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server did not start: {error}"))?;
        if let Some(log) = child.stderr.take() {
            thread::spawn(move || show(log));
        }
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let port = line.trim().parse();
        // Made first, so that the process is killed if there is no port.
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port.clone().unwrap_or(0)));
        let mut server = Self { child, at, idle: None };
        port.map_err(|_| format!("the server says `{}`, not its port", line.trim()))?;
        server.idle = Some(server.alone()?);
        Ok(server)
    }

    /// The state with no connection but the one that asks; the first request makes what is made once.
    fn alone(&self) -> Result<State, String> {
        let start = Instant::now();
        self.state()?;
        loop {
            let state = self.state()?;
            if (state.connections, state.exchanges) == (1, 1) {
                return Ok(state);
            }
            if start.elapsed() > ALONE_MAX {
                return Err(format!("the server is not idle from the start: {state:?}"));
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// The state, in which the connection that asks for it counts too.
    pub(crate) fn state(&self) -> Result<State, String> {
        let [connections, exchanges, tasks, _] = self.counts()?;
        let folder = format!("/proc/{}/fd", self.child.id());
        let descriptors =
            fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?.count() as u64;
        Ok(State { connections, exchanges, tasks, descriptors })
    }

    /// The requests since the start.
    pub(crate) fn requests(&self) -> Result<u64, String> {
        self.counts().map(|[_, _, _, requests]| requests)
    }

    /// What the server says of itself; that it has panicked is an error.
    fn counts(&self) -> Result<[u64; 4], String> {
        let mut client = Client::connect(self.at, LOOKER)?;
        let text = client.get("/state").map_err(|error| format!("no state: {error}"))?;
        let numbers: Vec<u64> =
            text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            &[connections, exchanges, tasks, requests, 0] => {
                Ok([connections, exchanges, tasks, requests])
            }
            [.., panics] => Err(format!("the server has panicked {panics} times; see its output")),
            [] => Err(format!("the state is `{text}`")),
        }
    }

    /// Waits until everything is as it was before the first client; returns how long that took.
    pub(crate) fn settle(&self, within: Duration) -> Result<Duration, String> {
        let start = Instant::now();
        loop {
            let state = self.state()?;
            if Some(state) == self.idle {
                return Ok(start.elapsed());
            }
            if start.elapsed() > within {
                let idle = self.idle;
                let seconds = within.as_secs();
                return Err(format!("not idle again after {seconds} s: {state:?}, was {idle:?}"));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The memory of the process that is resident, in KiB.
    pub(crate) fn memory_kib(&self) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let value = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = value.and_then(|value| value.split_ascii_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("{path} has no VmRSS"))
    }

    /// An error if it has ended by itself.
    pub(crate) fn check_alive(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the server has ended with {status}")),
            Err(error) => Err(format!("the server cannot be looked at: {error}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes the server's log on, without the panics that were asked for.
fn show(log: impl Read) {
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if !line.ends_with("asked for") {
            eprintln!("{line}");
        }
    }
}

/// A new server has nobody else to serve.
const ALONE_MAX: Duration = Duration::from_secs(5);
/// The address that the state is asked from.
const LOOKER: Ipv4Addr = Ipv4Addr::LOCALHOST;
