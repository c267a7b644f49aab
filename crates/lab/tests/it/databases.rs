//! The systems that are a database and nothing else, and the server that they can be tried on.
#![expect(
    clippy::disallowed_methods,
    reason = "the program itself is what is tried"
)]

use std::path::PathBuf;

use lab::{
    PostgresServer,
    apms::{self, Variant},
    planted::PlantedFault,
    signal_harvester,
};
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

const PASSWORD: &str = "a-password-for-the-lab";

fn server() -> PostgresServer {
    PostgresServer::start(PASSWORD).unwrap()
}

async fn connected(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database of its own on the server.
async fn database(server: &PostgresServer, name: &str) -> String {
    let admin = connected(&server.url("postgres")).await;
    let create = format!("create database {name}");
    admin.batch_execute(&create).await.unwrap();
    server.url(name)
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The condition by which a statement is refused, in a transaction that leaves nothing behind.
async fn refused_by(client: &Client, sql: &str) -> String {
    client.batch_execute("begin").await.unwrap();
    let answer = client.batch_execute(sql).await;
    client.batch_execute("rollback").await.unwrap();
    match answer {
        Ok(()) => "nothing".to_owned(),
        Err(error) => error
            .code()
            .map_or_else(|| error.to_string(), |code| code.code().to_owned()),
    }
}

/// Who started the processes that serve this port; none when the server is gone.
fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/tmp").unwrap();
    let named = |path: &PathBuf| path.to_string_lossy().contains("lab-postgres-");
    entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(named)
        .collect()
}

#[tokio::test]
async fn a_server_is_there_until_it_is_dropped_and_leaves_nothing() {
    let server = server();
    let url = server.url("postgres");
    let client = connected(&url).await;
    let row = client
        .query_one(
            "select current_setting('data_directory'), current_setting('listen_addresses')",
            &[],
        )
        .await
        .unwrap();
    let data: String = row.get(0);
    assert_eq!(row.get::<_, &str>(1), "127.0.0.1");
    let folder = PathBuf::from(data).parent().unwrap().to_owned();
    assert!(folders().contains(&folder));
    let wrong = url.replace(PASSWORD, "another");
    assert!(
        tokio_postgres::connect(&wrong, NoTls).await.is_err(),
        "nobody gets in without its password"
    );
    drop(client);
    drop(server);
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
    assert!(!folders().contains(&folder));
}

#[tokio::test]
async fn apms_has_its_tables_its_one_key_and_all_checks_but_the_forgotten_one() {
    let server = server();
    for (name, variant, checks) in [
        ("shipped", Variant::default(), 21),
        (
            "older",
            Variant {
                older_names: true,
                ..Variant::default()
            },
            21,
        ),
        (
            "whole",
            Variant {
                every_check: true,
                ..Variant::default()
            },
            22,
        ),
    ] {
        let url = database(&server, name).await;
        apms::install(&url, variant, &[]).await.unwrap();
        let client = connected(&url).await;
        let constraints = |kind| {
            format!(
                "select count(*) from pg_constraint where connamespace = 'public'::regnamespace and contype = '{kind}'"
            )
        };
        assert_eq!(count(&client, &constraints('f')).await, 1, "{name}");
        assert_eq!(count(&client, &constraints('c')).await, checks, "{name}");
        let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
        // Workspaces, users and Prisma's ledger beside the sixteen.
        assert_eq!(count(&client, tables).await, 16 + 3, "{name}");
        let column = "select count(*) from information_schema.columns where table_name = 'workflow_instances' and column_name = 'workflow_status'";
        assert_eq!(count(&client, column).await, i64::from(variant.older_names));
        let sequences = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S'";
        assert_eq!(
            count(&client, sequences).await,
            0,
            "no sequence counts on under a rollback"
        );
    }
}

#[tokio::test]
async fn apms_keeps_its_rules() {
    let server = server();
    let url = server.url("postgres");
    apms::install(&url, Variant::default(), &[]).await.unwrap();
    let client = connected(&url).await;
    let active = "(select id from config_versions where status = 'ACTIVE' order by id limit 1)";
    let refusals = [
        // A second ACTIVE, an ACTIVE that goes, one that goes back.
        (
            "insert into config_versions (workspace_id, source_type, status, created_by_user_id) \
             select workspace_id, source_type, 'ACTIVE', created_by_user_id from config_versions where status = 'ACTIVE'".to_owned(),
            "23505",
        ),
        (format!("delete from config_versions where id = {active}"), "23001"),
        (format!("update config_versions set status = 'DRAFT' where id = {active}"), "23514"),
        // What is frozen stays.
        (format!("update atp_scopes set code = 'X' where config_version_id = {active}"), "23001"),
        (format!("delete from document_templates where config_version_id = {active}"), "23001"),
        (
            "update workflow_instances set config_version_id = (select id from config_versions where status = 'ARCHIVED' limit 1)".to_owned(),
            "23001",
        ),
        // Nothing of another workspace, nothing that is not there, no stage twice.
        (
            "insert into workflow_instances (workspace_id, config_version_id, approval_policy_id, site_id, created_by_user_id) \
             select o.id, w.config_version_id, w.approval_policy_id, w.site_id, w.created_by_user_id \
             from workflow_instances w join workspaces o on o.id <> w.workspace_id limit 1".to_owned(),
            "23503",
        ),
        (
            "insert into stage_approvals (workflow_stage_id, approver_user_id, decision) \
             select id, 'u', 'APPROVED' from workflow_stages where status = 'APPROVED' limit 1".to_owned(),
            "23514",
        ),
        ("insert into config_versions (workspace_id, source_type, created_by_user_id) values (gen_random_uuid(), 'ATP_MATRIX', 'u')".to_owned(), "23503"),
        // And a draft may come at any time.
        (
            "insert into config_versions (workspace_id, source_type, created_by_user_id) \
             select workspace_id, source_type, created_by_user_id from config_versions where status = 'ACTIVE'".to_owned(),
            "nothing",
        ),
    ];
    for (sql, code) in refusals {
        assert_eq!(refused_by(&client, &sql).await, code, "{sql}");
    }
}

#[tokio::test]
async fn every_fault_of_a_database_can_be_planted_on_every_variant() {
    let server = server();
    let url = database(&server, "planted").await;
    for older_names in [false, true] {
        let variant = Variant {
            reset: true,
            older_names,
            every_check: false,
        };
        for fault in apms::faults() {
            apms::install(&url, variant, &[fault]).await.unwrap();
        }
    }
    for fault in signal_harvester::faults() {
        signal_harvester::install(&url, true, &[fault])
            .await
            .unwrap();
    }
    let all: Vec<&PlantedFault> = signal_harvester::faults().iter().collect();
    signal_harvester::install(&url, true, &[]).await.unwrap();
    let client = connected(&url).await;
    assert_eq!(
        count(&client, "select count(*) from schema_version").await,
        9
    );
    assert_eq!(all.len(), 8);
}

#[tokio::test]
async fn the_program_installs_only_where_there_is_room_or_it_is_told_to() {
    let server = server();
    let url = server.url("postgres");
    let lab = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(more).kill_on_drop(true);
        command
    };
    for system in ["apms", "signal-harvester"] {
        let installed = ["--reset", "--database", &url];
        let first = lab(&[&[system], &installed[..]].concat())
            .output()
            .await
            .unwrap();
        assert!(first.status.success(), "{first:?}");
        let again = lab(&[system, "--database", &url]).output().await.unwrap();
        assert!(!again.status.success());
        let said = String::from_utf8(again.stderr).unwrap();
        assert!(
            said.contains("it holds 19 tables") && said.contains("--reset"),
            "{said}"
        );
        assert!(!said.contains(PASSWORD), "{said}");

        let listed = lab(&[system, "--list-faults"]).output().await.unwrap();
        let faults = if system == "apms" {
            apms::faults()
        } else {
            signal_harvester::faults()
        };
        let text = String::from_utf8(listed.stdout).unwrap();
        for fault in faults {
            let entry = format!(
                "{}\n    {}\n    noticed by {}: {}\n",
                fault.name, fault.what, fault.check, fault.verdict
            );
            assert!(text.contains(&entry), "{text}");
        }
        let unknown = lab(&[system, "--database", &url, "--fault", "nonsense"])
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(unknown.stderr).unwrap();
        assert!(
            said.contains("there is no fault named \"nonsense\""),
            "{said}"
        );
    }
}
