//! `bench/RESULTS.md`: a part for each kind of measurement, so that each can be recorded on its own.

use std::fs;
use std::path::Path;

/// What the file consists of, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Servers,
    Templates,
    Builds,
}

/// Writes one part and leaves the others as they are.
pub(crate) fn record(root: &Path, part: Part, text: &str) -> Result<(), String> {
    let path = root.join(RESULTS);
    let error = |error| format!("{}: {error}", path.display());
    let before = match fs::read_to_string(&path) {
        Ok(page) => page,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(other) => return Err(error(other)),
    };
    fs::write(&path, replaced(&before, part, text)).map_err(error)?;
    println!("bench: wrote {RESULTS}");
    Ok(())
}

/// The page with a new part.
pub(crate) fn replaced(page: &str, part: Part, text: &str) -> String {
    let mut parts = Vec::new();
    for one in [Part::Servers, Part::Templates, Part::Builds] {
        let kept = if one == part { Some(text) } else { find(page, one) };
        let (start, end) = marks(one);
        parts.extend(kept.map(|text| format!("{start}\n\n{}\n\n{end}\n", text.trim())));
    }
    parts.join("\n")
}

fn find(page: &str, part: Part) -> Option<&str> {
    let (start, end) = marks(part);
    let (_, rest) = page.split_once(start)?;
    rest.split_once(end).map(|(text, _)| text)
}

fn marks(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Servers => ("<!-- bench:servers -->", "<!-- /bench:servers -->"),
        Part::Templates => ("<!-- bench:templates -->", "<!-- /bench:templates -->"),
        Part::Builds => ("<!-- bench:builds -->", "<!-- /bench:builds -->"),
    }
}

const RESULTS: &str = "bench/RESULTS.md";
