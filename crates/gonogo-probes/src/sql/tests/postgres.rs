use super::*;

#[tokio::test]
async fn every_type_that_is_read_comes_as_what_it_is() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let text = |s: &str| Value::String(s.to_owned());
    let at = |s: &str| Value::Timestamp(s.parse().unwrap());
    let list = |items: &[i64]| Value::List(items.iter().map(|i| Value::Int(*i)).collect());
    for (sql, wanted) in [
        ("true", Value::Bool(true)),
        ("(-7)::int2", Value::Int(-7)),
        ("7::int4", Value::Int(7)),
        ("9223372036854775807::int8", Value::Int(i64::MAX)),
        ("0.1::float4", Value::Double(0.1)),
        ("'infinity'::float8", Value::Double(f64::INFINITY)),
        (
            "12345678901234567890::numeric",
            text("12345678901234567890"),
        ),
        ("42::numeric", Value::Int(42)),
        ("5.00::numeric(10, 2)", text("5.00")),
        ("-0.000123::numeric", text("-0.000123")),
        ("100000.0001::numeric", text("100000.0001")),
        ("1e20::numeric", text("100000000000000000000")),
        ("'infinity'::numeric", Value::Double(f64::INFINITY)),
        ("'é\u{1F980}'::text", text("é\u{1F980}")),
        ("'ab'::char(4)", text("ab  ")),
        ("'x'::\"char\"", text("x")),
        ("'\\x00ff'::bytea", Value::Bytes(vec![0, 255])),
        (
            "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
            text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("'[1, 2]'::json", list(&[1, 2])),
        ("'[1, 2]'::jsonb", list(&[1, 2])),
        (
            "'2026-11-21 10:04:05.25+02'::timestamptz",
            at("2026-11-21T08:04:05.25Z"),
        ),
        (
            "'1969-12-31 23:59:59'::timestamp",
            at("1969-12-31T23:59:59Z"),
        ),
        ("'infinity'::timestamptz", text("infinity")),
        (
            "'0044-03-15 12:00:00 BC'::timestamp",
            text("0044-03-15 12:00:00 BC"),
        ),
        ("'2026-02-28'::date", text("2026-02-28")),
        ("'0044-03-15 BC'::date", text("0044-03-15 BC")),
        ("'-infinity'::date", text("-infinity")),
        ("'04:05:06.5'::time", text("04:05:06.5")),
        ("'04:05:06-03:30'::timetz", text("04:05:06-03:30")),
        (
            "'1 year 2 mons -3 days 04:05:06'::interval",
            text("1 year 2 mons -3 days +04:05:06"),
        ),
        ("'0'::interval", text("00:00:00")),
        ("'-00:00:01.5'::interval", text("-00:00:01.5")),
        ("B'0101'", text("0101")),
        ("'10.0.0.1'::inet", text("10.0.0.1")),
        ("'10.0.0.0/8'::cidr", text("10.0.0.0/8")),
        ("'::1'::inet", text("::1")),
        ("'08:00:2b:01:02:03'::macaddr", text("08:00:2b:01:02:03")),
        ("array[1, 2]", list(&[1, 2])),
        (
            "array[[1, 2], [3, 4]]",
            Value::List(vec![list(&[1, 2]), list(&[3, 4])]),
        ),
        ("array[null]::int[]", Value::List(vec![Value::Null])),
        ("'{}'::text[]", Value::List(vec![])),
        ("null::uuid", Value::Null),
        ("pg_sleep(0)", Value::Null),
        ("1::oid", Value::Int(1)),
    ] {
        assert_eq!(
            db.value(&format!("select {sql} as x")).await,
            wanted,
            "{sql}"
        );
    }
    for nan in ["'NaN'::numeric", "'NaN'::float8", "'NaN'::float4"] {
        let value = db.value(&format!("select {nan} as x")).await;
        assert!(
            matches!(value, Value::Double(d) if d.is_nan()),
            "{nan}: {value:?}"
        );
    }
}

#[tokio::test]
async fn enums_and_domains_are_read_and_two_columns_of_one_name_are_said() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create type probe_mood as enum ('sad', 'glad')")
        .await;
    db.sql("create domain probe_small as int check (value < 10)")
        .await;
    let seen = db
        .seen(json!({
            "sql": "select $1::probe_mood as mood, $2::probe_small as small, array[$1]::probe_mood[] as moods",
            "bind": ["glad", 3],
        }))
        .await;
    let row = &rows(&seen)[0];
    assert_eq!(row.get("mood"), Some(&"glad".into()));
    assert_eq!(row.get("small"), Some(&Value::Int(3)));
    assert_eq!(row.get("moods"), Some(&Value::List(vec!["glad".into()])));
    assert_eq!(db.cause("select 1 as a, 2 as a").await, Cause::BadOptions);
}

#[tokio::test]
async fn bound_values_take_the_type_that_the_server_expects() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    for (sql, bound, wanted) in [
        ("select $1::uuid", json!(uuid), Value::from(uuid)),
        ("select $1::int8", json!("42"), Value::Int(42)),
        ("select $1::int4", json!(3.0), Value::Int(3)),
        ("select $1::numeric", json!(1.25), "1.25".into()),
        ("select $1::bool", json!(true), true.into()),
        ("select $1::text", json!(true), "true".into()),
        (
            "select $1::text",
            json!("'; drop table x; --"),
            "'; drop table x; --".into(),
        ),
        (
            "select ($1::jsonb)->'a'",
            json!({"a": [1]}),
            Value::List(vec![Value::Int(1)]),
        ),
        (
            "select ($1::jsonb)->'a'",
            json!("{\"a\": 2}"),
            Value::Int(2),
        ),
        (
            "select $1::date + 1",
            json!("2026-02-28"),
            "2026-03-01".into(),
        ),
        ("select 2 = any($1::int[])", json!([1, 2]), true.into()),
        (
            "select ($1::text[])[1]",
            json!(["a\"b\\c,{}", null]),
            "a\"b\\c,{}".into(),
        ),
        (
            "select array_length($1::int[], 2)",
            json!([[1, 2, 3]]),
            Value::Int(3),
        ),
        ("select $1::int is null", Json::Null, true.into()),
        (
            "select extract(epoch from $1::timestamptz)::int8",
            json!("1970-01-01T00:01:00Z"),
            Value::Int(60),
        ),
    ] {
        let seen = db.seen(json!({"sql": sql, "bind": [bound]})).await;
        assert_eq!(only(&seen), wanted, "{sql} with {bound}");
    }
    let seen = db
        .seen(json!({"sql": "select $1::uuid", "bind": ["no"]}))
        .await;
    assert_eq!(error(&seen, "code"), "invalid_text_representation");
    for bound in [json!([1]), json!({"a": 1})] {
        let asked = db
            .ask(json!({"sql": "select $1::int", "bind": [bound]}))
            .await;
        assert_eq!(asked.unwrap_err().cause, Cause::BadOptions);
    }
    let asked = db.ask(json!({"sql": "select 1", "bind": [1]})).await;
    assert_eq!(asked.unwrap_err().cause, Cause::BadOptions);
}

#[tokio::test]
async fn an_error_says_what_and_where() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create table probe_rules (id int primary key, name text not null, constraint one_name unique (name))")
        .await;
    db.sql("insert into probe_rules values (1, 'a')").await;
    let seen = db.sql("insert into probe_rules values (2, 'a')").await;
    assert_only_error(&seen);
    assert_eq!(error(&seen, "code"), "unique_violation");
    assert_eq!(error(&seen, "class"), "integrity_constraint_violation");
    assert_eq!(error(&seen, "sqlstate"), "23505");
    assert_eq!(error(&seen, "constraint"), "one_name");
    assert_eq!(error(&seen, "table"), "probe_rules");
    assert!(error(&seen, "detail").contains("(name)=(a)"));
    assert!(!seen.shown.is_empty(), "a person sees it too");
    let seen = db.sql("insert into probe_rules values (2, null)").await;
    assert_eq!(error(&seen, "column"), "name");
    let wrong = "select from where";
    let seen = Bench::postgres(&server.url()).sql(wrong).await;
    assert_eq!(error(&seen, "code"), "syntax_error");
    assert_eq!(
        db.cause(wrong).await,
        Cause::BadOptions,
        "not sent in a gate"
    );
}

#[tokio::test]
async fn without_writes_nothing_can_be_changed() {
    let server = server();
    let db = Bench::postgres(&server.url());
    db.write("create table probe_kept (a int)").await;
    db.write("create function probe_sneaky() returns int language plpgsql as $$ begin set transaction read write; \
              insert into probe_kept values (1); return 1; end $$")
        .await;
    for (sql, code) in [
        (
            "insert into probe_kept values (1)",
            "read_only_sql_transaction",
        ),
        (
            "with x as (delete from probe_kept returning a) select * from x",
            "read_only_sql_transaction",
        ),
        ("select probe_sneaky()", "active_sql_transaction"),
        (
            "select set_config('transaction_read_only', 'off', false)",
            "active_sql_transaction",
        ),
    ] {
        let seen = db.sql(sql).await;
        assert_eq!(error(&seen, "code"), code, "{sql}");
    }
    assert_eq!(db.cause("create table x (a int)").await, Cause::BadOptions);
    assert_eq!(
        db.value("select count(*) from probe_kept").await,
        Value::Int(0)
    );
    let seen = db
        .seen(json!({"sql": "insert into probe_kept values ($1), ($2) returning a", "bind": [1, 2], "writes": true}))
        .await;
    assert_eq!(seen.facts["affected"], Value::Int(2));
    assert_eq!(rows(&seen).len(), 2);
    assert_eq!(
        db.value("select count(*) from probe_kept").await,
        Value::Int(2)
    );
    db.write("drop table probe_kept").await;
    db.write("drop function probe_sneaky").await;
}

#[tokio::test]
async fn many_reads_use_one_connection_and_leave_it_as_it_was() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let first = db.value("select pg_backend_pid()").await;
    assert_eq!(
        db.value("select pg_advisory_lock(7) is null").await,
        false.into()
    );
    db.sql("select set_config('search_path', 'nowhere', false)")
        .await;
    db.sql("select * from nowhere").await;
    for _ in 0..100 {
        assert_eq!(db.value("select pg_backend_pid()").await, first);
    }
    assert_ne!(db.value("show search_path").await, "nowhere".into());
    let locks =
        "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";
    assert_eq!(db.value(locks).await, Value::Int(0));
    assert_eq!(db.value("show transaction_read_only").await, "on".into());
    assert_eq!(db.value("show application_name").await, "gonogo".into());
    let engine = db
        .sql("select 1 as one")
        .await
        .target
        .unwrap()
        .engine
        .unwrap();
    let version = db.value("show server_version").await;
    assert!(
        version
            .as_str()
            .unwrap()
            .starts_with(engine.strip_prefix("PostgreSQL ").unwrap())
    );
}

#[tokio::test]
async fn a_million_rows_are_cut_and_not_waited_for() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let seen = db.sql("select generate_series(1, 100000000) as i").await;
    assert_eq!(rows(&seen).len(), 1000);
    let cut: Vec<&str> = seen.cut.iter().map(|c| c.fact.as_str()).collect();
    assert_eq!(cut, ["rows", "row_count"]);
    assert_eq!(
        db.value("select 1").await,
        Value::Int(1),
        "and the next check is answered"
    );
    let huge = db
        .ask(json!({"sql": "select repeat('x', 100000000) as x"}))
        .await;
    assert_eq!(huge.unwrap_err().cause, Cause::TooLarge);
}

#[tokio::test]
async fn ten_million_rows_are_not_waited_for_and_a_gate_counts_them_in_little_memory() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    let reader = Bench::postgres(&server.url());
    let before = resident();
    let many = "select i, repeat('x', 100) as t from generate_series(1, 10000000) as s (i)";
    let seen = reader.seen(json!({"sql": many, "max_rows": 2000})).await;
    assert_eq!(rows(&seen).len(), 2000);
    assert!(!seen.facts.contains_key("row_count"));
    // A statement that may have changed something is carried out to its end.
    let some = many.replace("10000000", "1000000");
    let seen = db.seen(json!({"sql": some, "max_rows": 2000})).await;
    assert_eq!(rows(&seen).len(), 2000);
    assert_eq!(seen.facts["row_count"], Value::Int(1_000_000));
    assert_eq!(seen.cut[0].fact, "rows");
    let grown = resident().saturating_sub(before);
    assert!(grown < 100 * 1024, "{grown} kB more");
    assert_eq!(db.end().await, Some(true));
}

/// Kilobytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_statement_that_runs_for_ever_is_ended_on_the_server() {
    let server = server();
    let watcher = Bench::postgres(&server.url());
    let db = Bench::postgres(&server.url()).within(Duration::from_millis(500));
    let ended = db.ask(
        json!({"sql": "select count(*) from generate_series(1, 1000000000000) as probe_forever"}),
    );
    assert_eq!(ended.await.unwrap_err().cause, Cause::Timeout);
    let runs = "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() \
                and query like '%probe_forever%'";
    while watcher.value(runs).await != Value::Int(0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_holds_a_lock_is_named() {
    let server = server();
    let owner = Bench::postgres(&server.url());
    owner.write("create table probe_locked (a int)").await;
    let holder = Bench::postgres(&server.url()).rolled_back();
    holder
        .sql("lock table probe_locked in access exclusive mode")
        .await;
    let pid = holder.value("select pg_backend_pid()").await;
    let waiting = Bench::postgres(&server.url()).within(Duration::from_secs(3));
    let failed = waiting
        .ask(json!({"sql": "select * from probe_locked"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Timeout);
    let message = failed.message;
    for part in [
        format!("held by process {pid}"),
        "gonogo, user gonogo".to_owned(),
        "in a transaction since 20".to_owned(),
        "idle in transaction".to_owned(),
        "last statement `".to_owned(),
    ] {
        assert!(message.contains(&part), "{part}: {message}");
    }
    assert!(failed.help.unwrap().contains("pg_cancel_backend"));
    holder.end().await;
    owner.write("drop table probe_locked").await;
}

#[tokio::test]
async fn notices_are_recorded_with_severity_and_code_up_to_a_hundred() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let seen = db
        .seen(json!({
            "sql": "do $$ begin raise notice 'three %', 3; raise warning 'careful'; raise notice using message = 'own', errcode = 'P0001'; end $$",
            "writes": true,
        }))
        .await;
    let notices = seen.facts["notices"].as_list().unwrap();
    let field = |index: usize, name: &str| notices[index].get(name).unwrap().to_string();
    assert_eq!(notices.len(), 3);
    assert_eq!(field(0, "severity"), "\"NOTICE\"");
    assert_eq!(field(0, "message"), "\"three 3\"");
    assert_eq!(field(1, "severity"), "\"WARNING\"");
    assert_eq!(field(1, "code"), "\"warning\"");
    assert_eq!(field(2, "code"), "\"raise_exception\"");
    let quiet = db.sql("select 1 as one").await;
    assert_eq!(
        quiet.facts["notices"],
        Value::List(vec![]),
        "those of an earlier check are not its own"
    );
    let many =
        "do $$ begin for i in 1..20000 loop raise notice '%', repeat('x', 5000); end loop; end $$";
    let seen = db.seen(json!({"sql": many, "writes": true})).await;
    assert_eq!(seen.facts["notices"].as_list().unwrap().len(), 100);
    assert!(
        seen.cut
            .iter()
            .any(|c| c.fact == "notices" && c.why.contains("19900 more"))
    );
    let refused = "do $$ begin raise notice 'before'; raise exception 'no'; end $$";
    let seen = db.seen(json!({"sql": refused, "writes": true})).await;
    assert_eq!(error(&seen, "code"), "raise_exception");
    assert_eq!(seen.facts["notices"].as_list().unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_in_the_text_is_shown_with_a_caret() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let seen = db.sql("select 'é',\n  nothere\nfrom pg_class").await;
    assert_eq!(error(&seen, "code"), "undefined_column");
    let position = seen.facts["error"].get("position").unwrap();
    assert_eq!(position.get("line"), Some(&Value::Int(2)));
    assert_eq!(position.get("column"), Some(&Value::Int(3)));
    let [gonogo_core::record::Shown::Text { text, .. }] = &seen.shown[..] else {
        panic!("{:?}", seen.shown);
    };
    assert!(text.contains("2 |   nothere\n  |   ^"), "{text}");
    let seen = db.sql("select 'x'::no_such_type").await;
    assert_eq!(error(&seen, "code"), "undefined_object");
    let seen = db
        .seen(json!({"sql": "select $1::int", "bind": ["no"]}))
        .await;
    assert!(seen.facts["error"].get("position").is_none());
}

#[tokio::test]
async fn an_error_names_schema_and_type() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create domain probe_small_one as int check (value < 10)")
        .await;
    let seen = db.sql("select 11::probe_small_one").await;
    assert_eq!(error(&seen, "code"), "check_violation");
    assert_eq!(error(&seen, "datatype"), "probe_small_one");
    assert_eq!(error(&seen, "schema"), "public");
    assert_eq!(error(&seen, "constraint"), "probe_small_one_check");
}

#[tokio::test]
async fn a_socket_is_as_good_as_a_port() {
    let server = server();
    let db = Bench::postgres(&server.socket_dsn());
    let seen = db.sql("select current_user as me").await;
    assert_eq!(only(&seen), crate::testing::USER.into());
    let address = seen.target.unwrap().address;
    assert!(!address.contains("/tmp"), "{address}");
}
