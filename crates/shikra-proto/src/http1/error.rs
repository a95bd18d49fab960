use std::error::Error;
use std::fmt;

use http::StatusCode;

/// Why a message head was refused.
///
/// Every one of these is the peer's fault, and after every one of them the connection must be closed: where the next message begins is unknown.
///
/// # Examples
///
/// ```
/// use shikra_proto::http1::{HeadDecoder, HeadError, HeadLimits, RequestHead};
///
/// let mut head = RequestHead::new();
/// let refused = HeadDecoder::default()
///     .decode(b"GET / HTTP/1.1\r\n\r\n", &HeadLimits::default(), &mut head)
///     .unwrap_err();
/// assert_eq!(refused, HeadError::HostMissing);
/// assert_eq!(refused.status(), 400);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The first line is not `method SP target SP version`, or too many empty lines came before it.
    RequestLine,
    /// The first line of a response is not `version SP status SP reason`.
    StatusLine,
    /// The method is longer than 32 bytes.
    MethodTooLong,
    /// The version is not of the form `HTTP/1.1`.
    VersionMalformed,
    /// The version is well formed, but not 1.0 or 1.x.
    VersionUnsupported,
    /// The target is longer than [`HeadLimits::target_bytes_max`](super::HeadLimits::target_bytes_max).
    TargetTooLong,
    /// The target has a byte that the URI grammar does not allow there.
    TargetByte,
    /// The path has a per cent sign without two hexadecimal digits, or an encoded NUL.
    TargetPercent,
    /// The target is of none of the four forms, or of one that the method does not allow.
    TargetForm,
    /// The authority in the target is not a host and a port.
    TargetAuthority,
    /// The head is longer than [`HeadLimits::head_bytes_max`](super::HeadLimits::head_bytes_max).
    HeadTooLarge,
    /// The head has more fields than [`HeadLimits::fields_max`](super::HeadLimits::fields_max).
    TooManyFields,
    /// A line ends with a bare LF or holds a bare CR.
    LineEnd,
    /// A field name is empty, not a token, or followed by white space.
    FieldName,
    /// A field value has a control byte.
    FieldValue,
    /// A field is continued on a second line.
    FieldFolded,
    /// An HTTP/1.1 request has no `Host`.
    HostMissing,
    /// There is more than one `Host`.
    HostRepeated,
    /// `Host` is not a host and an optional port.
    HostInvalid,
    /// `Content-Length` is not a number, does not fit 64 bits, or has several values that differ.
    ContentLength,
    /// `Transfer-Encoding` is not exactly one `chunked`.
    TransferEncoding,
    /// `Transfer-Encoding` names a coding other than `chunked` before it.
    TransferCodingUnknown,
    /// `Transfer-Encoding` came with `Content-Length`, or in an HTTP/1.0 message.
    FramingConflict,
    /// `Expect` asks for something other than `100-continue`.
    Expectation,
    /// The query has more pairs than [`HeadLimits::query_pairs_max`](super::HeadLimits::query_pairs_max).
    TooManyQueryPairs,
    /// There are more cookies than [`HeadLimits::cookies_max`](super::HeadLimits::cookies_max).
    TooManyCookies,
}

impl HeadError {
    /// Gives the status to answer with: 400, 414, 417, 431, 501 or 505.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MethodTooLong | Self::TransferCodingUnknown => StatusCode::NOT_IMPLEMENTED,
            Self::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "malformed request line",
            Self::StatusLine => "malformed status line",
            Self::MethodTooLong => "method name too long",
            Self::VersionMalformed => "malformed HTTP version",
            Self::VersionUnsupported => "HTTP version not supported",
            Self::TargetTooLong => "request target too long",
            Self::TargetByte => "byte not allowed in the request target",
            Self::TargetPercent => "malformed percent-encoding in the path",
            Self::TargetForm => "request target of a form not allowed here",
            Self::TargetAuthority => "malformed authority in the request target",
            Self::HeadTooLarge => "message head too large",
            Self::TooManyFields => "too many header fields",
            Self::LineEnd => "line not ended by CR LF",
            Self::FieldName => "malformed header field name",
            Self::FieldValue => "control byte in a header field value",
            Self::FieldFolded => "folded header field",
            Self::HostMissing => "no host field",
            Self::HostRepeated => "more than one host field",
            Self::HostInvalid => "malformed host field",
            Self::ContentLength => "invalid content-length",
            Self::TransferEncoding => "invalid transfer-encoding",
            Self::TransferCodingUnknown => "unknown transfer coding",
            Self::FramingConflict => "contradictory message framing",
            Self::Expectation => "unknown expectation",
            Self::TooManyQueryPairs => "too many query pairs",
            Self::TooManyCookies => "too many cookies",
        })
    }
}

impl Error for HeadError {}
