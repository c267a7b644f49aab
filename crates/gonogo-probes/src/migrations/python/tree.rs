//! Python's text as the few forms that migrations are written in. Everything else is kept as something else, and named.

use tree_sitter::{Node, Parser};

use crate::migrations::reader::MAX_BYTES;

/// The deepest nesting of expressions that is read.
const DEEPEST: usize = 64;

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    None,
    Bool(bool),
    Number(String),
    Text(String),
    /// A name, dots included.
    Name(String),
    /// A list, a tuple or a set.
    List(Vec<Expr>),
    /// Keys that are texts, and their values.
    Map(Vec<(String, Expr)>),
    Call(Call),
    /// What is computed when it runs.
    Other,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// What is called, dots included; empty where that is computed.
    pub(super) name: String,
    pub(super) args: Vec<Expr>,
    pub(super) named: Vec<(String, Expr)>,
    /// The line of it, and of its first text, which may be one of many lines.
    pub(super) line: usize,
    pub(super) text_line: usize,
}

impl Call {
    /// The last part of the name.
    pub(super) fn last(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// An argument by its name.
    pub(super) fn named(&self, name: &str) -> Option<&Expr> {
        self.named
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// An argument by its place or its name.
    pub(super) fn arg(&self, at: usize, name: &str) -> Option<&Expr> {
        self.args.get(at).or_else(|| self.named(name))
    }

    /// The same, where it is a text.
    pub(super) fn text(&self, at: usize, name: &str) -> Result<&str, String> {
        match self.arg(at, name) {
            Some(Expr::Text(text)) => Ok(text),
            // `op.f` and `batch_op.f` only say that a name is whole.
            Some(Expr::Call(call)) if call.last() == "f" => call.text(0, "name"),
            Some(_) => Err(format!(
                "`{name}` of `{}` is computed when it runs",
                self.name
            )),
            None => Err(format!("`{}` has no `{name}`", self.name)),
        }
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) line: usize,
    /// The statement as it stands in the file.
    pub(super) source: String,
    pub(super) what: What,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A docstring, `pass`, `...`, `return`, an import.
    Nothing,
    Raise,
    Call(Call),
    /// `with CALL as NAME:`
    With(Call, Option<String>, Vec<Line>),
    Assign(String, Expr),
    Function(String, Vec<Line>),
    Class(String, Vec<Line>),
    /// Anything else: a loop, a condition, …
    Other,
}

/// Reads a file; the line and the reason where that is not Python.
pub(super) fn read(text: &str) -> Result<Vec<Line>, (usize, String)> {
    if text.len() > MAX_BYTES {
        let why = format!("it has {} bytes; up to {MAX_BYTES} are read", text.len());
        return Err((1, why));
    }
    let mut parser = Parser::new();
    let language = tree_sitter_python::LANGUAGE.into();
    let tree = match parser.set_language(&language) {
        Ok(()) => parser.parse(text, None),
        Err(_) => None,
    };
    let Some(tree) = tree else {
        return Err((1, "the parser gave up on it".to_owned()));
    };
    let root = tree.root_node();
    if root.has_error() {
        return Err((first_error(root), "it is not Python".to_owned()));
    }
    Ok(block(root, text, 0))
}

fn line_of(node: Node<'_>) -> usize {
    node.start_position().row + 1
}

fn first_error(root: Node<'_>) -> usize {
    let mut node = root;
    // Down to where the error itself is.
    while !node.is_error() && !node.is_missing() {
        let mut cursor = node.walk();
        let Some(child) = node.children(&mut cursor).find(Node::has_error) else {
            break;
        };
        node = child;
    }
    line_of(node)
}

fn source<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let all = node.named_children(&mut cursor);
    all.filter(|child| child.kind() != "comment").collect()
}

fn block(node: Node<'_>, text: &str, depth: usize) -> Vec<Line> {
    let all = children(node).into_iter();
    all.map(|child| Line {
        line: line_of(child),
        source: source(child, text).to_owned(),
        what: statement(child, text, depth),
    })
    .collect()
}

fn statement(node: Node<'_>, text: &str, depth: usize) -> What {
    if depth > DEEPEST {
        return What::Other;
    }
    let name = |field: &str| {
        let named = node.child_by_field_name(field);
        named
            .map(|n| source(n, text).to_owned())
            .unwrap_or_default()
    };
    let body = || {
        let body = node.child_by_field_name("body");
        body.map(|body| block(body, text, depth + 1))
            .unwrap_or_default()
    };
    match node.kind() {
        "pass_statement"
        | "import_statement"
        | "import_from_statement"
        | "future_import_statement" => What::Nothing,
        "return_statement" if children(node).is_empty() => What::Nothing,
        "raise_statement" => What::Raise,
        "function_definition" => What::Function(name("name"), body()),
        "class_definition" => What::Class(name("name"), body()),
        "with_statement" => with(node, text, body()),
        "expression_statement" => match children(node)[..] {
            [one] => match one.kind() {
                "string" | "ellipsis" | "concatenated_string" => What::Nothing,
                "assignment" => assignment(one, text),
                _ => match expr(one, text, 0) {
                    Expr::Call(call) => What::Call(call),
                    _ => What::Other,
                },
            },
            _ => What::Other,
        },
        _ => What::Other,
    }
}

fn assignment(node: Node<'_>, text: &str) -> What {
    let left = node.child_by_field_name("left");
    match (left, node.child_by_field_name("right")) {
        (Some(left), Some(right)) if left.kind() == "identifier" => {
            What::Assign(source(left, text).to_owned(), expr(right, text, 0))
        }
        // `name: type` gives no value.
        (Some(_), None) => What::Nothing,
        _ => What::Other,
    }
}

fn with(node: Node<'_>, text: &str, body: Vec<Line>) -> What {
    let clause = children(node)
        .into_iter()
        .find(|n| n.kind() == "with_clause");
    let items = clause.map(children).unwrap_or_default();
    let [item] = items[..] else {
        return What::Other;
    };
    let Some(value) = item.child_by_field_name("value") else {
        return What::Other;
    };
    let (value, name) = match (value.kind(), &children(value)[..]) {
        ("as_pattern", [value, name]) => (*value, Some(source(*name, text).to_owned())),
        _ => (value, None),
    };
    match expr(value, text, 0) {
        Expr::Call(call) => What::With(call, name, body),
        _ => What::Other,
    }
}

fn expr(node: Node<'_>, text: &str, depth: usize) -> Expr {
    if depth > DEEPEST {
        return Expr::Other;
    }
    let each = |node: Node<'_>| -> Vec<Expr> {
        let all = children(node).into_iter();
        all.map(|child| expr(child, text, depth + 1)).collect()
    };
    match node.kind() {
        "none" => Expr::None,
        "true" => Expr::Bool(true),
        "false" => Expr::Bool(false),
        "integer" | "float" => Expr::Number(source(node, text).to_owned()),
        "unary_operator" => match &each(node)[..] {
            [Expr::Number(number)] if source(node, text).starts_with('-') => {
                Expr::Number(format!("-{number}"))
            }
            _ => Expr::Other,
        },
        "identifier" | "attribute" => dotted(node, text).map_or(Expr::Other, Expr::Name),
        "string" => string(node, text).map_or(Expr::Other, Expr::Text),
        "concatenated_string" => {
            let parts = children(node).into_iter().map(|part| string(part, text));
            parts
                .collect::<Option<String>>()
                .map_or(Expr::Other, Expr::Text)
        }
        "list" | "tuple" | "set" => Expr::List(each(node)),
        "parenthesized_expression" => match each(node).pop() {
            Some(one) => one,
            None => Expr::Other,
        },
        "dictionary" => dictionary(node, text, depth).map_or(Expr::Other, Expr::Map),
        "call" => call(node, text, depth).map_or(Expr::Other, Expr::Call),
        _ => Expr::Other,
    }
}

fn dotted(node: Node<'_>, text: &str) -> Option<String> {
    let whole = source(node, text);
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    whole.chars().all(plain).then(|| whole.to_owned())
}

fn dictionary(node: Node<'_>, text: &str, depth: usize) -> Option<Vec<(String, Expr)>> {
    let pair = |pair: Node<'_>| {
        let key = pair.child_by_field_name("key")?;
        let Expr::Text(key) = expr(key, text, depth + 1) else {
            return None;
        };
        let value = pair.child_by_field_name("value")?;
        Some((key, expr(value, text, depth + 1)))
    };
    children(node).into_iter().map(pair).collect()
}

fn call(node: Node<'_>, text: &str, depth: usize) -> Option<Call> {
    let function = node.child_by_field_name("function")?;
    let arguments = node.child_by_field_name("arguments")?;
    if arguments.kind() != "argument_list" {
        return None;
    }
    let mut call = Call {
        // `op.get_context().autocommit_block()` has a call in its name.
        name: source(function, text).split_whitespace().collect(),
        args: Vec::new(),
        named: Vec::new(),
        line: line_of(node),
        text_line: line_of(node),
    };
    for (at, argument) in children(arguments).into_iter().enumerate() {
        if at == 0 {
            call.text_line = line_of(argument);
        }
        if argument.kind() == "keyword_argument" {
            let name = argument.child_by_field_name("name")?;
            let value = argument.child_by_field_name("value")?;
            let value = expr(value, text, depth + 1);
            call.named.push((source(name, text).to_owned(), value));
        } else {
            call.args.push(expr(argument, text, depth + 1));
        }
    }
    Some(call)
}

/// A text without anything that is put in when it runs.
fn string(node: Node<'_>, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut is_raw = false;
    for part in children(node) {
        match part.kind() {
            "string_start" => {
                let start = source(part, text).to_ascii_lowercase();
                if start.contains('b') {
                    return None;
                }
                is_raw = start.contains('r');
            }
            "string_content" if is_raw => out.push_str(source(part, text)),
            "string_content" => unescape(source(part, text), &mut out)?,
            "string_end" => {}
            _ => return None,
        }
    }
    Some(out)
}

fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '\n' => {}
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            same @ ('\\' | '\'' | '"') => out.push(same),
            'a' | 'b' | 'f' | 'v' | 'x' | 'u' | 'U' | 'N' | '0'..='7' => return None,
            // Python keeps the backslash of what is no escape.
            other => out.extend(['\\', other]),
        }
    }
    Some(())
}
