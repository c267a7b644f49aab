//! The row of the matrix for `sql`: whatever goes wrong, nothing is seen that an expectation could be true of.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::testing::{PASSWORD_IN_URL, USER, free_port};

async fn refused(url: &str) -> NotObserved {
    refused_by(&Bench::postgres(url)).await
}

async fn refused_by(db: &Bench) -> NotObserved {
    let failed = db.ask(json!({"sql": "select 1"})).await.unwrap_err();
    let all = format!("{failed:?}");
    assert!(!all.contains("hunter"), "no password is shown: {all}");
    failed
}

#[tokio::test]
async fn a_server_that_is_not_there_is_refused_and_a_name_that_is_not_is_dns() {
    let url = format!("postgres://u:hunter@127.0.0.1:{}/d", free_port());
    assert_eq!(refused(&url).await.cause, Cause::Refused);
    let dns = refused("postgres://u:hunter@no-such-host.invalid/d").await;
    assert_eq!(dns.cause, Cause::Dns);
    let socket = refused("postgres:///d?user=u&host=/nowhere").await;
    assert_eq!(socket.cause, Cause::Refused);
}

#[tokio::test]
async fn a_host_that_is_no_target_is_not_talked_to() {
    let mut db = Bench::postgres("postgres://u@127.0.0.1:5432/d");
    db.target.options = json!({"postgres": "postgres://u@127.0.0.2:5432/d"});
    assert_eq!(refused_by(&db).await.cause, Cause::Forbidden);
}

#[tokio::test]
async fn a_wrong_password_a_missing_one_and_an_unknown_database_are_told_apart() {
    let server = server();
    let wrong = refused(&server.url_as(USER, "hunter2", "postgres")).await;
    assert_eq!(wrong.cause, Cause::Denied);
    assert!(wrong.message.contains("28P01"), "{}", wrong.message);
    let none = refused(&format!(
        "postgres://{USER}@127.0.0.1:{}/postgres",
        server.port()
    ))
    .await;
    assert_eq!(none.cause, Cause::Denied);
    let unknown = refused(&server.url_as(USER, PASSWORD_IN_URL, "nowhere")).await;
    assert_eq!(unknown.cause, Cause::Missing);
    let nobody = refused("postgres://127.0.0.1/d").await;
    assert_eq!(nobody.cause, Cause::BadOptions);
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_the_clear() {
    let server = server();
    let plain = refused(&format!("{}?sslmode=require", server.url())).await;
    assert_eq!(plain.cause, Cause::Tls);
    assert!(plain.help.unwrap().contains("no TLS"));
}

#[tokio::test]
async fn a_timeout_is_no_observation_and_the_next_check_is_answered() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let slow = db.within(Duration::from_millis(300));
    assert_eq!(slow.cause("select pg_sleep(30)").await, Cause::Timeout);
    let write = json!({"sql": "do $$ begin perform pg_sleep(30); end $$", "writes": true});
    assert_eq!(slow.ask(write).await.unwrap_err().cause, Cause::Timeout);
    let db = slow.within(Duration::from_secs(20));
    assert_eq!(db.value("select 1").await, Value::Int(1));
}

#[tokio::test]
async fn a_lock_that_is_not_given_is_a_timeout_and_a_nowait_is_an_answer() {
    let server = server();
    let holder = Bench::postgres(&server.url()).rolled_back();
    holder.sql("create table probe_locked (a int)").await;
    // A gate looks around when it is opened; what it waits for here comes later.
    let waits = Bench::postgres(&server.url()).rolled_back();
    waits.sql("select 1 as one").await;
    let lock = "lock table pg_catalog.pg_statistic_ext in access exclusive mode";
    holder.sql(lock).await;
    let waits = waits.within(Duration::from_secs(2));
    assert_eq!(waits.cause(lock).await, Cause::Timeout);
    let waits = waits.within(Duration::from_secs(20));
    let seen = waits.sql(&format!("{lock} nowait")).await;
    assert_eq!(error(&seen, "code"), "lock_not_available");
    assert_eq!(holder.end().await, Some(true));
    assert_eq!(waits.end().await, Some(true));
}

#[tokio::test]
async fn no_rows_and_nulls_are_told_as_such() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let seen = db.sql("select 1 as a where false").await;
    assert_eq!(seen.absent[0].fact, "rows");
    assert_eq!(db.value("select null::int as a").await, Value::Null);
}

#[tokio::test]
async fn a_server_that_dies_is_closed_and_a_kept_connection_is_not_trusted() {
    let server = PostgresServer::start();
    let db = Bench::postgres(&server.url());
    let gate = Bench::postgres(&server.url()).rolled_back();
    gate.sql("create table t (a int)").await;
    assert_eq!(db.value("select 1").await, Value::Int(1));
    let slow = json!({"sql": "select pg_sleep(30)"});
    let (failed, ()) = tokio::join!(db.ask(slow), async {
        let watch = Bench::postgres(&server.url());
        let running = "select count(*) as n from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'";
        while watch.value(running).await == Value::Int(0) {}
        server.kill();
    });
    assert_eq!(failed.unwrap_err().cause, Cause::Closed);
    assert_eq!(gate.cause("select 1").await, Cause::Closed);
    assert_eq!(gate.end().await, Some(false));
    server.begin();
    assert_eq!(db.value("select 1").await, Value::Int(1));
}

/// A server that takes one connection, says something and perhaps hangs up.
async fn junk(says: &'static [u8], hangs_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 8];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(says).await.unwrap();
        if !hangs_up {
            std::future::pending::<()>().await;
        }
    }));
    format!("postgres://u:hunter@127.0.0.1:{port}/d")
}

#[tokio::test]
async fn a_server_that_is_not_postgresql_is_never_believed() {
    let sign_in_done = b"R\0\0\0\x08\0\0\0\0";
    let then_rubbish =
        b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x01Z\0\0\0\x05I!!!!!!!!!!!!";
    let huge_frame = b"R\x7f\xff\xff\xff\0\0\0\0";
    for (says, hangs_up, causes) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            false,
            &[Cause::Protocol][..],
        ),
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], false, &[Cause::Protocol]),
        (&b"\x00\x00\x00\x00"[..], false, &[Cause::Protocol]),
        (&b""[..], true, &[Cause::Closed]),
        (&sign_in_done[..4], true, &[Cause::Closed, Cause::Protocol]),
        (&sign_in_done[..], true, &[Cause::Closed]),
        (&sign_in_done[..], false, &[Cause::Timeout]),
        (&huge_frame[..], false, &[Cause::Timeout]),
        (&then_rubbish[..], true, &[Cause::Closed, Cause::Protocol]),
        (
            &then_rubbish[..],
            false,
            &[Cause::Closed, Cause::Protocol, Cause::Timeout],
        ),
    ] {
        let db = Bench::postgres(&junk(says, hangs_up).await).within(Duration::from_millis(500));
        let failed = refused_by(&db).await;
        assert!(
            causes.contains(&failed.cause),
            "{:?}: {failed:?}",
            String::from_utf8_lossy(says)
        );
        let url = format!("{}?sslmode=require", junk(says, hangs_up).await);
        let db = Bench::postgres(&url).within(Duration::from_millis(500));
        assert!(db.ask(json!({"sql": "select 1"})).await.is_err());
    }
}

#[tokio::test]
async fn tls_is_verified_by_ca_and_by_name() {
    let (server, folder) = crate::bench::secured_server("db.localhost");
    let ca_file = folder.path().join("ca.pem");
    let target = |host: &str, ca: bool| {
        let url = server.url().replace("127.0.0.1", host);
        let ca = ca.then(|| ca_file.to_str().unwrap());
        let options = json!({"postgres": url, "ca": ca, "sslmode": "verify-full"});
        Bench::new("postgres", options)
    };
    let db = target("db.localhost", true);
    let secured = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    assert_eq!(db.value(secured).await, true.into());
    assert_eq!(
        db.value("select point(1, 2) as p").await,
        "(1,2)".into(),
        "which columns come as text is said inside of TLS too"
    );
    assert_eq!(
        refused_by(&target("127.0.0.1", true)).await.cause,
        Cause::Tls
    );
    let untrusted = refused_by(&target("db.localhost", false)).await;
    assert_eq!(untrusted.cause, Cause::Tls);
    assert!(
        untrusted.help.unwrap().contains("ca: FILE"),
        "{}",
        untrusted.message
    );
    let slow = target("db.localhost", true).within(Duration::from_millis(300));
    assert_eq!(slow.cause("select pg_sleep(30)").await, Cause::Timeout);
}
