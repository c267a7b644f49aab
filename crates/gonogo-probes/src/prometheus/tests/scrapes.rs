//! Scrapes of texts.

use super::*;

const SHOP: &str = "\
# HELP snapshot_create_total Snapshots made.
# TYPE snapshot_create_total counter
snapshot_create_total 3
# TYPE rule_eval_total counter
rule_eval_total{effect=\"allow\"} 5
rule_eval_total{effect=\"block\"} 2
# TYPE latency_seconds histogram
latency_seconds_bucket{le=\"0.1\"} 1
latency_seconds_bucket{le=\"+Inf\"} 4
latency_seconds_sum 1.5
latency_seconds_count 4
# TYPE declared_total counter
ratio NaN
";

fn select(selector: &str) -> Json {
    json!({"prometheus": "scrape /metrics", "select": selector})
}

#[tokio::test]
async fn one_selected_sample_has_a_value() {
    let seen = scraped(SHOP, select("snapshot_create_total"))
        .await
        .unwrap();
    assert_eq!(double(&seen, "value"), Some(3.0));
    assert_eq!(count(&seen), 1);
    assert_eq!(seen.facts["valid"], true.into());
    assert!(matches!(seen.facts["latency"], Value::Duration(ns) if ns > 0));
    assert_eq!(absent(&seen), (vec![], ""));
    let family = seen.facts["families"].get("snapshot_create_total").unwrap();
    assert_eq!(family.get("type"), Some(&"counter".into()));
    assert_eq!(family.get("help"), Some(&"Snapshots made.".into()));
    assert_eq!(family.get("samples"), Some(&Value::Int(1)));
    let bucket = r#"latency_seconds_bucket{le="+Inf"}"#;
    let seen = scraped(SHOP, select(bucket)).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(4.0));
}

#[tokio::test]
async fn several_samples_have_no_one_value() {
    let seen = scraped(SHOP, select("rule_eval_total")).await.unwrap();
    assert!(!seen.facts.contains_key("value"));
    assert_eq!(count(&seen), 2);
    let samples = items(&seen, "samples");
    let first = samples[0].get("labels").and_then(|l| l.get("effect"));
    assert_eq!(first, Some(&"allow".into()));
    assert_eq!(samples[1].get("value"), Some(&Value::Double(2.0)));
}

#[tokio::test]
async fn nan_is_seen_as_nan() {
    let seen = scraped(SHOP, select("ratio")).await.unwrap();
    assert!(double(&seen, "value").is_some_and(f64::is_nan));
}

#[tokio::test]
async fn what_is_not_there_is_absent_and_not_zero() {
    for (selector, says) in [
        (
            "snapshot_created_total",
            "there is `snapshot_create_total`: was that meant?",
        ),
        ("snapshot_created", "there is `snapshot_create_total`"),
        (
            "rule_eval_total{effect=\"deny\"}",
            "there is rule_eval_total{effect=\"allow\"}, rule_eval_total{effect=\"block\"}",
        ),
        (
            "declared_total",
            "the counter `declared_total` is declared and has no samples yet",
        ),
        (
            "latency_seconds",
            "has the samples latency_seconds_bucket, latency_seconds_count, latency_seconds_sum",
        ),
        ("unheard_of", "/metrics has no sample of `unheard_of`"),
    ] {
        let seen = scraped(SHOP, select(selector)).await.unwrap();
        let (facts, why) = absent(&seen);
        assert_eq!(facts, ["samples"], "{selector}");
        assert!(why.contains(says), "{selector}: {why}");
        assert!(!seen.facts.contains_key("value"), "{selector}");
        assert_eq!(count(&seen), 0);
        assert!(items(&seen, "samples").is_empty());
    }
}

#[tokio::test]
async fn an_empty_exposition_exposes_nothing() {
    let seen = scraped("", json!({"prometheus": "scrape /metrics"}))
        .await
        .unwrap();
    assert_eq!(
        absent(&seen),
        (vec!["samples"], "/metrics exposes no sample")
    );
}

#[tokio::test]
async fn the_text_is_kept_as_evidence_and_passes_the_redactor() {
    let seen = scraped(SHOP, select("ratio")).await.unwrap();
    let [blob] = &seen.blobs[..] else {
        panic!("one blob");
    };
    assert_eq!(blob.role, "exposition");
    assert_eq!(blob.bytes, SHOP.as_bytes());
    assert!(blob.redact);
}

#[tokio::test]
async fn an_old_sample_is_stale_and_makes_the_selection_absent() {
    let now_ms = ctx_to("", 0, Duration::ZERO).wall_now().timestamp_millis();
    let text = format!(
        "a{{x=\"old\"}} 1 {}\na{{x=\"new\"}} 1 {now_ms}\nb 1\nfuture 1 {}\n",
        now_ms - 600_000,
        now_ms + 600_000,
    );
    let aged = |selector: &str| json!({"prometheus": "scrape /metrics", "select": selector, "max_age": "2m"});
    let seen = scraped(&text, aged("a")).await.unwrap();
    let (facts, why) = absent(&seen);
    assert_eq!(facts, ["samples", "value"]);
    assert!(
        why.contains("1 of 2 selected samples are not within 2m of now"),
        "{why}"
    );
    assert!(why.contains("a{x=\"old\"} is 10 min"), "{why}");
    assert_eq!(
        (items(&seen, "samples").len(), items(&seen, "stale").len()),
        (1, 1)
    );
    // One fresh sample beside a stale one is not the one value.
    assert!(!seen.facts.contains_key("value"));
    // A time far in the future says nothing of the age.
    let seen = scraped(&text, aged("future")).await.unwrap();
    assert_eq!(absent(&seen).0, ["samples", "value"]);
    // Fresh, and without a time of its own: made for this scrape.
    for selector in ["a{x=\"new\"}", "b"] {
        let seen = scraped(&text, aged(selector)).await.unwrap();
        assert_eq!(double(&seen, "value"), Some(1.0), "{selector}");
        assert!(seen.absent.is_empty());
    }
    // Without `max_age` the age is a fact like others.
    let seen = scraped(&text, select("a{x=\"old\"}")).await.unwrap();
    let age = items(&seen, "samples")[0].get("age").cloned();
    assert!(matches!(age, Some(Value::Duration(ns)) if ns >= 600_000_000_000));
}

#[tokio::test]
async fn a_text_that_is_not_valid_is_no_observation() {
    let text = "# TYPE a counter\na{b=\"c\"} 1\na{b=\"c\"} 2\n";
    let error = scraped(text, select("a")).await.unwrap_err();
    assert_eq!(error.cause, Cause::Protocol);
    assert!(
        error.message.contains("line 3, column 1: a second sample"),
        "{error:?}"
    );
    assert_eq!(error.help.as_deref(), Some(r#"the line is "a{b=\"c\"} 2""#));
}

#[tokio::test]
async fn openmetrics_is_read_too() {
    let body = "# TYPE a counter\na_total 5 # {trace=\"x\"} 1\n# EOF\n";
    for media_type in [
        "application/openmetrics-text; version=1.0.0",
        "application/octet-stream",
    ] {
        let reply = scripted::ok(media_type, body.as_bytes());
        let server = Scripted::start(false, move |_| reply.clone()).await;
        let seen = observe(&server, select("a_total")).await.unwrap();
        assert_eq!(double(&seen, "value"), Some(5.0));
    }
}

#[tokio::test]
async fn more_samples_than_are_kept_are_cut_and_said_so() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for i in 0..2_500 {
        writeln!(text, "a{{i=\"{i}\"}} 1").unwrap();
    }
    let seen = scraped(&text, select("a")).await.unwrap();
    assert_eq!(count(&seen), 2_500);
    assert_eq!(items(&seen, "samples").len(), 2_000);
    assert_eq!(seen.cut.len(), 1);
    assert_eq!(seen.cut[0].fact, "samples");
}

#[tokio::test]
async fn a_bound_value_selects_and_is_never_a_part_of_the_selector() {
    let text = "a{x=\"it\\\"s\"} 1\na{x=\"other\"} 2\n";
    let ask = |value: &str| json!({"prometheus": "scrape /metrics", "select": "a{x=$x}", "bind": {"x": value}});
    let seen = scraped(text, ask("it\"s")).await.unwrap();
    assert_eq!(double(&seen, "value"), Some(1.0));
    let seen = scraped(text, ask("\"} or a{x!=\"")).await.unwrap();
    assert_eq!(absent(&seen).0, ["samples"]);
}
