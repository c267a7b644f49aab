//! One script of a migration: parsed by PostgreSQL's grammar and held against the rules. Pure, and never silent: what
//! cannot be read is itself a finding.

mod effect;
mod own;
mod plpgsql;

use squawk_linter::{Linter, LinterSettings, Violation};
use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::guard::too_deep;
use super::rules;
pub(super) use effect::Effect;

/// The largest script that is read.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most findings of one script; the last then says that there are more.
pub(super) const MOST_HITS: usize = 200;
/// The stack of the thread that parses: the deepest text that `guard` lets through takes a tenth of it.
const STACK: usize = 256 * 1024 * 1024;
/// The most characters of a statement that are shown.
const SHOWN: usize = 120;

/// How a script is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Manner {
    /// The tool runs the script in one transaction.
    pub(super) in_transaction: Option<bool>,
    /// Published rules that are judged beyond the usual ones.
    pub(super) also: Vec<squawk_linter::Rule>,
}

/// What one script came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Script {
    /// How many statements it has.
    pub(super) statements: usize,
    /// What the rules say, in the order of the text.
    pub(super) hits: Vec<Hit>,
    /// What it does to the schema.
    pub(super) effect: Effect,
}

/// One rule that a statement meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where it is, as an offset.
    pub(super) at: usize,
    /// The rule's name.
    pub(super) rule: String,
    /// The line, from 1.
    pub(super) line: usize,
    /// The statement, on one line, shortened.
    pub(super) statement: String,
    /// The reason, where it is another than the rule's own.
    pub(super) reason: Option<String>,
    /// What to write in its place, where it is another than the rule's own.
    pub(super) safer: Option<String>,
}

/// Reads a script on a thread of its own, whose stack is deep enough.
pub(super) fn read(text: &str, manner: &Manner) -> Script {
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("migrations".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || read_here(text, manner, 0));
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match outcome {
        Ok(Ok(script)) => script,
        Ok(Err(_panic)) => Script::refused("the parser gave up on it".to_owned(), 1),
        Err(e) => Script::refused(format!("no thread could be started to parse it: {e}"), 1),
    }
}

/// The same on this thread; `within` bodies that were read before.
fn read_here(text: &str, manner: &Manner, within: usize) -> Script {
    if text.len() > MAX_BYTES {
        let why = format!("it has {} bytes; up to {MAX_BYTES} are read", text.len());
        return Script::refused(why, 1);
    }
    if let Some(at) = too_deep(text) {
        let why = "it is nested deeper, or has longer chains, than is read".to_owned();
        return Script::refused(why, line_of(text, at));
    }
    // A comment in the judged file does not wave its own statement through: the plan does, under `allow`.
    let unmarked = text
        .replace("squawk-ignore", "squawk_ignore")
        .replace("squawk-disable", "squawk_disable");
    let parse = SourceFile::parse(&unmarked);
    let file = parse.tree();
    let mut found = Found::new(text, &file);
    let mut told = None;
    for error in parse.errors() {
        let at = usize::from(error.range().start());
        // The parser stumbles on over the rest of a statement: only its first word on it helps.
        let statement = found.index(at);
        if told != Some(statement) {
            told = Some(statement);
            found.unparsed(at, error.message());
        }
    }
    let broken = !found.hits.is_empty();
    let statements = file
        .stmts()
        .filter(|s| !matches!(s, ast::Stmt::EmptyStmt(_)));
    let statements: Vec<ast::Stmt> = statements.collect();
    let in_transaction = manner.in_transaction.unwrap_or(statements.len() > 1);
    for violation in lint(&parse, &unmarked, manner, in_transaction) {
        found.violation(&violation);
    }
    let mut effect = Effect::of(&statements);
    let mut around = own::Around {
        manner,
        within,
        in_transaction,
        is_alone: statements.len() == 1,
    };
    for statement in &statements {
        match statement {
            ast::Stmt::Begin(_) => around.in_transaction = true,
            ast::Stmt::Commit(_) | ast::Stmt::Rollback(_) => around.in_transaction = false,
            _ => own::hold(statement, &around, &mut found, &mut effect),
        }
    }
    if broken {
        effect = Effect::unknown();
    }
    Script {
        statements: statements.len(),
        hits: found.sorted(),
        effect,
    }
}

fn lint(
    parse: &squawk_syntax::Parse<SourceFile>,
    text: &str,
    manner: &Manner,
    in_transaction: bool,
) -> Vec<Violation> {
    let usual = rules::published().filter_map(|rule| squawk_linter::Rule::try_from(rule.id).ok());
    let mut linter = Linter::from(usual.chain(manner.also.iter().copied()));
    linter.settings = LinterSettings {
        assume_in_transaction: in_transaction,
        ..LinterSettings::default()
    };
    linter.lint(parse, text)
}

/// What was found so far in a text.
struct Found<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Where each statement begins and ends, and whether its literals are kept back.
    statements: Vec<(usize, usize, Vec<(usize, usize)>)>,
    hits: Vec<Hit>,
}

impl<'a> Found<'a> {
    fn new(text: &'a str, file: &SourceFile) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        Self {
            text,
            lines: std::iter::once(0)
                .chain(newlines.map(|(at, _)| at + 1))
                .collect(),
            statements: file
                .stmts()
                .map(|s| {
                    let end = usize::from(s.syntax().text_range().end());
                    (start_of(s.syntax()), end, secret_literals(s.syntax()))
                })
                .collect(),
            hits: Vec::new(),
        }
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// How many statements begin up to here.
    fn index(&self, at: usize) -> usize {
        self.statements
            .partition_point(|(start, _, _)| *start <= at)
    }

    fn statement(&self, at: usize) -> String {
        let before = self.index(at).checked_sub(1);
        let Some((start, end, secret)) = before.and_then(|n| self.statements.get(n)) else {
            return on_one_line(before_a_password(self.text.get(at..).unwrap_or("")), SHOWN);
        };
        let mut shown = String::new();
        let mut from = *start;
        for (a, b) in secret {
            shown.push_str(self.text.get(from..*a).unwrap_or(""));
            shown.push_str("'…'");
            from = *b;
        }
        shown.push_str(self.text.get(from..*end).unwrap_or(""));
        on_one_line(&shown, SHOWN)
    }

    fn hit(&mut self, rule: &str, at: usize, reason: Option<String>, safer: Option<String>) {
        let hit = Hit {
            at,
            rule: rule.to_owned(),
            line: self.line(at),
            statement: self.statement(at),
            reason,
            safer,
        };
        self.hits.push(hit);
    }

    /// Text that is no statement: the line on which it is, and what may have been meant.
    fn unparsed(&mut self, at: usize, said: &str) {
        let line = self.line(at);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let whole = self.text.get(start..).unwrap_or("");
        let rest = self.text.get(at..).unwrap_or("");
        let safer = match rest.chars().next() {
            Some('`') => Some("This looks like MySQL: only PostgreSQL's grammar is read."),
            Some('\\') => {
                Some("What only psql understands cannot be read: leave it out of migrations.")
            }
            Some('$' | '{' | '<') => Some("Judge the files with their placeholders filled in."),
            _ => None,
        };
        self.hits.push(Hit {
            at,
            rule: "not-understood".to_owned(),
            line,
            statement: on_one_line(before_a_password(whole.lines().next().unwrap_or("")), SHOWN),
            reason: Some(format!(
                "It cannot be parsed: {}.",
                said.trim_end_matches('.')
            )),
            safer: safer.map(str::to_owned),
        });
    }

    fn violation(&mut self, violation: &Violation) {
        let rule = violation.code.to_string();
        let at = usize::from(violation.text_range.start());
        if rules::named(&rule).is_some() {
            self.hit(&rule, at, None, None);
        } else {
            let safer = violation.help.clone();
            self.hit(&rule, at, Some(violation.message.clone()), safer);
        }
    }

    /// In the order of the text, each once, and not without end.
    fn sorted(self) -> Vec<Hit> {
        let mut hits = self.hits;
        hits.sort_by(|a, b| (a.at, &a.rule).cmp(&(b.at, &b.rule)));
        hits.dedup();
        if hits.len() > MOST_HITS {
            let more = hits.len() - MOST_HITS;
            hits.truncate(MOST_HITS);
            if let Some(last) = hits.last_mut() {
                let line = last.line;
                *last = refusal(format!("The file has {} more findings.", more + 1), line);
            }
        }
        hits
    }
}

impl Script {
    /// A script that was not read.
    pub(super) fn refused(why: String, line: usize) -> Self {
        Self {
            statements: 0,
            hits: vec![refusal(format!("It was not read: {why}."), line)],
            effect: Effect::unknown(),
        }
    }
}

fn refusal(reason: String, line: usize) -> Hit {
    Hit {
        at: 0,
        rule: "not-understood".to_owned(),
        line,
        statement: String::new(),
        reason: Some(reason),
        safer: None,
    }
}

/// Where a node begins, comments and spaces left out.
fn start_of(node: &SyntaxNode) -> usize {
    let first = node
        .descendants_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token)
        .find(|token| !token.kind().is_trivia());
    let range = first.map_or_else(|| node.text_range(), |token| token.text_range());
    usize::from(range.start())
}

/// The literals of a statement that speaks of passwords.
fn secret_literals(node: &SyntaxNode) -> Vec<(usize, usize)> {
    let tokens = || {
        node.descendants_with_tokens()
            .filter_map(squawk_syntax::SyntaxElement::into_token)
    };
    let speaks = tokens().any(|token| token.text().to_ascii_lowercase().contains("password"));
    if !speaks {
        return Vec::new();
    }
    tokens()
        .filter(|token| {
            matches!(
                token.kind(),
                SyntaxKind::STRING
                    | SyntaxKind::ESC_STRING
                    | SyntaxKind::DOLLAR_QUOTED_STRING
                    | SyntaxKind::UNICODE_ESC_STRING
            )
        })
        .map(|token| {
            let range = token.text_range();
            (usize::from(range.start()), usize::from(range.end()))
        })
        .collect()
}

/// A text up to the word after which a password may stand.
fn before_a_password(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    lower
        .find("password")
        .and_then(|at| text.get(..at))
        .unwrap_or(text)
}

/// A text on one line, and not longer than that.
pub(super) fn on_one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    for word in text.split_whitespace() {
        for part in (count > 0).then_some(' ').into_iter().chain(word.chars()) {
            if count == most {
                line.push('…');
                return line;
            }
            line.push(part);
            count += 1;
        }
    }
    line
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count() + 1
}
