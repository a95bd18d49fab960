//! The sources of templates: files below a base directory, or texts that are part of the program.

use shikra_template::Loader;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Whether changed files are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The files of all templates that are in use are looked at before each page: for development.
    OnChange,
    /// A file is read once.
    Never,
}

impl Default for Reload {
    /// On change in debug builds, never in others.
    fn default() -> Self {
        if cfg!(debug_assertions) { Self::OnChange } else { Self::Never }
    }
}

/// Where sources come from.
#[derive(Clone)]
pub(super) enum Source {
    Directory(PathBuf),
    Embedded(Arc<HashMap<String, Cow<'static, str>>>),
}

pub(super) struct Files {
    source: Source,
    extension: String,
    reload: Reload,
    /// The files that were read, as they were then.
    known: Mutex<HashMap<String, (PathBuf, Stamp)>>,
    is_fresh: AtomicBool,
    said: Mutex<HashSet<String>>,
}

/// What tells that a file has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), len: metadata.len() }
    }
}

impl Files {
    pub(super) fn new(source: Source, extension: String, reload: Reload) -> Self {
        let (known, said) = (Mutex::default(), Mutex::default());
        Self { source, extension, reload, known, is_fresh: AtomicBool::new(false), said }
    }

    /// The templates whose files are not as they were; they are forgotten here.
    pub(super) fn changed(&self) -> Vec<String> {
        if self.reload == Reload::Never {
            return Vec::new();
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_changed = |path: &Path, stamp: Stamp| {
            fs::metadata(path).map_or(true, |metadata| Stamp::of(&metadata) != stamp)
        };
        let changed = known.iter().filter(|(_, (path, stamp))| is_changed(path, *stamp));
        let changed: Vec<_> = changed.map(|(name, _)| name.clone()).collect();
        for name in &changed {
            known.remove(name);
        }
        changed
    }

    /// Whether a file was read since the last time.
    pub(super) fn take_fresh(&self) -> bool {
        self.is_fresh.load(Ordering::Relaxed) && self.is_fresh.swap(false, Ordering::Relaxed)
    }

    /// Whether a text is said for the first time.
    pub(super) fn is_news(&self, text: &str) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= SAID_MAX {
            said.clear();
        }
        said.insert(text.to_owned())
    }

    /// The names of all templates in some directories, in order.
    pub(super) fn names(&self, directories: &[&str]) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        match &self.source {
            Source::Directory(base) => {
                for directory in directories {
                    let prefix = if directory.is_empty() { "" } else { "/" };
                    let prefix = format!("{directory}{prefix}");
                    self.names_below(&base.join(directory), &prefix, &mut names)?;
                }
            }
            Source::Embedded(all) => {
                let all = all.keys().filter_map(|path| path.strip_suffix(&self.extension));
                names.extend(all.map(str::to_owned));
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn names_below(
        &self,
        directory: &Path,
        prefix: &str,
        names: &mut Vec<String>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(file) = file.to_str().filter(|file| !file.starts_with('.')) else { continue };
            let kind = entry.file_type()?; // links to directories are not followed: they may lead in circles
            if kind.is_dir() {
                self.names_below(&entry.path(), &format!("{prefix}{file}/"), names)?;
            } else if let Some(name) = file.strip_suffix(&self.extension) {
                names.push(format!("{prefix}{name}"));
            }
        }
        Ok(())
    }

    fn read(&self, base: &Path, name: &str) -> io::Result<Option<String>> {
        let path = base.join(format!("{name}{}", self.extension));
        let Some(real) = found(fs::canonicalize(&path))? else { return Ok(None) };
        // The name has no `..`; a link in the way may still lead anywhere.
        if !real.starts_with(fs::canonicalize(base)?) {
            let text = format!("`{name}` is a link that leaves the project");
            return Err(io::Error::new(ErrorKind::PermissionDenied, text));
        }
        for _ in 0..READS_MAX {
            let before = Stamp::of(&fs::metadata(&real)?);
            let text = fs::read_to_string(&real)?;
            let after = Stamp::of(&fs::metadata(&real)?);
            // HA-104: what changes while it is read may be half of a file.
            if before == after && text.len() as u64 == after.len {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(name.to_owned(), (path, after));
                return Ok(Some(text));
            }
        }
        Err(io::Error::other(format!("`{name}` changes all the time")))
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The files as the language's engine sees them.
pub(super) struct Loads(pub(super) Arc<Files>);

impl Loader for Loads {
    fn load(&self, name: &str) -> Result<Option<String>, Box<dyn StdError + Send + Sync>> {
        let files = &self.0;
        files.is_fresh.store(true, Ordering::Relaxed);
        match &files.source {
            Source::Directory(base) => Ok(files.read(base, name)?),
            Source::Embedded(all) => {
                let path = format!("{name}{}", files.extension);
                Ok(all.get(&path).map(|text| text.clone().into_owned()))
            }
        }
    }
}

/// How often a file is read that changes meanwhile.
const READS_MAX: usize = 8;
/// How many warnings are remembered as said.
const SAID_MAX: usize = 1_000;
