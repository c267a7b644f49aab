//! S1.5 as the team ran it: sixty rounds prove a P95 and neither a P99 nor an error rate below 1 %.

use crate::rig::{Scripted, folder, run_plan, small_plan};

fn limit<'a>(document: &'a serde_json::Value, text: &str) -> &'a serde_json::Value {
    document["gates"][0]["checks"][0]["limits"]
        .as_array()
        .expect("limits")
        .iter()
        .find(|l| l["text"].as_str().is_some_and(|t| t.starts_with(text)))
        .unwrap_or_else(|| panic!("no limit {text}"))
}

#[test]
fn sixty_rounds_decide_the_p95_and_say_what_the_p99_and_the_error_rate_need() {
    let target = Scripted::json(200, "{}");
    let check = "      - id: stats\n        load: GET /api/snapshots/stats\n        rounds: 60\n        limits: { p95: 150ms, p99: 250ms, errors: 1% }\n";
    let folder = folder();
    let ended = run_plan(folder.path(), &small_plan(&target.url(), check), &[]);
    let document = ended.json();
    assert_eq!(document["verdict"], "HOLD", "{}", ended.stdout);
    let p95 = limit(&document, "p95");
    assert_eq!(p95["outcome"], "pass", "{p95}");
    assert!((p95["judgement"]["confidence_reached"].as_f64().unwrap() - 0.954).abs() < 0.001);
    let p99 = limit(&document, "p99");
    assert_eq!(p99["outcome"], "inconclusive");
    assert_eq!(p99["judgement"]["needs"]["more_requests"], 239);
    let errors = limit(&document, "errors");
    assert_eq!(errors["outcome"], "inconclusive");
    assert_eq!(errors["judgement"]["needs"]["total"], 299);
    let upper = errors["judgement"]["upper"].as_f64().unwrap();
    assert!((upper - 0.0487).abs() < 0.0001, "{upper}");
}

#[test]
fn with_the_number_of_requests_that_was_named_all_three_are_decided() {
    let target = Scripted::json(200, "{}");
    // The same pace of ten a second would take thirty seconds; closer together, independent by declaration.
    let check = "      - id: stats\n        load: GET /api/snapshots/stats\n        rounds: 299\n        pace: 10ms\n        limits: { p95: 150ms, p99: 250ms, errors: 1% }\n";
    let plan = format!(
        "{}statistics: {{ correlation_time: 10ms }}\n",
        small_plan(&target.url(), check)
    );
    let folder = folder();
    let ended = run_plan(folder.path(), &plan, &[]);
    let document = ended.json();
    for text in ["p95", "p99", "errors"] {
        assert_eq!(
            limit(&document, text)["outcome"],
            "pass",
            "{}",
            limit(&document, text)
        );
    }
    assert_eq!(ended.code, 0);
}
