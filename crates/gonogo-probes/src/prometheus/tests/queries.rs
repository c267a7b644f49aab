//! Queries, answered by a script.

use super::scripted::{matrix, scalar, vector};
use super::*;

const NOW: f64 = 1_700_000_000.0;

fn query(promql: &str) -> Json {
    json!({"prometheus": format!("query {promql}")})
}

fn up(value: &str) -> String {
    vector(&format!(
        r#"{{"metric":{{"__name__":"up","job":"api"}},"value":[{NOW},"{value}"]}}"#
    ))
}

fn its_time(at: f64) -> (&'static str, String) {
    let sample = format!(r#"{{"metric":{{"job":"api"}},"value":[{NOW},"{at}"]}}"#);
    ("query=timestamp", vector(&sample))
}

#[tokio::test]
async fn a_plain_selector_knows_the_age_of_its_samples() {
    let server = Scripted::answering(&[its_time(NOW - 90.5), ("query=up", up("1"))]).await;
    let seen = observe(&server, query("up")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(1.0));
    let sample = &items(&seen, "samples")[0];
    assert_eq!(sample.get("name"), Some(&"up".into()));
    assert_eq!(sample.get("age"), Some(&Value::Duration(90_500_000_000)));
    // Both questions are of one instant.
    let asked = server.asked();
    assert!(asked[1].contains("time=1700000000.000"), "{asked:?}");
}

#[tokio::test]
async fn a_stale_sample_counts_as_absent() {
    let server = Scripted::answering(&[its_time(NOW - 90.5), ("query=up", up("1"))]).await;
    let mut options = query("up");
    options["max_age"] = json!("1m");
    let seen = observe(&server, options.clone()).await.unwrap();
    let (facts, why) = absent(&seen);
    assert_eq!(facts, ["samples", "value"]);
    assert!(why.contains("up{job=\"api\"} is 1 min 30 s old"), "{why}");
    assert!(!seen.facts.contains_key("value"));
    options["max_age"] = json!("2m");
    let seen = observe(&server, options).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(1.0));
}

#[tokio::test]
async fn a_sample_whose_age_is_not_told_is_not_fresh() {
    let server =
        Scripted::answering(&[("query=timestamp", vector("")), ("query=up", up("1"))]).await;
    let mut options = query("up");
    options["max_age"] = json!("1m");
    let seen = observe(&server, options).await.unwrap();
    assert_eq!(absent(&seen).0, ["samples", "value"]);
}

#[tokio::test]
async fn a_computed_value_has_no_age_and_no_name() {
    let computed = vector(&format!(r#"{{"metric":{{}},"value":[{NOW},"0.25"]}}"#));
    let server = Scripted::answering(&[("query=sum", computed)]).await;
    let seen = observe(&server, query("sum(rate(x[5m]))")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(0.25));
    let sample = &items(&seen, "samples")[0];
    assert_eq!(
        (sample.get("age"), sample.get("name")),
        (None, Some(&"".into()))
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_empty_vector_is_absent_with_the_name_that_was_meant() {
    let names = r#"{"status":"success","data":["snapshot_create_total","up"]}"#.to_owned();
    let server = Scripted::answering(&[("__name__/values", names)]).await;
    for (promql, says) in [
        (
            "snapshot_created_total",
            "there is `snapshot_create_total`: was that meant?",
        ),
        (
            "up{job=\"x\"}",
            "there is `up`, but with other labels, or it has ended",
        ),
        ("sum(x)", "Prometheus has nothing for `sum(x)`"),
    ] {
        let seen = observe(&server, query(promql)).await.unwrap();
        let (facts, why) = absent(&seen);
        assert_eq!(facts, ["samples"]);
        assert!(why.contains(says), "{why}");
        assert!(!seen.facts.contains_key("value"));
    }
}

#[tokio::test]
async fn special_values_stay_what_they_are() {
    for (text, is) in [
        ("NaN", f64::is_nan as fn(f64) -> bool),
        ("+Inf", |v| v == f64::INFINITY),
        ("-Inf", |v| v == f64::NEG_INFINITY),
        ("1.5e+06", |v| (v - 1.5e6).abs() < 1e-9),
    ] {
        let server = Scripted::answering(&[its_time(NOW), ("query=up", up(text))]).await;
        let seen = observe(&server, query("up")).await.unwrap();
        assert!(double(&seen, "value").is_some_and(is), "{text}");
    }
    let server = Scripted::answering(&[("query=time", scalar(NOW, "7"))]).await;
    let seen = observe(&server, query("time()")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(7.0));
}

#[tokio::test]
async fn what_the_server_warns_of_is_kept() {
    let body = r#"{"status":"success","warnings":["partial response"],"data":{"resultType":"vector","result":[]}}"#;
    let server = Scripted::answering(&[("query=sum", body.to_owned())]).await;
    let seen = observe(&server, query("sum(x)")).await.unwrap();
    assert_eq!(items(&seen, "warnings"), ["partial response".into()]);
}

#[tokio::test]
async fn a_bound_value_is_quoted_into_the_query() {
    let server = Scripted::answering(&[]).await;
    let mut options = query("sum(up{job=$job})");
    options["bind"] = json!({"job": "a\"} or vector(1) #"});
    observe(&server, options).await.unwrap();
    let sent = crate::http::percent_encode(r#"sum(up{job="a\"} or vector(1) #"})"#);
    assert!(server.asked()[0].contains(&sent), "{:?}", server.asked());
}

fn range(series: &str) -> [(&'static str, String); 2] {
    [
        ("query=time", scalar(NOW, &NOW.to_string())),
        ("/api/v1/query_range", matrix(series)),
    ]
}

fn over_a_minute() -> Json {
    json!({"prometheus": "range hits_total", "last": "1m", "step": "15s"})
}

fn number(series: &Value, fact: &str) -> f64 {
    match series.get(fact) {
        Some(Value::Double(value)) => *value,
        other => panic!("{fact}: {other:?}"),
    }
}

#[tokio::test]
async fn an_increase_counts_restarts_in() {
    let points: Vec<String> = [10.0, 14.0, 3.0, 5.0]
        .iter()
        .zip([60.0, 45.0, 30.0, 15.0])
        .map(|(value, before)| format!("[{},\"{value}\"]", NOW - before))
        .collect();
    let series = format!(
        r#"{{"metric":{{"__name__":"hits_total","job":"a"}},"values":[{}]}}"#,
        points.join(",")
    );
    let server = Scripted::answering(&range(&series)).await;
    let seen = observe(&server, over_a_minute()).await.unwrap();
    assert_eq!(double(&seen, "increase"), Some(9.0));
    let one = &items(&seen, "series")[0];
    assert_eq!(one.get("min"), Some(&Value::Double(3.0)));
    assert_eq!(one.get("max"), Some(&Value::Double(14.0)));
    assert_eq!(one.get("last"), Some(&Value::Double(5.0)));
    assert_eq!(one.get("resets"), Some(&Value::Int(1)));
    assert_eq!(one.get("missing"), Some(&Value::Int(1)));
    assert_eq!(one.get("age"), Some(&Value::Duration(15_000_000_000)));
    let asked = server.asked();
    for part in ["start=1699999940.000", "end=1700000000.000", "step=15.000"] {
        assert!(asked[1].contains(part), "{asked:?}");
    }
    // By `max_age` its end is too far back.
    let mut options = over_a_minute();
    options["max_age"] = json!("10s");
    let seen = observe(&server, options).await.unwrap();
    assert_eq!(absent(&seen).0, ["series", "increase"]);
    assert!(!seen.facts.contains_key("increase"));
    assert_eq!(items(&seen, "stale").len(), 1);
}

#[tokio::test]
async fn nan_in_a_range_is_not_passed_over() {
    let series = format!(
        r#"{{"metric":{{}},"values":[[{},"1"],[{},"NaN"],[{NOW},"2"]]}}"#,
        NOW - 30.0,
        NOW - 15.0
    );
    let server = Scripted::answering(&range(&series)).await;
    let seen = observe(&server, over_a_minute()).await.unwrap();
    let one = &items(&seen, "series")[0];
    for fact in ["min", "max", "increase"] {
        assert!(number(one, fact).is_nan(), "{fact}");
    }
    assert_eq!(one.get("last"), Some(&Value::Double(2.0)));
}

#[tokio::test]
async fn a_range_without_a_series_is_absent() {
    let server = Scripted::answering(&range("")).await;
    let seen = observe(&server, over_a_minute()).await.unwrap();
    let (facts, why) = absent(&seen);
    assert_eq!(facts, ["series"]);
    assert!(
        why.contains("nothing for `hits_total`") && why.ends_with("within the last 1m"),
        "{why}"
    );
    assert!(items(&seen, "series").is_empty());
}

#[tokio::test]
async fn points_out_of_order_are_not_taken() {
    let series = format!(r#"{{"metric":{{}},"values":[[{NOW},"1"],[{NOW},"2"]]}}"#);
    let server = Scripted::answering(&range(&series)).await;
    let error = observe(&server, over_a_minute()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Protocol);
}
