//! Dates, against a calendar that counts days one by one.

use proptest::prelude::*;
use shikra_proto::date;

const NOW_S: u64 = 1_800_000_000; // January 2027
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn month_days(year: u64, month: usize) -> u64 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        1 => 28 + u64::from(leap),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The naive twin: weekday, day, month and year, found by walking from 1970.
fn naive(unix_s: u64) -> (&'static str, u64, &'static str, u64) {
    let (mut days, mut year, mut month) = (unix_s / 86_400, 1970, 0);
    let weekday = WEEKDAYS[usize::try_from((days + 3) % 7).unwrap()];
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        (year, month) = if month == 11 { (year + 1, 0) } else { (year, month + 1) };
    }
    (weekday, days + 1, MONTHS[month], year)
}

fn time(unix_s: u64) -> String {
    let second = unix_s % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

fn check(unix_s: u64) {
    let (weekday, day, month, year) = naive(unix_s);
    let (short, time) = (&weekday[..3], time(unix_s));
    let fixed = format!("{short}, {day:02} {month} {year:04} {time} GMT");
    assert_eq!(String::from_utf8_lossy(&date::encode(unix_s)), fixed);
    let wanted = Some(i64::try_from(unix_s).unwrap());
    assert_eq!(date::decode(fixed.as_bytes(), NOW_S), wanted);
    let asctime = format!("{short} {month} {day:2} {time} {year:04}");
    assert_eq!(date::decode(asctime.as_bytes(), NOW_S), wanted, "{asctime}");
    if (1978..=2077).contains(&year) {
        let old = format!("{weekday}, {day:02}-{month}-{:02} {time} GMT", year % 100);
        assert_eq!(date::decode(old.as_bytes(), NOW_S), wanted, "{old}");
    }
}

#[test]
fn writes_and_reads_every_day_of_two_centuries() {
    for day in (0..73_050).step_by(7).chain(10_950..11_400) {
        check(day * 86_400 + day % 86_400);
    }
    check(253_402_300_799);
    assert_eq!(date::encode(u64::MAX), *b"Fri, 31 Dec 9999 23:59:59 GMT");
}

#[test]
fn reads_dates_before_1970() {
    assert_eq!(date::decode(b"Wed, 31 Dec 1969 23:59:59 GMT", NOW_S), Some(-1));
    assert_eq!(date::decode(b"Mon, 01 Jan 1900 00:00:00 GMT", NOW_S), Some(-2_208_988_800));
    assert!(date::decode(b"Sat, 01 Jan 0000 00:00:00 GMT", NOW_S).is_none_or(|s| s < 0));
}

#[test]
fn a_year_of_two_digits_is_at_most_50_years_ahead() {
    let year = |text: &[u8], now_s| date::decode(text, now_s).map(|s| 1970 + s / 31_556_952);
    assert_eq!(year(b"Friday, 02-Jul-77 00:00:00 GMT", NOW_S), Some(2077));
    assert_eq!(year(b"Friday, 02-Jul-78 00:00:00 GMT", NOW_S), Some(1978));
    assert_eq!(year(b"Friday, 02-Jul-94 00:00:00 GMT", NOW_S), Some(1994));
    assert_eq!(year(b"Friday, 02-Jul-00 00:00:00 GMT", NOW_S), Some(2000));
    assert_eq!(year(b"Friday, 02-Jul-10 00:00:00 GMT", 3_000_000_000), Some(2110));
    // Found by fuzzing: what is read can be written.
    assert_eq!(year(b"Friday, 02-Jul-14 00:00:00 GMT", u64::MAX), Some(9914));
}

#[test]
fn refuses_what_is_no_date() {
    let table: &[&str] = &[
        "",
        "Sun",
        "Sun,",
        "Sun, ",
        "0",
        "yesterday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sundae, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 6-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov 06 08:49:37 1994 ",
        "Sun Nov  6 08:49:37 1994 GMT",
        "\u{e9}, 06 Nov 1994 08:49:37 GMT",
    ];
    for text in table {
        assert_eq!(date::decode(text.as_bytes(), NOW_S), None, "{text}");
    }
    assert!(date::decode(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW_S).is_some());
    assert!(date::decode(b"Tue, 29 Feb 2000 00:00:00 GMT", NOW_S).is_some());
}

proptest! {
    #[test]
    fn agrees_with_the_calendar(unix_s in 0..253_402_300_799_u64) {
        check(unix_s);
    }
}
