//! An SSH server with keys and configuration of its own, and the files with which `ssh` goes there.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

use super::{free_port, out};

/// How long a line of the log may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// An sshd on a free port of the loopback, run by whoever runs the test, for the same user to sign in. `Host` aliases of
/// [`SshServer::config`]: `staging` is right in all; `stranger` has no known key, `changed` another one, `keyless` no key
/// that is let in, `behind` is reached by a jump over `staging`.
pub struct SshServer {
    folder: TempDir,
    port: u16,
    child: Child,
    log: Mutex<Receiver<String>>,
}

impl SshServer {
    /// Starts one. Fails the test where it is not installed.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more lines in its configuration.
    pub fn start_with(configuration: &[&str]) -> Self {
        let folder = TempDir::with_prefix("gonogo-sshd-").unwrap();
        let port = free_port();
        make(folder.path(), port, configuration);
        if rustix::process::geteuid().is_root() {
            // Debian makes it when its service starts; without it sshd does not.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(folder.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs an SSH server: apt-get install -y openssh-server");
        let stderr = child.stderr.take().unwrap();
        let (told, log) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        let server = Self {
            folder,
            port,
            child,
            log: Mutex::new(log),
        };
        server.wait_for("Server listening");
        server
    }

    /// The `ssh` configuration with the aliases.
    pub fn config(&self) -> PathBuf {
        self.path("config")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for a line of its log; gives all lines up to it.
    pub fn wait_for(&self, words: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let mut lines = Vec::new();
        loop {
            let line = log
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|e| panic!("sshd never said `{words}` ({e}), but {lines:#?}"));
            lines.push(line);
            if lines.last().is_some_and(|line| line.contains(words)) {
                return lines;
            }
        }
    }

    /// Ends all sessions, as a network that breaks would.
    pub fn cut(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        let daemon = self.child.id();
        let children = format!("/proc/{daemon}/task/{daemon}/children");
        for session in std::fs::read_to_string(children)
            .unwrap()
            .split_whitespace()
        {
            kill_process(
                Pid::from_raw(session.parse().unwrap()).unwrap(),
                Signal::KILL,
            )
            .unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn make(folder: &Path, port: u16, configuration: &[&str]) {
    let file = |name: &str| folder.join(name).display().to_string();
    for key in ["host", "other_host", "user", "other_user"] {
        out(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &file(key)]));
    }
    let public = |name: &str| std::fs::read_to_string(file(&format!("{name}.pub"))).unwrap();
    let write = |name: &str, text: &str| std::fs::write(file(name), text).unwrap();
    write("authorized_keys", &public("user"));
    write("known", &format!("[127.0.0.1]:{port} {}", public("host")));
    write(
        "changed",
        &format!("[127.0.0.1]:{port} {}", public("other_host")),
    );
    write("nobody", "");
    let (host, authorized) = (file("host"), file("authorized_keys"));
    let mut lines = vec![
        format!("Port {port}"),
        "ListenAddress 127.0.0.1".to_owned(),
        format!("HostKey {host}"),
        format!("AuthorizedKeysFile {authorized}"),
        "UsePAM no".to_owned(),
        "StrictModes no".to_owned(),
        "PidFile none".to_owned(),
        "PasswordAuthentication no".to_owned(),
        "KbdInteractiveAuthentication no".to_owned(),
        "LogLevel VERBOSE".to_owned(),
    ];
    lines.extend(configuration.iter().map(|line| (*line).to_owned()));
    write("sshd_config", &(lines.join("\n") + "\n"));
    let alias = |name: &str, known: &str, key: &str, more: &str| {
        format!(
            "Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n  \
             IdentityFile {}\n  IdentitiesOnly yes\n{more}\n",
            file(known),
            file(key)
        )
    };
    // A forward of the user's own that cannot be made, and a log level that hides what is wrong: neither may matter.
    let own = "  LocalForward 1 localhost:1\n  ExitOnForwardFailure yes\n  LogLevel QUIET\n";
    let config = [
        alias("staging", "known", "user", own),
        alias("stranger", "nobody", "user", ""),
        alias("changed", "changed", "user", ""),
        alias("keyless", "known", "other_user", ""),
        alias("behind", "known", "user", "  ProxyJump staging\n"),
    ];
    write("config", &config.concat());
}
