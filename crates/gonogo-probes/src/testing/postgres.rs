//! PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{as_user, free_port, out};

/// A PostgreSQL of its own, on a free port of the loopback and a socket in its folder; stopped and removed at the end.
pub struct PostgresServer {
    programs: PathBuf,
    folder: String,
    port: u16,
}

/// The superuser of a [`PostgresServer`].
pub const USER: &str = "gonogo";
/// Its password.
pub const PASSWORD: &str = "p@ss:w/rd %41";
/// The same in a URL.
pub const PASSWORD_IN_URL: &str = "p%40ss%3Aw%2Frd%20%2541";

impl PostgresServer {
    /// Starts one. Fails the test where PostgreSQL is not installed.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more lines in its configuration.
    pub fn start_with(configuration: &[&str]) -> Self {
        let programs = newest_programs()
            .expect("this test needs PostgreSQL's server: apt-get install -y postgresql");
        let folder = out(as_owner("mktemp").args(["-d", "/tmp/gonogo-postgres-XXXXXX"]));
        let port = free_port();
        let server = Self {
            programs,
            folder,
            port,
        };
        server.make(configuration);
        server.begin();
        server
    }

    fn make(&self, configuration: &[&str]) {
        let data = self.data();
        let made = made_once(&self.programs);
        out(as_owner("cp").args(["-a", &format!("{made}/data"), &data]));
        let folder = &self.folder;
        let mut lines = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("port = {}", self.port),
            format!("unix_socket_directories = '{folder}'"),
            "fsync = off".to_owned(),
            "shared_buffers = 16MB".to_owned(),
            "max_connections = 20".to_owned(),
        ];
        lines.extend(configuration.iter().map(|line| (*line).to_owned()));
        self.append("data/postgresql.conf", &lines.join("\n"));
    }

    /// Writes a file into its folder, for it to read.
    pub fn write(&self, name: &str, text: &str) {
        self.shell("cat > \"$1\"", name, text);
    }

    /// Adds to a file in its folder.
    pub fn append(&self, name: &str, text: &str) {
        self.shell("cat >> \"$1\"", name, &format!("\n{text}\n"));
    }

    fn shell(&self, script: &str, name: &str, text: &str) {
        written(script, &format!("{}/{name}", self.folder), text);
    }

    /// Starts it, where it was made or stopped.
    pub fn begin(&self) {
        let log = format!("{}/log", self.folder);
        // -w: it comes back when the server answers. The log goes to a file, or the server would hold our pipe open.
        out(as_owner(&self.program("pg_ctl")).args([
            "-D",
            &self.data(),
            "-w",
            "-l",
            &log,
            "start",
        ]));
    }

    /// Stops it at once, as if it had crashed.
    pub fn kill(&self) {
        drop(
            as_owner(&self.program("pg_ctl"))
                .args(["-D", &self.data(), "-m", "immediate", "stop"])
                .output(),
        );
    }

    /// Its address on the loopback, password included.
    pub fn url(&self) -> String {
        self.url_as(USER, PASSWORD_IN_URL, "postgres")
    }

    /// The address for another role or database.
    pub fn url_as(&self, user: &str, password_in_url: &str, database: &str) -> String {
        let port = self.port;
        format!("postgres://{user}:{password_in_url}@127.0.0.1:{port}/{database}")
    }

    /// Its address by the socket.
    pub fn socket_dsn(&self) -> String {
        format!(
            "host={} port={} user={USER} password='{PASSWORD}' dbname=postgres",
            self.folder, self.port
        )
    }

    /// A dump of the database, the same for the same content.
    pub fn dump(&self) -> String {
        self.dump_of("postgres")
    }

    /// The same of another database.
    pub fn dump_of(&self, database: &str) -> String {
        let dsn = format!("{} dbname={database}", self.socket_dsn());
        out(as_owner(&self.program("pg_dump")).args(["--restrict-key=gonogo", "--dbname", &dsn]))
    }

    /// Has it carry out a script, as its superuser; whether it did.
    pub fn script(&self, sql: &str) -> bool {
        let mut psql = as_owner(&self.program("psql"));
        let dsn = self.socket_dsn();
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &dsn, "-c", sql]);
        psql.output().unwrap().status.success()
    }

    /// Has it carry out statements, as its superuser; one that fails does not keep it from the next.
    pub fn lines(&self, sql: &str) {
        use std::io::Write as _;
        let mut psql = as_owner(&self.program("psql"));
        let dsn = self.socket_dsn();
        psql.args(["-X", "-q", "-d", &dsn]).stdin(Stdio::piped());
        let mut child = psql.stderr(Stdio::null()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(sql.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// The one value of a question, as text.
    pub fn value(&self, sql: &str) -> String {
        let dsn = self.socket_dsn();
        out(as_owner(&self.program("psql")).args(["-X", "-q", "-A", "-t", "-d", &dsn, "-c", sql]))
    }

    /// Has a session of its own say something and stay, until this is dropped.
    pub fn hold(&self, sql: &str) -> HeldSession {
        use std::io::{BufRead as _, BufReader, Write as _};
        let dsn = self.socket_dsn();
        let mut psql = as_owner(&self.program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-d", &dsn]);
        let mut child = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = format!("{sql};\n\\echo done\n");
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(said.as_bytes())
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "done"));
        HeldSession(child)
    }

    /// Files in its folder, by a pattern.
    pub fn files(&self, pattern: &str) -> String {
        out(as_owner("find").args([&self.folder, "-name", pattern]))
    }

    /// The folder of its sockets and files.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// What a statement gives, as `psql` prints it without decoration.
    pub fn psql(&self, sql: &str) -> String {
        let port = self.port.to_string();
        let mut command = Command::new(self.program("psql"));
        command
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"])
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                USER,
                "-d",
                "postgres",
                "-c",
                sql,
            ])
            .env("PGPASSWORD", PASSWORD);
        out(&mut command)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder)
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }
}

/// A session that stays until this is dropped.
pub struct HeldSession(std::process::Child);

impl Drop for HeldSession {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        drop(as_owner("rm").args(["-rf", &self.folder]).output());
    }
}

/// An empty cluster, made once for all tests of this machine: making one takes longer than most tests, copying it does
/// not. It is moved to its place whole, so that who comes at the same time sees all of it or nothing.
fn made_once(programs: &Path) -> String {
    let version = version(programs).unwrap_or(0);
    let place = format!("/tmp/gonogo-postgres-made-{version}");
    let is_there = || {
        let made = format!("{place}/data/PG_VERSION");
        as_owner("test")
            .args(["-O", &made])
            .status()
            .unwrap()
            .success()
    };
    if is_there() {
        return place;
    }
    let folder = out(as_owner("mktemp").args(["-d", "/tmp/gonogo-postgres-XXXXXX"]));
    let (data, password) = (format!("{folder}/data"), format!("{folder}/password"));
    written("cat > \"$1\"", &password, PASSWORD);
    let initdb = programs.join("initdb");
    let initdb = initdb.to_str().expect("Debian's folders are plain text");
    out(as_owner(initdb)
        .args(["-D", &data, "-U", USER, "-A", "scram-sha-256", "-N"])
        .args([
            "-E",
            "UTF8",
            "--locale=C",
            "--wal-segsize=1",
            "--pwfile",
            &password,
        ]));
    let moved = as_owner("mv")
        .args(["-T", &folder, &place])
        .output()
        .unwrap();
    if !moved.status.success() {
        drop(as_owner("rm").args(["-rf", &folder]).output());
        assert!(is_there(), "{place} belongs to somebody else: remove it");
    }
    place
}

/// Has the owner write a text by a script, which gets the path.
fn written(script: &str, path: &str, text: &str) {
    use std::io::Write as _;
    let script = format!("umask 077; {script}");
    let mut child = as_owner("sh")
        .args(["-c", &script, "sh", path])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success(), "{path} was not written");
}

fn newest_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("pg_ctl").exists())
        .max_by_key(|folder| version(folder))
}

fn version(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

fn as_owner(program: &str) -> Command {
    as_user("postgres", program)
}
