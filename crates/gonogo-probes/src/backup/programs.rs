//! PostgreSQL's own programs: run with nothing of this machine's settings but the way to the server, the password in
//! the environment and never among the arguments, and killed when nobody waits for them any more.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use gonogo_core::record::{Cause, NotObserved};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::database::Asking;
use crate::database::dsn::{Dsn, Place, SslMode};
use crate::database::postgres::{Route, is_secured};
use crate::database::ssh::{self, Tunnel};

/// Of what a program complains, as much is kept.
const MAX_COMPLAINT: usize = 64 * 1024;
/// Of what a program prints for us to read, as much.
const MAX_PRINTED: u64 = 64 * 1024 * 1024;
/// Where systems keep the CAs that they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The way to a server, as libpq reads it from the environment. Holds a password, so it cannot be printed.
pub(super) struct Way {
    environment: Vec<(&'static str, OsString)>,
    /// What carries the connection, where it goes through an SSH host.
    _tunnel: Option<Arc<Tunnel>>,
}

impl Way {
    /// The way to the target's server: the only place that says where its programs connect to.
    pub(super) async fn to(asking: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Self, NotObserved> {
        let mut way: Vec<(&'static str, OsString)> = vec![
            ("PGAPPNAME", "gonogo".into()),
            ("PGGSSENCMODE", "disable".into()),
            // What the user keeps for other work is not the plan's.
            ("PGPASSFILE", "/dev/null".into()),
            ("PGSERVICEFILE", "/dev/null".into()),
            // An archive's date is printed in a zone that is the same everywhere.
            ("TZ", "UTC".into()),
            ("LC_ALL", "C".into()),
        ];
        let (place, tunnel) = place(asking, dsn).await?;
        way.extend(place);
        let given = [
            ("PGUSER", &dsn.user),
            ("PGPASSWORD", &dsn.password),
            ("PGOPTIONS", &dsn.options),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                way.push((name, value.into()));
            }
        }
        let database = dsn.database.as_ref().or(dsn.user.as_ref());
        if let Some(database) = database {
            way.push(("PGDATABASE", database.into()));
        }
        Ok(Self {
            environment: way,
            _tunnel: tunnel,
        })
    }

    /// The same to another database.
    pub(super) fn database(mut self, name: &str) -> Self {
        self.environment.retain(|(key, _)| *key != "PGDATABASE");
        self.environment.push(("PGDATABASE", name.into()));
        self
    }
}

type Placed = (Vec<(&'static str, OsString)>, Option<Arc<Tunnel>>);

/// Host, port and how they are secured; through an SSH host the socket that its tunnel keeps for programs.
async fn place(asking: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Placed, NotObserved> {
    if let Some(host) = &dsn.ssh {
        let far = Route::of(asking, dsn)?.far();
        let (tunnel, socket) = ssh::socket(asking.ctx, host, &far).await?;
        let folder = socket.parent().unwrap_or(Path::new("/"));
        // The socket is called `.s.PGSQL.PORT`.
        let port = socket.extension().unwrap_or_default();
        let way = vec![("PGHOST", folder.into()), ("PGPORT", port.into())];
        return Ok((way, Some(tunnel)));
    }
    let mut way: Vec<(&'static str, OsString)> = vec![("PGPORT", dsn.port.to_string().into())];
    match &dsn.place {
        Place::Host(host) => {
            // The addresses that gonogo itself would take, past the list of targets: the name is for TLS.
            let addresses = asking.ctx.resolve(host, dsn.port).await?;
            let ips: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            way.push(("PGHOST", vec![host.as_str(); ips.len()].join(",").into()));
            way.push(("PGHOSTADDR", ips.join(",").into()));
        }
        Place::Socket(folder) => way.push(("PGHOST", folder.into())),
        Place::UsualSocket => way.push(("PGHOST", "/var/run/postgresql,/tmp".into())),
    }
    if !is_secured(dsn) {
        way.push(("PGSSLMODE", "disable".into()));
        return Ok((way, None));
    }
    let mode = if dsn.sslmode == Some(SslMode::VerifyCa) {
        "verify-ca"
    } else {
        "verify-full"
    };
    way.push(("PGSSLMODE", mode.into()));
    way.push(("PGSSLROOTCERT", roots(asking, dsn)?));
    Ok((way, None))
}

fn roots(asking: &Asking<'_>, dsn: &Dsn) -> Result<OsString, NotObserved> {
    if let Some(ca) = &dsn.ca {
        return Ok(asking.ctx.path(ca).into());
    }
    SYSTEM_ROOTS
        .iter()
        .find(|path| Path::new(path).is_file())
        .map(|path| (*path).into())
        .ok_or_else(|| {
            asking.failed_with_help(
                Cause::Missing,
                "this machine keeps no list of trusted CAs that PostgreSQL's programs could read",
                "give the server's CA with `ca: FILE` on the target",
            )
        })
}

/// A program of PostgreSQL's, not started yet.
pub(super) fn program(
    asking: &Asking<'_>,
    name: &str,
    arguments: &[&str],
    way: Option<&Way>,
) -> Command {
    let mut command = asking.ctx.program(name);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (key, value) in way.into_iter().flat_map(|way| &way.environment) {
        command.env(key, value);
    }
    command
}

/// Starts it.
pub(super) fn start(
    asking: &Asking<'_>,
    name: &str,
    command: &mut Command,
) -> Result<Child, NotObserved> {
    command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => asking.failed_with_help(
            Cause::Missing,
            format!("`{name}` is not installed here, or not in PATH"),
            "install PostgreSQL's client programs of the server's version or newer: `apt-get install postgresql-client`",
        ),
        _ => asking.failed(Cause::Denied, format!("`{name}` could not be started: {e}")),
    })
}

/// How a program ended.
pub(super) struct Ended {
    /// Its exit code or signal.
    pub(super) status: ExitStatus,
    /// What it printed.
    pub(super) printed: Vec<u8>,
    /// What it complained of.
    pub(super) complaint: String,
}

impl Ended {
    /// Its own words about what went wrong, in one line.
    pub(super) fn words(&self) -> String {
        let errors: Vec<&str> = self
            .complaint
            .lines()
            .filter_map(|line| {
                let line = line.trim();
                let at = ["error: ", "fatal: ", "detail: ", "ERROR:  ", "DETAIL:  "]
                    .iter()
                    .find_map(|mark| Some(line.find(mark)? + mark.len()))?;
                Some(line[at..].trim())
            })
            .take(3)
            .collect();
        let text = if errors.is_empty() {
            self.complaint.lines().next().unwrap_or_default().to_owned()
        } else {
            errors.join("; ")
        };
        let short: String = text.chars().take(400).collect();
        if short.is_empty() {
            self.status.to_string()
        } else {
            short
        }
    }
}

/// Why a program's output did not arrive.
pub(super) enum Broken {
    /// The check's time is over.
    Time,
    /// What it printed could not be kept, or what it should read could not be given.
    Io(std::io::Error),
}

/// Runs it to its end: `from` is what it reads, `to` takes what it prints.
pub(super) async fn piped(
    asking: &Asking<'_>,
    mut child: Child,
    from: Option<tokio::fs::File>,
    mut to: impl AsyncWrite + Unpin,
) -> Result<Ended, Broken> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = async {
        if let (Some(mut from), Some(mut stdin)) = (from, stdin) {
            // Where it stops reading, its own end says why.
            let _broken = tokio::io::copy(&mut from, &mut stdin).await.is_err();
            let _closed = stdin.shutdown().await.is_err();
        }
    };
    let keeping = async {
        if let Some(mut stdout) = stdout {
            tokio::io::copy(&mut stdout, &mut to).await?;
        }
        to.flush().await
    };
    let complaining = complaint(stderr);
    let all = async {
        let ((), kept, complaint) = tokio::join!(feeding, keeping, complaining);
        kept.map_err(Broken::Io)?;
        let status = child.wait().await.map_err(Broken::Io)?;
        Ok(Ended {
            status,
            printed: Vec::new(),
            complaint,
        })
    };
    // The child is killed where this is given up: it is dropped with the future.
    tokio::time::timeout(asking.ctx.remaining(), all)
        .await
        .map_err(|_| Broken::Time)?
}

/// Runs it to its end and keeps what it printed.
pub(super) async fn read(
    asking: &Asking<'_>,
    name: &str,
    arguments: &[&str],
    from: Option<tokio::fs::File>,
) -> Result<Ended, NotObserved> {
    let mut command = program(asking, name, arguments, None);
    if from.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = start(asking, name, &mut command)?;
    let mut out = child.stdout.take().map(|out| out.take(MAX_PRINTED));
    let mut printed = Vec::new();
    let reading = async {
        if let Some(out) = &mut out {
            out.read_to_end(&mut printed).await?;
        }
        // What is more than is kept goes nowhere; the program then ends by itself.
        drop(out.take());
        Ok::<(), std::io::Error>(())
    };
    let both = async { tokio::join!(piped(asking, child, from, tokio::io::sink()), reading) };
    let (ended, read) = both.await;
    match (ended, read) {
        (Ok(ended), Ok(())) => Ok(Ended { printed, ..ended }),
        (Err(Broken::Time), _) => Err(too_long(asking, name)),
        (Err(Broken::Io(e)), _) | (_, Err(e)) => {
            Err(asking.failed(Cause::Network, format!("`{name}` could not be read: {e}")))
        }
    }
}

/// It did not end in time.
pub(super) fn too_long(asking: &Asking<'_>, name: &str) -> NotObserved {
    asking.failed_with_help(
        Cause::Timeout,
        format!("`{name}` did not end within the check's time limit and was killed"),
        "give the check more time: `timeout: 30m`",
    )
}

/// The major version that a program of PostgreSQL's says it has.
pub(super) async fn major_version(asking: &Asking<'_>, name: &str) -> Result<u32, NotObserved> {
    let ended = read(asking, name, &["--version"], None).await?;
    let text = String::from_utf8_lossy(&ended.printed).into_owned();
    // `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    let version = text.split(") ").nth(1).and_then(|rest| {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().ok()
    });
    version.ok_or_else(|| {
        asking.failed_with_help(
            Cause::Protocol,
            format!(
                "`{name} --version` does not answer like PostgreSQL's: {}",
                text.trim()
            ),
            "is it another program of that name?",
        )
    })
}

/// Keeps the beginning and reads on to the end, so that the program is never blocked by a full pipe.
async fn complaint(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        let mut buffer = vec![0; 8192];
        while let Ok(count) = from.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            let room = MAX_COMPLAINT - kept.len();
            kept.extend_from_slice(&buffer[..count.min(room)]);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}
