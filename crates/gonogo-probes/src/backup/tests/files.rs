//! Backups that are there, whole and cut short.

use super::*;
use crate::bench::postgres_server;

#[tokio::test]
async fn every_form_is_known_by_its_first_bytes_and_says_where_it_is_from() {
    let server = postgres_server();
    let db = database(&server, "backup_forms").await;
    let folder = tempfile::tempdir().unwrap();
    for (option, format) in [
        ("c", "custom"),
        ("t", "tar"),
        ("d", "directory"),
        ("p", "plain"),
    ] {
        let path = dumped(&server, "backup_forms", folder.path(), option);
        let seen = look(&db, at(&path)).await;
        assert_eq!(fact(&seen, "format"), &Value::from(format));
        assert_eq!(
            fact(&seen, "complete"),
            &Value::Bool(true),
            "{:?}",
            seen.facts
        );
        let engine = fact(&seen, "engine").as_str().unwrap();
        assert!(engine.starts_with("PostgreSQL 1"), "{engine}");
        assert!(matches!(fact(&seen, "age"), Value::Duration(ns) if *ns < 60_000_000_000));
        assert!(fact(&seen, "size").as_int() > Some(2000));
        if format != "plain" {
            assert!(fact(&seen, "tables").to_string().contains("public.orders"));
            assert!(seen.absent.is_empty());
        }
    }
}

#[tokio::test]
async fn a_dump_that_is_cut_short_anywhere_is_never_complete() {
    let server = postgres_server();
    let db = database(&server, "backup_cut").await;
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.dump");
    for option in ["c", "t", "p"] {
        let whole = std::fs::read(dumped(&server, "backup_cut", folder.path(), option)).unwrap();
        let lengths = (0..12).map(|i| whole.len() * i / 12);
        // The last bytes: of a tar they are padding, of a plain dump a blank line.
        for length in lengths.chain([whole.len() - 1200]) {
            put(&cut, &whole[..length]);
            let seen = look(&db, at(&cut)).await;
            assert_eq!(fact(&seen, "exists"), &Value::Bool(true));
            assert_eq!(
                fact(&seen, "complete"),
                &Value::Bool(false),
                "{option} cut to {length} of {}",
                whole.len()
            );
            assert!(!fact(&seen, "problem").as_str().unwrap().is_empty());
            assert_eq!(seen.absent[0].fact, "tables");
            assert!(!seen.facts.contains_key("tables"));
            let restored = look(&db, super::restored(&cut)).await;
            assert!(
                !restored.facts.contains_key("restored"),
                "{:?}",
                restored.facts
            );
            assert!(!restored.absent.is_empty());
        }
    }
    let whole = dumped(&server, "backup_cut", folder.path(), "d");
    let data = std::fs::read_dir(&whole).unwrap();
    let data = data
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "gz"))
        .unwrap();
    std::fs::remove_file(data).unwrap();
    let seen = look(&db, at(&whole)).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
}

#[tokio::test]
async fn a_damaged_byte_in_the_rows_is_no_complete_dump() {
    let server = postgres_server();
    let db = database(&server, "backup_damaged").await;
    let folder = tempfile::tempdir().unwrap();
    let path = dumped(&server, "backup_damaged", folder.path(), "c");
    let mut bytes = std::fs::read(&path).unwrap();
    // The rows stand compressed at the end.
    let at_ = bytes.len() - 1500;
    for byte in &mut bytes[at_..at_ + 8] {
        *byte ^= 0xff;
    }
    put(&path, &bytes);
    let seen = look(&db, at(&path)).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
}

#[tokio::test]
async fn what_is_no_dump_says_what_it_is() {
    let db = Bench::postgres("postgres://u@127.0.0.1:1/d");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"age-encryption.org/v1\n", "encrypted"),
        (b"select 1;", "first bytes"),
    ] {
        put(&path, bytes);
        let seen = look(&db, at(&path)).await;
        assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
        let problem = fact(&seen, "problem").as_str().unwrap();
        assert!(problem.contains(words), "{problem}");
    }
    let seen = look(&db, at(folder.path())).await;
    assert!(fact(&seen, "problem").as_str().unwrap().contains("toc.dat"));
}

#[tokio::test]
async fn no_backup_is_seen_as_none_and_no_server_is_asked() {
    let db = Bench::postgres("postgres://u@127.0.0.1:1/d");
    let folder = tempfile::tempdir().unwrap();
    let seen = look(&db, restored(&folder.path().join("none.dump"))).await;
    assert_eq!(seen.facts.len(), 1);
    assert_eq!(fact(&seen, "exists"), &Value::Bool(false));
}

#[tokio::test]
async fn a_copy_of_an_old_dump_is_as_old_as_the_archive_says() {
    let server = postgres_server();
    let db = database(&server, "backup_aged").await;
    let folder = tempfile::tempdir().unwrap();
    let path = dumped(&server, "backup_aged", folder.path(), "c");
    let mut bytes = std::fs::read(&path).unwrap();
    // The archive's own date (pg_backup_archiver.c, ReadHead): after magic, version, sizes, format and compression
    // stand seconds, minutes, hours, day, month and year, each a sign and four bytes.
    let year = bytes
        .windows(5)
        .position(|w| w[0] == 0 && (120..200).contains(&w[1]) && w[2..] == [0, 0, 0])
        .unwrap();
    bytes[year + 1] -= 2;
    put(&path, &bytes);
    let seen = look(&db, at(&path)).await;
    let age = fact(&seen, "age");
    let year = 365 * 86_400_000_000_000_i64;
    assert!(
        matches!(age, Value::Duration(ns) if *ns > 2 * year - year / 300),
        "{age}"
    );
}
