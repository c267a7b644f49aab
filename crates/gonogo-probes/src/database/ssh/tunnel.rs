//! The one `ssh` of a run and host. It holds the sign-in; each database behind it gets a socket in a private folder. It
//! ends with the run: by a signal, and where the run is killed and can send none, by a pipe that only the run holds.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;

use super::trouble::{self, Complaint};
use super::{SshHost, host_and_port};
use crate::ctx::Ctx;

/// Waits for `ssh`, and ends it when nobody holds the other end of our input: `$1` is the folder to remove, the rest the
/// program. A signal cannot be lost this way, for the kernel closes the pipe of whoever is gone. Only `ssh` speaks to us:
/// a shell that says `Terminated` to nobody would end by SIGPIPE before it has removed the folder.
const LEASH: &str = r#"folder=$1; shift
exec 3<&0 4>&2 2>/dev/null
"$@" </dev/null 2>&4 3<&- 4>&- & ssh=$!
exec 4>&-
{ read -r _ <&3; kill "$ssh"; } >/dev/null 2>&1 & watch=$!
wait "$ssh"; code=$?
kill "$watch" 2>/dev/null
rm -rf -- "$folder"
exit "$code""#;
/// What `ssh` lets a shell say once it is signed in.
const READY: &str = "ready";
/// How many lines of its complaints are kept.
const LINES: usize = 200;
/// How long is waited for what it says of a connection that was closed at once.
const COMPLAINT_WITHIN: Duration = Duration::from_secs(2);
/// A socket's name must fit into 108 bytes (unix(7)), and `ssh` adds 17 to that of its own.
const LONGEST_FOLDER: usize = 60;

/// What is reached from the ssh host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Far {
    /// A port of a host, as the ssh host sees them.
    Port(String, u16),
    /// A socket on the ssh host.
    Socket(PathBuf),
}

impl Far {
    fn shown(&self) -> String {
        match self {
            Self::Port(host, port) => format!("{}:{port}", bracketed(host)),
            Self::Socket(_) => "the database's socket".to_owned(),
        }
    }

    /// The far half of `-L`.
    fn argument(&self) -> String {
        match self {
            Self::Port(host, port) => format!("{}:{port}", bracketed(host)),
            Self::Socket(path) => path.display().to_string(),
        }
    }
}

fn bracketed(host: &str) -> String {
    let (bare, _) = host_and_port(host);
    if bare.contains(':') {
        format!("[{bare}]")
    } else {
        bare.to_owned()
    }
}

/// A signed-in `ssh`, and the sockets that lead through it.
pub(crate) struct Tunnel {
    host: SshHost,
    folder: TempDir,
    group: Option<Pid>,
    /// Closed by the kernel when this process ends, however it ends.
    _leash: ChildStdin,
    said: watch::Receiver<Said>,
    /// The exit code, once it has ended; `-1` for a signal.
    ended: watch::Receiver<Option<i32>>,
    /// Whether somebody found it leading nowhere.
    broken: AtomicBool,
    sockets: Mutex<BTreeMap<Far, PathBuf>>,
}

/// What a program said to people.
#[derive(Clone, Debug, Default)]
struct Said {
    /// All lines ever.
    count: usize,
    /// The last of them.
    lines: VecDeque<String>,
    /// No more will come.
    over: bool,
}

impl Said {
    fn since(&self, count: usize) -> String {
        let new = self.count.saturating_sub(count).min(self.lines.len());
        let kept: Vec<&str> = self
            .lines
            .iter()
            .skip(self.lines.len() - new)
            .map(String::as_str)
            .collect();
        kept.join("\n")
    }
}

/// A connection through a tunnel, and what may be asked when it breaks.
pub(crate) struct Way {
    tunnel: Arc<Tunnel>,
    far: Far,
    said_before: usize,
}

/// Connects to what lies behind an ssh host. The first to ask signs in, for all checks of the run.
pub(crate) async fn through(
    ctx: &Ctx,
    host: &SshHost,
    far: &Far,
) -> Result<(UnixStream, Way), NotObserved> {
    // A tunnel may have broken a moment ago, and nobody was told yet: once more, then.
    let mut again = true;
    loop {
        let (tunnel, socket) = socket(ctx, host, far).await?;
        let said_before = tunnel.said.borrow().count;
        match tokio::time::timeout(ctx.remaining(), UnixStream::connect(&socket)).await {
            Ok(Ok(stream)) => {
                let way = Way {
                    said_before,
                    far: far.clone(),
                    tunnel,
                };
                return Ok((stream, way));
            }
            Ok(Err(_)) if again => {
                tunnel.broken.store(true, Ordering::Relaxed);
                again = false;
            }
            Ok(Err(e)) => {
                let message = format!("the tunnel does not lead anywhere: {e}");
                return Err(failed(ctx, host, Cause::Network, message));
            }
            Err(_) => {
                let message = "the tunnel did not answer".to_owned();
                return Err(failed(ctx, host, Cause::Timeout, message));
            }
        }
    }
}

/// The socket that leads there, and the tunnel that keeps it.
pub(crate) async fn socket(
    ctx: &Ctx,
    host: &SshHost,
    far: &Far,
) -> Result<(Arc<Tunnel>, PathBuf), NotObserved> {
    ctx.admit(&host.host, host.port())?;
    let shared = ctx
        .kept()
        .shared::<tokio::sync::Mutex<Option<Arc<Tunnel>>>>(&format!("ssh {host}"));
    let Ok(mut open) = tokio::time::timeout(ctx.remaining(), shared.lock()).await else {
        let message = "another check's sign-in to the ssh host took too long".to_owned();
        return Err(failed(ctx, host, Cause::Timeout, message));
    };
    let tunnel = match &*open {
        Some(tunnel) if tunnel.is_open() => Arc::clone(tunnel),
        _ => {
            let tunnel = Arc::new(Tunnel::start(ctx, host).await?);
            *open = Some(Arc::clone(&tunnel));
            tunnel
        }
    };
    let socket = tunnel.socket(ctx, far).await?;
    Ok((tunnel, socket))
}

fn failed(ctx: &Ctx, host: &SshHost, cause: Cause, message: String) -> NotObserved {
    ctx.not_observed(format!("ssh {host}"), cause, message)
}

fn told(ctx: &Ctx, host: &SshHost, complaint: Complaint) -> NotObserved {
    let mut failed = failed(ctx, host, complaint.cause, complaint.message);
    failed.help = Some(complaint.help);
    failed
}

impl Tunnel {
    async fn start(ctx: &Ctx, host: &SshHost) -> Result<Self, NotObserved> {
        let no_folder = |e: std::io::Error| {
            let message = format!("no private folder could be made for the tunnel: {e}");
            failed(ctx, host, Cause::Missing, message)
        };
        let folder = private_folder().map_err(no_folder)?;
        let mut command = ctx.program("sh");
        command
            .args(["-c", LEASH, "sh"])
            .arg(folder.path())
            .args(sign_in(ctx, host, folder.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own end of the pipe ends it, and everything that it started.
            .kill_on_drop(false);
        for (name, value) in Ctx::ssh_environment() {
            command.env(name, value);
        }
        let mut child = command.spawn().map_err(|e| {
            let message = format!("`sh`, which starts `ssh`, could not be started: {e}");
            failed(ctx, host, Cause::Missing, message)
        })?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let (Some(leash), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(
                ctx,
                host,
                Cause::Bug,
                "`ssh` has no pipes".to_owned(),
            ));
        };
        let said = listen(stderr);
        let tunnel = Self {
            host: host.clone(),
            folder,
            group,
            _leash: leash,
            said,
            ended: end_of(child),
            broken: AtomicBool::new(false),
            sockets: Mutex::default(),
        };
        match tokio::time::timeout(ctx.remaining(), says_ready(stdout)).await {
            Ok(true) => Ok(tunnel),
            Ok(false) => Err(told(ctx, host, tunnel.why_ended().await)),
            Err(_) => Err(tunnel.too_slow(ctx)),
        }
    }

    fn is_open(&self) -> bool {
        self.ended.borrow().is_none() && !self.broken.load(Ordering::Relaxed)
    }

    fn too_slow(&self, ctx: &Ctx) -> NotObserved {
        let host = &self.host;
        let message =
            format!("the sign-in to the ssh host {host} did not end within the check's time limit");
        let mut failed = failed(ctx, host, Cause::Timeout, message);
        failed.help = Some(format!("`ssh -v {host}` shows where it waits"));
        failed
    }

    async fn why_ended(&self) -> Complaint {
        let within = async {
            let mut ended = self.ended.clone();
            let mut said = self.said.clone();
            // A closed channel has its last value, which is all that there will be.
            let _known = ended.wait_for(Option::is_some).await.is_ok();
            let _heard = said.wait_for(|said| said.over).await.is_ok();
        };
        let _all = tokio::time::timeout(COMPLAINT_WITHIN, within).await.is_ok();
        let code = *self.ended.borrow();
        trouble::ended(&self.host, code, &self.said.borrow().since(0))
    }

    /// The socket that leads to a far end, made when it is first asked for.
    async fn socket(&self, ctx: &Ctx, far: &Far) -> Result<PathBuf, NotObserved> {
        let known = |sockets: &BTreeMap<Far, PathBuf>| sockets.get(far).cloned();
        let (there, number) = {
            let sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
            (known(&sockets), sockets.len())
        };
        if let Some(there) = there {
            return Ok(there);
        }
        let failed = |cause, message: String| {
            failed(ctx, &self.host, cause, format!("no tunnel: {message}"))
        };
        let folder = self.folder.path().join(number.to_string());
        std::fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&folder)
            .map_err(|e| failed(Cause::Missing, e.to_string()))?;
        let port = match far {
            Far::Port(_, port) => *port,
            Far::Socket(_) => 5432,
        };
        // Programs of PostgreSQL find it by folder and port.
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        let mut command = ctx.program("ssh");
        command
            .args(["-F", "none", "-O", "forward", "-S"])
            .arg(control(self.folder.path()))
            .arg("-L")
            .arg(format!("{}:{}", socket.display(), far.argument()))
            .args(["--", "gonogo"])
            .env("LC_ALL", "C");
        match tokio::time::timeout(ctx.remaining(), command.output()).await {
            Err(_) => return Err(failed(Cause::Timeout, "`ssh` did not answer".to_owned())),
            Ok(Err(e)) => return Err(failed(Cause::Missing, e.to_string())),
            Ok(Ok(output)) if !output.status.success() => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(failed(Cause::Network, said));
            }
            Ok(Ok(_)) => {}
        }
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.insert(far.clone(), socket.clone());
        Ok(socket)
    }
}

/// What else the run started ends with the signal; the folder goes with `TempDir`.
impl Drop for Tunnel {
    fn drop(&mut self) {
        if self.ended.borrow().is_some() {
            return;
        }
        if let Some(group) = self.group {
            // Gone already is what is wanted.
            let _gone = rustix::process::kill_process_group(group, Signal::TERM).is_err();
        }
    }
}

impl Way {
    /// Why the connection was closed before anything came, where `ssh` knows.
    pub(crate) async fn why_closed(&self, ctx: &Ctx) -> Option<NotObserved> {
        let tunnel = &self.tunnel;
        let host = &tunnel.host;
        let mut said = tunnel.said.clone();
        let mut ended = tunnel.ended.clone();
        let speaks = |said: &Said| said.since(self.said_before).contains("open failed");
        let within = async {
            tokio::select! {
                _heard = said.wait_for(speaks) => {}
                _known = ended.wait_for(Option::is_some) => {}
            }
        };
        let _heard = tokio::time::timeout(COMPLAINT_WITHIN, within).await.is_ok();
        let new = tunnel.said.borrow().since(self.said_before);
        if let Some(complaint) = trouble::at_far_end(host, &self.far.shown(), &new) {
            return Some(told(ctx, host, complaint));
        }
        let ended = tunnel.ended.borrow().is_some();
        if !ended {
            return None;
        }
        Some(told(ctx, host, tunnel.why_ended().await))
    }
}

/// The user's own configuration rules, but for what would ask, share, or do more than is wanted here.
fn sign_in(ctx: &Ctx, host: &SshHost, folder: &Path) -> Vec<String> {
    let mut arguments = vec!["ssh".to_owned()];
    if let Some(file) = ctx.ssh_config() {
        arguments.extend(["-F".to_owned(), file.display().to_string()]);
    }
    if let Some(port) = host.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &host.user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    // No session, no terminal, no agent or X11 for the far end; a control socket of our own, in which forwards are asked
    // for one by one: those of the configuration may stand in the way, and all of them are cleared.
    let flags = ["-N", "-T", "-a", "-x", "-M", "-S"];
    arguments.extend(flags.map(str::to_owned));
    arguments.push(control(folder).display().to_string());
    let seconds = ctx.remaining().as_secs().max(1);
    let options = [
        "BatchMode=yes".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "ControlPersist=no".to_owned(),
        "ExitOnForwardFailure=yes".to_owned(),
        "LogLevel=INFO".to_owned(),
        "PermitLocalCommand=yes".to_owned(),
        format!("LocalCommand=echo {READY}"),
        "StreamLocalBindMask=0177".to_owned(),
        "StreamLocalBindUnlink=no".to_owned(),
        "ServerAliveInterval=15".to_owned(),
        "ServerAliveCountMax=3".to_owned(),
        format!("ConnectTimeout={seconds}"),
    ];
    for option in options {
        arguments.extend(["-o".to_owned(), option]);
    }
    arguments.extend(["--".to_owned(), host.host.clone()]);
    arguments
}

fn control(folder: &Path) -> PathBuf {
    folder.join("control")
}

/// Mine alone, and with a name that is short and plain enough for `ssh`.
fn private_folder() -> std::io::Result<TempDir> {
    let usual = std::env::temp_dir();
    let plain = usual.to_str().is_some_and(|path| {
        path.len() < LONGEST_FOLDER && !path.contains([':', '%', '"', '$', '~', ' '])
    });
    let place = if plain { usual } else { PathBuf::from("/tmp") };
    tempfile::Builder::new()
        .prefix("gonogo-ssh-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(place)
}

/// Whether it says that it is signed in; not where it ends before.
async fn says_ready(mut stdout: impl AsyncRead + Unpin) -> bool {
    let mut word = [0_u8; READY.len()];
    stdout.read_exact(&mut word).await.is_ok() && word == READY.as_bytes()
}

fn end_of(mut child: Child) -> watch::Receiver<Option<i32>> {
    let (ended, seen) = watch::channel(None);
    drop(tokio::spawn(async move {
        let code = child.wait().await.ok().and_then(|status| status.code());
        ended.send_replace(Some(code.unwrap_or(-1)));
    }));
    seen
}

fn listen(from: impl AsyncRead + Unpin + Send + 'static) -> watch::Receiver<Said> {
    let (said, heard) = watch::channel(Said::default());
    drop(tokio::spawn(async move {
        // A line is read whole only up to a bound: what a host's banner says is not ours to keep.
        let mut lines = BufReader::new(from).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line[..line.len().min(1000)])
                .trim_end()
                .to_owned();
            said.send_modify(|said| {
                said.count += 1;
                said.lines.push_back(line);
                if said.lines.len() > LINES {
                    said.lines.pop_front();
                }
            });
        }
        said.send_modify(|said| said.over = true);
    }));
    heard
}
