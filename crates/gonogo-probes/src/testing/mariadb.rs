//! MariaDB.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::{PASSWORD, PASSWORD_IN_URL, USER, as_user, free_port, out};

/// A MariaDB of its own, on a free port of the loopback and a socket in its folder; stopped and removed at the end.
pub struct MariaDbServer {
    folder: String,
    port: u16,
    child: Child,
}

impl MariaDbServer {
    /// Starts one. Fails the test where MariaDB is not installed.
    pub fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// Starts one with more options, made for its folder.
    pub fn start_with(options: impl FnOnce(&Self) -> Vec<String>) -> Self {
        let folder = out(as_owner("mktemp").args(["-d", "/tmp/gonogo-mariadb-XXXXXX"]));
        let mut server = Self {
            folder,
            port: free_port(),
            child: Command::new("true").spawn().unwrap(),
        };
        let made = format!("{}/.", made_once());
        out(as_owner("cp").args(["-a", &made, &server.folder]));
        let more = options(&server);
        server.begin(&more);
        server.sql(&format!(
            "create user '{USER}'@'%' identified by '{PASSWORD}'; grant all on *.* to '{USER}'@'%' with grant option; \
             create database app character set utf8mb4"
        ));
        server
    }

    fn begin(&mut self, more: &[String]) {
        drop(self.child.wait());
        let folder = &self.folder;
        self.child = as_owner("/usr/sbin/mariadbd")
            .args([
                "--no-defaults".to_owned(),
                format!("--socket={folder}/socket"),
                format!("--pid-file={folder}/pid"),
                format!("--port={}", self.port),
                "--bind-address=127.0.0.1".to_owned(),
                "--innodb-flush-log-at-trx-commit=0".to_owned(),
            ])
            .args(small_and_apart(folder))
            .args(more)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs MariaDB's server: apt-get install -y mariadb-server");
        let mut log = BufReader::new(self.child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        loop {
            let line = log
                .next()
                .unwrap_or_else(|| panic!("MariaDB did not start: {said:#?}"))
                .unwrap();
            if line.contains("ready for connections") {
                break;
            }
            said.push(line);
        }
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
    }

    /// Writes a file into its folder, for it to read; gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        use std::io::Write as _;
        let path = format!("{}/{name}", self.folder);
        let mut child = as_owner("sh")
            .args(["-c", "umask 077; cat > \"$1\"", "sh", &path])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{name} was not written");
        path
    }

    /// What statements give, said by its superuser on the socket.
    pub fn sql(&self, sql: &str) -> String {
        let socket = format!("--socket={}/socket", self.folder);
        out(as_owner("mariadb").args([
            "--no-defaults",
            &socket,
            "-u",
            "root",
            "-N",
            "-B",
            "-e",
            sql,
        ]))
    }

    /// Its address on the loopback, password included.
    pub fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    /// The same by another name.
    pub fn url_at(&self, host: &str) -> String {
        format!("mysql://{USER}:{PASSWORD_IN_URL}@{host}:{}/app", self.port)
    }

    /// Its address with another user and database.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        format!(
            "mysql://{user}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Its address by the socket.
    pub fn socket_url(&self) -> String {
        format!(
            "mysql://{USER}:{PASSWORD_IN_URL}@localhost/app?socket={}/socket",
            self.folder
        )
    }
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        let pid = format!("{}/pid", self.folder);
        // It may be run by `runuser`, which passes no KILL on.
        drop(
            as_owner("sh")
                .args(["-c", "kill -9 \"$(cat \"$1\")\"", "sh", &pid])
                .output(),
        );
        drop(self.child.wait());
        drop(as_owner("rm").args(["-rf", &self.folder]).output());
    }
}

/// An empty server's files, made once for all tests of this machine and moved to their place whole.
fn made_once() -> String {
    let place = "/tmp/gonogo-mariadb-made".to_owned();
    let is_there = || {
        let made = format!("{place}/data/mysql");
        let test = as_owner("test").args(["-O", &made]).status();
        test.unwrap().success()
    };
    if is_there() {
        return place;
    }
    let folder = out(as_owner("mktemp").args(["-d", "/tmp/gonogo-mariadb-XXXXXX"]));
    out(as_owner("mkdir").arg(format!("{folder}/tmp")));
    out(as_owner("mariadb-install-db")
        .args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ])
        .args(small_and_apart(&folder)));
    let moved = as_owner("mv").args(["-T", &folder, &place]).output();
    if !moved.unwrap().status.success() {
        drop(as_owner("rm").args(["-rf", &folder]).output());
        assert!(is_there(), "{place} belongs to somebody else: remove it");
    }
    place
}

/// Whatever else runs: a MariaDB that starts removes all `#sql…` files of its temporary folder, which by default is
/// everybody's /tmp, so that those of another one that is being installed or works are gone. And little to write.
fn small_and_apart(folder: &str) -> [String; 5] {
    [
        format!("--datadir={folder}/data"),
        format!("--tmpdir={folder}/tmp"),
        "--innodb-log-file-size=8M".to_owned(),
        "--innodb-buffer-pool-size=16M".to_owned(),
        "--innodb-flush-method=nosync".to_owned(),
    ]
}

fn as_owner(program: &str) -> Command {
    as_user("mysql", program)
}
