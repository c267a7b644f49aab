use std::time::Duration;

use gonogo_core::judged::Evidence;
use gonogo_core::outcome::{Outcome, Severity};

use super::*;
use crate::fixtures::{check, empty, gate};

fn strings(all: &[&str]) -> Value {
    Value::List(all.iter().map(|one| Value::from(*one)).collect())
}

fn judged(facts: &[(&str, Value)]) -> Judged {
    let mut check = check("back", "rollback v1", Outcome::Pass, "");
    check.probe = "rollback".to_owned();
    check.evidence = Some(Evidence {
        target: None,
        facts: facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        shown: Vec::new(),
        blobs: Vec::new(),
        secrets_seen: Vec::new(),
    });
    empty(vec![gate(
        "drill",
        "The way back",
        Severity::Critical,
        vec![check],
    )])
}

fn lines(facts: &[(&str, Value)]) -> String {
    let (checks, _) = way_back(&judged(facts));
    let all = checks.into_iter().flatten();
    all.map(|(name, text)| format!("{name}: {text}\n"))
        .collect()
}

fn told() -> Vec<(&'static str, Value)> {
    vec![
        ("target", "v1".into()),
        ("to", "0123456789abcdef0123456789abcdef01234567".into()),
        ("taken_back", 2i64.into()),
        ("is_ancestor", true.into()),
        ("files", strings(&["a", "b", "c"])),
        ("commands", strings(&["git checkout v1", "deploy"])),
        ("migrations", strings(&["m1", "m2"])),
        ("without_way_down", strings(&["m2"])),
        ("one_way", strings(&[])),
        ("estimated", Duration::from_mins(4).into()),
        ("estimated_by", "plan".into()),
        ("objective", Duration::from_mins(10).into()),
    ]
}

#[test]
fn a_way_back_that_was_only_told_says_target_commands_migrations_and_time() {
    insta::assert_snapshot!(lines(&told()));
}

#[test]
fn a_drill_says_how_long_it_took_or_where_it_ended() {
    let with = |more: &[(&'static str, Value)]| {
        let mut facts = told();
        facts.extend(more.iter().cloned());
        let text = lines(&facts);
        text.lines().last().unwrap().to_owned()
    };
    let took = Value::from(Duration::from_secs(125));
    assert_eq!(
        with(&[("within_objective", true.into()), ("took", took.clone())]),
        "last drill: live drill: back in 2 min 5 s, within the objective of 10 min"
    );
    assert!(
        with(&[("within_objective", false.into()), ("took", took)])
            .contains("beyond the objective")
    );
    let ran = Value::List(vec![Value::Map(Map::from([(
        "exit_code".to_owned(),
        3i64.into(),
    )]))]);
    assert_eq!(
        with(&[
            ("within_objective", false.into()),
            ("stopped_at", "deploy".into()),
            ("ran", ran)
        ]),
        "last drill: live drill: stopped, `deploy` failed with exit code 3"
    );
    let health = Map::from([("problem".to_owned(), "the status was 503".into())]);
    assert_eq!(
        with(&[
            ("within_objective", false.into()),
            ("health", health.into())
        ]),
        "last drill: live drill: did not lead back within 10 min: the status was 503"
    );
}

#[test]
fn what_is_not_known_is_said_and_never_left_out() {
    insta::assert_snapshot!(lines(&[("target", "v1".into()), ("to", "v1".into())]));
    let mut not_observed = judged(&[]);
    not_observed.gates[0].checks[0].evidence = None;
    not_observed.gates[0].checks[0].outcome = Outcome::Error;
    not_observed.gates[0].checks[0].message = "the repository has no revision `v1`".to_owned();
    let (checks, _) = way_back(&not_observed);
    assert!(checks[0][0].1.contains("no revision"), "{checks:?}");
    assert!(checks[0][1].1.contains("not observed"), "{checks:?}");
    assert!(way_back(&empty(Vec::new())).0.is_empty());
}
