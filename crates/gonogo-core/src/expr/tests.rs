use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::value::Map;

fn scope_of(json: &Json) -> Map {
    match serde_json::from_value::<Value>(json.clone()).unwrap() {
        Value::Map(map) => map,
        other => panic!("a scope is a map, not {other}"),
    }
}

/// What an HTTP observation looks like, cut short.
fn http_shape() -> TypeEnv {
    TypeEnv::new().with_shape(&Type::fields([
        ("status", Field::new(Type::Int, "the status code")),
        (
            "body",
            Field::new(Type::Dyn, "the body, parsed where it is JSON"),
        ),
        ("latency", Field::new(Type::Duration, "until the last byte")),
        ("headers", Field::new(Type::Headers, "")),
        ("rows", Field::new(Type::list(Type::Dyn), "")),
        ("at", Field::new(Type::Timestamp, "")),
        ("error", Field::optional(Type::String, "")),
        (
            "tls",
            Field::new(
                Type::fields([
                    ("version", Field::new(Type::String, "")),
                    ("expires_at", Field::new(Type::Timestamp, "")),
                ]),
                "",
            ),
        ),
        (
            "inputs",
            Field::new(Type::fields([("n", Field::new(Type::String, ""))]), ""),
        ),
    ]))
}

/// Says how a case went, in the words of the cases file.
fn outcome(source: &str, scope: &Scope<'_>) -> (String, String) {
    match parse(source) {
        Err(problems) => ("refused".into(), problems[0].code.to_owned()),
        Ok(expr) => match evaluate(&expr, scope, DEFAULT_BUDGET) {
            Evaluated::Value(value) => ("value".into(), serde_json::to_string(&value).unwrap()),
            Evaluated::Absent { path, .. } => ("absent".into(), path),
            Evaluated::TypeClash { path, .. } => ("clash".into(), path),
            Evaluated::Inconclusive { message } => ("inconclusive".into(), message),
            Evaluated::Error { message } => ("error".into(), message),
        },
    }
}

#[test]
fn the_strict_profile_holds_in_every_case() {
    let sections: Vec<Json> = serde_json::from_str(include_str!("cases/strict.json")).unwrap();
    let types = http_shape();
    let mut wrong = Vec::new();
    for section in &sections {
        let map = scope_of(&section["scope"]);
        let mut scope = Scope::new().with(&map);
        if section["shape"] == true {
            scope = scope.with_types(&types);
        }
        for case in section["cases"].as_array().unwrap() {
            let source = case["expr"].as_str().unwrap();
            let (kind, seen) = outcome(source, &scope);
            let right = match case.get(&kind) {
                None => false,
                Some(wanted) => match kind.as_str() {
                    "error" | "inconclusive" => seen.contains(wanted.as_str().unwrap()),
                    "value" => serde_json::from_str::<Json>(&seen).unwrap() == *wanted,
                    _ => seen == wanted.as_str().unwrap(),
                },
            };
            if !right {
                wrong.push(format!(
                    "{}: {case}\n    saw {kind} {seen}",
                    section["section"]
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn explained(source: &str, scope: &Map) -> Vec<String> {
    let expr = parse(source).unwrap();
    let parts = explain(&expr, &Scope::new().with(scope));
    parts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_failure_is_explained_by_the_parts_that_matter() {
    let scope = scope_of(&serde_json::json!({
        "status": 500,
        "body": {"status": "degraded", "items": [{"id": 1, "ok": true}, {"id": 2, "ok": false}], "none": []},
        "latency": {"$duration": "1.5s"},
        "headers": {"content-type": "text/html"},
        "long": (0..500).collect::<Vec<i32>>(),
    }));
    for (source, parts) in [
        (
            "body.status == 'healthy'",
            vec!["body.status is \"degraded\""],
        ),
        ("status == 200", vec!["status is 500"]),
        ("status == 500", vec![]),
        (
            "status == 500 && body.status == 'healthy'",
            vec!["body.status is \"degraded\""],
        ),
        (
            "status == 200 && body.status == 'healthy'",
            vec!["status is 500", "body.status is \"degraded\""],
        ),
        ("status == 200 || status == 201", vec!["status is 500"]),
        ("status in [200, 201]", vec!["status is 500"]),
        ("!(status == 500)", vec!["status is 500"]),
        ("latency < duration('1s')", vec!["latency is 1.5s"]),
        ("size(body.items) == 3", vec!["size(body.items) is 2"]),
        (
            "body.missing == 1",
            vec!["body.missing is absent; `body` has: items, none, status"],
        ),
        (
            "status == 200 && body.missing == 1",
            vec![
                "status is 500",
                "body.missing is absent; `body` has: items, none, status",
            ],
        ),
        (
            "headers['Content-Type'].startsWith('application/json')",
            vec!["headers[\"content-type\"] is \"text/html\""],
        ),
        (
            "body.items.all(i, i.ok)",
            vec![
                "body.items[1] is {\"id\":2,\"ok\":false} (the first of 2 for which `i.ok` does not hold)",
                "body.items[1].ok is false",
            ],
        ),
        (
            "!body.items.exists(i, i.id == 1)",
            vec![
                "body.items[0] is {\"id\":1,\"ok\":true} (the first of 2 for which `i.id == 1` holds)",
                "body.items[0].id is 1",
            ],
        ),
        (
            "body.items.exists(i, i.id == 7)",
            vec![
                "body.items is [{\"id\":1,\"ok\":true},{\"id\":2,\"ok\":false}] (`i.id == 7` holds for 0 of 2 elements)",
            ],
        ),
        (
            "long.exists(n, n > 900)",
            vec!["long has 500 elements; `n > 900` holds for 0 of 500 elements"],
        ),
        ("long == [1]", vec!["long is a list of 500 elements"]),
        (
            "has(body.token)",
            vec!["body.token is absent; `body` has: items, none, status"],
        ),
        ("body.none.all(i, i.ok)", vec!["body.none is empty"]),
        (
            "status + 1 == 200",
            vec!["status + 1 is 501", "status is 500"],
        ),
        (
            "status == 500 ? body.status == 'x' : true",
            vec!["status is 500", "body.status is \"degraded\""],
        ),
        (
            "body.status.code == 1",
            vec!["body.status is a string (\"degraded\") where a map is due"],
        ),
    ] {
        assert_eq!(explained(source, &scope), parts, "{source}");
    }
}

fn problems(source: &str, want: Option<&Type>) -> Vec<String> {
    let env = http_shape();
    check(&parse(source).unwrap(), &env, want)
        .problems
        .into_iter()
        .map(|p| match p.help {
            Some(help) => format!("{} {:?} {}; {help}", p.code, &source[p.offset], p.message),
            None => format!("{} {:?} {}", p.code, &source[p.offset], p.message),
        })
        .collect()
}

#[test]
fn what_fits_the_shape_has_no_problems() {
    for source in [
        "status == 201",
        "body.rule.effect == 'block'",
        "latency < duration('1s')",
        "status in [200, 201] && body.items.all(i, i.id > 0 && i.name.startsWith('a'))",
        "headers['x'] == 'a' && headers.location.contains('/')",
        "rows.all(r, r.n == 1) && size(rows) == 3",
        "tls.version == 'TLSv1.3' && tls.expires_at - at > duration('14d')",
        "!has(error) || error == 'x'",
        "error == null",
        "status > 199.5",
        "rows.map(r, r.id) == [1, 2]",
        "inputs.n == 'x'",
        "body == 1 || body == 'x'",
        "type(body.n) == int",
        "rows.filter(r, r.ok).map(r, string(r.id)).join(',') == '1,2'",
    ] {
        assert_eq!(
            problems(source, Some(&Type::Bool)),
            Vec::<String>::new(),
            "{source}"
        );
    }
}

#[test]
fn what_cannot_fit_the_shape_is_named_with_the_nearest_right_word() {
    for (source, problem) in [
        (
            "staus == 200",
            "expr-unknown-name \"staus\" nothing is called `staus`; did you mean `status`?",
        ),
        (
            "tls.verson == 'x'",
            "expr-unknown-field \"tls.verson\" `tls` never has `verson`; did you mean `version`?",
        ),
        (
            "status == '200'",
            "expr-wrong-type \"status == '200'\" `==` cannot compare int and string; did you mean 200?",
        ),
        (
            "latency < '1s'",
            "expr-wrong-type \"latency < '1s'\" `<` cannot compare duration and string; did you mean duration('1s')?",
        ),
        (
            "latency < 150",
            "expr-wrong-type \"latency < 150\" `<` cannot compare duration and int; durations have a unit: duration('150ms')",
        ),
        (
            "size(status) == 1",
            "expr-wrong-type \"size(status)\" `size` has no meaning for int; it is written size(list)",
        ),
        (
            "status && true",
            "expr-wrong-type \"status\" `status` is an int where a bool is due",
        ),
        (
            "status + 'a' == 'b'",
            "expr-wrong-type \"status + 'a'\" `+` has no meaning for int and string",
        ),
        (
            "status.startsWith('2')",
            "expr-wrong-type \"status.startsWith('2')\" `startsWith` has no meaning for int, string; it is written string.startsWith(string)",
        ),
        (
            "status.all(s, true)",
            "expr-wrong-type \"status\" `status` is an int where a list is due",
        ),
        (
            "status.code == 1",
            "expr-wrong-type \"status.code\" `status` is an int and has no `code`",
        ),
        (
            "has(tls.foo)",
            "expr-unknown-field \"tls.foo\" `tls` never has `foo`; `tls` has: expires_at, version",
        ),
        (
            "rows['a'] == 1",
            "expr-wrong-type \"rows['a']\" `rows` is a list and cannot be indexed with a string",
        ),
        (
            "status",
            "expr-wrong-type \"status\" the expression is an int where bool is due",
        ),
        (
            "'a' in status",
            "expr-wrong-type \"'a' in status\" `in` cannot look for a string in an int",
        ),
        (
            "rows.all(r, r.x == 1 && rr.y == 2)",
            "expr-unknown-name \"rr\" nothing is called `rr`; did you mean `r`?",
        ),
        (
            "[1] < [2]",
            "expr-wrong-type \"[1] < [2]\" `<` cannot compare list of int and list of int",
        ),
    ] {
        assert_eq!(
            problems(source, Some(&Type::Bool)),
            vec![problem],
            "{source}"
        );
    }
}

#[test]
fn checking_says_which_names_are_used() {
    let expr = parse("rows.all(r, r.id == status) && has(error)").unwrap();
    let checked = check(&expr, &http_shape(), None);
    assert_eq!(checked.ty, Type::Bool);
    let used: Vec<&str> = checked.used.iter().map(String::as_str).collect();
    assert_eq!(used, ["error", "rows", "status"]);
}

#[test]
fn paths_are_read_off_the_text() {
    for (source, paths) in [
        ("saved.rule == inputs['x']", vec!["inputs.x", "saved.rule"]),
        ("body.items[0].id == 1", vec!["body.items[0].id"]),
        ("rows.all(r, r.id == 1)", vec!["rows", "rows[*].id"]),
        ("body[saved.key] == 1", vec!["body[*]", "saved.key"]),
        ("type(x) == int && 1 == 1", vec!["x"]),
        ("has(a.b) || size(c) == 0", vec!["a.b", "c"]),
        (
            "rows.map(r, r.x).all(x, x > y)",
            vec!["rows", "rows[*].x", "y"],
        ),
        ("google.protobuf.Duration == type(d)", vec!["d"]),
    ] {
        let found: Vec<String> = parse(source)
            .unwrap()
            .paths()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, paths, "{source}");
    }
}

#[test]
fn an_expression_may_speak_of_emptiness_itself() {
    for source in [
        "size(rows) == 0",
        "rows.size() == 0",
        "rows == []",
        "[] != rows",
        "!has(rows)",
        "has(rows.x)",
        "rows == null",
        "status == 1 || size(rows.filter(r, r.x)) == 0",
        "size(rows[0].y) == 1",
    ] {
        assert!(
            parse(source).unwrap().speaks_of_emptiness("rows"),
            "{source}"
        );
    }
    for source in [
        "rows.all(r, r.x)",
        "rows[0].x == 1",
        "size(other) == 0",
        "rows.exists(r, r.x)",
        "size(s) == size(t)",
    ] {
        assert!(
            !parse(source).unwrap().speaks_of_emptiness("rows"),
            "{source}"
        );
    }
    assert!(
        parse("size(body.items) == 0")
            .unwrap()
            .speaks_of_emptiness("body.items")
    );
    assert!(
        !parse("size(body.items) == 0")
            .unwrap()
            .speaks_of_emptiness("body.rows")
    );
}

#[test]
fn parts_of_text_are_replaced_and_whole_values_keep_their_type() {
    let scope = scope_of(&serde_json::json!({
        "n": 3, "d": 1.5, "t": "a b", "l": [1], "z": null, "lat": {"$duration": "1500ms"}, "yes": true,
    }));
    let scope = Scope::new().with(&scope);
    let render = |source: &str| {
        parse_template(source)
            .unwrap()
            .evaluate(&scope, DEFAULT_BUDGET)
    };
    for (source, text) in [
        ("plain", "plain"),
        ("", ""),
        ("a ${n} b ${ t }c", "a 3 b a bc"),
        ("$${n} ${n}", "${n} 3"),
        ("costs $5 and $$5", "costs $5 and $$5"),
        ("x${ {'a':'}'}['a'] }y", "x}y"),
        ("x${ '${' + \"}\" }y", "x${}y"),
        ("${d}/${lat}/${yes}", "1.5/1.5s/true"),
        ("ö${t}ö", "öa bö"),
        ("$", "$"),
        ("${n}$", "3$"),
    ] {
        assert_eq!(render(source), Evaluated::Value(text.into()), "{source}");
    }
    assert_eq!(render("${n}"), Evaluated::Value(Value::Int(3)));
    assert_eq!(
        render("${ l }"),
        Evaluated::Value(Value::List(vec![Value::Int(1)]))
    );
    assert!(parse_template("${n}").unwrap().is_whole());
    assert!(!parse_template(" ${n}").unwrap().is_whole());
    assert_eq!(parse_template("a $${b}").unwrap().as_text(), Some("a ${b}"));
    for source in ["a ${l}", "a ${z}", "a ${ {} }"] {
        assert!(
            matches!(render(source), Evaluated::Error { .. }),
            "{source}"
        );
    }
    assert!(matches!(render("a ${gone}"), Evaluated::Absent { .. }));
    let escaped = parse_template("/x/${t}").unwrap();
    let escaped = escaped.evaluate_with(&scope, DEFAULT_BUDGET, |s| s.replace(' ', "%20"));
    assert_eq!(escaped, Evaluated::Value("/x/a%20b".into()));
}

#[test]
fn problems_in_templates_point_into_the_whole_text() {
    for (source, code, part) in [
        ("ab ${ x", codes::TEMPLATE, "${"),
        ("ab ${}", codes::TEMPLATE, "${}"),
        ("ab ${ 1 + } c", codes::SYNTAX, "+"),
        ("ö ${ foo(x) }", codes::UNKNOWN_FUNCTION, "foo"),
        ("${ 'a }", codes::SYNTAX, "'"),
        ("${a} ${ = }", codes::SYNTAX, "="),
    ] {
        let problems = parse_template(source).unwrap_err();
        assert_eq!(problems[0].code, code, "{source}");
        assert_eq!(&source[problems[0].offset.clone()], part, "{source}");
    }
}

#[test]
fn what_yaml_did_to_an_expression_is_undone() {
    assert_eq!(
        repair_split(&["size(rows) == 1", "rows[0].x in ['a'", "'b']"]),
        Some(
            vec![
                "size(rows) == 1".to_owned(),
                "\"rows[0].x in ['a', 'b']\"".to_owned()
            ]
            .into_iter()
            .map(|s| s.trim_matches('"').to_owned())
            .collect()
        )
    );
    assert_eq!(
        repair_split(&["rows.all(r", "r.x == 1)"]),
        Some(vec!["rows.all(r, r.x == 1)".to_owned()])
    );
    assert_eq!(repair_split(&["a == 1", "b == 2"]), None);
    assert_eq!(repair_split(&["a == (1", "b"]), None);
    assert_eq!(
        repair_comment("name == 'a", "#1'"),
        Some("\"name == 'a #1'\"".to_owned())
    );
    assert_eq!(repair_comment("name == 'a'", "# the name"), None);
    assert_eq!(
        repair_tag("!has(body.error)", ""),
        Some("\"!has(body.error)\"".to_owned())
    );
    assert_eq!(
        repair_tag("!has(body.error)", "|| x == 1"),
        Some("\"!has(body.error) || x == 1\"".to_owned())
    );
    assert_eq!(repair_tag("!secret", "x y"), None);
    assert_eq!(
        repair_mapping("a ? b : c"),
        Some("\"a ? b : c\"".to_owned())
    );
    assert_eq!(
        repair_mapping("x in {'a': 1}"),
        Some("\"x in {'a': 1}\"".to_owned())
    );
    assert_eq!(repair_mapping("status: 200"), None);
    assert_eq!(quoted("a == \"x\": 1"), "'a == \"x\": 1'");
    assert_eq!(quoted("a\nb"), "\"a\\nb\"");
    assert_eq!(
        unbalanced_brackets("rows[0].x in ['a'"),
        ("[".to_owned(), String::new())
    );
}

/// Runs on the stack that a worker thread has.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(f)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn chains_and_nests_of_any_length_end_in_an_answer_on_a_small_stack() {
    on_a_small_stack(|| {
        let map = scope_of(&serde_json::json!({"a": 1}));
        let scope = Scope::new().with(&map);
        for n in [5, 31, 32, 33, 50, 99, 150, 199, 200, 1_000, 2_500, 10_000] {
            for source in [
                format!("{}1{}", "(".repeat(n), ")".repeat(n)),
                format!("{}1{}", "[".repeat(n), "]".repeat(n)),
                "(".repeat(n),
                vec!["a"; n].join("."),
                vec!["1"; n].join("+"),
                vec!["a"; n].join("=="),
                vec!["true"; n].join("&&"),
                vec!["a == 1"; n].join(" || "),
                format!("{}a", "!".repeat(n)),
                format!("{}a", "-".repeat(n)),
                format!("a{}", "[0]".repeat(n)),
                format!("a{}", ".trim()".repeat(n)),
                format!("{}1", "a?b:".repeat(n)),
                format!("[{}]", vec!["a"; n].join(",")),
                format!("{}{}", "size(".repeat(n), ")".repeat(n)),
                format!("{}a{}", "{'a':".repeat(n), "}".repeat(n)),
                format!("{}x{}", "[1].map(x,".repeat(n), ")".repeat(n)),
                "'".repeat(n),
                "$".repeat(n),
                "in ".repeat(n),
            ] {
                if let Ok(expr) = parse(&source) {
                    drop(evaluate(&expr, &scope, DEFAULT_BUDGET));
                    drop(explain(&expr, &scope));
                    drop(check(&expr, &http_shape(), None));
                    drop(expr.paths());
                }
                drop(parse_template(&format!("${{{source}}}")));
            }
        }
    });
}

#[test]
fn what_would_run_for_long_is_ended_by_the_budget() {
    let map = scope_of(
        &serde_json::json!({"l": (0..1000).collect::<Vec<i32>>(), "s": "x".repeat(100_000)}),
    );
    let scope = Scope::new().with(&map);
    for source in [
        "l.map(a, l.map(b, l.map(c, a + b + c))) == []",
        "l.all(a, l.all(b, l.all(c, a + b + c > 0)))",
        "l.map(x, s + s).exists(t, t == 'x')",
        "l.map(x, s) == l.map(x, s + 'a')",
        "l.all(a, s.matches('x{' + string(a) + '}'))",
        "l.map(x, s.replace('x', s)) == []",
        "l.map(x, l).map(x, x + x).map(x, x + x) == []",
    ] {
        let expr = parse(source).unwrap();
        let seen = evaluate(&expr, &scope, DEFAULT_BUDGET);
        assert!(
            matches!(&seen, Evaluated::Error { .. }),
            "{source}: {seen:?}"
        );
        assert_eq!(
            seen,
            evaluate(&expr, &scope, DEFAULT_BUDGET),
            "the budget is no clock"
        );
    }
}

fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "body",
        "rows",
        "x",
        "1",
        "2.5",
        "'t'",
        "\"u\"",
        "true",
        "null",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "?",
        ":",
        "==",
        "!=",
        "<",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "in",
        "has(",
        "size(",
        ".all(x,",
        ".map(x,",
        ".exists(x,",
        ".matches(",
        "duration('1s')",
        " ",
        "r'",
        "b'",
        "0x",
        "1u",
        "`a`",
        "//",
        "\n",
        "é",
        "$",
        "#",
        "${",
        "}",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

/// Expressions that parse, of any type.
fn sentence() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "0",
        "2.5",
        "'a'",
        "true",
        "false",
        "null",
        "[]",
        "a",
        "body",
        "body.x",
        "body.items",
        "rows",
        "status",
        "gone",
        "body.gone",
        "latency",
        "duration('1d')",
        "body.items[0]",
        "{'k': 1}",
        "headers['X']",
        "nan",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 32, 3, |inner| {
            prop_oneof![
                (
                    inner.clone(),
                    prop::sample::select(vec![
                        "==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"
                    ]),
                    inner.clone()
                )
                    .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                inner.clone().prop_map(|a| format!("-({a})")),
                inner.clone().prop_map(|a| format!("size({a})")),
                inner.clone().prop_map(|a| format!("string({a})")),
                inner.clone().prop_map(|a| format!("has(({a}).k)")),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
                (
                    inner.clone(),
                    prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]),
                    inner.clone()
                )
                    .prop_map(|(a, m, b)| format!("({a}).{m}(a, {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a})[{b}]")),
            ]
        })
}

fn observation() -> Map {
    scope_of(&serde_json::json!({
        "a": 1, "status": 200, "rows": [], "latency": {"$duration": "10ms"}, "nan": {"$double": "NaN"},
        "body": {"x": true, "items": [{"k": 1}, {"k": null}]}, "headers": {"x": "1"},
    }))
}

fn truth(source: &str, scope: &Scope<'_>) -> Evaluated {
    evaluate_condition(&parse(source).unwrap(), scope, DEFAULT_BUDGET)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_ends_in_an_answer(text in "\\PC{0,60}") {
        let map = observation();
        if let Ok(expr) = parse(&text) {
            drop(evaluate(&expr, &Scope::new().with(&map), 10_000));
        }
        if let Err(problems) = parse_template(&text) {
            prop_assert!(problems.iter().all(|p| text.get(p.offset.clone()).is_some()));
        }
    }

    #[test]
    fn any_words_end_in_an_answer_with_a_place(text in soup()) {
        let map = observation();
        let scope = Scope::new().with(&map);
        match parse(&text) {
            Ok(expr) => {
                drop(evaluate(&expr, &scope, 10_000));
                drop(explain(&expr, &scope));
                drop(check(&expr, &http_shape(), Some(&Type::Bool)));
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|p| text.get(p.offset.clone()).is_some()));
            }
        }
        drop(parse_template(&text));
    }

    #[test]
    fn no_side_of_or_hides_an_absent_key(text in sentence()) {
        let map = observation();
        let scope = Scope::new().with(&map);
        let alone = truth(&text, &scope);
        for source in [
            format!("({text}) || true"), format!("true || ({text})"),
            format!("({text}) && true"), format!("true && ({text})"),
            format!("({text}) || status == 200"),
        ] {
            let seen = truth(&source, &scope);
            if !matches!(alone, Evaluated::Value(_)) {
                prop_assert!(!seen.is_true(), "{source} hides {alone:?}");
            }
        }
        for source in [format!("({text}) && false"), format!("false && ({text})")] {
            prop_assert!(!truth(&source, &scope).is_true());
            let denied = truth(&format!("!({source})"), &scope);
            prop_assert!(!denied.is_true() || matches!(alone, Evaluated::Value(_)));
        }
    }

    #[test]
    fn sides_of_and_and_or_may_be_swapped(a in sentence(), b in sentence()) {
        let map = observation();
        let scope = Scope::new().with(&map);
        for op in ["&&", "||"] {
            let one = truth(&format!("({a}) {op} ({b})"), &scope);
            let two = truth(&format!("({b}) {op} ({a})"), &scope);
            prop_assert_eq!(std::mem::discriminant(&one), std::mem::discriminant(&two), "{} {} {}", a, op, b);
            prop_assert_eq!(one.is_true(), two.is_true());
        }
    }

    #[test]
    fn what_is_not_true_is_explained(text in sentence()) {
        let map = observation();
        let scope = Scope::new().with(&map);
        let expr = parse(&text).unwrap();
        let seen = evaluate_condition(&expr, &scope, DEFAULT_BUDGET);
        let parts = explain(&expr, &scope);
prop_assert_eq!(parts.is_empty(), seen.is_true(), "{}: {:?}", text, seen);
    }

    #[test]
    fn order_of_numbers_is_exact(a in any::<i64>(), b in any::<f64>()) {
        let map: Map = [("a".to_owned(), Value::Int(a)), ("b".to_owned(), Value::Double(b))].into();
        let scope = Scope::new().with(&map);
        let is = |source| truth(source, &scope).is_true();
        if !b.is_nan() {
            prop_assert_eq!(u8::from(is("a < b")) + u8::from(is("a == b")) + u8::from(is("a > b")), 1);
            prop_assert_eq!(is("a <= b"), !is("b < a"));
        }
    }
}

const PAGE: &str = include_str!("../../../../docs/expressions.md");

#[test]
fn every_expression_of_the_page_parses_and_every_function_stands_on_it() {
    let mut seen = 0;
    for block in PAGE.split("```cel\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            assert!(parse(line).is_ok(), "{line}");
            seen += 1;
        }
    }
    assert!(seen > 10);
    for spec in super::functions::SPECS {
        assert!(PAGE.contains(&format!("{}(", spec.name)), "{}", spec.name);
    }
}

#[test]
fn a_slip_is_met_with_the_right_word_at_the_right_place() {
    for (source, part, message, help) in [
        (
            "status = 200",
            "=",
            "`=` is not part of an expression",
            "equality is written `==`",
        ),
        ("'ö' == == 1", "==", "`==` does not belong here", ""),
        (
            "a and b",
            "and",
            "`and` does not belong here",
            "and is written `&&`",
        ),
        ("a # b", "#", "`#` is not part of an expression", "a remark"),
        ("(a", "(", "`(` is never closed", ""),
        ("a)", ")", "`)` closes nothing that is open", ""),
        ("a ==", "==", "the expression ends too early", ""),
        ("'abc", "'", "a text is not closed", "same line"),
        ("${a}", "$", "`$` is not part", "without it"),
        ("a.?b", ".", "optional values", ""),
        (
            "99999999999999999999",
            "99999999999999999999",
            "cannot be read as int",
            "",
        ),
        ("if == 1", "if", "`if` is a reserved word", ""),
        ("now() > 1", "now", "there is no function `now`", "no clock"),
        ("len(a) == 1", "len", "there is no function `len`", "`size`"),
        (
            "a.startWith('b')",
            "startWith",
            "there is no function `startWith`",
            "`startsWith`",
        ),
        ("a.matches('(')", "'('", "the pattern cannot be read", ""),
        (
            "has(size(a))",
            "size(a)",
            "`has` asks whether a key is there",
            "has(body.key)",
        ),
        (
            "a.all(1, true)",
            "1",
            "`all` takes a name first",
            "items.all",
        ),
        (
            "contains(a, 'b')",
            "contains",
            "is not written like this",
            "string.contains(string)",
        ),
        ("f(1) + g(2)", "f", "there is no function `f`", ""),
    ] {
        let problems = parse(source).unwrap_err();
        let first = &problems[0];
        assert_eq!(&source[first.offset.clone()], part, "{source}: {first:?}");
        assert!(first.message.contains(message), "{source}: {first:?}");
        let helped = first.help.as_deref().unwrap_or_default();
        assert!(helped.contains(help), "{source}: {first:?}");
    }
    assert_eq!(
        parse("f(1) + g(2)").unwrap_err().len(),
        2,
        "all problems at once"
    );
}

#[test]
fn a_text_parsed_twice_is_one_expression() {
    let mut memo = Memo::default();
    let one = memo.parse("status == 200").unwrap();
    let two = memo.parse("status == 200").unwrap();
    assert!(std::sync::Arc::ptr_eq(&one.inner, &two.inner));
}
