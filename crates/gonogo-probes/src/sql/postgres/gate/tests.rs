//! What a statement reaches, by a catalogue that a database could have.

use gonogo_core::{Map, Value};
use proptest::prelude::*;

use super::catalogue::add;
use super::reach::{Catalogue, Reached};
use crate::sql::statement::Refused;
use crate::sql::statement::gate::examine;
use crate::sql::tests::disguise::disguised;

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let spill = "create function public.spill() returns int language plpgsql as \
        $x$ begin copy orders to program 'cat'; return 1; end $x$";
    let audit = "create function public.audit() returns trigger language plpgsql as \
        $x$ begin perform spill(); return new; end $x$";
    let trigger = "create trigger audited after update on public.orders for each row execute function audit()";
    for (kind, name, a, b, c) in [
        ("relation", "orders", "public", "r", ""),
        ("relation", "items", "public", "r", ""),
        ("relation", "report", "public", "v", ""),
        ("relation", "abroad", "public", "f", ""),
        ("function", "spill", "plpgsql", spill, ""),
        ("function", "audit", "plpgsql", audit, ""),
        ("function", "foreign_code", "c", "", ""),
        ("trigger", "orders", "audited", trigger, "audit"),
        ("rule", "report", "_RETURN", "select spill() as s", "v"),
        ("cascade", "items", "items_fk", "orders", ""),
        ("unknown", "pg_new_thing", "", "", ""),
        ("sequence", "items_id_seq", "public", "items", "true"),
    ] {
        let mut row = Map::new();
        for (key, text) in [("name", name), ("a", a), ("b", b), ("c", c)] {
            row.insert(key.to_owned(), Value::String(text.to_owned()));
        }
        add(&mut catalogue, kind, &row);
    }
    catalogue
}

fn reached(catalogue: &Catalogue, sql: &str) -> Result<Reached, Refused> {
    catalogue.reach(&examine(sql)?)
}

const REFUSED: &[&str] = &[
    "select spill()",
    "select s from report",
    "update orders set note = 'x'",
    "delete from items where id = 1",
    "insert into orders (note) select 'x'",
    "with x as (select spill() as y) select * from x",
    "with x as (update orders set note = 'x' returning id) select * from x",
    "do $$ begin perform spill(); end $$",
    "do $$ begin execute 'select * from report'; end $$",
    "do $$ begin execute format('update %I set a = 1', 'orders'); end $$",
    "create view v as select * from report",
    "create function f() returns int language sql as $$ select spill() $$",
    "create trigger t before insert on other for each row execute function audit()",
    "alter function spill() rename to harmless",
    "select * from abroad",
    "select foreign_code()",
    "select pg_new_thing()",
];

const ALLOWED: &[&str] = &[
    "select * from orders",
    "select count(*) from items",
    "insert into others (a) values (1)",
    "select 'spill()' as text",
];

#[test]
fn the_way_to_what_stays_is_followed_by_the_catalogue() {
    let catalogue = catalogue();
    for sql in REFUSED {
        assert!(examine(sql).is_ok(), "{sql}: refused without the catalogue");
        assert!(reached(&catalogue, sql).is_err(), "{sql}");
    }
    for sql in ALLOWED {
        assert!(reached(&catalogue, sql).is_ok(), "{sql}");
    }
    let refused = reached(&catalogue, "delete from items").unwrap_err();
    let way =
        "items → foreign key items_fk → orders → trigger audited → function audit → function spill";
    assert!(refused.why.contains(way), "{}", refused.why);
}

proptest! {
    #[test]
    fn no_way_of_writing_it_hides_the_way(
        which in 0..REFUSED.len(),
        choices in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let other = disguised(REFUSED[which], &choices);
        prop_assert!(examine(&other).is_ok(), "{}\n{other}", REFUSED[which]);
        prop_assert!(reached(&catalogue(), &other).is_err(), "{}\n{other}", REFUSED[which]);
    }

    #[test]
    fn no_way_of_writing_it_finds_a_way_where_none_is(
        which in 0..ALLOWED.len(),
        choices in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let other = disguised(ALLOWED[which], &choices);
        prop_assert!(reached(&catalogue(), &other).is_ok(), "{}\n{other}", ALLOWED[which]);
    }
}
