//! The rule as data: `cases/*.yaml`, which other programs can check too.

use granit_parser::{Event as Yaml, Parser, ScalarStyle};
use serde_json::{Value as Json, json};

use super::scene::{End, GateState, Scene};
use crate::duration::parse_duration_ns;
use crate::fixture::expr;
use crate::judged::GateOutcome;
use crate::outcome::{Outcome, Severity};
use crate::record::EnvironmentKind;

const RULE: &str = include_str!("../cases/rule.yaml");

/// Just enough of YAML for data: maps, lists, text and whole numbers.
pub(super) fn yaml(text: &str) -> Json {
    let mut events = Parser::new_from_str(text).map(|e| e.expect("sound YAML").0);
    let document = events
        .by_ref()
        .find(|e| matches!(e, Yaml::DocumentStart(..)));
    document.expect("a document");
    let first = events.next().expect("a value");
    node(first, &mut events)
}

fn node<'y>(event: Yaml<'y>, events: &mut impl Iterator<Item = Yaml<'y>>) -> Json {
    let next = |events: &mut dyn Iterator<Item = Yaml<'y>>| events.next().expect("more");
    match event {
        Yaml::Scalar(text, style, ..) => match text.parse::<i64>() {
            Ok(number) if style == ScalarStyle::Plain => json!(number),
            _ => json!(text),
        },
        Yaml::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match next(events) {
                    Yaml::SequenceEnd => return Json::Array(list),
                    item => list.push(node(item, events)),
                }
            }
        }
        Yaml::MappingStart(..) => {
            let mut map = serde_json::Map::new();
            loop {
                match next(events) {
                    Yaml::MappingEnd => return Json::Object(map),
                    key => {
                        let key = node(key, events);
                        let key = key.as_str().expect("a text key").to_owned();
                        let value = next(events);
                        map.insert(key, node(value, events));
                    }
                }
            }
        }
        other => panic!("not plain data: {other:?}"),
    }
}

fn severity(word: &str) -> Severity {
    match word {
        "critical" => Severity::Critical,
        "important" => Severity::Important,
        "advisory" => Severity::Advisory,
        other => panic!("no severity: {other}"),
    }
}

fn outcome(word: &str) -> GateOutcome {
    if word == "out of scope" {
        return GateOutcome::OutOfScope;
    }
    let found = Outcome::WORST_FIRST.into_iter().find(|o| o.word() == word);
    found.unwrap_or_else(|| panic!("no outcome: {word}")).into()
}

fn word(json: &Json) -> &str {
    json.as_str().expect("a word")
}

/// The scene that a case describes; a key that is not known is a mistake in the case.
fn scene(case: &Json) -> Scene {
    let case = case.as_object().expect("a case is a map");
    let gates: Vec<&Vec<Json>> = case["gates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|g| g.as_array().expect("a list"))
        .collect();
    let tag = |gate: &[Json], tag: &str| gate.get(2).is_some_and(|t| word(t) == tag);
    let states: Vec<GateState> = gates
        .iter()
        .map(|gate| GateState {
            severity: severity(word(&gate[0])),
            outcome: outcome(word(&gate[1])),
            waived: tag(gate, "waived"),
        })
        .collect();
    let mut scene = Scene::new(&states);
    for (key, value) in case {
        match key.as_str() {
            "case" | "verdict" | "gates" => {}
            "run" => {
                scene.end = match word(value) {
                    "broken off" => End::BrokenOff,
                    "stopped" => End::Stopped,
                    other => panic!("no end of a run: {other}"),
                }
            }
            "kind" if word(value) == "local" => scene.kind = EnvironmentKind::Local,
            "subject" => {
                let look = |json: &Json| outcome(word(json)).in_scope().expect("an outcome");
                scene.subject = value
                    .as_array()
                    .map(|looks| (look(&looks[0]), look(&looks[1])));
            }
            "hours" => scene.as_of = value.as_i64().expect("hours") * 3600,
            "fresh_for" => {
                let ns = parse_duration_ns(word(value)).expect("a duration");
                for (planned, gate) in scene.plan.gates.iter_mut().zip(&gates) {
                    planned.fresh_for_ns = (!tag(gate, "fresh")).then_some(ns);
                }
            }
            "no_go" => scene.plan.decide.no_go = Some(expr(word(value))),
            "hold" => scene.plan.decide.hold = Some(expr(word(value))),
            "policy_no_go" => scene.policy.no_go.push(expr(word(value))),
            "policy_hold" => scene.policy.hold.push(expr(word(value))),
            other => panic!("a case has no `{other}`"),
        }
    }
    scene
}

#[test]
fn every_case_of_the_rule_is_decided_as_written() {
    let cases = yaml(RULE);
    let cases = cases.as_array().expect("a list of cases");
    assert!(cases.len() > 30);
    for case in cases {
        let decided = scene(case).decide();
        assert_eq!(
            decided.verdict.word(),
            word(&case["verdict"]),
            "{}: {:?}",
            word(&case["case"]),
            decided.reasons
        );
    }
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let cases = yaml(RULE);
    let cases = cases.as_array().expect("a list of cases");
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|c| word(&c["case"])).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn reasons_name_gate_and_check() {
    let told: Vec<String> = yaml(RULE)
        .as_array()
        .expect("a list")
        .iter()
        .map(|case| {
            let decided = scene(case).decide();
            format!("{}\n  {}", word(&case["case"]), decided.because)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}
