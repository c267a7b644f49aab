//! Schema snapshots, drift and the relations of a database, as a user sees them.

use std::path::Path;

use gonogo_probes::testing::{MariaDbServer, PASSWORD, PostgresServer};
use serde_json::Value as Json;

use crate::rig::{folder, gonogo, run_plan};

const MADE: &str = "create table orgs (id bigint primary key, name text not null);
create table users (id bigint primary key, org_id bigint references orgs, email text not null check (email like '%@%'));
create index users_org_id on users (org_id);
insert into orgs values (1, 'demo'); insert into users values (1, 1, 'a@example.org');";

const DRIFT: &str = "
      - id: drift
        schema: public
        expected: schema.json
        expect: drift == []
";

fn plan(kind: &str, url: &str, checks: &str) -> String {
    format!(
        "gonogo: 1\nname: schemas\ninputs:\n  dsn: {{ secret: true, file: dsn }}\nenvironments:\n  local:\n    targets:\n      db: {{ {kind}: '{url}' }}\ngates:\n  schema:\n    title: The schema is as it should be\n    checks:{checks}"
    )
}

/// Makes statements that stay.
fn make(server: &PostgresServer, statements: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        let driven = tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
        drop(client);
        driven.await.unwrap().unwrap();
    });
}

fn take(folder: &Path, out: &str) {
    let taken = gonogo(
        folder,
        &[
            "snapshot",
            "schema",
            "plan.yaml",
            "--env",
            "local",
            "--out",
            out,
        ],
    );
    assert_eq!(
        (taken.code, taken.stdout.as_str()),
        (0, ""),
        "{}",
        taken.stderr
    );
}

fn report(run: &Path, name: &str) -> String {
    std::fs::read_to_string(run.join(name)).unwrap()
}

#[test]
fn a_dropped_column_is_no_go_with_the_diff_in_every_report() {
    let server = PostgresServer::start();
    make(&server, MADE);
    let folder = folder();
    std::fs::write(folder.path().join("dsn"), server.url()).unwrap();
    let plan = plan("postgres", "${inputs.dsn}", DRIFT);
    std::fs::write(folder.path().join("plan.yaml"), &plan).unwrap();
    // The plan names the snapshot that is only now made.
    let lint = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(lint.code, 64);
    assert!(lint.stderr.contains("missing-file"), "{}", lint.stderr);
    take(folder.path(), "schema.json");
    let clean = run_plan(folder.path(), &plan, &[]);
    assert_eq!(
        (clean.code, clean.outcome("schema/drift").as_str()),
        (0, "pass"),
        "{}",
        clean.stderr
    );
    assert_eq!(clean.json()["rehearsal"], true);
    assert!(
        folder
            .path()
            .join(clean.run())
            .join("files/schema.json")
            .is_file()
    );
    assert!(
        report(&folder.path().join(clean.run()), "report.html")
            .contains("No drift from schema.json")
    );

    make(&server, "alter table users drop column email");
    let drifted = run_plan(folder.path(), &plan, &[]);
    assert_eq!(
        (drifted.code, drifted.outcome("schema/drift").as_str()),
        (1, "fail"),
        "{}",
        drifted.stderr
    );
    let run = folder.path().join(drifted.run());
    let terminal = gonogo(
        folder.path(),
        &["report", run.to_str().unwrap(), "--format", "text"],
    )
    .stdout;
    for (name, text) in [
        ("terminal", terminal),
        ("markdown", report(&run, "report.md")),
        ("html", report(&run, "report.html")),
    ] {
        let plain = text.replace('\\', "");
        assert!(
            plain.contains("column users.email text not null"),
            "{name}:\n{text}"
        );
        assert!(plain.contains("users.users_email_check"), "{name}:\n{text}");
        assert!(!text.contains(PASSWORD), "{name}");
    }
    // The verdict is recomputed from the bundle alone.
    drop(server);
    std::fs::remove_file(folder.path().join("schema.json")).unwrap();
    let verified = gonogo(folder.path(), &["verify", run.to_str().unwrap()]);
    assert_eq!(verified.code, 1, "{}{}", verified.stdout, verified.stderr);
    assert!(
        verified.stdout.contains("byte for byte"),
        "{}",
        verified.stdout
    );
}

#[test]
fn a_snapshot_that_was_changed_by_hand_is_64_at_its_place() {
    let folder = folder();
    sqlite(
        &folder.path().join("app.db"),
        "create table t (a int not null, b text)",
    );
    let plan = plan("sqlite", "app.db", &DRIFT.replace("public", "main"));
    std::fs::write(folder.path().join("plan.yaml"), &plan).unwrap();
    take(folder.path(), "schema.json");
    let path = folder.path().join("schema.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let edits = [
        (
            whole.replace("\"nullable\": false", "\"nullable\": true"),
            "schema.json:8:3",
            "was changed after it was taken",
        ),
        (
            whole.replace("\"kind\": \"table\"", "\"kind\": table"),
            "schema.json:1",
            "expected",
        ),
        (
            whole.replace("\"model\"", "\"moddel\""),
            "schema.json:",
            "unknown field `moddel`",
        ),
        (
            whole.replace("\"gonogo_snapshot\": 1", "\"gonogo_snapshot\": 7"),
            "schema.json:2:3",
            "version 7",
        ),
        (
            whole.replace("\"kind\": \"schema\"", "\"kind\": \"other\""),
            "schema.json:3:3",
            "no kind of snapshot",
        ),
        (whole[..whole.len() / 2].to_owned(), "schema.json:", "EOF"),
        (String::new(), "schema.json:1:1", "EOF"),
    ];
    for (text, place, message) in edits {
        std::fs::write(&path, &text).unwrap();
        let refused = run_plan(folder.path(), &plan, &[]);
        assert_eq!(refused.code, 64, "{}", refused.stdout);
        let diagnostic = &refused.json()["diagnostics"][0];
        let said = format!(
            "{}:{}:{}",
            diagnostic["file"].as_str().unwrap(),
            diagnostic["line"],
            diagnostic["column"]
        );
        assert!(said.starts_with(place), "{said}: {diagnostic}");
        assert!(
            diagnostic["message"].as_str().unwrap().contains(message),
            "{diagnostic}"
        );
        assert!(diagnostic["help"].is_string(), "{diagnostic}");
        let diffed = gonogo(folder.path(), &["diff", "schema.json", "schema.json"]);
        assert_eq!(diffed.code, 64, "{}", diffed.stdout);
        assert!(diffed.stderr.contains(place), "{}", diffed.stderr);
    }
    assert!(!folder.path().join("runs").exists(), "nothing ran");
}

fn sqlite(path: &Path, statements: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(statements)
        .unwrap();
}

#[test]
fn two_snapshots_are_compared_by_exit_code_text_and_json() {
    let folder = folder();
    let database = folder.path().join("app.db");
    sqlite(
        &database,
        "create table users (id integer primary key, email text not null)",
    );
    let plan = plan(
        "sqlite",
        "app.db",
        "\n      - schema: main\n        expect: size(table_names) == 1\n",
    );
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    take(folder.path(), "a.json");
    take(folder.path(), "same.json");
    let same = gonogo(folder.path(), &["diff", "a.json", "same.json"]);
    assert_eq!(same.code, 0, "{}", same.stderr);
    assert!(same.stdout.contains("the same schema: "), "{}", same.stdout);
    sqlite(
        &database,
        "alter table users drop column email; alter table users add column mail text; create table more (a int)",
    );
    take(folder.path(), "b.json");
    let drifted = gonogo(folder.path(), &["diff", "a.json", "b.json"]);
    assert_eq!(drifted.code, 1, "{}", drifted.stderr);
    assert!(
        drifted.stdout.contains("+ table more (a int)\n- column users.email text not null\n+ column users.mail text\n3 things differ\n"),
        "{}",
        drifted.stdout
    );
    assert!(
        !drifted.stdout.contains('\u{1b}'),
        "no colour where there is no terminal"
    );
    let json = gonogo(folder.path(), &["diff", "a.json", "b.json", "--json"]);
    assert_eq!(json.code, 1);
    let document = json.json();
    assert_eq!(
        (&document["kind"], &document["equal"]),
        (&Json::from("schema"), &Json::from(false))
    );
    let whats: Vec<&str> = document["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        whats,
        ["table more", "column users.email", "column users.mail"]
    );
    let markdown = gonogo(
        folder.path(),
        &[
            "snapshot",
            "schema",
            "plan.yaml",
            "--env",
            "local",
            "--format",
            "md",
        ],
    );
    assert_eq!(markdown.code, 0);
    assert!(
        markdown.stdout.contains("| users | 2 | id | 0 | 0 | 0 |"),
        "{}",
        markdown.stdout
    );
    std::fs::write(folder.path().join("other.json"), r#"{"gonogo_snapshot": 1, "kind": "schema", "taken_at": "2026-01-01T00:00:00Z", "engine": "PostgreSQL 15.1", "database": "x", "schemas": ["public"], "model": {}}"#).unwrap();
    let other = gonogo(folder.path(), &["diff", "a.json", "other.json", "--json"]);
    assert_eq!(
        (other.code, other.json()["diagnostics"][0]["code"].as_str()),
        (64, Some("not-comparable"))
    );
    let none = gonogo(folder.path(), &["diff", "a.json", "nowhere.json"]);
    assert_eq!(none.code, 64);
}

#[test]
fn a_snapshot_of_what_is_not_there_writes_nothing_and_says_why() {
    let folder = folder();
    let plan = plan(
        "sqlite",
        "absent.db",
        "\n      - schema: main\n        expect: size(table_names) == 1\n",
    );
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let none = gonogo(
        folder.path(),
        &[
            "snapshot",
            "schema",
            "plan.yaml",
            "--env",
            "local",
            "--out",
            "s.json",
        ],
    );
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(
        none.stderr.contains("not observed") && none.stderr.contains("absent.db"),
        "{}",
        none.stderr
    );
    assert!(!folder.path().join("s.json").exists());
    let target = [
        "snapshot",
        "schema",
        "plan.yaml",
        "--env",
        "local",
        "--target",
        "bd",
    ];
    let wrong = gonogo(folder.path(), &target);
    assert_eq!(wrong.code, 64);
    assert!(
        wrong.stderr.contains("did you mean `db`?"),
        "{}",
        wrong.stderr
    );
    sqlite(&folder.path().join("absent.db"), "create table t (a int)");
    let schema = [
        "snapshot",
        "schema",
        "plan.yaml",
        "--env",
        "local",
        "--schema",
        "public",
    ];
    let wrong = gonogo(folder.path(), &schema);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("there is no schema `public`"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn an_orphan_a_duplicate_and_a_wrong_version_are_each_no_go() {
    let folder = folder();
    let database = folder.path().join("app.db");
    sqlite(
        &database,
        "create table schema_version (version integer); insert into schema_version values (9);
         create table workspaces (id integer primary key); insert into workspaces values (1);
         create table config_versions (workspace_id integer, source_type text, status text);
         insert into config_versions values (1, 'a', 'ACTIVE'), (1, 'a', 'DRAFT');",
    );
    let checks = r"
      - id: all
        schema: main
        relations:
          - config_versions.workspace_id -> workspaces.id
        duplicates:
          - table: config_versions
            columns: [workspace_id, source_type]
            where: status = 'ACTIVE'
        expect:
          - migrations.schema_version.version == 9
          - size(table_names) == 3
          - tables.workspaces.columns.id.type == 'integer'
          - relations['config_versions.workspace_id -> workspaces.id'].orphans == 0
          - relations['config_versions.workspace_id -> workspaces.id'].types_agree
          - duplicates['config_versions(workspace_id, source_type)'] == 0
";
    let plan = plan("sqlite", "app.db", checks);
    let clean = run_plan(folder.path(), &plan, &[]);
    assert_eq!(clean.code, 0, "{}{}", clean.stdout, clean.stderr);
    let faults = [
        (
            "insert into config_versions values (7, 'a', 'DRAFT')",
            "delete from config_versions where workspace_id = 7",
            "orphans is 1",
        ),
        (
            "insert into config_versions values (1, 'a', 'ACTIVE')",
            "delete from config_versions where rowid = (select max(rowid) from config_versions)",
            "is 1",
        ),
        (
            "update schema_version set version = 8",
            "update schema_version set version = 9",
            "version is 8",
        ),
    ];
    for (fault, mend, said) in faults {
        sqlite(&database, fault);
        let ended = run_plan(folder.path(), &plan, &[]);
        assert_eq!(ended.code, 1, "{fault}: {}", ended.stdout);
        assert!(ended.stdout.contains(said), "{fault}: {}", ended.stdout);
        sqlite(&database, mend);
    }
}

#[test]
fn an_empty_database_is_never_go() {
    let folder = folder();
    sqlite(&folder.path().join("app.db"), "vacuum");
    for expect in [
        "tables.all(t, tables[t].columns.size() > 0)",
        "counts.triggers == 0",
        "unindexed_foreign_keys == []",
        "migrations == {}",
    ] {
        let checks = format!("\n      - schema: main\n        expect:\n          - \"{expect}\"\n");
        let ended = run_plan(folder.path(), &plan("sqlite", "app.db", &checks), &[]);
        assert_eq!(ended.code, 2, "{expect}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_dropped_column_on_mariadb_is_no_go_and_snapshots_of_both_kinds_are_taken() {
    let server = MariaDbServer::start();
    let folder = folder();
    std::fs::write(folder.path().join("dsn"), server.url()).unwrap();
    server.sql(
        "use app; create table users (id int primary key, email varchar(40) not null, note text)",
    );
    let checks = DRIFT.replace("schema: public", "schema: app");
    let plan = plan("mysql", "${inputs.dsn}", &checks);
    std::fs::write(folder.path().join("plan.yaml"), &plan).unwrap();
    take(folder.path(), "schema.json");
    let clean = run_plan(folder.path(), &plan, &[]);
    assert_eq!(clean.code, 0, "{}\n{}", clean.stdout, clean.stderr);
    server.sql("use app; alter table users drop column note");
    let drifted = run_plan(folder.path(), &plan, &[]);
    assert_eq!(drifted.code, 1, "{}\n{}", drifted.stdout, drifted.stderr);
    let told = report(&folder.path().join(drifted.run()), "report.md");
    assert!(told.contains("- column users.note text"), "{told}");
    let sizes = ["snapshot", "capacity", "plan.yaml", "--env", "local"];
    let sizes = gonogo(folder.path(), &sizes);
    assert_eq!(sizes.code, 0, "{}", sizes.stderr);
    let json: Json = serde_json::from_str(&sizes.stdout).unwrap();
    assert_eq!(json["kind"], "capacity");
    assert_eq!(json["tables"][0]["name"], "users");
    // An address that names no database leaves open which schema is meant.
    let bare = server.url().trim_end_matches("/app").to_owned();
    std::fs::write(folder.path().join("dsn"), bare).unwrap();
    let asked = ["snapshot", "schema", "plan.yaml", "--env", "local"];
    let asked = gonogo(folder.path(), &asked);
    assert_eq!(asked.code, 64, "{}", asked.stderr);
    assert!(asked.stderr.contains("--schema NAME"), "{}", asked.stderr);
}
