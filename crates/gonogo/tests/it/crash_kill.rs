//! The real program, killed at every system call by which it keeps something (T2): it resumes, never to a GO that the undisturbed
//! run would not have given, and no write comes twice.

use crate::crash_rig::{
    Stage, Went, begun, broken_off, copy_of, every, no_secret_below, no_write_twice, plan, run_in,
    unseal,
};

/// Kills the program when one of its threads makes a call for the `number`th time. `strace` counts each thread and each call by
/// itself, so each test takes one call, and paths that one thread writes.
fn kill_at(call: &str, number: usize) -> Vec<String> {
    let inject = format!("inject={call}:signal=KILL:when={number}");
    [
        "-e".to_owned(),
        format!("trace={call}"),
        "-e".to_owned(),
        inject,
    ]
    .into()
}

/// A new run under strace; gives what became of it.
fn killed_run(stage: &Stage, calls: &str, number: usize, undisturbed: i32) -> Went {
    let trial = format!("kill at {calls} {number}");
    let out = stage.path().join(format!("runs-{number}"));
    stage.target.reset();
    let arguments = stage.run_arguments(&out.display().to_string());
    let ended = stage.traced(&kill_at(calls, number), &arguments);
    if ended.code != -1 {
        assert_eq!(
            ended.code, undisturbed,
            "{trial}: {}\n{}",
            ended.stdout, ended.stderr
        );
        no_write_twice(&stage.target, &trial);
        no_secret_below(&out, &stage.target);
        return Went::Undisturbed;
    }
    broken_off(stage, &out, &trial, undisturbed)
}

/// What the trials together must have shown, so that they prove something.
fn all_kinds(went: &[Went], codes: &[i32]) {
    for code in codes {
        assert!(
            went.contains(&Went::Resumed(*code)),
            "none ended in {code}: {went:?}"
        );
    }
}

#[test]
fn a_run_killed_at_any_sync_resumes_to_no_better_verdict_and_writes_nothing_twice() {
    let went = every(&plan(false), 100, |stage, number| {
        killed_run(stage, "fdatasync", number, 0)
    });
    // Between two writes nothing is lost: GO. In a write nobody knows: HOLD.
    all_kinds(&went, &[0, 2]);
}

#[test]
fn a_run_killed_at_any_change_of_a_name_resumes() {
    for call in ["rename", "mkdir", "unlink", "fsync"] {
        let went = every(&plan(false), 100, |stage, number| {
            killed_run(stage, call, number, 0)
        });
        if call == "rename" {
            all_kinds(&went, &[0]);
        }
    }
}

#[test]
fn a_run_that_must_not_be_go_is_not_go_wherever_it_was_killed() {
    let went = every(&plan(true), 100, |stage, number| {
        killed_run(stage, "fdatasync", number, 1)
    });
    all_kinds(&went, &[1]);
}

/// Goes on with a run that had begun, killed at one call on some of its files.
fn killed_again(stage: &Stage, call: &str, names: &[&str], number: usize) -> Went {
    let trial = format!("kill at {call} {number} of {names:?}");
    let out = stage.path().join(format!("runs-{call}-{number}"));
    let run = copy_of(&begun(stage), &out);
    stage.target.reset();
    let mut options = kill_at(call, number);
    for name in names {
        options.extend(["-P".to_owned(), run.join(name).display().to_string()]);
    }
    let ended = stage.traced(&options, &stage.resume_arguments(&run));
    if ended.code != -1 {
        assert_eq!(ended.code, 0, "{trial}: {}\n{}", ended.stdout, ended.stderr);
        return Went::Undisturbed;
    }
    broken_off(stage, &out, &trial, 0)
}

const JOURNAL: [&str; 2] = ["journal.ndjson", ".tmp-journal.ndjson"];

#[test]
fn a_run_killed_at_any_write_or_sync_of_its_journal_resumes() {
    for call in ["write", "fdatasync"] {
        let went = every(&plan(false), 100, |stage, number| {
            killed_again(stage, call, &JOURNAL, number)
        });
        all_kinds(&went, &[0, 2]);
        let kills = went
            .iter()
            .filter(|w| matches!(w, Went::Resumed(_)))
            .count();
        assert!(
            kills >= 12,
            "{call}: the journal was written only {kills} times"
        );
    }
}

#[test]
fn a_run_killed_while_it_is_reported_and_sealed_resumes() {
    let reports = [
        "verdict.json",
        "report.md",
        "report.html",
        "junit.xml",
        "manifest.json",
    ];
    let temporary = reports.map(|name| format!(".tmp-{name}"));
    let mut names: Vec<&str> = reports.into();
    names.extend(temporary.iter().map(String::as_str));
    for call in ["write", "fdatasync", "rename"] {
        let went = every(&plan(false), 100, |stage, number| {
            killed_again(stage, call, &names, number)
        });
        let kills = went.iter().filter(|w| **w == Went::Resumed(0)).count();
        assert!(kills >= 5, "{call}: {went:?}");
    }
}

#[test]
fn a_run_killed_at_its_blobs_or_its_folder_resumes() {
    for (call, name) in [("fsync", "blobs"), ("fsync", ""), ("unlink", ".owner")] {
        let went = every(&plan(false), 100, |stage, number| {
            killed_again(stage, call, &[name], number)
        });
        assert!(went.len() > 2, "{call} {name}: {went:?}");
    }
}

#[test]
fn a_journal_torn_at_any_kind_of_byte_resumes_or_is_refused_as_damaged() {
    let stage = Stage::new(&plan(false));
    let out = stage.path().join("whole");
    let ended = stage.gonogo(&stage.run_arguments(&out.display().to_string()));
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let whole = run_in(&out).expect("a run");
    let journal = std::fs::read(whole.join("journal.ndjson")).expect("a journal");
    // As a crash leaves it: no seal, no reports, the journal up to some byte.
    let line = journal.iter().rposition(|b| *b == b'\n').expect("lines");
    let before = journal[..line]
        .iter()
        .rposition(|b| *b == b'\n')
        .expect("lines")
        + 1;
    let cuts = [
        before,
        before + 1,
        before + 40,
        before + 100,
        line - 80,
        line - 3,
        line,
    ];
    for cut in cuts {
        let out = stage.path().join(format!("torn-{cut}"));
        let run = copy_of(&whole, &out);
        unseal(&run);
        std::fs::write(run.join("journal.ndjson"), &journal[..cut]).expect("a journal is cut");
        stage.target.reset();
        let went = broken_off(
            &stage,
            &out,
            &format!("torn at {cut} of {}", journal.len()),
            0,
        );
        // What lacks is the last event only: nothing is asked again.
        assert_eq!(went, Went::Resumed(0));
        assert!(stage.target.writes().is_empty());
    }
}
