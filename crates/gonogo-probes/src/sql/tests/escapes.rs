//! What a rollback does not undo is refused before it is sent, however it is written.

use super::*;
use crate::sql::statement::gate::examine;
use crate::testing::{PASSWORD_IN_URL, USER};

/// Statements that people write in gates: none of them may be refused.
pub(super) const HONEST: &[&str] = &[
    "select 1",
    "with x as (insert into t (a) values ($1) returning a) select * from x",
    "insert into config_versions (workspace_id, status) values ($1, 'ACTIVE') on conflict do nothing returning id",
    "update t set a = a + 1 where b = any($1::uuid[]) returning *",
    "merge into t using s on t.id = s.id when matched then update set a = s.a when not matched then insert values (s.id, s.a)",
    "delete from only t using u where t.id = u.id",
    "select set_config('app.workspace', $1, true)",
    "set local role app_reader",
    "create table t (id bigint generated always as identity primary key, b jsonb default '{}' check (b is not null))",
    "alter table t add constraint x foreign key (a) references u (id) on delete cascade not valid",
    "create unique index on t (a, b) where c = 'ACTIVE'",
    "create or replace function f(a int) returns trigger language plpgsql as $$ begin execute format('insert into %I (a) values (%L)', tg_table_name, new.a); raise notice 'copy % load', 1; return new; end $$",
    "create trigger x before insert on t for each row execute function f()",
    "grant execute on function f(int) to public",
    "do $$ declare n int := 0; begin for n in select a from t loop update t set a = 2; end loop; execute 'delete from t where a = $1' using 3; if n > 1 then raise exception 'copy'; else n := 2; end if; exception when others then null; end $$",
    "explain (analyze, buffers) delete from t",
    "select nextval('t_id_seq'), setval('public.t_id_seq', 9, false)",
    "truncate t restart identity cascade",
    "select pg_advisory_xact_lock(1), pg_notify('a', 'b')",
    "select copy, load from t",
    "comment on table t is 'commit; copy t to program'",
    "create view v as select * from t where note = 'lo_export(1)'",
    "lock table t in share mode",
    "refresh materialized view m",
    "create type mood as enum ('a', 'b')",
    "alter type mood add value 'c'",
    "create policy p on t using (a = current_setting('app.a')::int)",
    "call close_month(3)",
    "select * from json_to_recordset('[]') as x(a int)",
    "select array_agg(a order by b) filter (where c) over (partition by d) from t tablesample system (10)",
    "select E'it\\'s', U&'d\\0061ta', $q$x$q$, B'01', interval '1 day', now() at time zone 'utc'",
];

#[test]
fn what_a_rollback_undoes_is_let_through() {
    for sql in HONEST {
        if let Err(refused) = examine(sql) {
            panic!("{sql}\n{}", refused.why);
        }
    }
}

#[test]
fn no_text_makes_the_examination_stumble_or_linger() {
    let deep = 60_000;
    for sql in [
        "(".repeat(deep),
        "select ".to_owned() + &"not ".repeat(deep),
        format!("select 1{}", "+1".repeat(deep)),
        "select ".to_owned() + &"case ".repeat(deep),
        "select ".to_owned() + &"(".repeat(1_900) + "1" + &")".repeat(1_900),
        "do $$ ".repeat(deep),
        "do 'do ''do ''''".repeat(400),
    ] {
        drop(examine(&sql));
    }
}

/// Statements that a rollback would not undo, or that have another way out. Each is tried as it stands, and inside.
pub(super) const ESCAPES: &[&str] = &[
    "commit",
    "commit and chain",
    "end",
    "rollback",
    "abort",
    "begin",
    "savepoint x",
    "release savepoint gonogo",
    "prepare transaction 'escaped'",
    "set transaction read only",
    "copy bait to program 'touch FOLDER/escaped'",
    "copy bait to 'FOLDER/escaped'",
    "copy (select 1) to program 'touch FOLDER/escaped'",
    "copy bait (note) from program 'echo escaped'",
    "select dblink_exec('DSN', 'insert into bait (note) values (''escaped'')')",
    "select * from dblink('DSN', 'insert into bait (note) values (''escaped'') returning id') as x (id int)",
    "select dblink_connect('c', 'DSN')",
    "insert into abroad (note) values ('escaped')",
    "update abroad set note = 'escaped'",
    "import foreign schema public from server elsewhere into public",
    "create server another foreign data wrapper postgres_fdw",
    "create user mapping for public server elsewhere",
    "select lo_export(lo_from_bytea(0, 'x'), 'FOLDER/escaped')",
    "select lo_import('FOLDER/data/PG_VERSION')",
    "select lo_create(4711)",
    "select pg_read_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select pg_file_write('escaped', 'x', false)",
    "create extension hstore",
    "drop extension dblink",
    "create language plpython3u",
    "create function escaped() returns int language c as 'FOLDER/x', 'x'",
    "create function escaped(oid, text) returns int language internal as 'be_lo_export'",
    "create database escaped",
    "drop database template1",
    "alter database postgres set work_mem = '8MB'",
    "create tablespace escaped location 'FOLDER'",
    "alter system set work_mem = '8MB'",
    "create subscription escaped connection 'DSN' publication p",
    "create event trigger escaped on ddl_command_end execute function harmless_event()",
    "select setval('bait_id_seq', 99)",
    "select setval('bait_id_seq', 1, false)",
    "select nextval('bait_id_seq')",
    "insert into bait (note) values ('escaped')",
    "insert into twin (note) select note from bait",
    "alter sequence bait_id_seq restart with 7",
    "truncate bait restart identity cascade",
    "delete from bait",
    "notify escaped, 'x'",
    "select pg_notify('escaped', 'x')",
    "listen escaped",
    "unlisten *",
    "select pg_advisory_lock(4711)",
    "select pg_try_advisory_lock_shared(4711)",
    "select pg_advisory_unlock_all()",
    "set role app",
    "set session authorization app",
    "set work_mem = '8MB'",
    "select set_config('work_mem', '8MB', false)",
    "select pg_terminate_backend(pg_backend_pid())",
    "select pg_cancel_backend(pg_backend_pid())",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_switch_wal()",
    "select pg_create_restore_point('escaped')",
    "select pg_create_physical_replication_slot('escaped')",
    "select pg_logical_emit_message(false, 'escaped', 'x')",
    "select pg_replication_origin_create('escaped')",
    "select pg_stat_reset()",
    "select pg_export_snapshot()",
    "select query_to_xml('select setval(''bait_id_seq'', 99)', true, true, '')",
    "select ts_stat('select to_tsvector(note) from bait')",
    "vacuum bait",
    "analyze bait",
    "cluster bait using bait_pkey",
    "checkpoint",
    "load 'auto_explain'",
    "discard all",
    "reindex database postgres",
    "create index concurrently on bait (note)",
    "declare escaped cursor with hold for select * from bait",
    "prepare escaped as insert into bait (note) values ('x')",
    "execute escaped",
    "deallocate all",
    "call commits()",
    "do $$ begin insert into bait (note) values ('x'); commit; end $$",
    "create role escaped login",
    "create table escaped as select * from bait",
    "drop table bait cascade",
    "alter table bait rename to escaped",
    "insert into bait (note) values ('x'); commit",
    "set standard_conforming_strings = off",
];

/// A statement of a gate, and what is made outside of the gate before.
struct Case {
    made: String,
    sql: String,
}

/// The forms in which an escape comes. Each has a database of its own, so that a gate finds no more than its form needs.
#[derive(Clone, Copy, Debug)]
enum Form {
    Written,
    Function,
    Executed,
    View,
    Trigger,
}

const FORMS: [Form; 5] = [
    Form::Written,
    Form::Function,
    Form::Executed,
    Form::View,
    Form::Trigger,
];

fn inside(escape: &str) -> String {
    if escape.starts_with("select *") {
        escape.replacen("select *", "perform *", 1)
    } else if escape.starts_with("select") {
        format!("perform * from ({escape}) as x")
    } else {
        escape.to_owned()
    }
}

impl Form {
    fn cases(self, at: usize, escape: &str) -> Vec<Case> {
        let text = escape.replace('\'', "''");
        let plain = |name: String, body: &str| {
            format!(
                "create function {name}() returns int language plpgsql as $outer$ {body} $outer$"
            )
        };
        let executes = plain(
            format!("e{at}"),
            &format!("begin execute '{text}'; return 1; end"),
        );
        let (made, sql) = match self {
            Self::Written => return written(escape),
            Self::Function => (
                plain(
                    format!("f{at}"),
                    &format!("begin {}; return 1; end", inside(escape)),
                ),
                format!("select f{at}()"),
            ),
            Self::Executed => (
                executes,
                format!("with x as materialized (select e{at}() as y) select * from x"),
            ),
            Self::View => (
                format!("{executes}; create view w{at} as select e{at}() as y"),
                format!("select * from w{at}"),
            ),
            Self::Trigger => (
                format!(
                    "create table t{at} (a int); create function g{at}() returns trigger language plpgsql as $outer$ \
                     begin execute '{text}'; return new; end $outer$; \
                     create trigger r{at} before insert on t{at} for each row execute function g{at}()"
                ),
                format!("insert into t{at} values (1)"),
            ),
        };
        vec![Case { made, sql }]
    }
}

/// As a check itself may say it.
fn written(escape: &str) -> Vec<Case> {
    let text = escape.replace('\'', "''");
    let body = format!("begin {}; end", inside(escape));
    let spread = escape.replace(' ', "/* select 1 */\n");
    let mut written = vec![
        escape.to_owned(),
        format!("/* x */ {spread} -- x"),
        escape.to_ascii_uppercase().replace("FOLDER", "folder"),
        format!("do $outer$ {body} $outer$"),
        format!("do $outer$ begin execute '{text}'; end $outer$"),
        format!("do $outer$ begin execute '{text}' || ''; end $outer$"),
        format!("explain analyze {escape}"),
        format!("create function made() returns int language plpgsql as $outer$ {body} $outer$"),
    ];
    let changes = ["insert", "update", "delete"];
    if escape.starts_with("select") {
        written.push(format!("with x as materialized ({escape}) select * from x"));
        written.push(format!("create view made as {escape}"));
    } else if changes.iter().any(|word| escape.starts_with(word)) {
        written.push(format!("with x as ({escape} returning 1) select * from x"));
    }
    let case = |sql| Case {
        made: String::new(),
        sql,
    };
    written.into_iter().map(case).collect()
}

const WORLD: &str = "create role app login password 'app'; grant all on schema public to app; set role app; \
    create table bait (id serial primary key, note text); insert into bait (note) values ('one'), ('two'); \
    create table twin (id bigint generated always as identity, note text); \
    create procedure commits() language plpgsql as $$ begin insert into bait (note) values ('x'); commit; end $$; \
    reset role; create extension dblink; create extension postgres_fdw; create extension adminpack; \
    create server elsewhere foreign data wrapper postgres_fdw; \
    create user mapping for public server elsewhere options (user 'app', password 'app'); \
    create foreign table abroad (id int, note text) server elsewhere options (table_name 'bait'); \
    create function harmless_event() returns event_trigger language plpgsql as $$ begin end $$";

struct World {
    server: PostgresServer,
    superuser: bool,
}

/// How many statements were sent, how many of these were carried out, and how many were refused before.
#[derive(Debug, Default)]
struct Tally {
    made: usize,
    sent: usize,
    done: usize,
    refused: usize,
}

impl World {
    fn new(superuser: bool) -> Self {
        let more = ["max_prepared_transactions = 4", "wal_level = logical"];
        let server = PostgresServer::start_with(&more);
        assert!(server.script(WORLD));
        Self { server, superuser }
    }

    /// Makes a database with what the cases need there.
    fn room(&self, name: &str, cases: &[Case]) {
        let make = format!("create database {name} template postgres");
        assert!(self.server.script(&make));
        let options = format!(
            "options (host '{}', port '{}', dbname '{name}')",
            self.server.folder(),
            self.server.port()
        );
        let mut outside = format!("\\connect {name}\nalter server elsewhere {options};\n");
        // One that cannot be made even there has no such form.
        for case in cases.iter().filter(|case| !case.made.is_empty()) {
            outside.push_str(&self.placed(&case.made, name));
            outside.push_str(";\n");
        }
        outside.push_str("grant all on all tables in schema public to app;\n");
        self.server.lines(&outside);
    }

    fn placed(&self, sql: &str, name: &str) -> String {
        let folder = self.server.folder();
        let port = self.server.port();
        let dsn = format!("host={folder} port={port} dbname={name} user=app password=app");
        sql.replace("FOLDER", folder)
            .replace("folder", folder)
            .replace("DSN", &dsn)
    }

    fn url(&self, name: &str) -> String {
        if self.superuser {
            self.server.url_as(USER, PASSWORD_IN_URL, name)
        } else {
            self.server.url_as("app", "app", name)
        }
    }

    /// Makes all statements of a form; whether the dump stayed as it was. Dumps after each, where that is asked for.
    async fn all_of(&self, form: Form, each: bool, tally: &mut Tally) -> bool {
        let name = format!("{form:?}{}", u8::from(each)).to_ascii_lowercase();
        let escapes = ESCAPES.iter().enumerate();
        let cases: Vec<Case> = escapes
            .flat_map(|(at, escape)| form.cases(at, escape))
            .collect();
        self.room(&name, &cases);
        let before = self.server.dump_of(&name);
        tally.made += before.matches("CREATE FUNCTION public.").count();
        let url = self.url(&name);
        let mut gate = Bench::postgres(&url).rolled_back();
        for case in &cases {
            let sql = self.placed(&case.sql, &name);
            match gate.ask(json!({"sql": sql})).await {
                Ok(seen) => {
                    tally.sent += 1;
                    if !seen.facts.contains_key("error") {
                        tally.done += 1;
                        if clears(&sql) {
                            proves(&gate, &sql).await;
                            gate = Bench::postgres(&url).rolled_back();
                        }
                    }
                }
                Err(failed) => {
                    let known = [Cause::BadOptions, Cause::Denied].contains(&failed.cause);
                    assert!(known, "{sql}\n{failed:?}");
                    tally.refused += 1;
                }
            }
            if each {
                drop(gate.ended().await);
                gate = Bench::postgres(&url).rolled_back();
                assert!(before == self.server.dump_of(&name), "{sql}");
            }
        }
        proves(&gate, "what failed").await;
        before == self.server.dump_of(&name)
    }
}

/// Whether a statement that was done may leave the next one without what that is about, so that a gate ends with it.
fn clears(sql: &str) -> bool {
    const MAY: [&str; 7] = [
        "drop", "alter", "create", "truncate", "delete", "set", "reset",
    ];
    let sql = sql.to_ascii_lowercase();
    let mut words = sql.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| MAY.contains(&word))
}

async fn proves(gate: &Bench, sql: &str) {
    if let Some(end) = gate.ended().await {
        assert!(end.confirmed, "{sql}");
        let proof = end.proof.unwrap();
        assert_eq!(proof.differences, [""; 0], "{sql}");
        assert_eq!(proof.moved, [""; 0], "{sql}");
    }
}

/// Makes every form of every escape in a gate.
async fn leaves_nothing(superuser: bool) {
    let world = World::new(superuser);
    let mut tally = Tally::default();
    for form in FORMS {
        if !world.all_of(form, false, &mut tally).await {
            world.all_of(form, true, &mut tally).await;
            panic!("{form:?}: the dump changed, and not when each statement was dumped after");
        }
    }
    assert_eq!(world.server.files("escaped*"), "");
    assert!(tally.made > 250, "{tally:?}");
    assert!(tally.done > 50 && tally.refused > 500, "{tally:?}");
}

#[tokio::test]
async fn every_escape_in_every_form_is_refused_or_leaves_the_dump_as_it_was() {
    leaves_nothing(false).await;
}

#[tokio::test]
async fn every_escape_in_every_form_is_refused_or_leaves_the_dump_as_it_was_for_a_superuser_too() {
    leaves_nothing(true).await;
}
