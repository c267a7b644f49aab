use proptest::prelude::*;

use super::*;
use crate::schema::condition::one_expression;

#[test]
fn what_cannot_mean_anything_is_refused_before_anything_runs() {
    let code = |more: Json| {
        let mut options = json!({"schema": ["public"]});
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Schema.lint(&options).first().map(|p| p.code)
    };
    assert_eq!(code(json!({})), None);
    assert_eq!(
        code(json!({"schema": ["a", "a"]})),
        Some("schema-namespaces")
    );
    assert_eq!(code(json!({"schema": []})), Some("schema-namespaces"));
    assert_eq!(code(json!({"relations": ["a.b -> c.d"]})), None);
    assert_eq!(code(json!({"relations": ["a.b"]})), Some("schema-relation"));
    let entry = |more: Json| {
        let mut entry = json!({"table": "t", "columns": ["a"]});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    assert_eq!(
        code(json!({"duplicates": [entry(json!({"where": "a = 'x;y'"}))]})),
        None
    );
    assert_eq!(
        code(json!({"duplicates": [entry(json!({"where": "a; b"}))]})),
        Some("schema-duplicates")
    );
    assert_eq!(
        code(json!({"duplicates": [entry(json!({"where": "a = '${saved.x}'"}))]})),
        Some("sql-template")
    );
    assert_eq!(
        code(json!({"duplicates": [entry(json!({})), entry(json!({}))]})),
        Some("schema-duplicates")
    );
    assert_eq!(
        code(json!({"duplicates": [entry(json!({"columns": []}))]})),
        Some("schema-duplicates")
    );
}

#[test]
fn a_condition_cannot_leave_its_brackets() {
    for fine in [
        "a = 1",
        "status = 'it''s; -- fine'",
        "(a or b) and c in (1, 2)",
        "\"odd ) name\" is null",
        "j #> 'x' is not null",
        "a[1] = 2",
        "exists (select 1 from t)",
    ] {
        assert_eq!(one_expression(fine), Ok(()), "{fine}");
    }
    for not in [
        "",
        "  ",
        "a)",
        "(a",
        "a) or (b",
        "a; b",
        "a -- b",
        "a /* b",
        "a = 'x",
        "a = E'\\'' or b",
        "$1",
        "$$a$$",
        "[)]",
        "a = \"x",
    ] {
        assert!(one_expression(not).is_err(), "{not}");
    }
}

proptest! {
    #[test]
    fn a_text_that_is_let_through_is_balanced_outside_of_its_quotes(text in "[a-z'\"();\\[\\]$/* \\\\-]{0,24}") {
        if one_expression(&text).is_ok() {
            let mut outside = String::new();
            let mut quote = None;
            for c in text.chars() {
                match quote {
                    None if c == '\'' || c == '"' => quote = Some(c),
                    None => outside.push(c),
                    Some(open) if open == c => quote = None,
                    Some(_) => {}
                }
            }
            prop_assert_eq!(quote, None);
            prop_assert!(!outside.contains(';') && !outside.contains("--") && !outside.contains("/*"));
            let mut depth = 0i32;
            for c in outside.chars() {
                depth += match c { '(' => 1, ')' => -1, _ => 0 };
                prop_assert!(depth >= 0);
            }
            prop_assert_eq!(depth, 0);
        }
    }
}
