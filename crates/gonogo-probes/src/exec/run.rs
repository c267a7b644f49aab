//! Running a program to its end, and ending all that it started.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Map;
use gonogo_core::record::{Cause, Cut, NotObserved};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};

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

/// Runs a program to its end within the check's time limit, and ends all that it started.
pub(crate) async fn carry_out(ctx: &Ctx, program: &Program<'_>) -> Result<Ran, NotObserved> {
    let tried = program.name;
    // Orphans of the program become ours, so that they can be ended.
    let _adopting = rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok();
    let before = Children::now();
    let mut command = ctx.program(program.name);
    command
        .args(program.arguments)
        .envs(program.variables)
        .current_dir(&program.folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let started = ctx.now();
    let mut child = command.spawn().map_err(|e| {
        let cause = match e.kind() {
            std::io::ErrorKind::NotFound => Cause::Missing,
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Network,
        };
        let message = format!("`{tried}` could not be started: {e}");
        ctx.not_observed(tried, cause, message)
    })?;
    let mut leash = Leash {
        group: child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
        before,
    };
    let max = usize::try_from(program.max_output).unwrap_or(usize::MAX);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        let (status, out, err) = tokio::join!(child.wait(), read(out, max), read(err, max));
        (status, out, err)
    };
    let Ok((status, out, err)) = tokio::time::timeout(ctx.remaining(), reading).await else {
        leash.end();
        return Err(ctx.not_observed(
            tried,
            Cause::Timeout,
            "the program did not end within the check's time limit and was killed",
        ));
    };
    let latency = started.elapsed();
    let status = status.map_err(|e| {
        ctx.not_observed(tried, Cause::Network, format!("its end was not seen: {e}"))
    })?;
    Ok(Ran {
        exit_code: status.code(),
        signal: status.signal(),
        out,
        err,
        latency,
        left_behind: leash.end(),
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

/// What a program printed, from its beginning.
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// Keeps the beginning and reads on to the end, so that the program is never blocked by a full pipe.
async fn read(from: Option<impl AsyncRead + Unpin>, max: usize) -> Output {
    let mut output = Output {
        bytes: Vec::new(),
        cut: false,
    };
    let Some(mut from) = from else {
        return output;
    };
    let mut buffer = vec![0u8; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let room = max - output.bytes.len();
        output.cut |= count > room;
        output.bytes.extend_from_slice(&buffer[..count.min(room)]);
    }
    output
}

/// Ends a program and everything it started, also when the observing is dropped.
struct Leash {
    group: Option<Pid>,
    before: Children,
}

impl Leash {
    /// Kills the process group and adopted orphans; gives how many orphans there were.
    fn end(&mut self) -> usize {
        if let Some(group) = self.group.take() {
            // Gone already is what is wanted.
            let _gone = rustix::process::kill_process_group(group, Signal::KILL).is_err();
        }
        let mut ended = 0;
        // An orphan may fork while it is being killed: a few rounds, bounded.
        for _ in 0..16 {
            let orphans = Children::now().since(&self.before);
            if orphans.is_empty() {
                break;
            }
            for orphan in orphans {
                if rustix::process::kill_process(orphan, Signal::KILL).is_ok() {
                    ended += 1;
                }
                let _reaped =
                    rustix::process::waitpid(Some(orphan), rustix::process::WaitOptions::empty())
                        .is_ok();
            }
        }
        ended
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.end();
    }
}

/// This process's children, as Linux tells (`proc(5)`, `/proc/pid/task/tid/children`).
struct Children(Vec<Pid>);

impl Children {
    fn now() -> Self {
        let mut found = Vec::new();
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
        for task in tasks.flatten() {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                text.split_whitespace()
                    .filter_map(|word| Pid::from_raw(word.parse().ok()?)),
            );
        }
        Self(found)
    }

    fn since(&self, before: &Self) -> Vec<Pid> {
        self.0
            .iter()
            .copied()
            .filter(|pid| !before.0.contains(pid))
            .collect()
    }
}
