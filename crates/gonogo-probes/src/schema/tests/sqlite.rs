use std::path::PathBuf;

use super::*;

const SHOP: &str = "
create table orgs (id integer primary key, name text not null unique);
create table users (
    id text primary key, -- the (id)
    org_id integer not null references orgs on delete cascade,
    email text collate nocase check (email like '%@%'),
    price real default 0.5,
    doubled real generated always as (price * (2)) stored,
    constraint priced check (price >= 0),
    unique (org_id, email)
) strict, without rowid;
create unique index one_active on users (org_id, lower(email)) where price > 1;
create view active as select id, email from users where price > 1;
create trigger freeze after update of price, email on users begin select raise(abort, 'no'); end;
";

fn file(statements: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    write(&path, statements);
    (folder, path)
}

fn write(path: &std::path::Path, statements: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(statements)
        .unwrap();
}

fn main_schema() -> Json {
    json!({"schema": ["main"]})
}

#[tokio::test]
async fn a_schema_is_read_as_it_was_written() {
    let (_folder, path) = file(SHOP);
    let seen = Bench::sqlite(&path).schema(main_schema()).await;
    assert_in_shape(&seen, &main_schema());
    let column =
        |name: &str, field: &str| fact(&seen, &["tables", "users", "columns", name, field]).clone();
    assert_eq!(column("email", "type"), Value::from("text"));
    assert_eq!(column("id", "nullable"), Value::from(false));
    assert_eq!(column("price", "default"), Value::from("0.5"));
    assert_eq!(column("doubled", "generated"), Value::from("stored"));
    assert_eq!(column("doubled", "default"), Value::from("price * (2)"));
    assert_eq!(
        fact(&seen, &["tables", "orgs", "primary_key"]),
        &Value::from_json(&json!(["id"]))
    );
    assert_eq!(
        fact(&seen, &["tables", "orgs", "columns", "id", "nullable"]),
        &Value::from(false)
    );
    let key = |field: &str| {
        fact(
            &seen,
            &["tables", "users", "foreign_keys", "org_id -> orgs", field],
        )
        .clone()
    };
    assert_eq!(key("references"), Value::from_json(&json!(["id"])));
    assert_eq!(key("on_delete"), Value::from("cascade"));
    assert_eq!(
        text(
            &seen,
            &["tables", "users", "checks", "priced", "expression"]
        ),
        "price >= 0"
    );
    assert_eq!(fact(&seen, &["counts", "checks"]), &Value::from(2));
    assert_eq!(fact(&seen, &["counts", "unique"]), &Value::from(2));
    let index =
        |field: &str| fact(&seen, &["tables", "users", "indexes", "one_active", field]).clone();
    assert_eq!(
        index("columns"),
        Value::from_json(&json!(["org_id", "lower(email)"]))
    );
    assert_eq!(index("predicate"), Value::from("price > 1"));
    assert_eq!(index("unique"), Value::from(true));
    let trigger =
        |field: &str| fact(&seen, &["tables", "users", "triggers", "freeze", field]).clone();
    assert_eq!(trigger("timing"), Value::from("after"));
    assert_eq!(trigger("events"), Value::from_json(&json!(["update"])));
    assert_eq!(
        text(&seen, &["views", "active", "definition"]),
        "select id, email from users where price > 1"
    );
    let model = model(&seen);
    assert_eq!(
        model.tables["users"].columns["email"].collation.as_deref(),
        Some("nocase")
    );
    assert_eq!(model.tables["users"].options, ["strict", "without rowid"]);
}

#[tokio::test]
async fn each_change_of_a_schema_is_told() {
    let (_folder, path) = file(SHOP);
    let bench = Bench::sqlite(&path);
    let mut last = model(&bench.schema(main_schema()).await);
    let changes = [
        (
            "alter table orgs add column note text default 'x'",
            "+ column orgs.note text default 'x'\n",
        ),
        (
            "drop index one_active",
            "- index users.one_active unique btree (org_id, lower(email)) where price > 1\n",
        ),
        ("drop trigger freeze", "- trigger users.freeze "),
        (
            "drop view active",
            "- view active view (id text, email text)",
        ),
        (
            "create table more (a, b, check (a < b))",
            "+ table more (a , b )\n",
        ),
        ("alter table more rename column b to c", "column more."),
        ("drop table users", "- table users "),
    ];
    for (change, told) in changes {
        write(&path, change);
        let seen = model(&bench.schema(main_schema()).await);
        let found = diff(&last, &seen);
        assert!(!found.is_empty(), "{change}");
        let text = diff_text(&found);
        assert!(text.contains(told), "{change}:\n{text}");
        last = seen;
    }
}

#[tokio::test]
async fn blanks_comments_and_case_change_no_fingerprint_and_a_check_does() {
    let (_one, one) = file("create table t (a int check (a > 0), b text collate nocase)");
    let (_two, two) = file(
        "CREATE TABLE t (\n  a INT CHECK( a > 0 ) -- positive\n , /* b */ b TEXT COLLATE NOCASE\n)",
    );
    let (_three, three) = file("create table t (a int check (a > 1), b text collate nocase)");
    let mut prints = Vec::new();
    for path in [one, two, three] {
        let seen = Bench::sqlite(&path).schema(main_schema()).await;
        prints.push(
            model(&seen).tables["t"]
                .checks
                .values()
                .next()
                .unwrap()
                .expression
                .clone(),
        );
        prints.push(text(&seen, &["fingerprint"]));
    }
    assert_eq!(prints[0].trim(), prints[2].trim());
    assert_eq!(prints[1], prints[3]);
    assert_ne!(prints[1], prints[5]);
}

#[tokio::test]
async fn orphans_duplicates_and_migrations_are_read_from_a_file_too() {
    let (_folder, path) = file(
        "create table parents (id integer primary key); insert into parents values (1);
         create table children (parent_id integer, kind text); insert into children values (1, 'a'), (2, 'a'), (null, 'b');
         create table _sqlx_migrations (version bigint, success boolean); insert into _sqlx_migrations values (3, true), (4, false);",
    );
    let options = json!({"schema": ["main"], "relations": ["children.parent_id -> parents.id"],
        "duplicates": [{"table": "children", "columns": ["kind"], "where": "parent_id > 0"}]});
    let seen = Bench::sqlite(&path).schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    let relation = fact(&seen, &["relations", "children.parent_id -> parents.id"]);
    assert_eq!(relation.get("orphans"), Some(&Value::from(1)));
    assert_eq!(relation.get("constraint"), Some(&Value::from(false)));
    assert_eq!(
        seen.facts["duplicates"],
        Value::from_json(&json!({"children(kind)": 1}))
    );
    assert_eq!(
        fact(&seen, &["migrations", "sqlx", "version"]),
        &Value::from(3)
    );
    assert_eq!(
        fact(&seen, &["migrations", "sqlx", "failed"]),
        &Value::from(1)
    );
}
