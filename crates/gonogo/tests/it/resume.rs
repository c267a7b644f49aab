//! Runs that are stopped, paused, killed or started twice, and what they are when they go on.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::crash_rig::{
    PATIENCE, Stage, Went, begun, broken_off, copy_all, copy_of, every, no_write_twice, plan,
    run_in,
};
use crate::rig::{Ended, outcome};

/// A plan with one gate, its checks given.
fn one_gate(gate: &str) -> String {
    let whole = plan(false);
    let (head, _) = whole.split_once("gates:\n").expect("gates");
    format!("{head}gates:\n  g:\n    title: It works\n{gate}")
}

/// A write, then a read that is held until the target lets go, then a write.
fn slow_read() -> String {
    one_gate(
        "    checks:
      - id: before
        http: POST /before
        expect: status == 200
      - id: slow
        http: GET /slow
        timeout: 10m
        expect: status == 200
      - id: after
        http: POST /after
        expect: status == 200
",
    )
}

/// The program at work.
struct Running {
    child: Option<Child>,
}

impl Running {
    fn start(stage: &Stage, arguments: &[String]) -> Self {
        let mut command = stage.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            child: Some(command.spawn().expect("gonogo starts")),
        }
    }

    fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn signal(&self, name: &str) {
        assert!(send(name, self.pid()), "no {name} could be sent");
    }

    /// Waits for its end; kills it where it takes too long.
    fn ended(mut self) -> Ended {
        let child = self.child.take().expect("it runs");
        let pid = child.id();
        let (told, hear) = mpsc::channel();
        std::thread::spawn(move || told.send(child.wait_with_output()));
        let Ok(output) = hear.recv_timeout(PATIENCE) else {
            send("KILL", pid);
            panic!("process {pid} did not end");
        };
        let output = output.expect("it was waited for");
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Sends a signal with the shell's own `kill`: a program of that name is not everywhere.
fn send(signal: &str, pid: u32) -> bool {
    let line = format!("kill -{signal} {pid}");
    let sent = Command::new("sh").args(["-c", &line]).status();
    sent.expect("there is a shell").success()
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A new run that has come to where the target holds it.
fn held(stage: &Stage, what: &str) -> (Running, PathBuf) {
    let out = stage.path().join("runs");
    let running = Running::start(stage, &stage.run_arguments(&out.display().to_string()));
    stage.target.wait_for(what);
    (running, run_in(&out).expect("a run folder"))
}

fn resume(stage: &Stage, run: &Path) -> Ended {
    stage.gonogo(&stage.resume_arguments(run))
}

fn verify(stage: &Stage, run: &Path) -> i32 {
    stage
        .gonogo(&["verify".to_owned(), run.display().to_string()])
        .code
}

/// Interrupted by a signal, a run is HOLD, plainly incomplete and not sealed.
fn is_plainly_incomplete(stage: &Stage, run: &Path, ended: &Ended) {
    assert_eq!(ended.code, 2, "{}\n{}", ended.stdout, ended.stderr);
    let document = ended.json();
    assert_eq!(document["verdict"], "HOLD");
    assert!(
        document["reasons"].to_string().contains("incomplete"),
        "{}",
        document["reasons"]
    );
    let report = std::fs::read_to_string(run.join("report.md")).expect("a report");
    assert!(report.contains("INCOMPLETE"), "{report}");
    assert!(!run.join("manifest.json").exists());
    assert_eq!(verify(stage, run), 64);
}

#[test]
fn a_signal_in_a_slow_check_ends_the_run_at_once_with_hold_and_it_goes_on_later() {
    for signal in ["INT", "TERM"] {
        let stage = Stage::new(&slow_read());
        let (running, run) = held(&stage, "GET /slow");
        running.signal(signal);
        is_plainly_incomplete(&stage, &run, &running.ended());
        stage.target.release();
        let resumed = resume(&stage, &run);
        assert_eq!(
            resumed.code, 0,
            "{signal}: {}\n{}",
            resumed.stdout, resumed.stderr
        );
        assert_eq!(stage.target.asked("POST /before"), 1);
        assert_eq!(stage.target.asked("POST /after"), 1);
        assert_eq!(verify(&stage, &run), 0);
        assert_eq!(resume(&stage, &run).code, 64, "a sealed run was resumed");
    }
}

fn slow_load(repeatable: bool) -> String {
    one_gate(&format!(
        "    checks:
      - id: load
        load: GET /slow
        rounds: 3
        pace: 1ms
        repeatable: {repeatable}
        expect: samples_count == 3
"
    ))
}

#[test]
fn a_load_that_was_interrupted_is_repeated_only_where_the_plan_allows_it() {
    for (repeatable, code, load) in [(true, 0, "pass"), (false, 2, "error")] {
        let stage = Stage::new(&slow_load(repeatable));
        let (running, run) = held(&stage, "GET /slow");
        running.signal("INT");
        is_plainly_incomplete(&stage, &run, &running.ended());
        stage.target.release();
        stage.target.reset();
        stage.target.release();
        let resumed = resume(&stage, &run);
        assert_eq!(resumed.code, code, "{}\n{}", resumed.stdout, resumed.stderr);
        assert_eq!(outcome(&resumed.json(), "g/load"), load);
        assert_eq!(
            stage.target.asked("GET /slow"),
            if repeatable { 3 } else { 0 }
        );
        assert_eq!(verify(&stage, &run), code);
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_write_and_the_write_is_not_repeated() {
    let gate = "    checks:
      - id: slow
        http: POST /slow
        timeout: 10m
        expect: status == 200
";
    let stage = Stage::new(&one_gate(gate));
    let out = stage.path().join("runs");
    let mut arguments = stage.run_arguments(&out.display().to_string());
    arguments.retain(|a| a != "--json");
    let mut running = Running::start(&stage, &arguments);
    stage.target.wait_for("POST /slow");
    let stderr = running
        .child
        .as_mut()
        .expect("it runs")
        .stderr
        .take()
        .expect("piped");
    let mut lines = BufReader::new(stderr);
    running.signal("INT");
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert!(
            lines.read_line(&mut line).expect("lines") > 0,
            "it ended after one signal"
        );
    }
    running.signal("INT");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the end");
    assert_eq!(running.ended().code, 130);
    stage.target.release();
    let run = run_in(&out).expect("a run");
    assert_eq!(verify(&stage, &run), 64);
    let resumed = resume(&stage, &run);
    assert_eq!(resumed.code, 2, "{}", resumed.stdout);
    assert_eq!(outcome(&resumed.json(), "g/slow"), "error");
    assert!(resumed.stdout.contains("unknown"), "{}", resumed.stdout);
    assert_eq!(stage.target.asked("POST /slow"), 1);
    assert_eq!(verify(&stage, &run), 2);
}

/// Waits until the kernel says that a process is in this state.
fn wait_for_state(pid: u32, state: char) {
    for _ in 0..1_000_000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        if stat
            .rsplit(") ")
            .next()
            .is_some_and(|s| s.starts_with(state))
        {
            return;
        }
        std::thread::yield_now();
    }
    panic!("process {pid} never came to state {state}");
}

/// Waits until what a check saw is in the journal: it is gathered with others for some milliseconds.
fn wait_for_record(run: &Path, check: &str) {
    let check = format!(r#""check":"{check}""#);
    for _ in 0..1_000_000 {
        let journal = std::fs::read_to_string(run.join("journal.ndjson")).expect("a journal");
        let mut lines = journal.lines();
        if lines.any(|l| l.contains(r#""type":"observed""#) && l.contains(&check)) {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{check} was never recorded");
}

#[test]
fn a_run_that_is_paused_and_woken_goes_on_as_if_nothing_had_been() {
    let stage = Stage::new(&slow_read());
    let (running, run) = held(&stage, "GET /slow");
    running.signal("STOP");
    wait_for_state(running.pid(), 'T');
    stage.target.release();
    running.signal("CONT");
    let ended = running.ended();
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    no_write_twice(&stage.target, "paused");
    assert_eq!(verify(&stage, &run), 0);
}

#[test]
fn a_run_that_another_process_has_is_refused_with_its_pid_also_while_that_one_is_paused() {
    let stage = Stage::new(&slow_read());
    let (running, run) = held(&stage, "GET /slow");
    let refused = || {
        let refused = resume(&stage, &run);
        assert_eq!(refused.code, 64, "{}", refused.stdout);
        let message = refused.json()["diagnostics"][0]["message"].to_string();
        assert!(
            message.contains(&format!("process {}", running.pid())),
            "{message}"
        );
    };
    refused();
    running.signal("STOP");
    wait_for_state(running.pid(), 'T');
    refused();
    running.signal("CONT");
    stage.target.release();
    let ended = running.ended();
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    no_write_twice(&stage.target, "refused");
    assert_eq!(verify(&stage, &run), 0);
}

#[test]
fn of_two_that_are_started_at_once_exactly_one_writes() {
    const PAIRS: usize = 20;
    let went = every(&plan(false), 100, |stage, number| {
        if number > PAIRS {
            return Went::Undisturbed;
        }
        let run = copy_of(&begun(stage), &stage.path().join(format!("pair-{number}")));
        stage.target.reset();
        let both = [(); 2].map(|()| Running::start(stage, &stage.resume_arguments(&run)));
        let mut codes = both.map(|running| running.ended().code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 64], "pair {number}");
        no_write_twice(&stage.target, "a pair");
        assert_eq!(verify(stage, &run), 0);
        Went::Resumed(0)
    });
    assert!(went.len() > PAIRS);
}

#[test]
fn an_owner_that_wakes_after_another_took_over_writes_nothing_more_and_sends_nothing_more() {
    for _ in 0..3 {
        let stage = Stage::new(&slow_read());
        let (running, run) = held(&stage, "GET /slow");
        wait_for_record(&run, "before");
        running.signal("STOP");
        wait_for_state(running.pid(), 'T');
        // The lock holds as long as the first owner lives. Where locks are lost (a network file system), its folder is another
        // one under the same name: so here.
        let aside = stage.path().join("aside");
        std::fs::rename(&run, &aside).expect("moved");
        copy_all(&aside, &run);
        stage.target.release();
        let resumed = resume(&stage, &run);
        assert_eq!(resumed.code, 0, "{}\n{}", resumed.stdout, resumed.stderr);
        let sealed = std::fs::read(run.join("journal.ndjson")).expect("a journal");
        running.signal("CONT");
        let woken = running.ended();
        assert_eq!(woken.code, 70, "{}\n{}", woken.stdout, woken.stderr);
        assert!(
            woken.stderr.contains("another process has taken over"),
            "{}",
            woken.stderr
        );
        no_write_twice(&stage.target, "taken over");
        assert_eq!(
            std::fs::read(run.join("journal.ndjson")).expect("a journal"),
            sealed
        );
        assert_eq!(verify(&stage, &run), 0);
    }
}

/// Kills a run where the target holds it, lets the target go, and resumes.
fn killed_and_resumed(gate: &str) -> (Stage, PathBuf, Ended) {
    let stage = Stage::new(&one_gate(gate));
    let (running, run) = held(&stage, "GET /slow");
    running.signal("KILL");
    drop(running.ended());
    stage.target.release();
    let resumed = resume(&stage, &run);
    (stage, run, resumed)
}

#[test]
fn a_failure_that_stood_when_the_run_was_killed_stands_also_where_the_target_has_healed() {
    for again in ["", "        retry: { for: 20ms, every: 5ms }\n"] {
        let gate = format!(
            "    checks:
      - id: down
        http: GET /down
{again}        expect: status == 200
      - id: barrier
        http: POST /barrier
        expect: status == 200
      - id: slow
        http: GET /slow
        expect: status == 200
"
        );
        let (stage, run, resumed) = killed_and_resumed(&gate);
        assert_eq!(resumed.code, 1, "{again}: {}", resumed.stdout);
        assert_eq!(outcome(&resumed.json(), "g/down"), "fail");
        assert_eq!(verify(&stage, &run), 1);
    }
}

#[test]
fn a_retry_that_was_under_way_goes_on_with_the_time_that_is_left() {
    let gate = "    checks:
      - id: down
        http: GET /down
        retry: { for: 10m, every: 1ms }
        expect: status == 200
";
    let stage = Stage::new(&one_gate(gate));
    let (running, run) = held(&stage, "GET /down");
    running.signal("KILL");
    drop(running.ended());
    stage.target.release();
    let resumed = resume(&stage, &run);
    assert_eq!(resumed.code, 0, "{}", resumed.stdout);
    let went = outcome(&resumed.json(), "g/down");
    // Where the first answer was recorded, it passed only on a retry.
    assert!(went == "warn" || went == "pass", "{went}");
    assert_eq!(verify(&stage, &run), 0);
}

#[test]
fn a_transaction_that_was_stopped_half_way_is_repeated_whole() {
    let gate = "    transaction: rollback
    checks:
      - id: insert
        sql: insert into rules (name) values ('gonogo')
        expect: affected == 1
      - id: slow
        http: GET /slow
        expect: status == 200
      - id: there
        sql: select name from rules
        expect: size(rows) == 1
";
    for signal in ["INT", "KILL"] {
        let stage = Stage::new(&one_gate(gate));
        let (running, run) = held(&stage, "GET /slow");
        running.signal(signal);
        drop(running.ended());
        stage.target.release();
        let resumed = resume(&stage, &run);
        assert_eq!(resumed.code, 0, "{signal}: {}", resumed.stdout);
        assert_eq!(verify(&stage, &run), 0);
        let database =
            rusqlite::Connection::open(stage.path().join("db.sqlite")).expect("a database");
        let left: i64 = database
            .query_row("select count(*) from rules", [], |row| row.get(0))
            .expect("a count");
        assert_eq!(left, 0, "{signal}: rows were left behind");
    }
}

#[test]
fn a_run_whose_tightening_policy_is_gone_is_not_resumed_without_it() {
    let stage = Stage::new(&slow_read());
    std::fs::write(
        stage.path().join("policy.yaml"),
        "hold:\n  - critical.pass < 100\n",
    )
    .expect("a policy");
    let out = stage.path().join("runs");
    let mut arguments = stage.run_arguments(&out.display().to_string());
    arguments.extend(["--policy", "policy.yaml"].map(str::to_owned));
    let running = Running::start(&stage, &arguments);
    stage.target.wait_for("GET /slow");
    running.signal("KILL");
    drop(running.ended());
    stage.target.release();
    let run = run_in(&out).expect("a run");
    let kept = std::fs::read(run.join("policy.yaml")).expect("it is kept");
    std::fs::remove_file(run.join("policy.yaml")).expect("it is taken away");
    let refused = resume(&stage, &run);
    assert_eq!(refused.code, 64, "{}", refused.stdout);
    assert!(refused.stdout.contains("policy.yaml"), "{}", refused.stdout);
    std::fs::write(run.join("policy.yaml"), kept).expect("it is put back");
    assert_eq!(broken_off(&stage, &out, "a policy", 2), Went::Resumed(2));
}
