//! Reading what tools write about tests: which format it is, and one file per format.

mod cargo;
mod go;
mod jest;
mod junit;
mod k6;
mod libtest;
mod pytest;
mod sarif;
mod tap;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::tally::{Reading, Suite};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JUnit's XML, as surefire, pytest, cargo-nextest, jest-junit and many others write it.
    Junit,
    /// The Test Anything Protocol 12, 13 and 14: `node --test --test-reporter=tap`, Perl's `prove`.
    Tap,
    /// What `cargo test` prints.
    Cargo,
    /// The JSON lines of Rust's libtest, as cargo-nextest writes them too.
    Libtest,
    /// What pytest prints.
    Pytest,
    /// `jest --json`, `vitest --reporter=json`.
    Jest,
    /// `go test -json`.
    Go,
    /// k6's `--summary-export`, or the data of its `handleSummary`.
    K6,
    /// SARIF 2.1.0 of a scanner.
    Sarif,
}

impl Format {
    /// Its name in a plan.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Tap => "tap",
            Self::Cargo => "cargo",
            Self::Libtest => "libtest",
            Self::Pytest => "pytest",
            Self::Jest => "jest",
            Self::Go => "go",
            Self::K6 => "k6",
            Self::Sarif => "sarif",
        }
    }
}

/// The keys by which JSON tells what it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Telling {
    runs: Option<IgnoredAny>,
    #[serde(rename = "numTotalTests")]
    jest: Option<IgnoredAny>,
    metrics: Option<IgnoredAny>,
    root_group: Option<IgnoredAny>,
    #[serde(rename = "Action")]
    action: Option<IgnoredAny>,
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
    event: Option<IgnoredAny>,
}

/// What a text looks like.
pub(super) fn detect(text: &str) -> Option<Format> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        return Some(Format::Junit);
    }
    if text.starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Telling>();
        let telling = match values.next() {
            Some(Ok(telling)) => telling,
            // It may break off within: what can be told by its beginning still says which reader complains.
            _ => Telling::default(),
        };
        return by_keys(&telling).or_else(|| by_beginning(text));
    }
    let text = plain(text);
    text.lines().find_map(|line| {
        if cargo::running(line).is_some() {
            Some(Format::Cargo)
        } else if tap::is_telling(line) {
            Some(Format::Tap)
        } else if pytest::is_telling(line) {
            Some(Format::Pytest)
        } else {
            None
        }
    })
}

fn by_keys(telling: &Telling) -> Option<Format> {
    if telling.runs.is_some() {
        Some(Format::Sarif)
    } else if telling.jest.is_some() {
        Some(Format::Jest)
    } else if telling.metrics.is_some() && telling.root_group.is_some() {
        Some(Format::K6)
    } else if telling.action.is_some() {
        Some(Format::Go)
    } else if telling.kind.is_some() && telling.event.is_some() {
        Some(Format::Libtest)
    } else {
        None
    }
}

fn by_beginning(text: &str) -> Option<Format> {
    let end = text
        .char_indices()
        .nth(4096)
        .map_or(text.len(), |(at, _)| at);
    let begins = &text[..end];
    let marks = [
        ("\"runs\"", Format::Sarif),
        ("\"numFailedTestSuites\"", Format::Jest),
        ("\"root_group\"", Format::K6),
        ("\"Action\"", Format::Go),
    ];
    let mut found = marks.into_iter();
    found.find_map(|(mark, format)| begins.contains(mark).then_some(format))
}

/// Reads a document. What is wrong with it is part of what was read.
pub(super) fn read(format: Format, text: &str, beside: &str, within: &str) -> Reading {
    let text = text.trim_start_matches('\u{feff}');
    let mut reading = Reading::default();
    match format {
        Format::Junit => junit::read(text, &mut reading),
        Format::Tap => tap::read(&plain(text), &mut reading),
        Format::Cargo => cargo::read(&plain(text), &plain(beside), &mut reading),
        Format::Libtest => libtest::read(text, &mut reading),
        Format::Pytest => pytest::read(&plain(text), &mut reading),
        Format::Jest => jest::read(text, within, &mut reading),
        Format::Go => go::read(text, &mut reading),
        Format::K6 => k6::read(text, &mut reading),
        Format::Sarif => sarif::read(text, &mut reading),
    }
    let nothing = reading.suites.is_empty() && reading.scans.is_empty();
    if nothing && reading.wrong.is_empty() {
        // A document that is whole and knows of no test: a suite that ran nothing.
        reading.suites.push(Suite::default());
    }
    reading
}

/// The text without the colours of a terminal (ECMA-48, CSI sequences).
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(sequence) = rest.strip_prefix('[') {
            let end = sequence.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c));
            rest = end.map_or("", |end| &sequence[end + 1..]);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The line of a JSON error; such a document is cut short, or is none.
fn not_json(error: &serde_json::Error, reading: &mut Reading) {
    let rule = if error.is_eof() {
        "breaks-off"
    } else {
        "garbled"
    };
    let what = if error.is_eof() {
        "the document breaks off"
    } else {
        "this is not what the format has"
    };
    reading.wrong(rule, error.line(), format!("{what}: {error}"));
}
