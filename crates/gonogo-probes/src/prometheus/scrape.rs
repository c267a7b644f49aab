//! `scrape PATH`: what a service exposes right now.

use std::collections::BTreeSet;

use gonogo_core::diag::nearest;
use gonogo_core::exposition::{Exposition, Fault, Format, Limits, Selector, parse, parse_as};
use gonogo_core::record::{Cause, Cut, NotObserved};
use gonogo_core::{Map, Value};

use super::observed::{MAX_SAMPLES, SampleSeen, is_stale, of_samples};
use super::promql;
use super::run::{Source, shortened};
use crate::http::Fetched;
use crate::probe::{RawBlob, Seen};

/// The text format first: what OpenMetrics adds is not looked at.
const ACCEPT: &str =
    "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1";
const MAX_FAMILIES: usize = 2_000;

/// Looks once.
pub(super) async fn observe(source: &Source<'_>, path: &str) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        source
            .ctx
            .not_observed("prometheus", Cause::BadOptions, message)
    };
    let selector = match &source.options.select {
        Some(text) => {
            let text = promql::bound(text, &source.options.bind).map_err(bad)?;
            let selector = Selector::parse(&text);
            Some(selector.map_err(|e| bad(format!("`{text}` is not a selector: {e}")))?)
        }
        None => None,
    };
    let fetched = source.get(path, ACCEPT, &[]).await?;
    let now_ms = source.ctx.wall_now().timestamp_millis();
    let exposition = exposition(source, &fetched)?;
    let selected = select(&exposition, selector.as_ref(), now_ms);
    let max_age = source.max_age_ns;
    let stale = |sample: &SampleSeen| {
        // A sample without a time of its own was made for this scrape.
        matches!((max_age, sample.age_ns), (Some(max), Some(age)) if is_stale(age, max))
    };
    let words = stale_words(source);
    let mut seen = of_samples(selected, stale, &words, || {
        nothing(&exposition, selector.as_ref(), path)
    });
    families(&exposition, &mut seen);
    seen.facts.insert("valid".to_owned(), true.into());
    seen.facts
        .insert("latency".to_owned(), fetched.latency.into());
    seen.target = Some(source.seen(&fetched, path));
    let media_type = match exposition.format() {
        Format::Text => "text/plain; version=0.0.4",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0",
    };
    drop(exposition);
    seen.blobs.push(RawBlob {
        role: "exposition".to_owned(),
        media_type: media_type.to_owned(),
        bytes: fetched.body,
        redact: true,
    });
    Ok(seen)
}

/// How a message says that samples are beyond `max_age`.
pub(super) fn stale_words(source: &Source<'_>) -> String {
    let max = source.options.max_age.as_deref().unwrap_or("any age");
    format!("are not within {max} of now")
}

/// The valid exposition of an answer.
fn exposition<'f>(
    source: &Source<'_>,
    fetched: &'f Fetched,
) -> Result<Exposition<'f>, NotObserved> {
    if fetched.status != 200 {
        return Err(source.refused(fetched, None));
    }
    let media_type = fetched.header("content-type").unwrap_or("");
    let html = media_type.to_ascii_lowercase().starts_with("text/html")
        || fetched.body.trim_ascii_start().starts_with(b"<");
    if html {
        let mut failed = source.failed(
            fetched,
            Cause::Protocol,
            "the answer is a web page, not an exposition",
        );
        failed.help =
            Some("is this the path of the metrics, and is a login page in front of it?".to_owned());
        return Err(failed);
    }
    let limits = Limits::default();
    let parsed = match Format::of_media_type(media_type) {
        Some(format) => parse_as(&fetched.body, format, &limits),
        None => parse(&fetched.body, &limits),
    };
    parsed.map_err(|error| {
        let cause = match error.fault {
            Fault::Truncated => Cause::Truncated,
            Fault::Limit => Cause::TooLarge,
            Fault::Syntax | Fault::Duplicate | Fault::Order | Fault::Value => Cause::Protocol,
        };
        let mut failed = source.failed(
            fetched,
            cause,
            format!("the exposition is not valid: {error}"),
        );
        let line = fetched.body.split(|b| *b == b'\n').nth(error.line - 1);
        failed.help = line
            .map(|line| shortened(&String::from_utf8_lossy(line)))
            .filter(|line| !line.trim().is_empty())
            .map(|line| format!("the line is {line:?}"));
        failed
    })
}

fn select(
    exposition: &Exposition<'_>,
    selector: Option<&Selector>,
    now_ms: i64,
) -> Vec<SampleSeen> {
    exposition
        .samples()
        .filter(|sample| selector.is_none_or(|s| s.matches(sample)))
        .map(|sample| SampleSeen {
            name: sample.name().to_owned(),
            labels: sample
                .labels()
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect(),
            value: sample.value(),
            at_ms: sample.timestamp_ms(),
            age_ns: sample
                .timestamp_ms()
                .map(|at| now_ms.saturating_sub(at).saturating_mul(1_000_000)),
        })
        .collect()
}

fn families(exposition: &Exposition<'_>, seen: &mut Seen) {
    let total = exposition.families().len();
    let kept = exposition.families().take(MAX_FAMILIES).map(|family| {
        let facts: Map = [
            ("type".to_owned(), family.kind().as_str().into()),
            ("help".to_owned(), shortened(&family.help()).into()),
            ("samples".to_owned(), family.samples().len().into()),
        ]
        .into();
        (family.name().to_owned(), Value::Map(facts))
    });
    seen.facts
        .insert("families".to_owned(), Value::Map(kept.collect()));
    if total > MAX_FAMILIES {
        seen.cut.push(Cut {
            fact: "families".to_owned(),
            why: format!("{MAX_FAMILIES} of {total} families are kept"),
        });
    }
}

/// What was looked for and is not there, and what is there instead.
fn nothing(exposition: &Exposition<'_>, selector: Option<&Selector>, path: &str) -> String {
    let Some(selector) = selector else {
        return format!("{path} exposes no sample");
    };
    let why = format!("{path} has no sample of `{selector}`");
    let Some(name) = selector.name.as_deref() else {
        return why;
    };
    let same: Vec<String> = exposition
        .find(name, &[])
        .take(4)
        .map(|sample| sample.series())
        .collect();
    if let Some(shown) = same.chunks(3).next() {
        let more = if same.len() > 3 { ", …" } else { "" };
        return format!("{why}; there is {}{more}", shown.join(", "));
    }
    if let Some(family) = exposition.families().find(|f| f.name() == name) {
        let names: BTreeSet<&str> = family.samples().map(|s| s.name()).collect();
        let has = if names.is_empty() {
            "no samples yet".to_owned()
        } else {
            let names: Vec<&str> = names.into_iter().collect();
            format!("the samples {}", names.join(", "))
        };
        let kind = family.kind().as_str();
        return format!("{why}; the {kind} `{name}` is declared and has {has}");
    }
    let names: BTreeSet<&str> = exposition
        .samples()
        .take(MAX_SAMPLES * 10)
        .map(|s| s.name())
        .collect();
    match near(name, &names) {
        Some(near) => format!("{why}; there is `{near}`: was that meant?"),
        None => why,
    }
}

/// The name that was probably meant: few edits away, or alike in its longer half.
pub(super) fn near<'a>(name: &str, names: &BTreeSet<&'a str>) -> Option<&'a str> {
    if let Some(found) = nearest(name, names.iter().copied()) {
        return Some(found);
    }
    let shared = |other: &str| {
        let same = name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
        same.count()
    };
    names
        .iter()
        .copied()
        .map(|other| (shared(other), other))
        .filter(|(count, _)| count * 3 >= name.len() * 2)
        .max_by_key(|(count, other)| (*count, std::cmp::Reverse(other.len())))
        .map(|(_, other)| other)
}
