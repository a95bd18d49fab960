//! The command line: one table of options, which parses, explains and gives the defaults.

use shikra::Limits;
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// `--help`.
    Help,
    /// Everything else.
    Serve(Box<Options>),
}

/// How the server is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address or name to listen on.
    pub host: String,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// The number of workers; 0 means one for each processor.
    pub workers: usize,
    /// The longest body of a request.
    pub body_bytes_max: u64,
    /// Limits and timeouts of connections.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: 8080,
            workers: 0,
            body_bytes_max: 16 * 1024 * 1024,
            limits: Limits::default(),
        }
    }
}

impl Command {
    /// Reads arguments of the forms `--name value` and `--name=value`.
    ///
    /// # Errors
    /// A message that names the option.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Options::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--help" || argument == "-h" {
                return Ok(Self::Help);
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let flag = name.strip_prefix("--");
            let flag = flag.and_then(|name| FLAGS.iter().find(|flag| flag.name == name));
            let flag = flag.ok_or_else(|| format!("there is no option `{name}`"))?;
            let value = value.or_else(|| arguments.next());
            let value = value.ok_or_else(|| format!("`{name}` needs a value"))?;
            flag.field.set(&mut options, &value).map_err(|why| format!("`{name}`: {why}"))?;
        }
        Ok(Self::Serve(Box::new(options)))
    }
}

/// The text of `--help`: every option with its default.
#[must_use]
pub fn help() -> String {
    let mut text = "Usage: conformance [--name value]...\n\n".to_owned();
    let mut defaults = Options::default();
    for flag in FLAGS {
        let (name, default) = (format!("--{}", flag.name), flag.field.show(&mut defaults));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<28} {} [{default}]", flag.help);
    }
    text
}

struct Flag {
    name: &'static str,
    help: &'static str,
    field: Field,
}

/// Where the value of an option goes.
enum Field {
    Text(fn(&mut Options) -> &mut String),
    Port(fn(&mut Options) -> &mut u16),
    Count(fn(&mut Options) -> &mut usize),
    Number(fn(&mut Options) -> &mut u64),
    Millis(fn(&mut Options) -> &mut Duration),
}

impl Field {
    fn set(&self, options: &mut Options, value: &str) -> Result<(), String> {
        match self {
            Self::Text(at) => value.clone_into(at(options)),
            Self::Port(at) => *at(options) = number(value)?,
            Self::Count(at) => *at(options) = number(value)?,
            Self::Number(at) => *at(options) = number(value)?,
            Self::Millis(at) => *at(options) = Duration::from_millis(number(value)?),
        }
        Ok(())
    }

    fn show(&self, options: &mut Options) -> String {
        match self {
            Self::Text(at) => at(options).clone(),
            Self::Port(at) => at(options).to_string(),
            Self::Count(at) => at(options).to_string(),
            Self::Number(at) => at(options).to_string(),
            Self::Millis(at) => at(options).as_millis().to_string(),
        }
    }
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{value}` is no number in its range"))
}

#[rustfmt::skip]
const FLAGS: &[Flag] = &[
    Flag { name: "host", help: "address or name to listen on", field: Field::Text(|o| &mut o.host) },
    Flag { name: "port", help: "port to listen on, 0 for any", field: Field::Port(|o| &mut o.port) },
    Flag { name: "workers", help: "workers, 0 for one on each processor", field: Field::Count(|o| &mut o.workers) },
    Flag { name: "body-bytes-max", help: "longest body of a request", field: Field::Number(|o| &mut o.body_bytes_max) },
    Flag { name: "target-bytes-max", help: "longest request target", field: Field::Count(|o| &mut o.limits.head.target_bytes_max) },
    Flag { name: "head-bytes-max", help: "longest head of a request", field: Field::Count(|o| &mut o.limits.head.head_bytes_max) },
    Flag { name: "fields-max", help: "most header fields", field: Field::Count(|o| &mut o.limits.head.fields_max) },
    Flag { name: "query-pairs-max", help: "most pairs of a query", field: Field::Count(|o| &mut o.limits.head.query_pairs_max) },
    Flag { name: "cookies-max", help: "most cookies", field: Field::Count(|o| &mut o.limits.head.cookies_max) },
    Flag { name: "first-byte-ms", help: "from accept to the first byte", field: Field::Millis(|o| &mut o.limits.first_byte_timeout) },
    Flag { name: "head-ms", help: "from the first byte of a head to its last", field: Field::Millis(|o| &mut o.limits.head_timeout) },
    Flag { name: "keep-alive-ms", help: "between a reply and the next request", field: Field::Millis(|o| &mut o.limits.keep_alive_timeout) },
    Flag { name: "body-idle-ms", help: "longest pause within a body", field: Field::Millis(|o| &mut o.limits.body_idle_timeout) },
    Flag { name: "body-speed-min", help: "least speed of a body, bytes a second", field: Field::Number(|o| &mut o.limits.body_bytes_per_second_min) },
    Flag { name: "body-speed-grace-ms", help: "how long a body may be slower", field: Field::Millis(|o| &mut o.limits.body_speed_grace) },
    Flag { name: "write-stall-ms", help: "longest time without progress of a reply", field: Field::Millis(|o| &mut o.limits.write_stall_timeout) },
    Flag { name: "half-close-grace-ms", help: "how long a handler outlives its half-closed client", field: Field::Millis(|o| &mut o.limits.half_close_grace) },
    Flag { name: "drain-ms", help: "how long an unread body is listened to", field: Field::Millis(|o| &mut o.limits.drain_timeout) },
    Flag { name: "drain-bytes-max", help: "longest unread body that keeps its connection", field: Field::Number(|o| &mut o.limits.drain_bytes_max) },
    Flag { name: "shutdown-ms", help: "how long a stopping server waits", field: Field::Millis(|o| &mut o.limits.shutdown_timeout) },
];
