//! Preferences: `Accept`, `Accept-Encoding`, `Accept-Language` (RFC 9110 §12).

use super::list::{list, split_unquoted};
use crate::scan;

/// An element of a list with weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted<'a> {
    /// The element without its weight: a media range with its parameters, a coding or a language.
    pub value: &'a str,
    /// The weight in thousandths, 0 to 1,000. Zero means "not acceptable".
    pub weight: u16,
}

/// Reads a list with weights, in the order of the list. Elements that are empty, not ASCII or have a malformed weight are left out.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::weighted;
///
/// let codings: Vec<_> = weighted(b"br, gzip;q=0.8").map(|coding| coding.weight).collect();
/// assert_eq!(codings, [1000, 800]);
/// ```
pub fn weighted(value: &[u8]) -> impl Iterator<Item = Weighted<'_>> {
    list(value).filter_map(|element| {
        let mut weight = 1_000;
        let mut value_len = element.len();
        let mut parts = element_parts(element);
        // The first part is the value itself, whatever it looks like.
        let mut offset = parts.next().filter(|value| !scan::trim(value).is_empty())?.len();
        for part in parts {
            if let [b'q' | b'Q', b'=', digits @ ..] = scan::trim(part) {
                weight = thousandths(digits)?;
                value_len = offset;
                break;
            }
            offset += 1 + part.len();
        }
        let value = std::str::from_utf8(scan::trim(element.get(..value_len)?)).ok()?;
        value.is_ascii().then_some(Weighted { value, weight })
    })
}

/// Gives the weight of a media type by an `Accept` field: that of the most specific range that holds it, or 0 (RFC 9110 §12.5.1).
///
/// # Examples
///
/// ```
/// use shikra_proto::header::media_weight;
///
/// assert_eq!(media_weight(b"text/*;q=0.5, text/html", "text/html"), 1000);
/// assert_eq!(media_weight(b"text/*;q=0.5, text/html", "text/plain"), 500);
/// assert_eq!(media_weight(b"text/*;q=0.5, text/html", "image/png"), 0);
/// ```
pub fn media_weight(accept: &[u8], media_type: &str) -> u16 {
    let media_type = essence(media_type);
    let kind = media_type.split('/').next().unwrap_or_default();
    let mut best = (0, 0);
    for range in weighted(accept) {
        let text = essence(range.value);
        let specificity = if text.eq_ignore_ascii_case(media_type) {
            3
        } else if text.strip_suffix("/*").is_some_and(|wide| wide.eq_ignore_ascii_case(kind)) {
            2
        } else if text == "*/*" {
            1
        } else {
            continue;
        };
        // The first of equally specific ranges counts.
        if specificity > best.0 {
            best = (specificity, range.weight);
        }
    }
    best.1
}

/// Chooses the offer with the highest weight; the earlier of two that weigh the same. `None` if none is acceptable.
///
/// # Examples
///
/// ```
/// use shikra_proto::header::preferred;
///
/// let offers = ["application/json", "text/html"];
/// assert_eq!(preferred(b"text/html, */*;q=0.1", &offers), Some("text/html"));
/// assert_eq!(preferred(b"image/*", &offers), None);
/// ```
pub fn preferred<'a>(accept: &[u8], offers: &[&'a str]) -> Option<&'a str> {
    let mut best = None;
    let mut best_weight = 0;
    for offer in offers {
        let weight = media_weight(accept, offer);
        if weight > best_weight {
            best = Some(*offer);
            best_weight = weight;
        }
    }
    best
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t'])
}

/// Splits an element at its unquoted semicolons, without trimming, so that lengths add up.
fn element_parts(element: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(element);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let len = super::list::unquoted_position(bytes, b';').unwrap_or(bytes.len());
        rest = bytes.get(len + 1..);
        bytes.get(..len)
    })
}

/// `qvalue` of RFC 9110 §12.4.2: 0 to 1 with at most three decimals.
fn thousandths(text: &[u8]) -> Option<u16> {
    let (&whole, decimals) = text.split_first()?;
    let decimals = match decimals {
        [] => decimals,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut weight = match whole {
        b'0' => 0,
        b'1' => 1_000,
        _ => return None,
    };
    for (byte, unit) in decimals.iter().zip([100, 10, 1]) {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        weight += digit * unit;
    }
    (weight <= 1_000).then_some(weight)
}

/// Splits the parameters of a value such as a media type.
pub(super) fn parameters(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split_unquoted(value, b';').skip(1)
}
