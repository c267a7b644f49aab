//! What is recorded of test suites and scans, as facts.

use std::time::Duration;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::{Map, Value};

use super::read::Format;
use super::run::name_of;
use super::tally::{Counts, MOST_SUITES, Names, Reading, Scan, Suite, Wrong};
use crate::files::matches_path;
use crate::probe::Seen;

/// One document and what was read of it.
pub(super) struct Document {
    pub(super) source: String,
    pub(super) format: Option<Format>,
    pub(super) reading: Reading,
    /// How old it is; nothing of what was just printed.
    pub(super) age: Option<Duration>,
}

/// How the program ended, where one ran.
pub(super) struct Ended {
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) latency: Duration,
    /// The end of what it complained of.
    pub(super) complaint: String,
}

/// All of it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) documents: Vec<Document>,
    pub(super) ended: Option<Ended>,
    /// What the program's end says against its documents.
    pub(super) wrong: Vec<Wrong>,
}

impl Found {
    fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for suite in self.suites().map(|(_, suite)| suite) {
            sum.add(suite.counts);
        }
        sum
    }

    fn suites(&self) -> impl Iterator<Item = (&Document, &Suite)> {
        let all = self.documents.iter();
        all.flat_map(|d| d.reading.suites.iter().map(move |s| (d, s)))
    }

    fn scans(&self) -> impl Iterator<Item = (&Document, &Scan)> {
        let all = self.documents.iter();
        all.flat_map(|d| d.reading.scans.iter().map(move |s| (d, s)))
    }

    /// Holds how the program ended against what its documents say.
    pub(super) fn contradictions(&mut self) {
        let bad = self.counts().bad();
        let findings: u64 = self
            .scans()
            .map(|(_, s)| s.error + s.warning + s.note)
            .sum();
        let Some(ended) = &self.ended else {
            return;
        };
        if let Some(signal) = ended.signal {
            let message = format!("signal {signal} ended the program");
            self.wrong.push(Wrong::new("killed", 0, message));
        } else if ended.exit_code.is_some_and(|code| code != 0) && bad == 0 && findings == 0 {
            let message = format!(
                "the program ended with exit code {} and told of no failure",
                ended.exit_code.unwrap_or_default()
            );
            self.wrong.push(Wrong::new("exit-code", 0, message));
        } else if ended.exit_code == Some(0) && bad > 0 {
            let message = format!("the program ended with exit code 0 and told of {bad} failures");
            self.wrong.push(Wrong {
                // The failures are there all the same.
                is_doubtful: false,
                ..Wrong::new("exit-code", 0, message)
            });
        }
    }

    /// Everything that is wrong, and with what.
    fn problems(&self) -> Vec<(&str, &Wrong)> {
        let of_documents = self.documents.iter();
        let of_documents =
            of_documents.flat_map(|d| d.reading.wrong.iter().map(move |w| (d.source.as_str(), w)));
        let of_run = self.wrong.iter().map(|w| ("the program", w));
        of_documents.chain(of_run).collect()
    }
}

/// The facts that a better document could say otherwise.
const CLAIMS: [&str; 13] = [
    "total",
    "passed",
    "skipped",
    "filtered",
    "suites",
    "untested",
    "skipped_names",
    "flaky",
    "findings",
    "scans",
    "found_names",
    "suppressed_names",
    "empty",
];
/// The same, where none is known to have failed.
const GOOD_CLAIMS: [&str; 3] = ["failed", "errors", "failed_names"];

/// The facts.
pub(super) fn seen(found: &Found, may_be_empty: &[String]) -> Seen {
    let counts = found.counts();
    let problems = found.problems();
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    let empty = empty(found, may_be_empty);
    let has_scans = found.scans().next().is_some();
    for (name, value) in counted(found, &empty, has_scans) {
        put(name, value);
    }
    let mut cut = Vec::new();
    for (name, names) in lists(found, has_scans) {
        put(name, list(names.kept.iter().map(|n| n.as_str().into())));
        if names.more > 0 {
            cut.push(Cut {
                fact: name.to_owned(),
                why: format!("the names of {} more are not known here", names.more),
            });
        }
    }
    put(
        "documents",
        list(found.documents.iter().map(document_facts)),
    );
    if let Some(age) = found.documents.iter().filter_map(|d| d.age).max() {
        put("age", age.into());
    }
    put("valid", problems.is_empty().into());
    put(
        "problems",
        list(
            problems
                .iter()
                .map(|(source, wrong)| problem_facts(source, wrong)),
        ),
    );
    if let Some(ended) = &found.ended {
        if let Some(code) = ended.exit_code {
            put("exit_code", code.into());
        }
        if let Some(signal) = ended.signal {
            put("signal", signal.into());
        }
        put("latency", ended.latency.into());
    }
    if found.suites().nth(MOST_SUITES).is_some() {
        cut.push(Cut {
            fact: "suites".to_owned(),
            why: format!("there are more than {MOST_SUITES} suites"),
        });
    }
    cut.extend(doubts(&problems, counts));
    Seen {
        facts,
        cut,
        absent: absences(&problems, &empty),
        shown: shown(found, &problems),
        ..Seen::default()
    }
}

/// The counts of tests, and of findings where a scanner is among the documents.
fn counted(found: &Found, empty: &[String], has_scans: bool) -> Vec<(&'static str, Value)> {
    let mut facts = Vec::new();
    let counts = found.counts();
    if found.suites().next().is_some() || !has_scans {
        let filtered = found.documents.iter().map(|d| d.reading.filtered);
        let suites = found.suites().take(MOST_SUITES).map(suite_facts);
        facts.extend([
            ("total", counts.total().into()),
            ("passed", counts.passed.into()),
            ("failed", counts.failed.into()),
            ("errors", counts.errors.into()),
            ("skipped", counts.skipped.into()),
            ("filtered", filtered.fold(0u64, u64::saturating_add).into()),
            ("suites", list(suites)),
            ("empty", list(empty.iter().map(|name| name.as_str().into()))),
        ]);
    }
    if has_scans {
        let scans = found.scans().take(MOST_SUITES).map(scan_facts);
        let levels = found_by_level(found.scans().map(|(_, scan)| scan));
        facts.extend([("findings", levels), ("scans", list(scans))]);
    }
    facts
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::List(values.collect())
}

/// Names of one kind, from all documents.
fn lists(found: &Found, has_scans: bool) -> Vec<(&'static str, Names)> {
    let of_suites = |of: &dyn Fn(&Suite) -> &Names| {
        let mut all = Names::default();
        found.suites().for_each(|(_, suite)| all.extend(of(suite)));
        all
    };
    let of_scans = |of: &dyn Fn(&Scan) -> &Names| {
        let mut all = Names::default();
        found.scans().for_each(|(_, scan)| all.extend(of(scan)));
        all
    };
    let mut untested = Names::default();
    found
        .documents
        .iter()
        .for_each(|d| untested.extend(&d.reading.untested));
    let mut lists = vec![
        ("failed_names", of_suites(&|s| &s.failed)),
        ("skipped_names", of_suites(&|s| &s.skipped)),
        ("flaky", of_suites(&|s| &s.flaky)),
        ("untested", untested),
    ];
    // Formats that only count give no names, or not all.
    let counts = found.counts();
    for (name, due) in [
        ("failed_names", counts.bad()),
        ("skipped_names", counts.skipped),
    ] {
        if let Some((_, names)) = lists.iter_mut().find(|(n, _)| *n == name) {
            let known = names.kept.len() as u64 + names.more;
            names.more += due.saturating_sub(known);
        }
    }
    if has_scans {
        lists.push(("found_names", of_scans(&|s| &s.found)));
        lists.push(("suppressed_names", of_scans(&|s| &s.suppressed)));
    }
    lists
}

fn empty(found: &Found, may_be_empty: &[String]) -> Vec<String> {
    let such = found.suites().filter(|(_, suite)| suite.counts.ran() == 0);
    let named = such.map(|(document, suite)| match suite.name.as_str() {
        "" => document.source.clone(),
        name => name.to_owned(),
    });
    // A name has no folders, whatever stands in it.
    let plain = |text: &str| text.replace('/', "\u{1}");
    let allowed = |name: &str| {
        may_be_empty
            .iter()
            .any(|p| matches_path(&plain(p), &plain(name)))
    };
    named
        .filter(|name| !allowed(name))
        .take(MOST_SUITES)
        .collect()
}

/// What cannot be relied on where a document is doubtful.
fn doubts(problems: &[(&str, &Wrong)], counts: Counts) -> Vec<Cut> {
    let Some((source, wrong)) = problems.iter().find(|(_, wrong)| wrong.is_doubtful) else {
        return Vec::new();
    };
    let why = format!("{source}: {}", wrong.message);
    let good = GOOD_CLAIMS.into_iter().filter(|_| counts.bad() == 0);
    let all = CLAIMS.into_iter().chain(good);
    all.map(|fact| Cut {
        fact: fact.to_owned(),
        why: why.clone(),
    })
    .collect()
}

/// Nothing proves anything where something is wrong, unless the check speaks of that.
fn absences(problems: &[(&str, &Wrong)], empty: &[String]) -> Vec<Absence> {
    let mut absent = Vec::new();
    if let Some((source, wrong)) = problems.first() {
        absent.push(Absence {
            fact: "problems".to_owned(),
            why: format!("{source}: {}", wrong.message),
        });
    }
    if let Some(first) = empty.first() {
        let more = match empty.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        absent.push(Absence {
            fact: "empty".to_owned(),
            why: format!("the suite `{first}` ran no test{more}"),
        });
    }
    absent
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields.into_iter();
    Value::Map(
        there
            .filter_map(|(n, v)| Some((n.to_owned(), v?)))
            .collect(),
    )
}

fn suite_facts((document, suite): (&Document, &Suite)) -> Value {
    let name = match suite.name.as_str() {
        "" => document.source.as_str(),
        name => name,
    };
    let counts = suite.counts;
    map([
        ("name", Some(name.into())),
        ("source", Some(document.source.as_str().into())),
        ("format", Some(name_of(document.format).into())),
        ("total", Some(counts.total().into())),
        ("passed", Some(counts.passed.into())),
        ("failed", Some(counts.failed.into())),
        ("errors", Some(counts.errors.into())),
        ("skipped", Some(counts.skipped.into())),
    ])
}

fn found_by_level<'a>(scans: impl Iterator<Item = &'a Scan>) -> Value {
    let mut sum = [0u64; 5];
    for scan in scans {
        let suppressed = scan.suppressed.kept.len() as u64 + scan.suppressed.more;
        let of_scan = [scan.error, scan.warning, scan.note, scan.none, suppressed];
        for (sum, more) in sum.iter_mut().zip(of_scan) {
            *sum = sum.saturating_add(more);
        }
    }
    let [error, warning, note, none, suppressed] = sum.map(|count| Some(Value::from(count)));
    map([
        ("error", error),
        ("warning", warning),
        ("note", note),
        ("none", none),
        ("suppressed", suppressed),
    ])
}

fn scan_facts((document, scan): (&Document, &Scan)) -> Value {
    map([
        ("tool", Some(scan.tool.as_str().into())),
        ("source", Some(document.source.as_str().into())),
        ("findings", Some(found_by_level(std::iter::once(scan)))),
    ])
}

fn document_facts(document: &Document) -> Value {
    let all = document.reading.suites.iter();
    let total = all
        .map(|s| s.counts.total())
        .fold(0u64, u64::saturating_add);
    map([
        ("source", Some(document.source.as_str().into())),
        ("format", Some(name_of(document.format).into())),
        ("total", Some(total.into())),
        ("age", document.age.map(Value::from)),
    ])
}

fn problem_facts(source: &str, wrong: &Wrong) -> Value {
    map([
        ("rule", Some(wrong.rule.into())),
        ("source", Some(source.into())),
        ("line", (wrong.line > 0).then(|| wrong.line.into())),
        ("message", Some(wrong.message.as_str().into())),
    ])
}

/// The most rows of a table.
const MOST_ROWS: usize = 100;

fn shown(found: &Found, problems: &[(&str, &Wrong)]) -> Vec<Shown> {
    let mut shown = Vec::new();
    let rows: Vec<Vec<String>> = found.suites().take(MOST_ROWS).map(row).collect();
    if !rows.is_empty() {
        shown.push(Shown::Table {
            title: "Suites".to_owned(),
            head: [
                "suite", "document", "tests", "passed", "failed", "errors", "skipped",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        });
    }
    if !problems.is_empty() {
        let row = |(source, wrong): &(&str, &Wrong)| {
            let place = match wrong.line {
                0 => (*source).to_owned(),
                line => format!("{source}:{line}"),
            };
            vec![wrong.rule.to_owned(), place, wrong.message.clone()]
        };
        shown.push(Shown::Table {
            title: "Problems".to_owned(),
            head: ["rule", "where", "what"].map(str::to_owned).to_vec(),
            rows: problems.iter().take(MOST_ROWS).map(row).collect(),
        });
    }
    let complaint = found.ended.as_ref().map(|e| e.complaint.trim());
    if let Some(text) = complaint.filter(|text| !text.is_empty() && !problems.is_empty()) {
        shown.push(Shown::Text {
            title: "What the program complained of".to_owned(),
            text: text.to_owned(),
        });
    }
    shown
}

fn row((document, suite): (&Document, &Suite)) -> Vec<String> {
    let counts = suite.counts;
    let mut row = vec![suite.name.clone(), document.source.clone()];
    let numbers = [
        counts.total(),
        counts.passed,
        counts.failed,
        counts.errors,
        counts.skipped,
    ];
    row.extend(numbers.map(|n| n.to_string()));
    row
}
