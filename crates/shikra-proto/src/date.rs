//! Dates of HTTP (RFC 9110 §5.6.7), as seconds since 1970. What time it is, is an argument.

/// Writes a date in the one form that senders use: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Dates after the year 9999 are written as the last second of it.
///
/// # Examples
///
/// ```
/// assert_eq!(&shikra_proto::date::encode(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
pub fn encode(unix_s: u64) -> [u8; 29] {
    let unix_s = unix_s.min(LAST_S);
    let days = unix_s / DAY_S;
    let second = unix_s % DAY_S;
    let (year, month, day) = civil(days);
    let mut out = *b"Thu, 00 Jan 0000 00:00:00 GMT";
    // 1 January 1970 was a Thursday, and the table begins with it.
    put(&mut out, 0, name(&WEEKDAYS, days % 7));
    put(&mut out, 5, &two_digits(day));
    put(&mut out, 8, name(&MONTHS, month - 1));
    put(&mut out, 12, &two_digits(year / 100));
    put(&mut out, 14, &two_digits(year % 100));
    put(&mut out, 17, &two_digits(second / 3_600));
    put(&mut out, 20, &two_digits(second / 60 % 60));
    put(&mut out, 23, &two_digits(second % 60));
    out
}

/// A date that is written once and sent many times. Two of them are compared by their second alone, which costs less
/// than their text does.
///
/// # Examples
///
/// ```
/// use shikra_proto::date::HttpDate;
///
/// let date = HttpDate::at(784_111_777);
/// assert_eq!(date.as_bytes(), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_ne!(date, HttpDate::at(0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HttpDate {
    unix_s: u64,
    text: [u8; 29],
}

impl HttpDate {
    /// The date of a second since 1970, as [`encode`] writes it.
    #[must_use]
    pub fn at(unix_s: u64) -> Self {
        Self { unix_s, text: encode(unix_s) }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 29] {
        &self.text
    }
}

impl PartialEq for HttpDate {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.unix_s == other.unix_s
    }
}

impl Eq for HttpDate {}

/// Reads a date in any of the three forms that recipients must accept; `None` if it is none of them.
///
/// `now_s` decides the century of a year of two digits: more than 50 years in the future means the past (RFC 9110 §5.6.7).
/// A day name must be one, but need not be the right one.
///
/// # Examples
///
/// ```
/// use shikra_proto::date;
///
/// let now_s = 1_800_000_000;
/// let fixed = date::decode(b"Sun, 06 Nov 1994 08:49:37 GMT", now_s);
/// assert_eq!(fixed, Some(784_111_777));
/// assert_eq!(date::decode(b"Sunday, 06-Nov-94 08:49:37 GMT", now_s), fixed);
/// assert_eq!(date::decode(b"Sun Nov  6 08:49:37 1994", now_s), fixed);
/// assert_eq!(date::decode(b"yesterday", now_s), None);
/// ```
pub fn decode(text: &[u8], now_s: u64) -> Option<i64> {
    match text.get(3)? {
        b',' => decode_fixed(text),
        b' ' => decode_asctime(text),
        _ => decode_850(text, now_s),
    }
}

/// Says whether `text` is a date in the one form that senders use.
///
/// # Examples
///
/// ```
/// use shikra_proto::date;
///
/// assert!(date::is_fixed(b"Sun, 06 Nov 1994 08:49:37 GMT"));
/// assert!(!date::is_fixed(b"Sun Nov  6 08:49:37 1994"));
/// ```
pub fn is_fixed(text: &[u8]) -> bool {
    decode_fixed(text).is_some()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn decode_fixed(text: &[u8]) -> Option<i64> {
    let text: &[u8; 29] = text.try_into().ok()?;
    let mut reader = Reader(text);
    reader.name(&WEEKDAYS)?;
    reader.literal(b", ")?;
    let day = reader.digits(2)?;
    reader.literal(b" ")?;
    let month = reader.name(&MONTHS)?;
    reader.literal(b" ")?;
    let year = reader.digits(4)?;
    reader.literal(b" ")?;
    let second = reader.time()?;
    reader.literal(b" GMT")?;
    seconds(year, month, day, second)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn decode_850(text: &[u8], now_s: u64) -> Option<i64> {
    let comma = text.iter().position(|&byte| byte == b',')?;
    if !LONG_WEEKDAYS.iter().any(|day| Some(day.as_bytes()) == text.get(..comma)) {
        return None;
    }
    let mut reader = Reader(text.get(comma..)?);
    reader.literal(b", ")?;
    let day = reader.digits(2)?;
    reader.literal(b"-")?;
    let month = reader.name(&MONTHS)?;
    reader.literal(b"-")?;
    let two_digits = reader.digits(2)?;
    reader.literal(b" ")?;
    let second = reader.time()?;
    reader.literal(b" GMT")?;
    reader.end()?;

    // The nearest year with these digits that is not more than 50 years ahead, nor past what four digits can say.
    let (year_now, ..) = civil(now_s.min(LAST_S) / DAY_S);
    let mut year = year_now - year_now % 100 + two_digits + 100;
    while year > (year_now + 50).min(9_999) {
        year -= 100;
    }
    seconds(year, month, day, second)
}

/// `Sun Nov  6 08:49:37 1994`
fn decode_asctime(text: &[u8]) -> Option<i64> {
    let mut reader = Reader(text);
    reader.name(&WEEKDAYS)?;
    reader.literal(b" ")?;
    let month = reader.name(&MONTHS)?;
    reader.literal(b" ")?;
    let day = match reader.literal(b" ") {
        Some(()) => reader.digits(1)?,
        None => reader.digits(2)?,
    };
    reader.literal(b" ")?;
    let second = reader.time()?;
    reader.literal(b" ")?;
    let year = reader.digits(4)?;
    reader.end()?;
    seconds(year, month, day, second)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn digits(&mut self, len: usize) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
        })
    }

    /// Gives the index of the name, from 0.
    fn name(&mut self, names: &[[u8; 3]]) -> Option<u64> {
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        self.0 = rest;
        names.iter().zip(0..).find(|(known, _)| *known == name).map(|(_, index)| index)
    }

    /// `08:49:37` as seconds of the day; a leap second is one more than the last.
    fn time(&mut self) -> Option<u64> {
        let hour = self.digits(2)?;
        self.literal(b":")?;
        let minute = self.digits(2)?;
        self.literal(b":")?;
        let second = self.digits(2)?;
        (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Seconds since 1970 of a date; `month` counts from 0.
fn seconds(year: u64, month: u64, day: u64, second: u64) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let month_days = match month {
        1 if is_leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if day == 0 || day > month_days {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let years = i64::try_from(if month < 2 { year.checked_sub(1)? } else { year }).ok()?;
    let months = i64::try_from((month + 10) % 12).ok()?;
    let day = i64::try_from(day).ok()?;
    let leap_days = years / 4 - years / 100 + years / 400;
    let days = years * 365 + leap_days + (months * 153 + 2) / 5 + day - 1 - EPOCH_DAYS;
    Some(days * i64::try_from(DAY_S).ok()? + i64::try_from(second).ok()?)
}

/// Year, month from 1, and day of a count of days since 1970.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 1 March of year 0, in cycles of 400 years, whose last year has the leap day at its end.
    let days = days + EPOCH_DAYS.unsigned_abs();
    let (cycle, day) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next_year, month, day)
}

fn two_digits(number: u64) -> [u8; 2] {
    let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or_default();
    [digit(number / 10), digit(number)]
}

fn name(names: &[[u8; 3]], index: u64) -> &[u8] {
    usize::try_from(index).ok().and_then(|index| names.get(index)).map_or(b"", |name| name)
}

fn put(out: &mut [u8; 29], start: usize, text: &[u8]) {
    for (to, &from) in out.iter_mut().skip(start).zip(text) {
        *to = from;
    }
}

const DAY_S: u64 = 86_400;
/// The last second of the year 9999.
const LAST_S: u64 = 253_402_300_799;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;
/// Days in 400 years.
const CYCLE_DAYS: u64 = 146_097;
const WEEKDAYS: [[u8; 3]; 7] = [*b"Thu", *b"Fri", *b"Sat", *b"Sun", *b"Mon", *b"Tue", *b"Wed"];
const LONG_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [[u8; 3]; 12] = [
    *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct",
    *b"Nov", *b"Dec",
];
