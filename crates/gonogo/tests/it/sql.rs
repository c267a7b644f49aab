//! A runbook for a database: what preflight finds – a type, a column's name, ids – is used by what follows.

use std::path::Path;

use gonogo_probes::testing::PostgresServer;

use crate::rig::{Ended, folder, gonogo};

const HEAD: &str = "gonogo: 1
name: Master tables
inputs:
  dsn: { secret: true }
environments:
  local:
    allow: [write]
    targets:
      db: { postgres: '${inputs.dsn}' }
gates:
";

const SCHEMA: &str = "-- what one environment has
create schema app;
create type app.\"instanceStatus\" as enum ('DRAFT', 'ACTIVE');
create table app.workspaces (
    id uuid primary key, budget numeric(40, 10), created_at timestamptz, tags text[], config jsonb, active bool,
    raw bytea, code text
);
insert into app.workspaces values
    ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 123456789012345678901234567890.0123456789, '2026-03-01 10:00:00.123456+05',
     '{a,\"b,c\"}', '{\"a\": [1, null, {\"b\": 0.1}]}', true, '\\x00ff5c', null),
    ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'NaN', 'infinity', '{}', '{}', false, '', '007');
create table app.instances (
    workspace_id uuid references app.workspaces (id), \"currentStatus\" app.\"instanceStatus\" not null
);
";

const PREFLIGHT: &str = "  preflight:
    title: What this environment calls things
    checks:
      - id: status-column
        sql: |
          select column_name, udt_schema, udt_name from information_schema.columns
          where table_name = $1 and lower(replace(column_name, '_', '')) = any($2)
        bind: [instances, [status, currentstatus]]
        expect: size(rows) == 1
        save:
          column: rows[0].column_name
          schema: rows[0].udt_schema
          type: rows[0].udt_name
      - id: workspaces
        sql: select * from app.workspaces order by id
        expect: size(rows) == 2
        save: { all: rows, one: 'rows[0]', two: 'rows[1]' }
";

const LIFECYCLE: &str = "  lifecycle:
    title: An instance becomes active
    needs: [preflight]
    transaction: rollback
    checks:
      - id: values-come-back
        sql: |
          select id = $1 and budget = $2 and created_at = $3 and tags = $4 and config = $5 and active = $6 and raw = $7
            and $8::text is null and jsonb_array_length($9) = 2 as same
          from app.workspaces where id = $1
        bind:
          - ${saved.one.id}
          - ${saved.one.budget}
          - ${saved.one.created_at}
          - ${saved.one.tags}
          - ${saved.one.config}
          - ${saved.one.active}
          - ${saved.one.raw}
          - ${saved.one.code}
          - ${saved.all}
        expect:
          - rows[0].same
      - id: edges-come-back
        sql: |
          select budget = $1 and created_at = $2 and tags = $3 and config = $4 and not active and not $5 and raw = $6
            and code = $7 as same
          from app.workspaces where id = $8
        bind: ['${saved.two.budget}', '${saved.two.created_at}', '${saved.two.tags}', '${saved.two.config}',
          '${saved.two.active}', '${saved.two.raw}', '${saved.two.code}', '${saved.two.id}']
        expect:
          - rows[0].same
      - id: insert
        sql: insert into app.instances (workspace_id, :\"column\") values ($1, $2::text::app.:\"type\")
        identifiers:
          column: ${saved.column}
          type: ${saved.type}
        bind: ['${saved.one.id}', DRAFT]
        expect: affected == 1
      - id: activate
        sql: update app.instances set :\"column\" = 'ACTIVE' where workspace_id = $1
        identifiers: { column: '${saved.column}' }
        bind: ['${saved.one.id}']
        expect: affected == 1
";

const AFTER: &str = "  after:
    title: Nothing stayed
    checks:
      - sql: select count(*) as n from app.instances
        expect: rows[0].n == 0
";

fn run(folder: &Path, server: &PostgresServer, gates: &str) -> Ended {
    std::fs::write(folder.join("plan.yaml"), format!("{HEAD}{gates}")).unwrap();
    let dsn = format!("dsn={}", server.url());
    gonogo(
        folder,
        &["run", "plan.yaml", "--env", "local", "--json", "-i", &dsn],
    )
}

const SETUP: &str = "  setup:
    title: A schema
    checks:
      - sql: { file: sql/schema.sql }
        writes: true
        expect: size(statements) == 5
";

fn set_up(folder: &Path, server: &PostgresServer, schema: &str) -> Ended {
    std::fs::create_dir_all(folder.join("sql")).unwrap();
    std::fs::write(folder.join("sql/schema.sql"), schema).unwrap();
    let ended = run(folder, server, SETUP);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn what_preflight_finds_is_used_as_values_and_as_names() {
    let (folder, server) = (folder(), PostgresServer::start());
    let set_up = set_up(folder.path(), &server, SCHEMA);
    let script = set_up.run().join("files/sql/schema.sql");
    let kept = std::fs::read_to_string(folder.path().join(script)).unwrap();
    assert_eq!(kept, SCHEMA, "the bundle holds the script");
    let verify = gonogo(folder.path(), &["verify", set_up.run().to_str().unwrap()]);
    assert_eq!(verify.code, 0, "{}{}", verify.stdout, verify.stderr);
    let ended = run(
        folder.path(),
        &server,
        &format!("{PREFLIGHT}{LIFECYCLE}{AFTER}"),
    );
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.json()["verdict"], "GO");
    assert_eq!(ended.json()["rehearsal"], true);
}

#[test]
fn where_the_column_is_missing_what_needs_it_is_skipped_with_the_reason() {
    let (folder, server) = (folder(), PostgresServer::start());
    let other = SCHEMA
        .replace("\\\"currentStatus\\\"", "phase")
        .replace("\"currentStatus\"", "phase");
    set_up(folder.path(), &server, &other);
    let ended = run(
        folder.path(),
        &server,
        &format!("{PREFLIGHT}{LIFECYCLE}{AFTER}"),
    );
    assert!([1, 2].contains(&ended.code), "{}", ended.stdout);
    assert_ne!(ended.json()["verdict"], "GO");
    assert_ne!(ended.outcome("preflight/status-column"), "pass");
    assert_eq!(ended.outcome("lifecycle/insert"), "skipped");
    assert!(ended.stdout.contains("preflight"), "{}", ended.stdout);
    let document = ended.json();
    let gates = document["gates"].as_array().unwrap();
    let lifecycle = gates.iter().find(|g| g["id"] == "lifecycle").unwrap();
    let message = lifecycle["checks"][2]["message"].as_str().unwrap();
    assert!(message.contains("preflight"), "{message}");
}

#[test]
fn a_name_that_is_not_there_is_no_pass_and_the_nearest_is_told() {
    let (folder, server) = (folder(), PostgresServer::start());
    set_up(folder.path(), &server, SCHEMA);
    let gate = "  names:
    title: A name
    checks:
      - id: typo
        sql: select count(:\"column\") as n from app.instances
        identifiers: { column: curentStatus }
        expect: rows[0].n == 0
";
    let ended = run(folder.path(), &server, gate);
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.outcome("names/typo"), "error");
    assert!(ended.stdout.contains("currentStatus"), "{}", ended.stdout);
}

#[test]
fn a_script_that_cannot_be_run_is_refused_before_anything_is_sent() {
    let folder = folder();
    let lint = |sql: &str| {
        std::fs::create_dir_all(folder.path().join("sql")).unwrap();
        std::fs::write(folder.path().join("sql/schema.sql"), sql).unwrap();
        std::fs::write(folder.path().join("plan.yaml"), format!("{HEAD}{SETUP}")).unwrap();
        gonogo(folder.path(), &["lint", "plan.yaml"])
    };
    for (sql, line, said) in [
        ("select 1;\n\\set x 1\n", 2, "`\\set`"),
        ("select 1;\n\n/* */ commit;", 3, "`COMMIT`"),
        ("select $1;", 1, "parameter $1"),
        ("select :\"x\";", 1, "`:\"x\"`"),
    ] {
        let ended = lint(sql);
        assert_eq!(ended.code, 64, "{sql}");
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(
            all.contains(said) && all.contains(&format!("sql/schema.sql:{line}:")),
            "{all}"
        );
    }
    std::fs::remove_file(folder.path().join("sql/schema.sql")).unwrap();
    let ended = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(ended.code, 64);
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains("sql/schema.sql"));
}
