//! A gate with `transaction: rollback`, through the whole program: what it proves, says, and leaves when it is killed.

use std::path::Path;
use std::process::Stdio;

use gonogo_probes::testing::PostgresServer;

use crate::rig::{Ended, command, folder, run_plan};

const SHOP: &str = "create role app login password 'app'; grant all on schema public to app; set role app; \
    create table orders (id serial primary key, note text); insert into orders (note) values ('one'), ('two'); \
    create sequence numbers; create table fence (a int)";

const STATEMENTS: [&str; 7] = [
    "insert into orders (note) values ('three')",
    "select nextval('numbers')",
    "create table more (id serial primary key, note text)",
    "update orders set note = 'x'",
    "select setval('numbers', 99)",
    "delete from orders where id = 1",
    "do $$ begin insert into more (note) values ('y'); end $$",
];

fn shop() -> PostgresServer {
    let server = PostgresServer::start();
    assert!(server.script(SHOP));
    server
}

fn plan(server: &PostgresServer, statements: &[&str]) -> String {
    let url = server.url_as("app", "app", "postgres");
    let mut plan = format!(
        "gonogo: 1\nname: shop\nenvironments:\n  local:\n    targets:\n      db: {{ postgres: '{url}' }}\n\
         gates:\n  orders:\n    title: Orders work\n    transaction: rollback\n    checks:\n"
    );
    for (at, sql) in statements.iter().enumerate() {
        plan.push_str(&format!(
            "      - id: s{at}\n        sql: \"{sql}\"\n        expect: \"!has(error)\"\n"
        ));
    }
    plan
}

fn report(folder: &Path, run: &Ended, name: &str) -> String {
    std::fs::read_to_string(folder.join(run.run()).join(name)).unwrap()
}

#[test]
fn a_gate_that_is_rolled_back_says_what_it_proved() {
    let (server, folder) = (shop(), folder());
    let before = server.dump();
    let run = run_plan(folder.path(), &plan(&server, &STATEMENTS), &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let said = "orders: nothing left behind: 1 table, 2 rows, schema, 2 sequences as before";
    let page = report(folder.path(), &run, "report.md");
    assert!(page.contains(said), "{page}");
    assert!(report(folder.path(), &run, "report.html").contains(said));
    assert!(before == server.dump());
}

#[test]
fn an_escape_in_such_a_gate_is_a_problem_of_the_plan() {
    let (server, folder) = (shop(), folder());
    let run = run_plan(
        folder.path(),
        &plan(&server, &["copy orders to program 'cat'"]),
        &[],
    );
    assert_eq!(run.code, 64, "{}{}", run.stdout, run.stderr);
    let run = run_plan(
        folder.path(),
        &plan(
            &server,
            &["with x as (select pg_switch_wal()) select * from x"],
        ),
        &[],
    );
    assert_eq!(run.code, 64, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("sql-escape"), "{}", run.stdout);
}

#[test]
fn a_schema_that_changes_meanwhile_is_never_go() {
    let (server, folder) = (shop(), folder());
    let held = server.hold("begin; lock table fence");
    let child = start(
        folder.path(),
        &plan(&server, &["select count(*) from fence"]),
    );
    waits(&server);
    assert!(server.script("create table theirs (a int)"));
    drop(held);
    let run = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("orders/rollback"), "{}", run.stdout);
}

fn start(folder: &Path, plan: &str) -> std::process::Child {
    std::fs::write(folder.join("plan.yaml"), plan).unwrap();
    let mut command = command(folder, &["run", "plan.yaml", "--env", "local", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// A statement of the program waits for a lock.
fn waits(server: &PostgresServer) {
    until(
        server,
        "select count(*) > 0 from pg_stat_activity where application_name like 'gonogo%' and wait_event_type = 'Lock'",
    );
}

/// Asks until it is so; how long that takes is the server's affair.
fn until(server: &PostgresServer, question: &str) {
    for _ in 0..600 {
        if server.value(question) == "t" {
            return;
        }
    }
    panic!("never: {question}");
}

#[test]
fn a_run_killed_at_any_statement_of_the_gate_leaves_the_dump_as_it_was() {
    let server = shop();
    let before = server.dump();
    for at in 0..=STATEMENTS.len() {
        let folder = folder();
        let held = server.hold("begin; lock table fence");
        let mut statements = STATEMENTS.to_vec();
        statements.insert(at, "select count(*) from fence");
        let mut child = start(folder.path(), &plan(&server, &statements));
        waits(&server);
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        drop(held);
        until(
            &server,
            "select count(*) = 0 from pg_stat_activity where application_name like 'gonogo%'",
        );
        assert!(before == server.dump(), "killed at statement {at}");
    }
}
