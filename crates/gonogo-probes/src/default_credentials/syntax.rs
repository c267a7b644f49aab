//! What a plan may write of the `default-credentials` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::known;
use crate::http::{Basic, request_line, without_templates};

/// The most pairs that are tried.
pub(super) const MAX_PAIRS: usize = 10;

/// `default-credentials:` tries to log in as everybody could. Failed logins are counted by what they fail at, and may
/// lock an account: the pairs are few, and of one user two at most unless the plan gives more.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultCredentialsOptions {
    /// The request that logs in, such as `POST /login`; with `as: basic` any that needs a login, such as `GET /api/user`.
    #[serde(rename = "default-credentials")]
    #[schemars(extend("format" = "request-line"))]
    pub default_credentials: String,
    /// How user and password are sent: `json` by default, `form`, or `basic`.
    #[serde(default, rename = "as")]
    pub way: Way,
    /// The product whose published first login is tried: `grafana`, `rabbitmq`, `sonarqube`, …
    pub product: Option<String>,
    /// Pairs to try, before or in place of those of a product; without either the most common ones of all are tried.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub pairs: Vec<Basic>,
    /// The field of `json` or `form` that holds the user: `username` by default.
    pub user_field: Option<String>,
    /// The field of `json` or `form` that holds the password: `password` by default.
    pub password_field: Option<String>,
    /// Further fields of `json` or `form`.
    #[serde(default)]
    pub with: BTreeMap<String, Json>,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The status codes that mean that somebody was let in: all of 2xx by default. A form often answers 302.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub let_in: Vec<u16>,
    /// Text in the body or in `Location` by which a login that failed is known although its status is that of one that
    /// was let in.
    pub failed_text: Option<String>,
}

/// How user and password are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// `Authorization: Basic` (RFC 7617).
    Basic,
    /// Fields of a JSON object.
    #[default]
    Json,
    /// Fields of a form.
    Form,
}

impl DefaultCredentialsOptions {
    /// The pairs that are tried, in order, none twice.
    pub(super) fn tried(&self) -> Result<Vec<(String, String)>, String> {
        let mut tried: Vec<(String, String)> = Vec::new();
        let mut add = |user: &str, password: &str| {
            let pair = (user.to_owned(), password.to_owned());
            if !tried.contains(&pair) {
                tried.push(pair);
            }
        };
        for pair in &self.pairs {
            add(&pair.user, &pair.password);
        }
        if let Some(name) = &self.product {
            let product = known::product(name).ok_or_else(|| unknown_product(name))?;
            product.pairs.iter().for_each(|(u, p)| add(u, p));
        } else if self.pairs.is_empty() {
            known::COMMON.iter().for_each(|(u, p)| add(u, p));
        }
        if tried.len() > MAX_PAIRS {
            return Err(format!(
                "{} pairs are more than {MAX_PAIRS}: guessing passwords is an attack, and this is none",
                tried.len()
            ));
        }
        Ok(tried)
    }
}

fn unknown_product(name: &str) -> String {
    let known: Vec<&str> = known::PRODUCTS.iter().map(|p| p.name).collect();
    format!(
        "`{name}` is no product that is known here ({})",
        known.join(", ")
    )
}

/// How many pairs will be tried at most.
pub(super) fn pairs_at_most(options: &Json) -> u64 {
    let options = serde_json::from_value::<DefaultCredentialsOptions>(options.clone());
    let pairs = options.ok().and_then(|o| o.tried().ok());
    pairs.map_or(MAX_PAIRS, |pairs| pairs.len()) as u64
}

/// What cannot mean anything.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let text = |key: &str| options.get(key).and_then(Json::as_str);
    let has = |key: &str| options.get(key).is_some();
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String, help: &str| {
        problems.push(OptionProblem {
            code: "default-credentials-options",
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    let line = without_templates(text("default-credentials").unwrap_or(""));
    let method = request_line(&line).map(|line| line.method);
    let way = text("as").unwrap_or("json");
    match method {
        Err(message) => problem(
            "default-credentials",
            message,
            "such as `default-credentials: POST /login`",
        ),
        Ok(method) if way != "basic" && matches!(method.as_str(), "GET" | "HEAD") => problem(
            "default-credentials",
            format!("a {method} has no body to hold a user and a password"),
            "write `POST`, or add `as: basic`",
        ),
        Ok(_) => {}
    }
    if way == "basic" {
        for key in ["user_field", "password_field", "with"] {
            if has(key) {
                let message = format!("`{key}` is a matter of a body, and `as: basic` has none");
                problem(key, message, "take it out, or write `as: json`");
            }
        }
    }
    if let Some(name) = text("product").filter(|n| !n.contains("${"))
        && known::product(name).is_none()
    {
        let help = "name a known one, or give its `pairs:`";
        problem("product", unknown_product(name), help);
    }
    if let Ok(options) = serde_json::from_value::<DefaultCredentialsOptions>(options.clone())
        && let Err(message) = options.tried()
        && !message.contains("no product")
    {
        problem("pairs", message, "leave out some");
    }
    if options
        .get("pairs")
        .and_then(Json::as_array)
        .is_some_and(Vec::is_empty)
    {
        let message = "an empty list of pairs tries nothing".to_owned();
        problem(
            "pairs",
            message,
            "leave `pairs:` out to try the most common ones",
        );
    }
    problems
}
