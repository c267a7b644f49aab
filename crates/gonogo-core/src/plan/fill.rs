//! Filling `${ … }` when a check runs: the same options with values in their places, and right by the schema again.

use serde_json::{Map, Value as Json};

use super::decode::Decoder;
use super::problems::Problems;
use super::schema::{KEY, json_schema};
use super::source::{Source, Sources, Span};
use super::syntax::Registry;
use super::tree::{Entry, Kind, Node, Style};
use crate::expr::{DEFAULT_BUDGET, Evaluated, Scope, parse_template};
use crate::value::Value;

/// Why options could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// A value that a template uses is not there: the check is skipped.
    #[error("{name} is missing: {why}")]
    Missing {
        /// `saved.token`, `inputs.dsn`.
        name: String,
        /// What is there instead.
        why: String,
    },
    /// The filled options make no sense: a `Cause::BadOptions`. Never holds a value that was filled in.
    #[error("{message}")]
    Bad {
        /// What is wrong.
        message: String,
    },
}

/// Fills options. Made once per run: it holds the schema.
#[derive(Debug)]
pub struct Filler {
    schema: Json,
}

impl Filler {
    /// A filler for these probes and targets.
    pub fn new(registry: &Registry) -> Self {
        Self {
            schema: json_schema(registry),
        }
    }

    /// Fills a check's options. A text that is one `${ … }` whole takes its value with its type; in a request line
    /// each value is percent-encoded as one segment.
    pub fn check(&self, probe: &str, options: &Json, scope: &Scope<'_>) -> Result<Json, FillError> {
        self.filled("Check", probe, options, scope)
    }

    /// Fills a target's options.
    pub fn target(&self, kind: &str, options: &Json, scope: &Scope<'_>) -> Result<Json, FillError> {
        self.filled("Target", kind, options, scope)
    }

    /// Fills an item of a written `for_each`.
    pub fn item(&self, item: &Json, scope: &Scope<'_>) -> Result<Json, FillError> {
        fill(item, scope, How::Plain)
    }

    fn filled(
        &self,
        slot: &str,
        key: &str,
        options: &Json,
        scope: &Scope<'_>,
    ) -> Result<Json, FillError> {
        let of = self.schema["$defs"][slot]["oneOf"].as_array();
        let one = of.into_iter().flatten().find(|one| one[KEY] == key);
        let (Some(one), Json::Object(options)) = (one, options) else {
            return Err(FillError::Bad {
                message: format!("`{key}` is not known to this program"),
            });
        };
        let mut filled = Map::new();
        for (name, value) in options {
            let how = How::of(&one["properties"][name]);
            filled.insert(name.clone(), fill(value, scope, how)?);
        }
        self.fitting(&Json::Object(filled), one, key)
    }

    /// The filled options in the types that the schema wants, or what does not fit. Messages name keys, not values:
    /// those may be secret.
    fn fitting(&self, filled: &Json, one: &Json, key: &str) -> Result<Json, FillError> {
        let mut sources = Sources::default();
        sources.add(Source::new("", String::new()));
        let mut problems = Problems::default();
        let mut decoder = Decoder {
            root: &self.schema,
            sources: &sources,
            problems: &mut problems,
            lenient: false,
            filled: true,
        };
        let node = node_of(filled);
        let mut out = Map::new();
        let mut wrong = Vec::new();
        for entry in node.entries() {
            let before = decoder.problems.errors();
            let schema = one["properties"].get(&*entry.key);
            let value = schema.and_then(|schema| decoder.value(&entry.value, schema, &entry.key));
            if let Some(value) = value.filter(|_| decoder.problems.errors() == before) {
                out.insert(entry.key.to_string(), value);
            } else {
                let wanted = schema.map_or_else(|| "nothing".to_owned(), |s| decoder.described(s));
                wrong.push(format!("`{}` wants {wanted}", entry.key));
            }
        }
        if wrong.is_empty() {
            return Ok(Json::Object(out));
        }
        Err(FillError::Bad {
            message: format!(
                "once filled, the options of `{key}` do not fit: {}, and got something else",
                wrong.join("; ")
            ),
        })
    }
}

/// How values get into a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// As JSON has them.
    Plain,
    /// Percent-encoded, each as one segment.
    RequestLine,
    /// As data of a type: bytes are told from text, as `{"$bytes": base64}`.
    Typed,
}

impl How {
    /// By the format in the schema of an option.
    fn of(schema: &Json) -> Self {
        let has = |format: &str| {
            let is = |schema: &Json| schema["format"] == format;
            is(schema) || schema["anyOf"].as_array().into_iter().flatten().any(is)
        };
        if has("request-line") || has("path") {
            Self::RequestLine
        } else if has("typed-values") {
            Self::Typed
        } else {
            Self::Plain
        }
    }

    /// For what is in a list or map in such a place.
    fn inside(self) -> Self {
        if self == Self::Typed {
            self
        } else {
            Self::Plain
        }
    }
}

fn fill(json: &Json, scope: &Scope<'_>, how: How) -> Result<Json, FillError> {
    Ok(match json {
        Json::String(text) if text.contains("${") => filled_text(text, scope, how)?,
        Json::Array(items) => {
            let items = items.iter().map(|item| fill(item, scope, how.inside()));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Json::Object(map) => {
            let entries = map
                .iter()
                .map(|(k, v)| Ok((k.clone(), fill(v, scope, how.inside())?)));
            Json::Object(entries.collect::<Result<_, FillError>>()?)
        }
        other => other.clone(),
    })
}

/// Bytes as themselves, in lists and maps too; all else as JSON has it.
fn typed(value: &Value) -> Json {
    match value {
        Value::Bytes(_) => serde_json::json!({ "$bytes": value.to_json() }),
        Value::List(items) => items.iter().map(typed).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), typed(v))).collect()),
        other => other.to_json(),
    }
}

fn filled_text(text: &str, scope: &Scope<'_>, how: How) -> Result<Json, FillError> {
    let bad = |message: String| FillError::Bad { message };
    let template = parse_template(text).map_err(|problems| {
        let first = problems.into_iter().next();
        bad(first.map_or_else(|| "a template cannot be read".to_owned(), |p| p.message))
    })?;
    let evaluated = if how == How::RequestLine {
        template.evaluate_with(scope, DEFAULT_BUDGET, segment)
    } else {
        template.evaluate(scope, DEFAULT_BUDGET)
    };
    match evaluated {
        Evaluated::Value(value) if how == How::Typed => Ok(typed(&value)),
        Evaluated::Value(value) => Ok(value.to_json()),
        Evaluated::Absent { path, message } => Err(FillError::Missing {
            name: path,
            why: message,
        }),
        Evaluated::TypeClash { message, .. }
        | Evaluated::Inconclusive { message }
        | Evaluated::Error { message } => Err(bad(message)),
    }
}

/// A text as one segment of a path: everything but unreserved characters is encoded (RFC 3986, 2.3), and so is a
/// segment of dots, which would climb.
fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let dots = !text.is_empty() && text.bytes().all(|b| b == b'.');
    let mut out = String::new();
    for byte in text.bytes() {
        let unreserved =
            byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && !dots);
        if unreserved {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// JSON as a tree without places.
fn node_of(json: &Json) -> Node {
    let (style, kind) = match json {
        Json::String(text) => (Style::Quoted, Kind::Scalar(text.as_str().into())),
        Json::Array(items) => (
            Style::Indented,
            Kind::List(items.iter().map(node_of).collect()),
        ),
        Json::Object(map) => {
            let entries = map.iter().map(|(key, value)| Entry {
                key: key.as_str().into(),
                key_span: Span::default(),
                value: node_of(value),
            });
            (Style::Indented, Kind::Map(entries.collect()))
        }
        scalar => (Style::Plain, Kind::Scalar(scalar.to_string().into())),
    };
    Node {
        span: Span::default(),
        style,
        tag: None,
        kind,
    }
}
