//! The way back: a plan and a git history in; verdict, reports and a service that was really rolled back out.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::rig::{Ended, command, folder, git, gonogo, run_plan};

/// A folder whose `sources` has a release `v1`, and one after it with these files more.
fn history(after: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder();
    let sources = folder.path().join("sources");
    let write = |path: &str, text: &str| {
        let path = sources.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("version", "one");
    write("docs/changes.md", "# 1.0.0\n");
    write("db/V1__a.sql", "create table a (id bigint primary key);\n");
    git(&sources, &["init", "-q", "-b", "main"]);
    git(&sources, &["add", "."]);
    git(&sources, &["commit", "-qm", "First release"]);
    git(&sources, &["tag", "v1"]);
    write("version", "two");
    write("docs/changes.md", "# 1.1.0\n# 1.0.0\n");
    for (path, text) in after {
        write(path, text);
    }
    git(&sources, &["add", "."]);
    git(&sources, &["commit", "-qm", "Second release"]);
    git(&sources, &["tag", "v2"]);
    folder
}

const DRY: &str = "gonogo: 1
name: Release 2
environments:
  local:
    targets:
      sources: { repository: sources }
gates:
  delivery:
    title: What is to be released is what was tagged
    checks:
      - id: release
        git: HEAD
        since: v1
        files:
          - path: docs/changes.md
            contains: '# 1.1.0'
        expect:
          - \"'v2' in tags\"
          - size(dirty) == 0
          - behind == 0
          - files['docs/changes.md'].contains
  way-back:
    title: There is a way back
    checks:
      - id: plan
        rollback: v1
        migrations: db
        commands:
          - [git, checkout, --quiet, v1]
          - { run: [deploy, --env, 'staging 1'], timeout: 2m }
        estimate: 4m
        objective: 10m
        expect:
          - one_way == []
          - is_ancestor
          - estimated < objective
";

const ADDS: &str = "set lock_timeout = '2s';\nalter table a add column note text;\n";
const DROPS: &str = "set lock_timeout = '2s';\nalter table a drop column id;\n";

fn message(ended: &Ended, gate: usize) -> String {
    ended.json()["gates"][gate]["checks"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The report of a run in a format, as one line of words, so that line ends do not matter.
fn report(folder: &Path, ended: &Ended, format: &str) -> String {
    let run = ended.run().display().to_string();
    let told = gonogo(folder, &["report", &run, "--format", format]).stdout;
    // Markdown escapes what it could take for its own.
    let told = told.replace('\\', "");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_release_with_a_way_back_is_go_and_every_report_tells_it() {
    let folder = history(&[("db/V2__note.sql", ADDS)]);
    let ended = run_plan(folder.path(), DRY, &[]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    for format in ["md", "html"] {
        let report = report(folder.path(), &ended, format);
        let start = report.find("The way back").unwrap();
        let part: String = report[start..].chars().take(1500).collect();
        for told in [
            "v1",
            "git checkout --quiet v1",
            "deploy --env",
            "V2__note",
            "4 min",
            "10 min",
        ] {
            assert!(part.contains(told), "{format}: {told}: {part}");
        }
        assert!(part.contains("no live drill"), "{format}: {part}");
    }
}

#[test]
fn a_migration_without_a_way_down_that_breaks_the_version_before_is_no_go() {
    let folder = history(&[("db/V2__drop.sql", DROPS)]);
    let ended = run_plan(folder.path(), DRY, &[]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(ended.outcome("way-back/plan"), "fail");
    assert!(
        message(&ended, 1).contains("V2__drop"),
        "{}",
        message(&ended, 1)
    );
    let report = report(folder.path(), &ended, "md");
    let part = &report[report.find("The way back").unwrap()..];
    assert!(part.contains("V2__drop"), "{part}");

    // With a way down it is a way back again.
    let folder = history(&[
        ("db/V2__drop.sql", DROPS),
        ("db/U2__drop.sql", "alter table a add column id bigint;"),
    ]);
    let ended = run_plan(folder.path(), DRY, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn what_was_not_tagged_committed_or_written_up_is_no_go() {
    for (spoil, told) in [
        ("tag", "'v2' in tags"),
        ("tree", "dirty"),
        ("docs", "contains"),
    ] {
        let folder = history(&[]);
        let sources = folder.path().join("sources");
        match spoil {
            "tag" => git(&sources, &["tag", "-d", "v2"]),
            "tree" => std::fs::write(sources.join("version"), "three").unwrap(),
            _ => {
                std::fs::write(sources.join("docs/changes.md"), "# 1.0.0\n").unwrap();
                git(&sources, &["commit", "-qam", "Again"]);
                git(&sources, &["tag", "-f", "v2"]);
            }
        }
        let ended = run_plan(folder.path(), DRY, &[]);
        assert_eq!(ended.code, 1, "{spoil}: {}", ended.stdout);
        assert_eq!(ended.outcome("delivery/release"), "fail");
        assert!(
            message(&ended, 0).contains(told),
            "{spoil}: {}",
            message(&ended, 0)
        );
        assert_eq!(ended.outcome("way-back/plan"), "pass");
    }
}

/// A service whose version is what its file says.
struct Service {
    address: String,
    file: PathBuf,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let file = folder.join("running");
        std::fs::write(&file, "two").unwrap();
        let read = file.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut buffer = [0u8; 4096];
                let _asked = stream.read(&mut buffer).is_ok();
                let version = std::fs::read_to_string(&read).unwrap_or_default();
                let body = format!("{{\"version\":\"{version}\"}}");
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _closed = stream.write_all(answer.as_bytes()).is_err();
            }
        });
        Self { address, file }
    }

    fn plan(&self, commands: &str, objective: &str) -> String {
        let address = &self.address;
        format!(
            "gonogo: 1
name: Drill
environments:
  local:
    allow: [exec]
    targets:
      sources: {{ repository: sources }}
      api: {{ http: 'http://{address}' }}
gates:
  drill:
    title: The way back takes less than its objective
    checks:
      - id: drill
        rollback: v1
        migrations: db
        mode: live
        commands:
{commands}        objective: {objective}
        health: GET /health
        health_contains: '\"one\"'
        expect:
          - within_objective
          - health.body.version == 'one'
"
        )
    }
}

/// What a deployment does, in small: the version's file, as the revision has it, becomes what runs.
const COMMANDS: &str = "          - [git, checkout, --quiet, v1]
          - [cp, version, ../running]
";

#[test]
fn a_live_drill_rolls_the_service_back_and_tells_how_long_it_took() {
    let folder = history(&[("db/V2__note.sql", ADDS)]);
    let service = Service::start(folder.path());
    let plan = service.plan(COMMANDS, "1m");
    // Nobody who did not say so on the command line runs a program.
    let ended = run_plan(folder.path(), &plan, &[]);
    assert_ne!(ended.code, 0);
    assert_eq!(std::fs::read_to_string(&service.file).unwrap(), "two");

    let ended = run_plan(folder.path(), &plan, &["--allow", "exec"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(std::fs::read_to_string(&service.file).unwrap(), "one");
    for format in ["md", "html"] {
        let report = report(folder.path(), &ended, format);
        let start = report.find("The way back").unwrap();
        let part = &report[start..];
        assert!(part.contains("live drill"), "{format}: {part}");
        assert!(part.contains("objective"), "{format}: {part}");
    }
    // The intent was on disk before the first command.
    let journal = folder.path().join(ended.run()).join("journal.ndjson");
    let journal = std::fs::read_to_string(journal).unwrap();
    let intended = journal
        .lines()
        .position(|line| line.contains("\"exec\"") && line.contains("intended"));
    let observed = journal
        .lines()
        .position(|line| line.contains("within_objective"));
    assert!(intended.unwrap() < observed.unwrap());
}

#[test]
fn a_command_that_fails_is_no_go_and_the_finding_names_it() {
    let folder = history(&[]);
    let service = Service::start(folder.path());
    let commands =
        "          - [git, checkout, --quiet, v0]\n          - [cp, version, ../running]\n";
    let plan = service.plan(commands, "1m");
    let ended = run_plan(folder.path(), &plan, &["--allow", "exec"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(std::fs::read_to_string(&service.file).unwrap(), "two");
    let part = report(folder.path(), &ended, "md");
    let part = &part[part.find("The way back").unwrap()..];
    assert!(part.contains("git checkout --quiet v0"), "{part}");
}

#[test]
fn a_run_that_is_stopped_in_the_middle_of_a_drill_is_hold_and_leaves_nothing_running() {
    let folder = history(&[]);
    let service = Service::start(folder.path());
    let commands = "          - [sh, -c, 'echo $$ > ../pid; exec sleep 600']\n";
    std::fs::write(
        folder.path().join("plan.yaml"),
        service.plan(commands, "1m"),
    )
    .unwrap();
    let arguments = [
        "run",
        "plan.yaml",
        "--env",
        "local",
        "--json",
        "--allow",
        "exec",
    ];
    let running = command(folder.path(), &arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let file = folder.path().join("pid");
    let pid = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if text.ends_with('\n') {
            break text.trim().to_owned();
        }
        std::thread::yield_now();
    };
    let gonogo = rustix::process::Pid::from_raw(running.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(gonogo, rustix::process::Signal::INT).unwrap();
    let ended = Ended::of(running.wait_with_output().unwrap());
    assert_eq!(ended.code, 2, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(ended.outcome("drill/drill"), "error");
    assert!(
        message(&ended, 0).contains("in the middle of the way back"),
        "{}",
        message(&ended, 0)
    );
    assert!(!Path::new("/proc").join(pid).exists());
}

#[test]
fn a_plan_whose_drill_proves_nothing_is_refused_before_anything_runs() {
    let folder = history(&[]);
    let head = "gonogo: 1\nname: small\nenvironments:\n  local:\n    allow: [exec]\n    targets:\n      r: { repository: sources }\ngates:\n  g:\n    title: It works\n    checks:\n";
    for (check, told) in [
        (
            "- { rollback: v1, mode: live, commands: [['true']], objective: 1m, health: GET /, expect: within_objective }",
            "of the kind http",
        ),
        (
            "- { rollback: v1, mode: live, expect: within_objective }",
            "without `commands`",
        ),
        ("- { rollback: v1, expect: took < duration('1m') }", "took"),
        (
            "- { rollback: v1, expect: size(migrations) == 0 }",
            "migrations",
        ),
        (
            "- { rollback: 'v1..v2', expect: is_ancestor }",
            "no revision",
        ),
        (
            "- { rollback: v1, migrations: ../db, expect: size(one_way) == 0 }",
            "leaves the repository",
        ),
        ("- { git: '--all', expect: size(tags) > 0 }", "no revision"),
        ("- { git: v1, expect: size(changed) > 0 }", "changed"),
        (
            "- { git: v1, files: [{ path: a, matches: '(' }], expect: \"files['a'].matches\" }",
            "regular expression",
        ),
    ] {
        let ended = run_plan(
            folder.path(),
            &format!("{head}      {check}\n"),
            &["--allow", "exec"],
        );
        assert_eq!(ended.code, 64, "{check}\n{}", ended.stdout);
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}
