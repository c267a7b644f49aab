//! Texts that are not valid, each with where and why; and texts that are.

use super::*;

#[test]
fn each_fault_is_found_where_it_is() {
    use Fault::{Duplicate, Order, Syntax, Truncated, Value};
    let cases: &[(&str, Fault, usize, usize, &str)] = &[
        ("a 1", Truncated, 1, 4, "line feed"),
        ("a", Truncated, 1, 2, "blank or `{`"),
        ("a \n", Syntax, 1, 3, "a value was due"),
        ("a{\n} 1\n", Syntax, 1, 3, "a label's name"),
        ("a{b=\"c\n", Syntax, 1, 7, "ends within a label's value"),
        ("a{b=\"c", Truncated, 1, 7, "within a label's value"),
        ("1a 1\n", Syntax, 1, 1, "a metric's name"),
        ("a-1\n", Syntax, 1, 2, "blank or `{`"),
        ("a.b 1\n", Syntax, 1, 2, "blank or `{`"),
        ("ok 1\na{9b=\"c\"} 1\n", Syntax, 2, 3, "label's name"),
        ("a{b:c=\"c\"} 1\n", Syntax, 1, 4, "`=` was due"),
        ("a{b=c} 1\n", Syntax, 1, 5, "was due"),
        ("a{b=\"c\" d=\"e\"} 1\n", Syntax, 1, 9, "`,` or `}`"),
        ("a{,} 1\n", Syntax, 1, 3, "label's name"),
        ("a{b=\"\\x\"} 1\n", Syntax, 1, 6, "escapes"),
        ("a{__name__=\"x\"} 1\n", Syntax, 1, 3, "__name__"),
        ("{\"utf.8\"} 1\n", Syntax, 1, 1, "a metric's name"),
        ("a{b=\"1\",b=\"2\"} 1\n", Duplicate, 1, 9, "twice"),
        ("a 1x\n", Syntax, 1, 3, "not a value"),
        ("a 0x1p3\n", Syntax, 1, 3, "not a value"),
        ("a 1e999\n", Syntax, 1, 3, "not a value"),
        ("a 1 2.5\n", Syntax, 1, 5, "not a timestamp"),
        ("a 1 2 3\n", Syntax, 1, 7, "end of the line"),
        ("a 1\r\n", Syntax, 1, 3, "not a value"),
        ("a 1\na 2\n", Duplicate, 2, 1, "second sample of \"a\""),
        (
            "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n",
            Duplicate,
            2,
            1,
            "second sample",
        ),
        ("a{x=\"\"} 1\na 1\n", Duplicate, 2, 1, "second sample"),
        ("a 1\nb 1\na{x=\"1\"} 1\n", Order, 3, 1, "stand together"),
        (
            "# TYPE a gauge\n# TYPE b gauge\na 1\n",
            Order,
            3,
            1,
            "stand together",
        ),
        ("a 1\n# TYPE a counter\n", Order, 2, 8, "before its samples"),
        ("a 1\n# HELP a text\n", Order, 2, 8, "before its samples"),
        (
            "a 1\nb 1\n# TYPE a counter\n",
            Order,
            3,
            8,
            "stand together",
        ),
        (
            "# TYPE a gauge\n# TYPE a gauge\n",
            Duplicate,
            2,
            1,
            "second TYPE",
        ),
        ("# HELP a x\n# HELP a y\n", Duplicate, 2, 1, "second HELP"),
        ("# TYPE a number\n", Syntax, 1, 10, "not a type"),
        ("# TYPE a\n", Syntax, 1, 9, "not a type"),
        ("# TYPE 1 gauge\n", Syntax, 1, 8, "not a metric's name"),
        ("# HELP a bad \\x\n", Syntax, 1, 14, "escapes"),
        ("# TYPE a gauge", Truncated, 1, 15, "line feed"),
        ("# TYPE a counter\na -1\n", Value, 2, 1, "negative"),
        ("# TYPE a histogram\na 1\n", Syntax, 2, 1, "bare name"),
        (
            "# TYPE a histogram\na_bucket 1\n",
            Syntax,
            2,
            1,
            "label `le`",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"x\"} 1\n",
            Value,
            2,
            14,
            "not a number",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1\n",
            Value,
            2,
            1,
            "+Inf",
        ),
        (
            "# TYPE a histogram\na_sum 1\na_count 1\n",
            Value,
            2,
            1,
            "+Inf",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
            Value,
            2,
            1,
            "no `_count`",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
            Value,
            2,
            1,
            "no `_sum`",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
            Value,
            2,
            1,
            "counts 2 in all and 1",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 3\na_bucket{le=\"+Inf\"} 2\n",
            Value,
            3,
            1,
            "2 cannot follow 3",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} NaN\n",
            Value,
            2,
            1,
            "not negative",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"10\"} 1\na_bucket{le=\"2.5\"} 1\n",
            Order,
            3,
            1,
            "2.5 follows 10",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"+Inf\"} 1\n",
            Duplicate,
            3,
            1,
            "second sample",
        ),
        ("# TYPE a summary\na 1\n", Syntax, 2, 1, "label `quantile`"),
        (
            "# TYPE a summary\na{quantile=\"2\"} 1\n",
            Value,
            2,
            1,
            "between 0 and 1",
        ),
        (
            "# TYPE a summary\na{quantile=\"0.9\"} 1\na{quantile=\"0.5\"} 1\n",
            Order,
            3,
            1,
            "must grow",
        ),
        (
            "# TYPE a summary\na_count -1\n",
            Value,
            2,
            1,
            "not negative",
        ),
        (
            "# TYPE a summary\na_count 1\n# TYPE a_count counter\n",
            Order,
            3,
            8,
            "stand together",
        ),
        (
            "<!DOCTYPE html>\n",
            Syntax,
            1,
            1,
            "'<' stands where a metric's name",
        ),
        (
            "{\"status\":\"success\"}\n",
            Syntax,
            1,
            1,
            "a metric's name",
        ),
        ("é 1\n", Syntax, 1, 1, "'é' stands"),
        ("a{b=\"é\"} x\n", Syntax, 1, 10, "not a value"),
        ("a{b=\"\u{1b}[31m\"} \u{1b}\n", Syntax, 1, 14, "\\u{1b}"),
    ];
    for (text, fault, line, column, says) in cases {
        let error = invalid(text);
        let seen = (error.fault, error.line, error.column);
        assert_eq!(seen, (*fault, *line, *column), "{text:?}: {error}");
        assert!(error.message.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn bytes_that_are_no_text_are_found_where_they_are() {
    let error = parse(b"a 1\nb{c=\"\xff\"} 1\n", &Limits::default()).unwrap_err();
    assert_eq!((error.line, error.column), (2, 6));
}

#[test]
fn what_the_format_allows_is_valid() {
    for text in [
        "",
        "\n\n",
        "# just a comment\n#another\n#\n",
        "a{} 1\n",
        "a { b = \"c\" , d = \"e\" , } 1\n",
        "\ta\t1\t5\t\n",
        "a:b:c 1\n",
        "a nan\nb -inf\nc +Inf\nd 1.5E-3\ne .5\nf 5.\n",
        "a{b=\"{,}=#\"} 1\n",
        "#  TYPE  a  counter \na 0\n",
        "# HELP a\na 1\n",
        "# HELP a two\\nlines \\\\ done\na 1\n",
        "# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\nb 1\n",
        "# TYPE a counter\na NaN\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\na_sum 0\na_count 0\n# TYPE a_created gauge\na_created 1\n",
        "# TYPE a histogram\na_bucket{x=\"1\",le=\"1\"} 1\na_bucket{x=\"2\",le=\"1\"} 1\n\
         a_bucket{le=\"+Inf\",x=\"1\"} 2\na_bucket{le=\"+Inf\",x=\"2\"} 2\n\
         a_sum{x=\"1\"} 2\na_sum{x=\"2\"} 2\na_count{x=\"1\"} 2\na_count{x=\"2\"} 2\n",
        "# TYPE a summary\na_sum 1\na_count 1\n",
        "a{quantile=\"x\",le=\"y\"} 1\n",
    ] {
        valid(text);
    }
}

#[test]
fn each_fault_of_an_openmetrics_text_is_found() {
    use Fault::{Duplicate, Limit, Order, Syntax, Value};
    for (text, fault, says) in [
        ("a  1\n", Syntax, "exactly one space"),
        ("a 1 \n", Syntax, "a timestamp was due"),
        ("\na 1\n", Syntax, "a metric's name"),
        ("# a comment\n", Syntax, "not a line of OpenMetrics"),
        ("# TYPE a untyped\n", Syntax, "not a type"),
        ("# TYPE a counter\na 1\n", Syntax, "bare name"),
        ("# TYPE a counter\na_total -1\n", Value, "negative"),
        ("# TYPE a counter\na_total NaN\n", Value, "NaN"),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n",
            Value,
            "whole number",
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\n",
            Value,
            "a sum and no count",
        ),
        ("# TYPE a info\na_info{v=\"1\"} 2\n", Value, "always 1"),
        ("# TYPE a stateset\na{a=\"x\"} 2\n", Value, "0 or 1"),
        ("# UNIT a seconds\n", Value, "end with its unit"),
        ("a{b=\"c\",} 1\n", Syntax, "a label's name"),
        ("a 1\na 1\n", Duplicate, "second sample"),
        ("a 1 2\na 1 2\n", Duplicate, "second sample"),
        ("a 1 3\na 1 2\n", Duplicate, "second sample"),
        ("a 1 # {b=\"c\"} 1\n", Syntax, "only buckets and counters"),
        (
            "# TYPE a counter\na_total 1 # {b=\"c\"}\n",
            Syntax,
            "exemplar's value",
        ),
        (
            "# TYPE a counter\na_total 1 # b 1\n",
            Syntax,
            "exemplar's labels",
        ),
        (
            "# TYPE a summary\na{x=\"1\",quantile=\"0.5\"} 1\na{x=\"2\",quantile=\"0.5\"} 1\na_sum{x=\"1\"} 1\n",
            Order,
            "stand together",
        ),
    ] {
        let text = format!("{text}# EOF\n");
        let error = invalid(&text);
        assert_eq!(error.fault, fault, "{text:?}: {error}");
        assert!(error.message.contains(says), "{text:?}: {error}");
    }
    let long = format!(
        "# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n",
        "x".repeat(128)
    );
    assert_eq!(invalid(&long).fault, Limit);
    let after = parse_as(
        b"a 1\n# EOF\nb 1\n# EOF\n",
        Format::OpenMetrics,
        &Limits::default(),
    );
    assert_eq!(after.unwrap_err().fault, Order);
}

#[test]
fn an_openmetrics_text_is_read() {
    let text = "\
# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32
acme_http_router_request_seconds_count{path=\"/api/v1\",method=\"GET\"} 807283.0
acme_http_router_request_seconds_created{path=\"/api/v1\",method=\"GET\"} 1605281325.0
# TYPE go_goroutines gauge
go_goroutines 69 1520879607.789
# TYPE hits counter
hits_total 5 1 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879607.789
hits_total 6 2
hits_created 1520430000.123
# TYPE foo histogram
foo_bucket{le=\"0.01\"} 0
foo_bucket{le=\"1\"} 11 # {trace_id=\"KOO5S4vxi0o\"} 0.67
foo_bucket{le=\"+Inf\"} 17
foo_count 17
foo_sum 324789.3
foo_created 1520430000.123
# TYPE build info
build_info{version=\"1\\.2\"} 1
# TYPE mode stateset
mode{mode=\"a\"} 1
mode{mode=\"b\"} 0
# TYPE queue gaugehistogram
queue_bucket{le=\"+Inf\"} 4
queue_gcount 4
queue_gsum 7
unnamed NaN
# EOF";
    let exposition = valid(text);
    assert_eq!(exposition.format(), Format::OpenMetrics);
    assert_eq!(exposition.families().len(), 8);
    let first = exposition.families().next().unwrap();
    assert_eq!(first.unit(), "seconds");
    let goroutines = exposition.find("go_goroutines", &[]).next().unwrap();
    assert_eq!(goroutines.timestamp_ms(), Some(1_520_879_607_789));
    let build = exposition.find("build_info", &[]).next().unwrap();
    assert_eq!(build.label("version"), "1\\.2");
    assert_eq!(exposition.find("hits_total", &[]).count(), 2);
}
