//! A database behind an SSH host, and addresses that cannot be read.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gonogo_probes::testing::{PostgresServer, SshServer};

use crate::rig::{Ended, command, folder, outcome};

/// What must be so at last.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::yield_now();
    }
}

fn plan(folder: &Path, ssh: &str, checks: &str) {
    let text = format!(
        "gonogo: 1\nname: behind\ninputs:\n  dsn: {{ secret: true }}\nenvironments:\n  local:\n    targets:\n      db:\n        \
         postgres: ${{inputs.dsn}}\n        ssh: {ssh}\ngates:\n  g:\n    title: It answers\n    checks:\n{checks}"
    );
    std::fs::write(folder.join("plan.yaml"), text).unwrap();
}

const ASKS: &str =
    "      - id: one\n        sql: select 7 as x\n        expect: \"rows[0].x == 7\"\n";

fn run(folder: &Path, sshd: &SshServer, url: &str) -> Command {
    let mut command = command(folder, &["run", "plan.yaml", "--env", "local", "--json"]);
    command
        .env("DSN", url)
        .env("GONOGO_SSH_CONFIG", sshd.config())
        .env("TMPDIR", folder.join("tmp"));
    std::fs::create_dir_all(folder.join("tmp")).unwrap();
    command
}

fn ended(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

/// Nothing of it runs, and nothing of it lies about.
fn nothing_is_left(folder: &Path) {
    let tmp = folder.join("tmp");
    until("its folder is gone", || {
        std::fs::read_dir(&tmp).unwrap().next().is_none()
    });
    let name = tmp.display().to_string();
    let mentions = |process: &Path| {
        std::fs::read(process.join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&name))
    };
    until("its processes have ended", || {
        let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
        !processes.any(|process| mentions(&process.path()))
    });
}

#[test]
fn a_run_reaches_a_database_behind_an_ssh_host_and_leaves_nothing() {
    let (sshd, server, folder) = (SshServer::start(), PostgresServer::start(), folder());
    plan(folder.path(), "behind", ASKS);
    let ended = ended(&mut run(folder.path(), &sshd, &server.url()));
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(ended.outcome("g/one"), "pass");
    // The record says which way it was reached.
    let journal = folder.path().join(ended.run()).join("journal.ndjson");
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains("by ssh behind"), "{journal}");
    nothing_is_left(folder.path());
    let mut planned = command(folder.path(), &["plan", "plan.yaml", "--env", "local"]);
    planned.env("DSN", server.url());
    let planned = Ended::of(planned.output().unwrap());
    assert!(planned.stdout.contains("behind:22"), "{}", planned.stdout);
}

#[test]
fn a_run_that_is_killed_leaves_no_ssh_behind() {
    let (sshd, server) = (SshServer::start(), PostgresServer::start());
    let sleeps = "      - id: slow\n        sql: select pg_sleep(600)\n        timeout: 10m\n        expect: size(rows) == 1\n";
    for asleep in [false, true] {
        let folder = folder();
        plan(folder.path(), "staging", sleeps);
        let mut command = run(folder.path(), &sshd, &server.url());
        let mut running = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sshd.wait_for("Accepted publickey");
        if asleep {
            until("it sleeps", || {
                let sql = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and application_name like 'gonogo 2%-behind-local%'";
                server.psql(sql) == "1"
            });
        }
        running.kill().unwrap();
        running.wait().unwrap();
        nothing_is_left(folder.path());
    }
}

#[test]
fn without_the_ssh_program_it_is_said_what_to_install() {
    let (sshd, folder) = (SshServer::start(), folder());
    plan(folder.path(), "staging", ASKS);
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for name in ["sh", "rm"] {
        std::os::unix::fs::symlink(format!("/bin/{name}"), programs.join(name)).unwrap();
    }
    let mut command = run(folder.path(), &sshd, "postgres://u@db/d");
    let ended = ended(command.env("PATH", &programs));
    assert_eq!(ended.code, 2, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(outcome(&ended.json(), "g/one"), "error");
    assert!(ended.stdout.contains("openssh-client"), "{}", ended.stdout);
}

#[test]
fn an_address_that_cannot_be_read_is_64_and_shows_no_password() {
    let (sshd, folder) = (SshServer::start(), folder());
    plan(folder.path(), "staging", ASKS);
    for (dsn, says) in [
        (
            "postgres://ops:hunt@r#two@db:5432/app",
            "postgres://ops:[secret]%40[secret]%23[secret]@db:5432/app",
        ),
        ("postgresql+asyncpg://ops:hunt2two@db/app", "SQLAlchemy"),
        ("\"postgres://ops:hunt2two@db/app\"", "quotes"),
    ] {
        let ended = ended(&mut run(folder.path(), &sshd, dsn));
        assert_eq!(ended.code, 64, "{}\n{}", ended.stdout, ended.stderr);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains(says), "{all}");
        assert!(!all.contains("hunt") && !all.contains("two"), "{all}");
    }
    plan(folder.path(), "'-oProxyCommand=id'", ASKS);
    let ended = ended(&mut run(folder.path(), &sshd, "postgres://u@db/d"));
    assert_eq!(ended.code, 64, "{}", ended.stdout);
    assert!(ended.stdout.contains("~/.ssh/config"), "{}", ended.stdout);
}
