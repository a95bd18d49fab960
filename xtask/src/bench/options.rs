//! The command line of `bench`.

use std::path::PathBuf;

use super::peers::{self, Peer};
use super::workloads::{self, Workload};

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) workloads: Vec<&'static Workload>,
    pub(crate) peers: Vec<&'static Peer>,
    pub(crate) rounds: u32,
    pub(crate) seconds: u64,
    pub(crate) out: Option<PathBuf>,
    pub(crate) source: Source,
    pub(crate) keep: Keep,
}

/// Where results come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Measure,
    File(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Print,
    /// Write `bench/RESULTS.md` as well.
    Record,
}

impl Options {
    pub(crate) fn read(words: &[&str]) -> Result<Self, String> {
        let (mut workloads, mut peers) = (None, None);
        let (mut rounds, mut seconds, mut out) = (ROUNDS, SECONDS, None);
        let (mut source, mut keep) = (Source::Measure, Keep::Print);
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("bench: {word} wants a value"));
            match word {
                "--peers" => peers = Some(*value()?),
                "--rounds" => rounds = count(word, value()?, MOST)?,
                "--seconds" => seconds = count(word, value()?, MOST)?.into(),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--from" => source = Source::File(PathBuf::from(value()?)),
                "--record" => keep = Keep::Record,
                list if !list.starts_with('-') && workloads.is_none() => workloads = Some(list),
                _ => return Err(format!("bench: `{word}` is not understood; {USAGE}")),
            }
        }
        let workloads = workloads::chosen(workloads.unwrap_or(""))?;
        let peers = peers::chosen(peers)?;
        Ok(Self { workloads, peers, rounds, seconds, out, source, keep })
    }
}

/// The number that an option has, within a bound.
pub(super) fn count(option: &str, word: &str, most: u32) -> Result<u32, String> {
    let count = word.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("bench: {option} is a number from 1 to {most}, not `{word}`"))
}

const USAGE: &str = "\
bench [WORKLOAD,...] [--peers NAME,...] [--rounds N] [--seconds N] [--out FILE] [--from FILE] [--record]";
const ROUNDS: u32 = 5;
const SECONDS: u64 = 4;
/// A bound for every run.
const MOST: u32 = 600;
