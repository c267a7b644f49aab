use proptest::prelude::*;

use super::*;

#[test]
fn the_units_of_go_and_days_are_read() {
    for (text, ns) in [
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1d", 86_400_000_000_000),
        ("-2s", -2_000_000_000),
        ("0", 0),
        ("3us", 3_000),
    ] {
        assert_eq!(parse_duration_ns(text), Ok(ns), "{text}");
    }
}

#[test]
fn a_number_without_a_unit_and_garbage_are_refused() {
    for text in [
        "",
        "5",
        "s",
        "1x",
        "1.2.3s",
        "999999999999d",
        "-",
        "1s2",
        "NaNs",
    ] {
        assert!(parse_duration_ns(text).is_err(), "{text}");
    }
}

#[test]
fn people_read_short_figures() {
    for (ns, text) in [
        (43_000_000, "43 ms"),
        (1_204_000_000, "1.2 s"),
        (90_000_000_000, "1 min 30 s"),
        (86_400_000_000_000, "1 d"),
        (812, "812 ns"),
    ] {
        assert_eq!(humanize_duration_ns(ns), text);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(ns in any::<i64>()) {
        prop_assume!(ns != i64::MIN);
        prop_assert_eq!(parse_duration_ns(&format_duration_ns(ns)), Ok(ns));
    }
}
