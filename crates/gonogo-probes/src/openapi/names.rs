//! Whether a refusal names a field: in a place (`["body", "items"]`, `/items`, `body.items`), as a key of its errors,
//! or in a sentence.

use serde_json::Value as Json;

/// Words that a refusal uses anyway, so that one in a sentence names no field: RFC 9457's members, and those of common
/// frameworks.
const COMMON: [&str; 34] = [
    "type",
    "title",
    "status",
    "detail",
    "details",
    "instance",
    "errors",
    "error",
    "message",
    "messages",
    "code",
    "msg",
    "loc",
    "input",
    "ctx",
    "url",
    "path",
    "field",
    "fields",
    "name",
    "value",
    "required",
    "missing",
    "invalid",
    "body",
    "request",
    "property",
    "properties",
    "object",
    "string",
    "is",
    "a",
    "in",
    "of",
];

/// The first of the fields that the answer names.
pub(super) fn named<'f>(body: &[u8], fields: &'f [String]) -> Option<&'f str> {
    let json: Option<Json> = serde_json::from_slice(body).ok();
    let text;
    let value = if let Some(json) = &json {
        json
    } else {
        text = Json::String(String::from_utf8_lossy(body).into_owned());
        &text
    };
    let found = fields.iter().find(|field| names(value, field));
    found.map(String::as_str)
}

fn names(value: &Json, field: &str) -> bool {
    match value {
        Json::String(text) => in_text(text, field),
        Json::Array(items) => items.iter().any(|item| names(item, field)),
        Json::Object(members) => members.iter().any(|(key, value)| {
            let is_key = !COMMON.contains(&key.as_str()) && is_place(key, field);
            is_key || names(value, field)
        }),
        _ => false,
    }
}

/// Whether a text is a place that ends with the field, such as `items`, `body.items`, `/items`, `$.items` or
/// `items[0].id`.
fn is_place(text: &str, field: &str) -> bool {
    if text == field {
        return true;
    }
    let is_one = !text.contains(char::is_whitespace);
    is_one
        && text
            .split(['.', '/', '[', ']', '$', '#'])
            .any(|part| part == field)
}

fn in_text(text: &str, field: &str) -> bool {
    if is_place(text, field) {
        return true;
    }
    let is_common = COMMON.contains(&field.to_ascii_lowercase().as_str());
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(field).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + field.len()..].chars().next();
        let stands_alone = !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word);
        let is_quoted = before.is_some_and(|c| "\"'`‘“«".contains(c))
            && after.is_some_and(|c| "\"'`’”»".contains(c));
        stands_alone && (is_quoted || !is_common)
    })
}
