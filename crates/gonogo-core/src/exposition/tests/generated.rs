//! Properties: nothing panics, and what is written is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;

/// The value, the counts of the buckets, the time.
type Numbers = (f64, Vec<u8>, Option<i64>);

/// A family as it is generated.
#[derive(Clone, Debug)]
struct Written {
    kind: &'static str,
    help: String,
    /// By labels: a value for plain kinds; bucket counts for histograms.
    series: BTreeMap<BTreeMap<String, String>, Numbers>,
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0u64..u64::MAX).prop_map(|n| n as f64),
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
    ]
}

fn family() -> impl Strategy<Value = Written> {
    let labels = proptest::collection::btree_map("[a-k][a-z0-9_]{0,9}", ".{0,20}", 0..4).prop_map(
        |labels| {
            let told = labels.into_iter().filter(|(_, value)| !value.is_empty());
            told.collect::<BTreeMap<_, _>>()
        },
    );
    let counts = proptest::collection::vec(any::<u8>(), 1..6);
    let times = proptest::option::of(any::<i32>().prop_map(i64::from));
    let series = proptest::collection::btree_map(labels, (value(), counts, times), 0..6);
    let kind = prop_oneof![
        Just("counter"),
        Just("gauge"),
        Just("untyped"),
        Just("histogram"),
        Just("summary")
    ];
    (kind, ".{0,30}", series).prop_map(|(kind, help, series)| Written { kind, help, series })
}

fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

/// The line of one sample.
fn line(
    out: &mut String,
    name: &str,
    labels: &BTreeMap<String, String>,
    more: Option<(&str, String)>,
    value: f64,
    time: Option<i64>,
) {
    let mut pairs: Vec<String> = labels
        .iter()
        .map(|(n, v)| format!("{n}=\"{}\"", escape(v, true)))
        .collect();
    pairs.extend(more.map(|(n, v)| format!("{n}=\"{v}\"")));
    let braces = if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", pairs.join(","))
    };
    write!(out, "{name}{braces} {value}").unwrap();
    if let Some(time) = time {
        write!(out, " {time}").unwrap();
    }
    out.push('\n');
}

/// The text, and how many samples it has.
fn write_out(families: &[Written]) -> (String, usize) {
    let mut out = String::new();
    for (i, family) in families.iter().enumerate() {
        let name = format!("family_{i}_x");
        let help = escape(&family.help, false);
        write!(out, "# HELP {name} {help}\n# TYPE {name} {}\n", family.kind).unwrap();
        for (labels, (value, counts, time)) in &family.series {
            match family.kind {
                "histogram" => {
                    let mut total = 0.0;
                    for (n, count) in counts.iter().enumerate() {
                        total += f64::from(*count);
                        let last = n + 1 == counts.len();
                        let le = if last {
                            "+Inf".to_owned()
                        } else {
                            n.to_string()
                        };
                        let bucket = format!("{name}_bucket");
                        line(&mut out, &bucket, labels, Some(("le", le)), total, *time);
                    }
                    line(
                        &mut out,
                        &format!("{name}_sum"),
                        labels,
                        None,
                        *value,
                        *time,
                    );
                    line(
                        &mut out,
                        &format!("{name}_count"),
                        labels,
                        None,
                        total,
                        *time,
                    );
                }
                "summary" => {
                    let half = Some(("quantile", "0.5".to_owned()));
                    line(&mut out, &name, labels, half, *value, *time);
                    line(
                        &mut out,
                        &format!("{name}_sum"),
                        labels,
                        None,
                        *value,
                        *time,
                    );
                    line(&mut out, &format!("{name}_count"), labels, None, 1.0, *time);
                }
                "counter" => line(&mut out, &name, labels, None, value.abs(), *time),
                _ => line(&mut out, &name, labels, None, *value, *time),
            }
        }
    }
    let samples = out.lines().filter(|l| !l.starts_with('#')).count();
    (out, samples)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let limits = Limits::default();
        drop(parse_as(&bytes, Format::Text, &limits));
        drop(parse_as(&bytes, Format::OpenMetrics, &limits));
    }

    #[test]
    fn nothing_near_a_valid_text_makes_it_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = SHOP.as_bytes().to_vec();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        for format in [Format::Text, Format::OpenMetrics] {
            if let Ok(exposition) = parse_as(&bytes, format, &Limits::default()) {
                for sample in exposition.samples() {
                    prop_assert!(!sample.name().is_empty());
                    prop_assert!(sample.labels().all(|(name, _)| !name.is_empty()));
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_selector_panic(text in ".{0,60}", near in "[a-c{}=~!\"'`\\\\ ,\n]{0,30}") {
        drop(Selector::parse(&text));
        if let Ok(selector) = Selector::parse(&near) {
            let again = Selector::parse(&selector.to_string());
            prop_assert!(again.is_ok());
        }
    }

    #[test]
    fn what_is_written_is_read(families in proptest::collection::vec(family(), 0..5)) {
        let (text, samples) = write_out(&families);
        let exposition = match parse(text.as_bytes(), &Limits::default()) {
            Ok(exposition) => exposition,
            Err(e) => return Err(TestCaseError::fail(format!("{e}\n{text}"))),
        };
        prop_assert_eq!(exposition.sample_count(), samples);
        prop_assert_eq!(exposition.families().len(), families.len());
        for (read, written) in exposition.families().zip(&families) {
            prop_assert_eq!(read.kind().as_str(), written.kind);
            let help = written.help.trim_start_matches([' ', '\t']);
            prop_assert_eq!(read.help(), help);
            if !matches!(written.kind, "gauge" | "untyped") {
                continue;
            }
            for (sample, (labels, (value, _, time))) in read.samples().zip(&written.series) {
                let found: BTreeMap<String, String> = sample
                    .labels()
                    .map(|(name, value)| (name.to_owned(), value.into_owned()))
                    .collect();
                prop_assert_eq!(&found, labels);
                prop_assert_eq!(sample.timestamp_ms(), *time);
                let same = sample.value().to_bits() == value.to_bits();
                prop_assert!(same || (sample.value().is_nan() && value.is_nan()));
            }
        }
    }

    /// Any line of a valid text, said twice, is a fault; and so is any line cut short of its end.
    #[test]
    fn a_line_said_twice_is_found(families in proptest::collection::vec(family(), 1..4), at in any::<prop::sample::Index>()) {
        let (text, samples) = write_out(&families);
        prop_assume!(samples > 0);
        let lines: Vec<&str> = text.lines().collect();
        let at = at.index(lines.len());
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        let twice = twice.join("\n") + "\n";
        prop_assert!(parse(twice.as_bytes(), &Limits::default()).is_err(), "{twice}");
        prop_assert!(parse(&text.as_bytes()[..text.len() - 1], &Limits::default()).is_err());
    }
}
