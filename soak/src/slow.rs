//! `soak slow`, first part: the attacks of slowhttptest, with a paced client beside each.

use crate::child::Server;
use crate::paced::{self, Seen};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One way of being slow.
struct Attack {
    name: &'static str,
    path: &'static str,
    options: &'static [&'static str],
    connections: u64,
    /// After the last connection was opened, all are gone within this time.
    gone_max: Duration,
    /// Whether the attackers get nothing that ends their connection before the server's timeouts do.
    holds: bool,
}

const ATTACKS: [Attack; 4] = [
    Attack {
        name: "slow heads",
        path: "/plaintext",
        options: &["-H", "-i", "1", "-x", "24"],
        connections: 1000,
        gone_max: TIMEOUTS_AND_MARGIN,
        holds: true,
    },
    Attack {
        name: "slow bodies",
        path: "/count",
        options: &["-B", "-t", "POST", "-i", "1", "-s", "8192", "-x", "10"],
        connections: 1000,
        gone_max: TIMEOUTS_AND_MARGIN,
        holds: true,
    },
    Attack {
        name: "ranges",
        path: "/blob",
        options: &["-R", "-t", "HEAD", "-a", "10", "-b", "3000"],
        connections: 1000,
        gone_max: TIMEOUTS_AND_MARGIN,
        holds: false,
    },
    Attack {
        name: "slow reading",
        path: "/flood",
        options: &["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32", "-k", "1"],
        connections: 300,
        gone_max: TIMEOUTS_AND_MARGIN,
        holds: true,
    },
];

/// Runs all attacks, one after the other, against one server; or the one that is named.
pub(crate) fn run(only: Option<&str>) -> Result<(), String> {
    let attacks: Vec<&Attack> =
        ATTACKS.iter().filter(|attack| only.is_none_or(|name| attack.name == name)).collect();
    if attacks.is_empty() {
        let names = ATTACKS.map(|attack| attack.name).join(", ");
        return Err(format!("slow: there are {names}, and memory"));
    }
    let mut server = Server::start(&OPTIONS)?;
    for attack in attacks {
        let mut seen = against(&server, attack)?;
        if !seen.keeps(P99_MAX) {
            // Something else may have wanted the processor. It will not want it twice.
            println!("slow: {}: once again", attack.name);
            seen = against(&server, attack)?;
        }
        if !seen.keeps(P99_MAX) {
            let (name, p99) = (attack.name, seen.server.percentile(99));
            return Err(format!(
                "slow: {name}: p99 of the paced client {p99:?}, above {P99_MAX:?}"
            ));
        }
        server.check_alive()?;
    }
    server.settle(TIMEOUTS_AND_MARGIN).map(drop).map_err(|why| format!("slow: {why}"))
}

fn against(server: &Server, attack: &Attack) -> Result<Seen, String> {
    let name = attack.name;
    let (seen, (most, gone)) = paced::beside(server.at, || assault(server, attack))
        .map_err(|why| format!("slow: {name}: {why}"))?;
    let ms = |time: Duration| time.as_secs_f32() * 1000.0;
    let (count, p99) = (seen.server.len(), ms(seen.server.percentile(99)));
    let (longest, floor) = (ms(seen.server.longest()), ms(seen.floor.percentile(99)));
    let gone = gone.as_secs_f32();
    println!(
        "slow: {name}: {most} connections at most, gone after {gone:.1} s; paced client: {count} \
         answers, p99 {p99:.1} ms, longest {longest:.1} ms; bare echo: p99 {floor:.1} ms"
    );
    Ok(seen)
}

/// Lets slowhttptest in; returns the most connections that the server had, and when they were gone.
fn assault(server: &Server, attack: &Attack) -> Result<(u64, Duration), String> {
    let idle = server.state()?.connections + u64::from(paced::THREADS) + PROBES;
    let asked_before = server.requests()?;
    let start = Instant::now();
    let mut attacker = Attacker::start(server, attack)?;
    let opening = Duration::from_millis(attack.connections * 1000 / RATE);
    let mut most = 0;
    loop {
        sleep(Duration::from_millis(50));
        let now = server.state()?.connections;
        most = most.max(now);
        let took = start.elapsed();
        let is_over = attacker.is_over()?;
        if now <= idle && (took > opening + SLACK || is_over) {
            let asked = server.requests()? - asked_before;
            // Where answers end the connections, there are never many at a time.
            let came = if attack.holds { most } else { asked };
            if came < attack.connections / 2 {
                return Err(format!("{most} connections, {asked} requests: that was no attack"));
            }
            return Ok((most, took));
        }
        if took > opening + attack.gone_max {
            let seconds = attack.gone_max.as_secs();
            return Err(format!("{now} connections {seconds} s after the last was opened"));
        }
    }
}

/// slowhttptest, killed when this value goes.
struct Attacker(Child);

impl Attacker {
    fn start(server: &Server, attack: &Attack) -> Result<Self, String> {
        let mut command = Command::new("slowhttptest");
        let url = format!("http://{}{}", server.at, attack.path);
        command.args(attack.options).args(["-u", &url, "-p", "3"]);
        command.args(["-c", &attack.connections.to_string(), "-r", &RATE.to_string()]);
        // Longer than it can take: its connections are to be ended by the server.
        command.args(["-l", "60"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self).map_err(|error| format!("slowhttptest did not start: {error}"))
    }

    fn is_over(&mut self) -> Result<bool, String> {
        let status = self.0.try_wait().map_err(|error| error.to_string())?;
        Ok(status.is_some())
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Timeouts short enough for a test; they are the server's own.
const OPTIONS: [&str; 14] = [
    "--head-ms",
    "3000",
    "--first-byte-ms",
    "3000",
    "--body-speed-grace-ms",
    "3000",
    "--body-idle-ms",
    "3000",
    "--write-stall-ms",
    "3000",
    "--keep-alive-ms",
    "3000",
    "--workers",
    "2",
];
/// Connections that slowhttptest opens a second.
const RATE: u64 = 500;
/// Connections of slowhttptest that see whether the server still answers.
const PROBES: u64 = 2;
/// The timeouts are 3 s.
const TIMEOUTS_AND_MARGIN: Duration = Duration::from_secs(6);
/// Between the end of opening and the first look whether all are gone.
const SLACK: Duration = Duration::from_secs(1);
const P99_MAX: Duration = Duration::from_millis(50);
