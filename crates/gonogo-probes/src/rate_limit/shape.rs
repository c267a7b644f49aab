//! The names and types of the facts.

use gonogo_core::shape::{Field, Shape, Type};

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let fields = [
        must(
            "requests",
            Type::Int,
            "how many requests were sent and answered",
        ),
        must(
            "statuses",
            Type::map(Type::Int),
            "how often each status code came",
        ),
        may(
            "limited_at",
            Type::Int,
            "which request got the 429, from 1; absent where none did",
        ),
        may(
            "retry_after",
            Type::Duration,
            "`Retry-After` of the 429; absent where it has none that can be read",
        ),
        must(
            "stopped",
            Type::String,
            "why nothing more was sent: `limited`, `server error` or `all sent`",
        ),
        must(
            "elapsed",
            Type::Duration,
            "from the first request to the last answer",
        ),
    ];
    let fields = fields.into_iter().chain(announced());
    Shape {
        fields: fields.map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

/// What the answers say, and whether it holds.
fn announced() -> Vec<Named> {
    let policy = Type::fields([
        may("name", Type::String, "its name"),
        must("quota", Type::Int, "how many are allowed"),
        may(
            "unit",
            Type::String,
            "what is counted; requests where absent",
        ),
        may("window", Type::Duration, "in how much time"),
    ]);
    vec![
        must(
            "announced",
            Type::Bool,
            "whether the first answer has fields that tell its limit",
        ),
        may(
            "field",
            Type::String,
            "which: `RateLimit`, `RateLimit-Limit`, `X-RateLimit-Limit` or `RateLimit-Policy`",
        ),
        may(
            "limit",
            Type::Int,
            "how many are allowed, by the first answer",
        ),
        may(
            "remaining",
            Type::Int,
            "how many are left, by the first answer",
        ),
        may(
            "reset",
            Type::Duration,
            "when there are more, by the first answer",
        ),
        may(
            "policies",
            Type::list(policy),
            "the policies that the first answer tells",
        ),
        may(
            "consistent",
            Type::Bool,
            "whether all that the answers say of the limit fits together and what was done; absent where they say nothing",
        ),
        may(
            "disagreements",
            Type::list(Type::String),
            "where it does not; absent where the answers say nothing of a limit",
        ),
    ]
}

type Named = (&'static str, Field);

fn must(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::new(ty, doc))
}

fn may(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::optional(ty, doc))
}
