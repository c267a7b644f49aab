use super::*;

const FAMILIES: &[Family] = &[
    Family {
        name: "made_total",
        help: "Made.",
        kind: Kind::Counter { labelled: false },
    },
    Family {
        name: "asked_total",
        help: "Asked.",
        kind: Kind::Counter { labelled: true },
    },
    Family {
        name: "took_seconds",
        help: "Took.",
        kind: Kind::Histogram,
    },
];

#[test]
fn only_what_a_real_application_registers_is_there_from_the_start() {
    let text = Metrics::new(FAMILIES).exposition(&[]);
    assert!(
        text.contains("# TYPE made_total counter\nmade_total 0\n"),
        "{text}"
    );
    assert!(
        text.contains("# TYPE asked_total counter\n# HELP took_seconds"),
        "{text}"
    );
    assert!(text.contains("took_seconds_count 0"), "{text}");
}

#[test]
fn buckets_are_cumulated_and_labels_are_escaped() {
    let metrics = Metrics::new(FAMILIES);
    for milliseconds in [1, 7, 160, 5_000] {
        metrics.sample("took_seconds", Duration::from_millis(milliseconds));
    }
    metrics.count("asked_total", &[("path", "a\"b\\c\n")]);
    let text = metrics.exposition(&["made_total"]);
    for expected in [
        "took_seconds_bucket{le=\"0.005\"} 1",
        "took_seconds_bucket{le=\"0.15\"} 2",
        "took_seconds_bucket{le=\"0.25\"} 3",
        "took_seconds_bucket{le=\"1\"} 3",
        "took_seconds_bucket{le=\"+Inf\"} 4",
        "took_seconds_count 4",
        "asked_total{path=\"a\\\"b\\\\c\\n\"} 1",
    ] {
        assert!(
            text.lines().any(|line| line == expected),
            "{expected} in\n{text}"
        );
    }
    assert!(!text.contains("made_total"), "{text}");
}
