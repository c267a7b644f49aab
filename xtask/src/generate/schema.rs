//! JSON Schema in words for people.

use serde_json::Value as Json;

use super::cell;

/// The definition that a reference means, or the schema itself.
pub(super) fn resolved<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    let target = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
    target
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// A table of an object's keys, required ones first, else in the order of the alphabet.
pub(super) fn table(root: &Json, object: &Json) -> String {
    let Some(properties) = object["properties"].as_object() else {
        return String::new();
    };
    let required: Vec<&str> = object["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let is_required = |key: &str| required.contains(&key);
    let mut keys: Vec<&String> = properties.keys().collect();
    keys.sort_by_key(|key| (!is_required(key), key.as_str()));
    let mut text = "| key | what it is | meaning |\n|---|---|---|\n".to_owned();
    for key in keys {
        let schema = &properties[key];
        let about = described(root, schema);
        let needed = if is_required(key) {
            ", **required**"
        } else {
            ""
        };
        let row = format!(
            "| `{key}` | {}{needed} | {} |\n",
            cell(&kind(root, schema)),
            cell(&about)
        );
        text.push_str(&row);
    }
    text
}

/// The description of a key, with what each of its few words means.
fn described(root: &Json, schema: &Json) -> String {
    let about = schema["description"].as_str();
    let about = about
        .or_else(|| resolved(root, schema)["description"].as_str())
        .unwrap_or_default();
    let mut text = about.trim().to_owned();
    for (word, meaning) in words(root, schema) {
        if !meaning.is_empty() {
            text.push_str(&format!(" `{word}`: {}", meaning.trim()));
        }
    }
    text
}

/// The constants that a value may be, with their meanings.
fn words(root: &Json, schema: &Json) -> Vec<(String, String)> {
    let schema = resolved(root, schema);
    let mut found = Vec::new();
    for one in alternatives(schema) {
        let one = resolved(root, one);
        if let Some(word) = one["const"].as_str() {
            let meaning = one["description"].as_str().unwrap_or_default();
            found.push((word.to_owned(), meaning.to_owned()));
        } else if one["oneOf"].is_array() {
            found.extend(words(root, one));
        }
    }
    found
}

/// The constants that a key may be: what a probe can be asked, where that is one of a few words.
pub(super) fn constants(root: &Json, schema: &Json) -> Vec<String> {
    let schema = resolved(root, schema);
    if let Some(of) = schema["enum"].as_array() {
        return of
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
    }
    words(root, schema)
        .into_iter()
        .map(|(word, _)| word)
        .collect()
}

fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|k| schema[k].as_array())
        .flatten()
}

/// What a value may be, in a few words.
pub(super) fn kind(root: &Json, schema: &Json) -> String {
    let schema = if schema.get("$ref").is_some() {
        let target = schema["$ref"].as_str().unwrap_or_default();
        // What stands in a section of its own is named, not repeated.
        match target.rsplit('/').next() {
            Some(slot @ ("Check" | "Subject" | "Target" | "Template")) => {
                return format!("a {}", slot.to_lowercase());
            }
            _ => resolved(root, schema),
        }
    } else {
        schema
    };
    let words: Vec<String> = constants(root, schema)
        .iter()
        .map(|w| format!("`{w}`"))
        .collect();
    if !words.is_empty() {
        return words.join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return value
            .as_str()
            .map_or_else(|| format!("`{value}`"), |word| format!("`{word}`"));
    }
    let of: Vec<&Json> = alternatives(schema)
        .filter(|s| s["format"] != "template")
        .collect();
    if !of.is_empty() {
        let mut kinds: Vec<String> = of.iter().map(|s| kind(root, s)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    plain(root, schema)
}

fn plain(root: &Json, schema: &Json) -> String {
    match schema["type"].as_str() {
        Some("string") => match schema["format"].as_str() {
            Some("cel") => "expression".to_owned(),
            Some("positive-duration") => "duration".to_owned(),
            Some("request-line") => "request line".to_owned(),
            Some(format @ ("duration" | "date" | "rate")) => format.to_owned(),
            Some("percent") => "percentage".to_owned(),
            _ => "text".to_owned(),
        },
        Some("integer") => format!("whole number{}", range(schema)),
        Some("number") => format!("number{}", range(schema)),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => match &schema["items"] {
            Json::Object(_) => format!("list of: {}", kind(root, &schema["items"])),
            _ => "list".to_owned(),
        },
        Some("object") => match &schema["additionalProperties"] {
            inner @ Json::Object(_) => format!("by name: {}", kind(root, inner)),
            _ => "mapping".to_owned(),
        },
        _ => "any value".to_owned(),
    }
}

fn range(schema: &Json) -> String {
    match (&schema["minimum"], &schema["maximum"]) {
        (Json::Number(least), Json::Number(most)) => format!(", {least} to {most}"),
        (Json::Number(least), _) => format!(", at least {least}"),
        (_, Json::Number(most)) => format!(", at most {most}"),
        _ => String::new(),
    }
}
