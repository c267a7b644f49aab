//! The same system on a real PostgreSQL, started for the test from the machine's packages.
use lab::{
    Database, PostgresServer,
    metasheet2::{self, Config, Fault, Faults},
};
use tokio_postgres::{Client, NoTls, error::SqlState};

use crate::{
    client::{RELEASE, SECRET},
    faults::expected,
    scenario::{Sql, validate},
};

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
    let server = PostgresServer::start("a-password-for-the-lab").unwrap();
    let url = server.url("postgres");
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
