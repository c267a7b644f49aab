//! What texts of a format must look like, each with an example.

use crate::duration::parse_duration_ns;

/// What a person calls a format, with an example.
pub(super) fn described(format: &str) -> Option<&'static str> {
    Some(match format {
        "duration" | "positive-duration" => "a duration such as `30s` or `250ms`",
        "cel" => "an expression such as `status == 200`",
        "request-line" => "a request line such as `GET /health`",
        "path" => "a path such as `/health`",
        "percent" => "a percentage such as `1%`",
        "rate" => "a rate such as `50/s`",
        "date" => "a day such as `2026-11-21`",
        "template" => "a `${ … }`",
        _ => return None,
    })
}

/// What is wrong with a text of a format; nothing where it is right, or the format is not known.
pub(super) fn problem(format: &str, text: &str) -> Option<String> {
    match format {
        "duration" => parse_duration_ns(text).err().map(|bad| bad.to_string()),
        "positive-duration" => match parse_duration_ns(text) {
            Ok(ns) if ns > 0 => None,
            Ok(_) => Some(format!("`{text}` must be longer than nothing")),
            Err(bad) => Some(bad.to_string()),
        },
        "percent" => percent(text).err(),
        "rate" => rate(text).err(),
        "date" => {
            let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d");
            (day.is_err() || text.len() != 10)
                .then(|| format!("`{text}` is not a day; write it as `2026-11-21`"))
        }
        "request-line" => request_line(text),
        "path" => path(text),
        _ => None,
    }
}

/// Reads `1%` or `0.5 %` as a share: 0.01, 0.005. It must lie above 0 and below 100 %.
pub(in crate::plan) fn percent(text: &str) -> Result<f64, String> {
    let bad =
        || format!("`{text}` is not a percentage; write a number with its sign, such as `1%`");
    let number = text.trim().strip_suffix('%').ok_or_else(bad)?;
    let number = plain_number(number.trim()).ok_or_else(bad)?;
    if number > 0.0 && number < 100.0 {
        // Rounded at the twelfth decimal: 1 % is 0.01, not 0.010000000000000002.
        return Ok((number / 100.0 * 1e12).round() / 1e12);
    }
    Err(format!(
        "`{text}` must lie above 0% and below 100%: nothing else can be decided by samples"
    ))
}

/// Reads `50/s`, `3000/m` as requests per second.
pub(in crate::plan) fn rate(text: &str) -> Result<f64, String> {
    let bad = || format!("`{text}` is not a rate; write a number per second, such as `50/s`");
    let (number, unit) = text.trim().split_once('/').ok_or_else(bad)?;
    let number = plain_number(number.trim()).ok_or_else(bad)?;
    let per = match unit.trim() {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    if number > 0.0 {
        return Ok(number / per);
    }
    Err(format!("`{text}` must be more than nothing"))
}

/// A number of digits and one point: no sign, no exponent, no word such as `inf`.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|b| *b == b'.').count();
    if digits == 0 || points > 1 || digits + points != text.len() || text.len() > 30 {
        return None;
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

fn path(text: &str) -> Option<String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Some(format!(
            "`{text}` names a host: the host is the target's, so write what follows it"
        ));
    }
    if !text.starts_with('/') {
        return Some(format!("the path `{text}` must begin with `/`"));
    }
    let bad = text.chars().find(|c| c.is_whitespace() || c.is_control())?;
    Some(format!(
        "`{text}` holds {bad:?}, which must be percent-encoded"
    ))
}

fn request_line(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let method = words.next().unwrap_or_default();
    let capitals = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    let Some(path) = words.next().filter(|_| capitals) else {
        return Some(match method.strip_prefix('/') {
            Some(_) => format!("`{text}` lacks the method; write `GET {text}`"),
            None => format!(
                "`{text}` is not a request line; write a method and a path, such as `GET /health`"
            ),
        });
    };
    if path.starts_with("http://") || path.starts_with("https://") {
        return Some(format!(
            "the path `{path}` names a host: the host is the target's, so write what follows it"
        ));
    }
    if !path.starts_with('/') {
        return Some(format!("the path `{path}` must begin with `/`"));
    }
    words
        .next()
        .map(|_| format!("`{text}` has a space in its path, which is written `%20`"))
}
