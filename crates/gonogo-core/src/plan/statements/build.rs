//! From what is written to statements. What they name must be there: gates, checks, files, people.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::raw::{
    RawCriterion, RawFinding, RawLimitation, RawOwasp, RawOwaspRow, RawOwaspStated, RawSignOff,
    RawStatedFinding,
};
use super::{
    Criterion, FindingSeverity, FindingText, Limitation, OwaspMapping, SignOff, StatedFinding,
    Statement, Statements, approvals,
};
use crate::diag::Diagnostic;
use crate::plan::build::{GateSite, check_name};
use crate::plan::exprs;
use crate::plan::load::{Reader, beside};
use crate::plan::raw::{OneOrMany, RawPlan};
use crate::plan::refs;
use crate::plan::source::Span;
use crate::plan::tree::{Entry, Node};
use crate::plan::types::Plan;

/// The gate under which stated findings are shown.
pub(super) const FINDINGS: &str = "findings";

/// The written parts.
pub(in crate::plan) struct Written<'a> {
    /// The plan's plain parts.
    pub(in crate::plan) raw: &'a mut RawPlan,
    /// Its tree.
    pub(in crate::plan) root: &'a Node,
    /// `limitations` of all files.
    pub(in crate::plan) limitations: &'a [Entry],
    /// `findings` of all files.
    pub(in crate::plan) findings: &'a [Entry],
}

/// Makes the statements; gates are there already.
pub(in crate::plan) fn build(
    written: Written<'_>,
    plan: &Plan,
    sites: &[GateSite],
    reader: &mut Reader<'_>,
    schema: &Json,
) -> Statements {
    let Written {
        raw,
        root,
        limitations,
        findings,
    } = written;
    let mut names = Names {
        plan,
        sites,
        reader,
    };
    let limitations = each(
        limitations,
        "limitation",
        "RawLimitation",
        names.reader,
        schema,
    );
    let findings = each(
        findings,
        "finding",
        "RawStatedFinding",
        names.reader,
        schema,
    );
    if !findings.is_empty()
        && let Some(at) = plan.gates.iter().position(|g| g.id == FINDINGS)
    {
        let problem = Diagnostic::error(
            "reserved-name",
            "`findings` is the name of the findings that the plan states",
        );
        let at = sites.get(at).map_or(root.span, |site| site.id_span);
        names.reader.say(problem.help("give the gate another"), at);
    }
    let findings = findings
        .into_iter()
        .filter_map(|(entry, raw)| finding(entry, raw, names.reader));
    Statements {
        limitations: limitations.into_iter().filter_map(limitation).collect(),
        findings: findings.collect(),
        owasp: raw
            .owasp
            .take()
            .zip(root.get("owasp"))
            .map(|(raw, node)| names.owasp(raw, node)),
        sign_off: raw
            .sign_off
            .take()
            .zip(root.get("sign_off"))
            .map(|(raw, node)| names.sign_off(raw, node)),
    }
}

/// Decodes each entry; an id stands once.
fn each<'e, T: DeserializeOwned>(
    entries: &'e [Entry],
    what: &str,
    definition: &str,
    reader: &mut Reader<'_>,
    schema: &Json,
) -> Vec<(&'e Entry, T)> {
    let mut out: Vec<(&'e Entry, T)> = Vec::new();
    for entry in entries {
        check_name(what, &entry.key, entry.key_span, reader);
        if let Some((first, _)) = out.iter().find(|(other, _)| other.key == entry.key) {
            let place = reader.sources.place(first.key_span);
            let message = format!("a {what} `{}` is there already", entry.key);
            let problem = Diagnostic::error("duplicate-key", message)
                .help(format!("the first stands in {}:{}", place.file, place.line));
            reader.say(problem, entry.key_span);
            continue;
        }
        let mut decoder = reader.decoder(schema);
        let definition = decoder.definition(definition);
        let decoded = decoder.value(&entry.value, definition, &entry.key);
        for text in &[
            "text",
            "title",
            "owner",
            "impact",
            "root_cause",
            "recommendation",
            "workaround",
        ] {
            plain(entry.value.get(text), reader);
        }
        out.extend(decoded.and_then(|json| Some((entry, serde_json::from_value(json).ok()?))));
    }
    out
}

/// A text that nothing fills.
fn plain(node: Option<&Node>, reader: &mut Reader<'_>) {
    let Some(node) = node.filter(|n| n.text().is_some_and(|t| t.contains("${"))) else {
        return;
    };
    let problem = Diagnostic::error("template-not-here", "nothing is filled in here")
        .help("`${ … }` is filled in the options of checks and targets");
    reader.say(problem, node.span);
}

fn limitation((entry, raw): (&Entry, RawLimitation)) -> Option<Limitation> {
    Some(Limitation {
        id: entry.key.to_string(),
        text: raw.text,
        owner: raw.owner,
        accepted_by: raw.accepted_by,
        until: end_of(day(&raw.until)?),
        ticket: raw.ticket,
    })
}

fn finding(entry: &Entry, raw: RawStatedFinding, reader: &mut Reader<'_>) -> Option<StatedFinding> {
    let at = |key: &str| {
        entry
            .value
            .entry(key)
            .map_or(entry.key_span, |e| e.key_span)
    };
    let accepted = match (raw.accepted_by, raw.until) {
        (Some(person), Some(until)) => Some((person, end_of(day(&until)?))),
        (None, None) => None,
        (Some(_), None) => {
            let problem = Diagnostic::error("missing-key", "the key `until` is missing")
                .help("`until`: the last day on which it is accepted");
            reader.say(problem, at("accepted_by"));
            None
        }
        (None, Some(_)) => {
            let problem = Diagnostic::error("missing-key", "the key `accepted_by` is missing")
                .help("`accepted_by`: who accepts it until then");
            reader.say(problem, at("until"));
            None
        }
    };
    if accepted.is_some() && raw.severity == FindingSeverity::Critical {
        let problem = Diagnostic::error("bad-value", "nobody can accept a critical finding here")
            .help("mend it, or say why it is less than critical");
        reader.say(problem, at("accepted_by"));
    }
    Some(StatedFinding {
        id: entry.key.to_string(),
        title: raw.title,
        severity: raw.severity,
        text: FindingText {
            severity: Some(raw.severity),
            impact: raw.impact,
            root_cause: raw.root_cause,
            recommendation: raw.recommendation,
            workaround: raw.workaround,
            owner: raw.owner,
        },
        accepted,
    })
}

impl From<RawFinding> for FindingText {
    fn from(raw: RawFinding) -> Self {
        Self {
            severity: raw.severity,
            impact: raw.impact,
            root_cause: raw.root_cause,
            recommendation: raw.recommendation,
            workaround: raw.workaround,
            owner: raw.owner,
        }
    }
}

/// What statements may name.
struct Names<'a, 'f> {
    plan: &'a Plan,
    sites: &'a [GateSite],
    reader: &'a mut Reader<'f>,
}

impl Names<'_, '_> {
    /// Complains of each name that is no gate or check.
    fn shown_by(&mut self, names: &[String], node: &Node, key: &str) {
        let nodes: Vec<&Node> = if node.get(key).is_some() {
            exprs::each_of(node, key)
        } else if node.text().is_some() {
            vec![node]
        } else {
            node.items().iter().collect()
        };
        for (at, name) in names.iter().enumerate() {
            let span = nodes.get(at).map_or(node.span, |n| n.span);
            if let Err(problem) = refs::find(&self.plan.gates, Some(self.sites), name) {
                self.reader.say(problem, span);
            } else if names[..at].contains(name) {
                let message = format!("`{name}` stands here twice");
                self.reader
                    .say(Diagnostic::error("duplicate-key", message), span);
            }
        }
    }

    fn owasp(&mut self, RawOwasp(raw): RawOwasp, node: &Node) -> Vec<OwaspMapping> {
        let mut out = Vec::new();
        for (id, row) in raw {
            let Some(node) = node.get(&id) else {
                continue;
            };
            let raw = match row {
                RawOwaspRow::Shown(shown_by) => RawOwaspStated {
                    shown_by,
                    statement: None,
                    person: None,
                    on: None,
                    evidence: None,
                },
                RawOwaspRow::Stated(raw) => raw,
            };
            let OneOrMany(shown_by) = &raw.shown_by;
            self.shown_by(shown_by, node, "shown_by");
            let shown_by = shown_by.clone();
            let statement = self.statement(raw, node);
            if shown_by.is_empty() && statement.is_none() {
                let problem = Diagnostic::error("expects-nothing", format!("nothing shows `{id}`"))
                    .help("name gates or checks, or give a `statement`; leave the row out where it was not looked at");
                self.reader.say(problem, node.span);
            }
            out.push(OwaspMapping {
                id,
                shown_by,
                statement,
            });
        }
        out
    }

    /// A statement with all that makes it one.
    fn statement(&mut self, raw: RawOwaspStated, node: &Node) -> Option<Statement> {
        let head = node.entries().first().map_or(node.span, |e| e.key_span);
        let Some(text) = raw.statement else {
            for key in ["person", "on", "evidence"] {
                if let Some(entry) = node.entry(key) {
                    let problem =
                        Diagnostic::error("missing-key", "the key `statement` is missing")
                            .help(format!("`{key}` belongs to a statement by a person"));
                    self.reader.say(problem, entry.key_span);
                    break;
                }
            }
            return None;
        };
        plain(node.get("statement"), self.reader);
        let at = node.entry("statement").map_or(head, |e| e.key_span);
        for (key, is_there) in [("person", raw.person.is_some()), ("on", raw.on.is_some())] {
            if !is_there {
                let message = format!("the key `{key}` is missing");
                let problem = Diagnostic::error("missing-key", message)
                    .help("a statement names the person who makes it, and the day");
                self.reader.say(problem, at);
            }
        }
        let evidence = match (&raw.evidence, node.get("evidence")) {
            (Some(written), Some(node)) => self.evidence(written, node.span),
            _ => {
                let problem = Diagnostic::warning(
                    "no-evidence",
                    "a statement without evidence shows nothing: the row is not evaluated",
                )
                .help("name the file that shows it: `evidence: FILE`");
                self.reader.say(problem, at);
                None
            }
        };
        Some(Statement {
            text,
            person: raw.person?,
            on: day(&raw.on?)?,
            evidence,
        })
    }

    /// A file of the plan, which must be there and hold something.
    fn evidence(&mut self, written: &str, at: Span) -> Option<String> {
        let kept = beside("", written).and_then(|path| {
            let bytes = self.reader.keep(&path)?;
            Ok((path, bytes))
        });
        let problem = match kept {
            Ok((_, bytes)) if bytes.iter().all(u8::is_ascii_whitespace) => {
                Diagnostic::error("bad-file", format!("the evidence `{written}` is empty"))
            }
            Ok((path, _)) => return Some(path),
            Err(why) => Diagnostic::error(
                "missing-file",
                format!("the evidence `{written}` cannot be read: {why}"),
            ),
        };
        self.reader.say(problem, at);
        None
    }

    fn sign_off(&mut self, raw: RawSignOff, node: &Node) -> SignOff {
        let head = node.entries().first().map_or(node.span, |e| e.key_span);
        let OneOrMany(decides) = raw.decides;
        let named: Vec<String> = decides
            .iter()
            .filter(|d| !d.trim().is_empty())
            .cloned()
            .collect();
        let at = node.entry("decides").map_or(head, |e| e.key_span);
        if named.len() != decides.len() || named.is_empty() {
            let problem = Diagnostic::error("bad-value", "`decides` names nobody");
            self.reader
                .say(problem.help("name the people whose approval it takes"), at);
        }
        for (index, person) in named.iter().enumerate() {
            if named[..index].contains(person) {
                let message = format!("`{person}` stands in `decides` twice");
                self.reader
                    .say(Diagnostic::error("duplicate-key", message), at);
            }
        }
        let mut criteria = Vec::new();
        let nodes = node.get("criteria").map_or(&[][..], Node::items);
        for (raw, node) in raw.criteria.into_iter().zip(nodes) {
            let RawCriterion {
                text,
                shown_by: OneOrMany(shown_by),
            } = raw;
            plain(node.get("text"), self.reader);
            if shown_by.is_empty() {
                let problem =
                    Diagnostic::error("expects-nothing", "nothing shows whether this is met");
                self.reader.say(
                    problem.help("name gates or checks under `shown_by`"),
                    node.span,
                );
            }
            self.shown_by(&shown_by, node, "shown_by");
            criteria.push(Criterion { text, shown_by });
        }
        let approvals = match (&raw.approvals, node.get("approvals")) {
            (Some(written), Some(node)) => {
                approvals::read(written, node.span, self.plan, &named, self.reader)
            }
            _ => Vec::new(),
        };
        SignOff {
            decides: named,
            criteria,
            environment: raw.environment.0,
            approvals,
        }
    }
}

/// A day that the decoder has looked at.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// The last instant of a day.
fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let end = DateTime::from_timestamp(86_399, 999_999_999);
    let end = end.map_or(NaiveTime::MIN, |end| end.time());
    day.and_time(end).and_utc()
}
