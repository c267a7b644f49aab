//! The real program on a disk that fails: full, or broken, at each write, sync and change of a name. It stops with 70 and says
//! why, nothing looks finished, and once the fault is gone the run goes on. What could not be synced is not synced again.

use std::path::PathBuf;
use std::process::Command;

use crate::crash_rig::{Stage, Went, begun, broken_off, copy_of, every, plan};
use crate::rig::GONOGO;

/// Files that one thread of the program writes, relative to the run.
const JOURNAL: &[&str] = &["journal.ndjson", ".tmp-journal.ndjson"];
const REPORTS: &[&str] = &[
    "verdict.json",
    ".tmp-verdict.json",
    "report.md",
    ".tmp-report.md",
    "report.html",
    ".tmp-report.html",
    "junit.xml",
    ".tmp-junit.xml",
    "manifest.json",
    ".tmp-manifest.json",
];
const REST: &[&str] = &["", ".owner", ".tmp-.owner", "../registry.ndjson", ".."];
const BLOBS: &[&str] = &["blobs"];

struct Failing {
    call: &'static str,
    error: &'static str,
    /// The call fails from then on, not only once.
    forever: bool,
    files: &'static [&'static str],
    /// One of these stands in the message.
    said: &'static [&'static str],
}

const FULL: &[&str] = &["no space left"];
const SUSPECT: &[&str] = &["could not confirm"];
const BROKEN: &[&str] = &["os error 5"];

fn failing(stage: &Stage, fault: &Failing, number: usize) -> Went {
    let Failing {
        call,
        error,
        forever,
        files,
        said,
    } = fault;
    let trial = format!("{error} at {call} {number} of {files:?}, forever: {forever}");
    let out = stage.path().join(format!("runs-{call}-{error}-{number}"));
    let run = copy_of(&begun(stage), &out);
    stage.target.reset();
    let log = stage.path().join(format!("trace-{number}"));
    let ever = if *forever { "+" } else { "" };
    let mut options: Vec<String> = ["-y", "-o", &log.display().to_string(), "-e"]
        .map(str::to_owned)
        .into();
    options.push(format!("trace={call}"));
    options.extend([
        "-e".to_owned(),
        format!("inject={call}:error={error}:when={number}{ever}"),
    ]);
    for file in *files {
        options.extend(["-P".to_owned(), run.join(file).display().to_string()]);
    }
    let ended = stage.traced(&options, &stage.resume_arguments(&run));
    let trace = std::fs::read_to_string(&log).expect("a trace");
    if !trace.contains("(INJECTED)") {
        assert_eq!(ended.code, 0, "{trial}: {}\n{}", ended.stdout, ended.stderr);
        return Went::Undisturbed;
    }
    never_synced_again(&trace, &trial);
    if ended.code != 70 {
        // Only what comes after the seal may fail unseen: taking away the owner's note.
        let last = matches!(*call, "unlink" | "fsync") && run.join("manifest.json").exists();
        assert!(
            ended.code == 0 && last,
            "{trial}: {}\n{}",
            ended.stdout,
            ended.stderr
        );
        assert_eq!(
            stage
                .gonogo(&["verify".to_owned(), run.display().to_string()])
                .code,
            0,
            "{trial}"
        );
        return Went::Sealed;
    }
    for text in [&ended.stdout, &ended.stderr] {
        assert!(said.iter().any(|s| text.contains(s)), "{trial}: {text}");
    }
    assert!(
        !ended.stdout.contains("\"verdict\""),
        "{trial}: {}",
        ended.stdout
    );
    broken_off(stage, &out, &trial, 0)
}

/// After a sync that failed there is no other of the same file: it could succeed, and would prove nothing.
fn never_synced_again(trace: &str, trial: &str) {
    let mut suspect: Vec<&str> = Vec::new();
    for line in trace.lines().filter(|l| l.contains("sync(")) {
        let Some((_, file)) = line.split_once('<') else {
            continue;
        };
        let file = file.split('>').next().unwrap_or(file);
        assert!(!suspect.contains(&file), "{trial}: synced again: {line}");
        if line.contains("= -1 EIO") {
            suspect.push(file);
        }
    }
}

fn at_every_place(fault: &Failing, at_least: usize) {
    let went = every(&plan(false), 100, |stage, number| {
        failing(stage, fault, number)
    });
    let disturbed = went.iter().filter(|w| **w != Went::Undisturbed).count();
    assert!(
        disturbed >= at_least,
        "{} {:?}: {went:?}",
        fault.call,
        fault.files
    );
}

#[test]
fn a_disk_that_is_full_at_any_write_of_the_journal_stops_the_run_until_there_is_space() {
    let fault = Failing {
        call: "write",
        error: "ENOSPC",
        forever: true,
        files: JOURNAL,
        said: FULL,
    };
    at_every_place(&fault, 12);
}

#[test]
fn a_write_of_the_journal_that_fails_once_stops_the_run() {
    let fault = Failing {
        call: "write",
        error: "EIO",
        forever: false,
        files: JOURNAL,
        said: BROKEN,
    };
    at_every_place(&fault, 12);
}

#[test]
fn a_sync_of_the_journal_that_fails_once_stops_the_run_and_is_never_repeated() {
    let fault = Failing {
        call: "fdatasync",
        error: "EIO",
        forever: false,
        files: JOURNAL,
        said: SUSPECT,
    };
    at_every_place(&fault, 12);
}

#[test]
fn reports_and_seal_on_a_failing_disk_leave_a_run_that_resumes() {
    for (call, error, forever, said) in [
        ("write", "ENOSPC", true, FULL),
        ("fdatasync", "EIO", false, SUSPECT),
        ("rename", "EIO", false, BROKEN),
        ("openat", "EIO", false, BROKEN),
    ] {
        at_every_place(
            &Failing {
                call,
                error,
                forever,
                files: REPORTS,
                said,
            },
            5,
        );
    }
}

#[test]
fn folders_owner_and_registry_on_a_failing_disk_leave_a_run_that_resumes() {
    for (call, error, files, said) in [
        ("fsync", "EIO", REST, SUSPECT),
        ("fsync", "EIO", BLOBS, SUSPECT),
        ("write", "ENOSPC", REST, FULL),
        ("fdatasync", "EIO", REST, SUSPECT),
        ("unlink", "EIO", REST, BROKEN),
        ("flock", "EIO", REST, BROKEN),
    ] {
        at_every_place(
            &Failing {
                call,
                error,
                forever: false,
                files,
                said,
            },
            1,
        );
    }
}

/// In a mount namespace of its own, so that nothing stays mounted whatever happens.
fn on_a_small_disk(stage: &Stage, left_kib: usize) -> Vec<String> {
    let script = r#"
set -e
mount -t tmpfs -o size=1m gonogo runs
head -c $((1024 * (1024 - LEFT))) /dev/zero > runs/ballast || true
set +e
"$GONOGO" "$@"
echo "code $?"
rm runs/ballast
run=$(ls -d runs/*/ 2>/dev/null)
"$GONOGO" verify "$run" > /dev/null 2>&1
echo "code $?"
shift 7
"$GONOGO" resume "$run" "$@" > /dev/null 2>&1
echo "code $?"
"$GONOGO" verify "$run" > /dev/null 2>&1
echo "code $?"
"#;
    std::fs::create_dir_all(stage.path().join("runs")).expect("a folder");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args(stage.run_arguments("runs"))
        .current_dir(stage.path())
        .env("GONOGO", PathBuf::from(GONOGO))
        .env("LEFT", left_kib.to_string())
        .output()
        .expect("unshare is there (util-linux)");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let codes: Vec<String> = text
        .lines()
        .filter_map(|l| l.strip_prefix("code "))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        codes.len(),
        4,
        "no small disk could be mounted (root or user namespaces are needed): {errors}"
    );
    if codes[0] == "70" {
        assert!(errors.contains("no space left"), "{left_kib} KiB: {errors}");
    }
    codes
}

#[test]
fn a_run_on_a_disk_that_fills_up_goes_on_when_there_is_space_again() {
    let stage = Stage::new(&plan(false));
    let mut resumed = 0;
    for left_kib in (0..=400).step_by(8) {
        stage.target.reset();
        let codes = on_a_small_disk(&stage, left_kib);
        crate::crash_rig::no_write_twice(&stage.target, &format!("{left_kib} KiB left"));
        match codes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            // It had enough.
            ["0", "0", "64", "0"] => {
                assert!(resumed > 3, "only {resumed} runs met a full disk");
                return;
            }
            // It never began.
            ["70", "64", "64", "64"] => assert!(stage.target.writes().is_empty()),
            ["70", "64", again @ ("0" | "2"), verified] => {
                assert_eq!(again, verified, "{left_kib} KiB");
                resumed += 1;
            }
            ref other => panic!("{left_kib} KiB: {other:?}"),
        }
    }
    panic!("a run needs more than 400 KiB");
}
