use super::*;
use crate::snapshot::{Kind, laid_out};

fn users() -> Table {
    let mut users = table(&[("id", "bigint"), ("email", "text"), ("org_id", "bigint")]);
    users.columns.get_mut("email").unwrap().nullable = false;
    users.primary_key = Some(Key {
        columns: vec!["id".to_owned()],
        extra: String::new(),
    });
    users.indexes = named(
        "users_pkey",
        Index {
            columns: vec!["id".to_owned()],
            unique: true,
            valid: true,
            method: "btree".to_owned(),
            constraint: true,
            definition: "btree (id)".to_owned(),
            ..Index::default()
        },
    );
    users.foreign_keys = named(
        "users_org_id_fkey",
        ForeignKey {
            columns: vec!["org_id".to_owned()],
            table: "orgs".to_owned(),
            references: vec!["id".to_owned()],
            on_delete: "cascade".to_owned(),
            on_update: "no action".to_owned(),
            validated: true,
            extra: String::new(),
        },
    );
    users
}

fn schema() -> Model {
    model(&[("orgs", table(&[("id", "bigint")])), ("users", users())])
}

#[test]
fn a_dropped_column_is_one_line_of_the_diff() {
    let mut seen = schema();
    seen.tables
        .get_mut("users")
        .unwrap()
        .columns
        .remove("email");
    let found = diff(&schema(), &seen);
    assert_eq!(
        diff_text(&found),
        "--- expected\n+++ seen\n- column users.email text not null\n"
    );
    assert_eq!(found[0].kind, DifferenceKind::Removed);
    assert_eq!(found[0].what, "column users.email");
    assert_eq!(found[0].expected, "text not null");
    assert_eq!(found[0].seen, "");
}

#[test]
fn a_changed_type_is_told_as_expected_and_seen() {
    let mut seen = schema();
    let users = seen.tables.get_mut("users").unwrap();
    users.columns.get_mut("org_id").unwrap().ty = "uuid".to_owned();
    assert_eq!(
        diff_text(&diff(&schema(), &seen)),
        "--- expected\n+++ seen\n- column users.org_id bigint\n+ column users.org_id uuid\n"
    );
}

#[test]
fn a_table_that_is_gone_is_one_difference() {
    let mut seen = schema();
    seen.tables.remove("users");
    assert_eq!(
        diff_text(&diff(&schema(), &seen)),
        "--- expected\n+++ seen\n- table users (id bigint, email text, org_id bigint)\n"
    );
}

#[test]
fn a_primary_key_that_is_gone_takes_its_index_with_it_untold() {
    let mut seen = schema();
    let users = seen.tables.get_mut("users").unwrap();
    users.primary_key = None;
    users.indexes.clear();
    assert_eq!(
        diff_text(&diff(&schema(), &seen)),
        "--- expected\n+++ seen\n- primary key users (id)\n"
    );
}

#[test]
fn an_index_that_became_invalid_is_a_difference() {
    let mut seen = schema();
    let users = seen.tables.get_mut("users").unwrap();
    users.indexes.get_mut("users_pkey").unwrap().valid = false;
    let text = diff_text(&diff(&schema(), &seen));
    assert!(
        text.contains("+ index users.users_pkey unique btree (id) INVALID"),
        "{text}"
    );
}

#[test]
fn two_columns_that_changed_places_are_a_difference_and_a_gap_is_none() {
    let mut swapped = schema();
    let users = swapped.tables.get_mut("users").unwrap();
    users.columns.get_mut("id").unwrap().position = 2;
    users.columns.get_mut("email").unwrap().position = 1;
    let text = diff_text(&diff(&schema(), &swapped));
    assert!(
        text.contains("- order of columns users (id, email, org_id)\n+ order of columns users (email, id, org_id)"),
        "{text}"
    );
    let mut gap = schema();
    gap.tables
        .get_mut("users")
        .unwrap()
        .columns
        .get_mut("org_id")
        .unwrap()
        .position = 9;
    assert_eq!(diff(&schema(), &gap), []);
    assert_eq!(schema().fingerprint(), gap.fingerprint());
}

#[test]
fn of_a_changed_function_the_lines_that_changed_are_told() {
    let function = |body: &str| Function {
        kind: "function".to_owned(),
        returns: "trigger".to_owned(),
        language: "plpgsql".to_owned(),
        definition: format!("begin\n  {body}\n  return new;\nend"),
    };
    let with = |body| Model {
        functions: named("freeze()", function(body)),
        ..Model::default()
    };
    assert_eq!(
        diff_text(&diff(&with("new.at := now();"), &with("new.at := null;"))),
        "--- expected\n+++ seen\n  function freeze()\n    begin\n-     new.at := now();\n+     new.at := null;\n      return new;\n"
    );
}

#[test]
fn a_foreign_key_that_no_index_serves_is_found_and_a_partial_index_serves_none() {
    let mut schema = schema();
    let found = unindexed_foreign_keys(&schema);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].table.as_str(), found[0].name.as_str()),
        ("users", "users_org_id_fkey")
    );
    let users = schema.tables.get_mut("users").unwrap();
    let index = |predicate: Option<&str>, valid| Index {
        columns: vec!["org_id".to_owned(), "email".to_owned()],
        valid,
        predicate: predicate.map(str::to_owned),
        ..Index::default()
    };
    for useless in [index(Some("email is null"), true), index(None, false)] {
        users.indexes.insert("i".to_owned(), useless);
        assert!(!users.is_indexed(&["org_id".to_owned()]));
    }
    users.indexes.insert("i".to_owned(), index(None, true));
    assert!(users.is_indexed(&["org_id".to_owned()]));
    assert!(!users.is_indexed(&["email".to_owned()]));
    assert_eq!(unindexed_foreign_keys(&schema), []);
}

#[test]
fn a_relation_is_read_looked_up_and_its_names_are_checked() {
    let relation = Relation::parse("users.org_id -> orgs.id").unwrap();
    let facts = relation.look_up(&schema()).unwrap();
    assert!(facts.constraint && facts.types_agree && !facts.indexed);
    let mut other = schema();
    let orgs = other.tables.get_mut("orgs").unwrap();
    orgs.columns.get_mut("id").unwrap().ty = "uuid".to_owned();
    assert!(!relation.look_up(&other).unwrap().types_agree);
    let composite = Relation::parse("app.a(x, y) -> app.b(z, w)").unwrap();
    assert_eq!(composite.child, "app.a");
    assert_eq!(composite.parent_columns, ["z", "w"]);
    for wrong in [
        "users.org_id",
        "users -> orgs.id",
        "a(x, y) -> b(z)",
        "a.b -> ",
        "a b.c -> d.e",
    ] {
        assert!(Relation::parse(wrong).is_err(), "{wrong}");
    }
    let misspelt = Relation::parse("user.org_id -> orgs.id").unwrap();
    assert_eq!(
        misspelt.look_up(&schema()).unwrap_err(),
        "there is no table `user`; did you mean `users`?"
    );
    let misspelt = Relation::parse("users.orgid -> orgs.id").unwrap();
    assert_eq!(
        misspelt.look_up(&schema()).unwrap_err(),
        "the table `users` has no column `orgid`; did you mean `org_id`?"
    );
}

#[test]
fn types_agree_whatever_their_length() {
    let agree = |a: &str, b: &str| {
        let schema = model(&[("a", table(&[("x", a)])), ("b", table(&[("y", b)]))]);
        Relation::parse("a.x -> b.y")
            .unwrap()
            .look_up(&schema)
            .unwrap()
            .types_agree
    };
    assert!(agree("character varying(50)", "character varying(100)"));
    assert!(agree("INTEGER", "integer"));
    assert!(!agree("integer", "bigint"));
    assert!(!agree("uuid", "text"));
    assert!(!agree(
        "timestamp(3) with time zone",
        "timestamp(3) without time zone"
    ));
}

fn snapshot() -> SchemaSnapshot {
    let at = chrono::DateTime::parse_from_rfc3339("2026-11-26T03:00:00Z").unwrap();
    SchemaSnapshot::new(
        at.to_utc(),
        "PostgreSQL 15.18".to_owned(),
        "127.0.0.1:5432/app".to_owned(),
        vec!["public".to_owned()],
        schema(),
    )
}

#[test]
fn a_snapshot_is_read_as_it_was_written_with_one_column_a_line() {
    let text = snapshot().to_text();
    assert_eq!(SchemaSnapshot::read(text.as_bytes()).unwrap(), snapshot());
    assert!(
        text.starts_with("{\n  \"gonogo_snapshot\": 1,\n  \"kind\": \"schema\",\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "\n          \"email\": { \"position\": 2, \"type\": \"text\", \"nullable\": false },\n"
        ),
        "{text}"
    );
}

#[test]
fn a_snapshot_changed_by_hand_is_refused_at_its_line() {
    let text = snapshot().to_text();
    let edited = text.replace("\"nullable\": false", "\"nullable\": true");
    let refused = SchemaSnapshot::read(edited.as_bytes()).unwrap_err();
    assert_eq!((refused.line, refused.column), (8, 3), "{refused}");
    assert!(
        refused.message.contains("was changed after it was taken"),
        "{refused}"
    );
    let meant: String = edited
        .lines()
        .filter(|line| !line.contains("\"fingerprint\""))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(SchemaSnapshot::read(meant.as_bytes()).is_ok());
    let unknown = text.replace("\"nullable\": false", "\"nulable\": false");
    let refused = SchemaSnapshot::read(unknown.as_bytes()).unwrap_err();
    assert!(
        refused.message.contains("unknown field `nulable`"),
        "{refused}"
    );
    assert!(refused.line > 10, "{refused}");
}

#[test]
fn what_is_no_snapshot_of_the_kind_is_refused_with_the_reason() {
    let says = |text: &str| {
        SchemaSnapshot::read(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(says("").contains("EOF"));
    assert!(says("{\n\"a\": }").contains("line 2"));
    assert!(says("{}").contains("no snapshot"));
    assert!(says("[]").contains("line 1"));
    assert!(says("{\"gonogo_snapshot\": 2}").contains("version 2"));
    assert!(says("{\"gonogo_snapshot\": 1, \"kind\": \"x\"}").contains("no kind"));
    assert!(says("{\"gonogo_snapshot\": 1, \"kind\": \"schema\"}").contains("missing field"));
    assert_eq!(Kind::of(snapshot().to_text().as_bytes()), Ok(Kind::Schema));
}

#[test]
fn a_layout_changes_nothing_but_blanks() {
    for text in [
        "{}",
        "[]",
        "1",
        "\"a{,\\\"b\"",
        "{\"a\":[],\"b\":{}}",
        "[[1,2],[{\"x\":\"]\"}]]",
    ] {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let back: serde_json::Value = serde_json::from_str(&laid_out(&value)).unwrap();
        assert_eq!(value, back);
    }
}
