//! The form of a log: one spelling, every byte covered, torn told from damaged.

use std::path::Path;

use proptest::prelude::*;

use super::harness::{SOUND, json, noon, run_path, undisturbed, world_on};
use crate::store::event::check_event;
use crate::store::*;
use crate::world::Disk;
use crate::world::sim::SimDisk;

fn sample() -> Vec<u8> {
    let (disk, _) = undisturbed(SOUND);
    disk.read(&run_path().join(JOURNAL), 1 << 20).unwrap()
}

fn parsed(bytes: &[u8]) -> Result<Journal, StoreError> {
    parse(bytes, Path::new("journal.ndjson"))
}

/// Whether a reader would take this for the undamaged log.
fn passes_as_whole(bytes: &[u8]) -> bool {
    parsed(bytes).is_ok_and(|journal| journal.torn_tail.is_none())
}

#[test]
fn a_written_log_reads_back_event_by_event() {
    let journal = parsed(&sample()).unwrap();
    assert_eq!(journal.header.kind, "journal");
    assert_eq!(journal.torn_tail, None);
    let numbers: Vec<u64> = journal.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
    assert_eq!(journal.entries[0].event, r#"{"begun":true}"#);
    assert_eq!(journal.entries[0].at, noon());
}

#[test]
fn a_flip_of_any_bit_is_noticed() {
    let whole = sample();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(!passes_as_whole(&bytes), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_flip_in_what_was_acknowledged_before_a_later_line_is_never_repaired_away() {
    let whole = sample();
    let lines = whole.split_inclusive(|byte| *byte == b'\n').count();
    let last_group_start: usize = whole
        .split_inclusive(|byte| *byte == b'\n')
        .take(lines - 1)
        .map(<[u8]>::len)
        .sum();
    for at in 0..last_group_start {
        for byte in [0, b'\n', whole[at] ^ 1] {
            if byte == whole[at] {
                continue;
            }
            let mut bytes = whole.clone();
            bytes[at] = byte;
            let error = parsed(&bytes).expect_err("damage in acknowledged lines");
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        }
    }
}

#[test]
fn a_log_cut_at_any_byte_keeps_its_whole_lines() {
    let whole = sample();
    let header_end = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in header_end..whole.len() {
        let journal = parsed(&whole[..end]).unwrap();
        let lines = whole[..end].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(journal.entries.len(), lines - 1);
        assert_eq!(journal.torn_tail.is_some(), whole[end - 1] != b'\n');
    }
    for end in 0..header_end {
        assert!(parsed(&whole[..end]).is_err());
    }
}

#[test]
fn every_other_spelling_is_refused() {
    let text = String::from_utf8(sample()).unwrap();
    let last = text.lines().last().unwrap();
    let spellings = [
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        format!("\n{text}"),
        format!("\u{feff}{text}"),
        format!("{text}{last}\n"),
        text.replacen("\"seq\":2", "\"seq\": 2", 1),
        text.replacen("\"seq\":2", "\"seq\":02", 1),
        text.replacen("\"prev\"", "\"Prev\"", 1),
        text.replacen("Z\",\"event\"", "+00:00\",\"event\"", 1),
        text.replacen("\"}\n", "\"} \n", 1),
        text.trim_end().to_owned(),
    ];
    for spelling in spellings {
        assert!(!passes_as_whole(spelling.as_bytes()), "{spelling}");
    }
}

#[test]
fn swapped_missing_and_foreign_lines_are_refused_with_their_number() {
    let text = String::from_utf8(sample()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let mut missing = lines.clone();
    missing.remove(3);
    for broken in [swapped, missing] {
        let error = parsed(broken.concat().as_bytes()).unwrap_err();
        let StoreError::Damaged { line, expected, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!((*line, expected.as_str()), (4, "seq 3"));
    }
    let other = log_about("another run");
    let foreign = [
        lines[0].as_bytes(),
        other.split_inclusive(|b| *b == b'\n').nth(1).unwrap(),
    ];
    let error = parsed(&foreign.concat()).unwrap_err().to_string();
    assert!(
        error.contains("line 2 is damaged: expected prev"),
        "{error}"
    );
}

fn log_about(run: &str) -> Vec<u8> {
    let world = world_on(std::sync::Arc::new(SimDisk::new()), 1);
    let path = Path::new("/log");
    let about = json(format!(r#"{{"run":"{run}"}}"#));
    let mut journal =
        journal::JournalWriter::create(&world.disk, path, "journal", &about, None).unwrap();
    journal
        .append(&json("{}"), noon(), Durability::Synced)
        .unwrap();
    world.disk.read(path, 1 << 20).unwrap()
}

#[test]
fn zeros_where_a_write_was_lost_are_a_torn_tail_but_not_below_a_later_sync() {
    let whole = sample();
    let ends: Vec<usize> = (0..whole.len())
        .filter(|at| whole[*at] == b'\n')
        .map(|at| at + 1)
        .collect();
    // Lines 4 and 5 (an observation and a note) were one group with the intent of line 6.
    let mut lost = whole[..ends[5]].to_vec();
    lost[ends[3] - 200..ends[3] - 100].fill(0);
    let journal = parsed(&lost).unwrap();
    assert_eq!(journal.entries.len(), 2);
    assert_eq!(journal.torn_tail.unwrap().offset, ends[2] as u64);
    // With line 7, which was written after that group was synced, the same zeros are damage.
    let mut damaged = whole[..ends[6]].to_vec();
    damaged[ends[3] - 200..ends[3] - 100].fill(0);
    assert!(matches!(
        parsed(&damaged),
        Err(StoreError::Damaged { line: 4, .. })
    ));
}

#[test]
fn a_newer_version_is_refused_and_named() {
    let body = r#"{"gonogo":"journal","version":2,"about":{}"#;
    let hash = chain::hex(&chain::sha256(body.as_bytes()));
    let error = parsed(format!("{body},\"hash\":\"{hash}\"}}\n").as_bytes()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected version 1, found version 2")
    );
}

#[test]
fn an_event_that_two_readers_would_read_differently_is_not_recorded() {
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"[secret T]":1,"[secret T]":2}}"#,
        r#"{"a":1,"\u0061":2}"#,
        "{\"a\":\n1}",
        r#"{"a": 1}"#,
        r#"{"a":1} "#,
        r#"{"a":1}{"b":2}"#,
        r#"{"a":NaN}"#,
        "{\"a\":\"\u{1}\"}",
        "",
        "{",
    ] {
        assert!(check_event(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(check_event(b"{\"a\":\"\xff\"}").is_err());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(check_event(deep.as_bytes()).is_err());
    let many: Vec<String> = (0..40).map(|key| format!("\"k{key}\":0")).collect();
    assert!(check_event(format!("{{{}}}", many.join(",")).as_bytes()).is_ok());
    assert!(check_event(format!("{{{},\"k39\":1}}", many.join(",")).as_bytes()).is_err());
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e300..1e300).prop_map(|number: f64| number.into()),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_serde_writes_can_be_recorded_and_comes_back(values in prop::collection::vec(any_json(), 1..6)) {
        let world = world_on(std::sync::Arc::new(SimDisk::new()), 1);
        let path = Path::new("/log");
        let mut journal =
            journal::JournalWriter::create(&world.disk, path, "journal", &json("{}"), None).unwrap();
        for value in &values {
            journal.append(&json(value.to_string()), noon(), Durability::Grouped).unwrap();
        }
        journal.sync().unwrap();
        let back = read(world.disk.as_ref(), path).unwrap();
        let texts: Vec<String> = back.entries.into_iter().map(|entry| entry.event).collect();
        let written: Vec<String> = values.iter().map(ToString::to_string).collect();
        prop_assert_eq!(texts, written);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!passes_as_whole(&bytes));
    }
}
