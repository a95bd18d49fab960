//! Cookies as a user agent keeps them (RFC 6265bis §5), with the time as an argument.

use super::cookie_date;
use super::url::{Scheme, Url};
use shikra_proto::cookie;
use std::net::IpAddr;

/// A cookie as an application set it and a client keeps it.
///
/// ```
/// use shikra::{App, IntoResponse, testing::TestClient};
///
/// let mut app = App::new();
/// app.get("/", async |_| "hi".with_header("set-cookie", "theme=dark"));
/// let client = TestClient::new(app);
/// let reply = client.get("/").send();
/// assert_eq!(reply.cookie("theme").unwrap().path(), "/");
/// assert_eq!(client.cookie("theme").as_deref(), Some("dark"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCookie {
    name: String,
    raw: String,
    domain: Domain,
    path: String,
    expires_s: Option<u64>,
    is_secure: bool,
    is_http_only: bool,
    same_site: Option<String>,
}

/// Which hosts get a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Domain {
    /// The host that set it, and no other.
    Host(String),
    /// A domain and all below it.
    Below(String),
}

impl Domain {
    fn name(&self) -> &str {
        match self {
            Self::Host(name) | Self::Below(name) => name,
        }
    }

    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Host(name) => name == host,
            Self::Below(name) => domain_matches(host, name),
        }
    }
}

impl TestCookie {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, with its triplets decoded, as [`Request::cookie`](crate::Request::cookie) gives it.
    #[must_use]
    pub fn value(&self) -> String {
        let pair = format!("{}={}", self.name, self.raw);
        match cookie::find(pair.as_bytes(), &self.name) {
            Some(cookie) => cookie.value().into_owned(),
            None => self.raw.clone(),
        }
    }

    /// The value as it was sent.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The path that it is for.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The domain whose hosts get it; `None` if only the one that set it does.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match &self.domain {
            Domain::Host(_) => None,
            Domain::Below(name) => Some(name),
        }
    }

    /// When it ends, in seconds since 1970; `None` if it lasts as long as the client.
    #[must_use]
    pub fn expires_s(&self) -> Option<u64> {
        self.expires_s
    }

    /// Whether it is for `https` alone.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whether scripts may not read it.
    #[must_use]
    pub fn is_http_only(&self) -> bool {
        self.is_http_only
    }

    /// Its `SameSite`, as it was written.
    #[must_use]
    pub fn same_site(&self) -> Option<&str> {
        self.same_site.as_deref()
    }

    /// Reads a `Set-Cookie` field that came from `url`; `None` if a user agent would ignore it.
    pub(super) fn decode(field: &[u8], url: &Url, now_s: u64) -> Option<Self> {
        // RFC 6265bis §5.6: control bytes other than a tab spoil the whole cookie.
        if field.iter().any(|&byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
            return None;
        }
        let text = String::from_utf8_lossy(field);
        let mut parts = text.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, raw) = pair.split_once('=').unwrap_or(("", pair));
        let (name, raw) = (name.trim_matches(WHITE), raw.trim_matches(WHITE));
        if (name.is_empty() && raw.is_empty()) || name.len() + raw.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let attributes = Attributes::decode(parts, now_s);
        let host = url.origin.host();
        let cookie = Self {
            name: name.to_owned(),
            raw: raw.to_owned(),
            domain: attributes.domain(&host)?,
            path: attributes.path.clone().unwrap_or_else(|| default_path(url.path())),
            expires_s: attributes.expires_s(now_s),
            is_secure: attributes.is_secure,
            is_http_only: attributes.is_http_only,
            same_site: attributes.same_site,
        };
        if cookie.is_secure && url.origin.scheme != Scheme::Https {
            return None;
        }
        let has_root = attributes.path.as_deref() == Some("/");
        cookie.keeps_prefix(has_root).then_some(cookie)
    }

    /// RFC 6265bis §4.1.3: what the beginning of a name promises. A value without a name may not look as
    /// if it had such a name.
    fn keeps_prefix(&self, has_root: bool) -> bool {
        let text = if self.name.is_empty() { &self.raw } else { &self.name };
        let text = text.to_ascii_lowercase();
        let (is_host, is_secure) = (text.starts_with("__host-"), text.starts_with("__secure-"));
        if self.name.is_empty() {
            return !is_host && !is_secure;
        }
        let is_bound = matches!(self.domain, Domain::Host(_)) && has_root;
        (!is_host || (self.is_secure && is_bound)) && (!is_secure || self.is_secure)
    }

    fn is_expired(&self, now_s: u64) -> bool {
        self.expires_s.is_some_and(|end| end <= now_s)
    }

    fn is_for(&self, url: &Url, now_s: u64) -> bool {
        !self.is_expired(now_s)
            && self.domain.covers(&url.origin.host())
            && path_matches(url.path(), &self.path)
            && (!self.is_secure || url.origin.scheme == Scheme::Https)
    }
}

/// What stands behind the first `;`.
#[derive(Default)]
struct Attributes {
    domain: Option<String>,
    path: Option<String>,
    max_age_s: Option<i64>,
    expires_s: Option<u64>,
    is_secure: bool,
    is_http_only: bool,
    same_site: Option<String>,
}

impl Attributes {
    /// The last of several attributes of one name counts.
    fn decode<'a>(parts: impl Iterator<Item = &'a str>, now_s: u64) -> Self {
        let mut attributes = Self::default();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim_matches(WHITE), value.trim_matches(WHITE));
            if value.len() > ATTRIBUTE_BYTES_MAX {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    attributes.domain = Some(domain.to_ascii_lowercase());
                }
                "path" => attributes.path = value.starts_with('/').then(|| value.to_owned()),
                "max-age" => attributes.max_age_s = max_age(value).or(attributes.max_age_s),
                "expires" => {
                    let date = cookie_date::decode(value, now_s);
                    attributes.expires_s = date.or(attributes.expires_s);
                }
                "secure" => attributes.is_secure = true,
                "httponly" => attributes.is_http_only = true,
                "samesite" => attributes.same_site = Some(value.to_owned()),
                _ => {}
            }
        }
        attributes
    }

    /// `None` if the host may not set cookies for the domain. There is no list of public suffixes here: a
    /// domain without a dot counts as one.
    fn domain(&self, host: &str) -> Option<Domain> {
        match self.domain.as_deref() {
            None | Some("") => Some(Domain::Host(host.to_owned())),
            Some(domain) if !domain.contains('.') || is_address(host) => {
                (domain == host).then(|| Domain::Host(host.to_owned()))
            }
            Some(domain) => domain_matches(host, domain).then(|| Domain::Below(domain.to_owned())),
        }
    }

    /// `Max-Age` goes before `Expires`; neither reaches further than 400 days.
    fn expires_s(&self, now_s: u64) -> Option<u64> {
        let end = match self.max_age_s {
            Some(age_s) => u64::try_from(age_s).map_or(0, |age_s| now_s.saturating_add(age_s)),
            None => self.expires_s?,
        };
        Some(end.min(now_s.saturating_add(LIFETIME_MAX_S)))
    }
}

/// The seconds of a `Max-Age`; anything but digits behind a sign makes it void.
fn max_age(value: &str) -> Option<i64> {
    let (sign, digits) = value.strip_prefix('-').map_or((1, value), |digits| (-1, digits));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| sign * digits.parse::<i64>().unwrap_or(i64::MAX).max(0)).map(|age_s| {
        // RFC 6265bis §5.6.2: zero and less is the earliest time there is.
        if age_s == 0 { -1 } else { age_s }
    })
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<IpAddr>().is_ok()
}

/// RFC 6265bis §5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || (!is_address(host)
            && host.strip_suffix(domain).is_some_and(|before| before.ends_with('.')))
}

/// RFC 6265bis §5.1.4: the folder of the path, without the slash at its end.
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(slash) => path.get(..slash).unwrap_or("/").to_owned(),
    }
}

/// RFC 6265bis §5.1.4.
fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

/// The cookies of one client, in order of their making.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar(Vec<TestCookie>);

impl Jar {
    /// Takes in a `Set-Cookie` field (RFC 6265bis §5.7).
    pub(super) fn store(&mut self, field: &[u8], url: &Url, now_s: u64) {
        let Some(new) = TestCookie::decode(field, url, now_s) else { return };
        // What an encrypted origin has set, a plain one neither replaces nor hides.
        let hides = |old: &TestCookie| {
            old.is_secure
                && old.name == new.name
                && (domain_matches(old.domain.name(), new.domain.name())
                    || domain_matches(new.domain.name(), old.domain.name()))
                && path_matches(&new.path, &old.path)
        };
        if url.origin.scheme != Scheme::Https && !new.is_secure && self.0.iter().any(hides) {
            return;
        }
        let is_same = |old: &TestCookie| {
            old.name == new.name && old.domain == new.domain && old.path == new.path
        };
        let place = self.0.iter().position(is_same);
        match (place.and_then(|at| self.0.get_mut(at)), new.is_expired(now_s)) {
            // One that replaces another keeps its place: the time of making is the old one's.
            (Some(old), _) => *old = new,
            (None, true) => {}
            (None, false) => self.0.push(new),
        }
        self.0.retain(|cookie| !cookie.is_expired(now_s));
        // RFC 6265bis §5.7: what has expired goes first, then what was there first.
        let excess = self.0.len().saturating_sub(COOKIES_MAX);
        self.0.drain(..excess);
    }

    /// The cookies for a request, in the order of the field (RFC 6265bis §5.8.3): longer paths first.
    pub(super) fn matching(&self, url: &Url, now_s: u64) -> Vec<(String, String)> {
        let mut found: Vec<_> = self.0.iter().filter(|cookie| cookie.is_for(url, now_s)).collect();
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        found.into_iter().map(|cookie| (cookie.name.clone(), cookie.raw.clone())).collect()
    }

    /// All that have not expired.
    pub(super) fn all(&self, now_s: u64) -> Vec<TestCookie> {
        self.0.iter().filter(|cookie| !cookie.is_expired(now_s)).cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

const WHITE: [char; 2] = [' ', '\t'];
const COOKIE_BYTES_MAX: usize = 4096;
/// RFC 6265bis §6.1: what a user agent should keep at least.
const COOKIES_MAX: usize = 3000;
const ATTRIBUTE_BYTES_MAX: usize = 1024;
const LIFETIME_MAX_S: u64 = 400 * 24 * 60 * 60;

#[cfg(test)]
mod tests;
