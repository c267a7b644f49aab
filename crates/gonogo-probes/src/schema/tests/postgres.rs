use super::*;

const SHOP: &str = r#"
create schema app;
create extension if not exists pgcrypto;
create type app.mood as enum ('sad', 'o''k', 'happy');
create domain app.email as text check (value like '%@%');
create table app.orgs (id bigint generated always as identity primary key, name text not null unique);
create table app.users (
    id uuid primary key default gen_random_uuid(),
    org_id bigint not null references app.orgs(id) on delete cascade,
    email app.email not null,
    mood app.mood default 'happy',
    code character varying(12) collate "C",
    price numeric(10,2) default 0.5 check (price >= 0),
    doubled numeric generated always as (price * 2) stored,
    "Odd Name" text,
    gone int
);
alter table app.users drop column gone, add column late timestamptz default now();
create unique index users_one_active on app.users (org_id, lower(email)) where mood = 'happy';
create table app.plain (a int, user_id uuid, unique (a) deferrable);
alter table app.plain add constraint plain_user foreign key (user_id) references app.users (id) not valid;
create table app.events (at timestamptz not null, body jsonb) partition by range (at);
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');
create table app.slots (during tstzrange, exclude using gist (during with &&));
create function app.guard() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger freezing before insert or update on app.users for each row execute function app.guard();
alter table app.users disable trigger freezing;
alter table app.plain enable row level security;
create policy own on app.plain for select using (a > 0);
create view app.active as select id, email from app.users where mood = 'happy';
create materialized view app.counts as select count(*) as n from app.users;
create sequence app.numbers start 5 increment 2;
"#;

#[tokio::test]
async fn a_schema_is_read_as_it_was_written() {
    let (url, _server) = database("schema_shop", SHOP).await;
    let options = json!({"schema": ["app"]});
    let seen = Bench::postgres(&url).schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    let column =
        |name: &str, field: &str| fact(&seen, &["tables", "users", "columns", name, field]).clone();
    assert_eq!(column("code", "type"), Value::from("character varying(12)"));
    assert_eq!(column("price", "type"), Value::from("numeric(10,2)"));
    assert_eq!(column("price", "default"), Value::from("0.5"));
    assert_eq!(column("doubled", "generated"), Value::from("stored"));
    assert_eq!(column("mood", "type"), Value::from("mood"));
    assert_eq!(column("mood", "default"), Value::from("'happy'::mood"));
    assert_eq!(column("email", "nullable"), Value::from(false));
    assert_eq!(column("Odd Name", "nullable"), Value::from(true));
    assert_eq!(column("late", "position"), Value::from(9));
    assert_eq!(
        fact(&seen, &["tables", "orgs", "columns", "id", "generated"]),
        &Value::from("identity always")
    );
    let key = |field: &str| {
        fact(
            &seen,
            &[
                "tables",
                "users",
                "foreign_keys",
                "users_org_id_fkey",
                field,
            ],
        )
        .clone()
    };
    assert_eq!(key("table"), Value::from("orgs"));
    assert_eq!(key("on_delete"), Value::from("cascade"));
    assert_eq!(
        fact(
            &seen,
            &["tables", "plain", "foreign_keys", "plain_user", "validated"]
        ),
        &Value::from(false)
    );
    let index = |field: &str| {
        fact(
            &seen,
            &["tables", "users", "indexes", "users_one_active", field],
        )
        .clone()
    };
    assert_eq!(
        index("columns"),
        Value::from_json(&json!(["org_id", "lower(email::text)"]))
    );
    assert_eq!(index("partial"), Value::from(true));
    assert_eq!(index("predicate"), Value::from("(mood = 'happy'::mood)"));
    assert_eq!(index("constraint"), Value::from(false));
    assert_eq!(
        text(
            &seen,
            &[
                "tables",
                "users",
                "checks",
                "users_price_check",
                "expression"
            ]
        ),
        "(price >= (0)::numeric)"
    );
    let trigger =
        |field: &str| fact(&seen, &["tables", "users", "triggers", "freezing", field]).clone();
    assert_eq!(trigger("timing"), Value::from("before"));
    assert_eq!(
        trigger("events"),
        Value::from_json(&json!(["insert", "update"]))
    );
    assert_eq!(trigger("enabled"), Value::from(false));
    assert_eq!(fact(&seen, &["tables", "plain", "rls"]), &Value::from(true));
    assert!(
        text(&seen, &["tables", "plain", "policies", "own", "definition"])
            .contains("using ((a > 0))")
    );
    assert!(
        text(
            &seen,
            &[
                "tables",
                "slots",
                "exclusions",
                "slots_during_excl",
                "definition"
            ]
        )
        .contains("gist")
    );
    assert_eq!(
        text(&seen, &["tables", "events", "kind"]),
        "partitioned table"
    );
    assert_eq!(
        fact(&seen, &["enums", "mood"]),
        &Value::from_json(&json!(["sad", "o'k", "happy"]))
    );
    assert_eq!(text(&seen, &["domains", "email"]), "text");
    assert_eq!(
        text(&seen, &["views", "counts", "kind"]),
        "materialized view"
    );
    assert_eq!(
        text(&seen, &["views", "active", "columns", "email", "type"]),
        "email"
    );
    assert_eq!(
        text(&seen, &["functions", "guard()", "language"]),
        "plpgsql"
    );
    assert!(seen.facts["extensions"].get("pgcrypto").is_some());
    assert_eq!(
        fact(&seen, &["sequences", "numbers", "type"]),
        &Value::from("bigint")
    );
    let counts = |name: &str| fact(&seen, &["counts", name]).clone();
    assert_eq!(counts("tables"), Value::from(6));
    assert_eq!(counts("foreign_keys"), Value::from(2));
    assert_eq!(counts("checks"), Value::from(1));
    assert_eq!(counts("unique"), Value::from(2));
    let model = model(&seen);
    assert_eq!(
        model.tables["plain"].unique["plain_a_key"].extra,
        "deferrable"
    );
    assert_eq!(model.tables["events_2026"].options.len(), 1);
    let unindexed = seen.facts["unindexed_foreign_keys"].as_list().unwrap();
    assert_eq!(unindexed.len(), 2, "{unindexed:?}");
}

#[tokio::test]
async fn two_databases_with_the_same_schema_have_the_same_fingerprint() {
    let (one, _server) = database("schema_one", SHOP).await;
    // Made in another order of objects, with other oids, rows and a dropped table before.
    let other = format!(
        "create table public.before (a int); drop table public.before; {SHOP} insert into app.orgs (name) values ('x');"
    );
    let (two, _server) = database("schema_two", &other).await;
    let options = json!({"schema": ["app"]});
    let one = Bench::postgres(&one).schema(options.clone()).await;
    let two = Bench::postgres(&two).schema(options).await;
    assert_eq!(one.facts["fingerprint"], two.facts["fingerprint"]);
    assert_eq!(one.facts, two.facts);
}

#[tokio::test]
async fn each_change_of_a_schema_is_told() {
    let (url, _server) = database("schema_drift", SHOP).await;
    let bench = Bench::postgres(&url);
    let options = json!({"schema": ["app"]});
    let before = bench.schema(options.clone()).await;
    let changes = [
        (
            "alter table app.users drop column \"Odd Name\"",
            "- column users.Odd Name text\n",
        ),
        (
            "alter table app.users alter column late set not null",
            "- column users.late timestamp with time zone default now()\n+ column users.late timestamp with time zone not null default now()\n",
        ),
        (
            "alter table app.users alter column code type varchar(13) collate \"C\"",
            "+ column users.code character varying(13) collate C\n",
        ),
        (
            "alter table app.users drop constraint users_price_check",
            "- check users.users_price_check (price >= (0)::numeric)\n",
        ),
        (
            "alter table app.plain validate constraint plain_user",
            "- foreign key plain.plain_user (user_id) references users(id) not valid\n",
        ),
        (
            "drop index app.users_one_active; create unique index users_one_active on app.users (org_id, lower(email))",
            "- index users.users_one_active unique btree (org_id, lower((email)::text)) WHERE (mood = 'happy'::mood)\n+ index users.users_one_active unique btree (org_id, lower((email)::text))\n",
        ),
        (
            "alter table app.orgs drop constraint orgs_name_key",
            "- unique orgs.orgs_name_key (name)\n",
        ),
        (
            "alter type app.mood add value 'angry'",
            "+ enum mood ('sad', 'o''k', 'happy', 'angry')\n",
        ),
        ("drop extension pgcrypto", "- extension pgcrypto "),
        (
            "alter table app.users enable trigger freezing",
            "+ trigger users.freezing ",
        ),
        (
            "create or replace function app.guard() returns trigger language plpgsql as $$ begin return null; end $$",
            "+   AS $function$ begin return null; end $function$\n",
        ),
        (
            "create or replace view app.active as select id, email from app.users where mood = 'sad'",
            "view active",
        ),
        (
            "alter table app.plain disable row level security",
            "+ table plain table\n",
        ),
        ("drop policy own on app.plain", "- policy plain.own "),
        (
            "alter sequence app.numbers increment 3",
            "+ sequence numbers bigint start 5 increment 3 ",
        ),
        (
            "create table app.extra (id int)",
            "+ table extra (id integer)\n",
        ),
        ("drop table app.slots", "- table slots (during tstzrange)\n"),
        (
            "alter domain app.email drop constraint email_check",
            "- domain email text check email_check",
        ),
        (
            "alter table app.users alter column mood drop default",
            "+ column users.mood mood\n",
        ),
    ];
    let mut last = model(&before);
    for (change, told) in changes {
        make(&url, change).await;
        let seen = model(&bench.schema(options.clone()).await);
        let found = diff(&last, &seen);
        assert_eq!(found.len(), 1, "{change}: {found:#?}");
        let text = diff_text(&found);
        assert!(text.contains(told), "{change}:\n{text}");
        last = seen;
    }
    let mut with_file = options.clone();
    with_file["expected"] = json!("schema.json");
    let bench = bench.with_files(vec![snapshot(&before, &["app"])]);
    let seen = bench.schema(with_file.clone()).await;
    assert_in_shape(&seen, &with_file);
    assert!(fact(&seen, &["drift_count"]).as_int().unwrap() >= 17);
    assert!(text(&seen, &["drift_text"]).starts_with("--- expected\n+++ seen\n"));
}

#[tokio::test]
async fn an_index_whose_building_broke_off_is_seen_as_invalid() {
    let (url, _server) = database(
        "schema_invalid",
        "create table t (a int); insert into t values (1), (1)",
    )
    .await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    let broken = client
        .batch_execute("create unique index concurrently t_a on t (a)")
        .await;
    assert!(broken.is_err());
    drop(client);
    driven.await.unwrap().unwrap();
    let seen = Bench::postgres(&url)
        .schema(json!({"schema": ["public"]}))
        .await;
    assert_eq!(
        fact(&seen, &["tables", "t", "indexes", "t_a", "valid"]),
        &Value::from(false)
    );
}

#[tokio::test]
async fn of_several_namespaces_every_name_has_its_own() {
    let (url, _server) = database(
        "schema_several",
        "create schema a; create schema b; create table a.t (id int primary key);
         create table b.t (id int references a.t (id)); insert into a.t values (1); insert into b.t values (1), (null)",
    )
    .await;
    let options = json!({"schema": ["a", "b"], "relations": ["b.t.id -> a.t.id"]});
    let seen = Bench::postgres(&url).schema(options).await;
    assert_eq!(
        seen.facts["table_names"],
        Value::from_json(&json!(["a.t", "b.t"]))
    );
    assert_eq!(
        text(
            &seen,
            &["tables", "b.t", "foreign_keys", "t_id_fkey", "table"]
        ),
        "a.t"
    );
    let relation = fact(&seen, &["relations", "b.t.id -> a.t.id"]);
    assert_eq!(relation.get("orphans"), Some(&Value::from(0)));
    assert_eq!(relation.get("constraint"), Some(&Value::from(true)));
    assert_eq!(relation.get("indexed"), Some(&Value::from(false)));
}

#[tokio::test]
async fn orphans_are_counted_where_no_constraint_is_and_types_do_not_agree() {
    let (url, _server) = database(
        "schema_orphans",
        "create table parents (id uuid primary key, n int, m int);
         insert into parents values ('00000000-0000-0000-0000-000000000001', 1, 2);
         create table children (parent_id text, n int, m int);
         insert into children values ('00000000-0000-0000-0000-000000000001', 1, 2), ('nobody', 1, 3), (null, null, 9);",
    )
    .await;
    let (odd, composite) = (
        "children.parent_id -> parents.id",
        "children(n, m) -> parents(n, m)",
    );
    let options = json!({"schema": ["public"], "relations": [odd, composite]});
    let seen = Bench::postgres(&url).schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    let relation = fact(&seen, &["relations", odd]);
    assert_eq!(relation.get("orphans"), Some(&Value::from(1)));
    assert_eq!(relation.get("types_agree"), Some(&Value::from(false)));
    assert_eq!(relation.get("child_type"), Some(&Value::from("text")));
    assert_eq!(relation.get("parent_type"), Some(&Value::from("uuid")));
    assert_eq!(
        fact(&seen, &["relations", composite, "orphans"]),
        &Value::from(1)
    );
}

#[tokio::test]
async fn duplicates_are_counted_among_the_rows_of_the_condition() {
    let (url, _server) = database(
        "schema_duplicates",
        "create table config_versions (workspace_id int, source_type text, status text);
         insert into config_versions values (1, 'a', 'ACTIVE'), (1, 'a', 'ACTIVE'), (1, 'a', 'DRAFT'),
           (2, 'a', 'ACTIVE'), (2, 'a', 'DRAFT'), (3, null, 'ACTIVE'), (3, null, 'ACTIVE');",
    )
    .await;
    let of = |more: Json| {
        let mut entry =
            json!({"table": "config_versions", "columns": ["workspace_id", "source_type"]});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let options = json!({"schema": ["public"], "duplicates": [
        of(json!({"where": "status = 'ACTIVE'"})),
        of(json!({"name": "all"})),
        of(json!({"name": "nulls", "nulls_equal": true, "where": "status in ('ACTIVE')"})),
    ]});
    let seen = Bench::postgres(&url).schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    assert_eq!(
        seen.facts["duplicates"],
        Value::from_json(
            &json!({"config_versions(workspace_id, source_type)": 1, "all": 2, "nulls": 2})
        )
    );
}

#[tokio::test]
async fn what_migration_tools_recorded_is_read_with_what_failed() {
    let (url, _server) = database(
        "schema_migrations",
        "create table schema_version (version int); insert into schema_version values (8), (9);
         create table schema_migrations (version bigint, dirty boolean); insert into schema_migrations values (20260101, true);
         create table alembic_version (version_num varchar(32)); insert into alembic_version values ('b2'), ('a1');
         create table _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz, started_at timestamptz);
         insert into _prisma_migrations values ('1_init', now(), null, now()), ('2_more', null, null, now() + interval '1 s'), ('3_undone', null, now(), now() + interval '2 s');
         create table flyway_schema_history (installed_rank int, version text, description text, success boolean);
         insert into flyway_schema_history values (1, '1', 'init', true), (2, '2', 'more', true), (3, null, 'views', true), (4, '10', 'bad', false);
         create table _sqlx_migrations (version bigint, success boolean); insert into _sqlx_migrations values (20260102, true);
         create table django_migrations (id int, app text, name text); insert into django_migrations values (1, 'auth', '0001_initial');",
    )
    .await;
    let seen = Bench::postgres(&url)
        .schema(json!({"schema": ["public"]}))
        .await;
    let tool = |tool: &str| {
        let it = fact(&seen, &["migrations", tool]);
        let field = |name: &str| it.get(name).unwrap().to_json();
        (field("version"), field("applied"), field("failed_names"))
    };
    assert_eq!(tool("schema_version"), (json!(9), json!(2), json!([])));
    assert_eq!(
        tool("schema_migrations"),
        (json!(null), json!(0), json!(["20260101"]))
    );
    assert_eq!(tool("alembic"), (json!("a1, b2"), json!(2), json!([])));
    assert_eq!(
        tool("prisma"),
        (json!("1_init"), json!(1), json!(["2_more"]))
    );
    assert_eq!(tool("flyway"), (json!("views"), json!(3), json!(["10"])));
    assert_eq!(tool("sqlx"), (json!(20_260_102), json!(1), json!([])));
    assert_eq!(
        tool("django"),
        (json!("auth.0001_initial"), json!(1), json!([]))
    );
    assert_in_shape(&seen, &json!({"schema": ["public"]}));
}
