//! The names and types of the facts.

use gonogo_core::shape::{Field, Shape, Type};

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let fields = [
        must("origin", Type::String, "the origin that was asked with"),
        must(
            "preflight",
            answer_type(true),
            "the answer to the preflight, and what a browser makes of it",
        ),
        must(
            "simple",
            answer_type(false),
            "the answer to a GET, and whether the page may read it",
        ),
        must(
            "reflects_any",
            Type::Bool,
            "whether a random foreign origin was given back as allowed",
        ),
        must(
            "wildcard_with_credentials",
            Type::Bool,
            "whether some answer has both `*` and credentials, which no browser accepts",
        ),
        must(
            "foreign",
            Type::list(Type::fields([
                must(
                    "kind",
                    Type::String,
                    "`random`, `null`, `suffix`, `prefix` or `plain-http`",
                ),
                must("origin", Type::String, "the origin"),
                must(
                    "allowed",
                    Type::Bool,
                    "whether a page of it may read the answer",
                ),
                must(
                    "with_credentials",
                    Type::Bool,
                    "whether it may do so with the user's credentials",
                ),
            ])),
            "origins that nobody meant to allow, and what they got",
        ),
        must(
            "foreign_preflight_allowed",
            Type::Bool,
            "whether the random foreign origin passed the preflight",
        ),
    ];
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn answer_type(is_preflight: bool) -> Type {
    let mut fields = vec![
        must("status", Type::Int, "the status code"),
        must(
            "allowed",
            Type::Bool,
            "whether a browser lets the page go on",
        ),
        must(
            "why",
            Type::list(Type::String),
            "why it does not; empty where it does",
        ),
        may(
            "origin",
            Type::String,
            "`Access-Control-Allow-Origin` as it came",
        ),
        must(
            "credentials",
            Type::Bool,
            "whether `Access-Control-Allow-Credentials` is `true`",
        ),
        must(
            "vary",
            Type::list(Type::String),
            "the names in `Vary`, in lower case: without `origin` a cache may mix answers up",
        ),
    ];
    if is_preflight {
        fields.extend([
            may("methods", 
                    Type::list(Type::String),
                    "`Access-Control-Allow-Methods`; absent where it is or cannot be read",
                ),
            may("headers", 
                    Type::list(Type::String),
                    "`Access-Control-Allow-Headers` in lower case; absent where it is or cannot be read",
                ),
            may("max_age", Type::Duration, "how long the answer may be kept"),
        ]);
    } else {
        fields.push(may(
            "exposed",
            Type::list(Type::String),
            "`Access-Control-Expose-Headers` in lower case",
        ));
    }
    Type::fields(fields)
}

type Named = (&'static str, Field);

fn must(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::new(ty, doc))
}

fn may(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::optional(ty, doc))
}
