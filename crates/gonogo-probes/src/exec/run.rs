//! Running the program, and what is recorded of it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Map;
use gonogo_core::record::{Cause, Cut, NotObserved};

use super::program::{Lost, Output, to_its_end};
use super::syntax::ExecOptions;
use crate::ctx::Ctx;
use crate::json::{self, Read};
use crate::probe::{Call, Seen};

const DEFAULT_MAX_OUTPUT: u64 = 1024 * 1024;

/// A program to be run to its end.
pub(crate) struct Program<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a [String],
    /// Beside those that every program gets.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// How many bytes of each of its outputs are kept.
    pub(crate) max_output: u64,
}

/// How a program ended, and what it printed.
pub(crate) struct Ran {
    /// Its exit code; nothing where a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) out: Output,
    pub(crate) err: Output,
    pub(crate) latency: Duration,
    /// Children that it left running, which were ended.
    pub(crate) left_behind: usize,
}

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let options: ExecOptions = serde_json::from_value(call.options.clone())
        .map_err(|e| ctx.not_observed("exec", Cause::BadOptions, e.to_string()))?;
    let Some((name, arguments)) = argv(&options) else {
        return Err(ctx.not_observed("exec", Cause::BadOptions, "there is no program to run"));
    };
    let max_output = options.max_output.unwrap_or(DEFAULT_MAX_OUTPUT);
    let program = Program {
        name: &name,
        arguments: &arguments,
        variables: &options.variables,
        folder: options
            .folder
            .as_ref()
            .map_or_else(|| ctx.base_dir().to_owned(), |folder| ctx.path(folder)),
        max_output,
    };
    let mut ran = carry_out(ctx, &program).await;
    if let (Err(gap), Some(first)) = (&mut ran, options.exec.first()) {
        gap.tried.clone_from(first);
    }
    Ok(seen(ran?, max_output))
}

/// Runs a program to its end within the check's time limit.
pub(crate) async fn carry_out(ctx: &Ctx, program: &Program<'_>) -> Result<Ran, NotObserved> {
    let tried = program.name;
    let mut command = ctx.program(tried);
    command
        .args(program.arguments)
        .envs(program.variables)
        .current_dir(&program.folder);
    let max = usize::try_from(program.max_output).unwrap_or(usize::MAX);
    let ended = to_its_end(ctx, command, ctx.remaining(), max).await;
    let ended = ended.map_err(|lost| match lost {
        Lost::Start(e) => {
            let cause = match e.kind() {
                std::io::ErrorKind::NotFound => Cause::Missing,
                std::io::ErrorKind::PermissionDenied => Cause::Denied,
                _ => Cause::Network,
            };
            let message = format!("`{tried}` could not be started: {e}");
            ctx.not_observed(tried, cause, message)
        }
        Lost::End(e) => {
            ctx.not_observed(tried, Cause::Network, format!("its end was not seen: {e}"))
        }
    })?;
    let Some(status) = ended.status else {
        return Err(ctx.not_observed(
            tried,
            Cause::Timeout,
            "the program did not end within the check's time limit and was killed",
        ));
    };
    Ok(Ran {
        exit_code: status.code(),
        signal: status.signal(),
        out: ended.out,
        err: ended.err,
        latency: ended.took,
        left_behind: ended.left_behind,
    })
}

fn argv(options: &ExecOptions) -> Option<(String, Vec<String>)> {
    let (first, rest) = options.exec.split_first()?;
    if !options.shell {
        return Some((first.clone(), rest.to_vec()));
    }
    // `sh -c SCRIPT sh $1 $2 …` (POSIX, sh): the values are arguments, never part of the script.
    let mut arguments = vec!["-c".to_owned(), first.clone(), "sh".to_owned()];
    arguments.extend(rest.iter().cloned());
    Some(("sh".to_owned(), arguments))
}

fn seen(ran: Ran, max: u64) -> Seen {
    let Ran {
        out,
        err,
        latency,
        left_behind,
        ..
    } = ran;
    let mut facts = Map::new();
    if let Some(code) = ran.exit_code {
        facts.insert("exit_code".to_owned(), code.into());
    }
    if let Some(signal) = ran.signal {
        facts.insert("signal".to_owned(), signal.into());
    }
    let mut cut = Vec::new();
    for (name, output) in [("stdout", &out), ("stderr", &err)] {
        if output.cut {
            cut.push(Cut {
                fact: name.to_owned(),
                why: "stopped keeping it at the cap (`max_output`)".to_owned(),
            });
        }
    }
    let text = String::from_utf8_lossy(&out.bytes).into_owned();
    if !out.cut {
        match json::read(text.as_bytes(), max) {
            Read::Json(json) => drop(facts.insert("json".to_owned(), json)),
            Read::TooMany(why) => cut.push(Cut {
                fact: "json".to_owned(),
                why,
            }),
            Read::No => {}
        }
    }
    facts.insert("stdout".to_owned(), text.into());
    let complaint = String::from_utf8_lossy(&err.bytes).into_owned();
    facts.insert("stderr".to_owned(), complaint.into());
    facts.insert("latency".to_owned(), latency.into());
    facts.insert("left_behind".to_owned(), left_behind.into());
    Seen {
        facts,
        cut,
        ..Seen::default()
    }
}
