//! JUnit's XML. There is no one schema; this reads what surefire, pytest, cargo-nextest, jest-junit, `node --test` and
//! GoogleTest write. Each document also counts itself, and a count that is not that of its cases makes it doubtful. No
//! DTD is read and no entity is known but the five of XML.

use chrono::{DateTime, Utc};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::suites::tally::{End, Reading, Suite, Wrong};

/// Nobody nests suites deeper.
const DEEPEST: usize = 64;

/// An element that is open.
enum Open {
    /// `testsuites`.
    Root(Group),
    /// `testsuite`.
    Suite(Group),
    /// `testcase`.
    Case(Case),
    /// Anything else.
    Other,
}

/// Suites and their cases.
#[derive(Default)]
struct Group {
    suite: Suite,
    said: Said,
    /// What its own cases and those of the suites in it have.
    held: Held,
    has_suites: bool,
    line: usize,
}

/// What a document says of itself, where it does.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    tests: Option<u64>,
    failures: Option<u64>,
    errors: Option<u64>,
    skipped: Option<u64>,
}

/// The elements that were found.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Held {
    fn add(&mut self, more: Self) {
        self.tests += more.tests;
        self.failures += more.failures;
        self.errors += more.errors;
        self.skipped += more.skipped;
    }
}

/// What stands in a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Failure,
    Error,
    Skipped,
    /// Its failure does not count.
    Excuse,
    /// It failed before it passed.
    Flake,
}

struct Case {
    name: String,
    parts: Vec<Part>,
}

impl Case {
    fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    fn end(&self) -> End {
        if self.has(Part::Skipped)
            && (self.has(Part::Excuse) || !(self.has(Part::Failure) || self.has(Part::Error)))
        {
            End::Skipped
        } else if self.has(Part::Failure) {
            End::Failed
        } else if self.has(Part::Error) {
            End::Error
        } else {
            End::Passed
        }
    }
}

struct Document<'t, 'r> {
    text: &'t str,
    reading: &'r mut Reading,
    open: Vec<Open>,
    has_root: bool,
    /// It has come to its end; else what it counts is not all there.
    is_whole: bool,
}

/// Reads the document.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut xml = Reader::from_str(text);
    let mut document = Document {
        text,
        reading,
        open: Vec::new(),
        has_root: false,
        is_whole: true,
    };
    loop {
        let at = usize::try_from(xml.buffer_position()).unwrap_or(usize::MAX);
        let done = match xml.read_event() {
            Ok(Event::Eof) => document.end(at).map(|()| true),
            Ok(event) => document.event(&event, at).map(|()| false),
            Err(error) => Err(document.no_xml(at, &error)),
        };
        match done {
            Ok(false) => {}
            Ok(true) => return,
            Err(wrong) => {
                document.reading.wrong.push(wrong);
                // What was counted until here is shown, and known to be a part.
                return document.give_up();
            }
        }
    }
}

impl Document<'_, '_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        1 + before.iter().filter(|b| **b == b'\n').count()
    }

    fn wrong(&self, rule: &'static str, at: usize, message: impl Into<String>) -> Wrong {
        Wrong::new(rule, self.line(at), message)
    }

    fn no_xml(&self, at: usize, error: &quick_xml::Error) -> Wrong {
        use quick_xml::errors::SyntaxError;
        // All of these but one are of an end that does not come.
        match error {
            quick_xml::Error::Syntax(syntax) if *syntax != SyntaxError::InvalidBangMarkup => self
                .wrong(
                    "breaks-off",
                    at,
                    format!("the document breaks off: {error}"),
                ),
            error => self.wrong("garbled", at, format!("this is not XML: {error}")),
        }
    }

    fn event(&mut self, event: &Event<'_>, at: usize) -> Result<(), Wrong> {
        match event {
            Event::Start(element) => self.begin(element, at),
            Event::Empty(element) => {
                self.begin(element, at)?;
                self.finish();
                Ok(())
            }
            Event::End(_) => {
                self.finish();
                Ok(())
            }
            Event::DocType(_) => {
                Err(self.wrong("dtd", at, "a document type is declared; it is not read"))
            }
            Event::GeneralRef(reference) => {
                let name: &str = reference;
                let known =
                    ["lt", "gt", "amp", "apos", "quot"].contains(&name) || name.starts_with('#');
                let message = || format!("the entity `{name}` is not known");
                if known {
                    Ok(())
                } else {
                    Err(self.wrong("garbled", at, message()))
                }
            }
            Event::Text(text) if self.open.is_empty() && !text.trim().is_empty() => {
                Err(self.wrong("garbled", at, "text outside of the document's element"))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, at: usize) -> Result<(), Wrong> {
        if !self.open.is_empty() {
            return Err(self.wrong(
                "breaks-off",
                at,
                "the document breaks off within an element",
            ));
        }
        if !self.has_root {
            return Err(self.wrong("garbled", at, "there is no element in it"));
        }
        Ok(())
    }

    fn give_up(&mut self) {
        self.is_whole = false;
        while !self.open.is_empty() {
            self.finish();
        }
    }

    fn begin(&mut self, element: &BytesStart<'_>, at: usize) -> Result<(), Wrong> {
        if self.open.len() >= DEEPEST {
            return Err(self.wrong("garbled", at, "elements are nested too deep"));
        }
        let name = element.local_name();
        let name: &str = name.into_inner();
        let attributes = self.attributes(element, at)?;
        let next = match (self.open.last_mut(), name) {
            (None, _) if self.has_root => {
                return Err(self.wrong(
                    "garbled",
                    at,
                    "a second element beside the document's own",
                ));
            }
            (None, "testsuites") => Open::Root(self.group(&attributes, at)?),
            (None, "testsuite") => Open::Suite(self.group(&attributes, at)?),
            (None, _) => {
                let message = format!("`<{name}>` is neither `<testsuites>` nor `<testsuite>`");
                return Err(self.wrong("garbled", at, message));
            }
            (Some(Open::Root(group) | Open::Suite(group)), "testsuite") => {
                group.has_suites = true;
                Open::Suite(self.group(&attributes, at)?)
            }
            (Some(Open::Root(_) | Open::Suite(_)), "testcase") => Open::Case(case(&attributes)),
            (Some(Open::Case(case)), part) => {
                part_of(case, part, &attributes);
                Open::Other
            }
            (Some(_), _) => Open::Other,
        };
        self.has_root = true;
        self.open.push(next);
        Ok(())
    }

    fn attributes(
        &self,
        element: &BytesStart<'_>,
        at: usize,
    ) -> Result<Vec<(String, String)>, Wrong> {
        let mut found = Vec::new();
        for attribute in element.attributes() {
            let bad = |e: &dyn std::fmt::Display| {
                self.wrong("garbled", at, format!("an attribute is not XML: {e}"))
            };
            let attribute = attribute.map_err(|e| bad(&e))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| bad(&e))?;
            let name = attribute.key.local_name();
            let name: &str = name.into_inner();
            found.push((name.to_owned(), value.into_owned()));
        }
        Ok(found)
    }

    fn group(&mut self, attributes: &[(String, String)], at: usize) -> Result<Group, Wrong> {
        let mut said = Said::default();
        for (name, value) in attributes {
            let slot = match name.as_str() {
                "tests" => &mut said.tests,
                "failures" => &mut said.failures,
                "errors" => &mut said.errors,
                "skipped" | "disabled" | "ignored" => &mut said.skipped,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            let count: u64 = value.parse().map_err(|_| {
                self.wrong("counters", at, format!("`{name}=\"{value}\"` is no count"))
            })?;
            *slot = Some(slot.unwrap_or(0).saturating_add(count));
        }
        if let Some(made_at) = get(attributes, "timestamp").and_then(instant) {
            self.reading.seen_at(made_at);
        }
        let package = get(attributes, "package").filter(|p| !p.is_empty());
        let name = match (get(attributes, "name").unwrap_or_default(), package) {
            ("", Some(package)) => package,
            (name, _) => name,
        };
        Ok(Group {
            suite: Suite::named(name),
            said,
            line: self.line(at),
            ..Group::default()
        })
    }

    fn finish(&mut self) {
        match self.open.pop() {
            Some(Open::Case(case)) => self.finish_case(&case),
            Some(Open::Root(group) | Open::Suite(group)) => self.finish_group(group),
            Some(Open::Other) | None => {}
        }
    }

    fn finish_case(&mut self, case: &Case) {
        let Some(Open::Root(group) | Open::Suite(group)) = self.open.last_mut() else {
            return;
        };
        let end = case.end();
        group.suite.add(&case.name, end);
        if case.has(Part::Flake) && end == End::Passed {
            group.suite.flaky.push(&case.name);
        }
        group.held.add(Held {
            tests: 1,
            failures: u64::from(case.has(Part::Failure)),
            errors: u64::from(case.has(Part::Error)),
            skipped: u64::from(case.has(Part::Skipped)),
        });
    }

    fn finish_group(&mut self, group: Group) {
        if self.is_whole {
            self.counters(&group);
        }
        if let Some(Open::Root(outer) | Open::Suite(outer)) = self.open.last_mut() {
            outer.held.add(group.held);
        }
        // What only holds other suites is none itself.
        if group.suite.counts.total() > 0 || !group.has_suites {
            self.reading.suites.push(group.suite);
        }
    }

    fn counters(&mut self, group: &Group) {
        let (said, held) = (group.said, group.held);
        // pytest counts a test twice that failed and whose fixture then broke in being taken down.
        let twice = if group.suite.name == "pytest" {
            held.errors
        } else {
            0
        };
        let due = [
            ("tests", said.tests, held.tests, twice),
            ("failures", said.failures, held.failures, 0),
            ("errors", said.errors, held.errors, 0),
            ("skipped", said.skipped, held.skipped, 0),
        ];
        for (name, said, held, more) in due {
            if said.is_some_and(|said| said < held || said > held + more) {
                let message = format!(
                    "`{}` says `{name}=\"{}\"`, and {held} are there",
                    group.suite.name,
                    said.unwrap_or_default()
                );
                self.reading.wrong("counters", group.line, message);
            }
        }
    }
}

fn get<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut all = attributes.iter();
    all.find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// A time that says its zone; without one it may be any, and is not taken.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // jest-junit's time of a file that could not be run.
    (at.timestamp() > 0).then_some(at)
}

fn case(attributes: &[(String, String)]) -> Case {
    let name = get(attributes, "name").unwrap_or_default().trim();
    let class = get(attributes, "classname").unwrap_or_default().trim();
    let name = if class.is_empty() || class == name {
        name.to_owned()
    } else {
        format!("{class} {name}")
    };
    // GoogleTest: `status="notrun"`, `result="suppressed"` or `"skipped"`.
    let not_run = get(attributes, "status")
        .is_some_and(|s| ["notrun", "disabled", "skipped"].contains(&s))
        || get(attributes, "result").is_some_and(|r| ["suppressed", "skipped"].contains(&r));
    Case {
        name,
        parts: not_run.then_some(Part::Skipped).into_iter().collect(),
    }
}

fn part_of(case: &mut Case, part: &str, attributes: &[(String, String)]) {
    let part = match part {
        "failure" => Part::Failure,
        "error" => Part::Error,
        "skipped" => {
            // `node --test` also writes how a `todo` failed.
            if get(attributes, "type") == Some("todo") {
                case.parts.push(Part::Excuse);
            }
            Part::Skipped
        }
        "flakyFailure" | "flakyError" => Part::Flake,
        _ => return,
    };
    if !case.has(part) {
        case.parts.push(part);
    }
}
