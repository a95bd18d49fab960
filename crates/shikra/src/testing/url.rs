//! Where a request goes: origin and target, and how redirects lead from one to the next.

/// A place: scheme, authority and target (RFC 9110 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) origin: Origin,
    pub(super) target: String,
}

/// Scheme and authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) scheme: Scheme,
    pub(super) authority: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Origin {
    /// Reads `http://host`, `https://host:port`, with a path behind it or not.
    pub(super) fn decode(text: &str) -> Option<Self> {
        Url::absolute(text).map(|url| url.origin).filter(|origin| !origin.authority.is_empty())
    }

    /// The host without its port, in lower case.
    pub(super) fn host(&self) -> String {
        let authority = &self.authority;
        let end = match authority.rfind(':') {
            // The colons of an address of IPv6 stand in brackets.
            Some(colon) if !authority.get(colon..).unwrap_or_default().contains(']') => colon,
            _ => authority.len(),
        };
        authority.get(..end).unwrap_or_default().to_ascii_lowercase()
    }
}

impl Url {
    /// The path that cookies go by: `/` for targets that have none.
    pub(super) fn path(&self) -> &str {
        let target = match self.target.find("://") {
            Some(at) if !self.target.starts_with('/') => {
                let rest = self.target.get(at + 3..).unwrap_or_default();
                rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
            }
            _ => &self.target,
        };
        let path = target.split('?').next().unwrap_or_default();
        if path.starts_with('/') { path } else { "/" }
    }

    /// Reads an absolute URL of HTTP.
    fn absolute(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        Some(Self::behind(scheme, rest))
    }

    /// `rest` is what stands behind `//`.
    fn behind(scheme: Scheme, rest: &str) -> Self {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let origin = Origin { scheme, authority: authority.to_ascii_lowercase() };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Self { origin, target: clean(&target) }
    }

    /// Where `reference` leads from here (RFC 3986 §5.2); `None` if not to a place of HTTP.
    pub(super) fn join(&self, reference: &str) -> Option<Self> {
        let reference = reference.split('#').next().unwrap_or_default();
        if let Some(rest) = reference.strip_prefix("//") {
            return Some(Self::behind(self.origin.scheme, rest));
        }
        let first_part = reference.split(['/', '?']).next().unwrap_or_default();
        if first_part.contains(':') {
            return Self::absolute(reference);
        }
        let path = self.path();
        let target = match reference.chars().next() {
            None => match self.target.split_once('?') {
                Some((_, query)) => format!("{path}?{query}"),
                None => path.to_owned(),
            },
            Some('/') => reference.to_owned(),
            Some('?') => format!("{path}{reference}"),
            Some(_) => {
                let folder = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or("/");
                format!("{folder}{reference}")
            }
        };
        Some(Self { origin: self.origin.clone(), target: clean(&target) })
    }
}

/// Resolves dot segments of the path (RFC 3986 §5.2.4), and encodes what no request line may hold.
fn clean(target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let ends_in_dots = path.ends_with("/.") || path.ends_with("/..");
    let mut text = format!("/{}", kept.join("/"));
    if ends_in_dots && !text.ends_with('/') {
        text.push('/');
    }
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            0x21..=0x7e => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, reference: &str, expected: Option<(&str, &str, &str)>) {
        let base = Url {
            origin: Origin { scheme: Scheme::Http, authority: "a.test:81".to_owned() },
            target: base.to_owned(),
        };
        let joined = base.join(reference).map(|url| {
            let scheme = if url.origin.scheme == Scheme::Https { "https" } else { "http" };
            (scheme.to_owned(), url.origin.authority, url.target)
        });
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(joined, expected, "{reference}");
    }

    #[test]
    fn references_resolve() {
        let here = |target| Some(("http", "a.test:81", target));
        check("/b/c/d?q", "g", here("/b/c/g"));
        check("/b/c/d?q", "./g/", here("/b/c/g/"));
        check("/b/c/d?q", "../g", here("/b/g"));
        check("/b/c/d?q", "../../../g", here("/g"));
        check("/b/c/d?q", "..", here("/b/"));
        check("/b/c/d?q", "?y", here("/b/c/d?y"));
        check("/b/c/d?q", "", here("/b/c/d?q"));
        check("/b/c/d?q", "#s", here("/b/c/d?q"));
        check("/b/c/d?q", "/x?y=/../z#s", here("/x?y=/../z"));
        check("/b/c/d?q", "a b\u{e4}", here("/b/c/a%20b%C3%A4"));
        check("/b/c/d", "//B.test", Some(("http", "b.test", "/")));
        check("/b/c/d", "https://b.test?x", Some(("https", "b.test", "/?x")));
        check("/b/c/d", "HTTP://b.test:80/x", Some(("http", "b.test:80", "/x")));
        check("/b/c/d", "mailto:ada@b.test", None);
        check("/b/c/d", "javascript://b.test/", None);
        check("*", "x", here("/x"));
        check("http://a.test:81/y/z", "x", here("/y/x"));
    }

    #[test]
    fn hosts_have_no_port() {
        for (text, host) in [
            ("http://A.test:80/x", "a.test"),
            ("https://[::1]:80", "[::1]"),
            ("http://[::1]", "[::1]"),
            ("http://10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(Origin::decode(text).map(|origin| origin.host()).as_deref(), Some(host));
        }
        assert_eq!(Origin::decode("ftp://a.test"), None);
        assert_eq!(Origin::decode("a.test"), None);
        assert_eq!(Origin::decode("http://"), None);
    }
}
