//! Names of templates: paths such as `views/home`, which may not leave their directory.

use crate::error::{Error, ErrorKind};
use crate::text::Text;

/// Checks a name that comes from outside of templates.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if is_safe(name) && name.split('/').all(plain) {
        return Ok(());
    }
    Err(refused(name))
}

/// Joins a name in a template to the directory that it is looked for in.
///
/// `..` may lead out of the directory only as far as `root`, which is a part of it.
pub(crate) fn join(root: &str, directory: &str, name: &str) -> Result<Text, Error> {
    if !is_safe(name) {
        return Err(refused(name));
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let floor = root.split('/').filter(|part| !part.is_empty()).count();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.len() > floor => {
                parts.pop();
            }
            ".." => return Err(refused(name)),
            part => parts.push(part),
        }
    }
    if parts.len() <= floor {
        return Err(refused(name));
    }
    Ok(Text::from(parts.join("/")))
}

/// The directory of a template: what stands before its last slash.
pub(crate) fn directory(name: &str) -> &str {
    name.rfind('/').map_or("", |at| &name[..at])
}

fn is_safe(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let odd = |c: char| c == '\\' || c.is_control();
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('/')
        && !drive
        && !name.contains(odd)
}

fn refused(name: &str) -> Error {
    let shown: String = name.chars().take(80).collect();
    Error::new(ErrorKind::Name, format!("{shown:?} is no name for a template here"))
}

const NAME_BYTES_MAX: usize = 1024;
