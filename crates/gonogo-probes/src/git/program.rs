//! The system's `git`, with everything off that a repository could make it do: hooks, file monitors, fetching,
//! configuration of the user or the system.

use std::path::Path;

use crate::ctx::Ctx;

/// A call of `git` in a folder, not started yet.
pub(crate) fn git(ctx: &Ctx, root: &Path, arguments: &[&str]) -> tokio::process::Command {
    let mut command = ctx.program("git");
    command
        .current_dir(root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
        ])
        .args([
            "-c",
            "protocol.allow=never",
            "-c",
            "safe.directory=*",
            "-c",
            "core.pager=cat",
        ])
        .args(arguments);
    command
}
