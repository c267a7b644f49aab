//! What a description says: its operations, with parameters, bodies, answers and security.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

use super::document::{At, Documents, Leads, resolve};
use super::schemas::DIALECTS;
use super::valid::shortened;

/// The keys of a path item that are operations (OpenAPI 3.1.1, 4.8.9.1).
pub(super) const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// No description has more parameters and answers, references followed.
const MAX_PARTS: usize = 200_000;

/// No path is longer.
const MAX_PATH: usize = 2000;

/// The versions that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 3.0: schemas are an extended subset of JSON Schema Wright Draft 00.
    V30,
    /// 3.1: schemas are JSON Schema 2020-12.
    V31,
}

/// A description.
pub(super) struct Api<'d> {
    /// As written: `3.1.0`.
    pub(super) openapi: String,
    pub(super) version: Version,
    /// `info.title` and `info.version`.
    pub(super) title: Option<&'d str>,
    pub(super) release: Option<&'d str>,
    /// The keys of `paths`.
    pub(super) paths: Vec<&'d str>,
    pub(super) operations: Vec<Operation<'d>>,
    /// The security schemes by their names, without descriptions.
    pub(super) schemes: BTreeMap<String, Json>,
    pub(super) problems: Vec<Problem>,
    /// Paths whose operations could not be read, so that the list is not whole.
    pub(super) is_partial: Option<String>,
    /// Parameters, bodies or answers that could not be read.
    pub(super) is_unread: Option<String>,
}

/// Something wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) place: String,
    pub(super) message: String,
}

/// A method on a path.
pub(super) struct Operation<'d> {
    /// In capitals.
    pub(super) method: String,
    pub(super) path: &'d str,
    pub(super) is_deprecated: bool,
    pub(super) parameters: Vec<Parameter<'d>>,
    pub(super) body: Option<Body<'d>>,
    /// By status: `200`, `2XX`, `default`; nothing where the reference leads nowhere.
    pub(super) responses: BTreeMap<String, Response<'d>>,
    /// Each way in: schemes with their scopes. Empty: nobody is asked who they are.
    pub(super) security: BTreeSet<Way>,
    /// The address before the path, variables filled in.
    pub(super) server: String,
}

/// Schemes that are all asked for, with their scopes.
pub(super) type Way = BTreeMap<String, BTreeSet<String>>;

/// A parameter.
#[derive(Clone)]
pub(super) struct Parameter<'d> {
    pub(super) name: &'d str,
    pub(super) location: Location,
    pub(super) is_required: bool,
    /// Of the parameter, or of its only content.
    pub(super) schema: Option<At<'d>>,
    /// The whole object.
    pub(super) object: At<'d>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

impl Location {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let all = [Self::Path, Self::Query, Self::Header, Self::Cookie];
        all.into_iter().find(|l| l.word() == text)
    }
}

/// What a request carries.
pub(super) struct Body<'d> {
    pub(super) is_required: bool,
    /// By media type.
    pub(super) content: BTreeMap<String, Media<'d>>,
}

/// What an answer is.
pub(super) struct Response<'d> {
    /// By media type; empty where it has no body.
    pub(super) content: BTreeMap<String, Media<'d>>,
}

/// What one media type holds.
#[derive(Clone, Copy)]
pub(super) struct Media<'d> {
    pub(super) schema: Option<At<'d>>,
    pub(super) object: At<'d>,
}

impl Operation<'_> {
    /// `GET /users/{id}`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The answer that is documented for a status.
    pub(super) fn response(&self, status: u16) -> Option<&Response<'_>> {
        let exact = self.responses.get(&status.to_string());
        let range = || self.responses.get(&format!("{}XX", status / 100));
        exact
            .or_else(range)
            .or_else(|| self.responses.get("default"))
    }
}

impl<'d> Media<'d> {
    /// The content of a request or an answer.
    fn all(at: At<'d>) -> BTreeMap<String, Self> {
        let content = at.get("content").into_iter().flat_map(At::members);
        content
            .map(|(name, object)| {
                let schema = object.get("schema");
                (media_type(name), Self { schema, object })
            })
            .collect()
    }
}

/// A media type without its parameters, in small letters.
pub(super) fn media_type(text: &str) -> String {
    let bare = text.split(';').next().unwrap_or(text);
    bare.trim().to_ascii_lowercase()
}

/// Whether a media type is JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// Why a text is no description that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of a document.
fn version(root: At<'_>) -> Result<(String, Version), Unreadable> {
    if let Some(old) = root.node.get("swagger") {
        let old = old.as_str().map_or_else(|| old.to_string(), str::to_owned);
        return Err(Unreadable(format!(
            "this is Swagger {old}, the form before OpenAPI 3: convert it (swagger2openapi, or the framework's own OpenAPI 3 document) and name that"
        )));
    }
    let named = root.node.get("openapi").ok_or_else(|| {
        Unreadable("it has no `openapi`, so it is no OpenAPI document".to_owned())
    })?;
    let text = named.as_str().ok_or_else(|| {
        Unreadable(format!(
            "its `openapi` is {named}, and a text such as \"3.1.0\" is expected"
        ))
    })?;
    let version = if text == "3.0" || text.starts_with("3.0.") {
        Version::V30
    } else if text == "3.1" || text.starts_with("3.1.") {
        Version::V31
    } else {
        return Err(Unreadable(format!(
            "it is OpenAPI {text}, and 3.0 and 3.1 are read"
        )));
    };
    Ok((text.to_owned(), version))
}

/// Reads a description.
pub(super) fn read(documents: &Documents) -> Result<Api<'_>, Unreadable> {
    let root = documents.root();
    let (openapi, version) = version(root)?;
    let info = root.get("info");
    let mut reader = Reader {
        documents,
        root,
        problems: Vec::new(),
        partial: None,
        unread: None,
        parts: 0,
    };
    let dialect = root.text("jsonSchemaDialect");
    if let Some(dialect) = dialect.filter(|d| !DIALECTS.contains(d)) {
        let told = format!("`{dialect}` is not read; schemas are taken for JSON Schema 2020-12");
        reader.problem("jsonSchemaDialect", told);
    }
    for (reference, why) in documents.refused() {
        reader.problem(reference, why.to_owned());
    }
    let mut api = Api {
        openapi,
        version,
        title: info.and_then(|i| i.text("title")),
        release: info.and_then(|i| i.text("version")),
        paths: Vec::new(),
        operations: Vec::new(),
        schemes: schemes(documents),
        problems: Vec::new(),
        is_partial: None,
        is_unread: None,
    };
    match root.node.get("paths") {
        None if version == Version::V30 => reader.problem("paths", "is missing"),
        Some(paths) if !paths.is_object() => {
            return Err(Unreadable("its `paths` is no mapping".to_owned()));
        }
        _ => {}
    }
    let paths = root.get("paths").into_iter().flat_map(At::members);
    for (path, item) in paths.filter(|(path, _)| !path.starts_with("x-")) {
        let is_path = path.starts_with('/') && path.len() <= MAX_PATH;
        if !is_path || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
            let told =
                format!("a path begins with `/`, has no blanks and at most {MAX_PATH} letters");
            reader.problem(path, told);
            continue;
        }
        api.paths.push(path);
        reader.item(path, item, &mut api.operations);
        if reader.parts > MAX_PARTS {
            return Err(Unreadable(format!(
                "its operations have more than {MAX_PARTS} parts (parameters, answers), references followed"
            )));
        }
    }
    reader.identical(&api.paths);
    api.problems = reader.problems;
    api.is_partial = reader.partial;
    api.is_unread = reader.unread;
    Ok(api)
}

struct Reader<'d> {
    documents: &'d Documents,
    root: At<'d>,
    problems: Vec<Problem>,
    partial: Option<String>,
    unread: Option<String>,
    /// What was read so far: references make much out of little.
    parts: usize,
}

impl<'d> Reader<'d> {
    fn problem(&mut self, place: &str, message: impl Into<String>) {
        // A document of nothing but mistakes must not become a list without end.
        if self.problems.len() < 200 {
            self.problems.push(Problem {
                place: shortened(place),
                message: shortened(&message.into()),
            });
        }
    }

    fn follow(&mut self, place: &str, at: At<'d>) -> Option<At<'d>> {
        let why = match self.documents.follow(at) {
            Ok(found) if found.node.is_object() => return Some(found),
            Ok(_) => "is no mapping".to_owned(),
            Err(why) => why,
        };
        self.unread = Some(format!(
            "a part of `{}` could not be read",
            shortened(place)
        ));
        self.problem(place, why);
        None
    }

    fn item(&mut self, path: &'d str, item: At<'d>, operations: &mut Vec<Operation<'d>>) {
        let Some(found) = self.follow(path, item) else {
            self.partial = Some(format!("the operations of `{path}` could not be read"));
            return;
        };
        for method in METHODS {
            // Beside a reference further operations may stand; the item's own go before.
            let Some(at) = item.get(method).or_else(|| found.get(method)) else {
                continue;
            };
            let name = format!("{} {path}", method.to_ascii_uppercase());
            if !at.node.is_object() {
                self.problem(&name, "is no mapping");
                self.partial = Some(format!("`{name}` could not be read"));
                continue;
            }
            self.parts += 1;
            if self.parts > MAX_PARTS {
                return;
            }
            let operation = self.operation(path, method, found, at);
            operations.push(operation);
        }
    }

    fn operation(
        &mut self,
        path: &'d str,
        method: &str,
        item: At<'d>,
        at: At<'d>,
    ) -> Operation<'d> {
        let method = method.to_ascii_uppercase();
        let name = format!("{method} {path}");
        let parameters = self.parameters(&name, path, item, at);
        let body = at.get("requestBody").and_then(|body| {
            let body = self.follow(&format!("{name} requestBody"), body)?;
            Some(Body {
                is_required: body.is("required"),
                content: Media::all(body),
            })
        });
        let mut responses = BTreeMap::new();
        let documented = at.get("responses").into_iter().flat_map(At::members);
        for (status, response) in documented.filter(|(s, _)| !s.starts_with("x-")) {
            self.parts += 1;
            let Some(response) = self.follow(&format!("{name} {status}"), response) else {
                continue;
            };
            let content = Media::all(response);
            responses.insert(
                status.to_ascii_uppercase().replace("DEFAULT", "default"),
                Response { content },
            );
        }
        if responses.is_empty() {
            self.problem(&name, "documents no answer");
        }
        let security = at.get("security").or_else(|| self.root.get("security"));
        let servers = [at, item, self.root];
        let server = servers.iter().find_map(|a| server(a.get("servers")?));
        Operation {
            method,
            path,
            is_deprecated: at.is("deprecated"),
            parameters,
            body,
            responses,
            security: security.map(ways).unwrap_or_default(),
            server: server.unwrap_or_default(),
        }
    }

    /// The parameters of the path item and of the operation, whose own go before.
    fn parameters(
        &mut self,
        name: &str,
        path: &str,
        item: At<'d>,
        at: At<'d>,
    ) -> Vec<Parameter<'d>> {
        let mut all: BTreeMap<(Location, &str), Parameter<'d>> = BTreeMap::new();
        let lists = [item.get("parameters"), at.get("parameters")];
        for parameter in lists.into_iter().flatten().flat_map(At::items) {
            self.parts += 1;
            if self.parts > MAX_PARTS {
                break;
            }
            let Some(object) = self.follow(&format!("{name} parameters"), parameter) else {
                continue;
            };
            let location = object.text("in").and_then(Location::of);
            let (Some(called), Some(location)) = (object.text("name"), location) else {
                self.problem(
                    name,
                    "has a parameter without `name` or with an unknown `in`",
                );
                continue;
            };
            let content = object.get("content").and_then(|c| c.members().next());
            let schema = object.get("schema").or_else(|| content?.1.get("schema"));
            let parameter = Parameter {
                name: called,
                location,
                is_required: object.is("required") || location == Location::Path,
                schema,
                object,
            };
            all.insert((location, called), parameter);
        }
        for wanted in placeholders(path) {
            if !all.contains_key(&(Location::Path, wanted)) {
                self.problem(
                    name,
                    format!("the parameter `{wanted}` of the path is not described"),
                );
            }
        }
        all.into_values().collect()
    }

    /// Paths that are the same but for the names of their parameters.
    fn identical(&mut self, paths: &[&'d str]) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for path in paths {
            if let Some(other) = seen.insert(unnamed(path), path) {
                self.problem(path, format!("is the same path as `{other}`"));
            }
        }
    }
}

/// The names in braces of a path.
pub(super) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        Some(name)
    })
}

/// A path without the names of its parameters: `/users/{}`.
pub(super) fn unnamed(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        out.push_str("{}");
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The ways in. A way that asks for nothing makes all others needless to those who come without credentials.
fn ways(at: At<'_>) -> BTreeSet<Way> {
    let way = |way: At<'_>| -> Way {
        way.members()
            .map(|(scheme, scopes)| {
                let scopes = scopes.items().filter_map(|s| s.node.as_str());
                (scheme.to_owned(), scopes.map(str::to_owned).collect())
            })
            .collect()
    };
    at.items().map(way).collect()
}

/// The address of the first server, its variables at their defaults.
fn server(at: At<'_>) -> Option<String> {
    let first = at.items().next()?;
    let mut url = first.text("url")?.to_owned();
    for (name, variable) in first.get("variables").into_iter().flat_map(At::members) {
        let default = variable.node.get("default").map(|d| match d {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        });
        if let Some(default) = default.filter(|d| d.len() < 1000 && url.len() < 10_000) {
            url = url.replace(&format!("{{{name}}}"), &default);
        }
    }
    Some(url)
}

/// The security schemes by their names, without what is only for people.
fn schemes(documents: &Documents) -> BTreeMap<String, Json> {
    let components = documents.root().get("components");
    let schemes = components.and_then(|c| c.get("securitySchemes"));
    let schemes = schemes.into_iter().flat_map(At::members);
    schemes
        .filter_map(|(name, scheme)| {
            let mut scheme = documents.follow(scheme).ok()?.node.clone();
            if let Some(members) = scheme.as_object_mut() {
                members.retain(|key, _| key != "description" && !key.starts_with("x-"));
            }
            Some((name.to_owned(), scheme))
        })
        .collect()
}

/// The path before those of a document that stands there, by its server; without a slash at its end.
pub(super) fn server_path(document: &str, server: &str) -> String {
    let host = server
        .strip_prefix("//")
        .or_else(|| Some(server.split_once("://")?.1));
    let path = match host {
        Some(rest) => rest.find('/').map_or("", |start| &rest[start..]),
        None => server,
    };
    let path = path.split(['?', '#']).next().unwrap_or("");
    if path.is_empty() {
        return String::new();
    }
    // What has no host is read against the document's own place (OpenAPI 3.1.1, 4.6.2).
    match resolve(document, "", path) {
        Leads::To(path) => path.trim_end_matches('/').to_owned(),
        Leads::Refused(_) => String::new(),
    }
}
