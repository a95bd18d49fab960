//! Starting processes: cargo and the programs of the system.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A call of the cargo that runs this program, in the root of the workspace.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    command
}

/// Runs to the end with the terminal's own streams. An error names the command and how it ended.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let line = line(&command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` did not start: {error}")),
    }
}

/// Runs to the end, hands each line of the output to `see`, and prints it as it comes.
pub(crate) fn stream(mut command: Command, mut see: impl FnMut(&str)) -> Result<(), String> {
    let line = line(&command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{line}` did not start: {error}"))?;
    let mut out = std::io::stdout().lock();
    if let Some(pipe) = child.stdout.take() {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // Bytes, not text: a test may print what is no UTF-8.
        while pipe.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            out.write_all(&bytes).and_then(|()| out.flush()).map_err(|e| format!("output: {e}"))?;
            see(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` could not be waited for: {error}")),
    }
}

/// Standard output and standard error of a command that succeeds.
pub(crate) fn output(mut command: Command) -> Result<(String, String), String> {
    let name = line(&command);
    let output = command.output().map_err(|error| format!("`{name}` did not start: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !output.status.success() {
        return Err(format!("`{name}` ended with {}:\n{}", output.status, text(&output.stderr)));
    }
    Ok((text(&output.stdout), text(&output.stderr)))
}

/// Whether the command runs and succeeds; what it prints is dropped.
pub(crate) fn succeeds(mut command: Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Where a program stands on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Where the workspace is built.
pub(crate) fn target(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Whether the run is one of continuous integration: nobody can be asked, nothing may be missing.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name();
    let words = program.into_iter().chain(command.get_args()).map(OsStr::to_string_lossy);
    words.collect::<Vec<_>>().join(" ")
}
