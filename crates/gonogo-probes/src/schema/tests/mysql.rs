//! On a real MariaDB.

use super::*;
use crate::bench::mariadb_server;
use crate::testing::{MariaDbServer, PASSWORD, USER};

const SHOP: &str = "
create table orgs (id int auto_increment primary key, name varchar(40) not null, unique one_name (name)) engine=InnoDB collate utf8mb4_general_ci;
create table users (
    id char(36) not null primary key,
    org_id int not null,
    email varchar(100) collate utf8mb4_bin default 'a''b' check (email like '%@%'),
    status enum('new','it''s','done') not null default 'new',
    price decimal(10,2) default 0.5,
    doubled decimal(10,2) generated always as (price * 2) stored,
    halved decimal(10,2) as (price / 2) virtual,
    seen bigint unsigned,
    note text,
    at timestamp not null default current_timestamp() on update current_timestamp(),
    hidden int invisible,
    constraint priced check (price >= 0),
    constraint of_org foreign key (org_id) references orgs (id) on delete cascade,
    unique one_mail (org_id, email),
    key newest (at desc, note(10)),
    key noted (note(5), at),
    fulltext key words (note)
) engine=InnoDB collate utf8mb4_general_ci comment 'x';
create table logs (id int, at int) partition by range (at) (partition p0 values less than (10), partition p1 values less than maxvalue);
create view active as select id, email from users where price > 1 with check option;
create trigger freeze before update on users for each row set new.note = lower(new.note);
create function twice(x int) returns int deterministic return x * 2;
create procedure clean(in days int, out n int) select count(*) into n from users;
create sequence numbers;
";

fn shop(name: &str) -> (Bench, std::sync::Arc<MariaDbServer>) {
    let server = mariadb_server();
    server.sql(&format!(
        "create database {name} collate utf8mb4_general_ci; use {name}; {SHOP}"
    ));
    (Bench::mysql(&server.url_as(USER, name)), server)
}

#[tokio::test]
async fn a_schema_is_read_from_mariadb_as_it_was_written() {
    let (db, _server) = shop("schema_read");
    let options = json!({"schema": ["schema_read"]});
    let seen = db.schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    let model = model(&seen);
    let users = &model.tables["users"];
    let column = |name: &str| {
        let column = &users.columns[name];
        (
            column.ty.as_str(),
            column.nullable,
            column.default.as_deref(),
            column.generated.as_deref(),
        )
    };
    assert_eq!(column("id"), ("char(36)", false, None, None));
    assert_eq!(
        column("email"),
        ("varchar(100)", true, Some("'a''b'"), None)
    );
    assert_eq!(
        column("status"),
        ("enum('new','it''s','done')", false, Some("'new'"), None)
    );
    assert_eq!(column("price"), ("decimal(10,2)", true, Some("0.50"), None));
    assert_eq!(column("doubled").3, Some("stored"));
    assert_eq!(column("halved").3, Some("virtual"));
    assert_eq!(column("seen").0, "bigint(20) unsigned");
    assert_eq!(column("note"), ("text", true, None, None));
    assert_eq!(
        column("at"),
        (
            "timestamp",
            false,
            Some("current_timestamp() on update current_timestamp()"),
            None
        )
    );
    assert_eq!(
        users.columns["email"].collation.as_deref(),
        Some("utf8mb4_bin")
    );
    assert_eq!(users.columns["note"].collation, None);
    assert_eq!(
        users.options,
        [
            "collate utf8mb4_general_ci",
            "engine innodb",
            "invisible column hidden"
        ]
    );
    assert_eq!(
        model.tables["orgs"].columns["id"].generated.as_deref(),
        Some("auto_increment")
    );
    assert_eq!(users.primary_key.as_ref().unwrap().columns, ["id"]);
    assert_eq!(users.unique["one_mail"].columns, ["org_id", "email"]);
    let key = &users.foreign_keys["of_org"];
    assert_eq!(
        (
            key.columns.join(","),
            key.table.as_str(),
            key.references.join(",")
        ),
        ("org_id".to_owned(), "orgs", "id".to_owned())
    );
    assert_eq!(
        (key.on_delete.as_str(), key.extra.as_str()),
        ("cascade", "")
    );
    assert!(
        users.checks["priced"].expression.contains(">= 0"),
        "{:?}",
        users.checks
    );
    assert!(
        users.checks["email"].expression.contains("like"),
        "{:?}",
        users.checks
    );
    let index = |name: &str| {
        let index = &users.indexes[name];
        (index.definition.as_str(), index.unique, index.constraint)
    };
    assert_eq!(index("PRIMARY"), ("btree (id)", true, true));
    assert_eq!(index("one_mail"), ("btree (org_id, email)", true, true));
    assert_eq!(index("newest"), ("btree (at desc, note(10))", false, false));
    assert_eq!(index("noted").0, "btree (note(5), at)");
    assert_eq!(index("words"), ("fulltext (note)", false, false));
    let trigger = &users.triggers["freeze"];
    assert_eq!(
        (trigger.timing.as_str(), trigger.events.join(",")),
        ("before", "update".to_owned())
    );
    assert_eq!(
        trigger.definition,
        "before update for each row set new.note = lower(new.note)"
    );
    let logs = &model.tables["logs"];
    assert_eq!(logs.kind, "partitioned table");
    assert!(
        logs.options.iter().any(|o| o == "partition p0 values 10"),
        "{:?}",
        logs.options
    );
    let view = &model.views["active"];
    assert_eq!(view.columns.keys().collect::<Vec<_>>(), ["email", "id"]);
    assert!(
        !view.definition.contains("schema_read"),
        "{}",
        view.definition
    );
    assert!(
        view.definition.ends_with("with cascaded check option"),
        "{}",
        view.definition
    );
    assert_eq!(model.functions["twice"].returns, "int(11)");
    assert!(
        model.functions["clean (procedure)"]
            .definition
            .contains("in days int(11), out n int(11)")
    );
    assert_eq!(model.sequences["numbers"].ty, "bigint(21)");
    assert_eq!(
        seen.facts["enums"],
        Value::from_json(&json!({"users.status": ["new", "it's", "done"]}))
    );
    assert_eq!(fact(&seen, &["counts", "foreign_keys"]), &Value::from(1));
    assert_eq!(fact(&seen, &["counts", "triggers"]), &Value::from(1));
}

#[tokio::test]
async fn two_databases_of_one_schema_have_one_fingerprint_and_each_change_is_told() {
    let (db, server) = shop("schema_one");
    let (two, _server) = shop("schema_two");
    let first = db.schema(json!({"schema": ["schema_one"]})).await;
    let second = two.schema(json!({"schema": ["schema_two"]})).await;
    assert_eq!(diff_text(&diff(&model(&first), &model(&second))), "");
    assert_eq!(
        text(&first, &["fingerprint"]),
        text(&second, &["fingerprint"])
    );
    let mut last = model(&first);
    let changes = [
        (
            "alter table orgs add note text default 'x'",
            "+ column orgs.note text default 'x'",
        ),
        (
            "alter table orgs modify name varchar(50) not null",
            "+ column orgs.name varchar(50) not null",
        ),
        (
            "drop index newest on users",
            "- index users.newest btree (at desc, note(10))",
        ),
        (
            "alter table users alter index one_mail ignored",
            "index users.one_mail unique btree (org_id, email) ignored",
        ),
        ("drop trigger freeze", "- trigger users.freeze "),
        (
            "alter table users drop constraint priced",
            "- check users.priced ",
        ),
        (
            "alter table users drop foreign key of_org",
            "- foreign key users.of_org ",
        ),
        (
            "alter table users modify status enum('new','done') not null default 'new'",
            "column users.status enum('new','done')",
        ),
        ("drop view active", "- view active "),
        ("drop function twice", "- function twice"),
        ("alter table logs engine=Aria", "engine aria"),
        ("drop table users", "- table users "),
    ];
    for (change, told) in changes {
        server.sql(&format!("use schema_one; {change}"));
        let seen = model(&db.schema(json!({"schema": ["schema_one"]})).await);
        let text = diff_text(&diff(&last, &seen));
        assert!(text.contains(told), "{change}:\n{text}");
        last = seen;
    }
    let expected = snapshot(&first, &["schema_one"]);
    let drifted = db.with_files(vec![expected]);
    let options = json!({"schema": ["schema_one"], "expected": "schema.json"});
    let seen = drifted.schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    assert!(text(&seen, &["drift_text"]).contains("- table users"));
}

#[tokio::test]
async fn orphans_duplicates_and_migrations_are_read_from_mariadb_too() {
    let server = mariadb_server();
    server.sql(
        "create database schema_rows; create database schema_other; use schema_rows;
         create table parents (id int primary key, code varchar(9)); insert into parents values (1, '7');
         create table children (parent_id int, code int, kind varchar(9)); insert into children values (1, 7, 'a'), (2, 8, 'a'), (null, null, 'b');
         create table `_sqlx_migrations` (version bigint, success boolean); insert into `_sqlx_migrations` values (3, true), (4, false);
         create table django_migrations (id int, app varchar(9), name varchar(9)); insert into django_migrations values (1, 'auth', '0001');
         create table schema_other.parents (id int)",
    );
    let db = Bench::mysql(&server.url_as(USER, "schema_rows"));
    let options = json!({"schema": ["schema_rows"],
        "relations": ["children.parent_id -> parents.id", "children.code -> parents.code"],
        "duplicates": [{"table": "children", "columns": ["kind"], "where": "parent_id > 0 and kind <> 'z'"}]});
    let seen = db.schema(options.clone()).await;
    assert_in_shape(&seen, &options);
    let relation = |text: &str, field: &str| fact(&seen, &["relations", text, field]).clone();
    assert_eq!(
        relation("children.parent_id -> parents.id", "orphans"),
        Value::from(1)
    );
    assert_eq!(
        relation("children.parent_id -> parents.id", "types_agree"),
        Value::from(true)
    );
    assert_eq!(
        relation("children.code -> parents.code", "orphans"),
        Value::from(1)
    );
    assert_eq!(
        relation("children.code -> parents.code", "types_agree"),
        Value::from(false)
    );
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
    assert_eq!(
        fact(&seen, &["migrations", "django", "version"]),
        &Value::from("auth.0001")
    );
    let both = db
        .schema(json!({"schema": ["schema_rows", "schema_other"]}))
        .await;
    let names: Vec<String> = model(&both).tables.into_keys().collect();
    assert!(
        names.contains(&"schema_other.parents".to_owned())
            && names.contains(&"schema_rows.parents".to_owned()),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_user_who_sees_a_part_and_a_database_that_is_not_there_are_no_schema() {
    let (_db, server) = shop("schema_rights");
    server.sql(&format!(
        "create user schema_reader@'%' identified by '{PASSWORD}'; grant select on schema_rights.* to schema_reader@'%';
         create user schema_seer@'%' identified by '{PASSWORD}';
         grant select, show view, trigger, execute on schema_rights.* to schema_seer@'%'"
    ));
    let of = |user: &str, name: &str| Bench::mysql(&server.url_as(user, name));
    let refused = async |db: Bench, name: &str| {
        let options = json!({"schema": [name]});
        db.observe(&Schema, options).await.unwrap_err()
    };
    let no = refused(of("schema_reader", "schema_rights"), "schema_rights").await;
    assert_eq!(no.cause, Cause::Denied);
    assert!(
        no.message.contains("lacks show view, trigger, execute"),
        "{}",
        no.message
    );
    // It sees everything but what the routines do.
    let no = refused(of("schema_seer", "schema_rights"), "schema_rights").await;
    assert_eq!(no.cause, Cause::Denied);
    assert!(
        no.message.contains("the text of the routine"),
        "{}",
        no.message
    );
    server.sql("use schema_rights; drop function twice; drop procedure clean");
    let seen = of("schema_seer", "schema_rights")
        .schema(json!({"schema": ["schema_rights"]}))
        .await;
    assert_eq!(fact(&seen, &["counts", "triggers"]), &Value::from(1));
    // What a role was given counts.
    server.sql(&format!(
        "create user schema_actor@'%' identified by '{PASSWORD}'; create role watcher;
         grant select, show view, trigger, execute on schema_rights.* to watcher;
         grant watcher to schema_actor@'%'; set default role watcher for schema_actor@'%'"
    ));
    let actor = of("schema_actor", "schema_rights");
    let acted = actor.schema(json!({"schema": ["schema_rights"]}));
    assert_eq!(
        text(&acted.await, &["fingerprint"]),
        text(&seen, &["fingerprint"])
    );
    for name in ["nowhere", "SCHEMA_RIGHTS"] {
        let no = refused(of(USER, "schema_rights"), name).await;
        assert_eq!(no.cause, Cause::Missing, "{name}: {}", no.message);
        assert!(no.help.unwrap().contains("schema_rights"));
    }
}

#[tokio::test]
async fn the_number_of_questions_to_mariadb_does_not_grow_with_the_tables() {
    let server = mariadb_server();
    let asked = async |name: &str, tables: usize| -> i64 {
        let tables: String = (0..tables)
            .map(|i| format!("create table t{i} (id int primary key, a int, key (a));"))
            .collect();
        server.sql(&format!("create database {name}; use {name}; {tables}"));
        let user = format!("{name}_user");
        server.sql(&format!(
            "create user {user}@'%' identified by '{PASSWORD}'; grant all on {name}.* to {user}@'%'; set global userstat = on"
        ));
        let seen = Bench::mysql(&server.url_as(&user, name))
            .schema(json!({"schema": [name]}))
            .await;
        assert!(fact(&seen, &["counts", "tables"]).as_int().unwrap() > 0);
        let sql = format!(
            "select select_commands + other_commands from information_schema.user_statistics where user = '{user}'"
        );
        server.sql(&sql).parse().unwrap()
    };
    let (few, many) = (asked("schema_few", 2).await, asked("schema_many", 60).await);
    assert_eq!(few, many);
    assert!((12..60).contains(&few), "{few}");
}

#[tokio::test]
async fn each_fault_on_mariadb_is_told_with_its_cause() {
    let server = mariadb_server();
    server.sql(
        "create database schema_faults; use schema_faults; create table t (a int, b text); create table u (a int);
         insert into t values (1, 'x'); create sequence s; create database schema_bare",
    );
    let bench = Bench::mysql(&server.url_as(USER, "schema_faults"));
    let refused = async |more: Json| {
        let mut options = json!({"schema": ["schema_faults"]});
        let map = options.as_object_mut().unwrap();
        map.extend(more.as_object().unwrap().clone());
        bench.observe(&Schema, options).await.unwrap_err()
    };
    let no = refused(json!({"relations": ["t.a -> x.a"]})).await;
    assert_eq!(
        (no.cause, no.message.contains("there is no table `x`")),
        (Cause::Missing, true)
    );
    for condition in [
        "1) or (1=1",
        "a = 1; drop table t",
        "a = 1 --",
        "a = 1 #",
        "a = 1 #>",
        "a = '\\'",
        "a =",
    ] {
        let entry = json!({"duplicates": [{"table": "t", "columns": ["a"], "where": condition}]});
        let no = refused(entry).await;
        assert!(
            matches!(no.cause, Cause::BadOptions | Cause::Protocol),
            "{condition}: {no:?}"
        );
    }
    let entry =
        json!({"duplicates": [{"table": "t", "columns": ["a"], "where": "nextval(s) > 0"}]});
    let no = refused(entry).await;
    assert!(no.message.to_lowercase().contains("read only"), "{no:?}");
    assert_eq!(
        server.sql("select next_not_cached_value from schema_faults.s"),
        "1"
    );
    let bare = bench.schema(json!({"schema": ["schema_bare"]})).await;
    let absent: Vec<&str> = bare.absent.iter().map(|a| a.fact.as_str()).collect();
    assert_eq!(absent, ["tables", "table_names"]);
}

#[tokio::test]
async fn a_lock_that_somebody_holds_on_mariadb_ends_in_time_and_says_so() {
    use mysql_async::prelude::Queryable as _;
    let server = mariadb_server();
    server.sql("create database schema_lock; use schema_lock; create table t (a int); create table u (a int)");
    let url = server.url_as(USER, "schema_lock");
    let mut holder = mysql_async::Conn::new(mysql_async::Opts::from_url(&url).unwrap())
        .await
        .unwrap();
    holder.query_drop("lock tables t write").await.unwrap();
    let bench = Bench::mysql(&url).within(std::time::Duration::from_secs(3));
    let options = json!({"schema": ["schema_lock"], "relations": ["t.a -> u.a"]});
    let no = bench.observe(&Schema, options).await.unwrap_err();
    assert_eq!(no.cause, Cause::Timeout, "{no:?}");
    holder.disconnect().await.unwrap();
}
