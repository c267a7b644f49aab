//! Every type: what is read is what is there, and what is bound is what was read.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

/// In a zone and an interval style that show where a text says less than it should.
fn elsewhere(server: &PostgresServer) -> Bench {
    let options = "-c%20TimeZone%3DAsia/Kolkata%20-c%20IntervalStyle%3Dsql_standard";
    Bench::postgres(&format!("{}?options={options}", server.url()))
}

#[tokio::test]
async fn what_has_no_form_of_ours_comes_as_the_servers_text() {
    let server = server();
    let db = Bench::postgres(&server.url());
    for extension in ["hstore", "ltree", "citext"] {
        db.write(&format!("create extension if not exists {extension}"))
            .await;
    }
    let list = |items: &[&str]| Value::List(items.iter().map(|i| (*i).into()).collect());
    for (sql, wanted) in [
        ("'1234.5'::money", Value::from("$1,234.50")),
        ("'[1,5)'::int4range", "[1,5)".into()),
        ("'{[1,3), [5,7)}'::int4multirange", "{[1,3),[5,7)}".into()),
        ("row(1, 'a b', null)", "(1,\"a b\",)".into()),
        ("point(1, 2.5)", "(1,2.5)".into()),
        ("circle(point(0, 0), 2)", "<(0,0),2>".into()),
        (
            "array[box(point(1, 1), point(0, 0)), box(point(2, 2), point(1, 1))]",
            list(&["(1,1),(0,0)", "(2,2),(1,1)"]),
        ),
        ("to_tsvector('simple', 'b a b')", "'a':2 'b':1,3".into()),
        ("'a & b'::tsquery", "'a' & 'b'".into()),
        ("'16/B374D848'::pg_lsn", "16/B374D848".into()),
        (
            "'a=>1, b=>NULL'::hstore",
            "\"a\"=>\"1\", \"b\"=>NULL".into(),
        ),
        ("'Top.Science'::ltree", "Top.Science".into()),
        ("'MiXed'::citext", "MiXed".into()),
        ("array['A'::citext]", list(&["A"])),
        (
            "'1 2 3'::int2vector",
            Value::List(vec![Value::Int(1), Value::Int(2), Value::Int(3)]),
        ),
        (
            "'4 5'::oidvector",
            Value::List(vec![Value::Int(4), Value::Int(5)]),
        ),
        ("'gonogo=r/gonogo'::aclitem", "gonogo=r/gonogo".into()),
        (
            "array['gonogo=r/gonogo', 'gonogo=w/gonogo']::aclitem[]",
            list(&["gonogo=r/gonogo", "gonogo=w/gonogo"]),
        ),
        ("array['a', 'b c']::name[]", list(&["a", "b c"])),
        ("'(0,1)'::tid", "(0,1)".into()),
        ("'$.a[*]'::jsonpath", "$.\"a\"[*]".into()),
        (
            "array[null, point(1, 1)]",
            Value::List(vec![Value::Null, "(1,1)".into()]),
        ),
        ("null::aclitem", Value::Null),
        ("''::\"char\"", "".into()),
        (
            "'0001-01-01 00:00:00 BC'::timestamptz at time zone 'UTC'",
            "0001-01-01 00:00:00 BC".into(),
        ),
        ("'294276-12-31'::date", "294276-12-31".into()),
        ("'4714-11-24 BC'::date", "4714-11-24 BC".into()),
        ("'04:05:06+05:30:15'::timetz", "04:05:06+05:30:15".into()),
        (
            "'-1 years 2 mons -3 days 04:05:06'::interval",
            "-10 mons -3 days +04:05:06".into(),
        ),
        (
            "'{\"n\": 12345678901234567890123.5}'::jsonb -> 'n'",
            "12345678901234567890123.5".into(),
        ),
    ] {
        assert_eq!(
            db.value(&format!("select {sql} as x")).await,
            wanted,
            "{sql}"
        );
    }
    // Text and binary columns of one row, and bound values beside them.
    let seen = db
        .seen(json!({"sql": "select 1 as a, $1::point as b, 2.50 as c, 'x=r/gonogo'::regtype is null as d", "bind": ["(1,2)"]}))
        .await;
    assert!(
        seen.facts.contains_key("error"),
        "an error leaves the forms of the next answer alone"
    );
    let seen = db
        .seen(json!({"sql": "select 1 as a, $1::point as b, 2.50 as c", "bind": ["(1,2)"]}))
        .await;
    let row = &rows(&seen)[0];
    assert_eq!(row.get("a"), Some(&Value::Int(1)));
    assert_eq!(row.get("b"), Some(&"(1,2)".into()));
    assert_eq!(row.get("c"), Some(&"2.50".into()));
    let acl = db
        .sql("select relname, relacl from pg_class where relacl is not null limit 3")
        .await;
    let relacl = rows(&acl)[0].get("relacl").unwrap();
    assert!(
        matches!(relacl, Value::List(items) if !items.is_empty()),
        "{relacl:?}"
    );
}

#[tokio::test]
async fn types_of_ones_own_are_read_and_bound() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    for sql in [
        "create type probe_pair as (a int, b text)",
        "create type probe_level as enum ('low', 'very \"high\"')",
        "create domain probe_list as int[] check (array_length(value, 1) < 4)",
        "create domain probe_points as point[]",
        "create type probe_span as range (subtype = float8)",
    ] {
        db.sql(sql).await;
    }
    for (ty, value, wanted) in [
        (
            "probe_pair",
            json!("(1,\"a,b\")"),
            Value::from("(1,\"a,b\")"),
        ),
        (
            "probe_pair[]",
            json!(["(1,\"a,b\")", null]),
            Value::List(vec!["(1,\"a,b\")".into(), Value::Null]),
        ),
        (
            "probe_level[]",
            json!(["low", "very \"high\""]),
            Value::List(vec!["low".into(), "very \"high\"".into()]),
        ),
        (
            "probe_list",
            json!([1, 2]),
            Value::List(vec![Value::Int(1), Value::Int(2)]),
        ),
        (
            "probe_points",
            json!(["(1,2)"]),
            Value::List(vec!["(1,2)".into()]),
        ),
        ("probe_span", json!("[0.5,1.5)"), "[0.5,1.5)".into()),
    ] {
        let seen = db
            .seen(json!({"sql": format!("select $1::{ty} as x"), "bind": [value]}))
            .await;
        assert_eq!(only(&seen), wanted, "{ty}");
        let back = db
            .seen(json!({"sql": format!("select $1::{ty} as x"), "bind": [bindable(&wanted)]}))
            .await;
        assert_eq!(only(&back), wanted, "{ty}");
    }
}

/// A value as a check's `bind` gets it from a capture.
fn bindable(value: &Value) -> Json {
    match value {
        Value::Bytes(_) => json!({"$bytes": value.to_json()}),
        Value::List(items) => items.iter().map(bindable).collect(),
        other => other.to_json(),
    }
}

fn of<T>(strategy: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Json>
where
    T: Into<Json> + std::fmt::Debug + 'static,
{
    strategy.prop_map(Into::into).boxed()
}

fn day() -> impl Strategy<Value = (String, &'static str)> {
    prop_oneof![
        (1..=290_000_i32, 1..=12, 1..=28, Just("")),
        (1..=4700_i32, 1..=12, 1..=28, Just(" BC")),
        (1990..=2030_i32, 1..=12, 1..=28, Just("")),
    ]
    .prop_map(|(y, m, d, era)| (format!("{y:04}-{m:02}-{d:02}"), era))
}

fn clock() -> impl Strategy<Value = String> {
    (0..24, 0..60, 0..60, 0..1_000_000)
        .prop_map(|(h, m, s, f)| format!("{h:02}:{m:02}:{s:02}.{f:06}"))
}

fn instant() -> BoxedStrategy<Json> {
    of((day(), clock()).prop_map(|((day, era), clock)| format!("{day} {clock}{era}")))
}

/// Each type with what is written to it.
fn types() -> Vec<(&'static str, BoxedStrategy<Json>)> {
    let sign = || prop_oneof![Just(""), Just("-")];
    let text = "[^\0]{0,30}";
    vec![
        ("bool", of(any::<bool>())),
        ("int2", of(any::<i16>())),
        ("int4", of(any::<i32>())),
        ("int8", of(any::<i64>())),
        (
            "float4",
            of(proptest::num::f32::NORMAL.prop_map(|f| f.to_string())),
        ),
        ("float8", of(proptest::num::f64::NORMAL)),
        ("numeric", of("-?[0-9]{1,1000}(\\.[0-9]{0,300})?")),
        (
            "numeric",
            of(prop_oneof![
                Just("NaN"),
                Just("Infinity"),
                Just("-Infinity"),
                Just("0.000")
            ]),
        ),
        ("text", of(text)),
        ("varchar(40)", of(text)),
        ("name", of("[a-zA-Z \"']{1,30}")),
        ("\"char\"", of("[a-z ]")),
        (
            "bytea",
            proptest::collection::vec(any::<u8>(), 0..40)
                .prop_map(|b| bindable(&Value::Bytes(b)))
                .boxed(),
        ),
        (
            "uuid",
            of("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ),
        (
            "jsonb",
            (
                any::<i64>(),
                text,
                any::<f64>().prop_filter("finite", |f| f.is_finite()),
            )
                .prop_map(|(i, t, f)| json!({"i": i, "list": [t.clone(), f, null, true], t: {}}))
                .boxed(),
        ),
        (
            "date",
            of(day().prop_map(|(day, era)| format!("{day}{era}"))),
        ),
        ("date", of(prop_oneof![Just("infinity"), Just("-infinity")])),
        ("timestamp", instant()),
        ("timestamptz", instant()),
        (
            "timestamptz",
            of(prop_oneof![Just("infinity"), Just("-infinity")]),
        ),
        ("time", of(clock())),
        (
            "timetz",
            of((
                clock(),
                prop_oneof![Just('+'), Just('-')],
                0..15,
                0..60,
                0..60,
            )
                .prop_map(|(c, s, h, m, x)| format!("{c}{s}{h:02}:{m:02}:{x:02}"))),
        ),
        (
            "interval",
            of((
                -200..200,
                -11..12,
                -400..400,
                -200_000_000_000_i64..200_000_000_000,
            )
                .prop_map(|(y, m, d, us)| {
                    let sign = if us < 0 { "-" } else { "+" };
                    let us = us.abs();
                    format!(
                        "{y:+} years {m:+} mons {d:+} days {sign}{}.{:06} seconds",
                        us / 1_000_000,
                        us % 1_000_000
                    )
                })),
        ),
        ("varbit", of("[01]{0,70}")),
        (
            "inet",
            of(any::<([u8; 4], u8)>()
                .prop_map(|(a, n)| format!("{}.{}.{}.{}/{}", a[0], a[1], a[2], a[3], n % 33))),
        ),
        (
            "inet",
            of(any::<[u16; 8]>().prop_map(|a| std::net::Ipv6Addr::from(a).to_string())),
        ),
        ("macaddr", of("[0-9a-f]{2}(:[0-9a-f]{2}){5}")),
        (
            "money",
            of((sign(), 0..100_000_000_i64, 0..100).prop_map(|(s, n, c)| format!("{s}{n}.{c:02}"))),
        ),
        (
            "int4range",
            of((-1000..0, 0..1000).prop_map(|(a, b)| format!("[{a},{b}]"))),
        ),
        (
            "tstzrange",
            of((day(), clock()).prop_map(|((d, e), c)| format!("[\"{d} {c}{e}\",infinity)"))),
        ),
        (
            "nummultirange",
            of((-1000..0, 0..1000).prop_map(|(a, b)| format!("{{[{a}.5,0.25],({b},{b}.75)}}"))),
        ),
        (
            "point",
            of(any::<(i32, i32)>().prop_map(|(x, y)| format!("({x}.5,{y})"))),
        ),
        (
            "polygon",
            of(any::<(i16, i16)>().prop_map(|(x, y)| format!("((0,0),({x},1),(1,{y}))"))),
        ),
        (
            "tsvector",
            of("[a-z]{1,9}( [a-z']{1,9}){0,5}"
                .prop_map(|t| t.replace('\'', "''"))
                .prop_filter("quotes", |t| !t.contains('\''))),
        ),
        (
            "pg_lsn",
            of(any::<(u32, u32)>().prop_map(|(a, b)| format!("{a:X}/{b:X}"))),
        ),
        (
            "text[]",
            proptest::collection::vec(proptest::option::of(text), 0..6)
                .prop_map(|v| json!(v))
                .boxed(),
        ),
        (
            "int4[]",
            any::<[[i32; 2]; 3]>().prop_map(|v| json!(v)).boxed(),
        ),
        (
            "bytea[]",
            proptest::collection::vec(any::<u8>(), 0..40)
                .prop_map(|b| json!([bindable(&Value::Bytes(b))]))
                .boxed(),
        ),
        (
            "timestamptz[]",
            proptest::collection::vec(instant(), 0..4)
                .prop_map(Json::Array)
                .boxed(),
        ),
        (
            "box[]",
            any::<[i16; 4]>()
                .prop_map(|b| json!([format!("(({},{}),({},{}))", b[0], b[1], b[2], b[3])]))
                .boxed(),
        ),
        (
            "int2vector",
            proptest::collection::vec(any::<i16>(), 0..6)
                .prop_map(|v| json!(v))
                .boxed(),
        ),
        (
            "oidvector",
            proptest::collection::vec(any::<u32>(), 0..6)
                .prop_map(|v| json!(v))
                .boxed(),
        ),
        ("name[]", of(Just("{a,\"b c\"}"))),
        ("aclitem[]", of(Just("{gonogo=arw/gonogo}"))),
    ]
}

#[tokio::test]
async fn a_value_of_any_type_that_is_read_binds_back_as_itself() {
    let server = server();
    let db = elsewhere(&server);
    let mut runner = TestRunner::deterministic();
    for (ty, strategy) in types() {
        for _ in 0..12 {
            let written = strategy.new_tree(&mut runner).unwrap().current();
            let seen = db
                .seen(json!({"sql": format!("select $1::{ty} as x"), "bind": [written.clone()]}))
                .await;
            let read = only(&seen);
            let same = format!(
                "select $1::{ty} as x, $1::{ty}::text is not distinct from $2::{ty}::text as same"
            );
            let back = db
                .seen(json!({"sql": same, "bind": [bindable(&read), written.clone()]}))
                .await;
            let row = &rows(&back)[0];
            assert_eq!(
                row.get("same"),
                Some(&true.into()),
                "{ty}: {written} was read as {read:?}"
            );
            // NaN is not itself.
            let again = row.get("x").unwrap();
            assert_eq!(format!("{again:?}"), format!("{read:?}"), "{ty}: {written}");
        }
    }
}
