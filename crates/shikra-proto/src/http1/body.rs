//! The decoder of message bodies (RFC 9112 §6 and §7).
//!
//! The states of a chunked body, and what takes them from one to the next:
//!
//! | state | sees | goes to |
//! |---|---|---|
//! | size | a hexadecimal digit | size |
//! | size | CR | size end |
//! | size | `;`, or white space and then `;` | extension |
//! | extension | a byte of a field value | extension |
//! | extension | CR | size end |
//! | size end | LF | data; trailers if the size was 0 |
//! | data | its bytes | data; data CR after the last one |
//! | data CR | CR | data LF |
//! | data LF | LF | size |
//! | trailers | field lines, then an empty line | done |
//! | any | anything else | error; the connection must close |

use std::error::Error;
use std::fmt;

use http::StatusCode;

use super::trailer::TrailerDecoder;
use crate::header::FieldLines;
use crate::scan;

/// How the end of a request body is known (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body.
    #[default]
    None,
    /// The body has this many bytes.
    Length(u64),
    /// The body comes in chunks, of which the last is empty.
    Chunked,
}

/// What the framing of a chunked body may cost before it is refused.
///
/// The body itself is not limited here: that is the reader's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes of chunk extensions in the whole body; more are 400. Default 4 KiB.
    pub extension_bytes_max: usize,
    /// Most bytes of trailers; more are 431. Default 32 KiB.
    pub trailer_bytes_max: usize,
    /// Most trailers; more are 431. Default 128.
    pub trailers_max: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { extension_bytes_max: 4 * 1024, trailer_bytes_max: 32 * 1024, trailers_max: 128 }
    }
}

/// Why a message body was refused.
///
/// Every one of these is the peer's fault, and after every one of them the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// A chunk size is missing, not hexadecimal, or longer than 16 digits.
    ChunkSize,
    /// A chunk extension has a control byte.
    ChunkExtension,
    /// The chunk extensions are longer than [`BodyLimits::extension_bytes_max`].
    ExtensionsTooLarge,
    /// A line or a chunk does not end with CR LF.
    LineEnd,
    /// A trailer is not a field.
    Trailer,
    /// The trailers are longer than [`BodyLimits::trailer_bytes_max`] or more than [`BodyLimits::trailers_max`].
    TrailersTooLarge,
}

impl BodyError {
    /// Gives the status to answer with: 400 or 431.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TrailersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChunkSize => "invalid chunk size",
            Self::ChunkExtension => "control byte in a chunk extension",
            Self::ExtensionsTooLarge => "chunk extensions too large",
            Self::LineEnd => "chunk line not ended by CR LF",
            Self::Trailer => "malformed trailer",
            Self::TrailersTooLarge => "trailers too large",
        })
    }
}

impl Error for BodyError {}

/// What the front of the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyStep {
    /// The input held framing only, and more is needed.
    NeedMore {
        /// How many bytes were used up: all of them.
        consumed: usize,
    },
    /// `input[start..end]` is data, and everything before `end` is used up.
    Data {
        /// Where the data begins.
        start: usize,
        /// Where it ends, after `start`.
        end: usize,
    },
    /// The body is complete.
    End {
        /// How many bytes were used up. What follows them is not of this message.
        consumed: usize,
    },
}

/// Decodes one body, a piece at a time. It copies nothing but trailers.
///
/// # Examples
///
/// ```
/// use shikra_proto::http1::{BodyDecoder, BodyFraming, BodyLimits, BodyStep};
///
/// # fn main() -> Result<(), shikra_proto::http1::BodyError> {
/// let limits = BodyLimits::default();
/// let mut input = &b"5\r\nhello\r\n0\r\n\r\nGET /next"[..];
/// let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
/// let mut body = Vec::new();
/// while let BodyStep::Data { start, end } = decoder.decode(input, &limits)? {
///     body.extend_from_slice(&input[start..end]);
///     input = &input[end..];
/// }
/// assert!(decoder.is_done());
/// assert_eq!(body, b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    extension_bytes: usize,
    trailers: Option<Box<TrailerDecoder>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Exactly `left` bytes to come.
    Exact {
        left: u64,
    },
    /// In the digits of a chunk size.
    Size {
        size: u64,
        digits: u8,
    },
    /// In white space after the size, which only an extension may follow.
    SizeBlank {
        size: u64,
    },
    Extension {
        size: u64,
    },
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    Trailers,
    Done,
}

impl BodyDecoder {
    /// Makes a decoder for one body.
    pub fn new(framing: BodyFraming) -> Self {
        let state = match framing {
            BodyFraming::None | BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(left) => State::Exact { left },
            BodyFraming::Chunked => State::Size { size: 0, digits: 0 },
        };
        Self { state, extension_bytes: 0, trailers: None }
    }

    /// Decodes the front of `input`, which begins where the last step left off.
    ///
    /// It never looks beyond the end of the body, and it may be cut at any byte.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with the framing. The decoder must not be used again, and the connection must be closed after the answer.
    pub fn decode(&mut self, input: &[u8], limits: &BodyLimits) -> Result<BodyStep, BodyError> {
        let mut at = 0;
        loop {
            match self.state {
                State::Done => return Ok(BodyStep::End { consumed: at }),
                State::Exact { left } | State::Data { left } => {
                    let rest = input.len() - at;
                    if rest == 0 {
                        return Ok(BodyStep::NeedMore { consumed: at });
                    }
                    let len = usize::try_from(left).map_or(rest, |left| rest.min(left));
                    self.took(left - len as u64);
                    return Ok(BodyStep::Data { start: at, end: at + len });
                }
                State::Trailers => {
                    let trailers = self.trailers.get_or_insert_default();
                    let rest = input.get(at..).unwrap_or_default();
                    let (consumed, done) = trailers.decode(rest, limits)?;
                    at += consumed;
                    if !done {
                        return Ok(BodyStep::NeedMore { consumed: at });
                    }
                    self.state = State::Done;
                }
                _ => {
                    let Some(&byte) = input.get(at) else {
                        return Ok(BodyStep::NeedMore { consumed: at });
                    };
                    at += 1;
                    self.state = self.after_framing_byte(byte, limits)?;
                }
            }
        }
    }

    /// Says whether the end of the body was reached.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Gives how many bytes of the body are still to come, where that is known: always, but in a chunked body.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Exact { left } => Some(left),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Takes the trailers that came after a chunked body, with names in lower case.
    ///
    /// Fields that would act on framing, routing or authorisation are not among them (RFC 9110 §6.5.1).
    pub fn take_trailers(&mut self) -> FieldLines {
        self.trailers.take().map(|trailers| trailers.into_lines()).unwrap_or_default()
    }

    fn took(&mut self, left: u64) {
        self.state = match (self.state, left) {
            (State::Exact { .. }, 0) => State::Done,
            (State::Exact { .. }, left) => State::Exact { left },
            (_, 0) => State::DataCr,
            (_, left) => State::Data { left },
        };
    }

    /// RFC 9112 §7.1: the lines between the data. Every terminator is compared.
    fn after_framing_byte(&mut self, byte: u8, limits: &BodyLimits) -> Result<State, BodyError> {
        match (self.state, byte) {
            (State::Size { digits: 1.., size }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Size { digits: 1.., size }, b';') => {
                self.count_extension(limits)?;
                Ok(State::Extension { size })
            }
            (State::Size { digits: 1.., size } | State::SizeBlank { size }, b' ' | b'\t') => {
                self.count_extension(limits)?;
                Ok(State::SizeBlank { size })
            }
            (State::SizeBlank { size }, b';') => {
                self.count_extension(limits)?;
                Ok(State::Extension { size })
            }
            (State::Size { size, digits }, _) => {
                let digit = scan::hex(byte).ok_or(BodyError::ChunkSize)?;
                // Sixteen digits fill 64 bits, so a longer size overflows or hides behind zeros.
                if digits == SIZE_DIGITS_MAX {
                    return Err(BodyError::ChunkSize);
                }
                Ok(State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 })
            }
            (State::Extension { size }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Extension { size }, _) => {
                // RFC 9112 §7.1.1: unknown extensions are ignored. A control byte in one is an attempt to smuggle.
                if scan::is_control(byte) {
                    return Err(BodyError::ChunkExtension);
                }
                self.count_extension(limits)?;
                Ok(State::Extension { size })
            }
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::Trailers),
            (State::SizeEnd { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size { size: 0, digits: 0 }),
            (State::SizeBlank { .. }, _) => Err(BodyError::ChunkSize),
            _ => Err(BodyError::LineEnd),
        }
    }

    fn count_extension(&mut self, limits: &BodyLimits) -> Result<(), BodyError> {
        self.extension_bytes += 1;
        if self.extension_bytes > limits.extension_bytes_max {
            return Err(BodyError::ExtensionsTooLarge);
        }
        Ok(())
    }
}

/// Most digits of a chunk size.
const SIZE_DIGITS_MAX: u8 = 16;
