//! Databases for the cases that are about one: a server for a test, and copies of what was installed once.

use std::process::Command;
use std::sync::Mutex;

use gonogo_probes::testing::{PASSWORD, PASSWORD_IN_URL, PostgresServer, USER};
use lab::LabError;

/// So many runs side by side, each against a database of its own.
const SIDE_BY_SIDE: usize = 2;

/// One server, and a database in it from which others are copied. Stopped when dropped.
pub struct Copies {
    server: PostgresServer,
    original: &'static str,
}

/// A database of its own.
pub struct Copied {
    /// Its address, password included.
    pub dsn: String,
    name: String,
}

impl Copies {
    /// Starts a server and installs the original.
    pub fn of<I: Future<Output = Result<(), LabError>>>(
        original: &'static str,
        install: impl FnOnce(String) -> I,
    ) -> Self {
        let server = PostgresServer::start_with(&["max_connections = 60"]);
        let copies = Self { server, original };
        let made = copies.empty(original);
        wait_for(install(made.dsn)).expect("installed");
        copies
    }

    /// A database with nothing in it.
    pub fn empty(&self, name: &str) -> Copied {
        self.make(name, "template1")
    }

    /// A copy of the original.
    pub fn copied(&self, name: &str) -> Copied {
        self.make(name, self.original)
    }

    fn make(&self, name: &str, template: &str) -> Copied {
        // Two copies of one database at a time are one too many for the server.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().expect("no panic holds it");
        let name = name.replace('-', "_");
        let sql = format!("create database {name} template {template}");
        wait_for(async {
            let (client, connection) =
                tokio_postgres::connect(&self.server.url(), tokio_postgres::NoTls)
                    .await
                    .expect("connected");
            let spoken = tokio::spawn(connection);
            client.batch_execute(&sql).await.expect("made");
            drop(client);
            drop(spoken.await);
        });
        Copied {
            dsn: self.server.url_as(USER, PASSWORD_IN_URL, &name),
            name,
        }
    }

    /// The whole database as text; the key that makes any two dumps differ is fixed.
    pub fn dump(&self, copied: &Copied) -> String {
        let output = Command::new("pg_dump")
            .args(["--restrict-key=gonogo", "-h", "127.0.0.1", "-U", USER])
            .args(["-p", &self.server.port().to_string(), &copied.name])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .expect("pg_dump starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("a dump is text")
    }
}

/// Waits for something.
pub fn wait_for<O>(what: impl Future<Output = O>) -> O {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(what)
}

/// Does something for each of a list, a few side by side; gives what was wrong.
pub fn each<T: Sync>(list: &[T], deed: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let next = Mutex::new(list.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let one = next.lock().expect("no panic holds it").next();
                    let Some(one) = one else { return };
                    let found = deed(one);
                    wrong.lock().expect("no panic holds it").extend(found);
                }
            });
        }
    });
    wrong.into_inner().expect("no panic holds it")
}
