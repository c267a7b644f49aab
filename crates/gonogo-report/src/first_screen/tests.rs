use super::*;
use crate::fixtures;

#[test]
fn at_most_five_findings_block_and_the_rest_is_counted() {
    let judged = fixtures::no_go();
    let (shown, more) = blockers(&judged);
    assert_eq!((shown.len(), more), (5, 1));
}

#[test]
fn a_waived_or_advisory_finding_does_not_block() {
    let (shown, _) = blockers(&fixtures::go()).clone_ids();
    assert!(shown.is_empty());
    let (shown, _) = blockers(&fixtures::hold()).clone_ids();
    assert_eq!(shown, ["latency/snapstats"]);
}

trait Ids {
    fn clone_ids(self) -> (Vec<String>, usize);
}

impl Ids for (Vec<&Finding>, usize) {
    fn clone_ids(self) -> (Vec<String>, usize) {
        (
            self.0.into_iter().map(|f| f.check.clone()).collect(),
            self.1,
        )
    }
}

#[test]
fn a_verdict_that_is_not_go_never_says_that_nothing_blocks() {
    let mut judged = fixtures::empty(Vec::new());
    judged.reasons = vec!["the subject is not the expected one".to_owned()];
    assert_eq!(
        no_blockers(&judged),
        "No single finding: the subject is not the expected one"
    );
}

#[test]
fn every_check_not_evaluated_is_in_a_group() {
    for (_, judged) in fixtures::all() {
        let grouped: usize = gaps(&judged).iter().map(|gap| gap.checks.len()).sum();
        assert_eq!(grouped, judged.not_evaluated.len());
    }
}

#[test]
fn the_gate_table_has_failures_first_and_no_blank() {
    let mut judged = fixtures::no_go();
    for gate in &mut judged.gates {
        gate.target = String::new();
        gate.result = " ".to_owned();
    }
    let gates = gates(&judged);
    assert!(gates.is_sorted_by_key(|gate| rank(gate.outcome)));
    for gate in gates {
        assert!(!target(gate).trim().is_empty());
        assert!(!result(gate).trim().is_empty());
    }
}

#[test]
fn an_unknown_attempt_is_not_the_first() {
    let judged = fixtures::incomplete();
    assert!(since(&judged).iter().any(|line| line == "Attempt unknown."));
}

#[test]
fn the_last_go_is_named_where_one_is_known() {
    let mut judged = fixtures::go();
    judged.about.earlier[0].verdict = Some(Verdict::Go);
    assert!(since(&judged)[0].contains("2026-11-20T1655Z-metasheet2-staging-11c0"));
}

#[test]
fn a_folder_is_one_word_of_a_shell_line() {
    assert_eq!(verify_command("runs/x"), "gonogo verify runs/x");
    assert_eq!(verify_command("a b'; rm"), "gonogo verify 'a b'\\''; rm'");
}

#[test]
fn an_unfinished_run_is_offered_to_resume() {
    let next = next(&fixtures::incomplete(), "runs/x");
    assert!(
        next.iter()
            .any(|(command, _)| command == "gonogo resume runs/x")
    );
}

#[test]
fn a_waived_gate_keeps_its_outcome() {
    let judged = fixtures::hold();
    let gate = judged.gates.iter().find(|g| g.waived_by.is_some()).unwrap();
    assert_eq!(gate.outcome.in_scope(), Some(Outcome::Fail));
    assert!(result(gate).contains("waived by Dana Reyes"));
}

#[test]
fn a_gap_that_nobody_named_is_not_nothing() {
    let mut judged = fixtures::hold();
    judged.not_evaluated.clear();
    assert!(no_gaps(&judged).starts_with("No reasons are recorded: 1 passed, 1 failed"));
    assert!(no_gaps(&fixtures::go()).starts_with("Nothing"));
    let mut stopped = fixtures::go();
    stopped.about.finished = false;
    assert!(no_gaps(&stopped).starts_with("Not known"));
}
