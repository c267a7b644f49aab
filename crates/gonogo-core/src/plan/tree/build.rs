//! From parser events to nodes, with every cap and refusal on the way.

use std::collections::{BTreeMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::{Entry, Kind, Node, Style};
use crate::diag::Diagnostic;
use crate::plan::problems::Problems;
use crate::plan::repair;
use crate::plan::source::{Source, Sources, Span};

/// The largest file, in bytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The deepest nesting.
const MAX_DEPTH: usize = 48;
/// The most nodes of all files of a plan together.
const MAX_NODES: usize = 300_000;
/// The most nodes and bytes that aliases may stand for, all together.
const MAX_ALIASED: usize = 20_000;
const MAX_ALIASED_BYTES: usize = 1024 * 1024;

/// Up to here a mapping's keys are compared one by one.
const FEW_KEYS: usize = 16;

/// What all files of one plan may use together.
#[derive(Debug)]
pub(crate) struct Budget {
    nodes: usize,
    aliased: usize,
    aliased_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            nodes: MAX_NODES,
            aliased: MAX_ALIASED,
            aliased_bytes: MAX_ALIASED_BYTES,
        }
    }
}

/// Reads one file's bytes into a tree. Problems are added to `out`; a tree is given where there is something to go on with.
pub(crate) fn parse(
    path: &str,
    bytes: &[u8],
    sources: &mut Sources,
    budget: &mut Budget,
    out: &mut Problems,
) -> Option<Node> {
    if bytes.len() > MAX_BYTES {
        let message = format!(
            "{path} has {} bytes; at most {MAX_BYTES} are read",
            bytes.len()
        );
        out.nowhere(Diagnostic::error("too-big", message));
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(e) => {
            let good = String::from_utf8_lossy(&bytes[..e.valid_up_to()]).into_owned();
            let at = good.len();
            let file = sources.add(Source::new(path, good));
            let problem = Diagnostic::error("not-utf8", "here is a byte that is not UTF-8 text")
                .help("save the file as UTF-8");
            out.at(sources, problem, span(file, at, at));
            return None;
        }
    };
    let file = sources.add(Source::new(path, text.to_owned()));
    let mut builder = Builder {
        file,
        sources,
        budget,
        out,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        documents: 0,
    };
    let read = builder.read();
    let root = builder.root.take();
    match read {
        Ok(()) => {
            if root.is_none() && builder.documents < 2 {
                let problem = Diagnostic::error("empty-file", format!("{path} is empty"))
                    .help("`gonogo init` writes a first plan");
                builder.report(problem, span(file, 0, 0));
            }
            root
        }
        Err(Stop) => None,
    }
}

fn span(file: u16, start: usize, end: usize) -> Span {
    Span {
        file,
        start: start as u32,
        end: end as u32,
    }
}

/// Reading ended; why has been reported.
struct Stop;

struct Builder<'a> {
    file: u16,
    sources: &'a Sources,
    budget: &'a mut Budget,
    out: &'a mut Problems,
    stack: Vec<Open>,
    /// Finished nodes by anchor id; nothing for one that is still open.
    anchors: BTreeMap<usize, Option<Node>>,
    root: Option<Node>,
    documents: usize,
}

/// A list or mapping that has not ended.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<Node>,
    /// The keys so far, once they are many.
    seen: HashSet<Box<str>>,
    is_map: bool,
}

impl Builder<'_> {
    fn report(&mut self, diagnostic: Diagnostic, at: Span) {
        self.out.at(self.sources, diagnostic, at);
    }

    fn read(&mut self) -> Result<(), Stop> {
        let sources = self.sources;
        let text = sources.get(self.file).text.as_str();
        let options = granit_parser::options! {
            emit_comments: false,
            disallow_directives: true,
            flow_nesting_limit: MAX_DEPTH + 2,
            block_nesting_limit: MAX_DEPTH + 2,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, at) = event.map_err(|e| self.scan_error(&e))?;
            let start = at.start.byte_offset().unwrap_or_default();
            let end = at.end.byte_offset().unwrap_or(start);
            let start = at
                .tag_start()
                .and_then(|m| m.byte_offset())
                .map_or(start, |t| t.min(start));
            self.event(event, span(self.file, start, end.max(start)))?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, at: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem =
                        Diagnostic::error("several-documents", "a second document begins here")
                            .help("keep one plan per file; `include:` brings in gates of another");
                    self.report(problem, at);
                    return Err(Stop);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain if text.is_empty() => Style::Missing,
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let node = Node {
                    span: at,
                    style,
                    tag: written(tag.as_deref()),
                    kind: Kind::Scalar(text.into()),
                };
                self.finished(node, anchor)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open(at, style, anchor, tag.as_deref(), false)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.open(at, style, anchor, tag.as_deref(), true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(mut open) = self.stack.pop() {
                    open.node.span.end = at.end.max(open.node.span.end);
                    self.finished(open.node, open.anchor)?;
                }
            }
            Event::Alias(id) => self.alias(id, at)?,
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        at: Span,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        is_map: bool,
    ) -> Result<(), Stop> {
        if self.stack.len() >= MAX_DEPTH {
            let problem = Diagnostic::error(
                "too-deep",
                format!("lists and mappings nest deeper than {MAX_DEPTH} here"),
            );
            self.report(problem, at);
            return Err(Stop);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        let style = match style {
            StructureStyle::Block => Style::Indented,
            StructureStyle::Flow => Style::Flow,
        };
        let kind = if is_map {
            Kind::Map(Vec::new())
        } else {
            Kind::List(Vec::new())
        };
        let node = Node {
            span: at,
            style,
            tag: written(tag),
            kind,
        };
        self.stack.push(Open {
            node,
            anchor,
            key: None,
            seen: HashSet::new(),
            is_map,
        });
        Ok(())
    }

    fn alias(&mut self, id: usize, at: Span) -> Result<(), Stop> {
        let Some(Some(node)) = self.anchors.get(&id) else {
            let problem =
                Diagnostic::error("alias-in-itself", "this alias stands inside its own anchor");
            self.report(problem, at);
            return Err(Stop);
        };
        let size = size(node);
        let deep = self.stack.len() + size.depth > MAX_DEPTH;
        if size.nodes > self.budget.aliased || size.bytes > self.budget.aliased_bytes || deep {
            let problem = Diagnostic::error(
                "alias-bomb",
                format!("the aliases up to here stand for more than {MAX_ALIASED} nodes"),
            )
            .help("write it out, or use `templates:` and `for_each:`");
            self.report(problem, at);
            return Err(Stop);
        }
        self.budget.aliased -= size.nodes;
        self.budget.aliased_bytes -= size.bytes;
        let node = node.clone();
        self.finished(node, 0)
    }

    /// Puts a finished node where it belongs.
    fn finished(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if self.budget.nodes == 0 {
            let problem = Diagnostic::error(
                "too-big",
                format!("a plan has at most {MAX_NODES} values, and here is one more"),
            );
            self.report(problem, node.span);
            return Err(Stop);
        }
        self.budget.nodes -= 1;
        if anchor > 0 {
            // A kept copy is a copy: it counts like what aliases stand for.
            let size = size(&node);
            if size.nodes > self.budget.nodes {
                self.budget.nodes = 0;
            } else {
                self.budget.nodes -= size.nodes;
                self.anchors.insert(anchor, Some(node.clone()));
            }
        }
        let Some(open) = self.stack.last_mut() else {
            if self.root.is_none() {
                self.root = Some(node);
            }
            return Ok(());
        };
        if !open.is_map {
            if let Kind::List(items) = &mut open.node.kind {
                items.push(node);
            }
            return Ok(());
        }
        match open.key.take() {
            None => open.key = Some(node),
            Some(key) => self.entry(key, node),
        }
        Ok(())
    }

    /// Adds an entry to the innermost mapping, or says why it cannot be one.
    fn entry(&mut self, key: Node, value: Node) {
        let Some(Open { node, seen, .. }) = self.stack.last_mut() else {
            return;
        };
        let Kind::Map(entries) = &mut node.kind else {
            return;
        };
        let Kind::Scalar(text) = key.kind else {
            let problem =
                Diagnostic::error("bad-key", format!("a key is a text, not {}", key.called()))
                    .help(
                        "where `${ … }` or an expression was meant, put the whole text in quotes",
                    );
            self.report(problem, key.span);
            return;
        };
        if &*text == "<<" && key.style == Style::Plain {
            let problem =
                Diagnostic::error("merge-key", "merge keys (`<<`) are not part of YAML 1.2").help(
                    "name what several checks share with `templates:`, or set it on the target",
                );
            self.report(problem, key.span);
            return;
        }
        if entries.len() == FEW_KEYS {
            seen.extend(entries.iter().map(|e| e.key.clone()));
        }
        let again = if entries.len() < FEW_KEYS {
            entries.iter().any(|e| e.key == text)
        } else {
            !seen.insert(text.clone())
        };
        if again && self.out.is_full() {
            return;
        }
        let first = entries.iter().find(|e| again && e.key == text);
        if let Some(first) = first.map(|e| e.key_span) {
            let line = self.sources.place(first).line;
            let problem = Diagnostic::error(
                "duplicate-key",
                format!("the key `{text}` stands here again"),
            )
            .help(format!(
                "it is first written on line {line}; keep one of them"
            ));
            self.report(problem, key.span);
            return;
        }
        entries.push(Entry {
            key: text,
            key_span: key.span,
            value,
        });
    }

    fn scan_error(&mut self, error: &ScanError) -> Stop {
        let marker = error.marker();
        let source = self.sources.get(self.file);
        let at = marker
            .byte_offset()
            .unwrap_or_else(|| source.line_start(marker.line().saturating_sub(1)) + marker.col());
        let mut info = error.info();
        if let Some(first) = info.get(..1) {
            let lower = first.to_lowercase();
            info.replace_range(..1, &lower);
        }
        let mut problem = Diagnostic::error("yaml-syntax", info);
        if let Some(help) = repair::of_syntax_error(source, at) {
            problem = problem.help(help);
        }
        self.report(problem, span(self.file, at, at + 1));
        Stop
    }
}

/// A tag as it stands in the text, shortened to something that messages can hold.
fn written(tag: Option<&Tag>) -> Option<Box<str>> {
    let tag = tag?;
    if let Some(core) = tag.core_suffix()
        && tag.original_handle() == "!!"
    {
        return Some(format!("!!{core}").into());
    }
    let text: String = tag
        .original_handle()
        .chars()
        .chain(tag.suffix().chars())
        .take(80)
        .collect();
    Some(text.into())
}

struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

fn size(node: &Node) -> Size {
    let mut total = Size {
        nodes: 1,
        bytes: 0,
        depth: 1,
    };
    let mut add = |child: &Node, key: usize| {
        let inner = size(child);
        total.nodes += inner.nodes;
        total.bytes += inner.bytes + key;
        total.depth = total.depth.max(inner.depth + 1);
    };
    match &node.kind {
        Kind::Scalar(text) => total.bytes += text.len(),
        Kind::List(items) => items.iter().for_each(|i| add(i, 0)),
        Kind::Map(entries) => entries.iter().for_each(|e| add(&e.value, e.key.len())),
    }
    total
}
