//! A server of the lab's own: a shell script that starts it, says `ready` (or `ended`, where nothing came of it), and ends it when its own input ends. So nothing stays,
//! also when who started it was killed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

/// How often another port is tried: between finding a free one and listening on it somebody else may have taken it.
const ATTEMPTS: u32 = 5;

/// How much of a failed start's words is kept.
const KEPT: u64 = 64 * 1024;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum NoServer {
    /// Its programs are not on this machine.
    #[error("{server} is not installed: there is no {program}")]
    NotInstalled {
        /// What it is.
        server: &'static str,
        /// What was looked for.
        program: &'static str,
        /// What to install, in Debian's names.
        packages: &'static str,
    },
    /// It refuses to run as root, and there is nobody else.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody"
    )]
    NoUser,
    /// It did not start, or not do what it was told.
    #[error("{server} did not {what}: {why}")]
    Failed {
        /// What it is.
        server: &'static str,
        /// What it was to do: `start`.
        what: String,
        /// What it said.
        why: String,
    },
}

impl NoServer {
    pub(crate) fn not_started(server: &'static str, why: impl ToString) -> Self {
        Self::Failed {
            server,
            what: "start".to_owned(),
            why: why.to_string(),
        }
    }
}

/// A program that runs until this is dropped.
pub(crate) struct Watched {
    child: Child,
}

impl Watched {
    /// Runs a script until it has printed `ready`. Its first line of input is `told`; when its input ends it is to end what it started.
    pub(crate) fn start(
        server: &'static str,
        mut command: Command,
        told: &str,
    ) -> Result<Self, NoServer> {
        let failed = |error: std::io::Error| NoServer::not_started(server, error);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = group(&mut command).spawn().map_err(failed)?;
        let said = child.stdout.take().map(BufReader::new);
        told_and_ready(server, child, said, told)
    }

    /// The same of a script whose standard output is taken for something else: it says `ready` where it also says what went wrong.
    pub(crate) fn start_by_stderr(
        server: &'static str,
        mut command: Command,
    ) -> Result<Self, NoServer> {
        let failed = |error: std::io::Error| NoServer::not_started(server, error);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = group(&mut command).spawn().map_err(failed)?;
        let said = child.stderr.take().map(BufReader::new);
        told_and_ready(server, child, said, "")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A Ctrl-C is for who started the server, who then ends it in order.
fn group(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

fn told_and_ready(
    server: &'static str,
    mut child: Child,
    said: Option<impl std::io::BufRead>,
    told: &str,
) -> Result<Watched, NoServer> {
    let written = child
        .stdin
        .as_mut()
        .map_or(Ok(()), |stdin| writeln!(stdin, "{told}"));
    let mut words = Vec::new();
    if let Some(said) = said {
        for line in said.take(KEPT).lines() {
            let Ok(line) = line else { break };
            if line == "ready" {
                return match written {
                    Ok(()) => Ok(Watched { child }),
                    Err(error) => Err(NoServer::not_started(server, error)),
                };
            }
            if line == "ended" {
                break;
            }
            words.push(line);
        }
    }
    drop(child.stdin.take());
    let mut more = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        drop(stderr.by_ref().take(KEPT).read_to_string(&mut more));
    }
    let ended = child
        .wait()
        .map_err(|error| NoServer::not_started(server, error))?;
    words.extend(more.lines().map(str::to_owned));
    let why = words.join("\n").trim().to_owned();
    Err(NoServer::not_started(
        server,
        if why.is_empty() {
            ended.to_string()
        } else {
            why
        },
    ))
}

/// Begins with one free port of the loopback after the other.
pub(crate) fn on_a_free_port<T>(
    server: &'static str,
    mut begin: impl FnMut(u16) -> Result<T, NoServer>,
) -> Result<T, NoServer> {
    let mut attempt = 1;
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| NoServer::not_started(server, error))?
            .port();
        match begin(port) {
            Err(NoServer::Failed { .. }) if attempt < ATTEMPTS => attempt += 1,
            ended => return ended,
        }
    }
}

/// A shell that runs this script.
pub(crate) fn shell(script: &str) -> Command {
    let mut command = program("/bin/sh");
    command.args(["-c", script, "sh"]);
    command
}

/// A program.
#[expect(
    clippy::disallowed_methods,
    reason = "the lab's servers are programs that must be started"
)]
pub(crate) fn program(name: &str) -> Command {
    Command::new(name)
}

/// Where a program is, if it is installed: in the folders that this program was given and in those of administrators.
#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and starts what the machine has"
)]
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin"].map(Into::into))
        .any(|folder: std::path::PathBuf| is_program(&folder.join(program)))
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Writes a file of the lab's own, and the folders that it lies in.
#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and writes its own files"
)]
pub(crate) fn write(folder: &Path, path: &str, text: &str) -> Result<(), NoServer> {
    let path = folder.join(path);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| NoServer::Failed {
            server: "the lab",
            what: format!("write {}", path.display()),
            why: error.to_string(),
        })
}
