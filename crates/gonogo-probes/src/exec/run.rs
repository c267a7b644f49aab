//! Running the program, and what is recorded of it.

use std::os::unix::process::ExitStatusExt as _;

use gonogo_core::Map;
use gonogo_core::record::{Cause, Cut, NotObserved};

use super::program::{Ended, Lost, to_its_end};
use super::syntax::ExecOptions;
use crate::json::{self, Read};
use crate::probe::{Call, Seen};

const DEFAULT_MAX_OUTPUT: u64 = 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let options: ExecOptions = serde_json::from_value(call.options.clone())
        .map_err(|e| ctx.not_observed("exec", Cause::BadOptions, e.to_string()))?;
    let tried = options.exec.first().cloned().unwrap_or_default();
    let Some((program, arguments)) = argv(&options) else {
        return Err(ctx.not_observed("exec", Cause::BadOptions, "there is no program to run"));
    };
    let mut command = ctx.program(&program);
    command.args(&arguments).envs(&options.variables);
    if let Some(folder) = &options.folder {
        command.current_dir(ctx.path(folder));
    }
    let max_output = options.max_output.unwrap_or(DEFAULT_MAX_OUTPUT);
    let max = usize::try_from(max_output).unwrap_or(usize::MAX);
    let ended = to_its_end(ctx, command, ctx.remaining(), max).await;
    let ended = ended.map_err(|lost| match lost {
        Lost::Start(e) => {
            let cause = match e.kind() {
                std::io::ErrorKind::NotFound => Cause::Missing,
                std::io::ErrorKind::PermissionDenied => Cause::Denied,
                _ => Cause::Network,
            };
            let why = format!("`{program}` could not be started: {e}");
            ctx.not_observed(&tried, cause, why)
        }
        Lost::End(e) => {
            ctx.not_observed(&tried, Cause::Network, format!("its end was not seen: {e}"))
        }
    })?;
    let Some(status) = ended.status else {
        return Err(ctx.not_observed(
            tried,
            Cause::Timeout,
            "the program did not end within the check's time limit and was killed",
        ));
    };
    Ok(seen(status, &ended, max_output))
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

fn seen(status: std::process::ExitStatus, ended: &Ended, max: u64) -> Seen {
    let (out, err) = (&ended.out, &ended.err);
    let mut facts = Map::new();
    if let Some(code) = status.code() {
        facts.insert("exit_code".to_owned(), code.into());
    }
    if let Some(signal) = status.signal() {
        facts.insert("signal".to_owned(), signal.into());
    }
    let mut cut = Vec::new();
    for (name, output) in [("stdout", out), ("stderr", err)] {
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
    facts.insert("latency".to_owned(), ended.took.into());
    facts.insert("left_behind".to_owned(), ended.left_behind.into());
    Seen {
        facts,
        cut,
        ..Seen::default()
    }
}
