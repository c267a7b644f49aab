//! Each rule with a statement that meets it and one that does not.

use super::super::reader::{Manner, Script, read};
use super::super::rules;

/// Rule, bad, good. The rules about whole files are held by the tests of files.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "require-concurrent-index-creation",
        "create index i on t (a);",
        "create index concurrently i on t (a);",
    ),
    (
        "require-concurrent-index-deletion",
        "drop index i;",
        "drop index concurrently i;",
    ),
    (
        "require-concurrent-reindex",
        "reindex table t;",
        "reindex table concurrently t;",
    ),
    (
        "require-concurrent-partition-detach",
        "alter table t detach partition p;",
        "alter table t detach partition p concurrently;",
    ),
    (
        "changing-column-type",
        "alter table t alter column a type bigint;",
        "alter table t add column b bigint;",
    ),
    (
        "adding-field-with-default",
        "alter table t add column a uuid default gen_random_uuid();",
        "alter table t add column a int default 1;",
    ),
    (
        "adding-required-field",
        "alter table t add column a int not null;",
        "alter table t add column a int not null default 1;",
    ),
    (
        "adding-not-nullable-field",
        "alter table t alter column a set not null;",
        "alter table t add constraint c check (a is not null) not valid;",
    ),
    (
        "adding-serial-primary-key-field",
        "alter table t add primary key (id);",
        "alter table t add constraint p primary key using index i;",
    ),
    (
        "disallowed-unique-constraint",
        "alter table t add constraint u unique (a);",
        "alter table t add constraint u unique using index i;",
    ),
    (
        "constraint-missing-not-valid",
        "alter table t add constraint c check (a > 0);",
        "alter table t add constraint c check (a > 0) not valid;",
    ),
    (
        "adding-foreign-key-constraint",
        "alter table t add constraint f foreign key (a) references u (id);",
        "alter table t add constraint f foreign key (a) references u (id) not valid;",
    ),
    (
        "ban-drop-column",
        "alter table t drop column a;",
        "alter table t add column a int;",
    ),
    (
        "ban-drop-table",
        "drop table t;",
        "create table t (id int);",
    ),
    (
        "ban-drop-database",
        "drop database d;",
        "create table t (id int);",
    ),
    ("ban-drop-schema", "drop schema s;", "create schema s;"),
    (
        "ban-drop-view",
        "drop view v;",
        "create view v as select 1;",
    ),
    (
        "ban-drop-function",
        "drop function f();",
        "create function f() returns int language sql as 'select 1';",
    ),
    (
        "ban-drop-type",
        "drop type t;",
        "create type t as enum ('a');",
    ),
    (
        "ban-drop-domain",
        "drop domain d;",
        "create table t (id int);",
    ),
    (
        "ban-drop-sequence",
        "drop sequence s;",
        "create sequence s;",
    ),
    (
        "ban-drop-extension",
        "drop extension hstore;",
        "create extension if not exists hstore;",
    ),
    ("ban-truncate-cascade", "truncate t cascade;", "truncate t;"),
    (
        "renaming-column",
        "alter table t rename column a to b;",
        "alter table t add column b int;",
    ),
    (
        "renaming-table",
        "alter table t rename to u;",
        "create view u as select * from t;",
    ),
    (
        "renaming-object",
        "alter view v rename to w;",
        "create view w as select 1;",
    ),
    (
        "ban-set-schema",
        "alter table t set schema s;",
        "create table s.t (id int);",
    ),
    (
        "ban-concurrent-index-creation-in-transaction",
        "begin; create index concurrently i on t (a); commit;",
        "create index concurrently i on t (a);",
    ),
    (
        "ban-uncommitted-transaction",
        "begin; select 1;",
        "begin; select 1; commit;",
    ),
    (
        "transaction-nesting",
        "begin; begin; commit;",
        "begin; select 1; commit;",
    ),
    (
        "require-lock-timeout",
        "alter table t add column a int;",
        "set lock_timeout = '2s'; alter table t add column a int;",
    ),
    (
        "ban-drop-constraint",
        "alter table t drop constraint c;",
        "alter table t validate constraint c;",
    ),
    (
        "ban-drop-not-null",
        "alter table t alter column a drop not null;",
        "alter table t alter column a set default 1;",
    ),
    (
        "ban-drop-default",
        "alter table t alter column a drop default;",
        "alter table t alter column a set default 1;",
    ),
    (
        "ban-drop-generated-expression",
        "alter table t alter column a drop expression;",
        "alter table t add column a int;",
    ),
    (
        "ban-alter-identity",
        "alter table t alter column a add generated always as identity;",
        "create table t (id bigint generated always as identity);",
    ),
    (
        "ban-drop-trigger",
        "drop trigger g on t;",
        "create trigger g after insert on t execute function f();",
    ),
    (
        "ban-disable-trigger",
        "alter table t disable trigger g;",
        "alter table t validate constraint c;",
    ),
    (
        "ban-drop-policy",
        "drop policy p on t;",
        "create policy p on t;",
    ),
    (
        "ban-create-domain-with-constraint",
        "create domain d as int check (value > 0);",
        "create domain d as int;",
    ),
    (
        "ban-alter-domain-with-add-constraint",
        "alter domain d add constraint c check (value > 0);",
        "create domain d as int;",
    ),
    (
        "not-understood",
        "creat table t (id int);",
        "create table t (id int);",
    ),
    ("truncate", "truncate t;", "select 1;"),
    (
        "delete-every-row",
        "delete from t;",
        "delete from t where a = 1;",
    ),
    (
        "update-every-row",
        "update t set a = 1;",
        "update t set a = 1 where a is null;",
    ),
    ("rewrites-table", "vacuum full t;", "vacuum t;"),
    ("rewrites-table", "cluster t using i;", "analyze t;"),
    (
        "not-in-a-transaction",
        "begin; drop index concurrently i; commit;",
        "drop index concurrently i;",
    ),
    (
        "not-in-a-transaction",
        "begin; reindex table concurrently t; commit;",
        "reindex table concurrently t;",
    ),
    (
        "not-in-a-transaction",
        "begin; alter table t detach partition p concurrently; commit;",
        "alter table t detach partition p concurrently;",
    ),
    (
        "not-in-a-transaction",
        "begin; vacuum t; commit;",
        "begin; select 1; commit; vacuum t;",
    ),
    (
        "rewrites-table",
        "alter table t set unlogged;",
        "create unlogged table t (id int);",
    ),
    ("explicit-lock", "lock table t;", "select 1;"),
    (
        "refresh-without-concurrently",
        "refresh materialized view v;",
        "refresh materialized view concurrently v;",
    ),
];

/// About whole files, not statements.
const OF_FILES: &[&str] = &[
    "no-way-down",
    "edited-migration",
    "removed-migration",
    "not-recognised",
    "empty-migration",
];

fn plain(text: &str) -> Script {
    let manner = Manner {
        in_transaction: Some(false),
        also: Vec::new(),
    };
    read(text, &manner)
}

fn met(text: &str) -> Vec<String> {
    plain(text).hits.into_iter().map(|hit| hit.rule).collect()
}

#[test]
fn each_rule_is_met_by_the_bad_example_and_not_by_the_good_one() {
    let mut wrong = Vec::new();
    for (rule, bad, good) in EXAMPLES {
        let (of_bad, of_good) = (met(bad), met(good));
        if !of_bad.contains(&(*rule).to_owned()) {
            wrong.push(format!("{rule}: `{bad}` meets {of_bad:?}"));
        }
        let unread = *rule != "not-understood" && of_good.contains(&"not-understood".to_owned());
        if unread || of_good.contains(&(*rule).to_owned()) {
            wrong.push(format!("{rule}: `{good}` meets {of_good:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_judged_rule_has_examples_a_reason_and_a_safer_form() {
    for rule in rules::judged() {
        let has = EXAMPLES.iter().any(|(id, _, _)| *id == rule.id) || OF_FILES.contains(&rule.id);
        assert!(has, "{} has no examples", rule.id);
        assert!(
            rule.reason.len() > 20 && rule.safer.len() > 10,
            "{}",
            rule.id
        );
    }
    for rule in rules::published() {
        assert!(
            squawk_linter::Rule::try_from(rule.id).is_ok(),
            "{} is not published",
            rule.id
        );
    }
}

#[test]
fn each_rule_of_ours_has_its_section_in_the_guide() {
    let page = include_str!("../../../../../docs/guide/migrations.md");
    for rule in rules::judged().filter(|rule| rules::link(rule.id).starts_with("docs/")) {
        assert!(
            page.contains(&format!("\n### {}\n", rule.id)),
            "{}",
            rule.id
        );
    }
}

#[test]
fn a_block_is_read_statement_by_statement_at_its_own_lines() {
    let text = "DO $$ BEGIN\n  IF true THEN\n    ALTER TABLE t DROP COLUMN a;\n  END IF;\nEXCEPTION WHEN others THEN null;\nEND $$;";
    let script = plain(text);
    let hits: Vec<_> = script
        .hits
        .iter()
        .map(|h| (h.rule.as_str(), h.line))
        .collect();
    assert_eq!(hits, [("ban-drop-column", 3)]);
    assert!(!script.effect.drops_nothing);
}

#[test]
fn what_a_block_puts_together_when_it_runs_is_not_understood() {
    for text in [
        "do $$ begin execute 'drop table ' || 'a'; end $$;",
        "do $$ declare r record; begin for r in execute 'select 1' loop null; end loop; end $$;",
        "do language plpython3u $$ plpy.execute('drop table a') $$;",
        "do 'begin execute ''drop table a''; end';",
        "call clean_up();",
        "execute prepared;",
    ] {
        assert!(met(text).contains(&"not-understood".to_owned()), "{text}");
        assert!(!plain(text).effect.adds_only, "{text}");
    }
}

#[test]
fn what_is_not_postgresql_says_what_it_may_be() {
    let safer = |text: &str| plain(text).hits[0].safer.clone().unwrap_or_default();
    assert!(safer("create table `a` (id int) engine=InnoDB;").contains("MySQL"));
    assert!(safer("\\connect app\nselect 1;").contains("psql"));
    assert!(safer("create table ${schema}.t (id int);").contains("placeholders"));
    assert_eq!(
        met("create table ${schema}.t (id int);"),
        ["not-understood"]
    );
}

#[test]
fn what_a_script_does_to_the_schema_is_told() {
    let of = |text: &str| {
        let effect = plain(text).effect;
        (effect.adds_only, effect.drops_nothing)
    };
    for text in [
        "alter table t add column a int, add column b int not null default 1;",
        "create table a (id int primary key); create unique index i on a (id); alter table a add constraint f foreign key (id) references b (id);",
        "create index concurrently i on t (a);",
        "comment on table t is 'x';",
    ] {
        assert_eq!(of(text), (true, true), "{text}");
    }
    for text in [
        "alter table t add column a int not null;",
        "alter table t add column a int unique;",
        "create unique index i on t (a);",
        "insert into t values (1);",
        "alter table t add constraint c check (a > 0) not valid;",
        "create trigger g after insert on t execute function f();",
        "update t set a = 1;",
    ] {
        assert_eq!(of(text), (false, true), "{text}");
    }
    for text in [
        "drop table t;",
        "alter table t add column a int, drop column b;",
        "alter table t rename a to b;",
        "alter table t alter a type text;",
        "truncate t;",
        "delete from t where a = 1;",
        "create tabl t (id int);",
    ] {
        assert_eq!(of(text), (false, false), "{text}");
    }
}
