use crate::scan::Block;

/// A field whose place in a head is remembered while it is decoded, so that looking it up takes one step.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::KnownField;
///
/// assert_eq!(KnownField::find(b"Content-Type"), Some(KnownField::ContentType));
/// assert_eq!(KnownField::ContentType.name(), "content-type");
/// assert_eq!(KnownField::find(b"x-request-id"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum KnownField {
    // Those that say something about the body or the connection stand together: one look shows that none came.
    /// `connection`
    Connection,
    /// `content-length`
    ContentLength,
    /// `expect`
    Expect,
    /// `transfer-encoding`
    TransferEncoding,
    // The others.
    /// `accept`
    Accept,
    /// `accept-encoding`
    AcceptEncoding,
    /// `accept-language`
    AcceptLanguage,
    /// `access-control-request-headers`
    AccessControlRequestHeaders,
    /// `access-control-request-method`
    AccessControlRequestMethod,
    /// `authorization`
    Authorization,
    /// `cache-control`
    CacheControl,
    /// `content-encoding`
    ContentEncoding,
    /// `content-type`
    ContentType,
    /// `cookie`
    Cookie,
    /// `date`
    Date,
    /// `forwarded`
    Forwarded,
    /// `host`
    Host,
    /// `if-match`
    IfMatch,
    /// `if-modified-since`
    IfModifiedSince,
    /// `if-none-match`
    IfNoneMatch,
    /// `if-range`
    IfRange,
    /// `if-unmodified-since`
    IfUnmodifiedSince,
    /// `keep-alive`
    KeepAlive,
    /// `origin`
    Origin,
    /// `range`
    Range,
    /// `referer`
    Referer,
    /// `sec-websocket-extensions`
    SecWebsocketExtensions,
    /// `sec-websocket-key`
    SecWebsocketKey,
    /// `sec-websocket-protocol`
    SecWebsocketProtocol,
    /// `sec-websocket-version`
    SecWebsocketVersion,
    /// `te`
    Te,
    /// `trailer`
    Trailer,
    /// `upgrade`
    Upgrade,
    /// `user-agent`
    UserAgent,
    /// `x-forwarded-for`
    XForwardedFor,
    /// `x-forwarded-host`
    XForwardedHost,
    /// `x-forwarded-proto`
    XForwardedProto,
    /// `x-requested-with`
    XRequestedWith,
}

impl KnownField {
    /// How many fields are known.
    pub(crate) const COUNT: usize = Self::XRequestedWith as usize + 1;

    /// How many of the first say something about the body or the connection.
    pub(crate) const FRAMING: usize = Self::TransferEncoding as usize + 1;

    /// Gives the name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptEncoding => "accept-encoding",
            Self::AcceptLanguage => "accept-language",
            Self::AccessControlRequestHeaders => "access-control-request-headers",
            Self::AccessControlRequestMethod => "access-control-request-method",
            Self::Authorization => "authorization",
            Self::CacheControl => "cache-control",
            Self::Connection => "connection",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLength => "content-length",
            Self::ContentType => "content-type",
            Self::Cookie => "cookie",
            Self::Date => "date",
            Self::Expect => "expect",
            Self::Forwarded => "forwarded",
            Self::Host => "host",
            Self::IfMatch => "if-match",
            Self::IfModifiedSince => "if-modified-since",
            Self::IfNoneMatch => "if-none-match",
            Self::IfRange => "if-range",
            Self::IfUnmodifiedSince => "if-unmodified-since",
            Self::KeepAlive => "keep-alive",
            Self::Origin => "origin",
            Self::Range => "range",
            Self::Referer => "referer",
            Self::SecWebsocketExtensions => "sec-websocket-extensions",
            Self::SecWebsocketKey => "sec-websocket-key",
            Self::SecWebsocketProtocol => "sec-websocket-protocol",
            Self::SecWebsocketVersion => "sec-websocket-version",
            Self::Te => "te",
            Self::Trailer => "trailer",
            Self::TransferEncoding => "transfer-encoding",
            Self::Upgrade => "upgrade",
            Self::UserAgent => "user-agent",
            Self::XForwardedFor => "x-forwarded-for",
            Self::XForwardedHost => "x-forwarded-host",
            Self::XForwardedProto => "x-forwarded-proto",
            Self::XRequestedWith => "x-requested-with",
        }
    }

    /// Finds the field of a name; letter case does not matter.
    ///
    /// Length and first letter leave at most three candidates, and each is compared without a loop.
    #[inline]
    pub fn find(name: &[u8]) -> Option<Self> {
        let first = name.first()? | 0x20;
        match (name.len(), first) {
            (2, b't') => Self::Te.if_same(name, b"te"),
            (4, b'd') => Self::Date.if_same(name, b"date"),
            (4, b'h') => Self::Host.if_same(name, b"host"),
            (5, b'r') => Self::Range.if_same(name, b"range"),
            (6, b'a') => Self::Accept.if_same(name, b"accept"),
            (6, b'c') => Self::Cookie.if_same(name, b"cookie"),
            (6, b'e') => Self::Expect.if_same(name, b"expect"),
            (6, b'o') => Self::Origin.if_same(name, b"origin"),
            (7, b'r') => Self::Referer.if_same(name, b"referer"),
            (7, b't') => Self::Trailer.if_same(name, b"trailer"),
            (7, b'u') => Self::Upgrade.if_same(name, b"upgrade"),
            (8, b'i') => Self::IfMatch
                .if_same(name, b"if-match")
                .or_else(|| Self::IfRange.if_same(name, b"if-range")),
            (9, b'f') => Self::Forwarded.if_same(name, b"forwarded"),
            (10, b'c') => Self::Connection.if_same(name, b"connection"),
            (10, b'k') => Self::KeepAlive.if_same(name, b"keep-alive"),
            (10, b'u') => Self::UserAgent.if_same(name, b"user-agent"),
            (12, b'c') => Self::ContentType.if_same(name, b"content-type"),
            (13, b'a') => Self::Authorization.if_same(name, b"authorization"),
            (13, b'c') => Self::CacheControl.if_same(name, b"cache-control"),
            (13, b'i') => Self::IfNoneMatch.if_same(name, b"if-none-match"),
            (14, b'c') => Self::ContentLength.if_same(name, b"content-length"),
            (15, b'a') => Self::AcceptEncoding
                .if_same(name, b"accept-encoding")
                .or_else(|| Self::AcceptLanguage.if_same(name, b"accept-language")),
            (15, b'x') => Self::XForwardedFor.if_same(name, b"x-forwarded-for"),
            (16.., _) => Self::find_long(name, first),
            _ => None,
        }
    }

    /// Finds the field whose name stands at the front of a line, up to the colon at `len`.
    ///
    /// One place of a table and one comparison; [`find`](Self::find) is its twin in the tests.
    #[inline]
    pub(crate) fn find_at(line: &[u8; 16], block: Block, len: usize) -> Option<Self> {
        let first = line.first().copied().unwrap_or_default();
        let last = line.get(len.wrapping_sub(1) & 15).copied().unwrap_or_default();
        let name = SHORT.get(place(len, first, last))?;
        let same = block.same(&name.lower, &name.small);
        (same & name.bits == name.bits).then_some(name.field)
    }

    fn find_long(name: &[u8], first: u8) -> Option<Self> {
        match (name.len(), first) {
            (16, b'c') => Self::ContentEncoding.if_same(name, b"content-encoding"),
            (16, b'x') => Self::XForwardedHost
                .if_same(name, b"x-forwarded-host")
                .or_else(|| Self::XRequestedWith.if_same(name, b"x-requested-with")),
            (17, b'i') => Self::IfModifiedSince.if_same(name, b"if-modified-since"),
            (17, b's') => Self::SecWebsocketKey.if_same(name, b"sec-websocket-key"),
            (17, b't') => Self::TransferEncoding.if_same(name, b"transfer-encoding"),
            (17, b'x') => Self::XForwardedProto.if_same(name, b"x-forwarded-proto"),
            (19, b'i') => Self::IfUnmodifiedSince.if_same(name, b"if-unmodified-since"),
            (21, b's') => Self::SecWebsocketVersion.if_same(name, b"sec-websocket-version"),
            (22, b's') => Self::SecWebsocketProtocol.if_same(name, b"sec-websocket-protocol"),
            (24, b's') => Self::SecWebsocketExtensions.if_same(name, b"sec-websocket-extensions"),
            (29, b'a') => {
                Self::AccessControlRequestMethod.if_same(name, b"access-control-request-method")
            }
            (30, b'a') => {
                Self::AccessControlRequestHeaders.if_same(name, b"access-control-request-headers")
            }
            _ => None,
        }
    }

    /// Gives the field if `name` is `lower` apart from letter case.
    ///
    /// Setting bit 0x20 makes a capital small, and turns nothing but a capital into a letter. It would make a
    /// hyphen of a CR, so a hyphen is compared as it is.
    #[inline]
    fn if_same<const LEN: usize>(self, name: &[u8], lower: &[u8; LEN]) -> Option<Self> {
        let name = name.first_chunk::<LEN>()?;
        let mut difference = 0;
        for (a, b) in name.iter().zip(lower) {
            let small = if *b == b'-' { 0 } else { 0x20 };
            difference |= (a | small) ^ b;
        }
        (difference == 0).then_some(self)
    }
}

/// A name of less than sixteen bytes, in one line of the processor's cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct ShortName {
    /// The name and the colon after it.
    lower: [u8; 16],
    /// What makes capitals small: nothing else than a letter becomes a letter by it, and a hyphen is left alone,
    /// since a CR would become one.
    small: [u8; 16],
    /// A bit for each byte of the name, and one for the colon. In an empty place more than there can be.
    bits: u32,
    field: KnownField,
}

/// Where the name of this length and these ends would be. `SHORT` does not compile if two names meet.
#[inline]
const fn place(len: usize, first: u8, last: u8) -> usize {
    (3 * len + 20 * (first | 0x20) as usize + (last | 0x20) as usize) % PLACES
}

const fn short_names() -> [ShortName; PLACES] {
    let empty =
        ShortName { lower: [0; 16], small: [0; 16], bits: u32::MAX, field: KnownField::Accept };
    let mut names = [empty; PLACES];
    let mut index = 0;
    while index < SHORT_FIELDS.len() {
        let name = SHORT_FIELDS[index].name().as_bytes();
        let place = place(name.len(), name[0], name[name.len() - 1]);
        assert!(names[place].bits == u32::MAX, "two names have the same place");
        names[place].field = SHORT_FIELDS[index];
        names[place].bits = (2 << name.len()) - 1;
        names[place].lower[name.len()] = b':';
        let mut byte = 0;
        while byte < name.len() {
            names[place].lower[byte] = name[byte];
            names[place].small[byte] = if name[byte] == b'-' { 0 } else { 0x20 };
            byte += 1;
        }
        index += 1;
    }
    names
}

/// The names, each in a place of its own.
static SHORT: [ShortName; PLACES] = short_names();
const PLACES: usize = 64;
const SHORT_FIELDS: [KnownField; 25] = [
    KnownField::Accept,
    KnownField::AcceptEncoding,
    KnownField::AcceptLanguage,
    KnownField::Authorization,
    KnownField::CacheControl,
    KnownField::Connection,
    KnownField::ContentLength,
    KnownField::ContentType,
    KnownField::Cookie,
    KnownField::Date,
    KnownField::Expect,
    KnownField::Forwarded,
    KnownField::Host,
    KnownField::IfMatch,
    KnownField::IfNoneMatch,
    KnownField::IfRange,
    KnownField::KeepAlive,
    KnownField::Origin,
    KnownField::Range,
    KnownField::Referer,
    KnownField::Te,
    KnownField::Trailer,
    KnownField::Upgrade,
    KnownField::UserAgent,
    KnownField::XForwardedFor,
];

#[cfg(test)]
mod tests;
