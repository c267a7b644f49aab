//! Loading: files in, a typed plan or every problem out.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::build;
use super::decode::Decoder;
use super::expand::TemplateBody;
use super::lint;
use super::problems::Problems;
use super::raw::RawPlan;
use super::schema::json_schema;
use super::source::{Sources, Span};
use super::syntax::Registry;
use super::tree::{self, Budget, Entry, Kind, Node};
use super::types::{Plan, PlanFile};
use crate::diag::{Diagnostic, Level};

/// The most files that one plan is made of.
const MAX_FILES: usize = 200;
/// The most bytes of all files together.
const MAX_TOTAL: usize = 32 * 1024 * 1024;

/// Where a plan's files come from: a folder, or a bundle.
pub trait Files {
    /// The bytes of a file; for a person, why not. The path is the one given to [`load`], or beside it.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// What loading came to.
#[derive(Debug)]
pub struct Loaded {
    /// The plan, where no error stands against it.
    pub plan: Option<Plan>,
    /// The waiver file that the plan names, else `waivers.yaml`, relative to the plan's folder.
    pub waivers: WaiverFile,
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// The waiver file of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverFile {
    /// Relative to the plan's folder.
    pub path: String,
    /// Whether the plan names it: then it must be there.
    pub named: bool,
}

impl Loaded {
    /// Whether an error stands against the plan.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.level == Level::Error)
    }
}

/// Loads the plan at a path with everything it includes, and lints it.
pub fn load(files: &dyn Files, path: &str, registry: &Registry) -> Loaded {
    let schema = json_schema(registry);
    let mut reader = Reader::new(files, path);
    let mut waivers = WaiverFile {
        path: "waivers.yaml".to_owned(),
        named: false,
    };
    let plan = reader.root(path, &schema).map(|gathered| {
        if let Some(named) = &gathered.raw.waivers {
            waivers = WaiverFile {
                path: named.clone(),
                named: true,
            };
        }
        let mut built = build::build(gathered, &mut reader, &schema, registry);
        lint::lint(&mut built, &mut reader, registry);
        built.plan
    });
    let errors = reader.problems.errors();
    let diagnostics = reader.problems.finish();
    let plan = plan.filter(|_| errors == 0).map(|mut plan| {
        plan.files = reader.files;
        plan
    });
    Loaded {
        plan,
        waivers,
        diagnostics,
    }
}

/// Everything read, before it is made sense of.
pub(super) struct Gathered {
    /// The plan's plain parts; what depends on probes is still a node.
    pub raw: RawPlan,
    /// The plan's own tree.
    pub root: Node,
    /// Gates of all files in the order in which they run.
    pub gates: Vec<GateNode>,
    /// Templates of all files.
    pub templates: BTreeMap<String, TemplateBody>,
    /// Known limitations of all files.
    pub limitations: Vec<Entry>,
    /// Stated findings of all files.
    pub findings: Vec<Entry>,
}

/// A gate as written.
pub(super) struct GateNode {
    /// Its id.
    pub id: String,
    /// Where that stands.
    pub id_span: Span,
    /// What it holds.
    pub node: Node,
}

/// Reads files and keeps what they came to.
pub(super) struct Reader<'f> {
    from: &'f dyn Files,
    folder: String,
    /// The texts.
    pub sources: Sources,
    /// The problems.
    pub problems: Problems,
    /// The files that the plan is made of.
    pub files: Vec<PlanFile>,
    budget: Budget,
    total: usize,
    /// The files being included, innermost last.
    open: Vec<String>,
}

impl<'f> Reader<'f> {
    /// Reads beside a plan.
    pub(super) fn new(from: &'f dyn Files, plan: &str) -> Self {
        let folder = plan.rfind('/').map_or("", |at| &plan[..=at]);
        Self {
            from,
            folder: folder.to_owned(),
            sources: Sources::default(),
            problems: Problems::default(),
            files: Vec::new(),
            budget: Budget::default(),
            total: 0,
            open: Vec::new(),
        }
    }

    /// Says a problem at a place.
    pub(super) fn say(&mut self, diagnostic: Diagnostic, at: Span) {
        self.problems.at(&self.sources, diagnostic, at);
    }

    /// A decoder that reports here.
    pub(super) fn decoder<'a>(&'a mut self, schema: &'a Json) -> Decoder<'a> {
        Decoder {
            root: schema,
            sources: &self.sources,
            problems: &mut self.problems,
            lenient: false,
            filled: false,
        }
    }

    /// Reads a file beside the plan into the plan's files; for a person, why not.
    pub(super) fn keep(&mut self, relative: &str) -> Result<Vec<u8>, String> {
        if let Some(known) = self.files.iter().find(|f| f.path == relative) {
            return Ok(known.bytes.clone());
        }
        let bytes = self.from.read(&format!("{}{relative}", self.folder))?;
        self.total = self.total.saturating_add(bytes.len());
        if self.files.len() >= MAX_FILES || self.total > MAX_TOTAL {
            return Err(format!(
                "a plan has at most {MAX_FILES} files with {MAX_TOTAL} bytes together"
            ));
        }
        self.files.push(PlanFile {
            path: relative.to_owned(),
            bytes: bytes.clone(),
        });
        Ok(bytes)
    }

    /// Reads and parses one YAML file.
    pub(super) fn tree(&mut self, relative: &str, bytes: &[u8]) -> Option<Node> {
        let shown = format!("{}{relative}", self.folder);
        tree::parse(
            &shown,
            bytes,
            &mut self.sources,
            &mut self.budget,
            &mut self.problems,
        )
    }

    fn root(&mut self, path: &str, schema: &Json) -> Option<Gathered> {
        let name = path[self.folder.len()..].to_owned();
        let bytes = match self.keep(&name) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.problems.nowhere(Diagnostic::error(
                    "no-plan",
                    format!("the plan {path} cannot be read: {why}"),
                ));
                return None;
            }
        };
        let root = self.tree(&name, &bytes)?;
        if !matches!(root.kind, Kind::Map(_)) {
            let message = format!("a plan is a mapping, and here stands {}", root.called());
            let problem = Diagnostic::error("wrong-type", message)
                .help("it begins with `gonogo: 1`; `gonogo init` writes a first one");
            self.say(problem, root.span);
            return None;
        }
        let slots = [
            ("subject", Json::Null),
            ("environments", json!({})),
            ("templates", json!({})),
            ("gates", json!({})),
            ("limitations", json!({})),
            ("findings", json!({})),
        ];
        let decoded = self.decoder(schema).object(&root, schema, "plan", &slots);
        let raw = match decoded {
            Some(json) => json,
            // What else is wrong can still be said: the parts that could not be read are left out.
            None => rescued(&root),
        };
        let Ok(raw) = serde_json::from_value::<RawPlan>(raw) else {
            // The decoder and the types have the schema in common; what it let through, they take.
            self.say(
                Diagnostic::error("unreadable", "the plan's plain parts cannot be read"),
                root.span,
            );
            return None;
        };
        let mut gathered = Gathered {
            raw,
            gates: Vec::new(),
            templates: BTreeMap::new(),
            limitations: Vec::new(),
            findings: Vec::new(),
            root,
        };
        self.open.push(name);
        // The gates and templates are moved out of the tree: of the rest only the plain parts are looked at again.
        let mut tree = std::mem::replace(&mut gathered.root, Node::nothing());
        if tree.get("gates").is_none() && tree.get("include").is_none() {
            let problem = Diagnostic::error("missing-key", "the key `gates` is missing")
                .help("`gates`: the criteria that the decision rests on");
            let at = tree.entries().first().map_or(tree.span, |e| e.key_span);
            self.say(problem, at);
        }
        self.parts(&mut tree, schema, &mut gathered);
        gathered.root = tree;
        self.open.pop();
        Some(gathered)
    }

    /// Gathers the gates and templates of one file, and of those it includes, in the order of its keys.
    fn parts(&mut self, tree: &mut Node, schema: &Json, gathered: &mut Gathered) {
        let Kind::Map(entries) = &mut tree.kind else {
            return;
        };
        for entry in entries {
            match &*entry.key {
                "gates" => {
                    for gate in self.moved("gates", "gates", &mut entry.value) {
                        self.gate(gate, gathered);
                    }
                }
                "templates" => {
                    for template in self.moved("templates", "checks", &mut entry.value) {
                        self.template(template, gathered);
                    }
                }
                "limitations" => {
                    let more = self.moved("limitations", "limitations", &mut entry.value);
                    gathered.limitations.extend(more);
                }
                "findings" => {
                    let more = self.moved("findings", "findings", &mut entry.value);
                    gathered.findings.extend(more);
                }
                "include" => {
                    let files: Vec<&Node> = match &entry.value.kind {
                        Kind::List(items) => items.iter().collect(),
                        _ => vec![&entry.value],
                    };
                    for file in files {
                        self.include(file, schema, gathered);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes the entries out of a mapping from names to things.
    fn moved(&mut self, key: &str, of: &str, node: &mut Node) -> Vec<Entry> {
        let Kind::Map(entries) = &mut node.kind else {
            let message = format!(
                "`{key}` wants a mapping from names to {of}, and here stands {}",
                node.called()
            );
            self.say(Diagnostic::error("wrong-type", message), node.span);
            return Vec::new();
        };
        let entries = std::mem::take(entries);
        if entries.is_empty() {
            let problem = Diagnostic::error("empty", format!("`{key}` is empty"));
            self.say(problem, node.span);
        }
        entries
    }

    fn gate(&mut self, entry: Entry, gathered: &mut Gathered) {
        if let Some(first) = gathered.gates.iter().find(|g| *g.id == *entry.key) {
            let place = self.sources.place(first.id_span);
            let message = format!("a gate `{}` is there already", entry.key);
            let problem = Diagnostic::error("duplicate-key", message)
                .help(format!("the first stands in {}:{}", place.file, place.line));
            self.say(problem, entry.key_span);
            return;
        }
        gathered.gates.push(GateNode {
            id: entry.key.into(),
            id_span: entry.key_span,
            node: entry.value,
        });
    }

    fn template(&mut self, entry: Entry, gathered: &mut Gathered) {
        if gathered.templates.contains_key(&*entry.key) {
            let message = format!("a template `{}` is there already", entry.key);
            self.say(Diagnostic::error("duplicate-key", message), entry.key_span);
            return;
        }
        let body = TemplateBody {
            name_span: entry.key_span,
            node: entry.value,
            used: false,
        };
        gathered.templates.insert(entry.key.into(), body);
    }

    fn include(&mut self, file: &Node, schema: &Json, gathered: &mut Gathered) {
        let Some(written) = file.text().filter(|t| !t.is_empty()) else {
            return;
        };
        let from = self
            .open
            .last()
            .map_or("", |f| f.rfind('/').map_or("", |at| &f[..=at]));
        let relative = match beside(from, written) {
            Ok(relative) => relative,
            Err(why) => {
                self.say(Diagnostic::error("bad-path", why), file.span);
                return;
            }
        };
        if self.open.contains(&relative) {
            let message = format!(
                "`{written}` is being included already: files include each other in a circle"
            );
            self.say(Diagnostic::error("include-cycle", message), file.span);
            return;
        }
        let bytes = match self.keep(&relative) {
            Ok(bytes) => bytes,
            Err(why) => {
                let message = format!("`{written}` cannot be read: {why}");
                self.say(Diagnostic::error("missing-file", message), file.span);
                return;
            }
        };
        let Some(mut tree) = self.tree(&relative, &bytes) else {
            return;
        };
        let slots = ["templates", "gates", "limitations", "findings"].map(|key| (key, json!({})));
        let mut decoder = self.decoder(schema);
        let definition = decoder.definition("Include");
        // Only its problems count: what it holds is gathered from the tree.
        let _checked = decoder.object(&tree, definition, "include", &slots);
        self.open.push(relative);
        self.parts(&mut tree, schema, gathered);
        self.open.pop();
    }
}

/// A path of the plan, relative to a folder of it, as a path relative to the plan's folder. It must not leave that.
pub(super) fn beside(folder: &str, written: &str) -> Result<String, String> {
    let outside = || {
        format!("`{written}` lies outside of the plan's folder; a plan and its files stay together")
    };
    if written.starts_with('/') || written.contains(['\\', '\0']) || written.get(1..2) == Some(":")
    {
        return Err(outside());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(written.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return Err(format!("`{written}` is not a file"));
    }
    Ok(parts.join("/"))
}

/// A file that a check of the plan names, as the plan's own files are called: relative to the plan's folder.
pub fn file_path(written: &str) -> Result<String, String> {
    beside("", written)
}

/// Stands in for plain parts that could not be decoded, so that the rest can be looked at too.
fn rescued(root: &Node) -> Json {
    let inputs: serde_json::Map<String, Json> = root
        .get("inputs")
        .into_iter()
        .flat_map(Node::entries)
        .map(|e| {
            let secret = e.value.get("secret").and_then(Node::text) == Some("true");
            (e.key.to_string(), json!({ "secret": secret }))
        })
        .collect();
    json!({"gonogo": 1, "name": "", "inputs": inputs, "environments": {}})
}
