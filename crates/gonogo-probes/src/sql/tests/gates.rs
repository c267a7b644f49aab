//! `transaction: rollback`: checks see one another's work, an error undoes one statement only, and nothing stays.

use super::*;

const COUNT: &str = "select count(*) as n from gate_rules";
const RULES: &str = "create table gate_rules (id integer, name text unique)";

async fn leaves_nothing(gate: Bench, outside: &Bench) {
    gate.sql("insert into gate_rules (name) values ('one')")
        .await;
    let refused = gate
        .sql("insert into gate_rules (name) values ('one')")
        .await;
    assert_eq!(error(&refused, "code"), "unique_violation");
    assert_eq!(gate.cause("selec").await, Cause::BadOptions);
    assert_eq!(gate.cause("commit").await, Cause::BadOptions);
    let refused = gate.sql("select * from nowhere").await;
    assert_eq!(error(&refused, "code"), "undefined_table");
    gate.sql("create table gate_more (a integer)").await;
    assert_eq!(gate.value(COUNT).await, Value::Int(1));
    assert_eq!(outside.value(COUNT).await, Value::Int(0));
    assert_eq!(gate.end().await, Some(true));
    assert_eq!(gate.end().await, None, "ended once");
    assert_eq!(outside.value(COUNT).await, Value::Int(0));
    let more = outside.sql("select * from gate_more").await;
    assert_eq!(error(&more, "code"), "undefined_table");
}

fn sqlite() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "wal")
        .unwrap();
    connection.execute_batch(RULES).unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_rolled_back_gate_leaves_nothing_in_sqlite() {
    let (_folder, path) = sqlite();
    leaves_nothing(Bench::sqlite(&path).rolled_back(), &Bench::sqlite(&path)).await;
}

#[tokio::test]
async fn what_a_gate_left_in_sqlite_is_compared() {
    let (_folder, path) = sqlite();
    let outside = Bench::sqlite(&path);
    outside
        .write("insert into gate_rules values (1, 'one')")
        .await;
    let gate = Bench::sqlite(&path).rolled_back();
    gate.sql("insert into gate_rules values (2, 'two')").await;
    gate.sql("update gate_rules set name = 'x' || id").await;
    gate.sql("create table gate_more (a integer)").await;
    let end = gate.ended().await.unwrap();
    let proof = end.proof.unwrap();
    assert!(end.confirmed && proof.schema, "{proof:?}");
    assert_eq!(proof.differences, [""; 0]);
    assert_eq!(proof.notes, [""; 0]);
    let [rules] = proof.tables.as_slice() else {
        panic!("{proof:?}");
    };
    assert_eq!((rules.rows_before, rules.rows_after), (1, 1));
    assert!(rules.by_content && rules.table == "gate_rules");
}

#[tokio::test]
async fn a_file_that_is_gone_at_the_end_proves_nothing() {
    let (_folder, path) = sqlite();
    let gate = Bench::sqlite(&path).rolled_back();
    gate.sql("insert into gate_rules values (2, 'two')").await;
    std::fs::remove_file(&path).unwrap();
    let proof = gate.ended().await.unwrap().proof.unwrap();
    assert!(
        proof.differences[0].contains("could not be compared"),
        "{proof:?}"
    );
}

#[tokio::test]
async fn a_rolled_back_gate_leaves_nothing_in_postgresql() {
    let server = server();
    let outside = Bench::postgres(&server.url());
    outside.write(RULES).await;
    leaves_nothing(Bench::postgres(&server.url()).rolled_back(), &outside).await;
    outside.write("drop table gate_rules").await;
}

#[tokio::test]
async fn a_gate_in_which_nothing_was_asked_has_nothing_to_end() {
    let server = server();
    assert_eq!(
        Bench::postgres(&server.url()).rolled_back().end().await,
        None
    );
}

#[tokio::test]
async fn a_gate_that_is_dropped_is_rolled_back() {
    let (_folder, path) = sqlite();
    let gate = Bench::sqlite(&path).rolled_back();
    gate.sql("insert into gate_rules (name) values ('one')")
        .await;
    drop(gate);
    let outside = Bench::sqlite(&path);
    assert_eq!(outside.value(COUNT).await, Value::Int(0));
    outside
        .write("insert into gate_rules (name) values ('mine')")
        .await;
}

#[tokio::test]
async fn a_writer_beside_a_gate_waits_and_gives_up_in_time() {
    let (_folder, path) = sqlite();
    let gate = Bench::sqlite(&path).rolled_back();
    gate.sql("select 1 as one").await;
    let other = Bench::sqlite(&path).within(Duration::from_millis(200));
    let write = json!({"sql": "delete from gate_rules", "writes": true});
    assert_eq!(other.ask(write).await.unwrap_err().cause, Cause::Timeout);
    assert_eq!(other.value(COUNT).await, Value::Int(0), "readers go on");
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_loses_the_gate() {
    let (_folder, path) = sqlite();
    let gate = Bench::sqlite(&path).rolled_back();
    gate.sql("insert into gate_rules (name) values ('one')")
        .await;
    let seen = gate
        .sql("insert or rollback into gate_rules (name) values ('one')")
        .await;
    assert_eq!(error(&seen, "code"), "unique_violation");
    assert_eq!(gate.cause(COUNT).await, Cause::Closed);
    assert_eq!(gate.end().await, Some(false));
    assert_eq!(Bench::sqlite(&path).value(COUNT).await, Value::Int(0));
}

#[tokio::test]
async fn two_checks_of_a_gate_at_a_time_share_its_transaction() {
    let server = server();
    let gate = Bench::postgres(&server.url()).rolled_back();
    let id = "select txid_current() as id";
    let (one, two, three) = tokio::join!(gate.value(id), gate.value(id), gate.value(id));
    assert!(one == two && two == three);
    assert_eq!(gate.end().await, Some(true));
}

#[tokio::test]
async fn a_deferred_constraint_fires_in_a_gate_too() {
    let server = server();
    let gate = Bench::postgres(&server.url()).rolled_back();
    gate.sql("create table gate_parents (id int primary key)")
        .await;
    gate.sql(
        "create table gate_children (parent int references gate_parents deferrable initially deferred)",
    )
    .await;
    let orphan = gate.sql("insert into gate_children values (7)").await;
    assert_eq!(error(&orphan, "code"), "foreign_key_violation");
    assert_only_error(&orphan);
    let left = gate.value("select count(*) from gate_children").await;
    assert_eq!(left, Value::Int(0), "and only this statement is undone");
    assert_eq!(gate.end().await, Some(true));
}

#[tokio::test]
async fn a_commit_inside_a_block_is_refused_and_the_gate_goes_on() {
    let server = server();
    let gate = Bench::postgres(&server.url()).rolled_back();
    gate.sql("create table gate_kept (a int)").await;
    let seen = gate
        .sql("do $$ begin insert into gate_kept values (1); commit; end $$")
        .await;
    assert_eq!(error(&seen, "code"), "invalid_transaction_termination");
    let left = gate.value("select count(*) from gate_kept").await;
    assert_eq!(left, Value::Int(0));
    assert_eq!(gate.end().await, Some(true));
}

#[tokio::test]
async fn a_timeout_in_a_gate_is_no_observation_and_the_gate_goes_on() {
    let server = server();
    let gate = Bench::postgres(&server.url()).rolled_back();
    gate.sql("create table gate_slow (a int)").await;
    let gate = gate.within(Duration::from_secs(2));
    assert_eq!(gate.cause("select pg_sleep(30)").await, Cause::Timeout);
    let gate = gate.within(Duration::from_secs(20));
    assert_eq!(
        gate.value("select count(*) from gate_slow").await,
        Value::Int(0)
    );
    assert_eq!(gate.end().await, Some(true));
}

#[tokio::test]
async fn a_check_that_is_cancelled_loses_the_gate_and_leaves_nothing_running() {
    let server = server();
    let gate = Bench::postgres(&server.url()).rolled_back();
    gate.sql("create table gate_lost (a int)").await;
    let asked = gate.ask(json!({"sql": "select pg_sleep(31)"}));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), asked)
            .await
            .is_err()
    );
    assert_eq!(gate.cause("select 1").await, Cause::Closed);
    assert_eq!(gate.end().await, Some(false));
    nothing_runs(&server, "pg_sleep(31)").await;
}

/// The server knows of no such statement any more, soon.
async fn nothing_runs(server: &PostgresServer, part: &str) {
    let watch = Bench::postgres(&server.url());
    let running = "select count(*) as n from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and \
                   position($1 in query) > 0";
    let gone = async {
        while only(&watch.seen(json!({"sql": running, "bind": [part]})).await) != Value::Int(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_read_that_is_left_is_cancelled_on_the_server() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let asked = db.ask(json!({"sql": "select pg_sleep(32)"}));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), asked)
            .await
            .is_err()
    );
    nothing_runs(&server, "pg_sleep(32)").await;
}
