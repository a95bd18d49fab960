//! The header fields of a response, and those that are more than a name and a value.

use super::{Response, TEXT};
use crate::error::Error;
use crate::into_response::IntoFields;
use crate::request::full_name;
use http::{HeaderName, HeaderValue, StatusCode};
use shikra_proto::header::{FieldError, check_form, list};
use shikra_proto::uri::encode_reference;
use std::panic::Location;

impl Response {
    // Reading.

    /// The first value of a header field, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.reply.fields.get(name) {
            Some(value) => std::str::from_utf8(value).ok(),
            None if name.eq_ignore_ascii_case("content-type") => self.reply.content_type,
            None => None,
        }
    }

    /// All values of a header field, in order.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let implied = self.reply.content_type.filter(|_| {
            name.eq_ignore_ascii_case("content-type") && self.reply.fields.get(name).is_none()
        });
        self.reply.fields.get_all(name).chain(implied.map(str::as_bytes))
    }

    /// All header fields in the order in which they were set, names in lower case.
    ///
    /// The content type comes first if nobody has set it by name. What the engine adds (date, framing) is not
    /// known yet.
    ///
    /// ```
    /// use shikra::IntoResponse;
    ///
    /// let res = "x".with_header("X-A", "1");
    /// let names: Vec<_> = res.headers().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["content-type", "x-a"]);
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let implied = self.reply.content_type;
        let implied = implied.filter(|_| self.reply.fields.get("content-type").is_none());
        let implied = implied.map(|value| ("content-type", value.as_bytes()));
        implied.into_iter().chain(self.reply.fields.iter())
    }

    // Changing.

    /// Sets a header field, replacing all of that name.
    ///
    /// Never panics: a name or value that HTTP does not allow makes the reply a 500, and a line in the
    /// log that names the field and the caller. [`Response::try_set_header`] says so at once.
    #[track_caller]
    pub fn set_header(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        if let Err(error) = self.set_field(name, value) {
            self.set_field_fault(name, error, Location::caller());
        }
    }

    /// [`Response::set_header`], by value.
    #[track_caller]
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, value);
        self
    }

    /// Sets several header fields, each replacing all of its name.
    ///
    /// ```
    /// use shikra::Response;
    ///
    /// let mut res = Response::new();
    /// res.set_headers([("x-a", "1"), ("x-b", "2")]);
    /// assert_eq!(res.header("x-b"), Some("2"));
    /// ```
    #[track_caller]
    pub fn set_headers(&mut self, fields: impl IntoFields) {
        fields.add_to(self);
    }

    /// Sets a header field to several values, a line for each, replacing all of that name.
    ///
    /// ```
    /// use shikra::Response;
    ///
    /// let mut res = Response::new().with_header("via", "old");
    /// res.set_header_all("via", ["1.1 a", "1.1 b"]);
    /// assert_eq!(res.header_all("via").count(), 2);
    /// ```
    #[track_caller]
    pub fn set_header_all<V: AsRef<[u8]>>(
        &mut self,
        name: impl AsRef<str>,
        values: impl IntoIterator<Item = V>,
    ) {
        let name = name.as_ref();
        self.remove_header(name);
        for value in values {
            self.append_header(name, value);
        }
    }

    /// Adds a header field beside those of the same name.
    ///
    /// Bad names and values are treated as in [`Response::set_header`].
    #[track_caller]
    pub fn append_header(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let appended =
            check_form(name, value).and_then(|()| self.reply.fields.try_append(name, value));
        if let Err(error) = appended {
            self.set_field_fault(name, error, Location::caller());
        }
    }

    /// Sets a header field, or says why it cannot be.
    ///
    /// # Errors
    /// When the name is no token, the value has bytes that would end the line, or it is none that `content-length`,
    /// `date`, `connection`, `trailer` or `transfer-encoding` can have.
    pub fn try_set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.set_field(name, value.as_ref()).map_err(|error| {
            let text = format!("header `{}`: {error}", name.escape_debug());
            Error::from_status(StatusCode::INTERNAL_SERVER_ERROR).with_cause(text)
        })
    }

    /// Removes a header field; says whether there was one.
    pub fn remove_header(&mut self, name: &str) -> bool {
        let implied =
            name.eq_ignore_ascii_case("content-type") && self.reply.content_type.take().is_some();
        self.reply.fields.remove(name) || implied
    }

    // Fields with a meaning.

    /// Sets the content type by a short name (`json`, `html`, `png`, `.svg`: any extension of file names) or a whole
    /// media type; a short name that nobody knows is `text/plain`. Text types get `; charset=utf-8`.
    ///
    /// ```
    /// use shikra::Response;
    ///
    /// let res = Response::new().with_content_type("css").with_body("p {}");
    /// assert_eq!(res.header("content-type"), Some("text/css; charset=utf-8"));
    /// ```
    #[track_caller]
    pub fn set_content_type(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref();
        let full = full_name(name);
        let media_type = if full.contains('/') { full } else { by_extension(name).unwrap_or(TEXT) };
        self.set_media_type(media_type, Location::caller());
    }

    /// [`Response::set_content_type`], by value.
    #[track_caller]
    pub fn with_content_type(mut self, name: impl AsRef<str>) -> Self {
        self.set_content_type(name);
        self
    }

    /// Says that caches must tell requests apart by this field too; a name that is there already is not added again.
    ///
    /// ```
    /// use shikra::Response;
    ///
    /// let mut res = Response::new();
    /// res.add_vary("accept");
    /// res.add_vary("Cookie");
    /// res.add_vary("Accept");
    /// assert_eq!(res.header("vary"), Some("accept, Cookie"));
    /// ```
    #[track_caller]
    pub fn add_vary(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref();
        let covers = |known: &[u8]| known == b"*" || known.eq_ignore_ascii_case(name.as_bytes());
        if !self.reply.fields.get_all("vary").flat_map(list).any(covers) {
            self.add_to_list("vary", name, Location::caller());
        }
    }

    /// Adds a link to another resource (RFC 8288), encoded as an address of [`redirect`](crate::redirect) is.
    ///
    /// ```
    /// use shikra::Response;
    ///
    /// let mut res = Response::new();
    /// res.add_link("/users?page=2", "next");
    /// res.add_link("/users?page=9", "last");
    /// let wanted = r#"</users?page=2>; rel="next", </users?page=9>; rel="last""#;
    /// assert_eq!(res.header("link"), Some(wanted));
    /// ```
    #[track_caller]
    pub fn add_link(&mut self, target: impl AsRef<str>, relation: impl AsRef<str>) {
        let (target, relation) = (target.as_ref(), relation.as_ref());
        match encode_reference(target).filter(|_| !relation.contains(['"', '\\'])) {
            Some(target) => {
                let link = format!("<{target}>; rel=\"{relation}\"");
                self.add_to_list("link", &link, Location::caller());
            }
            None => self.set_field_fault("link", FieldError::Form, Location::caller()),
        }
    }

    /// Sets `location`. What an address cannot have, such as blanks and non-ASCII text, is percent-encoded; control
    /// bytes make the reply a logged 500.
    #[track_caller]
    pub fn set_location(&mut self, address: impl AsRef<str>) {
        match encode_reference(address.as_ref()) {
            Some(address) => self.set_header("location", address.as_bytes()),
            None => self.set_field_fault("location", FieldError::Value, Location::caller()),
        }
    }

    /// Asks the client to save the body in a file of this name (RFC 6266), and sets the content type of its extension
    /// unless that was set by name. Only what follows the last slash counts; without a name the client chooses one.
    ///
    /// ```
    /// use shikra::IntoResponse;
    ///
    /// let res = "a,b".into_response().with_attachment("täglich.csv");
    /// assert_eq!(res.header("content-type"), Some("text/csv; charset=utf-8"));
    /// let wanted = "attachment; filename=\"t_glich.csv\"; filename*=UTF-8''t%C3%A4glich.csv";
    /// assert_eq!(res.header("content-disposition"), Some(wanted));
    /// ```
    #[track_caller]
    pub fn set_attachment(&mut self, file_name: impl AsRef<str>) {
        let name = file_name.as_ref();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        self.set_header("content-disposition", disposition(name));
        let extension = name.rsplit_once('.').and_then(|(_, extension)| by_extension(extension));
        if let Some(media_type) = extension.filter(|_| !self.has_named_content_type()) {
            self.set_media_type(media_type, Location::caller());
        }
    }

    /// [`Response::set_attachment`], by value.
    #[track_caller]
    pub fn with_attachment(mut self, file_name: impl AsRef<str>) -> Self {
        self.set_attachment(file_name);
        self
    }

    // For the rooms around.

    /// Adds a field whose name and value were checked when they were made.
    pub(crate) fn append_checked(
        &mut self,
        name: &HeaderName,
        value: &HeaderValue,
        caller: &Location<'_>,
    ) {
        match check_form(name.as_str(), value.as_bytes()) {
            Ok(()) => self.reply.fields.append_checked(name, value),
            Err(error) => self.set_field_fault(name.as_str(), error, caller),
        }
    }

    pub(super) fn set_field_fault(&mut self, name: &str, error: FieldError, caller: &Location<'_>) {
        self.set_fault(&format!("header `{}`: {error}", name.escape_debug()), caller);
    }

    fn set_field(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        check_form(name, value)?;
        self.reply.fields.try_set(name, value)
    }

    /// Appends an element to the one line of a field that is a list.
    fn add_to_list(&mut self, name: &str, element: &str, caller: &Location<'_>) {
        let mut whole = Vec::new();
        for value in self.reply.fields.get_all(name) {
            whole.extend_from_slice(value);
            whole.extend_from_slice(b", ");
        }
        whole.extend_from_slice(element.as_bytes());
        if let Err(error) = self.reply.fields.try_set(name, &whole) {
            self.set_field_fault(name, error, caller);
        }
    }

    fn has_named_content_type(&self) -> bool {
        self.reply.fields.get("content-type").is_some()
    }

    fn set_media_type(&mut self, media_type: &str, caller: &Location<'_>) {
        let set = match media_type {
            text if text.starts_with("text/") && !text.contains(';') => {
                let text = format!("{text}; charset=utf-8");
                self.set_field("content-type", text.as_bytes())
            }
            other => self.set_field("content-type", other.as_bytes()),
        };
        if let Err(error) = set {
            self.set_field_fault("content-type", error, caller);
        }
    }
}

/// The media type of an extension, with or without its dot.
fn by_extension(extension: &str) -> Option<&'static str> {
    let extension = extension.strip_prefix('.').unwrap_or(extension);
    match mime_guess::from_ext(extension).first_raw()? {
        // RFC 9239 §6: the other names of it are obsolete.
        "application/javascript" | "application/x-javascript" => Some("text/javascript"),
        media_type => Some(media_type),
    }
}

/// The value of `content-disposition` for a file name.
fn disposition(name: &str) -> String {
    if name.is_empty() {
        return "attachment".to_owned();
    }
    // RFC 6266 appendix D: clients differ about escapes, so nothing that would need one is in the plain form.
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    let needs_extended = |c: char| !is_plain(c) && !c.is_control() && !matches!(c, '"' | '\\');
    if name.contains(needs_extended) {
        // RFC 8187 §3.2.1: attr-char as it is, all else as bytes of UTF-8.
        text.push_str("; filename*=UTF-8''");
        for c in name.chars().map(|c| if c.is_control() { '_' } else { c }) {
            let mut bytes = [0; 4];
            for &byte in c.encode_utf8(&mut bytes).as_bytes() {
                match byte {
                    b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => text.push(char::from(byte)),
                    _ if ATTR_CHARS.contains(&byte) => text.push(char::from(byte)),
                    _ => text.push_str(percent_encoding::percent_encode_byte(byte)),
                }
            }
        }
    }
    text
}

const ATTR_CHARS: &[u8] = b"!#$&+-.^_`|~";
