//! The dates of cookies (RFC 6265bis §5.1.1): any order, any dividers, as user agents take them.

use shikra_proto::date;

/// The seconds since 1970, 0 for what lies before; `None` for what is no date.
pub(super) fn decode(text: &str, now_s: u64) -> Option<u64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_divider).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = time_of(token);
        } else if day.is_none() && number(token, 1, 2).is_some() {
            day = number(token, 1, 2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let (hour, minute, second) = time?;
    let year = match year? {
        short @ 0..=69 => 2000 + short,
        short @ 70..=99 => 1900 + short,
        year => year,
    };
    if year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (day, month) = (day?, month?);
    // The day of the week plays no part; any will do.
    let fixed = format!("Mon, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    let unix_s = date::decode(fixed.as_bytes(), now_s)?;
    Some(u64::try_from(unix_s).unwrap_or(0))
}

fn is_divider(c: char) -> bool {
    matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `hh:mm:ss`, with anything but a digit behind it.
fn time_of(token: &str) -> Option<(u32, u32, u32)> {
    let mut fields = token.splitn(3, ':');
    let hour = fields.next()?.parse().ok()?;
    let minute = fields.next()?.parse().ok()?;
    let second = number(fields.next()?, 1, 2)?;
    Some((hour, minute, second))
}

fn month_of(token: &str) -> Option<&'static str> {
    let start = token.get(..3)?;
    MONTHS.into_iter().find(|month| month.eq_ignore_ascii_case(start))
}

/// The digits at the front, if there are neither fewer nor more than that.
fn number(token: &str, min: usize, max: usize) -> Option<u32> {
    let len = token.bytes().take_while(u8::is_ascii_digit).count();
    if len < min || len > max {
        return None;
    }
    token.get(..len)?.parse().ok()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn dates_of_all_shapes() {
        let fixed = Some(784_111_777);
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", fixed),
            ("Sunday, 06-Nov-94 08:49:37 GMT", fixed),
            ("Sun Nov  6 08:49:37 1994", fixed),
            ("1994 november 6 8:49:37", fixed),
            ("08:49:37;06/Nov/1994", fixed),
            ("06 Nov 1994 08:49:37Z", fixed),
            ("Thu, 01-Jan-1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-1601 00:00:00 GMT", Some(0)),
            ("01 Jan 69 00:00:00", Some(3_124_224_000)),
            ("01 Jan 1600 00:00:00", None),
            ("06 Nov 1994", None),
            ("06 Nov 1994 24:00:00", None),
            ("06 Nov 1994 08:60:00", None),
            ("31 Feb 1994 08:00:00", None),
            ("06 Nov 08:00:00", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(decode(text, 1_700_000_000), expected, "{text}");
        }
    }
}
