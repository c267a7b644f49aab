//! What the tests share: the program, folders, the lab's system, a scripted target.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lab::metasheet2::{self, Config, Fault};
use serde_json::Value as Json;

/// The program under test.
pub const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");
/// The lab's commit.
pub const RELEASE: &str = "abc123def456";
/// The lab's secret; random-looking, so that the redactor takes it seriously.
pub const SECRET: &str = "q7Xz2mKp9vRt4wLs8nBd3hJf";

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/gonogo lies two folders below the root")
        .to_owned()
}

/// A folder that is gone when the test ends.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// One call of the program that has ended.
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// Its progress and complaints.
    pub stderr: String,
}

impl Ended {
    /// What a call came to.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Standard output as the one JSON document that `--json` promises.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| {
            panic!(
                "stdout is not one JSON document: {e}\n{}\n{}",
                self.stdout, self.stderr
            )
        })
    }

    /// The run's folder.
    pub fn run(&self) -> PathBuf {
        PathBuf::from(self.json()["run"].as_str().expect("a run"))
    }

    /// The outcome of `gate/check`.
    pub fn outcome(&self, check: &str) -> String {
        outcome(&self.json(), check)
    }
}

/// The outcome of `gate/check` in a verdict's document.
pub fn outcome(document: &Json, check: &str) -> String {
    let (gate, check) = check.split_once('/').expect("gate/check");
    let gates = document["gates"].as_array().expect("gates");
    let gate = gates
        .iter()
        .find(|g| g["id"] == gate)
        .unwrap_or_else(|| panic!("no gate {gate}"));
    let checks = gate["checks"].as_array().expect("checks");
    let check = checks
        .iter()
        .find(|c| c["id"] == check)
        .unwrap_or_else(|| panic!("no check {check}"));
    check["outcome"].as_str().expect("an outcome").to_owned()
}

/// Calls the program in a folder, with nothing of this process's environment that it reads.
pub fn gonogo(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::of(command(folder, arguments).output().expect("gonogo starts"))
}

/// The same, not started yet.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(GONOGO);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("CI")
        .env_remove("GITHUB_ACTIONS")
        .env("NO_COLOR", "1");
    for name in [
        "BASE_URL",
        "RELEASE",
        "JWT_SECRET",
        "DATABASE",
        "DSN",
        "SOURCE",
    ] {
        command.env_remove(name);
    }
    command
}

/// The same as somebody who may only read what its permissions say: root without the right to pass them over.
pub fn command_as_ordinary_user(folder: &Path, arguments: &[&str]) -> Command {
    let plain = command(folder, arguments);
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| {
        use std::os::unix::fs::MetadataExt as _;
        m.uid() == 0
    });
    if !is_root {
        return plain;
    }
    let mut bounded = Command::new("setpriv");
    bounded
        .arg("--bounding-set=-dac_override,-dac_read_search")
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(folder)
        .stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    bounded
}

/// Has git do something in a folder, whatever this machine's user configured.
pub fn git(folder: &Path, arguments: &[&str]) {
    let ended = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .output()
        .expect("git is installed (apt-get install git)");
    assert!(ended.status.success(), "{ended:?}");
}

/// Writes a plan and runs it with `--json`.
pub fn run_plan(folder: &Path, plan: &str, more: &[&str]) -> Ended {
    std::fs::write(folder.join("plan.yaml"), plan).expect("the plan is written");
    let mut arguments = vec!["run", "plan.yaml", "--env", "local", "--json"];
    arguments.extend(more);
    gonogo(folder, &arguments)
}

/// A plan with one gate over one HTTP target.
pub fn small_plan(url: &str, checks: &str) -> String {
    format!(
        "gonogo: 1\nname: small\nenvironments:\n  local:\n    allow: [write, load]\n    targets:\n      api: {{ http: '{url}' }}\ngates:\n  g:\n    title: It works\n    checks:\n{checks}"
    )
}

/// The lab's metasheet2, stopped when dropped.
pub struct Lab {
    runtime: Option<tokio::runtime::Runtime>,
    system: Option<metasheet2::Running>,
}

impl Lab {
    /// Starts it on SQLite in a folder.
    pub fn start(folder: &Path, faults: &[Fault]) -> Self {
        let database = lab::Database::Sqlite(folder.join("metasheet2.sqlite"));
        Self::on(database, faults)
    }

    /// Starts it on a database.
    pub fn on(database: lab::Database, faults: &[Fault]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let config = Config {
            database,
            faults: faults.iter().copied().collect(),
            ..Config::new(SECRET, RELEASE)
        };
        let system = runtime
            .block_on(metasheet2::start(config))
            .expect("the lab starts");
        Self {
            runtime: Some(runtime),
            system: Some(system),
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.system.as_ref().expect("running").base_url()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let (Some(runtime), Some(system)) = (self.runtime.take(), self.system.take()) {
            runtime.block_on(system.stop());
            runtime.shutdown_background();
        }
    }
}

/// A target that answers each connection with the next of its scripted byte strings, the last one again and again,
/// and closes. Real sockets, no HTTP library: it may say what no server would.
pub struct Scripted {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Scripted {
    /// Starts it; it ends with the test process.
    pub fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut buffer = [0u8; 8192];
                let _asked = stream.read(&mut buffer).is_ok();
                let turn = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
                let _closed = stream.write_all(&answers[turn]).is_err();
            }
        });
        Self { address, asked }
    }

    /// Answers everything with this status and JSON body.
    pub fn json(status: u16, body: &str) -> Self {
        Self::start(vec![answer(status, "application/json", body.as_bytes())])
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A whole HTTP answer.
pub fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// An address that refuses connections.
pub fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    format!("http://{address}")
}
