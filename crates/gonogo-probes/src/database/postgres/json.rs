//! JSON as PostgreSQL keeps it, with numbers of any length.

use gonogo_core::Value;

/// What is nested deeper than our reader goes stays text; so does a number of which digits would be lost.
pub(super) fn json(raw: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(raw).ok()?;
    match serde_json::from_str(&quoted_where_lossy(text)) {
        Ok(json) => Some(Value::from_json(&json)),
        Err(_) => Some(Value::String(text.to_owned())),
    }
}

/// Puts quotes around each number that neither an integer of ours nor a double holds exactly.
fn quoted_where_lossy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '-' | '0'..='9' => rest
                .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if matches!(first, '-' | '0'..='9') && !is_exact(token) {
            out.push('"');
            out.push_str(token);
            out.push('"');
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_exact(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    let double: f64 = match number.parse() {
        Ok(double) if f64::is_finite(double) => double,
        _ => return false,
    };
    digits(number) == digits(&format!("{double:e}"))
}

/// The digits without leading and trailing zeros, and the power of ten of the last of them.
fn digits(number: &str) -> Option<(String, i64)> {
    let lower = number.trim_start_matches('-').to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let all = all.trim_start_matches('0');
    let kept = all.trim_end_matches('0');
    if kept.is_empty() {
        return Some((String::new(), 0));
    }
    let exponent: i64 = exponent.parse().ok()?;
    let cut = i64::try_from(all.len() - kept.len()).ok()?;
    let power = exponent - i64::try_from(fraction.len()).ok()? + cut;
    Some((kept.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Value {
        json(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_number_that_would_lose_digits_stays_text_and_others_are_numbers() {
        for (text, wanted) in [
            ("0.1", Value::Double(0.1)),
            ("1.50", Value::Double(1.5)),
            ("1e3", Value::Double(1000.0)),
            ("-0.0", Value::Double(-0.0)),
            ("18446744073709551615", Value::Uint(u64::MAX)),
            ("18446744073709551616", "18446744073709551616".into()),
            ("18446744073709551617", "18446744073709551617".into()),
            (
                "0.12345678901234567890123",
                "0.12345678901234567890123".into(),
            ),
            ("1e400", "1e400".into()),
            (
                "\"1e400 \\\" 12345678901234567890123\"",
                "1e400 \" 12345678901234567890123".into(),
            ),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
        let nested =
            of("{\"a\": [123456789012345678901234567890, 1], \"12345678901234567890123\": null}");
        let list = Value::List(vec!["123456789012345678901234567890".into(), Value::Int(1)]);
        assert_eq!(nested.get("a"), Some(&list));
        assert_eq!(nested.get("12345678901234567890123"), Some(&Value::Null));
    }

    proptest::proptest! {
        #[test]
        fn every_double_is_exact(double in proptest::num::f64::NORMAL) {
            proptest::prop_assert!(is_exact(&format!("{double}")), "{double}");
            proptest::prop_assert!(is_exact(&format!("{double:e}")), "{double}");
        }
    }
}
