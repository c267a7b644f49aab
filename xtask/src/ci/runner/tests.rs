use super::{cargo_summary, nextest_summary};

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_summary_counts_every_test_program() {
    let said = "running 2 tests\n\
        test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
        test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
    assert_eq!(
        cargo_summary(&lines(said)),
        "test result: FAILED. 15 passed; 1 failed; 0 ignored; in 2 test programs"
    );
}

#[test]
fn nextests_own_summary_is_repeated() {
    let said = "        PASS [   0.003s] xtask a::b\n------------\n     Summary [   0.004s] 1 test run: 1 passed, 0 skipped";
    assert_eq!(
        nextest_summary(&lines(said)),
        "Summary [   0.004s] 1 test run: 1 passed, 0 skipped"
    );
}

#[test]
fn a_run_without_tests_says_so() {
    assert_eq!(nextest_summary(&[]), "no test ran");
    assert_eq!(cargo_summary(&[]), "no test ran");
}
