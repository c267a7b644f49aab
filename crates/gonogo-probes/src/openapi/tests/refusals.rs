//! Whether a refusal names the field, in the words of frameworks. Written by hand after their documentation.

use proptest::prelude::*;

use super::super::names::named;
use super::*;

fn names(body: &Json, field: &str) -> bool {
    named(body.to_string().as_bytes(), &[field.to_owned()]).is_some()
}

/// What frameworks say of `items` that is missing.
fn refusals() -> Vec<Json> {
    vec![
        // FastAPI, Pydantic 2.
        json!({"detail": [{"type": "missing", "loc": ["body", "items"], "msg": "Field required", "input": {}}]}),
        // RFC 9457, 3.
        json!({"type": "about:blank", "title": "x", "errors": [{"detail": "must be there", "pointer": "#/items"}]}),
        // express-validator.
        json!({"errors": [{"type": "field", "msg": "Invalid value", "path": "items", "location": "body"}]}),
        // Joi.
        json!({"message": "\"items\" is required"}),
        // Django REST framework.
        json!({"items": ["This field is required."]}),
        // Rails.
        json!({"errors": {"items": ["can't be blank"]}}),
        // Spring.
        json!({"status": 400, "error": "Bad Request", "errors": [{"field": "items", "defaultMessage": "must not be null"}]}),
        // Ajv.
        json!([{"instancePath": "", "keyword": "required", "message": "must have required property 'items'"}]),
        // A sentence.
        json!("items is required"),
        json!({"error": "missing field `items` at line 1 column 2"}),
        json!({"error": "body.items: required"}),
        json!({"error": {"path": "$.items[0]"}}),
    ]
}

#[test]
fn a_field_is_found_in_the_words_of_frameworks() {
    for refusal in refusals() {
        assert!(names(&refusal, "items"), "{refusal}");
    }
    assert!(named(b"items is missing", &["items".to_owned()]).is_some());
}

#[test]
fn what_every_refusal_says_anyway_names_no_field() {
    for field in [
        "type", "msg", "detail", "title", "errors", "message", "error", "required", "field",
        "value", "body", "missing", "path",
    ] {
        for vague in [
            json!({"detail": "Field required"}),
            json!({"type": "about:blank", "title": "Bad Request", "status": 422, "detail": "A value is missing in the body"}),
            json!({"errors": [{"msg": "required field missing", "code": 1}], "message": "path error", "path": "/x"}),
        ] {
            assert!(!names(&vague, field), "{field}: {vague}");
        }
    }
    // Such a field is named by its place or in quotes.
    assert!(names(
        &json!({"detail": [{"loc": ["body", "title"]}]}),
        "title"
    ));
    assert!(names(&json!({"message": "\"type\" is required"}), "type"));
    // A part of a word is no word.
    assert!(!names(&json!({"error": "no lineitems"}), "items"));
    assert!(!names(&json!({"error": "items_count is wrong"}), "items"));
    assert!(!names(&json!({}), "items"));
    assert_eq!(named(b"", &["items".to_owned()]), None);
    assert_eq!(named(b"x", &[]), None);
}

proptest! {
    #[test]
    fn a_field_that_is_not_in_the_answer_is_never_named(body in "[ -~]{0,80}") {
        let field = ["zzz_items_zzz".to_owned()];
        prop_assert_eq!(named(body.as_bytes(), &field), None);
    }

    #[test]
    fn no_answer_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..80), field in "\\PC{1,4}") {
        let found = named(&body, std::slice::from_ref(&field)).map(str::to_owned);
        prop_assert!(found.is_none_or(|f| f == field));
    }
}
