use proptest::prelude::*;

use super::*;

mod cases;
mod generated;

fn valid(text: &str) -> Exposition<'_> {
    match parse(text.as_bytes(), &Limits::default()) {
        Ok(exposition) => exposition,
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn invalid(text: &str) -> ExpositionError {
    match parse(text.as_bytes(), &Limits::default()) {
        Ok(_) => panic!("valid, and should not be:\n{text}"),
        Err(error) => error,
    }
}

fn selected(text: &str, selector: &str) -> Vec<f64> {
    let selector = Selector::parse(selector).unwrap();
    valid(text)
        .select(&selector)
        .map(|sample| sample.value())
        .collect()
}

const SHOP: &str = "\
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000
http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000

# a comment
msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9
something_weird{problem=\"division by zero\"} +Inf -3982045
  metric_without_timestamp_and_labels 12.47
# TYPE latency histogram
latency_bucket{le=\"0.1\"} 2
latency_bucket{le=\"1\"} 5
latency_bucket{le=\"+Inf\"} 6
latency_sum 4.5
latency_count 6
# TYPE rpc summary
rpc{quantile=\"0.5\"} NaN
rpc{quantile=\"0.99\"} 76656
rpc_sum 1.7560473e+07
rpc_count 2693
";

#[test]
fn what_a_text_says_is_what_is_read() {
    let exposition = valid(SHOP);
    let families: Vec<_> = exposition
        .families()
        .map(|f| (f.name(), f.kind().as_str(), f.samples().len()))
        .collect();
    assert_eq!(
        families,
        [
            ("http_requests_total", "counter", 2),
            ("msdos_file_access_time_seconds", "untyped", 1),
            ("something_weird", "untyped", 1),
            ("metric_without_timestamp_and_labels", "untyped", 1),
            ("latency", "histogram", 5),
            ("rpc", "summary", 4),
        ]
    );
    let help = exposition.families().next().map(|f| f.help().into_owned());
    assert_eq!(help.as_deref(), Some("The total number of HTTP requests."));
    let samples: Vec<_> = exposition.samples().collect();
    assert_eq!(samples[0].label("method"), "post");
    assert_eq!(samples[0].label("absent"), "");
    assert_eq!(samples[0].timestamp_ms(), Some(1_395_066_363_000));
    assert_eq!(
        samples[0].series(),
        "http_requests_total{method=\"post\",code=\"200\"}"
    );
    assert_eq!(samples[2].label("path"), "C:\\DIR\\FILE.TXT");
    assert_eq!(samples[2].label("error"), "Cannot find file:\n\"FILE.TXT\"");
    assert!((samples[3].value() - f64::INFINITY).is_nan());
    assert_eq!(samples[3].timestamp_ms(), Some(-3_982_045));
    assert_eq!(samples[4].timestamp_ms(), None);
}

#[test]
fn nan_stays_nan() {
    let values = selected(SHOP, "rpc{quantile=\"0.5\"}");
    assert!(values.len() == 1 && values[0].is_nan());
}

#[test]
fn a_selector_picks_by_name_and_labels() {
    for (selector, expected) in [
        ("http_requests_total", vec![1027.0, 3.0]),
        ("http_requests_total{code=\"400\"}", vec![3.0]),
        ("http_requests_total{code!=\"400\",}", vec![1027.0]),
        ("http_requests_total{ code =~ '4..' }", vec![3.0]),
        ("http_requests_total{code=~\"4\"}", vec![]),
        ("http_requests_total{code!~`2.*|5.*`}", vec![3.0]),
        ("http_requests_total{absent=\"\"}", vec![1027.0, 3.0]),
        ("http_requests_total{absent!=\"\"}", vec![]),
        ("{__name__=~\"rpc_.*\"}", vec![1.756_047_3e7, 2693.0]),
        ("http_requests", vec![]),
    ] {
        assert_eq!(selected(SHOP, selector), expected, "{selector}");
    }
    let exposition = valid(SHOP);
    let code = [Matcher::new("code", By::Equal, "400").unwrap()];
    assert_eq!(exposition.find("http_requests_total", &code).count(), 1);
}

#[test]
fn what_is_no_selector_is_refused_with_its_column() {
    for (text, column, says) in [
        ("", 1, "a metric's name"),
        ("{}", 3, "every series"),
        ("{a=\"\"}", 7, "every series"),
        ("a b", 3, "nothing may follow"),
        ("a{b}", 4, "is due here"),
        ("a{b=c}", 5, "quotes"),
        ("a{b=\"c}", 6, "not closed"),
        ("a{b=~\"(\"}", 3, "regular expression"),
        ("a{b=\"\\.\"}", 6, "backslash is written twice"),
        ("rate(a[5m])", 5, "nothing may follow"),
        ("a{1=\"c\"}", 3, "label's name"),
        ("a{b=\"c\" d=\"e\"}", 9, "`,` or `}`"),
    ] {
        let bad = Selector::parse(text).unwrap_err();
        assert_eq!(bad.column, column, "{text}: {bad}");
        assert!(bad.message.contains(says), "{text}: {bad}");
    }
}

#[test]
fn a_selector_is_written_as_it_was_read() {
    for text in [
        "a",
        "a{b=\"c\"}",
        "{x=\"\\\"\"}",
        "a{b=~\"c.*\",d!~\"\\\\d+\"}",
    ] {
        assert_eq!(Selector::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn the_media_type_or_the_last_line_tells_the_format() {
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(Format::of_media_type(open), Some(Format::OpenMetrics));
    assert_eq!(
        Format::of_media_type("text/plain; version=0.0.4"),
        Some(Format::Text)
    );
    assert_eq!(Format::of_media_type("text/html"), None);
    assert_eq!(Format::of_text(b"a 1\n# EOF\n"), Format::OpenMetrics);
    assert_eq!(Format::of_text(b"a 1\n# EOF x\n"), Format::Text);
    assert_eq!(Format::of_text(b""), Format::Text);
}

#[test]
fn an_openmetrics_text_without_its_end_was_cut_off() {
    let error = parse_as(b"a 1\n", Format::OpenMetrics, &Limits::default()).unwrap_err();
    assert_eq!(error.fault, Fault::Truncated);
}

#[test]
fn limits_are_errors_and_never_shorter_answers() {
    let text = "a 1\nb 1\nc{x=\"1\",y=\"2\"} 1\n";
    let with = |limits: Limits| parse(text.as_bytes(), &limits).map(|e| e.sample_count());
    let all = Limits::default();
    assert_eq!(with(all), Ok(3));
    for limits in [
        Limits { bytes: 10, ..all },
        Limits { samples: 2, ..all },
        Limits { labels: 1, ..all },
    ] {
        assert_eq!(with(limits).unwrap_err().fault, Fault::Limit, "{limits:?}");
    }
}
