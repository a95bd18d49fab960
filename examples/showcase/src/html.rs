//! Templates with marks, and the escaping that keeps what people write from becoming markup.

use std::borrow::Cow;

/// Replaces each mark from `open` to `close` with what `value` gives for the name in it. Values are
/// not searched again; a mark without a value stays.
pub(crate) fn fill<'v>(
    template: &str,
    (open, close): (&str, &str),
    value: impl Fn(&str) -> Option<Cow<'v, str>>,
) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, mark)) = rest.split_once(open) {
        page.push_str(before);
        match mark.split_once(close).and_then(|(name, after)| Some((value(name)?, after))) {
            Some((value, after)) => {
                page.push_str(&value);
                rest = after;
            }
            None => {
                page.push_str(open);
                rest = mark;
            }
        }
    }
    page.push_str(rest);
    page
}

/// Text as it may stand in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    Cow::Owned(escaped)
}
