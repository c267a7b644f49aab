#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the files that are looked at"
)]

use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::bench::look_in;
use gonogo_core::record::Cause;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name, ".json"))
    };
}

/// The value of the variable and output that are declared sensitive.
const PASSWORD: &str = "q7Xz2mKp9vRt4wLs";

async fn observe_in(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    look_in(folder, &super::Terraform, options, Duration::from_secs(50)).await
}

async fn look(text: &str, more: Json) -> Result<Seen, NotObserved> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), text).unwrap();
    let mut options = json!({"terraform": "plan.json"});
    options
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    observe_in(folder.path(), options).await
}

async fn seen(text: &str) -> Seen {
    look(text, json!({})).await.unwrap()
}

fn texts(seen: &Seen, fact: &str) -> Vec<String> {
    let Some(Value::List(items)) = seen.facts.get(fact) else {
        panic!("{fact} is no list")
    };
    items
        .iter()
        .map(|i| i.as_str().unwrap().to_owned())
        .collect()
}

fn is_cut(seen: &Seen, fact: &str) -> bool {
    seen.cut.iter().any(|c| c.fact == fact)
}

#[tokio::test]
async fn a_plan_that_creates_names_all_that_it_creates() {
    let seen = seen(recorded!("create")).await;
    let due = [
        "terraform_data.queue",
        "terraform_data.worker[0]",
        "terraform_data.worker[1]",
        "module.web.terraform_data.server[0]",
        "module.web.terraform_data.server[1]",
    ];
    assert_eq!(texts(&seen, "created"), due);
    for none in [
        "changed",
        "replaced",
        "destroyed",
        "destroyed_unnamed",
        "moved",
        "imported",
        "unset",
        "problems",
    ] {
        assert!(texts(&seen, none).is_empty(), "{none}");
    }
    assert_eq!(
        (&seen.facts["kind"], &seen.facts["errored"]),
        (&"plan".into(), &false.into())
    );
    assert!(seen.cut.is_empty() && seen.absent.is_empty());
}

#[tokio::test]
async fn each_kind_of_change_is_told_apart() {
    let changed = seen(recorded!("change")).await;
    assert_eq!(texts(&changed, "changed"), ["terraform_data.queue"]);
    let Value::List(resources) = &changed.facts["resources"] else {
        panic!()
    };
    assert_eq!(
        resources[0].get("attributes"),
        Some(&Value::List(vec!["input".into(), "output".into()]))
    );
    let replaced = seen(recorded!("replace")).await;
    assert_eq!(
        texts(&replaced, "replaced"),
        ["terraform_data.worker[0]", "terraform_data.worker[1]"]
    );
    assert_eq!(texts(&replaced, "destroyed_unnamed").len(), 2);
    let moved = seen(recorded!("moved")).await;
    assert_eq!(
        texts(&moved, "moved"),
        ["terraform_data.queue -> terraform_data.jobs"]
    );
    let removed = seen(recorded!("removed")).await;
    assert_eq!(texts(&removed, "destroyed"), ["terraform_data.queue"]);
    let forgotten = seen(recorded!("forgotten")).await;
    assert_eq!(texts(&forgotten, "forgotten"), ["terraform_data.queue"]);
    assert!(texts(&forgotten, "destroyed").is_empty());
    let imported = seen(recorded!("imported")).await;
    assert_eq!(texts(&imported, "imported"), ["terraform_data.found"]);
    let nothing = seen(recorded!("nothing")).await;
    assert_eq!(
        (&nothing.facts["unchanged"], &nothing.facts["applyable"]),
        (&5i64.into(), &false.into())
    );
    assert_eq!(
        texts(&seen(recorded!("destroy")).await, "destroyed").len(),
        5
    );
}

#[tokio::test]
async fn what_may_be_destroyed_is_named() {
    let allowed = json!({"allow_destroy": ["terraform_data.worker[*]"]});
    let seen = look(recorded!("replace"), allowed).await.unwrap();
    assert!(texts(&seen, "destroyed_unnamed").is_empty());
    let allowed = json!({"allow_destroy": ["terraform_data.*"]});
    let seen = look(recorded!("destroy"), allowed).await.unwrap();
    let due = [
        "module.web.terraform_data.server[0]",
        "module.web.terraform_data.server[1]",
    ];
    assert_eq!(texts(&seen, "destroyed_unnamed"), due);
}

#[tokio::test]
async fn variables_of_each_module_say_whether_they_have_a_default_and_a_value() {
    let seen = seen(recorded!("create")).await;
    let Value::List(variables) = &seen.facts["variables"] else {
        panic!()
    };
    let of = |module: &str, name: &str| {
        let found = variables.iter().find(|v| {
            v.get("module") == Some(&module.into()) && v.get("name") == Some(&name.into())
        });
        let found = found.unwrap();
        (
            found.get("has_default") == Some(&true.into()),
            found.get("is_set") == Some(&true.into()),
        )
    };
    assert_eq!(of("", "release"), (false, true));
    // `null` is a default.
    assert_eq!(of("", "note"), (true, true));
    assert_eq!(of("module.web", "size"), (false, true));
    assert_eq!(of("module.web", "colour"), (true, false));
    assert_eq!(texts(&seen, "required"), ["release", "module.web.size"]);
    let text = recorded!("create").replace(
        "\"size\": {\n                            \"constant_value\": 2\n                        }",
        "\"other\": {}",
    );
    let seen = self::seen(&text).await;
    assert_eq!(texts(&seen, "unset"), ["module.web.size"]);
}

#[tokio::test]
async fn nothing_sensitive_is_recorded() {
    for text in [recorded!("create"), recorded!("state"), recorded!("change")] {
        assert!(text.contains(PASSWORD));
        let seen = seen(text).await;
        let outputs = &seen.facts["outputs"];
        assert_eq!(
            outputs.get("address").unwrap().get("value"),
            Some(&"https://shop.example".into())
        );
        assert_eq!(outputs.get("password").unwrap().get("value"), None);
        assert!(!format!("{seen:?}").contains(PASSWORD));
    }
    // An output that does not say whether it is sensitive is taken to be.
    let bare =
        r#"{"format_version": "1.0", "values": {"outputs": {"a": {"value": "q7Xz2mKp9vRt4wLs"}}}}"#;
    assert!(!format!("{:?}", seen(bare).await).contains(PASSWORD));
}

#[tokio::test]
async fn a_plan_that_ended_in_an_error_makes_no_claim() {
    let seen = seen(recorded!("errored")).await;
    assert_eq!(
        (&seen.facts["errored"], &seen.facts["complete"]),
        (&true.into(), &false.into())
    );
    assert!(
        ["destroyed", "created", "drift", "unset"]
            .iter()
            .all(|f| is_cut(&seen, f))
    );
    assert_eq!(seen.absent[0].fact, "problems");
    assert_eq!(
        texts(&seen, "failed_checks"),
        ["check.region", "terraform_data.guarded"]
    );
}

#[tokio::test]
async fn check_blocks_say_how_they_ended() {
    let seen = seen(recorded!("checked")).await;
    assert!(seen.cut.is_empty());
    assert_eq!(texts(&seen, "failed_checks"), ["check.region"]);
}

#[tokio::test]
async fn a_document_without_a_resource_proves_nothing() {
    for text in [
        recorded!("no-resources"),
        recorded!("bare"),
        recorded!("empty-state"),
    ] {
        let seen = seen(text).await;
        assert_eq!(seen.absent[0].fact, "resources", "{text}");
    }
}

#[tokio::test]
async fn a_state_has_resources_and_no_plan() {
    let seen = seen(recorded!("state")).await;
    assert_eq!(seen.facts["kind"], "state".into());
    assert!(!seen.facts.contains_key("destroyed") && !seen.facts.contains_key("variables"));
    let Value::List(resources) = &seen.facts["resources"] else {
        panic!()
    };
    assert_eq!(resources.len(), 5);
    assert_eq!(resources[4].get("module"), Some(&"module.web".into()));
}

#[tokio::test]
async fn drift_and_a_deposed_object_written_after_the_documented_format_are_told() {
    let change = |actions: &str, more: &str| {
        format!(
            r#"{{"address": "aws_instance.a", "mode": "managed", "type": "aws_instance", "name": "a", {more}
            "change": {{"actions": {actions}, "before": {{"ami": "1", "tags": {{}}}}, "after": {{"ami": "2", "tags": {{}}}}, "after_unknown": {{"id": true, "tags": {{}}}}}}}}"#
        )
    };
    let plan = |changes: &str| {
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{changes}], "resource_drift": [{}], "configuration": {{}}}}"#,
            change("[\"update\"]", "")
        )
    };
    let told = seen(&plan(&change("[\"delete\"]", "\"deposed\": \"00000001\","))).await;
    assert_eq!(
        texts(&told, "destroyed"),
        ["aws_instance.a (deposed 00000001)"]
    );
    let Value::List(drift) = &told.facts["drift"] else {
        panic!()
    };
    assert_eq!(
        drift[0].get("attributes"),
        Some(&Value::List(vec!["ami".into(), "id".into()]))
    );
    // A word of a later Terraform: what it does to the resource is not known.
    let later = seen(&plan(&change("[\"evaporate\"]", ""))).await;
    assert!(is_cut(&later, "destroyed"));
}

#[tokio::test]
async fn what_is_no_such_document_is_no_observation() {
    let create = recorded!("create");
    let later = create.replace("\"format_version\": \"1.2\"", "\"format_version\": \"2.0\"");
    let twice = create.replacen('{', "{\"resource_changes\": [],", 1);
    for (text, cause) in [
        ("", Cause::Truncated),
        ("{}", Cause::Protocol),
        ("[]", Cause::Protocol),
        ("<html>", Cause::Protocol),
        (&create[..create.len() / 2], Cause::Truncated),
        (later.as_str(), Cause::Protocol),
        (twice.as_str(), Cause::Protocol),
        ("PK\u{3}\u{4}", Cause::Protocol),
    ] {
        let gap = look(text, json!({})).await.unwrap_err();
        assert_eq!(gap.cause, cause, "{}", gap.message);
        assert!(gap.help.is_some());
    }
    let folder = tempfile::tempdir().unwrap();
    let gap = observe_in(folder.path(), json!({"terraform": "plan.json"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
    let gap = observe_in(folder.path(), json!({"terraform": "../plan.json"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Forbidden);
}

#[tokio::test]
async fn a_plan_that_is_old_or_from_the_future_makes_no_claim() {
    let seen = look(recorded!("create"), json!({"fresh_for": "1ms"}))
        .await
        .unwrap();
    assert!(is_cut(&seen, "destroyed"));
    let future = recorded!("create").replace("\"timestamp\": \"20", "\"timestamp\": \"90");
    let seen = self::seen(&future).await;
    assert!(is_cut(&seen, "destroyed") && !seen.facts.contains_key("age"));
    // A state has no time: how old it is cannot be told.
    let seen = look(recorded!("state"), json!({"fresh_for": "1d"}))
        .await
        .unwrap();
    assert!(is_cut(&seen, "resources"));
}

#[test]
fn only_asking_terraform_itself_needs_the_power_to_execute() {
    let power = |terraform: Json| Terraform.power(&json!({"terraform": terraform}), false, false);
    assert_eq!(power(json!("plan.json")), None);
    assert_eq!(power(json!({"run": "plan"})), Some(Power::Exec));
    assert_eq!(Terraform.lint(&json!({"terraform": "/plan.json"})).len(), 1);
    assert_eq!(
        Terraform
            .lint(&json!({"terraform": {"run": "plan", "cwd": "../x"}}))
            .len(),
        1
    );
}

proptest! {
    #[test]
    fn no_document_makes_the_reader_panic(text in "\\PC{0,200}", at in 0usize..6000, byte in 0u8..128) {
        let _ = document::read(&text).is_ok();
        let mut bytes = recorded!("replace").as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(document) = String::from_utf8(bytes).map_err(|_| ()).and_then(|t| document::read(&t).map_err(|_| ())) {
            let _ = plan::find(&document).resources.len();
        }
    }
}
