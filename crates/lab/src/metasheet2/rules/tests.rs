use super::*;

fn rule(name: &str, effect: Effect, priority: i64, conditions: &Value) -> Rule {
    Rule {
        id: name.into(),
        workspace_id: "w".into(),
        name: name.into(),
        effect,
        conditions: Some(Conditions::parse(conditions).unwrap()),
        priority,
        enabled: true,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

fn delete_of(tags: &[&str], level: &str) -> Question {
    Question {
        operation: "delete".into(),
        resource_type: Some("snapshot".into()),
        tags: tags.iter().map(ToString::to_string).collect(),
        protection_level: Some(level.into()),
        release_channel: None,
    }
}

#[test]
fn each_effect_has_its_consequence_and_each_fault_takes_only_its_own_away() {
    let clean = [
        (Effect::Allow, (true, "normal", false)),
        (Effect::Block, (false, "normal", false)),
        (Effect::ElevateRisk, (true, "high", false)),
        (Effect::RequireApproval, (false, "normal", true)),
    ];
    let ask = |effect: Effect, faults: &Faults| {
        let answer = evaluate(
            vec![rule("r", effect, 1, &json!({"operation": "delete"}))],
            &delete_of(&[], "normal"),
            faults,
        );
        assert_eq!(answer.effect(), Some(effect));
        (answer.allowed, answer.risk(), answer.approval_required)
    };
    for (effect, consequence) in clean {
        assert_eq!(ask(effect, &Faults::new()), consequence, "{effect:?}");
        for (broken, _) in clean {
            let seen = ask(effect, &Faults::from([broken.unenforced_by()]));
            assert_eq!(
                seen == consequence,
                effect != broken,
                "{effect:?} with {broken:?} unenforced"
            );
        }
    }
}

#[test]
fn no_matching_rule_allows() {
    let other = rule("r", Effect::Block, 1, &json!({"operation": "restore"}));
    let mut off = rule("off", Effect::Block, 1, &json!({}));
    off.enabled = false;
    let answer = evaluate(vec![other, off], &delete_of(&[], "normal"), &Faults::new());
    assert!(answer.allowed && answer.matched.is_none());
    assert_eq!(answer.asked, 1, "a disabled rule is not asked");
}

#[test]
fn priority_wins_and_on_a_tie_the_stricter_effect() {
    let rules = |allow: i64| {
        vec![
            rule("a", Effect::Allow, allow, &json!({})),
            rule("b", Effect::Block, 5, &json!({})),
            rule("c", Effect::RequireApproval, 5, &json!({})),
        ]
    };
    let winner = |rules| {
        evaluate(rules, &delete_of(&[], "normal"), &Faults::new())
            .matched
            .unwrap()
            .name
    };
    assert_eq!(winner(rules(9)), "a");
    assert_eq!(winner(rules(5)), "b");
    assert_eq!(winner(rules(1)), "b");
}

#[test]
fn every_condition_must_hold_and_of_a_list_one() {
    let conditions =
        Conditions::parse(&json!({"operation": ["delete", "restore"], "tag": "prod", "protection_level": ["protected", "critical"]})).unwrap();
    assert!(conditions.matches(&delete_of(&["x", "prod"], "critical")));
    assert!(!conditions.matches(&delete_of(&["x"], "critical")));
    assert!(!conditions.matches(&delete_of(&["prod"], "normal")));
    assert!(
        !Conditions::parse(&json!({"release_channel": "stable"}))
            .unwrap()
            .matches(&delete_of(&[], "normal"))
    );
}

#[test]
fn conditions_that_mean_nothing_are_refused() {
    for wrong in [
        json!([]),
        json!({"colour": "red"}),
        json!({"tag": 1}),
        json!({"tag": []}),
        json!({"tag": ""}),
    ] {
        assert!(Conditions::parse(&wrong).is_err(), "{wrong}");
    }
    assert_eq!(Conditions::stored("not json"), None);
}
