//! What a rollback does not undo is refused before it is sent, however it is written.

use proptest::prelude::*;

use crate::sql::statement::gate::examine;

/// Statements that people write in gates: none of them may be refused.
const HONEST: &[&str] = &[
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
    "create function g() returns int language sql begin atomic select 1; end",
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
fn no_text_makes_the_examination_stumble_zz() {
    for n in [100, 400, 1600] { for sql in ["(".repeat(n), "select ".to_owned() + &"not ".repeat(n), format!("select 1{}", "+1".repeat(n)), "select ".to_owned() + &"case ".repeat(n), "select ".to_owned()+&"[".repeat(n), "do $$ ".repeat(n), "select ".to_owned() + &"(".repeat(n)+"1"+&")".repeat(n)] {
        let t = std::time::Instant::now();
        let r = examine(&sql);
        eprintln!("{} {:?} {:?} {:?}", n, &sql[..10], t.elapsed(), r.map(|_| ()).map_err(|e| e.why.chars().take(100).collect::<String>()));
    } }
}
