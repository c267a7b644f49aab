//! What the tests of crashes share: a target that counts what it receives, a small plan that has every kind of check, and the
//! promises that hold whatever happened to a run of it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::rig::{Ended, GONOGO, SECRET, command};

/// How long anything may take that is waited for; reached only where something is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What a target received.
#[derive(Default)]
struct Received {
    /// `POST /create` → how often.
    asked: BTreeMap<String, usize>,
    /// Bearer tokens, which are secrets made from a secret.
    tokens: Vec<String>,
    /// What ends in `/slow` is answered, and `/down` is up.
    released: bool,
}

/// A target that counts. Closed connections, one thread each: nothing of it is shared with the code under test.
pub struct Target {
    address: SocketAddr,
    received: Arc<(Mutex<Received>, Condvar)>,
}

impl Target {
    /// Starts it; it ends with the test process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new((Mutex::new(Received::default()), Condvar::new()));
        let shared = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, received }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.0.lock().expect("no test panics in here")
    }

    /// Forgets everything: the next trial begins.
    pub fn reset(&self) {
        *self.received() = Received::default();
    }

    /// How often it was asked this.
    pub fn asked(&self, what: &str) -> usize {
        self.received().asked.get(what).copied().unwrap_or(0)
    }

    /// Answers what it held back, and whatever comes from now on.
    pub fn release(&self) {
        self.received().released = true;
        self.received.1.notify_all();
    }

    /// All counts, to be put back by [`Self::restore`].
    pub fn snapshot(&self) -> BTreeMap<String, usize> {
        self.received().asked.clone()
    }

    /// Has received this, and nothing since.
    pub fn restore(&self, asked: BTreeMap<String, usize>) {
        self.received().asked = asked;
    }

    /// The state-changing requests, with how often each came.
    pub fn writes(&self) -> BTreeMap<String, usize> {
        let received = self.received();
        let writes = received
            .asked
            .iter()
            .filter(|(what, _)| !what.starts_with("GET "));
        writes.map(|(what, count)| (what.clone(), *count)).collect()
    }

    /// The last parts of all tokens that were sent to it: what must be found in no file.
    pub fn signatures(&self) -> Vec<String> {
        let received = self.received();
        let parts = received.tokens.iter().filter_map(|t| t.rsplit('.').next());
        parts.map(str::to_owned).collect()
    }

    /// Waits until it was asked this.
    pub fn wait_for(&self, what: &str) {
        let (lock, told) = &*self.received;
        let guard = lock.lock().expect("no test panics in here");
        let missing = |received: &mut Received| !received.asked.contains_key(what);
        let (_guard, waited) = told
            .wait_timeout_while(guard, PATIENCE, missing)
            .expect("no test panics in here");
        assert!(!waited.timed_out(), "nobody asked {what}");
    }
}

fn serve(mut stream: TcpStream, shared: &(Mutex<Received>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut lines = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.trim().is_empty() => break,
            Ok(_) => lines.push(line.trim().to_owned()),
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let what = lines
        .first()
        .map_or("", |l| l.trim_end_matches(" HTTP/1.1"))
        .to_owned();
    let turn = {
        let mut received = shared.0.lock().expect("no test panics in here");
        let token = lines
            .iter()
            .find_map(|l| l.split_once("earer ").map(|(_, t)| t.to_owned()));
        received.tokens.extend(token);
        let count = received.asked.entry(what.clone()).or_insert(0);
        *count += 1;
        *count
    };
    shared.1.notify_all();
    let (status, text) = match what.as_str() {
        "POST /create" => (201, r#"{"id":"r1"}"#),
        "GET /flaky" if turn == 1 => (503, r#"{"ok":false}"#),
        "GET /broken" => (500, r#"{"ok":false}"#),
        "GET /down" if !shared.0.lock().expect("no test panics in here").released => (500, "{}"),
        _ if what.ends_with("/slow") => {
            let received = shared.0.lock().expect("no test panics in here");
            let held = |received: &mut Received| !received.released;
            let waited = shared.1.wait_timeout_while(received, PATIENCE, held);
            drop(waited.expect("no test panics in here"));
            (200, "{}")
        }
        _ => (200, r#"{"ok":true,"id":"r1"}"#),
    };
    let answer = crate::rig::answer(status, "application/json", text.as_bytes());
    let _left = stream.write_all(&answer).is_err();
}

/// The only request that the plan allows to be repeated.
pub const REPEATABLE: &str = "PUT /again";

/// Reads, writes, a list, a retry, a load with blobs, a transaction that is rolled back, a clean-up; a secret made from a secret.
/// With `broken`, a read that fails, so that the undisturbed run is NO-GO.
pub fn plan(broken: bool) -> String {
    let broken = if broken {
        "  broken:\n    title: It is not broken\n    checks:\n      - http: GET /broken\n        expect: status == 200\n"
    } else {
        ""
    };
    format!(
        "gonogo: 1
name: crash
inputs:
  base_url: {{}}
  database: {{}}
  key: {{ secret: true }}
environments:
  local:
    allow: [write, load]
    targets:
      api: {{ http: '${{inputs.base_url}}' }}
      db: {{ sqlite: '${{inputs.database}}' }}
gates:
{broken}  token:
    title: A token is accepted
    checks:
      - id: mint
        jwt: mint
        key: ${{inputs.key}}
        claims: {{ sub: ops }}
        expires_in: 2h
        save: {{ token: token }}
      - id: who
        http: GET /who
        bearer: ${{saved.token}}
        expect: body.ok
  rules:
    title: Rules can be written
    needs: [token]
    checks:
      - id: create
        http: POST /create
        bearer: ${{saved.token}}
        expect: status == 201
        save: {{ rule: body.id }}
      - id: read
        http: GET /rules/${{saved.rule}}
        bearer: ${{saved.token}}
        expect: body.id == saved.rule
      - id: each
        http: POST /each/${{item}}
        for_each: [a, b]
        expect: status == 200
      - id: again
        http: PUT /again
        repeatable: true
        expect: status == 200
      - id: flaky
        http: GET /flaky
        retry: {{ for: 60s, every: 1ms, eventually: true }}
        expect: body.ok
  names:
    title: Names are unique
    transaction: rollback
    checks:
      - id: insert
        sql: insert into rules (name) values ('gonogo')
        expect: affected == 1
      - id: same
        sql: insert into rules (name) values ('gonogo')
        expect: error.code == 'unique_violation'
  load:
    title: Reading is fast
    checks:
      - id: rounds
        load: GET /rules/r1
        rounds: 3
        pace: 1ms
        expect: samples_count == 3
  clean:
    title: Nothing is left
    always: true
    checks:
      - http: DELETE /rules/r1
        expect: status == 200
"
    )
}

/// A folder with the plan and its database, and a target.
pub struct Stage {
    folder: tempfile::TempDir,
    /// What it is about.
    pub target: Target,
}

impl Stage {
    /// Sets it up.
    pub fn new(plan: &str) -> Self {
        let folder = crate::rig::folder();
        std::fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
        let database =
            rusqlite::Connection::open(folder.path().join("db.sqlite")).expect("a database");
        database
            .execute_batch("create table rules (name text not null unique)")
            .expect("a table");
        Self {
            folder,
            target: Target::start(),
        }
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The values of the plan's inputs, as arguments.
    pub fn inputs(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for value in [
            format!("base_url={}", self.target.url()),
            format!("database={}", self.path().join("db.sqlite").display()),
            format!("key={SECRET}"),
        ] {
            arguments.extend(["-i".to_owned(), value]);
        }
        arguments
    }

    /// The arguments of a new run under `out`.
    pub fn run_arguments(&self, out: &str) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["run", "plan.yaml", "--env", "local", "--json", "--out", out]
                .map(str::to_owned)
                .into();
        arguments.extend(self.inputs());
        arguments
    }

    /// The arguments that go on with a run.
    pub fn resume_arguments(&self, run: &Path) -> Vec<String> {
        let mut arguments = vec![
            "resume".to_owned(),
            run.display().to_string(),
            "--json".to_owned(),
        ];
        arguments.extend(self.inputs());
        arguments
    }

    /// Calls the program.
    pub fn gonogo(&self, arguments: &[String]) -> Ended {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        crate::rig::gonogo(self.path(), &arguments)
    }

    /// Calls it under `strace` with these options; nothing is said of how it ended but by its code, -1 for a signal.
    pub fn traced(&self, options: &[String], arguments: &[String]) -> Ended {
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(options)
            .arg(GONOGO)
            .args(arguments)
            .current_dir(self.path())
            .env_remove("CI")
            .env("NO_COLOR", "1");
        let output = traced
            .stdin(std::process::Stdio::null())
            .output()
            .expect("strace is there: `apt-get install strace` (cargo xtask ci does it)");
        let killed = output.status.signal().is_some() || output.status.code() == Some(137);
        let code = if killed {
            -1
        } else {
            output.status.code().unwrap_or(-1)
        };
        Ended {
            code,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The program, not started yet.
    pub fn command(&self, arguments: &[String]) -> Command {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        command(self.path(), &arguments)
    }
}

/// The one run under a folder, once there is a journal.
pub fn run_in(out: &Path) -> Option<PathBuf> {
    let mut runs = std::fs::read_dir(out).ok()?.flatten().map(|e| e.path());
    runs.find(|run| run.join("journal.ndjson").is_file())
}

/// A run of which only the beginning is recorded, as if it had lost its power then: nothing was sent. What follows in it is
/// written under names that are known.
pub fn begun(stage: &Stage) -> PathBuf {
    let out = stage.path().join("begun");
    if let Some(run) = run_in(&out) {
        return run;
    }
    let ended = stage.gonogo(&stage.run_arguments(&out.display().to_string()));
    assert!(ended.code <= 2, "{}\n{}", ended.stdout, ended.stderr);
    let run = run_in(&out).expect("a run");
    unseal(&run);
    for blob in std::fs::read_dir(run.join("blobs"))
        .expect("blobs")
        .flatten()
    {
        std::fs::remove_file(blob.path()).expect("a blob is removed");
    }
    for (log, lines) in [
        (run.join("journal.ndjson"), 2),
        (out.join("registry.ndjson"), 2),
    ] {
        let text = std::fs::read_to_string(&log).expect("a log");
        let kept: String = text.split_inclusive('\n').take(lines).collect();
        std::fs::write(&log, kept).expect("a log is cut");
    }
    stage.target.reset();
    run
}

/// A copy of a run in a runs folder of its own.
pub fn copy_of(run: &Path, out: &Path) -> PathBuf {
    drop(std::fs::remove_dir_all(out));
    copy_all(run.parent().expect("a runs folder"), out);
    out.join(run.file_name().expect("a name"))
}

/// Takes away what is written when everything is recorded.
pub fn unseal(run: &Path) {
    for entry in std::fs::read_dir(run).expect("a folder").flatten() {
        let name = entry.file_name();
        let kept = ["journal.ndjson", "plan.yaml", "policy.yaml"];
        if entry.path().is_file() && !kept.iter().any(|k| name == *k) {
            std::fs::remove_file(entry.path()).expect("a file is removed");
        }
    }
}

/// Copies a folder with all below it.
pub fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}

/// No file below a folder, whatever its name, holds a secret.
pub fn no_secret_below(folder: &Path, target: &Target) {
    let mut secrets = target.signatures();
    secrets.push(SECRET.to_owned());
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file is read");
            for secret in &secrets {
                let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}

/// No write came twice but the one that may.
pub fn no_write_twice(target: &Target, trial: &str) {
    for (what, count) in target.writes() {
        assert!(
            count == 1 || what == REPEATABLE,
            "{trial}: {what} came {count} times"
        );
    }
}

/// How a trial went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// The fault never came: there are no more places for it.
    Undisturbed,
    /// Nothing had begun.
    NeverBegan,
    /// It was sealed before.
    Sealed,
    /// It was resumed and sealed, with this exit code.
    Resumed(i32),
}

/// Everything that must hold of a run that was broken off: it is plainly incomplete, and once resumed it is sealed, with a verdict
/// that is GO only where `undisturbed` is.
pub fn broken_off(stage: &Stage, out: &Path, trial: &str, undisturbed: i32) -> Went {
    let target = &stage.target;
    no_secret_below(out, target);
    let Some(run) = run_in(out) else {
        assert!(
            target.writes().is_empty(),
            "{trial}: wrote before there was a journal"
        );
        return Went::NeverBegan;
    };
    let at = run.display().to_string();
    let verify = || stage.gonogo(&["verify".to_owned(), at.clone(), "--json".to_owned()]);
    if run.join("manifest.json").exists() {
        assert_eq!(
            verify().code,
            undisturbed,
            "{trial}: sealed, and not what was to be sealed"
        );
        assert_eq!(
            stage.gonogo(&stage.resume_arguments(&run)).code,
            64,
            "{trial}"
        );
        return Went::Sealed;
    }
    let incomplete = verify();
    assert_eq!(incomplete.code, 64, "{trial}: {}", incomplete.stdout);
    assert!(
        incomplete.stdout.contains("incomplete"),
        "{trial}: {}",
        incomplete.stdout
    );
    let resumed = stage.gonogo(&stage.resume_arguments(&run));
    no_write_twice(target, trial);
    no_secret_below(out, target);
    if resumed.code == 64 {
        assert!(
            resumed.stdout.contains("never began"),
            "{trial}: {}",
            resumed.stdout
        );
        assert!(
            target.writes().is_empty(),
            "{trial}: wrote before its first event"
        );
        return Went::NeverBegan;
    }
    let code = resumed.code;
    assert!(
        matches!(code, 0..=2),
        "{trial}: {code}\n{}\n{}",
        resumed.stdout,
        resumed.stderr
    );
    assert!(
        code != 0 || undisturbed == 0,
        "{trial}: GO, and the undisturbed run is not\n{}",
        resumed.stdout
    );
    assert_eq!(
        verify().code,
        code,
        "{trial}: verify says another thing: {}",
        verify().stdout
    );
    assert_eq!(
        stage.gonogo(&stage.resume_arguments(&run)).code,
        64,
        "{trial}: resumed twice"
    );
    let mut left = Vec::new();
    for folder in [out, &run, &run.join("blobs")] {
        let names = std::fs::read_dir(folder).expect("a folder").flatten();
        left.extend(
            names
                .map(|e| e.file_name())
                .filter(|n| n.to_string_lossy().starts_with('.')),
        );
    }
    assert_eq!(
        left,
        Vec::<std::ffi::OsString>::new(),
        "{trial}: left behind"
    );
    Went::Resumed(code)
}

/// Makes trials from 1 on, by two hands, until one goes undisturbed; how each went, in no order.
pub fn every(plan: &str, most: usize, trial: impl Fn(&Stage, usize) -> Went + Sync) -> Vec<Went> {
    let next = AtomicUsize::new(1);
    let all = Mutex::new(Vec::new());
    let work = || {
        let stage = Stage::new(plan);
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            assert!(number <= most, "there is no end of places for a fault");
            let went = trial(&stage, number);
            all.lock().expect("no trial panicked").push(went);
            if went == Went::Undisturbed {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let hands = [scope.spawn(work), scope.spawn(work)];
        for hand in hands {
            if let Err(panic) = hand.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    all.into_inner().expect("no trial panicked")
}
