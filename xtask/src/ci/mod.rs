//! `cargo xtask ci`: everything that must hold before a change is merged, the same here and on a build machine.

mod deny;
mod runner;
mod servers;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{cargo, tidy};

/// How one part ended.
enum Ended {
    /// Held.
    Ok,
    /// Did not hold; what it printed says why.
    Failed,
    /// Was not looked at, or not whole.
    NotRun(String),
}

impl From<bool> for Ended {
    fn from(ok: bool) -> Self {
        if ok { Self::Ok } else { Self::Failed }
    }
}

struct Part {
    name: &'static str,
    ended: Ended,
    took: Duration,
}

/// Runs every part, also after one has failed. True where all of them held.
pub(crate) fn ci(root: &Path) -> Result<bool> {
    let mut parts = Vec::new();
    let mut run = |name: &'static str, part: &mut dyn FnMut() -> Result<Ended>| -> Result<()> {
        println!("\n── {name}");
        let before = Instant::now();
        let ended = part()?;
        let took = before.elapsed();
        parts.push(Part { name, ended, took });
        Ok(())
    };
    run("servers", &mut || Ok(servers::install()?.into()))?;
    run("rustfmt", &mut || {
        started(&["fmt", "--all", "--check", "--", "-l"])
    })?;
    run("tidy", &mut || Ok(tidy::tidy(root, false)?.into()))?;
    run("clippy", &mut || {
        started(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    // As a test, so that it is built with the features that the tests below are built with: once.
    run("gen --check", &mut || {
        let test = "every_generated_page_is_current";
        started(&[
            "test",
            "--quiet",
            "--workspace",
            "--bin",
            "xtask",
            "--",
            test,
        ])
    })?;
    run("cargo-deny", &mut deny::rules)?;
    run("cargo-deny advisories", &mut deny::advisories)?;
    let mut summary = String::new();
    run("tests", &mut || {
        let (ok, last) = runner::tests()?;
        summary = last;
        Ok(ok.into())
    })?;
    Ok(told(&parts, &summary))
}

fn started(args: &[&str]) -> Result<Ended> {
    Ok(cargo().args(args).status()?.success().into())
}

/// Prints what was and what was not run, and last what the test runner counted.
fn told(parts: &[Part], summary: &str) -> bool {
    println!("\n── cargo xtask ci");
    for part in parts {
        let word = match part.ended {
            Ended::Ok => "ok",
            Ended::Failed => "FAILED",
            Ended::NotRun(_) => "not run",
        };
        println!(
            "  {word:<8} {:<24} {:>7.1} s",
            part.name,
            part.took.as_secs_f64()
        );
    }
    for part in parts {
        if let Ended::NotRun(why) = &part.ended {
            println!("  not run: {}: {why}", part.name);
        }
    }
    println!("{summary}");
    !parts.iter().any(|p| matches!(p.ended, Ended::Failed))
}
