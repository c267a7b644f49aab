//! The same system on a real PostgreSQL, started for the test from the machine's packages.
#![expect(
    clippy::disallowed_methods,
    reason = "a database server is a program that must be started"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use lab::{
    Database,
    metasheet2::{self, Config, Fault, Faults},
};
use tokio_postgres::{Client, NoTls, error::SqlState};

use crate::{
    client::{RELEASE, SECRET},
    faults::expected,
    scenario::{Sql, validate},
};

/// A server of its own, reached by a socket in its folder; stopped and removed at the end.
struct Server {
    programs: PathBuf,
    folder: String,
}

impl Server {
    fn start() -> Self {
        let programs =
            newest_programs().expect("these tests need PostgreSQL: apt-get install -y postgresql");
        let folder = out(as_owner("mktemp").args(["-d", "/tmp/lab-postgres-XXXXXX"]));
        let server = Self { programs, folder };
        let data = format!("{}/data", server.folder);
        out(as_owner(&server.program("initdb"))
            .args(["-D", &data, "-U", "lab", "-A", "trust", "-N", "-E", "UTF8"]));
        let options = format!("-F -c listen_addresses='' -k {}", server.folder);
        let log = format!("{}/log", server.folder);
        // -w: it comes back when the server answers. The log goes to a file, or the server would hold our pipe open.
        out(as_owner(&server.program("pg_ctl"))
            .args(["-D", &data, "-w", "-l", &log, "-o", &options, "start"]));
        server
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }

    fn url(&self) -> String {
        format!("postgres:///postgres?user=lab&host={}", self.folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = format!("{}/data", self.folder);
        drop(
            as_owner(&self.program("pg_ctl"))
                .args(["-D", &data, "-m", "immediate", "stop"])
                .output(),
        );
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn newest_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    programs
        .filter(|folder| folder.join("pg_ctl").exists())
        .max_by_key(|folder| version(folder))
}

fn version(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

/// A command as somebody whom the server lets be its owner: not root.
fn as_owner(program: &str) -> Command {
    if out(Command::new("id").arg("-u")) == "0" {
        let mut command = Command::new("runuser");
        command
            .args(["-u", "postgres", "--", program])
            .current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

fn out(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(
        status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

async fn look(url: &str, rule: &str) -> Sql {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let sql = asked(&mut client, rule).await;
    drop(client);
    connection.await.unwrap().unwrap();
    sql
}

async fn asked(client: &mut Client, rule: &str) -> Sql {
    let tables = "select table_name::text from information_schema.tables where table_schema = 'public' order by 1";
    let tables = client
        .query(tables, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let migrations = client
        .query_one("select max(version), count(*) from schema_migrations", &[])
        .await
        .unwrap();
    let transaction = client.transaction().await.unwrap();
    let workspace = transaction
        .query_one("select id from workspaces where name = $1", &[&"demo"])
        .await
        .unwrap();
    let workspace: String = workspace.get(0);
    let insert =
        "insert into protection_rules (workspace_id, name, effect) values ($1, $2, 'block')";
    let refused = transaction
        .execute(insert, &[&workspace, &rule])
        .await
        .err();
    let duplicate_refused =
        refused.is_some_and(|error| error.code() == Some(&SqlState::UNIQUE_VIOLATION));
    Sql {
        tables,
        migrations: (migrations.get(0), migrations.get(1)),
        duplicate_refused,
    }
}

#[tokio::test(start_paused = true)]
async fn on_postgresql_the_system_and_its_faults_are_the_same() {
    let server = Server::start();
    let url = server.url();
    let planted = [
        None,
        Some(Fault::MissingTable),
        Some(Fault::MigrationMissing),
        Some(Fault::DuplicateNameAccepted),
        Some(Fault::TagQueryTooMuch),
        Some(Fault::UnhealthyDatabase),
    ];
    for fault in planted {
        let faults: Faults = fault.into_iter().collect();
        let database = Database::Postgres(url.clone());
        let config = Config {
            database,
            reset: true,
            faults: faults.clone(),
            ..Config::new(SECRET, RELEASE)
        };
        let lab = metasheet2::start(config).await.unwrap();
        assert_eq!(lab.database_url(), url);
        let seen = validate(&lab, &faults, async |name| look(&url, name).await).await;
        assert_eq!(
            seen.failed(),
            fault.map(expected).unwrap_or_default(),
            "with {fault:?}"
        );
        lab.stop().await;
    }
}
