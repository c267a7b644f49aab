//! Each fault is noticed by the check whose work it is, and disturbs nothing but what depends on it.

use std::path::Path;

use lab::{
    Database,
    metasheet2::{self, Config, Fault, Faults, faults},
};
use rusqlite::{Connection, ErrorCode};

use crate::{
    client::{RELEASE, SECRET},
    scenario::{Seen, Sql, validate},
};

/// What else must fail with a fault, beside the check whose work it is.
pub(crate) fn dependants(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::EffectBlockNotEnforced => &["effects/blocked-delete-refused"],
        Fault::SlowP95 => &["(p95)"],
        Fault::SlowTail => &["(p99)"],
        Fault::ErrorsTwoPercent => &["(errors)", "metrics/http-errors"],
        Fault::NoTooManyRequests => &["metrics/rate-limited", "rate-limit/retry-after"],
        Fault::DuplicateNameAccepted => &["unique-names/api-refuses-it-too"],
        _ => &[],
    }
}

/// Everything that must fail with a fault, in order.
pub(crate) fn expected(fault: Fault) -> Vec<&'static str> {
    let mut expected = dependants(fault).to_vec();
    expected.push(fault.info().check);
    expected.sort_unstable();
    expected
}

async fn validated(faults: Faults) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.sqlite");
    let config = Config {
        database: Database::Sqlite(path.clone()),
        faults: faults.clone(),
        ..Config::new(SECRET, RELEASE)
    };
    let lab = metasheet2::start(config).await.unwrap();
    validate(&lab, &faults, async |name| look(&path, name)).await
}

fn look(path: &Path, rule: &str) -> Sql {
    let mut connection = Connection::open(path).unwrap();
    let tables = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";
    let tables = connection
        .prepare(tables)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let migrations = "select max(version), count(*) from schema_migrations";
    let migrations = connection
        .query_row(migrations, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let transaction = connection.transaction().unwrap();
    let workspace: String = transaction
        .query_row(
            "select id from workspaces where name = $1",
            ["demo"],
            |row| row.get(0),
        )
        .unwrap();
    let insert =
        "insert into protection_rules (workspace_id, name, effect) values ($1, $2, 'block')";
    let refused = transaction.execute(insert, [&workspace, rule]).err();
    let duplicate_refused =
        refused.and_then(|error| error.sqlite_error_code()) == Some(ErrorCode::ConstraintViolation);
    Sql {
        tables,
        migrations,
        duplicate_refused,
    }
}

#[tokio::test(start_paused = true)]
async fn a_flawless_system_raises_no_alarm() {
    let seen = validated(Faults::new()).await;
    assert_eq!(seen.failed(), Vec::<&str>::new());
    for info in faults() {
        assert!(
            seen.has(info.check),
            "no check {} that could notice {}",
            info.check,
            info.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_seen_by_its_check_and_by_nothing_but_its_dependants() {
    for info in faults()
        .iter()
        .filter(|info| info.fault != Fault::WrongJwtSecret)
    {
        let seen = validated(Faults::from([info.fault])).await;
        assert_eq!(seen.failed(), expected(info.fault), "with {}", info.name);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_wrong_secret_everything_that_needs_a_token_fails_and_nothing_else() {
    let failed = validated(Faults::from([Fault::WrongJwtSecret]))
        .await
        .failed();
    assert!(failed.contains(&"credentials/token-accepted"), "{failed:?}");
    for untouched in [
        "subject/start",
        "subject/end",
        "health/database",
        "auth/no-token",
        "schema/tables",
        "schema/migrations",
        "secrets/repository",
    ] {
        assert!(!failed.contains(&untouched), "{failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_faults_are_seen_side_by_side() {
    let failed = validated(Faults::from([
        Fault::WrongStatusCode,
        Fault::TagQueryTooMuch,
    ]))
    .await
    .failed();
    assert_eq!(failed, ["api/update-rule", "snapshots/query-by-tag"]);
}
