//! The project's own commands: `cargo xtask ci | tidy | gen`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's program: it starts cargo, measures it, writes the generated pages and talks to a terminal"
)]

mod ci;
#[cfg(feature = "generate")]
mod generate;
mod tidy;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci              everything that must hold before a change is merged
  tidy            the rules of the house that a machine can hold
  tidy --shrink   the same, and lower the numbers in xtask/ratchet.txt to what is there
  gen             write the generated pages under docs/
  gen --check     say which of them are not current";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["ci"] => ci::ci(&root()),
        ["tidy"] => tidy::tidy(&root(), false),
        ["tidy", "--shrink"] => tidy::tidy(&root(), true),
        ["gen"] => generated(false),
        ["gen", "--check"] => generated(true),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(70)
        }
    }
}

/// The repository's folder.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// A cargo of the same toolchain as this program was built by.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

#[cfg(feature = "generate")]
fn generated(check: bool) -> anyhow::Result<bool> {
    if check {
        generate::check(&root())
    } else {
        generate::write(&root())
    }
}

/// This build came up without gonogo, so as to start at once; the one that generates is another.
#[cfg(not(feature = "generate"))]
fn generated(check: bool) -> anyhow::Result<bool> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--", "gen"]);
    if check {
        command.arg("--check");
    }
    Ok(command.status()?.success())
}
