//! What is recorded of an answer's security headers, as facts.

use gonogo_core::record::{Absence, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::csp::{self, Policy};
use super::grade::{Graded, RULE};
use super::lists::TO_REMOVE;
use super::parsed::{Cookie, EMBEDDER_POLICIES, OPENER_POLICIES, Page};
use super::weak;
use crate::probe::Seen;

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let weak = Type::fields([
        (
            "name",
            Field::new(Type::String, "the header, in lower case"),
        ),
        ("value", Field::new(Type::String, "as it came")),
        (
            "why",
            Field::new(Type::String, "why it protects less than it seems to"),
        ),
    ]);
    let scored = Type::fields([
        ("about", Field::new(Type::String, "what was looked at")),
        (
            "result",
            Field::new(Type::String, "the rule's name for what was found"),
        ),
        (
            "modifier",
            Field::new(Type::Int, "what it adds to the score"),
        ),
    ]);
    let fields = [
        (
            "status",
            Field::new(
                Type::Int,
                "the status code of the answer that was looked at",
            ),
        ),
        (
            "url",
            Field::new(
                Type::String,
                "its address: with `redirects`, where they led",
            ),
        ),
        (
            "present",
            Field::new(
                Type::map(Type::String),
                "the wanted headers that are there, with their values",
            ),
        ),
        (
            "missing",
            Field::new(
                Type::list(Type::String),
                "the wanted headers that are not; X-Frame-Options is not missed where the policy has `frame-ancestors`",
            ),
        ),
        (
            "weak",
            Field::new(
                Type::list(weak),
                "wanted headers whose value a browser does not heed or that gives the protection away, and deprecated ones",
            ),
        ),
        (
            "to_remove",
            Field::new(
                Type::list(Type::String),
                "headers that tell what runs there, by the list of the OWASP Secure Headers Project",
            ),
        ),
        (
            "headers",
            Field::new(
                parsed_type(),
                "the headers as browsers take them; absent where they do not heed one",
            ),
        ),
        (
            "cookies",
            Field::new(
                Type::list(cookie_type()),
                "the cookies that are set, without their values",
            ),
        ),
        (
            "grade",
            Field::optional(
                Type::String,
                "`A+` to `F` by `rule`; absent where it does not grade the answer",
            ),
        ),
        ("score", Field::optional(Type::Int, "from 0, by `rule`")),
        (
            "rule",
            Field::new(Type::String, "which published rule, and its version"),
        ),
        (
            "scored",
            Field::optional(Type::list(scored), "what the rule found"),
        ),
        (
            "not_scored",
            Field::optional(
                Type::list(Type::String),
                "what the rule looks at and one site's answers do not tell",
            ),
        ),
        (
            "not_graded",
            Field::optional(Type::String, "why there is no grade"),
        ),
    ];
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn parsed_type() -> Type {
    let hsts = Type::fields([
        (
            "max_age",
            Field::new(Type::Duration, "how long browsers remember"),
        ),
        (
            "include_subdomains",
            Field::new(Type::Bool, "whether it holds below too"),
        ),
        (
            "preload",
            Field::new(Type::Bool, "whether it asks to be built into browsers"),
        ),
    ]);
    let csp = Type::fields([
        ("policies", Field::new(Type::Int, "how many policies hold")),
        (
            "directives",
            Field::new(
                Type::map(Type::list(Type::String)),
                "each directive's sources: of several policies those that all have that name it",
            ),
        ),
        (
            "unsafe_inline",
            Field::new(Type::Bool, "whether inline scripts run, whoever wrote them"),
        ),
        (
            "unsafe_eval",
            Field::new(Type::Bool, "whether scripts may be made of text"),
        ),
    ]);
    let word = |doc: &str| Field::optional(Type::String, doc);
    Type::fields([
        (
            "hsts",
            Field::optional(hsts, "Strict-Transport-Security; only over HTTPS"),
        ),
        ("csp", Field::optional(csp, "Content-Security-Policy")),
        (
            "nosniff",
            Field::new(Type::Bool, "whether X-Content-Type-Options holds"),
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
        (
            "permissions_policy",
            Field::optional(
                Type::map(Type::list(Type::String)),
                "Permissions-Policy: who may use each feature",
            ),
        ),
    ])
}

fn cookie_type() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        ("secure", Field::new(Type::Bool, "only over HTTPS")),
        (
            "http_only",
            Field::new(Type::Bool, "out of the reach of scripts"),
        ),
        (
            "same_site",
            Field::optional(Type::String, "`strict`, `lax`, `none`, or what else came"),
        ),
    ])
}

/// The facts.
pub(super) fn seen(page: &Page<'_>, wanted: &[String], graded: Result<Graded, String>) -> Seen {
    let answer = page.answer;
    let mut present = Map::new();
    let mut missing = Vec::new();
    let mut weak: Vec<(String, String)> = Vec::new();
    for name in wanted {
        match answer.combined(name) {
            Some(value) => {
                present.insert(name.clone(), value.into());
                let reasons = weak::reasons(page, name);
                weak.extend(reasons.into_iter().map(|why| (name.clone(), why)));
            }
            // Browsers pass X-Frame-Options over where the policy says who may frame the page.
            None if name == "x-frame-options" && page.has_frame_ancestors() => {}
            None => missing.push(Value::from(name.as_str())),
        }
    }
    let deprecated = weak::deprecated(page).into_iter();
    weak.extend(deprecated.map(|(name, why)| (name.to_owned(), why)));
    let rows = weak
        .iter()
        .map(|(name, why)| vec![name.clone(), why.clone()]);
    let mut shown = vec![Shown::Table {
        title: "Weak headers".to_owned(),
        head: ["header", "why"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }];
    shown.retain(|_| !weak.is_empty());
    let weak = weak.into_iter().map(|(name, why)| {
        let value = answer.combined(&name).unwrap_or_default();
        map([
            ("name", Some(name.into())),
            ("value", Some(value.into())),
            ("why", Some(why.into())),
        ])
    });
    let mut facts: Map = [
        ("status", Value::from(answer.status)),
        ("url", answer.url.as_str().into()),
        ("present", Value::Map(present)),
        ("missing", Value::List(missing)),
        ("weak", Value::List(weak.collect())),
        ("to_remove", Value::List(to_remove(page))),
        ("headers", parsed(page)),
        (
            "cookies",
            Value::List(page.cookies.iter().map(cookie).collect()),
        ),
        ("rule", RULE.into()),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    match graded {
        Ok(graded) => {
            shown.push(scores(&graded));
            facts.extend(grades(graded));
        }
        Err(why) => {
            facts.insert("not_graded".to_owned(), why.into());
        }
    }
    // A proxy's own page when the service is gone has the proxy's headers.
    let absent = (answer.status >= 500).then(|| Absence {
        fact: "headers".to_owned(),
        why: format!("the answer is an error of the server ({})", answer.status),
    });
    Seen {
        facts,
        shown,
        absent: absent.into_iter().collect(),
        ..Seen::default()
    }
}

fn to_remove(page: &Page<'_>) -> Vec<Value> {
    let there = |name: &&&str| page.answer.header(name).is_some();
    let found = TO_REMOVE.iter().filter(there);
    found.map(|name| Value::from(*name)).collect()
}

fn grades(graded: Graded) -> Map {
    let scored = graded.scored.iter().map(|one| {
        map([
            ("about", Some(one.about.into())),
            ("result", Some(one.result.into())),
            ("modifier", Some(one.modifier.into())),
        ])
    });
    let not_scored = graded.not_scored.iter().map(|name| Value::from(*name));
    [
        ("grade", Value::from(graded.grade)),
        ("score", graded.score.into()),
        ("scored", Value::List(scored.collect())),
        ("not_scored", Value::List(not_scored.collect())),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect()
}

fn scores(graded: &Graded) -> Shown {
    let row = |about: &str, result: &str, modifier: String| {
        vec![about.to_owned(), result.to_owned(), modifier]
    };
    let mut rows: Vec<Vec<String>> = graded
        .scored
        .iter()
        .map(|one| row(one.about, one.result, format!("{:+}", one.modifier)))
        .collect();
    let not = graded.not_scored.iter();
    rows.extend(not.map(|name| row(name, "not seen in one site's answers", String::new())));
    Shown::Table {
        title: format!("{} ({}) by the {RULE}", graded.grade, graded.score),
        head: ["about", "result", "points"].map(str::to_owned).to_vec(),
        rows,
    }
}

fn parsed(page: &Page<'_>) -> Value {
    let hsts = page.hsts.as_ref().filter(|_| page.tls);
    let hsts = hsts.and_then(|read| read.as_ref().ok()).map(|hsts| {
        let seconds = i64::try_from(hsts.max_age).unwrap_or(i64::MAX);
        map([
            (
                "max_age",
                Some(Value::Duration(seconds.saturating_mul(1_000_000_000))),
            ),
            ("include_subdomains", Some(hsts.include_subdomains.into())),
            ("preload", Some(hsts.preload.into())),
        ])
    });
    let permissions = page.permissions().map(|all| {
        let features = all.into_iter().map(|(name, who)| (name, texts(&who)));
        Value::Map(features.collect())
    });
    let opener = page.structured_word("cross-origin-opener-policy", &OPENER_POLICIES);
    let embedder = page.structured_word("cross-origin-embedder-policy", &EMBEDDER_POLICIES);
    map([
        ("hsts", hsts),
        ("csp", policy(&page.csp)),
        ("nosniff", Some(page.nosniff().into())),
        ("frame_options", page.frame_options().map(Value::from)),
        ("referrer_policy", page.referrer_policy().map(Value::from)),
        ("opener_policy", opener.map(Value::from)),
        ("embedder_policy", embedder.map(Value::from)),
        ("resource_policy", page.resource_policy().map(Value::from)),
        ("permissions_policy", permissions),
    ])
}

fn policy(all: &[Policy]) -> Option<Value> {
    if all.is_empty() {
        return None;
    }
    let mut directives = Map::new();
    for (name, sources) in all.iter().flat_map(|p| &p.directives) {
        let others: Vec<&Vec<String>> = all.iter().filter_map(|p| p.directives.get(name)).collect();
        let held = sources
            .iter()
            .filter(|source| others.iter().all(|other| csp::has(other, source)));
        let held: Vec<String> = held.cloned().collect();
        directives.insert(name.clone(), texts(&held));
    }
    // Only what every policy lets through runs.
    let every = |source: &str| {
        all.iter().all(|policy| {
            policy
                .sources("script-src")
                .is_none_or(|sources| csp::effective("script-src", sources).contains(&source))
        })
    };
    Some(map([
        ("policies", Some(all.len().into())),
        ("directives", Some(Value::Map(directives))),
        ("unsafe_inline", Some(every("'unsafe-inline'").into())),
        ("unsafe_eval", Some(every("'unsafe-eval'").into())),
    ]))
}

fn cookie(cookie: &Cookie) -> Value {
    map([
        ("name", Some(cookie.name.as_str().into())),
        ("secure", Some(cookie.secure.into())),
        ("http_only", Some(cookie.http_only.into())),
        ("same_site", cookie.same_site.as_deref().map(Value::from)),
    ])
}

fn texts(all: &[String]) -> Value {
    Value::List(all.iter().map(|text| text.as_str().into()).collect())
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}
