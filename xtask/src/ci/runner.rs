//! All tests: with cargo-nextest where it is there, else with cargo's own runner.

use std::io::{BufRead as _, BufReader, Read};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::cargo;

/// Runs them. Gives whether all passed, and the runner's own summary.
pub(super) fn tests() -> Result<(bool, String)> {
    let nextest = cargo()
        .args(["nextest", "--version"])
        .output()?
        .status
        .success();
    if nextest {
        let mut command = cargo();
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        command.stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = echoed(
            child.stderr.take().context("its standard error is piped")?,
            true,
        )?;
        return Ok((child.wait()?.success(), nextest_summary(&lines)));
    }
    println!("cargo-nextest is not installed; `cargo test` does the same, slower");
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let lines = echoed(
        child
            .stdout
            .take()
            .context("its standard output is piped")?,
        false,
    )?;
    Ok((child.wait()?.success(), cargo_summary(&lines)))
}

/// Passes on what the runner prints, and keeps it.
fn echoed(from: impl Read, to_stderr: bool) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if to_stderr {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
        lines.push(line);
    }
    Ok(lines)
}

fn nextest_summary(lines: &[String]) -> String {
    let summary = lines
        .iter()
        .rev()
        .find(|l| l.trim_start().starts_with("Summary ["));
    summary.map_or_else(nothing, |line| line.trim().to_owned())
}

/// The sum over all test programs.
fn cargo_summary(lines: &[String]) -> String {
    let results = lines.iter().filter_map(|l| l.strip_prefix("test result: "));
    let mut sum = [0_u64; 3];
    let mut programs = 0;
    for line in results {
        programs += 1;
        for (total, word) in sum.iter_mut().zip([" passed", " failed", " ignored"]) {
            *total += before(line, word);
        }
    }
    if programs == 0 {
        return nothing();
    }
    let [passed, failed, ignored] = sum;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    format!(
        "test result: {word}. {passed} passed; {failed} failed; {ignored} ignored; in {programs} test programs"
    )
}

fn before(line: &str, word: &str) -> u64 {
    let digits = line.split(word).next().unwrap_or("");
    let digits = digits.rsplit(' ').next().unwrap_or("");
    digits.parse().unwrap_or(0)
}

fn nothing() -> String {
    "no test ran".to_owned()
}

#[cfg(test)]
mod tests;
