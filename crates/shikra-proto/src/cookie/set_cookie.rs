use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::header::is_token;
use crate::{date, scan};

/// A cookie that a server sets: the value of a `Set-Cookie` field.
///
/// Without further words it has `Path=/; SameSite=Lax` and lives as long as the browser's session.
/// Name, path and domain are checked when they are set, so no attribute and no field can be smuggled in.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use shikra_proto::cookie::SetCookie;
///
/// # fn main() -> Result<(), shikra_proto::cookie::CookieError> {
/// let cookie = SetCookie::new("theme", "dark blue")?
///     .with_max_age(Duration::from_secs(3600))
///     .with_http_only();
/// let mut line = Vec::new();
/// cookie.encode(&mut line);
/// assert_eq!(line, b"theme=dark%20blue; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct SetCookie {
    name: Cow<'static, str>,
    value: String,
    path: Cow<'static, str>,
    domain: Option<String>,
    max_age: Option<Duration>,
    expires_s: Option<u64>,
    secure: Secure,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
}

/// Whether a cookie is for encrypted connections only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secure {
    /// If it is set over one.
    AsConnection,
    Always,
    Never,
}

/// To which requests from other sites a browser adds a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// To none.
    Strict,
    /// To top-level navigation only.
    Lax,
    /// To all; browsers then demand `Secure`, which is added.
    None,
}

/// Why a cookie was refused. It is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is not a token.
    Name,
    /// The path does not begin with a slash, or has a control byte, a semicolon or non-ASCII text.
    Path,
    /// The domain has other bytes than letters, digits, hyphens and dots, or is empty.
    Domain,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "cookie name is not a token",
            Self::Path => "cookie path has bytes that are not allowed",
            Self::Domain => "cookie domain is not a host name",
        })
    }
}

impl Error for CookieError {}

impl SetCookie {
    /// Makes a cookie with the default attributes.
    ///
    /// A value of legal bytes goes out as it is. In any other value the illegal bytes and the per cent signs are percent-encoded, so that reading it gives the same text again.
    ///
    /// # Errors
    ///
    /// The name must be a token.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Result<Self, CookieError> {
        Self::checked(name.into(), value.into())
    }

    /// Makes a cookie that deletes the one of the same name, path and domain: empty, with `Max-Age=0` and a date in the past.
    ///
    /// # Errors
    ///
    /// The name must be a token.
    pub fn removal(name: impl Into<Cow<'static, str>>) -> Result<Self, CookieError> {
        let cookie = Self::checked(name.into(), String::new())?;
        Ok(cookie.with_max_age(Duration::ZERO).with_expires(0))
    }

    /// Returns it with another path. The default is `/`.
    ///
    /// # Errors
    ///
    /// The path must begin with a slash and have neither semicolons nor control bytes.
    pub fn with_path(mut self, path: impl Into<Cow<'static, str>>) -> Result<Self, CookieError> {
        let path = path.into();
        let is_valid = path.starts_with('/')
            && path.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b';')
            && !path.ends_with(' ');
        if !is_valid {
            return Err(CookieError::Path);
        }
        self.path = path;
        Ok(self)
    }

    /// Returns it with a domain, whose hosts then all get it. Without one only the host that set it does.
    ///
    /// # Errors
    ///
    /// The domain must be a host name. A dot at its start is dropped (RFC 6265 §5.2.3).
    pub fn with_domain(mut self, domain: &str) -> Result<Self, CookieError> {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let is_valid = !domain.split('.').any(str::is_empty)
            && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if !is_valid {
            return Err(CookieError::Domain);
        }
        self.domain = Some(domain.to_owned());
        Ok(self)
    }

    /// Returns it with a lifetime, which is cut to whole seconds.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Returns it with a date after which it is gone, in seconds since 1970. Where there is a lifetime too, browsers ignore the date.
    pub fn with_expires(mut self, unix_s: u64) -> Self {
        self.expires_s = Some(unix_s);
        self
    }

    /// Returns it for encrypted connections only.
    pub fn with_secure(mut self) -> Self {
        self.secure = Secure::Always;
        self
    }

    /// Returns it for all connections, even if it is set over an encrypted one.
    ///
    /// Without this and without [`with_secure`](Self::with_secure) a framework adds `Secure` where the connection is encrypted.
    pub fn without_secure(mut self) -> Self {
        self.secure = Secure::Never;
        self
    }

    /// Says whether [`encode`](Self::encode) writes no `Secure` though the cookie may have it.
    pub fn is_secure_as_connection(&self) -> bool {
        self.secure == Secure::AsConnection && !self.needs_secure()
    }

    /// Returns it hidden from scripts.
    pub fn with_http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// Returns it with another rule for requests from other sites. The default is [`SameSite::Lax`].
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Returns it without a rule for requests from other sites: browsers then choose one.
    pub fn without_same_site(mut self) -> Self {
        self.same_site = None;
        self
    }

    /// Returns it with a jar of its own for each top-level site. Browsers then demand `Secure`, which is added.
    pub fn with_partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Gives the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Gives the domain.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Appends the value of the `Set-Cookie` field.
    ///
    /// `Secure` is added wherever browsers drop a cookie without it: `SameSite=None`, `Partitioned`, and names that begin with `__Secure-` or `__Host-`.
    /// A name that begins with `__Host-` also has the path `/` and no domain (RFC 6265bis §4.1.3).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let is_bound = has_prefix(&self.name, "__Host-");
        let secure = self.secure == Secure::Always || self.needs_secure();
        out.extend_from_slice(self.name.as_bytes());
        out.push(b'=');
        encode_value(out, self.value.as_bytes());
        if let Some(max_age) = self.max_age {
            out.extend_from_slice(b"; Max-Age=");
            scan::push_decimal(out, max_age.as_secs());
        }
        if let Some(domain) = self.domain.as_deref().filter(|_| !is_bound) {
            out.extend_from_slice(b"; Domain=");
            out.extend_from_slice(domain.as_bytes());
        }
        out.extend_from_slice(b"; Path=");
        out.extend_from_slice(if is_bound { b"/" } else { self.path.as_bytes() });
        if let Some(expires_s) = self.expires_s {
            out.extend_from_slice(b"; Expires=");
            out.extend_from_slice(&date::encode(expires_s));
        }
        if self.http_only {
            out.extend_from_slice(b"; HttpOnly");
        }
        if secure {
            out.extend_from_slice(b"; Secure");
        }
        out.extend_from_slice(match self.same_site {
            Some(SameSite::Strict) => b"; SameSite=Strict",
            Some(SameSite::Lax) => b"; SameSite=Lax",
            Some(SameSite::None) => b"; SameSite=None",
            None => b"",
        });
        if self.partitioned {
            out.extend_from_slice(b"; Partitioned");
        }
    }

    /// Whether browsers drop the cookie without `Secure`.
    fn needs_secure(&self) -> bool {
        self.partitioned
            || self.same_site == Some(SameSite::None)
            || has_prefix(&self.name, "__Host-")
            || has_prefix(&self.name, "__Secure-")
    }

    fn checked(name: Cow<'static, str>, value: String) -> Result<Self, CookieError> {
        if !is_token(name.as_bytes()) {
            return Err(CookieError::Name);
        }
        Ok(Self {
            name,
            value,
            path: Cow::Borrowed("/"),
            domain: None,
            max_age: None,
            expires_s: None,
            secure: Secure::AsConnection,
            http_only: false,
            same_site: Some(SameSite::Lax),
            partitioned: false,
        })
    }
}

/// Name, domain and path of the value of a `Set-Cookie` field: two with the same are the same cookie (RFC 6265 §5.3).
///
/// # Examples
///
/// ```
/// use shikra_proto::cookie::scope;
///
/// assert_eq!(scope(b"a=1; Path=/"), scope(b"a=2; Secure; path=/"));
/// assert_ne!(scope(b"a=1; Path=/"), scope(b"a=1; Path=/b"));
/// ```
pub fn scope(set_cookie: &[u8]) -> CookieScope<'_> {
    let mut parts = set_cookie.split(|&byte| byte == b';').map(scan::trim);
    let pair = parts.next().unwrap_or_default();
    let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
    let mut scope = CookieScope { name: scan::trim(name), domain: None, path: None };
    for part in parts {
        let Some(equals) = memchr::memchr(b'=', part) else { continue };
        let (key, value) = (part.get(..equals).unwrap_or_default(), part.get(equals + 1..));
        if key.eq_ignore_ascii_case(b"domain") {
            scope.domain = value;
        } else if key.eq_ignore_ascii_case(b"path") {
            scope.path = value;
        }
    }
    scope
}

/// What makes a cookie another one than its namesakes; made by [`scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieScope<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The domain, where there is one.
    pub domain: Option<&'a [u8]>,
    /// The path, where there is one.
    pub path: Option<&'a [u8]>,
}

/// Shows name and attributes, but not the value.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// Browsers compare these prefixes without regard to letter case (RFC 6265bis §5.7).
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.as_bytes()
        .get(..prefix.len())
        .is_some_and(|front| front.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// RFC 6265 §4.1.1: the bytes a value may have. A legal value is sent as it is.
fn encode_value(out: &mut Vec<u8>, value: &[u8]) {
    if scan::span(value, scan::COOKIE) == value.len() {
        out.extend_from_slice(value);
        return;
    }
    for &byte in value {
        if scan::is(byte, scan::COOKIE) && byte != b'%' {
            out.push(byte);
        } else {
            out.extend_from_slice(percent_encoding::percent_encode_byte(byte).as_bytes());
        }
    }
}
