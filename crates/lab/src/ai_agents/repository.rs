//! The release's sources: a git repository with two releases, the second of which is deployed.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Fault, Faults};
use crate::watched::{NoServer, is_installed, program, write};

const SERVER: &str = "git";

/// The tag of the release before, to which one would go back.
pub const TARGET: &str = "v1.1.0";
/// The tag of the release.
pub const RELEASE: &str = "v1.2.0";

const TASKS: &str = "src/workers/tasks.py";
const RENDERING: &str = "src/admin/utils/execution_detail_rendering.py";
const RUNBOOK: &str = "docs/runbooks/rollback-procedures.md";
const MIGRATION: &str = "alembic/versions/f031ea488d6d_agent_mcp_tools.py";

/// The release before; its tasks show a tool call without a name as unknown, which the release repairs.
const BEFORE: [(&str, &str); 9] = [
    (
        "README.md",
        "# AI Agents\n\nEnhances the tickets of ServiceDesk Plus.\n",
    ),
    (
        ".env.example",
        "DATABASE_URL=\nREDIS_URL=\nJWT_SECRET=\nWEBHOOK_SECRET=\n",
    ),
    (
        "alembic/versions/cee49e850502_agents.py",
        include_str!("source/alembic/versions/cee49e850502_agents.py"),
    ),
    (
        "alembic/versions/6e13ea30c0a3_webhook_events.py",
        include_str!("source/alembic/versions/6e13ea30c0a3_webhook_events.py"),
    ),
    (
        TASKS,
        "def enhance(ticket: dict) -> dict:\n    return {\"ticket\": ticket[\"id\"], \"calls\": [\"unknown\"]}\n",
    ),
    (
        RENDERING,
        "def tool_name(call: dict) -> str:\n    return call.get(\"name\", \"unknown\")\n",
    ),
    (
        "deploy/compose.yaml",
        include_str!("source/deploy/compose.yaml"),
    ),
    (
        "deploy/staging.env",
        include_str!("source/deploy/staging.env"),
    ),
    (
        RUNBOOK,
        include_str!("source/docs/runbooks/rollback-procedures.md"),
    ),
];

/// Makes the repository in a folder, which must be empty or not there, and gives the commit of the release.
pub fn make(folder: &Path, faults: &Faults) -> Result<String, NoServer> {
    if !is_installed("git") {
        return Err(NoServer::NotInstalled {
            server: SERVER,
            program: "git",
            packages: "git",
        });
    }
    for (path, text) in BEFORE {
        write(folder, path, text)?;
    }
    git(folder, &["init", "-q", "-b", "main"])?;
    commit(
        folder,
        "2025-11-12T10:00:00Z",
        "Major platform update: MCP integration, provider refactoring",
    )?;
    git(folder, &["tag", TARGET])?;
    for (path, text) in release(faults) {
        write(folder, path, &text)?;
    }
    commit(
        folder,
        "2025-11-20T09:30:00Z",
        "Fix tool call display showing 'unknown' with empty data",
    )?;
    if !faults.contains(&Fault::TagMissing) {
        git(folder, &["tag", RELEASE])?;
    }
    git(folder, &["rev-parse", "HEAD"])
}

/// What the release changes.
fn release(faults: &Faults) -> Vec<(&'static str, String)> {
    let migration = if faults.contains(&Fault::MigrationWithoutDown) {
        include_str!("source/alembic/versions/without_down.py")
    } else {
        include_str!("source/alembic/versions/f031ea488d6d_agent_mcp_tools.py")
    };
    let mut files: Vec<(&str, String)> = vec![
        (MIGRATION, migration.to_owned()),
        (
            TASKS,
            include_str!("source/src/workers/tasks.py").to_owned(),
        ),
        (
            RENDERING,
            include_str!("source/src/admin/utils/execution_detail_rendering.py").to_owned(),
        ),
    ];
    if faults.contains(&Fault::DecisionMatrixIncomplete) {
        let runbook = include_str!("source/docs/runbooks/rollback-procedures.md");
        files.push((RUNBOOK, runbook.replace("| On-call engineer |", "| |")));
    }
    if faults.contains(&Fault::SecretInRepository) {
        files.push((".env.staging", forgotten()));
    }
    files
}

/// Something that has the shape of a secret and is none. It is put together here, so that no scan finds it in this file.
fn forgotten() -> String {
    let token: String = ["ghp", "_", "x7Kq2mVp9LwRt4Zs8NbD3hJfY6cGaE1uWo5X"].concat();
    format!("REGISTRY_TOKEN={token}\n")
}

fn commit(folder: &Path, at: &str, subject: &str) -> Result<(), NoServer> {
    git(folder, &["add", "-A"])?;
    let mut command = command(folder);
    command
        .env("GIT_AUTHOR_DATE", at)
        .env("GIT_COMMITTER_DATE", at)
        .args(["commit", "-q", "-m", subject]);
    said(command).map(drop)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, NoServer> {
    let mut command = command(folder);
    command.args(arguments);
    said(command)
}

/// Git without anybody's settings.
fn command(folder: &Path) -> Command {
    let mut command = program("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .args([
            "-c",
            "user.name=Dewi",
            "-c",
            "user.email=dewi@ai-agents.invalid",
        ])
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .stdin(Stdio::null());
    command
}

fn said(mut command: Command) -> Result<String, NoServer> {
    let failed = |why: String| NoServer::Failed {
        server: SERVER,
        what: "make the release's repository".to_owned(),
        why,
    };
    let output = command
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(failed(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}
