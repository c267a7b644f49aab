//! Durations, defined once for YAML and CEL: `250ms`, `1.5s`, `1h30m`, `1d`.
//!
//! The grammar is Go's `time.ParseDuration` (which CEL adopts) with `d` for 24 hours added.

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a duration; write a number with a unit, such as `250ms`, `1.5s`, `2m`, `1h30m` or `1d`"
)]
pub struct BadDuration {
    /// The text as it stood.
    pub text: String,
}

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a duration in nanoseconds. `0` needs no unit; everything else does.
pub fn parse_duration_ns(text: &str) -> Result<i64, BadDuration> {
    let bad = || BadDuration {
        text: text.to_owned(),
    };
    let trimmed = text.trim();
    let (negative, mut rest) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(bad)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale)
            .ok_or_else(bad)?;
        total += part_ns(number, scale).ok_or_else(bad)?;
        rest = next;
    }
    let signed = if negative { -total } else { total };
    i64::try_from(signed).map_err(|_| bad())
}

/// One `number × unit`, exact down to the nanosecond; what is smaller is cut off.
fn part_ns(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || whole.len() > 20 || !digits(whole) || !digits(fraction)
    {
        return None;
    }
    let mut total: i128 = whole.parse::<i128>().unwrap_or(0) * scale;
    let mut place = scale;
    for digit in fraction.bytes().take(20) {
        total += i128::from(digit - b'0') * place / 10;
        place /= 10;
    }
    Some(total)
}

/// Writes a duration so that `parse_duration_ns` reads the same number back: the largest unit up to seconds in
/// which at most nine decimals are needed, as people write latencies (`12.5ms`, `1.204s`, `90s`).
pub fn format_duration_ns(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs();
    let (unit, per, width) = match abs {
        0 => return "0s".to_owned(),
        1..1_000 => ("ns", 1, 0),
        1_000..1_000_000 => ("us", 1_000, 3),
        1_000_000..1_000_000_000 => ("ms", 1_000_000, 6),
        _ => ("s", 1_000_000_000, 9),
    };
    let (whole, rest) = (abs / per, abs % per);
    if rest == 0 {
        return format!("{sign}{whole}{unit}");
    }
    let fraction = format!("{rest:0width$}");
    format!("{sign}{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

/// Writes a duration for a person: three significant digits below a minute, then `m`, `h`, `d`.
pub fn humanize_duration_ns(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs() as f64;
    let short = |value: f64, unit: &str| {
        let decimals = if value >= 100.0 {
            0
        } else if value >= 10.0 {
            1
        } else {
            2
        };
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        format!("{sign}{text} {unit}")
    };
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{sign}{big} {big_unit}")
        } else {
            format!("{sign}{big} {big_unit} {small} {small_unit}")
        }
    };
    let seconds = ns.unsigned_abs() / 1_000_000_000;
    match ns.unsigned_abs() {
        0 => "0 s".to_owned(),
        1..1_000 => short(abs, "ns"),
        1_000..1_000_000 => short(abs / 1e3, "µs"),
        1_000_000..1_000_000_000 => short(abs / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => short(abs / 1e9, "s"),
        _ if seconds < 3600 => pair(seconds / 60, "min", seconds % 60, "s"),
        _ if seconds < 86_400 => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests;
