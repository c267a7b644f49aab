//! Documents as they came: parsed, bounded, and what they refer to found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value as Json;

use crate::{json, yaml};

/// All documents together are no larger.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// No more of them are read.
pub(super) const MAX_DOCUMENTS: usize = 64;
/// No document has more values: a megabyte of `0,0,0,…` would take a hundred of memory.
const MAX_VALUES: u64 = 1_000_000;
/// References that lead to references, in a row.
const MAX_HOPS: usize = 32;

/// Reads JSON, or YAML where it is none.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.trim_start();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if start.starts_with(['{', '[']) {
        // What does not parse may still be YAML in its flow style; then the message of JSON says more.
        let counted = json::count(text.as_bytes());
        match counted {
            Ok(values) if values > MAX_VALUES => {
                return Err(format!("it has {values} values, and {MAX_VALUES} are read"));
            }
            Ok(_) => return serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}")),
            Err(e) => {
                return match yaml::read(text) {
                    Ok(node) if node.map().is_some() => Ok(node.json()),
                    _ => Err(format!("it is not JSON: {e}")),
                };
            }
        }
    }
    if start.starts_with('<') {
        return Err("it is a page (it begins with `<`), not JSON or YAML".to_owned());
    }
    let node = yaml::read(text).map_err(|e| format!("line {}: {}", e.line, e.message))?;
    if node.map().is_none() {
        return Err(format!("it is {}, not a mapping", node.what()));
    }
    Ok(node.json())
}

/// A document and where it was.
pub(super) struct Document {
    /// Its path on the target's host.
    pub(super) path: String,
    /// What it holds.
    pub(super) root: Json,
}

/// The documents of one description: the first is the one that was asked for.
pub(super) struct Documents {
    all: Vec<Document>,
    /// References that are not followed, as written, and why.
    refused: BTreeMap<(usize, String), String>,
    /// The documents that references name.
    found: BTreeMap<(usize, String), usize>,
    /// References that nobody has looked at yet, with the document that they stand in.
    queue: VecDeque<(usize, String)>,
    /// Scheme, host and port of the target: `https://shop.example:8443`.
    origin: String,
}

/// Where a reference leads: to a document on the same host, or elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// The path there.
    To(String),
    /// Why it is not followed.
    Refused(String),
}

/// A place in the documents.
#[derive(Clone, Copy)]
pub(super) struct At<'d> {
    /// Which document.
    pub(super) document: usize,
    /// What is there.
    pub(super) node: &'d Json,
}

impl<'d> At<'d> {
    /// The member of a mapping.
    pub(super) fn get(self, key: &str) -> Option<At<'d>> {
        let node = self.node.get(key)?;
        Some(At { node, ..self })
    }

    /// The members of a mapping; none of anything else.
    pub(super) fn members(self) -> impl Iterator<Item = (&'d str, At<'d>)> {
        let members = self.node.as_object().into_iter().flatten();
        members.map(move |(name, node)| (name.as_str(), At { node, ..self }))
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(self) -> impl Iterator<Item = At<'d>> {
        let items = self.node.as_array().into_iter().flatten();
        items.map(move |node| At { node, ..self })
    }

    /// The text of a member.
    pub(super) fn text(self, key: &str) -> Option<&'d str> {
        self.node.get(key)?.as_str()
    }

    /// The truth of a member; false where it has none.
    pub(super) fn is(self, key: &str) -> bool {
        self.node.get(key).and_then(Json::as_bool).unwrap_or(false)
    }
}

impl Documents {
    /// One that was fetched from there.
    pub(super) fn of(path: &str, origin: &str, root: Json) -> Self {
        let mut documents = Self {
            all: Vec::new(),
            refused: BTreeMap::new(),
            found: BTreeMap::new(),
            queue: VecDeque::new(),
            origin: origin.to_owned(),
        };
        documents.add(path.to_owned(), root);
        documents
    }

    /// One that came from nowhere and refers to nothing.
    pub(super) fn alone(root: Json) -> Self {
        Self::of("/", "", root)
    }

    /// The root of the first.
    pub(super) fn root(&self) -> At<'_> {
        let node = self.all.first().map_or(&Json::Null, |d| &d.root);
        At { document: 0, node }
    }

    /// The paths of all, in the order in which they were read.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|d| d.path.as_str())
    }

    /// References that were not followed: the reference and why.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        let refused = self.refused.iter();
        refused.map(|((_, reference), why)| (reference.as_str(), why.as_str()))
    }

    /// The references that lead out of the document that they stand in and were not looked at.
    pub(super) fn outside(&self) -> impl Iterator<Item = &str> {
        self.queue.iter().map(|(_, reference)| reference.as_str())
    }

    /// The next reference that nobody has looked at: the document it stands in, the reference, where it leads.
    pub(super) fn next(&mut self) -> Option<(usize, String, Leads)> {
        let (document, reference) = self.queue.pop_front()?;
        let base = self.all.get(document).map_or("/", |d| d.path.as_str());
        let leads = resolve(base, &self.origin, &reference);
        Some((document, reference, leads))
    }

    /// The document at that path, where it was read already.
    pub(super) fn known(&self, path: &str) -> Option<usize> {
        self.all.iter().position(|d| d.path == path)
    }

    /// Says which document a reference means.
    pub(super) fn link(&mut self, from: usize, reference: String, to: usize) {
        self.found.insert((from, reference), to);
    }

    /// Adds a document.
    pub(super) fn add(&mut self, path: String, root: Json) -> usize {
        let number = self.all.len();
        let mut found = BTreeSet::new();
        references(&root, false, &mut found);
        self.queue.extend(found.into_iter().map(|r| (number, r)));
        self.all.push(Document { path, root });
        number
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Says why a reference is not followed.
    pub(super) fn refuse(&mut self, from: usize, reference: String, why: String) {
        self.refused.insert((from, reference), why);
    }

    /// Follows references until something else stands there. A place without one is itself.
    pub(super) fn follow<'d>(&'d self, at: At<'d>) -> Result<At<'d>, String> {
        let mut now = at;
        for _ in 0..MAX_HOPS {
            let Some(reference) = now.text("$ref") else {
                return Ok(now);
            };
            now = self.find(now.document, reference)?.1;
        }
        let reference = at.text("$ref").unwrap_or("");
        Err(format!(
            "`{reference}` leads in a circle, or over more than {MAX_HOPS} references"
        ))
    }

    /// The place that one reference names, and the pointer that it was found by.
    pub(super) fn find<'d>(
        &'d self,
        from: usize,
        reference: &str,
    ) -> Result<(String, At<'d>), String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() {
            from
        } else {
            let key = (from, file.to_owned());
            if let Some(why) = self.refused.get(&key) {
                return Err(why.clone());
            }
            let found = self.found.get(&key).copied();
            found.ok_or_else(|| format!("`{reference}` was not read"))?
        };
        let pointer = percent_decoded(fragment);
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!(
                "`{reference}` names an anchor, which is not followed"
            ));
        }
        let root = self.all.get(document).map_or(&Json::Null, |d| &d.root);
        let node = root.pointer(&pointer);
        let node = node.ok_or_else(|| format!("`{reference}` leads to nothing"))?;
        Ok((pointer, At { document, node }))
    }
}

/// The keys under which names of the author's own stand, so that a key there is no keyword.
const NAMES: [&str; 12] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
    "schemas",
    "responses",
    "parameters",
    "requestBodies",
    "headers",
    "paths",
    "pathItems",
];

/// The keywords whose values are data, in which `$ref` means nothing.
const DATA: [&str; 6] = ["example", "examples", "default", "enum", "const", "mapping"];

/// All documents that are referred to; the depth is that of the parser at most.
fn references(node: &Json, names: bool, found: &mut BTreeSet<String>) {
    match node {
        Json::Array(items) => items.iter().for_each(|i| references(i, false, found)),
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(text) if key == "$ref" && !names => {
                        let file = text.split_once('#').map_or(text.as_str(), |(file, _)| file);
                        if !file.is_empty() {
                            found.insert(file.to_owned());
                        }
                    }
                    _ if !names && (DATA.contains(&key.as_str()) || key.starts_with("x-")) => {}
                    _ => {
                        let below = !names && NAMES.contains(&key.as_str()) && value.is_object();
                        references(value, below, found);
                    }
                }
            }
        }
        _ => {}
    }
}

/// Where a reference leads (RFC 3986, 5.2), as far as it stays on the host.
pub(super) fn resolve(base: &str, origin: &str, reference: &str) -> Leads {
    let refused = |why: &str| Leads::Refused(format!("`{reference}` {why}"));
    if reference
        .chars()
        .any(|c| c.is_control() || c.is_whitespace())
    {
        return refused("is no address");
    }
    let scheme_end = reference.find(':').filter(|end| {
        let scheme = &reference[..*end];
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    let path = match scheme_end {
        Some(_) => {
            let Some(rest) = strip_origin(reference, origin) else {
                return refused("stands on another host, from which nothing is read");
            };
            rest
        }
        None if reference.starts_with("//") => {
            return refused("stands on another host, from which nothing is read");
        }
        None => reference,
    };
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(p, q)| (p, Some(q)));
    let folder = base.split('?').next().unwrap_or(base);
    let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let query = query.map_or_else(String::new, |q| format!("?{q}"));
    Leads::To(format!("/{}{query}", parts.join("/")))
}

fn strip_origin<'t>(text: &'t str, origin: &str) -> Option<&'t str> {
    let head = text.get(..origin.len())?;
    let rest = text.get(origin.len()..)?;
    let same = !origin.is_empty() && head.eq_ignore_ascii_case(origin);
    (same && (rest.is_empty() || rest.starts_with(['/', '?']))).then_some(match rest {
        "" => "/",
        rest => rest,
    })
}

/// Takes the percent-encoding off; what is no encoding stays.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = more
            .get(..2)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
        let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            out.push(byte);
            rest = &more[2..];
        } else {
            out.push(*first);
            rest = more;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
