//! The pure parts.

use proptest::prelude::*;

use super::super::format::{self, Format};
use super::super::portrait::{Portrait, compare};
use super::*;

#[test]
fn a_table_of_contents_is_read() {
    let list = "\
;
; Archive created at 2026-11-26 02:44:43 UTC
;     dbname: app
;     Dumped from database version: 15.18 (Debian 15.18-0+deb12u1)
;     Dumped by pg_dump version: 17.2
;
214; 1259 16388 TABLE public t owner
3318; 0 16388 TABLE DATA public t owner
3319; 0 16390 TABLE DATA shop odd name owner
3320; 0 0 SEQUENCE SET public t_id_seq owner
";
    let contents = format::contents(list);
    assert_eq!(contents.engine.as_deref(), Some("PostgreSQL 15.18"));
    assert_eq!(contents.tables, ["public.t", "shop.odd name"]);
    assert_eq!(
        contents.created.unwrap().to_rfc3339(),
        "2026-11-26T02:44:43+00:00"
    );
}

#[test]
fn forms_are_told_apart_by_their_first_bytes() {
    assert_eq!(format::of_head(b"PGDMP\x01\x0e"), Some(Format::Custom));
    assert_eq!(format::of_head(b"SQLite format 3\0"), Some(Format::Sqlite));
    assert_eq!(
        format::of_head(b"--\n-- PostgreSQL database dump\n--\n"),
        Some(Format::Plain)
    );
    let mut tar = vec![0; 512];
    tar[..7].copy_from_slice(b"toc.dat");
    tar[257..262].copy_from_slice(b"ustar");
    assert_eq!(format::of_head(&tar), Some(Format::Tar));
    tar[..7].copy_from_slice(b"etc/foo");
    assert_eq!(format::of_head(&tar), None);
    assert_eq!(format::of_head(b""), None);
}

#[test]
fn an_empty_path_is_found_before_anything_runs() {
    assert_eq!(Backup.lint(&json!({"backup": " "})).len(), 1);
    assert_eq!(Backup.lint(&json!({"backup": "take"})).len(), 0);
    assert_eq!(Backup.lint(&json!({"backup": "dumps/x.dump"})).len(), 0);
}

fn portraits() -> impl Strategy<Value = Portrait> {
    let rows = proptest::collection::btree_map("[a-d]", 0..3_u64, 0..4);
    let schema = proptest::collection::btree_set("[a-d]", 0..4);
    (rows, schema).prop_map(|(rows, schema)| Portrait { rows, schema })
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), text in ".{0,300}") {
        let _seen = (format::of_head(&bytes), format::guess(&bytes), format::plain_is_whole(&bytes));
        let _seen = (format::plain_engine(&bytes), super::super::sqlite::engine(&bytes));
        let _seen = format::contents(&text);
        let size = bytes.len() as u64;
        prop_assert!(format::tar_problem(&mut std::io::Cursor::new(&bytes), size).is_ok_and(|p| p.is_some() || bytes.iter().all(|b| *b == 0)));
    }

    #[test]
    fn portraits_agree_exactly_where_they_are_equal(a in portraits(), b in portraits()) {
        let seen = compare(&a, &b);
        prop_assert_eq!(seen.rows_agree, a.rows == b.rows);
        prop_assert_eq!(seen.schema_agrees, a.schema == b.schema);
        prop_assert_eq!(seen.schema_agrees, seen.fingerprint == seen.restored_fingerprint);
        prop_assert_eq!(seen.differences.is_empty(), a == b);
        let same = compare(&a, &a);
        prop_assert!(same.rows_agree && same.schema_agrees && same.differences.is_empty());
    }
}
