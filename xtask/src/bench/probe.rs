//! What the kernel tells about processes and cores. Linux only, as the floor is.

use std::fs;
use std::str::FromStr;

/// The processor time that all threads of a process have used, in nanoseconds. What threads used that have
/// ended is missing; the servers measured here keep theirs.
pub(crate) fn cpu_ns(pid: u32) -> Result<u64, String> {
    let folder = format!("/proc/{pid}/task");
    let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let used = threads.flatten().filter_map(|thread| {
        // A thread may end between the listing and the reading.
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Ok(used.sum())
}

/// The bytes that a process has read from files and sockets with `read`, as wrk does.
pub(crate) fn bytes_read(pid: u32) -> Result<u64, String> {
    field(&read(&format!("/proc/{pid}/io"))?, "rchar:")
}

/// Memory of a process that is in place, without what the kernel holds for its sockets.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64, String> {
    field::<u64>(&read(&format!("/proc/{pid}/status"))?, "VmRSS:").map(|kib| kib * 1024)
}

/// The time that these cores were not idle, or were taken by the machine's host, in nanoseconds.
pub(crate) fn busy_ns(cores: &[usize]) -> Result<u64, String> {
    let text = read("/proc/stat")?;
    Ok(cores.iter().map(|core| busy_ticks(&text, *core)).sum::<u64>() * NS_PER_TICK)
}

/// user, nice, system, irq, softirq and steal of one core; not idle and iowait.
pub(crate) fn busy_ticks(stat: &str, core: usize) -> u64 {
    let name = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap_or("");
    let ticks = line.split_whitespace().map(|word| word.parse().unwrap_or(0)).enumerate();
    ticks
        .filter(|(index, _)| matches!(index, 0..=2 | 5..=7))
        .map(|(_, count): (_, u64)| count)
        .sum()
}

/// The cores that this process may run on.
pub(crate) fn cores() -> Result<Vec<usize>, String> {
    let list: String = field(&read("/proc/self/status")?, "Cpus_allowed_list:")?;
    Ok(core_list(&list))
}

/// Reads a list such as `0-2,5`.
pub(crate) fn core_list(list: &str) -> Vec<usize> {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

/// The soft and the hard limit of open files.
pub(crate) fn descriptor_limits() -> Result<(usize, usize), String> {
    let text = read("/proc/self/limits")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.unwrap_or("").split_whitespace().map(|word| word.parse().ok());
    match (words.next().flatten(), words.next().flatten()) {
        (Some(soft), Some(hard)) => Ok((soft, hard)),
        _ => Err("/proc/self/limits does not tell the limit of open files".to_owned()),
    }
}

/// The first word behind a name at the start of a line.
pub(crate) fn field<T: FromStr>(text: &str, name: &str) -> Result<T, String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("the kernel does not tell `{name}`"))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

/// `/proc/stat` counts hundredths of a second on every kind of machine.
const NS_PER_TICK: u64 = 10_000_000;
