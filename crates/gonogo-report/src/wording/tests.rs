use proptest::prelude::*;

use super::*;

#[test]
fn shares_err_against_the_target() {
    assert_eq!(percent(0.01, Err::Up), "1 %");
    assert_eq!(percent(0.01, Err::Down), "1 %");
    assert_eq!(percent(0.009_999_9, Err::Up), "1 %");
    assert_eq!(percent(0.009_999_9, Err::Down), "0.999 %");
    assert_eq!(percent(0.048_7, Err::Up), "4.87 %");
    assert_eq!(percent(0.123_41, Err::Up), "12.4 %");
    assert_eq!(percent(0.0, Err::Up), "0 %");
    assert_eq!(percent(f64::NAN, Err::Up), "none");
}

#[test]
fn latencies_err_against_the_target() {
    assert_eq!(nanos_toward(149_600_000, Err::Up), "150 ms");
    assert_eq!(nanos_toward(150_100_000, Err::Up), "151 ms");
    assert_eq!(nanos_toward(150_900_000, Err::Down), "150 ms");
    assert_eq!(nanos_toward(43_000_000, Err::Up), "43 ms");
    assert_eq!(nanos_toward(61_500_000_000, Err::Up), "1 min 2 s");
    assert_eq!(nanos_toward(0, Err::Up), "0 s");
    assert_eq!(
        nanos_toward(i64::MAX, Err::Up),
        nanos_toward(i64::MAX, Err::Down)
    );
}

#[test]
fn a_figure_that_there_is_not_is_none() {
    assert_eq!(in_unit(None, Unit::Nanoseconds, Err::Up), "none");
    assert_eq!(in_unit(Some(f64::INFINITY), Unit::Share, Err::Up), "none");
    assert_eq!(in_unit(Some(49.96), Unit::PerSecond, Err::Down), "49.9/s");
}

#[test]
fn failures_rank_before_gaps_and_gaps_before_passes() {
    let order = [
        GateOutcome::Fail,
        GateOutcome::Error,
        GateOutcome::Inconclusive,
        GateOutcome::Skipped,
        GateOutcome::Pending,
        GateOutcome::Warn,
        GateOutcome::Pass,
        GateOutcome::OutOfScope,
    ];
    assert!(order.is_sorted_by_key(|outcome| rank(*outcome)));
}

#[test]
fn every_outcome_has_a_sign_of_its_own() {
    let mut signs: Vec<&str> = Outcome::WORST_FIRST
        .into_iter()
        .map(|o| sign(o.into()))
        .chain([sign(GateOutcome::OutOfScope)])
        .collect();
    signs.sort_unstable();
    signs.dedup();
    assert_eq!(signs.len(), 8);
}

#[test]
fn code_is_what_stands_between_two_backticks() {
    let parts = |text: &'static str| code_spans(text).collect::<Vec<_>>();
    assert_eq!(
        parts("the gate `api`, which"),
        [("the gate ", false), ("api", true), (", which", false)]
    );
    assert_eq!(parts("a ` alone"), [("a ` alone", false)]);
    assert_eq!(
        parts("a `b` c ` d"),
        [("a ", false), ("b", true), (" c ` d", false)]
    );
    assert_eq!(parts("```"), [("```", false)]);
    assert_eq!(parts(""), []);
}

#[test]
fn a_next_step_is_words_then_a_command() {
    assert_eq!(
        step("check that the target verifies `exp`; then gonogo try p.yaml a/b --env local"),
        (
            Some("check that the target verifies `exp`; then"),
            Some("gonogo try p.yaml a/b --env local")
        )
    );
    assert_eq!(
        step("look at the answer's Allow header: curl -i -H 'A: b' http://x/"),
        (
            Some("look at the answer's Allow header:"),
            Some("curl -i -H 'A: b' http://x/")
        )
    );
    assert_eq!(step("curl -i http://x/"), (None, Some("curl -i http://x/")));
    let sentence = "gonogo plan p.yaml prints the numbers; raise `requests:` to them";
    assert_eq!(step(sentence), (Some(sentence), None));
}

proptest! {
    #[test]
    fn a_shown_latency_is_never_faster_than_it_was(ns in 0i64..86_400_000_000_000) {
        let shown = |to| {
            let text = nanos_toward(ns, to);
            let words: Vec<&str> = text.split(' ').collect();
            words
                .chunks(2)
                .map(|pair| gonogo_core::duration::parse_duration_ns(
                    &pair.concat().replace("min", "m")
                ).unwrap())
                .sum::<i64>()
        };
        prop_assert!(shown(Err::Up) >= ns);
        prop_assert!(shown(Err::Down) <= ns);
    }
}
