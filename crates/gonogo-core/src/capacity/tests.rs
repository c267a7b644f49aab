//! Snapshots, growth and levels.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::snapshot::{FORMAT, Kind, Unreadable};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn table(name: &str, bytes: u64) -> TableSize {
    TableSize {
        name: name.to_owned(),
        bytes,
        table_bytes: bytes,
        index_bytes: 0,
        toast_bytes: 0,
        rows_estimate: None,
        rows: None,
    }
}

fn index(name: &str, bytes: u64) -> IndexSize {
    IndexSize {
        name: name.to_owned(),
        table: "public.t".to_owned(),
        bytes,
        scans: Some(3),
    }
}

fn snapshot(seconds: i64, tables: &[(&str, u64)], indexes: &[(&str, u64)]) -> Snapshot {
    Snapshot {
        gonogo_snapshot: FORMAT,
        kind: Kind::Capacity,
        taken_at: at(seconds),
        engine: "PostgreSQL 15.18".to_owned(),
        server: Some("7".to_owned()),
        database: "app".to_owned(),
        // Larger than what is asked of here, so that the database itself stays below its threshold.
        bytes: 1000 * GIB,
        tables: tables.iter().map(|(n, b)| table(n, *b)).collect(),
        indexes: indexes.iter().map(|(n, b)| index(n, *b)).collect(),
        connections: Some(Connections::of(5, 20, 3)),
        cache_hit_ratio: Some(0.99),
    }
}

fn diff(from: &Snapshot, to: &Snapshot) -> Diff {
    compare(from, to, &Thresholds::default()).unwrap()
}

fn level(after: i64, then: &[(&str, u64)], now: &[(&str, u64)]) -> Level {
    diff(&snapshot(0, then, &[]), &snapshot(after, now, &[])).level
}

#[test]
fn a_table_above_one_gib_is_yellow_and_above_five_red() {
    let of = |size| level(DAY, &[("t", size)], &[("t", size)]);
    assert_eq!(of(GIB), Level::Green);
    assert_eq!(of(GIB + 1), Level::Yellow);
    assert_eq!(of(5 * GIB), Level::Yellow);
    assert_eq!(of(5 * GIB + 1), Level::Red);
}

#[test]
fn growth_above_fifteen_percent_a_day_is_yellow_over_the_real_interval() {
    let then = [("t", 100 * MIB)];
    assert_eq!(level(DAY, &then, &[("t", 115 * MIB)]), Level::Green);
    assert_eq!(level(DAY, &then, &[("t", 115 * MIB + 1)]), Level::Yellow);
    // Half of it in half the time is the same pace; in twice the time half of it.
    assert_eq!(level(DAY / 2, &then, &[("t", 108 * MIB)]), Level::Yellow);
    assert_eq!(level(2 * DAY, &then, &[("t", 129 * MIB)]), Level::Green);
}

#[test]
fn an_index_that_grows_by_more_than_thirty_percent_a_week_is_red() {
    let grown = |after, now| {
        let then = snapshot(0, &[], &[("i", 100 * MIB)]);
        diff(&then, &snapshot(after, &[], &[("i", now)])).level
    };
    assert_eq!(grown(7 * DAY, 130 * MIB), Level::Green);
    assert_eq!(grown(7 * DAY, 131 * MIB), Level::Red);
    assert_eq!(grown(DAY, 105 * MIB), Level::Red);
}

#[test]
fn below_an_hour_growth_is_not_judged_and_that_is_no_green() {
    let then = snapshot(0, &[("t", 100 * MIB)], &[]);
    let soon = diff(&then, &snapshot(HOUR - 1, &[("t", 900 * MIB)], &[]));
    assert_eq!(soon.level, Level::NotJudged);
    assert_eq!(soon.level.exit_code(), 2);
    assert!(soon.growth.iter().all(|g| g.per_day.is_none()));
    let why = soon.not_judged.unwrap();
    assert!(why.contains("59 m"), "{why}");
    let same = diff(&then, &then);
    assert_eq!(same.level, Level::NotJudged, "no time has passed");
    let hour = diff(&then, &snapshot(HOUR, &[("t", 100 * MIB)], &[]));
    assert_eq!(hour.level, Level::Green);
}

#[test]
fn below_an_hour_sizes_are_still_judged() {
    let then = snapshot(0, &[("t", 2 * GIB)], &[]);
    assert_eq!(diff(&then, &then).level, Level::Yellow);
    let red = snapshot(60, &[("t", 6 * GIB)], &[]);
    assert_eq!(diff(&then, &red).level, Level::Red);
}

#[test]
fn growth_below_the_floor_is_noise_and_is_told() {
    let then = snapshot(0, &[("t", 8192)], &[("i", 8192)]);
    let now = snapshot(DAY, &[("t", 900_000)], &[("i", 16384)]);
    let seen = diff(&then, &now);
    assert_eq!(seen.level, Level::Green);
    assert!(
        seen.notes[0].contains("2 sizes grew by less than 1 MiB"),
        "{:?}",
        seen.notes
    );
    let mut strict = Thresholds::default();
    strict.set("floor", "0").unwrap();
    assert_eq!(compare(&then, &now, &strict).unwrap().level, Level::Red);
}

#[test]
fn growth_from_nothing_is_more_than_any_share() {
    assert_eq!(level(DAY, &[("t", 0)], &[("t", MIB)]), Level::Yellow);
    assert_eq!(level(DAY, &[("t", 0)], &[("t", MIB - 1)]), Level::Green);
}

#[test]
fn the_database_as_a_whole_is_judged_too() {
    let mut then = snapshot(0, &[], &[]);
    then.bytes = 100 * MIB;
    let mut now = snapshot(DAY, &[("new", 50 * MIB)], &[]);
    now.bytes = 150 * MIB;
    let seen = diff(&then, &now);
    assert_eq!(seen.level, Level::Yellow);
    assert_eq!(seen.yellow.len(), 1, "a new table has no pace of its own");
    assert_eq!(seen.yellow[0].what, What::Database);
}

#[test]
fn new_vanished_shrunk_and_unchanged_are_told() {
    let then = snapshot(0, &[("a", 10), ("b", 20), ("c", 30)], &[("i", 5)]);
    let now = snapshot(DAY, &[("b", 10), ("c", 30), ("d", 40)], &[("i", 5)]);
    let seen = diff(&then, &now);
    let told: Vec<_> = seen
        .growth
        .iter()
        .map(|g| (g.name.as_str(), g.change, g.bytes))
        .collect();
    assert_eq!(
        told,
        [
            ("app", Change::Same, 0),
            ("a", Change::Vanished, -10),
            ("b", Change::Shrunk, -10),
            ("d", Change::New, 40),
        ]
    );
    assert_eq!(seen.unchanged, 2);
    let of = |name: &str| seen.growth.iter().find(|g| g.name == name).unwrap();
    assert_eq!(of("a").per_day, None, "what is gone has no pace");
    assert_eq!(of("d").share, None, "what is new has no share");
    assert_eq!(of("b").per_week, Some(-3.5));
}

#[test]
fn other_databases_engines_servers_and_orders_are_not_comparable() {
    let one = snapshot(0, &[], &[]);
    let refused = |change: fn(&mut Snapshot)| {
        let mut other = snapshot(DAY, &[], &[]);
        change(&mut other);
        compare(&one, &other, &Thresholds::default())
            .unwrap_err()
            .message
    };
    assert!(refused(|s| s.database = "other".to_owned()).contains("`other`"));
    assert!(refused(|s| s.engine = "SQLite 3.51.3".to_owned()).contains("SQLite"));
    assert!(refused(|s| s.server = Some("8".to_owned())).contains("two servers"));
    assert!(refused(|s| s.taken_at = at(-1)).contains("before the first"));
    assert!(refused(|s| s.taken_at = DateTime::<Utc>::MAX_UTC).contains("292 years"));
    let mut newer = snapshot(DAY, &[], &[]);
    newer.engine = "PostgreSQL 17.2".to_owned();
    assert!(diff(&one, &newer).notes[0].contains("17.2"));
}

#[test]
fn thresholds_can_be_replaced_and_wrong_ones_are_named() {
    let mut thresholds = Thresholds::default();
    thresholds.set("table_yellow", "10 kB").unwrap();
    thresholds.set("growth_per_day_yellow", "250%").unwrap();
    assert_eq!(thresholds.table_yellow, 10_240);
    assert!((thresholds.growth_per_day_yellow - 2.5).abs() < 1e-12);
    let unknown = thresholds.set("table_yelow", "1").unwrap_err();
    assert!(
        matches!(unknown, UnknownThreshold::Name { ref help, .. } if help.contains("table_yellow"))
    );
    let bad = thresholds.set("floor", "much").unwrap_err().to_string();
    assert!(bad.starts_with("floor: `much` is not a size"), "{bad}");
    assert_eq!(thresholds.contradiction(), None);
    thresholds.set("table_red", "1kB").unwrap();
    assert!(thresholds.contradiction().unwrap().contains("lies below"));
}

#[test]
fn the_thresholds_are_printed_in_full() {
    insta::assert_snapshot!(Thresholds::default().text(), @"YELLOW: a table above 1 GiB, or growth above 15 % a day; RED: a table above 5 GiB, or an index that grows by more than 30 % a week; growth of less than 1 MiB between the snapshots counts as none");
}

#[test]
fn sizes_and_shares_are_read_as_people_write_them() {
    for (text, bytes) in [
        ("8192", 8192),
        ("1kB", 1024),
        ("1 KiB", 1024),
        ("1.5 MB", 3 * MIB / 2),
        ("1gb", GIB),
        ("2 TiB", 2048 * GIB),
    ] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for text in [
        "",
        "GB",
        "1 XB",
        "-1",
        "1e9",
        "1.2.3",
        "99999999999TB",
        "∞",
        "8388608 TB",
    ] {
        assert!(parse_size(text).is_err(), "{text}");
    }
    assert_eq!(parse_share("15%"), Ok(0.15));
    assert_eq!(parse_share("0.5 %"), Ok(0.005));
    for text in ["15", "%", "-1%", "NaN%", "inf%", "1.2.3%"] {
        assert!(parse_share(text).is_err(), "{text}");
    }
}

#[test]
fn sizes_and_shares_are_printed_for_people() {
    let sizes: Vec<String> = [
        0,
        1023,
        1024,
        1536,
        10 * MIB,
        1023 * MIB + 900 * 1024,
        5 * GIB,
    ]
    .map(size_text)
    .into();
    assert_eq!(
        sizes.join(", "),
        "0 B, 1023 B, 1 KiB, 1.5 KiB, 10 MiB, 1 GiB, 5 GiB"
    );
    let shares: Vec<String> = [0.0, 0.0001, 0.15, -0.032, 2.5, -1e-9]
        .map(share_text)
        .into();
    assert_eq!(
        shares.join(", "),
        "+0 %, +0.01 %, +15 %, −3.2 %, +250 %, +0 %"
    );
}

#[test]
fn a_snapshot_is_read_back_as_it_was_written() {
    let one = snapshot(0, &[("public.t", 10)], &[("public.i", 5)]);
    assert_eq!(Snapshot::read(one.text().as_bytes()), Ok(one.clone()));
    assert_eq!(Snapshot::of_facts(&one.facts()), Some(one));
}

#[test]
fn a_snapshot_that_was_edited_wrongly_is_refused_with_the_place() {
    let good = snapshot(0, &[("public.t", 10), ("public.u", 11)], &[]).text();
    let refused = |from: &str, to: &str| -> Unreadable {
        assert!(good.contains(from), "{from} stands in {good}");
        Snapshot::read(good.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    let line_of = |text: &str| good.lines().position(|l| l.contains(text)).unwrap() + 1;
    let negative = refused("\"bytes\": 10,", "\"bytes\": -10,");
    assert_eq!(negative.line, line_of("\"bytes\": 10,"), "{negative:?}");
    assert!(negative.message.contains("-10"), "{negative}");
    let twice = refused("public.u", "public.t");
    assert!(
        twice.message.contains("`public.t` stands here twice"),
        "{twice}"
    );
    let unknown = refused("\"toast_bytes\"", "\"tost_bytes\"");
    assert!(unknown.message.contains("`tost_bytes`"), "{unknown}");
    let huge = refused("\"bytes\": 10,", "\"bytes\": 18446744073709551615,");
    assert!(huge.message.contains("a size that there can be"), "{huge}");
    let ratio = refused("0.99", "-0.99");
    assert!(ratio.message.contains("a share from 0 upwards"), "{ratio}");
    let when = refused("2026-", "2026:");
    assert_eq!(when.line, line_of("taken_at"), "{when:?}");
    assert!(
        refused("\"capacity\"", "\"schema\"")
            .message
            .contains("kind `schema`")
    );
    assert!(
        refused("\"gonogo_snapshot\": 1", "\"gonogo_snapshot\": 2")
            .message
            .contains("version 2")
    );
    assert!(
        Snapshot::read(b"{}")
            .unwrap_err()
            .message
            .contains("no snapshot")
    );
    let half = &good[..good.len() / 2];
    assert!(Snapshot::read(half.as_bytes()).unwrap_err().line > 5);
}

fn sizes() -> impl Strategy<Value = Vec<(String, u64)>> {
    let size = prop_oneof![0..4 * MIB, 0..8 * GIB, Just(0)];
    proptest::collection::btree_map("[a-e]", size, 0..5).prop_map(|map| map.into_iter().collect())
}

prop_compose! {
    fn any_snapshot(when: i64)(tables in sizes(), indexes in sizes(), bytes in 0..20 * GIB) -> Snapshot {
        let mut snapshot = snapshot(when, &[], &[]);
        snapshot.tables = tables.iter().map(|(n, b)| table(n, *b)).collect();
        snapshot.indexes = indexes.iter().map(|(n, b)| index(n, *b)).collect();
        snapshot.bytes = bytes;
        snapshot
    }
}

fn later(mut snapshot: Snapshot, seconds: i64) -> Snapshot {
    snapshot.taken_at += TimeDelta::seconds(seconds);
    snapshot
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _answer = Snapshot::read(text.as_bytes());
        let _answer = (parse_size(&text), parse_share(&text));
    }

    #[test]
    fn any_snapshot_is_read_back_from_its_text_and_from_its_facts(one in any_snapshot(0)) {
        prop_assert_eq!(&Snapshot::read(one.text().as_bytes()).unwrap(), &one);
        prop_assert_eq!(&Snapshot::of_facts(&one.facts()).unwrap(), &one);
    }

    #[test]
    fn a_printed_size_is_read_back_within_half_a_percent(bytes in 0..4096 * GIB) {
        let read = parse_size(&size_text(bytes)).unwrap();
        prop_assert!((read as f64 - bytes as f64).abs() <= 0.0051 * bytes as f64);
    }

    #[test]
    fn nothing_grows_where_nothing_changed(one in any_snapshot(0), hours in 1..2000_i64) {
        let seen = diff(&one, &later(one.clone(), hours * HOUR));
        prop_assert!(seen.growth.iter().all(|g| g.change == Change::Same));
        prop_assert_eq!(seen.unchanged, one.tables.len() + one.indexes.len());
        let largest = one.tables.iter().map(|t| t.bytes).max().unwrap_or(0);
        let wanted = match largest {
            size if size > 5 * GIB => Level::Red,
            size if size > GIB => Level::Yellow,
            _ => Level::Green,
        };
        prop_assert_eq!(seen.level, wanted);
    }

    #[test]
    fn every_size_of_either_side_is_told_once(one in any_snapshot(0), two in any_snapshot(DAY)) {
        let seen = diff(&one, &two);
        let mut names: Vec<_> = seen.growth.iter().map(|g| (g.what, g.name.clone())).collect();
        let count = names.len();
        names.dedup();
        prop_assert_eq!(names.len(), count);
        let both = |a: Vec<&str>, b: Vec<&str>| {
            a.into_iter().chain(b).collect::<std::collections::BTreeSet<_>>().len()
        };
        let tables = both(
            one.tables.iter().map(|t| t.name.as_str()).collect(),
            two.tables.iter().map(|t| t.name.as_str()).collect(),
        );
        let indexes = both(
            one.indexes.iter().map(|t| t.name.as_str()).collect(),
            two.indexes.iter().map(|t| t.name.as_str()).collect(),
        );
        prop_assert_eq!(count + seen.unchanged, 1 + tables + indexes);
    }

    #[test]
    fn a_size_that_grew_more_never_lowers_the_level(
        one in any_snapshot(0), two in any_snapshot(0), hours in 1..2000_i64, more in 0..GIB, at in any::<proptest::sample::Index>(),
    ) {
        let two = later(two, hours * HOUR);
        let before = diff(&one, &two).level;
        let mut grown = two;
        grown.bytes += more;
        if !grown.tables.is_empty() {
            let at = at.index(grown.tables.len());
            grown.tables[at].bytes += more;
        }
        if !grown.indexes.is_empty() {
            let at = at.index(grown.indexes.len());
            grown.indexes[at].bytes += more;
        }
        prop_assert!(diff(&one, &grown).level >= before);
    }

    #[test]
    fn the_same_growth_in_more_time_never_raises_the_level(
        one in any_snapshot(0), two in any_snapshot(0), hours in 1..200_i64, more in 0..2000_i64,
    ) {
        let soon = diff(&one, &later(two.clone(), hours * HOUR)).level;
        let late = diff(&one, &later(two, (hours + more) * HOUR)).level;
        prop_assert!(late <= soon);
    }

    #[test]
    fn below_an_hour_there_is_neither_projection_nor_green(
        one in any_snapshot(0), two in any_snapshot(0), seconds in 0..HOUR,
    ) {
        let seen = diff(&one, &later(two, seconds));
        prop_assert!(seen.level > Level::Green);
        prop_assert!(seen.level.exit_code() != 0);
        prop_assert!(seen.growth.iter().all(|g| g.per_day.is_none() && g.per_week.is_none()));
        let (_, levels) = seen.facts();
        prop_assert!(levels.get("growth").is_none());
    }
}
