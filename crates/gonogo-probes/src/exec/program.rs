//! Running a program to its end, and ending all that it started. Shared by what runs programs that a plan names.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::ctx::Ctx;

/// What came of a program that was started.
pub(crate) struct Ended {
    /// How it ended; absent where its time was over and it was killed.
    pub(crate) status: Option<ExitStatus>,
    /// What it printed.
    pub(crate) out: Output,
    /// What it complained of.
    pub(crate) err: Output,
    /// How long it ran.
    pub(crate) took: Duration,
    /// Children that it left running and that were ended.
    pub(crate) left_behind: usize,
}

/// Why a program's end was not seen.
pub(crate) enum Lost {
    /// It could not be started.
    Start(std::io::Error),
    /// It was started, and then its end was not told.
    End(std::io::Error),
}

/// Starts a program and waits for its end, at most so long. Whatever it started is ended, also when the waiting is
/// dropped.
pub(crate) async fn to_its_end(
    ctx: &Ctx,
    mut command: Command,
    limit: Duration,
    max_output: usize,
) -> Result<Ended, Lost> {
    // Orphans of the program become ours, so that they can be ended.
    let _adopting = rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok();
    let before = Children::now();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = ctx.now();
    let mut child = command.spawn().map_err(Lost::Start)?;
    let mut leash = Leash {
        group: child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
        before,
    };
    let (mut out, mut err) = (Output::default(), Output::default());
    let (from_out, from_err) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        let (status, (), ()) = tokio::join!(
            child.wait(),
            read(from_out, max_output, &mut out),
            read(from_err, max_output, &mut err)
        );
        status
    };
    let ended = tokio::time::timeout(limit, reading).await;
    let took = started.elapsed();
    let left_behind = leash.end();
    let status = match ended {
        Err(_) => None,
        Ok(status) => Some(status.map_err(Lost::End)?),
    };
    Ok(Ended {
        status,
        out,
        err,
        took,
        left_behind,
    })
}

/// What a program printed.
#[derive(Default)]
pub(crate) struct Output {
    /// The beginning of it.
    pub(crate) bytes: Vec<u8>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// Keeps the beginning and reads on to the end, so that the program is never blocked by a full pipe.
async fn read(from: Option<impl AsyncRead + Unpin>, max: usize, output: &mut Output) {
    let Some(mut from) = from else {
        return;
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
