//! Processes that a run starts: servers and wrk. Each is pinned, and dies with this program however it ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::check::Connection;
use super::peers::{Program, Ready};
use super::workloads::Workload;
use crate::command::line;

/// A process that is killed when this value goes.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// A command that the kernel kills when this program ends, pinned to these cores.
pub(crate) fn pinned(cores: &[usize], program: &OsStr) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", &core_list(cores)]).arg(program);
    command
}

fn core_list(cores: &[usize]) -> String {
    cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        let child = command.spawn();
        let child =
            child.map_err(|error| format!("`{}` did not start: {error}", line(&command)))?;
        Ok(Self { child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end, no longer than until `deadline`, and returns what it printed: little, as it waits
    /// in the pipe.
    pub(crate) fn output(mut self, deadline: Instant) -> Result<Output, String> {
        while !self.is_over() {
            if Instant::now() > deadline {
                return Err("it did not end in time".to_owned());
            }
            sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(pipe) = self.child.stdout.as_mut() {
            std::io::copy(pipe, &mut stdout).map_err(|error| error.to_string())?;
        }
        if let Some(pipe) = self.child.stderr.as_mut() {
            std::io::copy(pipe, &mut stderr).map_err(|error| error.to_string())?;
        }
        Ok(Output { status, stdout, stderr })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server under measurement.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    pub(crate) port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts it for one workload; it may not listen yet.
    pub(crate) fn start(
        ready: &Ready,
        workload: &Workload,
        cores: &[usize],
        logs: &Path,
    ) -> Result<Self, String> {
        let port = free_port()?;
        let log = logs.join(format!("{}.log", ready.peer.name));
        let files = File::create(&log).and_then(|file| Ok((file.try_clone()?, file)));
        let (stdout, stderr) = files.map_err(|error| format!("{}: {error}", log.display()))?;
        let (program, words) = ready.command.split_first().ok_or("a command without a program")?;
        let mut command = pinned(cores, program.as_os_str());
        command.args(words).arg(port.to_string()).env("NODE_ENV", "production");
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        if ready.peer.program == Program::Floor {
            let request_bytes = workload.exchange.request().len();
            command.arg(request_bytes.to_string()).stdin(Stdio::piped());
        } else {
            command.args([workload.other_routes.to_string(), workload.workers.to_string()]);
        }
        let mut process = Process::start(command)?;
        if let Some(mut input) = process.child.stdin.take() {
            let written = input.write_all(&workload.exchange.fixed_reply());
            written.map_err(|error| format!("the floor takes no reply: {error}"))?;
        }
        Ok(Self { process, port, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until it accepts connections.
    pub(crate) fn wait(&mut self) -> Result<Connection, String> {
        let deadline = Instant::now() + START_MAX;
        loop {
            match Connection::open(self.port) {
                Ok(connection) => return Ok(connection),
                Err(_) if self.process.is_over() => {
                    let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                    return Err(format!("it ended at its start: {}", log.trim()));
                }
                Err(error) if Instant::now() > deadline => {
                    return Err(format!("not ready after {} s: {error}", START_MAX.as_secs()));
                }
                Err(_) => sleep(Duration::from_micros(100)),
            }
        }
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// More than the slowest of them takes with 10,000 routes.
const START_MAX: Duration = Duration::from_secs(60);
