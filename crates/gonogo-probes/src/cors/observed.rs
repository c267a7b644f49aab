//! What a browser would make of the answers: the CORS check and the preflight of the Fetch standard (living standard,
//! sections 4.9 and 4.8, as of 2026-08), as facts.

use gonogo_core::record::{Absence, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::syntax::is_token;
use crate::http::Fetched;
use crate::probe;

/// The page that asks.
pub(super) struct Page {
    pub(super) origin: String,
    pub(super) method: String,
    /// In lower case, sorted, each once.
    pub(super) headers: Vec<String>,
    pub(super) credentials: bool,
}

/// The answer to an origin that nobody meant to allow.
pub(super) struct Foreign {
    pub(super) kind: &'static str,
    pub(super) origin: String,
    pub(super) answer: Fetched,
}

/// All answers.
pub(super) struct Seen<'a> {
    pub(super) page: &'a Page,
    pub(super) preflight: Fetched,
    pub(super) simple: Fetched,
    /// The random origin.
    pub(super) stranger: String,
    pub(super) stranger_preflight: Fetched,
    pub(super) foreign: Vec<Foreign>,
}

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let fields = [
        (
            "origin",
            Field::new(Type::String, "the origin that was asked with"),
        ),
        (
            "preflight",
            Field::new(
                answer_type(true),
                "the answer to the preflight, and what a browser makes of it",
            ),
        ),
        (
            "simple",
            Field::new(
                answer_type(false),
                "the answer to a GET, and whether the page may read it",
            ),
        ),
        (
            "reflects_any",
            Field::new(
                Type::Bool,
                "whether a random foreign origin was given back as allowed",
            ),
        ),
        (
            "wildcard_with_credentials",
            Field::new(
                Type::Bool,
                "whether some answer has both `*` and credentials, which no browser accepts",
            ),
        ),
        (
            "foreign",
            Field::new(
                Type::list(Type::fields([
                    (
                        "kind",
                        Field::new(
                            Type::String,
                            "`random`, `null`, `suffix`, `prefix` or `plain-http`",
                        ),
                    ),
                    ("origin", Field::new(Type::String, "the origin")),
                    (
                        "allowed",
                        Field::new(Type::Bool, "whether a page of it may read the answer"),
                    ),
                    (
                        "with_credentials",
                        Field::new(
                            Type::Bool,
                            "whether it may do so with the user's credentials",
                        ),
                    ),
                ])),
                "origins that nobody meant to allow, and what they got",
            ),
        ),
        (
            "foreign_preflight_allowed",
            Field::new(
                Type::Bool,
                "whether the random foreign origin passed the preflight",
            ),
        ),
    ];
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn answer_type(is_preflight: bool) -> Type {
    let mut fields = vec![
        ("status", Field::new(Type::Int, "the status code")),
        (
            "allowed",
            Field::new(Type::Bool, "whether a browser lets the page go on"),
        ),
        (
            "why",
            Field::new(
                Type::list(Type::String),
                "why it does not; empty where it does",
            ),
        ),
        (
            "origin",
            Field::optional(Type::String, "`Access-Control-Allow-Origin` as it came"),
        ),
        (
            "credentials",
            Field::new(
                Type::Bool,
                "whether `Access-Control-Allow-Credentials` is `true`",
            ),
        ),
        (
            "vary",
            Field::new(
                Type::list(Type::String),
                "the names in `Vary`, in lower case: without `origin` a cache may mix answers up",
            ),
        ),
    ];
    if is_preflight {
        fields.extend([
            (
                "methods",
                Field::optional(
                    Type::list(Type::String),
                    "`Access-Control-Allow-Methods`; absent where it is or cannot be read",
                ),
            ),
            (
                "headers",
                Field::optional(
                    Type::list(Type::String),
                    "`Access-Control-Allow-Headers` in lower case; absent where it is or cannot be read",
                ),
            ),
            (
                "max_age",
                Field::optional(Type::Duration, "how long the answer may be kept"),
            ),
        ]);
    } else {
        fields.push((
            "exposed",
            Field::optional(
                Type::list(Type::String),
                "`Access-Control-Expose-Headers` in lower case",
            ),
        ));
    }
    Type::fields(fields)
}

/// The facts.
pub(super) fn seen(all: &Seen<'_>) -> probe::Seen {
    let page = all.page;
    let echoed = |answer: &Fetched| {
        answer.combined("access-control-allow-origin").as_deref() == Some(&all.stranger)
    };
    let mut reflects = echoed(&all.stranger_preflight);
    let mut both = is_wildcard_with_credentials(&all.preflight)
        || is_wildcard_with_credentials(&all.simple)
        || is_wildcard_with_credentials(&all.stranger_preflight);
    let mut foreign = Vec::new();
    let mut rows = vec![row("the page", &page.origin, &all.simple, page.credentials)];
    for one in &all.foreign {
        reflects |= one.kind == "random" && echoed(&one.answer);
        both |= is_wildcard_with_credentials(&one.answer);
        rows.push(row(one.kind, &one.origin, &one.answer, false));
        let allowed = |credentials| checked(&one.answer, &one.origin, credentials).is_ok();
        foreign.push(Value::Map(map([
            ("kind", Some(one.kind.into())),
            ("origin", Some(one.origin.as_str().into())),
            ("allowed", Some(allowed(false).into())),
            ("with_credentials", Some(allowed(true).into())),
        ])));
    }
    let stranger = Page {
        origin: all.stranger.clone(),
        method: page.method.clone(),
        headers: page.headers.clone(),
        credentials: page.credentials,
    };
    let passes = refusals_of_preflight(&all.stranger_preflight, &stranger).is_empty();
    let facts: Map = [
        ("origin", Value::from(page.origin.as_str())),
        ("preflight", preflight(&all.preflight, page)),
        ("simple", simple(&all.simple, page)),
        ("reflects_any", reflects.into()),
        ("wildcard_with_credentials", both.into()),
        ("foreign", Value::List(foreign)),
        ("foreign_preflight_allowed", passes.into()),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    probe::Seen {
        facts,
        shown: vec![Shown::Table {
            title: "Who may read the answer".to_owned(),
            head: ["who", "origin", "allowed", "Access-Control-Allow-Origin"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        }],
        absent: nothing_there(all).into_iter().collect(),
        ..probe::Seen::default()
    }
}

/// An error page without a word on other origins says nothing of what the service would say: that it lets no foreign
/// origin in proves nothing then.
fn nothing_there(all: &Seen<'_>) -> Option<Absence> {
    let header = "access-control-allow-origin";
    let status = all.simple.status;
    let is_none = [404, 410].contains(&status) || status >= 500;
    let silent = [&all.preflight, &all.simple];
    let silent = silent.iter().all(|answer| answer.header(header).is_none());
    (is_none && silent).then(|| Absence {
        fact: "foreign".to_owned(),
        why: format!("the GET was answered {status}, without a word on other origins"),
    })
}

fn row(who: &str, origin: &str, answer: &Fetched, credentials: bool) -> Vec<String> {
    let allowed = match checked(answer, origin, credentials) {
        Ok(()) => "yes",
        Err(_) => "no",
    };
    let named = answer.combined("access-control-allow-origin");
    vec![
        who.to_owned(),
        origin.to_owned(),
        allowed.to_owned(),
        named.unwrap_or_default(),
    ]
}

fn preflight(answer: &Fetched, page: &Page) -> Value {
    let methods = names(answer, "access-control-allow-methods");
    let headers = names(answer, "access-control-allow-headers");
    let headers = headers.map(|names| names.map(|n| n.iter().map(lower).collect()));
    let age = answer.combined("access-control-max-age");
    let age = age.and_then(|text| text.trim().parse::<u32>().ok());
    let why = refusals_of_preflight(answer, page);
    let mut facts = common(answer, why);
    facts.extend(map([
        ("methods", methods.and_then(Result::ok).map(texts)),
        ("headers", headers.and_then(Result::ok).map(texts)),
        (
            "max_age",
            age.map(|s| Value::Duration(i64::from(s) * 1_000_000_000)),
        ),
    ]));
    Value::Map(facts)
}

fn simple(answer: &Fetched, page: &Page) -> Value {
    let why = checked(answer, &page.origin, page.credentials).err();
    let exposed = names(answer, "access-control-expose-headers").and_then(Result::ok);
    let mut facts = common(answer, why.into_iter().collect());
    facts.extend(map([(
        "exposed",
        exposed.map(|names| texts(names.iter().map(lower).collect())),
    )]));
    Value::Map(facts)
}

fn common(answer: &Fetched, why: Vec<String>) -> Map {
    let vary = answer.combined("vary").unwrap_or_default();
    let vary = vary.split(',').map(str::trim).filter(|n| !n.is_empty());
    map([
        ("status", Some(answer.status.into())),
        ("allowed", Some(why.is_empty().into())),
        ("why", Some(texts(why))),
        (
            "origin",
            answer
                .combined("access-control-allow-origin")
                .map(Value::from),
        ),
        ("credentials", Some(allows_credentials(answer).into())),
        (
            "vary",
            Some(texts(vary.map(str::to_ascii_lowercase).collect())),
        ),
    ])
}

/// The CORS check (4.9): whether a page of the origin may see the answer.
pub(super) fn checked(answer: &Fetched, origin: &str, credentials: bool) -> Result<(), String> {
    let Some(allowed) = answer.combined("access-control-allow-origin") else {
        return Err("there is no Access-Control-Allow-Origin".to_owned());
    };
    if !credentials && allowed == "*" {
        return Ok(());
    }
    if allowed != origin {
        let lines = answer.all("access-control-allow-origin").count();
        return Err(if allowed == "*" {
            "`*` does not hold for a request with credentials".to_owned()
        } else if lines > 1 {
            format!("Access-Control-Allow-Origin was sent {lines} times")
        } else {
            format!("Access-Control-Allow-Origin is {allowed:?}, not the page's origin")
        });
    }
    if credentials && !allows_credentials(answer) {
        let said = answer.combined("access-control-allow-credentials");
        return Err(match said {
            Some(said) => format!("Access-Control-Allow-Credentials is {said:?}, not `true`"),
            None => "there is no Access-Control-Allow-Credentials".to_owned(),
        });
    }
    Ok(())
}

/// The steps of a CORS-preflight fetch (4.8) that fail; none where the page may go on.
pub(super) fn refusals_of_preflight(answer: &Fetched, page: &Page) -> Vec<String> {
    let mut why: Vec<String> = Vec::new();
    why.extend(checked(answer, &page.origin, page.credentials).err());
    if !(200..300).contains(&answer.status) {
        let status = answer.status;
        why.push(format!("the answer is {status}: only 200 to 299 will do"));
    }
    let list = |name: &str, why: &mut Vec<String>| match names(answer, name) {
        None => Vec::new(),
        Some(Ok(names)) => names,
        Some(Err(value)) => {
            why.push(format!("{name} cannot be read: {value:?}"));
            Vec::new()
        }
    };
    let methods = list("access-control-allow-methods", &mut why);
    let headers = list("access-control-allow-headers", &mut why);
    let any = |names: &[String]| !page.credentials && names.iter().any(|name| name == "*");
    // The methods that a form may send need no permission.
    let is_free = ["GET", "HEAD", "POST"].contains(&page.method.as_str());
    if !is_free && !methods.contains(&page.method) && !any(&methods) {
        why.push(format!(
            "{} is not in Access-Control-Allow-Methods",
            page.method
        ));
    }
    for name in &page.headers {
        let is_named = headers.iter().any(|given| given.eq_ignore_ascii_case(name));
        // A token is sent only where the header is named: `*` does not cover it.
        if !is_named && (name == "authorization" || !any(&headers)) {
            why.push(format!("{name} is not in Access-Control-Allow-Headers"));
        }
    }
    why
}

fn allows_credentials(answer: &Fetched) -> bool {
    // Compared byte by byte: `True` is none.
    let said = answer.combined("access-control-allow-credentials");
    said.as_deref() == Some("true")
}

fn is_wildcard_with_credentials(answer: &Fetched) -> bool {
    let allowed = answer.combined("access-control-allow-origin");
    allowed.as_deref() == Some("*") && allows_credentials(answer)
}

/// A list of names in a header; the value where it is no such list.
fn names(answer: &Fetched, header: &str) -> Option<Result<Vec<String>, String>> {
    let value = answer.combined(header)?;
    let names = value.split(',').map(str::trim).filter(|n| !n.is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    Some(if names.iter().all(|name| is_token(name)) {
        Ok(names)
    } else {
        Err(value)
    })
}

fn lower(name: &String) -> String {
    name.to_ascii_lowercase()
}

fn texts(all: Vec<String>) -> Value {
    Value::List(all.into_iter().map(Value::from).collect())
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    there.collect()
}
