//! What wrk cannot measure: the start of a server, and the memory of connections that wait.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::check::{Connection, check, compare};
use super::machine::Cores;
use super::peers::Ready;
use super::probe;
use super::record::Record;
use super::server::Server;
use super::workloads::Workload;

/// From the start of the process to its first right reply. The two programs that pin it and tie it to this
/// one are in the time; the floor's row shows what they and the kernel take.
pub(crate) fn start(
    ready: &Ready,
    workload: &Workload,
    cores: &Cores,
    logs: &Path,
) -> Result<Record, String> {
    let begin = Instant::now();
    let mut server = Server::start(ready, workload, &cores.server, logs)?;
    let mut connection = server.wait()?;
    connection.write(&workload.exchange.request())?;
    let reply = connection.read()?;
    let elapsed = begin.elapsed();
    compare(&reply, workload.exchange)?;
    Ok(Record::new("start")
        .with("ms", elapsed.as_secs_f64() * 1e3)
        .with("cpu_ms", probe::cpu_ns(server.pid())? as f64 / 1e6)
        .with("resident_bytes", probe::resident_bytes(server.pid())? as f64))
}

/// The resident memory that `count` connections add, each after one request.
pub(crate) fn idle(
    ready: &Ready,
    workload: &Workload,
    count: usize,
    cores: &Cores,
    logs: &Path,
) -> Result<Record, String> {
    let mut server = Server::start(ready, workload, &cores.server, logs)?;
    drop(server.wait()?);
    // What is set up once, at the first connections, is not theirs.
    for _ in 0..WARM_UP {
        check(server.port, workload.exchange, 1)?;
    }
    sleep(SETTLE);
    let before = probe::resident_bytes(server.pid())?;
    let request = workload.exchange.request();
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = Connection::open(server.port)?;
        connection.write(&request)?;
        compare(&connection.read()?, workload.exchange)?;
        connections.push(connection);
    }
    sleep(SETTLE);
    let after = probe::resident_bytes(server.pid())?;
    let waiting = connections.iter().filter(|connection| connection.is_waiting()).count();
    // The server first, so that the ports of this side are free again at once.
    drop(server);
    if waiting < count {
        return Err(format!("{} of {count} connections were not kept", count - waiting));
    }
    Ok(Record::new("idle")
        .with("connections", count as f64)
        .with("bytes_each", (after as f64 - before as f64) / count as f64)
        .with("resident_before", before as f64)
        .with("resident_bytes", after as f64))
}

const WARM_UP: u32 = 100;
const SETTLE: Duration = Duration::from_millis(500);
