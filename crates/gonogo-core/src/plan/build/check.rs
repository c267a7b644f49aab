//! One check: common keys apart from its probe's options, expressions parsed, limits read.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::names::{check_name, slug};
use crate::diag::{Diagnostic, Place};
use crate::expr::{self, Expr};
use crate::plan::expand::{self, TemplateBody};
use crate::plan::exprs;
use crate::plan::load::Reader;
use crate::plan::raw::{RawCheck, RawSubject};
use crate::plan::schema::KEY;
use crate::plan::syntax::{Registry, Syntax};
use crate::plan::tree::Node;
use crate::plan::types::{Check, ForEach, Gate, Limit, Retry, Save, Subject};
use crate::stats::Claim;

const SECOND_NS: i64 = 1_000_000_000;

/// Builds a check of a gate, with its node as it stands once its template is put in.
pub(super) fn build(
    written: Node,
    gate: &Gate,
    templates: &mut BTreeMap<String, TemplateBody>,
    reader: &mut Reader<'_>,
    schema: &Json,
    registry: &Registry,
) -> Option<(Check, Node)> {
    let node = if written.get("uses").is_some() {
        expand::expand(&written, templates, &reader.sources, &mut reader.problems)?
    } else {
        written
    };
    let decoded = decode(&node, "Check", reader, schema)?;
    let (probe, common, options) = parted(decoded, "Common", schema, registry)?;
    let raw: RawCheck = serde_json::from_value(common).ok()?;
    let before = reader.problems.errors();
    let expect = compiled(&node, "expect", reader);
    let warn = compiled(&node, "warn", reader);
    let when = node
        .get("when")
        .and_then(|n| exprs::compile(n, &reader.sources, &mut reader.problems));
    let save = saves(&node, &raw, reader);
    let limits = limits(&node, reader);
    let for_each = for_each(&node, raw.for_each, reader);
    let retry = raw.retry.map(|r| Retry {
        for_ns: r.lasting.0,
        every_ns: r.every.map_or(2 * SECOND_NS, |s| s.0),
        eventually: r.eventually,
    });
    let id = match raw.id {
        Some(id) => {
            let at = node.get("id").map_or(node.span, |n| n.span);
            check_name("check", &id, at, reader);
            id
        }
        None => implied_id(probe, &options),
    };
    if reader.problems.errors() > before {
        return None;
    }
    let check = Check {
        id,
        probe: probe.key().to_owned(),
        target: raw.target,
        expect,
        warn,
        limits,
        save,
        when,
        for_each,
        retry,
        timeout_ns: raw
            .timeout
            .map_or_else(|| timeout_ns(probe, &options), |s| s.0),
        reads: raw.reads,
        repeatable: raw.repeatable,
        absent_is_warn: raw.if_absent.is_some(),
        fresh_for_ns: raw.fresh_for.map(|s| s.0).or(gate.fresh_for_ns),
        finding: raw.finding.map(Into::into),
        power: probe.power(&options, gate.rollback, raw.reads),
        place: place(&node, reader),
        options,
    };
    Some((check, node))
}

/// Builds the subject.
pub(super) fn subject(
    node: &Node,
    reader: &mut Reader<'_>,
    schema: &Json,
    registry: &Registry,
) -> Option<Subject> {
    let decoded = decode(node, "Subject", reader, schema)?;
    let (probe, common, options) = parted(decoded, "SubjectCommon", schema, registry)?;
    let raw: RawSubject = serde_json::from_value(common).ok()?;
    let before = reader.problems.errors();
    let expect = compiled(node, "expect", reader);
    let identity = match node.get("identity") {
        Some(node) => exprs::compile(node, &reader.sources, &mut reader.problems),
        None => expect.iter().find_map(compared_with_input),
    };
    if reader.problems.errors() > before {
        return None;
    }
    if identity.is_none() {
        let problem = Diagnostic::warning(
            "no-identity",
            "what identifies the subject is not said, so a redeploy during the run stays unseen",
        );
        let help = "compare it with an input (`body.commit == inputs.release`), or add `identity: body.commit`";
        let at = node.entry("expect").map_or(node.span, |e| e.key_span);
        reader.say(problem.help(help), at);
    }
    let check = Check {
        id: "subject".to_owned(),
        probe: probe.key().to_owned(),
        target: raw.target,
        expect,
        warn: Vec::new(),
        limits: Vec::new(),
        save: Vec::new(),
        when: None,
        for_each: None,
        retry: None,
        timeout_ns: raw.timeout.map_or(30 * SECOND_NS, |s| s.0),
        reads: true,
        repeatable: true,
        absent_is_warn: false,
        fresh_for_ns: None,
        finding: None,
        power: probe.power(&options, false, false),
        place: place(node, reader),
        options,
    };
    if let Some(power) = check.power {
        let message = format!(
            "the subject is only looked at, and this asks for the power to {}",
            power.word()
        );
        reader.say(Diagnostic::error("subject-writes", message), node.span);
    }
    Some(Subject {
        check,
        wait_ns: raw.wait.map_or(0, |s| s.0),
        identity,
    })
}

fn place(node: &Node, reader: &Reader<'_>) -> Place {
    let at = node.entries().first().map_or(node.span, |e| e.key_span);
    reader.sources.place(at)
}

fn decode(node: &Node, slot: &str, reader: &mut Reader<'_>, schema: &Json) -> Option<Json> {
    let mut decoder = reader.decoder(schema);
    let definition = decoder.definition(slot);
    decoder.value(node, definition, slot)
}

/// Parts a decoded check into its probe, the keys that all checks have, and the probe's own.
fn parted<'r>(
    decoded: Json,
    common: &str,
    schema: &Json,
    registry: &Registry<'r>,
) -> Option<(&'r dyn Syntax, Json, Json)> {
    let Json::Object(all) = decoded else {
        return None;
    };
    let common_keys = schema["$defs"][common]["properties"].as_object()?;
    let slot = &schema["$defs"]["Check"]["oneOf"];
    let alternatives = slot.as_array().into_iter().flatten();
    let key = alternatives
        .filter_map(|one| one[KEY].as_str())
        .filter(|key| all.contains_key(*key))
        // A probe's option may be called like another probe.
        .find(|key| {
            let probe = registry.probe(key);
            probe.is_some() && fits(schema, key, &all)
        })?;
    let probe = registry.probe(key)?;
    let (common, options): (Map<_, _>, Map<_, _>) = all
        .into_iter()
        .partition(|(name, _)| common_keys.contains_key(name));
    Some((probe, Json::Object(common), Json::Object(options)))
}

fn fits(schema: &Json, key: &str, all: &Map<String, Json>) -> bool {
    let slot = schema["$defs"]["Check"]["oneOf"].as_array();
    let one = slot.into_iter().flatten().find(|one| one[KEY] == key);
    let subject = &schema["$defs"]["SubjectCommon"]["properties"];
    one.is_some_and(|one| {
        all.keys()
            .all(|k| one["properties"].get(k).is_some() || subject.get(k).is_some())
    })
}

fn compiled(node: &Node, key: &str, reader: &mut Reader<'_>) -> Vec<Expr> {
    exprs::each_of(node, key)
        .into_iter()
        .filter_map(|n| exprs::compile(n, &reader.sources, &mut reader.problems))
        .collect()
}

/// Captures in the order of the text.
fn saves(node: &Node, raw: &RawCheck, reader: &mut Reader<'_>) -> Vec<Save> {
    let mut out = Vec::new();
    for entry in node.get("save").into_iter().flat_map(Node::entries) {
        check_name("capture", &entry.key, entry.key_span, reader);
        let from = entry.value.get("from").unwrap_or(&entry.value);
        let Some(from) = exprs::compile(from, &reader.sources, &mut reader.problems) else {
            continue;
        };
        out.push(Save {
            name: entry.key.to_string(),
            from,
            secret: raw.save.get(&*entry.key).is_some_and(|s| s.secret),
        });
    }
    out
}

/// Claims in the order of the text. Their form is the schema's; what is left is what they mean.
fn limits(node: &Node, reader: &mut Reader<'_>) -> Vec<Limit> {
    let mut out = Vec::new();
    for entry in node.get("limits").into_iter().flat_map(Node::entries) {
        let text = entry.value.text().unwrap_or_default().trim();
        match claim(&entry.key, text) {
            Ok(claim) => out.push(Limit {
                text: format!("{}: {text}", entry.key),
                claim,
            }),
            Err(why) => reader.say(Diagnostic::error("bad-limit", why), entry.key_span),
        }
    }
    out
}

fn claim(name: &str, text: &str) -> Result<Claim, String> {
    match name {
        "errors" => Ok(Claim::ErrorRate {
            max: crate::plan::decode::percent(text)?,
        }),
        "rate" => Ok(Claim::Rate {
            min: crate::plan::decode::rate(text)?,
        }),
        _ => {
            let share: f64 = name
                .strip_prefix('p')
                .and_then(|n| n.parse().ok())
                .ok_or_else(|| format!("`{name}` is not a percentile such as `p95`"))?;
            if !(share > 0.0 && share < 100.0) {
                return Err(format!("`{name}`: a percentile lies above 0 and below 100"));
            }
            let ns = crate::duration::parse_duration_ns(text).map_err(|bad| bad.to_string())?;
            Ok(Claim::Percentile {
                p: (share / 100.0 * 1e12).round() / 1e12,
                max_ns: u64::try_from(ns).unwrap_or(0),
            })
        }
    }
}

fn for_each(node: &Node, raw: Option<Json>, reader: &mut Reader<'_>) -> Option<ForEach> {
    if let Json::Array(items) = raw? {
        Some(ForEach::List(items))
    } else {
        let node = node.get("for_each")?;
        exprs::compile(node, &reader.sources, &mut reader.problems).map(ForEach::Expr)
    }
}

/// A name for a check that has none: made from what it asks.
fn implied_id(probe: &dyn Syntax, options: &Json) -> String {
    let asked = probe.implied_id(options);
    let asked = asked.or_else(|| options[probe.key()].as_str().map(str::to_owned));
    let made = slug(&asked.unwrap_or_default());
    if made.is_empty() {
        return probe.key().to_owned();
    }
    made
}

/// The deadline where the plan gives none: for a load, what it takes and a fifth more.
fn timeout_ns(probe: &dyn Syntax, options: &Json) -> i64 {
    if !probe.takes_samples() {
        return 30 * SECOND_NS;
    }
    match probe.cost(options).seconds {
        Some(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            // The cap keeps the product in range: no load lasts a year.
            (seconds.min(3e7) * 1.2e9) as i64 + 60 * SECOND_NS
        }
        _ => 3_600 * SECOND_NS,
    }
}

/// What an expectation compares with an input: `body.commit` of `body.commit == inputs.release`.
fn compared_with_input(expect: &Expr) -> Option<Expr> {
    expect.source().split("&&").find_map(|part| {
        let (left, right) = part.split_once("==")?;
        let left = expr::parse(left.trim()).ok()?;
        let right = expr::parse(right.trim()).ok()?;
        let given = |e: &Expr| !e.roots().is_empty() && e.roots().iter().all(|r| r == "inputs");
        let observed = |e: &Expr| {
            let given = ["inputs", "saved", "env", "item"];
            !e.roots().is_empty() && e.roots().iter().all(|r| !given.contains(&r.as_str()))
        };
        match (given(&left), given(&right)) {
            (true, false) if observed(&right) => Some(right),
            (false, true) if observed(&left) => Some(left),
            _ => None,
        }
    })
}
