//! Whose files are recognised, and what belongs together.

use super::super::layout::Layout;
use super::*;

fn of(paths: &[&str], forced: Option<Tool>) -> Layout {
    layout::layout(&paths.iter().map(|p| (*p).to_owned()).collect(), forced)
}

fn told(layout: &Layout) -> Vec<(&str, &str, Option<&str>)> {
    let units = layout.units.iter();
    units
        .map(|u| (u.name.as_str(), u.tool.name(), u.down.as_deref()))
        .collect()
}

#[test]
fn each_tools_files_are_recognised_in_the_order_in_which_they_run() {
    let prisma = of(
        &[
            "m/20260102_b/migration.sql",
            "m/20260101_a/migration.sql",
            "m/20260101_a/down.sql",
        ],
        None,
    );
    assert_eq!(
        told(&prisma),
        [
            ("20260101_a", "prisma", Some("m/20260101_a/down.sql")),
            ("20260102_b", "prisma", None)
        ]
    );
    let flyway = of(
        &[
            "V10__c.sql",
            "V2__b.sql",
            "V1.1__a.sql",
            "U2__b.sql",
            "R__views.sql",
        ],
        None,
    );
    assert_eq!(
        told(&flyway),
        [
            ("V1.1__a", "flyway", None),
            ("V2__b", "flyway", Some("U2__b.sql")),
            ("V10__c", "flyway", None),
            ("R__views", "flyway", None)
        ]
    );
    let sqlx = of(
        &["20260101120000_a.up.sql", "20260101120000_a.down.sql"],
        None,
    );
    assert_eq!(
        told(&sqlx),
        [(
            "20260101120000_a",
            "sqlx",
            Some("20260101120000_a.down.sql")
        )]
    );
    let golang = of(&["10_b.up.sql", "9_a.up.sql", "9_a.down.sql"], None);
    assert_eq!(
        told(&golang),
        [
            ("9_a", "golang-migrate", Some("9_a.down.sql")),
            ("10_b", "golang-migrate", None)
        ]
    );
    let diesel = of(
        &["2026-01-01-120000_a/up.sql", "2026-01-01-120000_a/down.sql"],
        None,
    );
    assert_eq!(
        told(&diesel),
        [(
            "2026-01-01-120000_a",
            "diesel",
            Some("2026-01-01-120000_a/down.sql")
        )]
    );
    let plain = of(&["2_b.sql", "1_a.sql", "1_a_down.sql"], None);
    assert_eq!(
        told(&plain),
        [
            ("1_a", "plain", Some("1_a_down.sql")),
            ("2_b", "plain", None)
        ]
    );
}

#[test]
fn a_way_down_without_its_way_up_and_a_name_that_the_tool_does_not_run_are_strange() {
    assert_eq!(
        of(&["1_a.down.sql", "U3__x.sql"], None).strange,
        ["1_a.down.sql", "U3__x.sql"]
    );
    assert_eq!(
        of(&["V1__a.sql", "seed.sql"], Some(Tool::Flyway)).strange,
        ["seed.sql"]
    );
}

#[tokio::test]
async fn both_ways_in_one_file_are_told_apart_and_only_the_way_up_is_held_against_the_rules() {
    for (up, down, tool) in [
        ("-- migrate:up", "-- migrate:down", "dbmate"),
        ("-- +goose Up", "-- +goose Down", "goose"),
    ] {
        let text = format!(
            "{up}\nset lock_timeout = '2s';\nalter table t add a int;\n\n{down}\nalter table t drop a;\n"
        );
        let seen = seen(&[("20260101120000_a.sql", &text)]).await;
        assert_eq!(
            column(&seen, "findings", "rule"),
            Vec::<String>::new(),
            "{tool}"
        );
        assert_eq!(column(&seen, "migrations", "tool"), [tool]);
    }
    let empty = "-- migrate:up\nset lock_timeout = '2s';\nalter table t add a int;\n-- migrate:down\n-- none\n";
    let seen = seen(&[("1_a.sql", empty)]).await;
    assert_eq!(column(&seen, "findings", "rule"), ["no-way-down"]);
}

#[tokio::test]
async fn what_stands_before_the_first_mark_is_read_too() {
    let seen = seen(&[(
        "1_a.sql",
        "drop table t;\n-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;\n",
    )])
    .await;
    assert!(column(&seen, "blocking", "rule").contains(&"ban-drop-table".to_owned()));
}

#[tokio::test]
async fn concurrently_is_refused_where_the_tool_opens_a_transaction() {
    const RULES: [&str; 2] = [
        "ban-concurrent-index-creation-in-transaction",
        "not-in-a-transaction",
    ];
    let index = "create index concurrently i on t (a);";
    for (name, text, refused) in [
        ("20260101120000_a.up.sql", index.to_owned(), true),
        (
            "20260101120000_a.up.sql",
            format!("-- no-transaction\n{index}"),
            false,
        ),
        (
            "1_a.sql",
            format!("-- migrate:up\n{index}\n-- migrate:down"),
            true,
        ),
        (
            "1_a.sql",
            format!("-- migrate:up transaction:false\n{index}\n-- migrate:down"),
            false,
        ),
        (
            "1_a.sql",
            format!("-- +goose NO TRANSACTION\n-- +goose Up\n{index}"),
            false,
        ),
        ("1_a/migration.sql", index.to_owned(), false),
        ("1_a/migration.sql", format!("select 1; {index}"), true),
        ("V1__a.sql", index.to_owned(), false),
        ("1_a.sql", index.to_owned(), false),
    ] {
        let seen = seen(&[(name, &text)]).await;
        let rules = column(&seen, "findings", "rule");
        assert_eq!(
            rules.iter().any(|rule| RULES.contains(&rule.as_str())),
            refused,
            "{name}: {text}: {rules:?}"
        );
    }
}

#[tokio::test]
async fn no_way_down_blocks_only_where_the_version_before_may_not_run() {
    let seen = seen(&[
        (
            "1_a.sql",
            "set lock_timeout = '2s'; alter table t add a int;",
        ),
        (
            "2_b.sql",
            "set lock_timeout = '2s'; alter table t add constraint c check (a > 0) not valid;",
        ),
        ("3_c.sql", "drop table t;"),
        ("3_c_down.sql", "create table t (id bigint);"),
        ("4_d.sql", "create table u (id bigint);"),
        ("4_d_down.sql", "drp table u;"),
    ])
    .await;
    let levels: Vec<(String, String)> = column(&seen, "findings", "file")
        .into_iter()
        .zip(column(&seen, "findings", "rule"))
        .zip(column(&seen, "findings", "level"))
        .filter(|((_, rule), _)| rule == "no-way-down")
        .map(|((file, _), level)| (file, level))
        .collect();
    let expected = [
        ("db/2_b.sql", "blocking"),
        ("db/1_a.sql", "warning"),
        ("db/4_d.sql", "warning"),
    ];
    assert_eq!(levels, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let compatible: Vec<bool> = list(&seen, "migrations")
        .iter()
        .map(|m| m.get("backward_compatible") == Some(&true.into()))
        .collect();
    assert_eq!(compatible, [true, false, true, true]);
}
