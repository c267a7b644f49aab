//! What an answer says of its rate limit, in each of the forms that are in use:
//! `RateLimit` and `RateLimit-Policy` as structured fields (draft-ietf-httpapi-ratelimit-headers-11 of 2026, RFC 9651),
//! `RateLimit` as a dictionary (draft 07), `RateLimit-Limit`, `-Remaining` and `-Reset` (drafts up to 06), and the
//! `X-RateLimit-…` that came before. Of several policies the one with the least left is told.

use chrono::{DateTime, Utc};
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parameters, Parser};

use crate::http::Fetched;

/// A reset beyond this is an instant in seconds since 1970 and no number of seconds: 2001-09-09, thirty years of waiting.
const INSTANTS_BEGIN: i64 = 1_000_000_000;
/// More entries than this no honest service sends.
const MAX_POLICIES: usize = 32;

/// What one answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    /// The field that said it, as it is written in documents.
    pub(super) field: &'static str,
    /// How many are allowed in the window.
    pub(super) limit: Option<i64>,
    /// How many are left.
    pub(super) remaining: Option<i64>,
    /// Seconds until there are more.
    pub(super) reset: Option<i64>,
    /// The policies that were told.
    pub(super) policies: Vec<Policy>,
    /// What could not be read.
    pub(super) problems: Vec<String>,
}

impl Quota {
    /// The window of the policy that `limit` belongs to.
    pub(super) fn window(&self) -> Option<i64> {
        let of_limit = |p: &&Policy| Some(p.quota) == self.limit;
        self.policies.iter().find(of_limit)?.window
    }

    /// Whether it counts requests, so that each takes one.
    pub(super) fn counts_requests(&self) -> bool {
        let unit = |p: &Policy| p.unit.as_deref().is_none_or(|unit| unit == "requests");
        self.policies.iter().all(unit)
    }
}

/// One entry of `RateLimit-Policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) name: Option<String>,
    pub(super) quota: i64,
    pub(super) unit: Option<String>,
    pub(super) window: Option<i64>,
}

/// What the answer says; nothing where it has none of the fields.
pub(super) fn read(answer: &Fetched, now: DateTime<Utc>) -> Option<Quota> {
    if let Some(value) = answer.combined("ratelimit") {
        return Some(structured(answer, &value));
    }
    if answer.header("ratelimit-limit").is_some() || answer.header("ratelimit-remaining").is_some()
    {
        return Some(plain(answer, "RateLimit-Limit", "ratelimit", now));
    }
    for prefix in ["x-ratelimit", "x-rate-limit"] {
        let there = |end: &str| answer.header(&format!("{prefix}-{end}")).is_some();
        if there("limit") || there("remaining") {
            return Some(plain(answer, "X-RateLimit-Limit", prefix, now));
        }
    }
    // A policy alone says how many, and not how many are left.
    let mut alone = Quota {
        field: "RateLimit-Policy",
        ..Quota::default()
    };
    policies(answer, &mut alone);
    (answer.header("ratelimit-policy").is_some()).then(|| {
        alone.limit = alone.policies.first().map(|p| p.quota);
        alone
    })
}

fn structured(answer: &Fetched, value: &str) -> Quota {
    let mut quota = Quota {
        field: "RateLimit",
        ..Quota::default()
    };
    policies(answer, &mut quota);
    let Ok(list) = Parser::new(value).parse::<List>() else {
        dictionary(value, &mut quota);
        return quota;
    };
    let mut least: Option<(i64, &Item)> = None;
    for entry in list.iter().take(MAX_POLICIES) {
        let ListEntry::Item(item) = entry else {
            quota
                .problems
                .push("RateLimit holds a list where a policy belongs".to_owned());
            continue;
        };
        match integer(&item.params, "r") {
            Some(left) if least.is_none_or(|(least, _)| left < least) => {
                least = Some((left, item));
            }
            Some(_) => {}
            None => quota
                .problems
                .push("RateLimit has no `r`, which says how many are left".to_owned()),
        }
    }
    if let Some((left, item)) = least {
        let name = text(&item.bare_item);
        quota.remaining = Some(left);
        quota.reset = integer(&item.params, "t");
        let policy = quota.policies.iter().find(|p| p.name == name);
        let first = || quota.policies.first().filter(|_| quota.policies.len() == 1);
        quota.limit = policy.or_else(first).map(|p| p.quota);
    } else if quota.problems.is_empty() {
        quota.problems.push("RateLimit is empty".to_owned());
    }
    quota
}

/// Draft 07: `limit=100, remaining=50, reset=30`.
fn dictionary(value: &str, quota: &mut Quota) {
    let Ok(all) = Parser::new(value).parse::<Dictionary>() else {
        let problem = format!("RateLimit is no structured field: {}", short(value));
        quota.problems.push(problem);
        return;
    };
    let member = |name: &str| {
        let (_, entry) = all.iter().find(|(key, _)| key.as_str() == name)?;
        match entry {
            ListEntry::Item(item) => item.bare_item.as_integer().map(i64::from),
            ListEntry::InnerList(_) => None,
        }
    };
    quota.limit = member("limit");
    quota.remaining = member("remaining");
    quota.reset = member("reset");
}

fn policies(answer: &Fetched, quota: &mut Quota) {
    let Some(value) = answer.combined("ratelimit-policy") else {
        return;
    };
    let Ok(list) = Parser::new(&value).parse::<List>() else {
        let problem = format!("RateLimit-Policy is no structured field: {}", short(&value));
        quota.problems.push(problem);
        return;
    };
    for entry in list.into_iter().take(MAX_POLICIES) {
        let ListEntry::Item(item) = entry else {
            continue;
        };
        // Up to draft 07 the policy was the number itself: `100;w=60`.
        let number = item.bare_item.as_integer().map(i64::from);
        let Some(count) = integer(&item.params, "q").or(number) else {
            let problem = "RateLimit-Policy has no `q`, which says how many are allowed";
            quota.problems.push(problem.to_owned());
            continue;
        };
        quota.policies.push(Policy {
            name: text(&item.bare_item),
            quota: count,
            unit: parameter(&item.params, "qu").and_then(text),
            window: integer(&item.params, "w"),
        });
    }
}

/// Three fields of a number each; the limit may have its policies behind it: `100, 100;w=60`.
fn plain(answer: &Fetched, field: &'static str, prefix: &str, now: DateTime<Utc>) -> Quota {
    let mut quota = Quota {
        field,
        ..Quota::default()
    };
    let mut number = |end: &str| {
        let name = format!("{prefix}-{end}");
        let value = answer.combined(&name)?;
        let first = value.split([',', ';']).next().unwrap_or_default().trim();
        // Some services write fractions of seconds.
        let whole = first.split_once('.').map_or(first, |(whole, _)| whole);
        let read = whole.parse::<i64>().ok().filter(|n| *n >= 0);
        if read.is_none() {
            let problem = format!("{name} is no number: {}", short(&value));
            quota.problems.push(problem);
        }
        read
    };
    let (limit, remaining) = (number("limit"), number("remaining"));
    let reset = number("reset");
    quota.limit = limit;
    quota.remaining = remaining;
    quota.reset = reset.map(|reset| {
        if reset < INSTANTS_BEGIN {
            return reset;
        }
        // Seconds since 1970, or milliseconds where that would be far in the future.
        let seconds = if reset > INSTANTS_BEGIN * 100 {
            reset / 1000
        } else {
            reset
        };
        (seconds - date(answer).unwrap_or(now).timestamp()).max(0)
    });
    if answer.header("ratelimit-policy").is_some() {
        policies(answer, &mut quota);
    } else if let Some(value) = answer.combined(&format!("{prefix}-limit")) {
        quota.policies = behind(&value);
    }
    quota
}

/// The policies behind the limit, drafts 00 to 06: `10, 10;w=1, 50;w=60`.
fn behind(value: &str) -> Vec<Policy> {
    let Ok(list) = Parser::new(value).parse::<List>() else {
        return Vec::new();
    };
    let policy = |entry: ListEntry| {
        let ListEntry::Item(item) = entry else {
            return None;
        };
        Some(Policy {
            name: None,
            quota: item.bare_item.as_integer().map(i64::from)?,
            unit: None,
            window: Some(integer(&item.params, "w")?),
        })
    };
    list.into_iter()
        .take(MAX_POLICIES)
        .filter_map(policy)
        .collect()
}

/// `Retry-After` in seconds: a number of them, or a date (RFC 9110, 10.2.3). `Err` where it is neither.
pub(super) fn retry_after(answer: &Fetched, now: DateTime<Utc>) -> Option<Result<i64, String>> {
    let value = answer.combined("retry-after")?;
    let text = value.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More seconds than fit are still a number: for ever.
        return Some(Ok(text.parse::<i64>().unwrap_or(i64::MAX)));
    }
    Some(match DateTime::parse_from_rfc2822(text) {
        Ok(at) => Ok((at.timestamp() - date(answer).unwrap_or(now).timestamp()).max(0)),
        Err(_) => Err(format!(
            "Retry-After is neither a number of seconds nor a date: {}",
            short(text)
        )),
    })
}

/// The service's own clock, by which its instants are meant.
fn date(answer: &Fetched) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
    Some(date.with_timezone(&Utc))
}

fn parameter<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a BareItem> {
    let mut all = parameters.iter();
    all.find(|(key, _)| key.as_str() == name)
        .map(|(_, value)| value)
}

fn integer(parameters: &Parameters, name: &str) -> Option<i64> {
    let number = parameter(parameters, name)?.as_integer().map(i64::from)?;
    (number >= 0).then_some(number)
}

/// A name: a text by the newest draft, a token by some before.
fn text(item: &BareItem) -> Option<String> {
    let string = item.as_string().map(|s| s.as_str().to_owned());
    string.or_else(|| item.as_token().map(|t| t.as_str().to_owned()))
}

fn short(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    format!("{short:?}")
}
