//! A PostgreSQL server of its own for a while, from the machine's programs, in a temporary folder.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
};

use crate::watched::{NoServer, Watched, on_a_free_port, shell};

const SERVER: &str = "PostgreSQL";

/// Where Debian and its kin put the server's programs, one folder per version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// Makes a server, says where its folder is, and waits until its input ends: also when who started it was killed, nothing stays.
/// `$1` programs, `$2` port; the password is the first line of the input.
const SCRIPT: &str = r#"
umask 077
read -r password || exit 1
cd / || exit 1
folder=$(mktemp -d "${TMPDIR:-/tmp}/lab-postgres-XXXXXX") || exit 1
trap '' INT TERM HUP
end() { "$1/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$folder"; }
printf '%s\n' "$password" > "$folder/password"
"$1/initdb" -D "$folder/data" -U lab -A scram-sha-256 -N -E UTF8 --locale=C --pwfile "$folder/password" > "$folder/log" 2>&1 || {
  tail -n 5 "$folder/log" >&2; end "$1"; exit 1; }
cat >> "$folder/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $2
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 40
END
"$1/pg_ctl" -D "$folder/data" -w -l "$folder/server.log" start > /dev/null 2>&1 || {
  tail -n 5 "$folder/server.log" >&2; end "$1"; exit 1; }
echo ready
read -r _
end "$1"
"#;

/// A server that runs until it is dropped, on a free port of the loopback.
pub struct PostgresServer {
    _watched: Watched,
    port: u16,
    password: String,
}

impl PostgresServer {
    /// Starts one with this password for its superuser `lab`. The password is one line.
    pub fn start(password: &str) -> Result<Self, NoServer> {
        let programs = newest(Path::new(PROGRAMS)).ok_or(NoServer::NotInstalled {
            server: SERVER,
            program: "/usr/lib/postgresql/VERSION/bin/initdb",
            packages: "postgresql",
        })?;
        let owner = owner()?;
        let begun = on_a_free_port(SERVER, |port| {
            let watched = begin(&programs, owner, password, port)?;
            Ok((watched, port))
        });
        begun.map(|(watched, port)| Self {
            _watched: watched,
            port,
            password: password.to_owned(),
        })
    }

    /// The address of one of its databases; `postgres` is there from the start.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://lab:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn begin(
    programs: &Path,
    owner: Option<(u32, u32)>,
    password: &str,
    port: u16,
) -> Result<Watched, NoServer> {
    let mut command = shell(SCRIPT);
    command.arg(programs).arg(port.to_string());
    if let Some((user, group)) = owner {
        // Who is somebody else may not enter a private temporary folder of root's.
        command
            .uid(user)
            .gid(group)
            .env_remove("TMPDIR")
            .current_dir("/");
    }
    Watched::start(SERVER, command, password)
}

/// The programs of the newest version in a folder of versions.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder).ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

/// As whom the server runs, where this is root: it refuses to be.
fn owner() -> Result<Option<(u32, u32)>, NoServer> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|_| NoServer::NoUser)?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| ids(&users, name))
        .map(Some)
        .ok_or(NoServer::NoUser)
}

/// User and group of a line `name:x:user:group:…`.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?
        .split(':')
        .skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
