use std::error::Error;
use std::fmt;

use http::{HeaderName, HeaderValue};

use super::{is_field_value, is_reserved, is_secret, is_token};
use crate::scan;

/// Fields as they go on the wire: `name: value` lines with names in lower case, one after another in one buffer.
///
/// No name and no value in it can hold CR, LF or NUL, so sending it is one copy and splits no response.
/// An empty one allocates nothing.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::FieldLines;
///
/// # fn main() -> Result<(), shikra_proto::header::FieldError> {
/// let mut fields = FieldLines::new();
/// fields.try_append("Vary", b"accept")?;
/// fields.try_set("X-Id", b"7")?;
/// assert_eq!(fields.as_bytes(), b"vary: accept\r\nx-id: 7\r\n");
/// assert_eq!(fields.get("VARY"), Some(&b"accept"[..]));
/// assert!(fields.try_append("location", b"/\r\nset-cookie: a=b").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FieldLines {
    buf: Vec<u8>,
    /// A response is moved often, and this keeps it within what the compiler moves without a call.
    len: u32,
    has_content_type: bool,
    has_reserved: bool,
}

/// Why a field was refused. It is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// The name is not a token.
    Name,
    /// The value has a control byte.
    Value,
    /// The value is none that a field of this name can have.
    Form,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "header field name is not a token",
            Self::Value => "control byte in a header field value",
            Self::Form => "a value that a header field of this name cannot have",
        })
    }
}

impl Error for FieldError {}

impl FieldLines {
    /// Makes an empty list, without allocating.
    pub const fn new() -> Self {
        Self { buf: Vec::new(), len: 0, has_content_type: false, has_reserved: false }
    }

    /// Makes an empty list that uses the memory of `buf`.
    pub fn with_buffer(mut buf: Vec<u8>) -> Self {
        buf.clear();
        Self { buf, ..Self::new() }
    }

    /// Gives up the list for its memory.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buf
    }

    /// Says whether it has allocated.
    pub fn owns_memory(&self) -> bool {
        self.buf.capacity() > 0
    }

    /// Says whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Counts the field lines.
    pub fn len_fields(&self) -> usize {
        self.len as usize
    }

    /// Gives all lines as they go on the wire, each with its line end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buf
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        let buf = std::mem::take(&mut self.buf);
        *self = Self::with_buffer(buf);
    }

    /// Appends a field, whether or not there is one of that name. White space around the value is dropped.
    ///
    /// # Errors
    ///
    /// The name must be a token and the value must have no control byte but HTAB.
    pub fn try_append(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        check(name, value)?;
        self.push(name, value);
        Ok(())
    }

    /// Sets a field: it takes the place of the first one of that name, and the others of that name go.
    ///
    /// # Errors
    ///
    /// The same as those of [`try_append`](Self::try_append); the list is then unchanged.
    pub fn try_set(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        check(name, value)?;
        let Some(place) = self.lines().find(|line| line.is_named(name)).map(|line| line.start)
        else {
            self.push(name, value);
            return Ok(());
        };
        self.remove(name);
        let tail = self.buf.split_off(place.min(self.buf.len()));
        self.push(name, value);
        self.buf.extend_from_slice(&tail);
        Ok(())
    }

    /// Appends a field whose name and value were checked when they were made.
    pub fn append_checked(&mut self, name: &HeaderName, value: &HeaderValue) {
        // A `HeaderValue` has no control byte but HTAB, which is what `check` asks for.
        self.push(name.as_str(), value.as_bytes());
    }

    /// Removes all fields of a name and says whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        self.remove_where(name, |_| true)
    }

    /// Removes the fields of a name whose values `takes` picks out.
    ///
    /// # Examples
    ///
    /// ```
    /// use shikra_proto::header::FieldLines;
    ///
    /// # fn main() -> Result<(), shikra_proto::header::FieldError> {
    /// let mut fields = FieldLines::new();
    /// fields.try_append("set-cookie", b"a=1")?;
    /// fields.try_append("set-cookie", b"b=2")?;
    /// fields.remove_where("set-cookie", |value| value.starts_with(b"a="));
    /// assert_eq!(fields.as_bytes(), b"set-cookie: b=2\r\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_where(&mut self, name: &str, mut takes: impl FnMut(&[u8]) -> bool) -> bool {
        let before = self.len;
        let mut start = 0;
        while let Some(line) = next_line(&self.buf, start) {
            if line.is_named(name) && takes(line.value) {
                let end = line.end;
                self.buf.drain(start..end);
                self.len -= 1;
            } else {
                start = line.end;
            }
        }
        let removed = self.len < before;
        if removed {
            let has_content_type = self.iter().any(|(name, _)| name == "content-type");
            let has_reserved = self.iter().any(|(name, _)| is_reserved(name));
            (self.has_content_type, self.has_reserved) = (has_content_type, has_reserved);
        }
        removed
    }

    /// Gives the first value of a name; letter case does not matter.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.lines().find(|line| line.is_named(name)).map(|line| line.value)
    }

    /// Gives all values of a name in order; letter case does not matter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.lines().filter(move |line| line.is_named(name)).map(|line| line.value)
    }

    /// Gives all fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines().map(|line| (scan::ascii(line.name), line.value))
    }

    /// Says whether there is a `content-type`.
    pub(crate) fn has_content_type(&self) -> bool {
        self.has_content_type
    }

    /// Says whether there is a field that the encoder leaves out.
    pub(crate) fn has_reserved(&self) -> bool {
        self.has_reserved
    }

    fn push(&mut self, name: &str, value: &[u8]) {
        let start = self.buf.len();
        self.buf.extend_from_slice(name.as_bytes());
        let end = self.buf.len();
        let name = self.buf.get_mut(start..end).unwrap_or_default();
        name.make_ascii_lowercase();
        let name = scan::ascii(name);
        self.has_content_type |= name == "content-type";
        self.has_reserved |= is_reserved(name);
        self.buf.extend_from_slice(b": ");
        self.buf.extend_from_slice(scan::trim(value));
        self.buf.extend_from_slice(b"\r\n");
        self.len += 1;
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let line = next_line(&self.buf, start)?;
            start = line.end;
            Some(line)
        })
    }
}

/// Shows names and values, but not what cookies say.
impl fmt::Debug for FieldLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| {
            let hidden = is_secret(name);
            (name, if hidden { "(hidden)".into() } else { String::from_utf8_lossy(value) })
        });
        f.debug_map().entries(shown).finish()
    }
}

struct Line<'a> {
    name: &'a [u8],
    value: &'a [u8],
    start: usize,
    end: usize,
}

impl Line<'_> {
    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

fn next_line(buf: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = buf.get(start..)?;
    // No name has a colon and no value a LF, so the first of each are the delimiters.
    let name_len = memchr::memchr(b':', rest)?;
    let line_len = memchr::memchr(b'\n', rest)? + 1;
    let name = rest.get(..name_len)?;
    let value = rest.get(name_len + 2..line_len - 2)?;
    Some(Line { name, value, start, end: start + line_len })
}

fn check(name: &str, value: &[u8]) -> Result<(), FieldError> {
    if !is_token(name.as_bytes()) {
        return Err(FieldError::Name);
    }
    if is_field_value(value) { Ok(()) } else { Err(FieldError::Value) }
}
