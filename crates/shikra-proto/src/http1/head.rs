use std::fmt;
use std::ops::Range;

use http::{Method, Version};

use super::target::{self, Found, Target, TargetForm, scan_target};
use super::{BodyFraming, HeadError, HeadLimits, framing};
use crate::ascii::AsciiPart;
use crate::header::{self, KnownField};
use crate::scan;
use crate::uri::UriPolicy;

/// The head of a request: its bytes, and where the parts of it are.
///
/// It owns one copy of the bytes and keeps spans into it.
/// [`clear`](Self::clear) keeps what is allocated, so a head that is used again decodes without allocating.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::KnownField;
/// use shikra_proto::http1::{HeadDecoder, HeadLimits, HeadStatus, RequestHead};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = b"GET /users/7?full=1 HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n";
/// let mut head = RequestHead::new();
/// let status = HeadDecoder::default().decode(bytes, &HeadLimits::default(), &mut head)?;
///
/// assert_eq!(status, HeadStatus::Complete { len: bytes.len() });
/// assert_eq!(head.path(), "/users/7");
/// assert_eq!(head.query(), Some("full=1"));
/// assert_eq!(head.field(KnownField::Accept), Some(&b"*/*"[..]));
/// assert_eq!(head.get("ACCEPT"), Some(&b"*/*"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RequestHead {
    /// All of a head that is complete, with the target as its text; of one that is not, the request line at most.
    bytes: AsciiPart,
    pub(super) fields: Vec<FieldSpan>,
    /// One more than the index of the first field of each known name, 0 where there is none.
    first: [u16; KnownField::COUNT],
    /// A bit for each known name that came more than once.
    repeated: u64,
    target: Target,
    method: Method,
    version: Version,
    pub(super) meaning: framing::Meaning,
    /// Kept from request to request.
    valid_host: ValidHost,
}

/// The `Host` that was found valid last: that of most requests is the same.
#[derive(Clone, Copy, Default)]
struct ValidHost {
    len: usize,
    bytes: [u8; 32],
}

impl ValidHost {
    #[inline]
    fn is(&self, host: &[u8]) -> bool {
        let Some(known) = self.bytes.get(..self.len) else { return false };
        // Most have eight to sixteen bytes: two comparisons that overlap take the place of a call.
        host.len() == self.len
            && match (host.first_chunk::<8>(), host.last_chunk::<8>()) {
                (Some(first), Some(last)) if host.len() <= 16 => {
                    known.first_chunk() == Some(first) && known.last_chunk() == Some(last)
                }
                _ => host == known,
            }
    }

    fn set(&mut self, host: &[u8]) {
        if let Some(start) = self.bytes.get_mut(..host.len()) {
            start.copy_from_slice(host);
            self.len = host.len();
        }
    }
}

/// A head of this length or less keeps its memory for the next; browsers send one or two KiB.
const KEPT_BYTES_MAX: usize = 8 * 1024;

/// A half-open range of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// Where a field is in the bytes of its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldSpan {
    pub(super) name: Span,
    pub(super) value: Span,
}

impl RequestHead {
    /// Makes an empty head, without allocating.
    pub fn new() -> Self {
        Self {
            bytes: AsciiPart::new(),
            fields: Vec::new(),
            first: [0; KnownField::COUNT],
            repeated: 0,
            target: Target::default(),
            method: Method::GET,
            version: Version::HTTP_11,
            meaning: framing::Meaning::default(),
            valid_host: ValidHost::default(),
        }
    }

    /// Forgets the request and keeps the memory, unless an unusually large head has made it grow.
    pub fn clear(&mut self) {
        self.shrink();
        self.clear_fields();
        self.set_target(Target::default());
        self.set_method(Method::GET);
        self.version = Version::HTTP_11;
        self.meaning = framing::Meaning::default();
    }

    /// Gives back what an unusually large head has made the memory grow by, which takes the request with it. Any other
    /// stays as it is: decoding forgets it.
    #[inline]
    pub fn shrink(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.renew();
        }
    }

    #[cold]
    fn renew(&mut self) {
        *self = Self::new();
    }

    /// Forgets the bytes and the fields. What the request line and the fields together mean is overwritten by the next.
    #[inline]
    pub(super) fn clear_fields(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.first = [0; KnownField::COUNT];
        self.repeated = 0;
    }

    /// Gives the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Gives the version. A decoded head is HTTP/1.0 or HTTP/1.1; later 1.x versions count as 1.1 (RFC 9110 §2.5).
    pub fn version(&self) -> Version {
        self.version
    }

    /// Gives the target as it was sent.
    pub fn target(&self) -> &str {
        self.bytes.text()
    }

    /// Gives the form of the target.
    pub fn target_form(&self) -> TargetForm {
        self.target.form
    }

    /// Gives the path as it was sent, still encoded: `*` for the asterisk form, nothing for the authority form.
    ///
    /// An absolute target without a path has the path `/`, or `*` if it came with `OPTIONS` and without a query (RFC 9112 §3.2.4).
    pub fn path(&self) -> &str {
        let path = self.target_part(self.target.path);
        if !path.is_empty() || self.target.form != TargetForm::Absolute {
            path
        } else if self.method == Method::OPTIONS && self.target.query.is_none() {
            "*"
        } else {
            "/"
        }
    }

    /// Says whether the path has no percent-encoding, so that its raw segments are its decoded, normalised segments.
    pub fn path_is_plain(&self) -> bool {
        self.target.plain
    }

    /// Gives what follows the first `?` of the target, still encoded; nothing follows a lone `?`, which gives an empty text.
    pub fn query(&self) -> Option<&str> {
        self.target.query.map(|query| self.target_part(query))
    }

    /// Gives host and port: from the target if it has them, else from `Host` (RFC 9112 §3.2.2).
    ///
    /// It is `None` if `Host` is missing, as HTTP/1.0 allows, or empty.
    /// What it gives was checked by [`uri::Authority::decode`](crate::uri::Authority::decode).
    pub fn authority(&self) -> Option<&str> {
        let in_target = self.target_part(self.target.authority);
        let authority = if in_target.is_empty() {
            scan::ascii(self.field(KnownField::Host)?)
        } else {
            in_target
        };
        (!authority.is_empty()).then_some(authority)
    }

    /// Gives the first value of a known field, in one step.
    #[inline]
    pub fn field(&self, name: KnownField) -> Option<&[u8]> {
        let index = usize::from(self.first_index(name)).checked_sub(1)?;
        self.fields.get(index).map(|field| self.part(field.value))
    }

    /// Gives the first value of a field; letter case does not matter.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        match KnownField::find(name.as_bytes()) {
            Some(known) => self.field(known),
            None => {
                let mut fields = self.fields.iter();
                let name = name.as_bytes();
                let field = fields.find(|f| self.part(f.name).eq_ignore_ascii_case(name))?;
                Some(self.part(field.value))
            }
        }
    }

    /// Gives all values of a field, in the order in which they came; letter case does not matter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.fields
            .iter()
            .filter(move |field| self.part(field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| self.part(field.value))
    }

    /// Gives all fields in the order and with the names in which they came. Values are trimmed.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| (scan::ascii(self.part(field.name)), self.part(field.value)))
    }

    /// Counts the field lines.
    pub fn fields_len(&self) -> usize {
        self.fields.len()
    }

    /// Says how the end of the body is known (RFC 9112 §6.3).
    pub fn body_framing(&self) -> BodyFraming {
        self.meaning.framing
    }

    /// Says whether version and `Connection` let the connection live on after this exchange (RFC 9112 §9.3).
    pub fn keep_alive(&self) -> bool {
        self.meaning.keep_alive
    }

    /// Says whether the client waits for `100 Continue` before it sends the body that it announced (RFC 9110 §10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.meaning.expects_continue
    }

    /// Gives the first `Upgrade` field if the request may be upgraded: HTTP/1.1, GET, no body, and `Connection` lists `upgrade` (RFC 9110 §7.8).
    pub fn upgrade(&self) -> Option<&[u8]> {
        let may = self.meaning.upgrades
            && self.method == Method::GET
            && matches!(self.meaning.framing, BodyFraming::None | BodyFraming::Length(0));
        if may { self.field(KnownField::Upgrade) } else { None }
    }

    /// Says whether the request may be upgraded to `protocol`, such as `websocket`; letter case does not matter.
    pub fn upgrades_to(&self, protocol: &str) -> bool {
        self.upgrade().is_some()
            && self
                .get_all("upgrade")
                .flat_map(header::list)
                .any(|offer| offer.eq_ignore_ascii_case(protocol.as_bytes()))
    }

    /// Starts a request that was not decoded here, such as one of HTTP/2.
    ///
    /// [`push_field`](Self::push_field) and [`finish`](Self::finish) follow.
    ///
    /// # Errors
    ///
    /// The target is checked as a decoded one is.
    pub fn set_request_line(
        &mut self,
        method: Method,
        target: &str,
        version: Version,
    ) -> Result<(), HeadError> {
        self.clear();
        // The scanner looks for the space that ends a target.
        let line = [target.as_bytes(), b" "].concat();
        match scan_target(&line, &method, target.len())? {
            Found::Ended { len, target: parts } if len == target.len() => {
                self.target = Target { place: Span::new(0, len), ..parts };
                self.set_bytes(target.as_bytes());
            }
            _ => return Err(HeadError::TargetByte),
        }
        self.set_method(method);
        self.set_version(version);
        Ok(())
    }

    /// Appends a field to a request that was not decoded here.
    ///
    /// # Errors
    ///
    /// The name must be a token, and the value must have no control byte but HTAB. White space around the value is dropped.
    pub fn push_field(&mut self, name: &str, value: &[u8]) -> Result<(), HeadError> {
        if !header::is_token(name.as_bytes()) {
            return Err(HeadError::FieldName);
        }
        if !header::is_field_value(value) {
            return Err(HeadError::FieldValue);
        }
        let name_start = self.bytes.bytes().len();
        self.bytes.push(name.as_bytes());
        let value_start = self.bytes.bytes().len();
        self.bytes.push(scan::trim(value));
        let field = FieldSpan {
            name: Span::new(name_start, value_start),
            value: Span::new(value_start, self.bytes.bytes().len()),
        };
        self.note_field(field, KnownField::find(name.as_bytes()));
        Ok(())
    }

    /// Ends a request that was not decoded here: applies the limits and decides framing and connection.
    ///
    /// # Errors
    ///
    /// The same as those of decoding. `Host` may be missing unless the version is HTTP/1.1.
    pub fn finish(&mut self, limits: &HeadLimits) -> Result<(), HeadError> {
        if self.target().len() > limits.target_bytes_max {
            return Err(HeadError::TargetTooLong);
        }
        if self.fields.len() > limits.fields_cap() {
            return Err(HeadError::TooManyFields);
        }
        if self.bytes.bytes().len() > limits.head_bytes_cap() {
            return Err(HeadError::HeadTooLarge);
        }
        self.finish_decoded(limits)
    }

    /// Applies what is left of the rules once all lines are there.
    pub(super) fn finish_decoded(&mut self, limits: &HeadLimits) -> Result<(), HeadError> {
        if let Some(query) = self.query() {
            if limits.uri_policy == UriPolicy::Strict {
                target::check_query(query)?;
            }
            // As many pairs need at least as many separators less one, so short queries are not counted.
            if query.len() >= limits.query_pairs_max && pairs(query) > limits.query_pairs_max {
                return Err(HeadError::TooManyQueryPairs);
            }
        }
        if self.has(KnownField::Cookie) {
            self.check_cookies(limits)?;
        }
        let host = self.field(KnownField::Host);
        let is_known = host.is_some_and(|host| self.valid_host.is(host));
        framing::check_host(self, host, is_known)?;
        self.meaning = match self.has_framing() {
            true => framing::decide(self)?,
            false => framing::Meaning::of_version(self.version),
        };
        if !is_known {
            self.note_valid_host();
        }
        Ok(())
    }

    #[inline(never)]
    fn note_valid_host(&mut self) {
        let mut valid_host = self.valid_host;
        valid_host.set(self.field(KnownField::Host).unwrap_or_default());
        self.valid_host = valid_host;
    }

    fn check_cookies(&self, limits: &HeadLimits) -> Result<(), HeadError> {
        // As many cookies need at least as many separators less one, so short fields are not counted.
        let len: usize = self.values(KnownField::Cookie).map(|value| value.len() + 1).sum();
        if len <= limits.cookies_max {
            return Ok(());
        }
        let count: usize = self.values(KnownField::Cookie).map(cookies).sum();
        if count > limits.cookies_max { Err(HeadError::TooManyCookies) } else { Ok(()) }
    }

    /// Takes the bytes of the head, or of as much of it as has come; the target lies in them.
    #[inline]
    pub(super) fn set_bytes(&mut self, bytes: &[u8]) {
        self.bytes.set(bytes, self.target.place.range());
    }

    /// Makes it a head that is not complete yet or never will be, of which the request line is known.
    #[cold]
    pub(super) fn set_incomplete(&mut self, line: &[u8]) {
        self.meaning = framing::Meaning::default();
        if self.bytes.bytes().is_empty() {
            self.set_bytes(line);
        }
    }

    #[inline]
    pub(super) fn set_target(&mut self, parts: Target) {
        self.target = parts;
    }

    #[inline(always)]
    pub(super) fn set_method(&mut self, method: Method) {
        // A look costs less than a copy.
        if self.method != method {
            self.method = method;
        }
    }

    #[inline]
    pub(super) fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    #[inline]
    pub(super) fn note_field(&mut self, field: FieldSpan, known: Option<KnownField>) {
        self.fields.push(field);
        if let Some(known) = known
            && let Some(first) = self.first.get_mut(known as usize)
        {
            if *first == 0 {
                *first = u16::try_from(self.fields.len()).unwrap_or(u16::MAX);
            } else {
                self.repeated |= 1 << known as u64;
            }
        }
    }

    #[inline]
    fn first_index(&self, name: KnownField) -> u16 {
        self.first.get(name as usize).copied().unwrap_or_default()
    }

    /// Gives all values of a known field; looks at no field before the first, and at none after a single one.
    #[inline]
    pub(super) fn values(&self, name: KnownField) -> impl Iterator<Item = &[u8]> {
        let first = usize::from(self.first_index(name));
        let fields = first.checked_sub(1).and_then(|index| self.fields.get(index..));
        let count_max = if self.is_repeated(name) { usize::MAX } else { 1 };
        fields
            .unwrap_or_default()
            .iter()
            .filter(move |field| {
                count_max == 1 || self.part(field.name).eq_ignore_ascii_case(name.name().as_bytes())
            })
            .take(count_max)
            .map(|field| self.part(field.value))
    }

    #[inline]
    pub(super) fn has(&self, name: KnownField) -> bool {
        self.first_index(name) != 0
    }

    /// Whether a field came that says something about the body or the connection.
    #[inline]
    pub(super) fn has_framing(&self) -> bool {
        self.first.first_chunk() != Some(&[0; KnownField::FRAMING])
    }

    #[inline]
    pub(super) fn is_repeated(&self, name: KnownField) -> bool {
        self.repeated & (1 << name as u64) != 0
    }

    #[inline]
    fn part(&self, span: Span) -> &[u8] {
        span.of(self.bytes.bytes())
    }

    fn target_part(&self, span: Span) -> &str {
        self.bytes.text_part(span.range())
    }
}

impl Default for RequestHead {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows method, target and fields, but not what `authorization` and `cookie` say.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Fields<'a>(&'a RequestHead);
        impl fmt::Debug for Fields<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut map = f.debug_map();
                for (name, value) in self.0.fields() {
                    if header::is_secret(name) {
                        map.entry(&name, &"(hidden)");
                    } else {
                        map.entry(&name, &String::from_utf8_lossy(value));
                    }
                }
                map.finish()
            }
        }
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &self.bytes)
            .field("version", &self.version)
            .field("fields", &Fields(self))
            .finish()
    }
}

impl Span {
    /// Heads are far shorter than 4 GiB; an offset past that would give an empty part, never a wrong one.
    #[inline]
    pub(super) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// Makes one of offsets that are narrow already.
    #[inline]
    pub(super) const fn at(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Gives the bytes of it.
    #[inline]
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }

    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

fn pairs(query: &str) -> usize {
    memchr::memchr_iter(b'&', query.as_bytes()).count() + 1
}

fn cookies(value: &[u8]) -> usize {
    memchr::memchr_iter(b';', value).count() + 1
}
