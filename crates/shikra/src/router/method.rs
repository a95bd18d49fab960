//! Methods as small numbers, and sets of them.

use std::fmt;

use http::Method;

use super::order::sort_few;

/// Which methods a route answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MethodMatch {
    /// Exactly this one; `GET` also answers `HEAD` where no route does.
    One(Method),
    /// Every one that no other route of the same pattern answers.
    Any,
}

impl From<Method> for MethodMatch {
    fn from(method: Method) -> Self {
        Self::One(method)
    }
}

impl fmt::Display for MethodMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(method) => f.write_str(method.as_str()),
            Self::Any => f.write_str("ANY"),
        }
    }
}

/// The methods that a path answers, for the `allow` field of a 405.
///
/// It has `HEAD` wherever it has `GET`, and always `OPTIONS`, since both are answered without a
/// route of their own.
#[derive(Clone, Copy)]
pub struct AllowSet<'r> {
    bits: u64,
    methods: &'r Methods,
}

impl<'r> AllowSet<'r> {
    pub(super) fn new(bits: u64, methods: &'r Methods) -> Self {
        let head = if bits & bit(GET) == 0 { 0 } else { bit(HEAD) };
        Self { bits: bits | head | bit(OPTIONS), methods }
    }

    /// The methods in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &'r Method> + use<'r> {
        let bits = self.bits;
        self.methods.sorted.iter().filter(move |(_, code)| bits & bit(*code) != 0).map(|(m, _)| m)
    }

    /// Tells whether the set has this method.
    pub fn contains(&self, method: &Method) -> bool {
        self.iter().any(|known| known == method)
    }
}

/// The value of an `allow` field, such as `GET, HEAD, OPTIONS`.
impl fmt::Display for AllowSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{method}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for AllowSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The number of a method in one table: also the place of its bit in an [`AllowSet`].
pub(super) type Code = u8;

/// The methods that one table knows.
#[derive(Debug, Clone)]
pub(super) struct Methods {
    /// All of them with their codes, in alphabetical order.
    sorted: Vec<(Method, Code)>,
}

impl Methods {
    pub(super) fn new(extensions: &[Method]) -> Self {
        let known = STANDARD.iter().chain(extensions).cloned();
        let mut sorted: Vec<_> = known.zip(0..).collect();
        sort_few(&mut sorted, |(a, _), (b, _)| a.as_str() < b.as_str());
        Self { sorted }
    }

    /// The code of a method of a request; [`UNKNOWN`] if no route names it.
    #[inline]
    pub(super) fn code(&self, method: &Method) -> Code {
        match *method {
            Method::GET => GET,
            Method::POST => POST,
            _ => self.code_of_another(method),
        }
    }

    fn code_of_another(&self, method: &Method) -> Code {
        standard_code(method).unwrap_or_else(|| {
            let known = self.sorted.binary_search_by(|(m, _)| m.as_str().cmp(method.as_str()));
            known.map_or(UNKNOWN, |index| self.sorted[index].1)
        })
    }

    pub(super) fn code_of(&self, method: &MethodMatch) -> Code {
        match method {
            MethodMatch::One(method) => self.code(method),
            MethodMatch::Any => ANY,
        }
    }
}

pub(super) fn is_standard(method: &Method) -> bool {
    standard_code(method).is_some()
}

pub(super) fn bit(code: Code) -> u64 {
    1 << code
}

fn standard_code(method: &Method) -> Option<Code> {
    Some(match *method {
        Method::CONNECT => 0,
        Method::DELETE => 1,
        Method::GET => GET,
        Method::HEAD => HEAD,
        Method::OPTIONS => OPTIONS,
        Method::PATCH => 5,
        Method::POST => POST,
        Method::PUT => 7,
        Method::TRACE => 8,
        _ => return None,
    })
}

const STANDARD: [Method; 9] = [
    Method::CONNECT,
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];

pub(super) const GET: Code = 2;
pub(super) const HEAD: Code = 3;
const OPTIONS: Code = 4;
const POST: Code = 6;
/// Routes for every method.
pub(super) const ANY: Code = 254;
/// Methods of requests that no route names.
const UNKNOWN: Code = 255;

/// How many different methods outside of RFC 9110 and RFC 5789 one table may name.
pub const EXTENSION_METHODS_MAX: usize = 64 - STANDARD.len();
