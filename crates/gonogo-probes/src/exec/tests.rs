use std::path::Path;
use std::time::Duration;

use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::bench::look_in;

async fn observe(options: Json, limit: Duration) -> Result<Seen, NotObserved> {
    look_in(Path::new("."), &Exec, options, limit).await
}

const LONG: Duration = Duration::from_secs(20);

/// Children of one process are looked at as a whole, so these tests take turns.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

pub(crate) fn is_alive(pid: &str) -> bool {
    // A zombie is dead too.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .trim_start()
            .starts_with('Z')
    })
}

#[tokio::test]
async fn arguments_reach_the_program_as_they_are() {
    let _turn = ALONE.lock().await;
    let seen = observe(
        json!({"exec": ["printf", "%s|", "a b", "$(id)", "*"]}),
        LONG,
    )
    .await
    .unwrap();
    assert_eq!(seen.facts["stdout"], "a b|$(id)|*|".into());
    assert_eq!(seen.facts["exit_code"], 0i64.into());
}

#[tokio::test]
async fn a_shell_gets_values_as_arguments_only() {
    let _turn = ALONE.lock().await;
    let seen = observe(
        json!({"exec": ["echo \"got $1\"; exit 3", "$(id); x"], "shell": true}),
        LONG,
    )
    .await
    .unwrap();
    assert_eq!(seen.facts["stdout"], "got $(id); x\n".into());
    assert_eq!(seen.facts["exit_code"], 3i64.into());
    let pasted = json!({"exec": ["echo ${saved.x}"], "shell": true});
    assert_eq!(Exec.lint(&pasted).len(), 1);
}

#[tokio::test]
async fn the_environment_is_not_passed_on() {
    let _turn = ALONE.lock().await;
    let seen = observe(json!({"exec": ["env"], "variables": {"GIVEN": "1"}}), LONG)
        .await
        .unwrap();
    let text = seen.facts["stdout"].as_str().unwrap();
    assert!(text.contains("GIVEN=1"));
    assert!(!text.contains("CARGO_"), "{text}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_observed() {
    let _turn = ALONE.lock().await;
    let gap = observe(json!({"exec": ["no-such-program-here"]}), LONG)
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
}

#[tokio::test]
async fn no_child_survives_its_check_not_even_one_that_left_the_group() {
    let _turn = ALONE.lock().await;
    let script = "setsid sleep 300 >/dev/null 2>&1 & echo $!; sleep 301 >/dev/null 2>&1 & echo $!";
    let seen = observe(json!({"exec": [script], "shell": true}), LONG)
        .await
        .unwrap();
    let pids = seen.facts["stdout"].as_str().unwrap().to_owned();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        assert!(!is_alive(pid), "{pid}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_and_not_observed() {
    let _turn = ALONE.lock().await;
    let gap = observe(
        json!({"exec": ["sleep", "300"]}),
        Duration::from_millis(200),
    )
    .await
    .unwrap_err();
    assert_eq!(gap.cause, Cause::Timeout);
}

#[tokio::test]
async fn output_without_end_is_cut_and_said_to_be() {
    let _turn = ALONE.lock().await;
    let seen = observe(
        json!({"exec": ["head", "-c", "3000000", "/dev/zero"], "max_output": 1000}),
        LONG,
    )
    .await
    .unwrap();
    assert_eq!(seen.cut.len(), 1);
    assert_eq!(seen.facts["stdout"].as_str().unwrap().len(), 1000);
}
