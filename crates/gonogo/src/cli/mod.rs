//! The command line: one file per command. Progress goes to stderr, the result to stdout.

mod args;
mod demo;
mod diff;
mod exit;
mod github;
mod judge;
mod lint;
mod output;
mod plan;
mod prepare;
mod progress;
mod report;
mod resume;
mod run;
mod schema;
mod snapshot;
mod try_check;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use exit::Exit;

/// Runs the program; gives its exit code: 0 GO, 1 NO-GO, 2 HOLD, 64 a wrong plan or command line, 70 gonogo failed.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_clap(&error),
    };
    let json = cli.command.json();
    let ended = match cli.command {
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => run::run(&args),
        Command::Resume(args) => resume::resume(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Plan(args) => plan::plan(&args),
        Command::Try(args) => try_check::try_check(&args),
        Command::Judge(args) => judge::judge(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Report(args) => report::report(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Snapshot(args) => snapshot::snapshot(&args),
        Command::Diff(args) => diff::diff(&args),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(exit) => exit.tell(json),
    }
}

/// What may be written on the command line, for the reference.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// What a command gives: its exit code, or why it could not do its work.
type Ended = Result<u8, Exit>;
