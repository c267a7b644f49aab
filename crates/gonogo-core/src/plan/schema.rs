//! The JSON Schema of plans: our types and every probe's, put together. Loading decodes by the same schema, so that an
//! editor and `gonogo lint` never disagree.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value as Json, json};

use super::raw::{RawCheck, RawInclude, RawPlan, RawPolicy, RawSubject, RawUses, RawWaivers};
use super::statements::RawApprovals;
use super::syntax::Registry;

/// Marks an alternative that is chosen by a key: a check's probe, a target's kind.
pub(super) const KEY: &str = "x-gonogo-key";
/// Marks a schema of one thing or a list of such things.
pub(super) const ONE_OR_MANY: &str = "x-gonogo-one-or-many";
/// Marks an object that may be written as one of its values: holds that value's key.
pub(super) const SHORTHAND: &str = "x-gonogo-shorthand";
/// The format of a text that is filled when it runs.
pub(super) const TEMPLATE_FORMAT: &str = "template";

/// The JSON Schema of plans, for editors and for decoding. The same program always gives the same bytes.
pub fn json_schema(registry: &Registry) -> Json {
    let mut root = of::<RawPlan>();
    let mut defs = take_defs(&mut root);
    for (name, mut schema) in [
        ("Include", of::<RawInclude>()),
        ("Common", of::<RawCheck>()),
        ("SubjectCommon", of::<RawSubject>()),
        ("Uses", of::<RawUses>()),
    ] {
        defs.extend(take_defs(&mut schema));
        defs.insert(name.to_owned(), schema);
    }
    let mut parts = Vec::new();
    for probe in registry.probes {
        let schema = hoisted(probe.schema().to_value(), probe.key(), &mut defs);
        parts.push((probe.key(), probe.about(), schema));
    }
    let mut targets = Vec::new();
    for target in registry.targets {
        let prefix = format!("target.{}", target.key);
        let schema = hoisted((target.schema)().to_value(), &prefix, &mut defs);
        targets.push((target.key, schema));
    }
    let common = refs(&defs, "Common");
    let uses = refs(&defs, "Uses");
    let mut with_uses: Vec<Json> = parts
        .iter()
        .map(|(key, about, schema)| alternative(key, about, schema, &common, &[]))
        .collect();
    let mut used = common.clone();
    used.extend(uses.clone());
    with_uses.push(json!({
        "title": "uses",
        KEY: "uses",
        "description": "A template of this plan with its parameters; keys beside it replace the template's own.",
        "type": "object",
        "properties": used,
        "required": ["uses"],
    }));
    let mut templated = common.clone();
    templated.extend(uses.into_iter().filter(|(key, _)| key == "with"));
    let templates = parts
        .iter()
        .map(|(key, about, schema)| alternative(key, about, schema, &templated, &[]));
    let templates: Vec<Json> = templates.collect();
    let subject_common = refs(&defs, "SubjectCommon");
    let subjects = parts
        .iter()
        .map(|(key, about, schema)| alternative(key, about, schema, &subject_common, &["expect"]));
    let subjects: Vec<Json> = subjects.collect();
    let targets: Vec<Json> = targets
        .iter()
        .map(|(key, schema)| {
            let about = schema["description"].as_str().unwrap_or_default();
            alternative(key, about, schema, &Map::new(), &[])
        })
        .collect();
    let slot =
        |what: &str, alternatives: Vec<Json>| json!({"description": what, "oneOf": alternatives});
    defs.insert(
        "Check".to_owned(),
        slot("One observation with its expectations.", with_uses),
    );
    defs.insert(
        "Template".to_owned(),
        slot("A check with parameters: `with.NAME` in it.", templates),
    );
    defs.insert(
        "Subject".to_owned(),
        slot("The observation that names what runs there.", subjects),
    );
    defs.insert(
        "Target".to_owned(),
        slot("One thing that can be observed.", targets),
    );
    finished(root, defs, "gonogo plan")
}

/// The JSON Schema of waiver files.
pub fn waivers_schema() -> Json {
    let mut root = of::<RawWaivers>();
    let defs = take_defs(&mut root);
    finished(root, defs, "gonogo waivers")
}

/// The JSON Schema of approvals files.
pub fn approvals_schema() -> Json {
    let mut root = of::<RawApprovals>();
    let defs = take_defs(&mut root);
    finished(root, defs, "gonogo approvals")
}

/// The JSON Schema of policy files.
pub fn policy_schema() -> Json {
    let mut root = of::<RawPolicy>();
    let defs = take_defs(&mut root);
    finished(root, defs, "gonogo policy")
}

fn finished(mut root: Json, defs: Map<String, Json>, title: &str) -> Json {
    root["$defs"] = Json::Object(defs);
    root["title"] = title.into();
    without_null(&mut root);
    root
}

fn of<T: JsonSchema>() -> Json {
    schema_for!(T).to_value()
}

fn take_defs(schema: &mut Json) -> Map<String, Json> {
    let Json::Object(map) = schema else {
        return Map::new();
    };
    map.remove("$schema");
    match map.remove("$defs") {
        Some(Json::Object(defs)) => defs,
        _ => Map::new(),
    }
}

/// The properties of a definition, each by reference.
fn refs(defs: &Map<String, Json>, name: &str) -> Map<String, Json> {
    let properties = defs.get(name).and_then(|d| d["properties"].as_object());
    properties
        .into_iter()
        .flatten()
        .map(|(key, schema)| {
            let mut by_ref = json!({"$ref": format!("#/$defs/{name}/properties/{key}")});
            // Editors show the description beside the reference, not behind it.
            if let Some(about) = schema.get("description") {
                by_ref["description"] = about.clone();
            }
            (key.clone(), by_ref)
        })
        .collect()
}

/// Moves a part's own definitions to the root under a prefix, and lets its scalars be filled when they run.
fn hoisted(mut schema: Json, prefix: &str, defs: &mut Map<String, Json>) -> Json {
    without_null(&mut schema);
    let own = take_defs(&mut schema);
    rename_refs(&mut schema, prefix);
    templates_allowed(&mut schema, true);
    for (name, mut def) in own {
        rename_refs(&mut def, prefix);
        templates_allowed(&mut def, true);
        defs.insert(format!("{prefix}.{name}"), def);
    }
    schema
}

fn rename_refs(schema: &mut Json, prefix: &str) {
    if let Some(Json::String(target)) = schema.get_mut("$ref")
        && let Some(name) = target.strip_prefix("#/$defs/")
    {
        *target = format!("#/$defs/{prefix}.{name}");
    }
    each_inner(schema, &mut |inner| rename_refs(inner, prefix));
}

/// Lets a `${ … }` stand for every scalar that is not free text already.
fn templates_allowed(schema: &mut Json, is_root: bool) {
    each_inner(schema, &mut |inner| templates_allowed(inner, false));
    let Some(map) = schema.as_object() else {
        return;
    };
    let is = |ty: &str| map.get("type").is_some_and(|t| t == ty);
    let narrow = ["format", "enum", "const", "pattern"]
        .iter()
        .any(|k| map.contains_key(*k));
    let constants = map
        .get("oneOf")
        .and_then(Json::as_array)
        .is_some_and(|of| of.iter().all(|one| one.get("const").is_some()));
    let scalar = is("integer") || is("number") || is("boolean") || (is("string") && narrow);
    let expression = map.get("format").is_some_and(|f| f == "cel");
    if is_root && !constants || expression || !(scalar || constants) {
        return;
    }
    let inner = schema.take();
    let mut outer = Map::new();
    if let Some(about) = inner.get("description") {
        outer.insert("description".to_owned(), about.clone());
    }
    let template = json!({"type": "string", "format": TEMPLATE_FORMAT, "pattern": "\\$\\{"});
    outer.insert("anyOf".to_owned(), json!([inner, template]));
    *schema = Json::Object(outer);
}

/// One alternative of a slot: the part's own keys and those that all have.
fn alternative(
    key: &str,
    about: &str,
    part: &Json,
    common: &Map<String, Json>,
    also_required: &[&str],
) -> Json {
    let mut properties = common.clone();
    if let Some(own) = part["properties"].as_object() {
        properties.extend(own.clone());
    }
    let mut required = vec![json!(key)];
    for name in part["required"].as_array().into_iter().flatten() {
        if name != key {
            required.push(name.clone());
        }
    }
    required.extend(also_required.iter().map(|name| json!(name)));
    json!({
        "title": key,
        "description": about,
        KEY: key,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Calls for each schema directly inside a schema.
fn each_inner(schema: &mut Json, call: &mut dyn FnMut(&mut Json)) {
    let Json::Object(map) = schema else {
        return;
    };
    for (keyword, value) in map {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "$defs", Json::Object(inner)) => {
                inner.values_mut().for_each(&mut *call);
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Json::Array(inner)) => {
                inner.iter_mut().for_each(&mut *call);
            }
            ("items" | "additionalProperties", inner @ Json::Object(_)) => call(inner),
            _ => {}
        }
    }
}

/// Takes `null` out of optional keys: a key that is not meant is left out, so that nothing is ever meant by nothing.
fn without_null(schema: &mut Json) {
    each_inner(schema, &mut |inner| without_null(inner));
    let Json::Object(map) = schema else {
        return;
    };
    if let Some(Json::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(values)) = map.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    if map.get("default").is_some_and(Json::is_null) {
        map.remove("default");
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Json::Array(of)) = map.get_mut(keyword) else {
            continue;
        };
        of.retain(|one| one.get("type").is_none_or(|t| t != "null"));
        if let [Json::Object(only)] = of.as_slice() {
            let only = only.clone();
            map.remove(keyword);
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
}
