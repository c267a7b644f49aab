//! The names and types of the facts.

use gonogo_core::shape::{Field, Shape, Type};

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let weak = Type::fields([
        must("name", Type::String, "the header, in lower case"),
        must("value", Type::String, "as it came"),
        must("why", Type::String, "why it protects less than it seems to"),
    ]);
    let fields = [
        must(
            "status",
            Type::Int,
            "the status code of the answer that was looked at",
        ),
        must(
            "url",
            Type::String,
            "its address: with `redirects`, where they led",
        ),
        must(
            "present",
            Type::map(Type::String),
            "the wanted headers that are there, with their values",
        ),
        must(
            "missing",
            Type::list(Type::String),
            "the wanted headers that are not; X-Frame-Options is not missed where the policy has `frame-ancestors`",
        ),
        must(
            "weak",
            Type::list(weak),
            "wanted headers whose value a browser does not heed or that gives the protection away, and deprecated ones",
        ),
        must(
            "to_remove",
            Type::list(Type::String),
            "headers that tell what runs there, by the list of the OWASP Secure Headers Project",
        ),
        must(
            "headers",
            parsed_type(),
            "the headers as browsers take them; absent where they do not heed one",
        ),
        must(
            "cookies",
            Type::list(cookie_type()),
            "the cookies that are set, without their values",
        ),
    ];
    let fields = fields.into_iter().chain(graded());
    Shape {
        fields: fields.map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn parsed_type() -> Type {
    let hsts = Type::fields([
        must("max_age", Type::Duration, "how long browsers remember"),
        must(
            "include_subdomains",
            Type::Bool,
            "whether it holds below too",
        ),
        must(
            "preload",
            Type::Bool,
            "whether it asks to be built into browsers",
        ),
    ]);
    let csp = Type::fields([
        must("policies", Type::Int, "how many policies hold"),
        must(
            "directives",
            Type::map(Type::list(Type::String)),
            "each directive's sources: of several policies those that all have that name it",
        ),
        must(
            "unsafe_inline",
            Type::Bool,
            "whether inline scripts run, whoever wrote them",
        ),
        must(
            "unsafe_eval",
            Type::Bool,
            "whether scripts may be made of text",
        ),
    ]);
    let word = |doc: &str| Field::optional(Type::String, doc);
    Type::fields([
        may("hsts", hsts, "Strict-Transport-Security; only over HTTPS"),
        may("csp", csp, "Content-Security-Policy"),
        must(
            "nosniff",
            Type::Bool,
            "whether X-Content-Type-Options holds",
        ),
        (
            "frame_options",
            word("X-Frame-Options: `deny` or `sameorigin`"),
        ),
        (
            "referrer_policy",
            word("Referrer-Policy: the one that holds"),
        ),
        ("opener_policy", word("Cross-Origin-Opener-Policy")),
        ("embedder_policy", word("Cross-Origin-Embedder-Policy")),
        ("resource_policy", word("Cross-Origin-Resource-Policy")),
        may(
            "permissions_policy",
            Type::map(Type::list(Type::String)),
            "Permissions-Policy: who may use each feature",
        ),
    ])
}

fn cookie_type() -> Type {
    Type::fields([
        must("name", Type::String, "its name"),
        must("secure", Type::Bool, "only over HTTPS"),
        must("http_only", Type::Bool, "out of the reach of scripts"),
        may(
            "same_site",
            Type::String,
            "`strict`, `lax`, `none`, or what else came",
        ),
    ])
}

/// What the rule makes of it.
fn graded() -> Vec<Named> {
    let scored = Type::fields([
        must("about", Type::String, "what was looked at"),
        must("result", Type::String, "the rule's name for what was found"),
        must("modifier", Type::Int, "what it adds to the score"),
    ]);
    vec![
        may(
            "grade",
            Type::String,
            "`A+` to `F` by `rule`; absent where it does not grade the answer",
        ),
        may("score", Type::Int, "from 0, by `rule`"),
        must(
            "rule",
            Type::String,
            "which published rule, and its version",
        ),
        may("scored", Type::list(scored), "what the rule found"),
        may(
            "not_scored",
            Type::list(Type::String),
            "what the rule looks at and one site's answers do not tell",
        ),
        may("not_graded", Type::String, "why there is no grade"),
    ]
}

type Named = (&'static str, Field);

fn must(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::new(ty, doc))
}

fn may(name: &'static str, ty: Type, doc: &str) -> Named {
    (name, Field::optional(ty, doc))
}
