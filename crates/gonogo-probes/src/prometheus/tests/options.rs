//! What is said of options before anything runs.

use super::*;

fn codes(options: &Json) -> Vec<(&'static str, String)> {
    let problems = Prometheus.lint(options);
    assert!(problems.iter().all(|p| p.help.is_some() && !p.warning));
    problems.into_iter().map(|p| (p.code, p.key)).collect()
}

#[test]
fn what_can_be_asked_has_no_problems() {
    for options in [
        json!({"prometheus": "scrape /metrics"}),
        json!({"prometheus": "scrape /metrics/prom", "select": "a_bucket{le=\"+Inf\"}", "max_age": "2m"}),
        json!({"prometheus": "scrape /metrics", "select": "a{b=$b}", "bind": {"b": "${inputs.b}"}}),
        json!({"prometheus": "query sum by (job) (rate(x{a=~\"b|c)\"}[5m])) > 0"}),
        json!({"prometheus": "query up{job=$job}", "bind": {"job": "api"}, "max_age": "1m"}),
        json!({"prometheus": "range up", "last": "5m", "step": "15s", "max_age": "1m"}),
    ] {
        assert_eq!(codes(&options), [], "{options}");
    }
}

#[test]
fn what_cannot_be_asked_is_named_with_its_key() {
    for (options, code, key) in [
        (json!({"prometheus": "up"}), "prometheus-form", "prometheus"),
        (
            json!({"prometheus": "query"}),
            "prometheus-form",
            "prometheus",
        ),
        (
            json!({"prometheus": "scrape metrics"}),
            "prometheus-form",
            "prometheus",
        ),
        (
            json!({"prometheus": "scrape /a b"}),
            "prometheus-form",
            "prometheus",
        ),
        (
            json!({"prometheus": "scrape /m", "select": "a{b=c}"}),
            "selector",
            "select",
        ),
        (
            json!({"prometheus": "scrape /m", "select": "rate(a[1m])"}),
            "selector",
            "select",
        ),
        (
            json!({"prometheus": "scrape /m", "last": "5m"}),
            "prometheus-options",
            "last",
        ),
        (
            json!({"prometheus": "query up", "select": "up"}),
            "prometheus-options",
            "select",
        ),
        (
            json!({"prometheus": "query up", "step": "5m"}),
            "prometheus-options",
            "step",
        ),
        (
            json!({"prometheus": "query sum(up"}),
            "promql",
            "prometheus",
        ),
        (
            json!({"prometheus": "query up{a=\"b}"}),
            "promql",
            "prometheus",
        ),
        (json!({"prometheus": "query up)"}), "promql", "prometheus"),
        (
            json!({"prometheus": "query sum(up)", "max_age": "1m"}),
            "age-unknown",
            "max_age",
        ),
        (
            json!({"prometheus": "range up"}),
            "prometheus-options",
            "prometheus",
        ),
        (
            json!({"prometheus": "range up", "last": "1d", "step": "1s"}),
            "range-steps",
            "step",
        ),
        (
            json!({"prometheus": "range up", "last": "5s"}),
            "range-steps",
            "step",
        ),
        (
            json!({"prometheus": "query up{a=\"${inputs.a}\"}"}),
            "pasted-value",
            "prometheus",
        ),
        (
            json!({"prometheus": "scrape /m", "select": "a{b=\"${saved.b}\"}"}),
            "pasted-value",
            "select",
        ),
        (json!({"prometheus": "query up{a=$b}"}), "bind", "bind"),
        (
            json!({"prometheus": "query up{a=~$b}", "bind": {"b": "x"}}),
            "bind",
            "bind",
        ),
        (
            json!({"prometheus": "query up", "bind": {"b": "x"}}),
            "bind",
            "bind",
        ),
        (
            json!({"prometheus": "query up{a=\"$b\"}", "bind": {"b": "x"}}),
            "bind",
            "bind",
        ),
        (
            json!({"prometheus": "scrape /m", "bind": {"b": "x"}}),
            "bind",
            "bind",
        ),
    ] {
        assert_eq!(codes(&options), [(code, key.to_owned())], "{options}");
    }
}

#[test]
fn the_shape_names_what_each_deed_observes() {
    let names = |key: &str| -> Vec<String> {
        let shape = Prometheus.shape(&json!({"prometheus": key}));
        shape.fields.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(
        names("scrape /metrics"),
        [
            "samples", "value", "stale", "families", "valid", "count", "latency"
        ]
    );
    assert_eq!(
        names("query up"),
        ["samples", "value", "stale", "warnings", "count", "latency"]
    );
    assert_eq!(
        names("range up"),
        [
            "series", "increase", "stale", "warnings", "count", "latency"
        ]
    );
}

#[test]
fn a_check_is_named_after_what_it_selects() {
    let options = json!({"prometheus": "scrape /metrics", "select": "a_total"});
    assert_eq!(Prometheus.implied_id(&options).as_deref(), Some("a_total"));
    assert_eq!(Prometheus.ask(&options), "scrape /metrics, a_total");
    assert_eq!(Prometheus.power(&options, false, false), None);
}

#[test]
fn a_prometheus_target_reaches_its_host() {
    let host = |address: &str| (TARGET.host)(&json!({"prometheus": address}));
    assert_eq!(
        host("https://p.example/x"),
        Ok(Some("p.example:443".to_owned()))
    );
    assert!(host("p.example").is_err());
}
