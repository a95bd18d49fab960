//! What the client would rather have: content negotiation (RFC 9110 §12).
//!
//! All is `#[inline]`: compiled where somebody asks.

use super::Request;
use super::fields::full_name;
use shikra_proto::header::{media_weight, weighted};
use std::borrow::Cow;

impl Request {
    /// The offer that the client would rather have by its `accept`, as it was given here; the first of those
    /// that it likes as much, and of all where it says nothing. `None` if it takes none of them.
    ///
    /// Offers are media types, or the short names that [`Request::is`] knows.
    ///
    /// ```
    /// use shikra::{App, Html, IntoResponse, Json, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| match req.accepts(&["html", "json"]) {
    ///     Some("html") => Html("<p>7</p>").into_response(),
    ///     Some(_) => Json(7).into_response(),
    ///     None => 406.into_response(),
    /// });
    /// let client = TestClient::new(app);
    /// let accept = |accept: &str| client.get("/").header("accept", accept).send();
    /// assert_eq!(accept("application/json, text/*;q=0.5").text(), "7");
    /// assert_eq!(accept("*/*").text(), "<p>7</p>");
    /// assert_eq!(accept("image/png").status(), 406);
    /// ```
    #[must_use]
    #[inline]
    pub fn accepts<'o>(&self, offers: &[&'o str]) -> Option<&'o str> {
        let Some(accept) = self.header_joined("accept").filter(|accept| !accept.is_empty()) else {
            return offers.first().copied();
        };
        preferred(offers, |offer| media_weight(accept.as_bytes(), full_name(offer)))
    }

    /// The coding that the client would rather have by its `accept-encoding`, as [`Request::accepts`].
    ///
    /// `identity`, no coding at all, comes last unless the client says otherwise, and is the only one that
    /// it takes where it says nothing.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.accepts_encoding(&["br", "gzip", "identity"]).map(String::from));
    /// let client = TestClient::new(app);
    /// let reply = client.get("/").header("accept-encoding", "gzip, br;q=0.8").send();
    /// assert_eq!(reply.text(), "gzip");
    /// assert_eq!(client.get("/").send().text(), "identity");
    /// ```
    #[must_use]
    #[inline]
    pub fn accepts_encoding<'o>(&self, offers: &[&'o str]) -> Option<&'o str> {
        let accept = self.header_joined("accept-encoding").unwrap_or(Cow::Borrowed(""));
        preferred(offers, |offer| {
            let weight = best(&accept, |range| match range {
                "*" => Some(0),
                range => range.eq_ignore_ascii_case(offer).then_some(1),
            });
            let unnamed = if offer.eq_ignore_ascii_case("identity") { 1 } else { 0 };
            weight.unwrap_or(unnamed)
        })
    }

    /// The charset that the client would rather have by its `accept-charset`, as [`Request::accepts`].
    ///
    /// Browsers no longer send it (RFC 9110 §12.5.2).
    #[must_use]
    #[inline]
    pub fn accepts_charset<'o>(&self, offers: &[&'o str]) -> Option<&'o str> {
        let accept = self.header_joined("accept-charset");
        let Some(accept) = accept.filter(|accept| !accept.is_empty()) else {
            return offers.first().copied();
        };
        preferred(offers, |offer| {
            let weight = best(&accept, |range| match range {
                "*" => Some(0),
                range => range.eq_ignore_ascii_case(offer).then_some(1),
            });
            weight.unwrap_or(0)
        })
    }

    /// The elements of a field with weights, such as `accept` or `accept-language`, the most wanted first
    /// and in their order where they weigh the same. What the client refuses is left out.
    ///
    /// Those of `accept-encoding` end with `identity`, which goes without saying, unless it is refused.
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.preferences("accept-language").join(" "));
    /// let reply = TestClient::new(app).get("/").header("accept-language", "en;q=0.8, de, fr;q=0").send();
    /// assert_eq!(reply.text(), "de en");
    /// ```
    #[must_use]
    #[inline]
    pub fn preferences(&self, name: &str) -> Vec<String> {
        let field = self.header_joined(name).unwrap_or_default();
        let mut all: Vec<_> = weighted(field.as_bytes()).collect();
        let names = |value: &str| all.iter().any(|one| one.value.eq_ignore_ascii_case(value));
        let adds_identity =
            name.eq_ignore_ascii_case("accept-encoding") && !names("identity") && !names("*");
        all.retain(|one| one.weight > 0);
        all.sort_by_key(|one| std::cmp::Reverse(one.weight));
        let identity = adds_identity.then(|| "identity".to_owned());
        all.into_iter().map(|one| one.value.to_owned()).chain(identity).collect()
    }

    /// The language that the client would rather have by its `accept-language`, as [`Request::accepts`].
    ///
    /// A range takes what begins with it (`en` takes `en-GB`), and what it begins with if there is nothing
    /// better (`en-GB` takes `en`).
    ///
    /// ```
    /// use shikra::{App, testing::TestClient};
    ///
    /// let mut app = App::new();
    /// app.get("/", async |req| req.accepts_language(&["en", "pt"]).map(String::from));
    /// let client = TestClient::new(app);
    /// let reply = client.get("/").header("accept-language", "pt-BR, en;q=0.8").send();
    /// assert_eq!(reply.text(), "pt");
    /// ```
    #[must_use]
    #[inline]
    pub fn accepts_language<'o>(&self, offers: &[&'o str]) -> Option<&'o str> {
        let accept = self.header_joined("accept-language");
        let Some(accept) = accept.filter(|accept| !accept.is_empty()) else {
            return offers.first().copied();
        };
        preferred(offers, |offer| {
            let weight = best(&accept, |range| match range {
                "*" => Some(0),
                range if range.eq_ignore_ascii_case(offer) => Some(3),
                range if begins_with(offer, range) => Some(2),
                range if begins_with(range, offer) => Some(1),
                _ => None,
            });
            weight.unwrap_or(0)
        })
    }
}

/// The offer of the highest weight, the first of equals; none that weighs nothing.
#[inline]
fn preferred<'o>(offers: &[&'o str], weight: impl Fn(&str) -> u16) -> Option<&'o str> {
    let mut preferred = (0, None);
    for offer in offers {
        let weight = weight(offer);
        if weight > preferred.0 {
            preferred = (weight, Some(*offer));
        }
    }
    preferred.1
}

/// The weight of the range that fits most closely, the first of equals.
#[inline]
fn best(accept: &str, closeness: impl Fn(&str) -> Option<u8>) -> Option<u16> {
    let mut best: Option<(u8, u16)> = None;
    for range in weighted(accept.as_bytes()) {
        let Some(closeness) = closeness(range.value) else { continue };
        if best.is_none_or(|(best, _)| closeness > best) {
            best = Some((closeness, range.weight));
        }
    }
    best.map(|(_, weight)| weight)
}

/// Whether `tag` is `range` and more, at the border of a subtag (RFC 4647 §3.3.1).
#[inline]
fn begins_with(tag: &str, range: &str) -> bool {
    let (start, rest) = tag.split_at_checked(range.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(range) && rest.starts_with('-')
}
