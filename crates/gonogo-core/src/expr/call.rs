//! What the functions do. Pure: values in, a value out.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeZone, Timelike, Utc};
use regex::Regex;

use super::blame::{described, short};
use super::functions::Function;
use super::ops::in_years;
use super::parse::pattern as compile;
use crate::duration::{format_duration_ns, parse_duration_ns};
use crate::value::Value;

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallTrouble {
    /// An argument is of a wrong type.
    Types(String),
    /// The type is right, what the argument says is not: `int('abc')`.
    Content(String),
    /// There is no such result.
    Impossible(String),
}

type Called = Result<Value, CallTrouble>;

const RANGE: &str = "the result is out of range";

/// Calls a function with evaluated arguments, receiver first, whose count has been checked.
pub(super) fn call(function: Function, args: &[Cow<'_, Value>], pattern: Option<&Regex>) -> Called {
    let args: Vec<&Value> = args.iter().map(AsRef::as_ref).collect();
    let result = match function {
        Function::Size => size(&args),
        Function::Type => Some(Ok(Value::from(args[0].type_name()))),
        Function::Dyn => Some(Ok(args[0].clone())),
        Function::Contains | Function::StartsWith | Function::EndsWith => search(function, &args),
        Function::Matches => matches(&args, pattern),
        Function::Int => int(&args),
        Function::Uint => uint(&args),
        Function::Double => double(&args),
        Function::String => string(&args),
        Function::Bytes => bytes(&args),
        Function::Bool => boolean(&args),
        Function::Duration => duration(&args),
        Function::Timestamp => timestamp(&args),
        Function::GetFullYear
        | Function::GetMonth
        | Function::GetDate
        | Function::GetDayOfMonth
        | Function::GetDayOfWeek
        | Function::GetDayOfYear
        | Function::GetHours
        | Function::GetMinutes
        | Function::GetSeconds
        | Function::GetMilliseconds => part_of_time(function, &args),
        Function::LowerAscii | Function::UpperAscii | Function::Trim | Function::Reverse => {
            reshape(function, &args)
        }
        Function::Split => split(&args),
        Function::Join => join(&args),
        Function::Replace => replace(&args),
        Function::Substring => substring(&args),
        Function::IndexOf | Function::LastIndexOf => index_of(function, &args),
        Function::CharAt => char_at(&args),
    };
    result.unwrap_or_else(|| Err(wrong_types(function, &args)))
}

/// Names the first argument that no way of calling the function takes.
fn wrong_types(function: Function, args: &[&Value]) -> CallTrouble {
    let spec = function.spec();
    let seen: Vec<String> = args.iter().map(|v| described(v)).collect();
    let seen = match seen.as_slice() {
        [one] => one.clone(),
        many => format!("({})", many.join(", ")),
    };
    CallTrouble::Types(format!(
        "`{}` has no meaning for {seen}; it is written {}",
        spec.name,
        spec.usage()
    ))
}

fn content(what: &str, value: &Value) -> CallTrouble {
    CallTrouble::Content(format!("{} is not {what}", short(value)))
}

fn impossible(message: &str) -> CallTrouble {
    CallTrouble::Impossible(message.to_owned())
}

fn size(args: &[&Value]) -> Option<Called> {
    let n = match args[0] {
        Value::String(s) => s.chars().count(),
        Value::Bytes(b) => b.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => return None,
    };
    Some(Ok(Value::from(n)))
}

fn search(function: Function, args: &[&Value]) -> Option<Called> {
    let (text, part) = (args[0].as_str()?, args[1].as_str()?);
    Some(Ok(Value::Bool(match function {
        Function::Contains => text.contains(part),
        Function::StartsWith => text.starts_with(part),
        _ => text.ends_with(part),
    })))
}

fn matches(args: &[&Value], pattern: Option<&Regex>) -> Option<Called> {
    let (text, source) = (args[0].as_str()?, args[1].as_str()?);
    Some(match pattern {
        Some(pattern) => Ok(Value::Bool(pattern.is_match(text))),
        None => compile(source)
            .map(|pattern| Value::Bool(pattern.is_match(text)))
            .map_err(CallTrouble::Content),
    })
}

fn int(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Int(i) => Ok(Value::Int(*i)),
        Value::Uint(_) => Err(impossible(RANGE)),
        Value::Double(d) => truncated(*d)
            .and_then(|n| i64::try_from(n).ok())
            .map(Value::Int)
            .ok_or_else(|| impossible(RANGE)),
        Value::String(s) => s
            .parse()
            .map(Value::Int)
            .map_err(|_| content("a whole number", args[0])),
        Value::Timestamp(t) => Ok(Value::Int(t.timestamp())),
        _ => return None,
    })
}

/// Whole numbers are one type here, so this only refuses what is negative.
fn uint(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Int(i) if *i >= 0 => Ok(Value::Int(*i)),
        Value::Int(_) => Err(impossible(RANGE)),
        Value::Uint(u) => Ok(Value::Uint(*u)),
        Value::Double(d) => truncated(*d)
            .and_then(|n| u64::try_from(n).ok())
            .map(Value::from)
            .ok_or_else(|| impossible(RANGE)),
        Value::String(s) => s
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| content("a whole number from 0", args[0])),
        _ => return None,
    })
}

/// The whole part of a double that is certain to have one in 64 bits.
fn truncated(d: f64) -> Option<i128> {
    (d.is_finite() && d.abs() < 1e30).then_some(d as i128)
}

fn double(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Int(i) => Ok(Value::Double(*i as f64)),
        Value::Uint(u) => Ok(Value::Double(*u as f64)),
        Value::Double(d) => Ok(Value::Double(*d)),
        Value::String(s) => s
            .parse()
            .map(Value::Double)
            .map_err(|_| content("a number", args[0])),
        _ => return None,
    })
}

fn string(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Bytes(b) => std::str::from_utf8(b)
            .map(Value::from)
            .map_err(|_| CallTrouble::Content("the bytes are not UTF-8".to_owned())),
        other => Ok(Value::String(rendered(other)?)),
    })
}

/// How a scalar reads in text: `string(x)` and `${x}` agree. Nothing for null, bytes, lists and maps.
pub(super) fn rendered(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => u.to_string(),
        Value::Double(d) => d.to_string(),
        Value::Duration(ns) => format_duration_ns(*ns),
        Value::Timestamp(_) => value.to_string(),
        Value::Null | Value::Bytes(_) | Value::List(_) | Value::Map(_) => return None,
    })
}

fn bytes(args: &[&Value]) -> Option<Called> {
    Some(Ok(match args[0] {
        Value::Bytes(b) => Value::Bytes(b.clone()),
        Value::String(s) => Value::Bytes(s.clone().into_bytes()),
        _ => return None,
    }))
}

fn boolean(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Bool(b) => Ok(Value::Bool(*b)),
        Value::String(s) => match s.as_str() {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
            _ => Err(content("true or false", args[0])),
        },
        _ => return None,
    })
}

fn duration(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Duration(ns) => Ok(Value::Duration(*ns)),
        Value::String(s) => parse_duration_ns(s)
            .map(Value::Duration)
            .map_err(|_| content("a duration", args[0])),
        _ => return None,
    })
}

fn timestamp(args: &[&Value]) -> Option<Called> {
    Some(match args[0] {
        Value::Timestamp(t) => Ok(Value::Timestamp(*t)),
        Value::String(s) => DateTime::parse_from_rfc3339(s)
            .map(|t| t.with_timezone(&Utc))
            .ok()
            .filter(in_years)
            .map(Value::Timestamp)
            .ok_or_else(|| content("a timestamp", args[0])),
        Value::Int(seconds) => DateTime::from_timestamp(*seconds, 0)
            .filter(in_years)
            .map(Value::Timestamp)
            .ok_or_else(|| impossible(RANGE)),
        _ => return None,
    })
}

fn part_of_time(function: Function, args: &[&Value]) -> Option<Called> {
    let t = match args {
        [Value::Duration(ns)] => return part_of_duration(function, *ns).map(|n| Ok(n.into())),
        [Value::Timestamp(t)] => t.naive_utc(),
        [Value::Timestamp(t), Value::String(zone)] => match in_zone(*t, zone) {
            Some(local) => local,
            None => return Some(Err(content("a time zone", args[1]))),
        },
        _ => return None,
    };
    let part: u32 = match function {
        Function::GetFullYear => return Some(Ok(Value::from(t.year()))),
        Function::GetMonth => t.month0(),
        Function::GetDate => t.day(),
        Function::GetDayOfMonth => t.day0(),
        Function::GetDayOfWeek => t.weekday().num_days_from_sunday(),
        Function::GetDayOfYear => t.ordinal0(),
        Function::GetHours => t.hour(),
        Function::GetMinutes => t.minute(),
        Function::GetSeconds => t.second(),
        _ => t.nanosecond() / 1_000_000,
    };
    Some(Ok(Value::from(part)))
}

/// Hours, minutes and seconds of a duration are its whole length in that unit; milliseconds are what is left of
/// the last second.
fn part_of_duration(function: Function, ns: i64) -> Option<i64> {
    match function {
        Function::GetHours => Some(ns / 3_600_000_000_000),
        Function::GetMinutes => Some(ns / 60_000_000_000),
        Function::GetSeconds => Some(ns / 1_000_000_000),
        Function::GetMilliseconds => Some(ns % 1_000_000_000 / 1_000_000),
        _ => None,
    }
}

/// The wall clock in a zone: `UTC`, `Europe/Berlin`, `+02:00`.
fn in_zone(t: DateTime<Utc>, zone: &str) -> Option<NaiveDateTime> {
    if let Ok(zone) = zone.parse::<chrono_tz::Tz>() {
        return Some(t.with_timezone(&zone).naive_local());
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'-' => (-1, &zone[1..]),
        b'+' => (1, &zone[1..]),
        _ => (1, zone),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |s: &str| {
        (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()))
            .then(|| s.parse::<i32>().ok())
            .flatten()
    };
    let seconds = two(hours)? * 3600 + two(minutes).filter(|m| *m < 60)? * 60;
    let offset = FixedOffset::east_opt(sign * seconds)?;
    Some(offset.from_utc_datetime(&t.naive_utc()).naive_local())
}

fn reshape(function: Function, args: &[&Value]) -> Option<Called> {
    let text = args[0].as_str()?;
    Some(Ok(Value::String(match function {
        Function::LowerAscii => text.to_ascii_lowercase(),
        Function::UpperAscii => text.to_ascii_uppercase(),
        Function::Trim => text.trim().to_owned(),
        _ => text.chars().rev().collect(),
    })))
}

/// A count from an argument that may be left out; negative means all.
fn limit(args: &[&Value], at: usize) -> Option<usize> {
    match args.get(at) {
        None => Some(usize::MAX),
        Some(Value::Int(n)) => Some(usize::try_from(*n).unwrap_or(usize::MAX)),
        Some(_) => None,
    }
}

fn split(args: &[&Value]) -> Option<Called> {
    let (text, by) = (args[0].as_str()?, args[1].as_str()?);
    let limit = limit(args, 2)?;
    let parts: Vec<Value> = if by.is_empty() {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if parts.len() + 1 >= limit {
                break;
            }
            parts.push(Value::from(&rest[..c.len_utf8()]));
            rest = &rest[c.len_utf8()..];
        }
        if !rest.is_empty() && limit > 0 {
            parts.push(Value::from(rest));
        }
        parts
    } else {
        text.splitn(limit, by).map(Value::from).collect()
    };
    Some(Ok(Value::List(parts)))
}

fn join(args: &[&Value]) -> Option<Called> {
    let by = match args.get(1) {
        None => "",
        Some(by) => by.as_str()?,
    };
    let parts: Vec<&str> = args[0]
        .as_list()?
        .iter()
        .map(Value::as_str)
        .collect::<Option<_>>()?;
    Some(Ok(Value::String(parts.join(by))))
}

fn replace(args: &[&Value]) -> Option<Called> {
    let (text, from, to) = (args[0].as_str()?, args[1].as_str()?, args[2].as_str()?);
    let limit = limit(args, 3)?;
    let most = text.len().checked_mul(to.len().max(1));
    if most.is_none_or(|n| n > 64 << 20) {
        return Some(Err(impossible("the text becomes too long")));
    }
    Some(Ok(Value::String(text.replacen(from, to, limit))))
}

/// Positions count characters, as in CEL.
fn position(value: &Value, length: usize) -> Option<Result<usize, CallTrouble>> {
    let at = value.as_int()?;
    Some(
        usize::try_from(at)
            .ok()
            .filter(|at| *at <= length)
            .ok_or_else(|| CallTrouble::Content(format!("{at} is outside of the text"))),
    )
}

fn substring(args: &[&Value]) -> Option<Called> {
    let chars: Vec<char> = args[0].as_str()?.chars().collect();
    let from = match position(args[1], chars.len())? {
        Ok(at) => at,
        Err(trouble) => return Some(Err(trouble)),
    };
    let to = match args.get(2).map(|to| position(to, chars.len())) {
        None => chars.len(),
        Some(to) => match to? {
            Ok(at) => at,
            Err(trouble) => return Some(Err(trouble)),
        },
    };
    if to < from {
        let message = format!("a text cannot end at {to} where it begins at {from}");
        return Some(Err(CallTrouble::Content(message)));
    }
    Some(Ok(Value::String(chars[from..to].iter().collect())))
}

fn index_of(function: Function, args: &[&Value]) -> Option<Called> {
    let (text, part) = (args[0].as_str()?, args[1].as_str()?);
    let offsets: Vec<usize> = text
        .char_indices()
        .map(|(i, _)| i)
        .chain([text.len()])
        .collect();
    let last = function == Function::LastIndexOf;
    let bound = match args.get(2).map(|at| position(at, offsets.len() - 1)) {
        None if last => offsets.len() - 1,
        None => 0,
        Some(at) => match at? {
            Ok(at) => at,
            Err(trouble) => return Some(Err(trouble)),
        },
    };
    let found = if last {
        // A match that begins at or before the bound. Where the end is inside a character, none begins at the bound.
        let end = (offsets[bound] + part.len()).min(text.len());
        let end = (0..=end).rev().find(|i| text.is_char_boundary(*i))?;
        text[..end].rfind(part)
    } else {
        text[offsets[bound]..]
            .find(part)
            .map(|i| i + offsets[bound])
    };
    let index = found.and_then(|at| offsets.binary_search(&at).ok());
    Some(Ok(index.map_or(Value::Int(-1), Value::from)))
}

fn char_at(args: &[&Value]) -> Option<Called> {
    let text = args[0].as_str()?;
    let at = match position(args[1], text.chars().count())? {
        Ok(at) => at,
        Err(trouble) => return Some(Err(trouble)),
    };
    let c: String = text.chars().skip(at).take(1).collect();
    Some(Ok(Value::String(c)))
}
