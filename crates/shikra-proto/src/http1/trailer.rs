//! The fields after the last chunk (RFC 9112 §7.1.2).
//!
//! Each byte is checked when it comes, so that the outcome does not depend on how the bytes were cut.

use super::{BodyError, BodyLimits};
use crate::header::{self, FieldLines};
use crate::scan;

/// Decodes trailers a piece at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct TrailerDecoder {
    state: State,
    /// The line that is incomplete, without its line end.
    line: Vec<u8>,
    name_len: usize,
    bytes: usize,
    count: usize,
    lines: FieldLines,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// At the start of a line.
    #[default]
    Start,
    Name,
    Value,
    /// After the CR of a field.
    FieldLf,
    /// After the CR of the empty line.
    EndLf,
    Done,
}

impl TrailerDecoder {
    /// Decodes the front of `input` and says how much was used up, and whether the trailers are complete.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        limits: &BodyLimits,
    ) -> Result<(usize, bool), BodyError> {
        for (index, &byte) in input.iter().enumerate() {
            self.state = self.after_byte(byte, limits)?;
            if matches!(self.state, State::Done) {
                return Ok((index + 1, true));
            }
        }
        Ok((input.len(), false))
    }

    pub(super) fn into_lines(self) -> FieldLines {
        self.lines
    }

    fn after_byte(&mut self, byte: u8, limits: &BodyLimits) -> Result<State, BodyError> {
        match (self.state, byte) {
            (State::Start, b'\r') => return Ok(State::EndLf),
            (State::EndLf, b'\n') | (State::Done, _) => return Ok(State::Done),
            (State::Value, b'\r') => return Ok(State::FieldLf),
            (State::FieldLf, b'\n') => {
                self.end_field()?;
                return Ok(State::Start);
            }
            (State::EndLf | State::FieldLf, _) => return Err(BodyError::LineEnd),
            (State::Start, _) => {
                self.count += 1;
                if self.count > limits.trailers_max {
                    return Err(BodyError::TrailersTooLarge);
                }
            }
            _ => {}
        }
        self.bytes += 1;
        if self.bytes > limits.trailer_bytes_max {
            return Err(BodyError::TrailersTooLarge);
        }
        self.line.push(byte);
        match (self.state, byte) {
            (State::Name, b':') => {
                self.name_len = self.line.len() - 1;
                Ok(State::Value)
            }
            // RFC 9112 §5: the rules of fields hold for trailers, so a name is a token and no line is folded.
            (State::Start | State::Name, _) if scan::is(byte, scan::TOKEN) => Ok(State::Name),
            (State::Value, b'\n') => Err(BodyError::LineEnd),
            (State::Value, _) if !scan::is_control(byte) => Ok(State::Value),
            _ => Err(BodyError::Trailer),
        }
    }

    fn end_field(&mut self) -> Result<(), BodyError> {
        let name = scan::ascii(self.line.get(..self.name_len).unwrap_or_default());
        let value = scan::trim(self.line.get(self.name_len + 1..).unwrap_or_default());
        // RFC 9110 §6.5.1: what acts on framing, routing, authorisation or content handling may not come this late.
        // Such a field is dropped: merging it is the danger, and ignoring it harms nobody.
        if header::may_be_trailer(name) {
            self.lines.try_append(name, value).map_err(|_| BodyError::Trailer)?;
        }
        self.line.clear();
        Ok(())
    }
}
