//! Numbers as JavaScript reads and prints them.

use std::fmt::Write;

use super::Value;
use crate::text::Text;

/// The largest whole number up to which every whole number has a place among doubles: 2^53.
pub(crate) const EXACT_INT_MAX: i64 = 1 << 53;

/// Converts a value to a number, as arithmetic does. Lists and objects are no numbers.
pub(crate) fn to_number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Int(number) => int_to_float(*number),
        Value::Float(number) => *number,
        Value::Text(text) => parse(text),
        Value::Undefined | Value::List(_) | Value::Object(_) => f64::NAN,
    }
}

/// Says whether a condition takes a number for true.
pub(crate) fn is_true(number: f64) -> bool {
    number != 0.0 && !number.is_nan()
}

/// The nearest double.
#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers are doubles")]
pub(crate) const fn int_to_float(number: i64) -> f64 {
    number as f64
}

/// Reads text as a number; what is no number is NaN, white space alone is 0.
pub(crate) fn parse(text: &str) -> f64 {
    let text = text.trim_matches(is_space);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text.is_empty() {
        return 0.0;
    }
    if let Some(digits) = radix_digits(text) {
        return digits;
    }
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if unsigned == "Infinity" {
        return sign * f64::INFINITY;
    }
    // Rust's parser also takes `inf` and `nan`, which JavaScript does not.
    if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        unsigned.parse().map_or(f64::NAN, |number: f64| sign * number)
    } else {
        f64::NAN
    }
}

fn radix_digits(text: &str) -> Option<f64> {
    let (radix, digits) = match text.get(..2)? {
        "0x" | "0X" => (16, &text[2..]),
        "0o" | "0O" => (8, &text[2..]),
        "0b" | "0B" => (2, &text[2..]),
        _ => return None,
    };
    if digits.is_empty() {
        return Some(f64::NAN);
    }
    let mut number = 0.0;
    for c in digits.chars() {
        let Some(digit) = c.to_digit(radix) else { return Some(f64::NAN) };
        number = number * f64::from(radix) + f64::from(digit);
    }
    Some(number)
}

/// What JavaScript takes for white space, line ends included.
pub(crate) fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// A result of arithmetic: whole where it is whole and exact.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
pub(crate) fn from_float(number: f64) -> Value {
    let whole = number.trunc() == number && number.abs() <= int_to_float(EXACT_INT_MAX);
    // -0 stays a float: 1 / -0 differs from 1 / 0.
    if whole && !(number == 0.0 && number.is_sign_negative()) {
        Value::Int(number as i64)
    } else {
        Value::Float(number)
    }
}

/// Appends a whole number, two digits at a time from a table.
pub(crate) fn write_int(number: i64, out: &mut String) {
    if number < 0 {
        out.push('-');
    }
    write_unsigned(number.unsigned_abs(), out);
}

fn write_unsigned(number: u64, out: &mut String) {
    // Most numbers in pages have up to four digits; only longer ones go down a level.
    if number >= 10_000 {
        write_unsigned(number / 10_000, out);
        out.push_str(digit_pair(number / 100 % 100));
        out.push_str(digit_pair(number % 100));
        return;
    }
    if number < 100 {
        let digits = digit_pair(number);
        out.push_str(if number < 10 { &digits[1..] } else { digits });
        return;
    }
    let (high, low) = (number / 100, digit_pair(number % 100));
    match high {
        1..10 => {
            out.push_str(&digit_pair(high)[1..]);
            out.push_str(low);
        }
        _ => {
            out.push_str(digit_pair(high));
            out.push_str(low);
        }
    }
}

/// A position as text; short ones are literals.
pub(crate) fn position_text(at: usize) -> Text {
    match at {
        0..10 => Text::from_static(&digit_pair(at as u64)[1..]),
        10..100 => Text::from_static(digit_pair(at as u64)),
        _ => Text::from(at.to_string()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the argument is below 100")]
fn digit_pair(number: u64) -> &'static str {
    let at = number as usize * 2;
    &DIGIT_PAIRS[at..at + 2]
}

/// Appends a number in its shortest form that reads back as the same number.
pub(crate) fn write_float(number: f64, out: &mut String) {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    } else if number == 0.0 {
        out.push('0');
    } else if (1e-6..1e21).contains(&number.abs()) {
        write!(out, "{number}").expect("writing to a string cannot fail");
    } else {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').expect("`{:e}` prints an exponent");
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        write!(out, "{digits}e{sign}{exponent}").expect("writing to a string cannot fail");
    }
}

/// Prints a number with a fixed count of decimals, halves away from zero, as `toFixed` does.
pub(crate) fn to_fixed(number: f64, decimals: usize) -> String {
    let mut out = String::new();
    if !number.is_finite() || number.abs() >= 1e21 {
        write_float(number, &mut out);
        return out;
    }
    let magnitude = number.abs();
    out = format!("{magnitude:.decimals$}");
    if is_tie(magnitude, decimals) {
        // Rust rounds an exact half to the even digit, JavaScript takes the larger number. One
        // more decimal is exact here, and its last digit is the 5: replaced by 9 it rounds up.
        let mut longer = format!("{magnitude:.0$}", decimals + 1);
        longer.pop();
        out = round_up(&longer);
    }
    // A small negative number gives "-0", as in JavaScript.
    if number < 0.0 {
        out.insert(0, '-');
    }
    out
}

/// Says whether the number lies exactly half way between two results.
fn is_tie(magnitude: f64, decimals: usize) -> bool {
    let near = format!("{magnitude:.0$}", decimals + 25);
    let cut = near.len() - 25;
    if near.as_bytes()[cut] != b'5' || near[cut + 1..].bytes().any(|b| b != b'0') {
        return false;
    }
    // All digits of any double fit into 1,100 decimals.
    let all = format!("{magnitude:.1100}");
    let cut = all.find('.').expect("decimals were asked for") + 1 + decimals;
    all[cut + 1..].bytes().all(|b| b == b'0')
}

/// Adds one to the last digit of a decimal number.
fn round_up(number: &str) -> String {
    let mut digits = number.trim_end_matches('.').as_bytes().to_vec();
    let mut at = digits.len();
    while at > 0 {
        at -= 1;
        match digits[at] {
            b'9' => digits[at] = b'0',
            b'.' => {}
            _ => {
                digits[at] += 1;
                return String::from_utf8(digits).expect("digits are ASCII");
            }
        }
    }
    digits.insert(0, b'1');
    String::from_utf8(digits).expect("digits are ASCII")
}

const DIGIT_PAIRS: &str = "\
    00010203040506070809101112131415161718192021222324252627282930313233343536373839\
    40414243444546474849505152535455565758596061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899";
