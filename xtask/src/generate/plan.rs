//! `docs/reference/plan.md`: every key of the plan language that is no probe's own.

use serde_json::Value as Json;

use super::HEAD;
use super::schema::{resolved, table};

/// The plan's parts, in the order in which a plan is written: title, path in the schema, an introduction.
const PARTS: &[(&str, &str, &str)] = &[
    (
        "An input: `inputs.NAME`",
        "/properties/inputs/additionalProperties",
        "",
    ),
    (
        "The subject: `subject`",
        "/$defs/SubjectCommon",
        "The observation is one of a probe: its key and options stand beside these.",
    ),
    (
        "An environment: `environments.NAME`",
        "/properties/environments/additionalProperties",
        "",
    ),
    (
        "A gate: `gates.NAME`",
        "/properties/gates/additionalProperties",
        "",
    ),
    (
        "A check: `gates.NAME.checks[]`",
        "/$defs/Common",
        "A check has the key of one probe, that probe's options, and any of these.",
    ),
    (
        "Using a template: `uses`",
        "/$defs/Uses",
        "In place of a probe's key.",
    ),
    (
        "Keeping a value: `save.NAME`",
        "/$defs/Common/properties/save/additionalProperties",
        "Or the expression alone.",
    ),
    (
        "Trying again: `retry`",
        "/$defs/Common/properties/retry",
        "",
    ),
    (
        "Limits: `limits`",
        "/$defs/Common/properties/limits",
        "Any other percentile is written the same way: `p99.5`.",
    ),
    (
        "A known limitation: `limitations.NAME`",
        "/properties/limitations/additionalProperties",
        "",
    ),
    (
        "A stated finding: `findings.NAME`",
        "/properties/findings/additionalProperties",
        "",
    ),
    (
        "What is said of a finding: `finding`",
        "/$defs/Common/properties/finding",
        "Beside a check, or beside a gate for all its checks.",
    ),
    (
        "The OWASP Top 10: `owasp`",
        "/properties/owasp",
        "Each takes gates and checks (`[roles, api/no-token]`), or a mapping as below.",
    ),
    (
        "A category with a statement: `owasp.ID`",
        "/$defs/RawOwaspStated",
        "",
    ),
    ("The sign-off: `sign_off`", "/properties/sign_off", ""),
    (
        "An acceptance criterion: `sign_off.criteria[]`",
        "/$defs/RawCriterion",
        "",
    ),
    ("The decision: `decide`", "/properties/decide", ""),
    ("Assumptions: `statistics`", "/properties/statistics", ""),
    ("A file of gates: `include`", "/$defs/Include", ""),
];

pub(super) fn page(schema: &Json, waivers: &Json, approvals: &Json) -> String {
    let mut text = format!(
        "{HEAD}# The plan\n\n\
         Every key but those of the probes, which have pages of their own ([contents](README.md)). The same as \
         [JSON Schema](plan.schema.json), for editors: `gonogo schema` prints it.\n\n"
    );
    part(&mut text, "The plan", schema, schema, "");
    for (title, pointer, introduction) in PARTS {
        // A part that the schema does not have any more would be an empty section: the test of this module sees it.
        let object = schema.pointer(pointer).unwrap_or(&Json::Null);
        part(&mut text, title, schema, object, introduction);
    }
    text.push_str("## Targets: `environments.NAME.targets.NAME`\n\n");
    for target in alternatives(schema, "Target") {
        let key = target["title"].as_str().unwrap_or_default();
        part(&mut text, &format!("# `{key}`"), schema, target, "");
    }
    let one = resolved(waivers, &waivers["properties"]["waivers"]["items"]);
    let introduction =
        "In a file of its own, `waivers.yaml` beside the plan unless the plan names another.";
    part(
        &mut text,
        "A waiver: `waivers[]`",
        waivers,
        one,
        introduction,
    );
    let one = resolved(approvals, &approvals["properties"]["approvals"]["items"]);
    let introduction =
        "In a file of its own beside the plan, which the key `approvals` of `sign_off` names.";
    part(
        &mut text,
        "An approval: `approvals[]`",
        approvals,
        one,
        introduction,
    );
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn alternatives<'a>(schema: &'a Json, slot: &str) -> &'a [Json] {
    schema["$defs"][slot]["oneOf"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

fn part(text: &mut String, title: &str, root: &Json, object: &Json, introduction: &str) {
    let object = resolved(root, object);
    text.push_str(&format!(
        "##{}{title}\n\n",
        if title.starts_with('#') { "" } else { " " }
    ));
    let about = object["description"].as_str().unwrap_or_default().trim();
    for paragraph in [about, introduction] {
        if !paragraph.is_empty() {
            text.push_str(&format!("{paragraph}\n\n"));
        }
    }
    text.push_str(&table(root, object));
    text.push('\n');
}
