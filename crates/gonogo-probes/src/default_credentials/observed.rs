//! What is recorded of the logins, as facts: users, never passwords, and no body, which might repeat one.

use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let answer = Type::fields([
        ("user", Field::new(Type::String, "the user")),
        ("status", Field::new(Type::Int, "the status code")),
    ]);
    let fields = [
        (
            "tried",
            Field::new(
                Type::list(Type::String),
                "the users of the pairs that were tried, in order, never empty",
            ),
        ),
        (
            "accepted",
            Field::new(
                Type::list(Type::String),
                "the users that were let in: one at most, since the probe stops there",
            ),
        ),
        (
            "control",
            Field::new(
                Type::Int,
                "the status code for a user that cannot exist: a refusal, or nothing was observed",
            ),
        ),
        (
            "answers",
            Field::new(Type::list(answer), "what each login was answered"),
        ),
    ];
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

/// A list of users.
pub(super) fn users(users: &[String]) -> Value {
    Value::List(users.iter().map(|u| u.as_str().into()).collect())
}

/// What one login was answered.
pub(super) fn answer(user: &str, status: u16) -> Value {
    let answer: Map = [
        ("user".to_owned(), user.into()),
        ("status".to_owned(), status.into()),
    ]
    .into_iter()
    .collect();
    Value::Map(answer)
}
