//! The waiver file: who accepts which failure, exactly as it was seen, and until when.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde_json::Value as Json;

use super::exprs;
use super::load::{Files, Reader, WaiverFile, beside};
use super::raw::RawWaivers;
use super::refs;
use super::schema::waivers_schema;
use super::tree::Node;
use super::types::{Plan, PlanFile, Waiver};
use crate::diag::Diagnostic;

/// The longest time that a failure may be waived for, in days.
const MOST_DAYS: u64 = 30;

/// What reading the waiver file came to.
#[derive(Debug, Default)]
pub struct LoadedWaivers {
    /// The waivers as they stand; whether one counts is judged.
    pub waivers: Vec<Waiver>,
    /// The file, where there is one.
    pub file: Option<PlanFile>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the waiver file of the plan at a path. One that the plan does not name may be absent.
pub fn load_waivers(
    files: &dyn Files,
    plan_path: &str,
    file: &WaiverFile,
    plan: &Plan,
) -> LoadedWaivers {
    let mut reader = Reader::new(files, plan_path);
    let path = match beside("", &file.path) {
        Ok(path) => path,
        Err(why) => return refused("bad-path", why),
    };
    let bytes = match reader.keep(&path) {
        Ok(bytes) => bytes,
        Err(_) if !file.named => return LoadedWaivers::default(),
        Err(why) => {
            return refused(
                "missing-file",
                format!("the waiver file {path} cannot be read: {why}"),
            );
        }
    };
    let schema = waivers_schema();
    let mut waivers = Vec::new();
    if let Some(tree) = reader.tree(&path, &bytes) {
        waivers = read(&tree, &schema, plan, &mut reader);
    }
    if reader.problems.errors() > 0 {
        waivers.clear();
    }
    LoadedWaivers {
        waivers,
        file: reader.files.pop(),
        diagnostics: reader.problems.finish(),
    }
}

fn refused(code: &'static str, message: String) -> LoadedWaivers {
    LoadedWaivers {
        diagnostics: vec![Diagnostic::error(code, message)],
        ..LoadedWaivers::default()
    }
}

fn read(tree: &Node, schema: &Json, plan: &Plan, reader: &mut Reader<'_>) -> Vec<Waiver> {
    let decoded = reader.decoder(schema).object(tree, schema, "waivers", &[]);
    let raw = decoded.and_then(|json| serde_json::from_value::<RawWaivers>(json).ok());
    let nodes = tree.get("waivers").map_or(&[][..], Node::items);
    let raw = raw.map_or_else(Vec::new, |raw| raw.waivers);
    raw.into_iter()
        .zip(nodes)
        .filter_map(|(raw, node)| one(raw, node, plan, reader))
        .collect()
}

fn one(
    raw: super::raw::RawWaiver,
    node: &Node,
    plan: &Plan,
    reader: &mut Reader<'_>,
) -> Option<Waiver> {
    let head = node.entries().first().map_or(node.span, |e| e.key_span);
    let subject = subject(&raw, node, plan, reader)?;
    for (key, text) in [("person", &raw.person), ("reason", &raw.reason)] {
        if text.trim().is_empty() {
            let at = node.get(key).map_or(head, |n| n.span);
            reader.say(
                Diagnostic::error("bad-value", format!("`{key}` is empty")),
                at,
            );
        }
    }
    let (given, until) = (day(&raw.given)?, day(&raw.until)?);
    let at = node.get("until").map_or(head, |n| n.span);
    if until < given {
        reader.say(
            Diagnostic::error("bad-waiver", "the waiver ends before it was given"),
            at,
        );
    }
    let last = given.checked_add_days(Days::new(MOST_DAYS));
    if let Some(last) = last.filter(|last| until > *last) {
        let message = format!("a waiver holds for at most {MOST_DAYS} days: until {last}");
        reader.say(Diagnostic::error("bad-waiver", message), at);
    }
    let pin = node.get("accepts")?;
    let accepts = exprs::compile(pin, &reader.sources, &mut reader.problems)?;
    if accepts.is_constant() {
        let problem = Diagnostic::error(
            "expects-nothing",
            "this accepts every failure alike, not the one that was seen",
        );
        let help = "pin what was seen: `status == 503`, `size(rows) == 20`, `size(checks) == 1`";
        reader.say(problem.help(help), pin.span);
    }
    Some(Waiver {
        subject,
        person: raw.person,
        reason: raw.reason,
        ticket: raw.ticket,
        until: until.and_time(end_of_day()).and_utc(),
        given: Some(given.and_time(NaiveTime::MIN).and_utc()),
        accepts,
        place: reader.sources.place(head),
    })
}

fn subject(
    raw: &super::raw::RawWaiver,
    node: &Node,
    plan: &Plan,
    reader: &mut Reader<'_>,
) -> Option<String> {
    let head = node.entries().first().map_or(node.span, |e| e.key_span);
    let (key, name) = match (&raw.gate, &raw.check) {
        (Some(gate), None) => ("gate", gate),
        (None, Some(check)) => ("check", check),
        _ => {
            let problem =
                Diagnostic::error("bad-waiver", "a waiver names either a gate or a check")
                    .help("write `gate: GATE` or `check: GATE/CHECK`");
            reader.say(problem, head);
            return None;
        }
    };
    let at = node.get(key).map_or(head, |n| n.span);
    let (gate_id, check_id) = match name.split_once('/') {
        Some((gate, check)) => (gate, Some(check)),
        None => (name.as_str(), None),
    };
    if gate_id == "subject" {
        let message = "the subject cannot be waived: it is what the verdict is about";
        reader.say(Diagnostic::error("bad-waiver", message), at);
        return None;
    }
    if (key == "check") != check_id.is_some() {
        let problem = Diagnostic::error("bad-waiver", format!("`{name}` is not a {key}"))
            .help("write `gate: GATE` or `check: GATE/CHECK`");
        reader.say(problem, at);
        return None;
    }
    if let Err(problem) = refs::find(&plan.gates, None, name) {
        reader.say(problem, at);
        return None;
    }
    Some(name.clone())
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// The last instant of a day.
fn end_of_day() -> NaiveTime {
    let end: Option<DateTime<Utc>> = DateTime::from_timestamp(86_399, 999_999_999);
    end.map_or(NaiveTime::MIN, |end| end.time())
}
