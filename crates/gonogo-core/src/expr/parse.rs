//! From text to tree: our tokens guard the `cel` crate's parser, whose tree becomes ours.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr as Cel, LiteralValue, SourceInfo, operators};
use regex::{Regex, RegexBuilder};

use super::ast::{Arithmetic, Compare, Each, Kind, Node, Which};
use super::functions::{self, Function, Spec, Style};
use super::lex::{self, Tokens};
use super::problem::{ExprProblem, codes};
use super::slips::{syntax_problem, unknown_function};
use crate::duration::parse_duration_ns;
use crate::value::Value;

/// A compiled pattern may take this much memory.
const PATTERN_BYTES: usize = 1 << 20;
/// The parser needs up to 170 KiB of stack per bracket in a debug build; up to here the caller's stack is used.
const OWN_STACK_NESTING: usize = 4;
/// Enough for `MAX_NESTING` and `MAX_CHAIN` together.
const BIG_STACK_BYTES: usize = 16 << 20;

/// Parses a source text into a tree, or says what is wrong with it.
pub(super) fn tree(source: &str) -> Result<Node, Vec<ExprProblem>> {
    let tokens = lex::tokens(source).map_err(|problem| vec![problem])?;
    if tokens.nesting <= OWN_STACK_NESTING {
        return grow(source, &tokens);
    }
    std::thread::scope(|scope| {
        let parsing = std::thread::Builder::new()
            .stack_size(BIG_STACK_BYTES)
            .spawn_scoped(scope, || grow(source, &tokens))
            .map(std::thread::ScopedJoinHandle::join);
        match parsing {
            Ok(Ok(tree)) => tree,
            _ => Err(vec![ExprProblem::new(
                codes::TOO_BIG,
                0..source.len(),
                "the expression could not be parsed: no memory for its nesting",
            )]),
        }
    })
}

fn grow(source: &str, tokens: &Tokens) -> Result<Node, Vec<ExprProblem>> {
    // An environment without macros leaves `has`, `all` and the others as the calls they are written as.
    let parser = cel::Env::default()
        .with_optional_support(false)
        .parser()
        .enable_ident_escape_syntax(true)
        .error_recovery_limit(1)
        .max_recursion_depth(u16::try_from(lex::MAX_CHAIN + lex::MAX_NESTING).unwrap_or(u16::MAX));
    let (expr, places) = parser
        .parse_with_source_info(source)
        .map_err(|errors| vec![syntax_problem(source, tokens, &errors.errors)])?;
    let mut grower = Grower {
        source,
        tokens,
        places: &places,
        problems: Vec::new(),
    };
    let node = grower.node(&expr);
    match node {
        Some(node) if grower.problems.is_empty() => Ok(node),
        _ => Err(grower.problems),
    }
}

struct Grower<'a> {
    source: &'a str,
    tokens: &'a Tokens,
    places: &'a SourceInfo,
    problems: Vec<ExprProblem>,
}

impl Grower<'_> {
    /// The token a node of the crate's tree is placed at.
    fn token(&self, id: u64) -> Option<usize> {
        let (start, _) = self.places.offset_for(id)?;
        self.tokens.at(start as usize)
    }

    fn token_span(&self, id: u64) -> Range<usize> {
        self.token(id)
            .map_or(0..self.source.len(), |i| self.tokens.list[i].span.clone())
    }

    /// From the token to the bracket that closes it, where it is one.
    fn bracket_end(&self, token: usize) -> usize {
        let last = self.tokens.partner[token].unwrap_or(token);
        self.tokens.list[last].span.end
    }

    /// The span widened to whole brackets: the parts of `(a + b) * c` begin inside its brackets.
    fn whole(&self, span: Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (span.start, span.end);
        for (i, token) in self.tokens.list.iter().enumerate() {
            if token.span.start < span.start || token.span.end > span.end {
                continue;
            }
            if let Some(partner) = self.tokens.partner[i] {
                let partner = &self.tokens.list[partner].span;
                start = start.min(partner.start);
                end = end.max(partner.end);
            }
        }
        start..end
    }

    fn fail(&mut self, problem: ExprProblem) -> Option<Node> {
        self.problems.push(problem);
        None
    }

    fn boxed(&mut self, expr: &IdedExpr) -> Option<Box<Node>> {
        self.node(expr).map(Box::new)
    }

    /// Every expression of a list, so that each problem is found, not only the first.
    fn nodes<'e>(&mut self, exprs: impl IntoIterator<Item = &'e IdedExpr>) -> Option<Vec<Node>> {
        let all: Vec<Option<Node>> = exprs.into_iter().map(|e| self.node(e)).collect();
        all.into_iter().collect()
    }

    fn node(&mut self, expr: &IdedExpr) -> Option<Node> {
        match &expr.expr {
            Cel::Literal(literal) => Some(self.literal(expr.id, literal)),
            Cel::Ident(name) => Some(Node {
                kind: Kind::Name(name.trim_start_matches('.').to_owned()),
                span: self.token_span(expr.id),
            }),
            Cel::Select(select) => {
                let on = self.boxed(&select.operand)?;
                let end = self.token(expr.id).map_or(on.span.end, |dot| {
                    self.tokens
                        .list
                        .get(dot + 1)
                        .map_or(on.span.end, |t| t.span.end)
                });
                let span = self.whole(on.span.start..end);
                let field = select.field.clone();
                Some(Node {
                    kind: Kind::Select { on, field },
                    span,
                })
            }
            Cel::List(list) => {
                let items = self.nodes(&list.elements)?;
                Some(Node {
                    kind: list_of(items),
                    span: self.bracketed(expr.id),
                })
            }
            Cel::Map(map) => {
                let entries: Vec<_> = map
                    .entries
                    .iter()
                    .filter_map(|entry| match &entry.expr {
                        EntryExpr::MapEntry(entry) => Some((&entry.key, &entry.value)),
                        EntryExpr::StructField(_) => None,
                    })
                    .map(|(k, v)| Some((self.node(k)?, self.node(v)?)))
                    .collect();
                let entries = entries.into_iter().collect::<Option<Vec<_>>>()?;
                Some(Node {
                    kind: Kind::Map(entries),
                    span: self.bracketed(expr.id),
                })
            }
            Cel::Call(call) => self.call(expr.id, call),
            Cel::Struct(message) => {
                let what = format!("`{}{{ … }}` builds a message", message.type_name);
                let problem = ExprProblem::new(codes::UNSUPPORTED, self.token_span(expr.id), what)
                    .help("expressions have no messages; a map is written {'key': value}");
                self.fail(problem)
            }
            Cel::Unspecified | Cel::Comprehension(_) => {
                let problem = ExprProblem::new(
                    codes::SYNTAX,
                    self.token_span(expr.id),
                    "this part is not an expression",
                );
                self.fail(problem)
            }
        }
    }

    fn bracketed(&self, id: u64) -> Range<usize> {
        self.token(id).map_or(0..self.source.len(), |i| {
            self.tokens.list[i].span.start..self.bracket_end(i)
        })
    }

    fn literal(&self, id: u64, literal: &LiteralValue) -> Node {
        let mut span = self.token_span(id);
        let value = match literal {
            LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
            LiteralValue::Bytes(b) => Value::Bytes(b.inner().to_vec()),
            LiteralValue::Double(d) => Value::Double(*d.inner()),
            LiteralValue::Int(i) => Value::Int(*i.inner()),
            LiteralValue::Null => Value::Null,
            LiteralValue::String(s) => Value::String(s.inner().to_owned()),
            LiteralValue::UInt(u) => Value::from(*u.inner()),
        };
        let negative = match &value {
            Value::Int(i) => *i < 0,
            Value::Double(d) => d.is_sign_negative(),
            _ => false,
        };
        // The sign is a token of its own.
        if negative && !self.source[span.clone()].starts_with('-') {
            let before = self.token(id).and_then(|i| i.checked_sub(1));
            if let Some(sign) = before.map(|i| &self.tokens.list[i]) {
                span.start = sign.span.start;
            }
        }
        Node {
            kind: Kind::Literal(value),
            span,
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Option<Node> {
        let name = call.func_name.as_str();
        if let Some(target) = &call.target {
            return self.method(id, name, target, &call.args);
        }
        match (name, call.args.as_slice()) {
            (operators::CONDITIONAL, [c, y, n]) => {
                let (condition, yes, no) = (self.boxed(c), self.boxed(y), self.boxed(n));
                let (condition, yes, no) = (condition?, yes?, no?);
                let span = self.whole(condition.span.start..no.span.end);
                Some(Node {
                    kind: Kind::Choose { condition, yes, no },
                    span,
                })
            }
            (operators::LOGICAL_NOT | operators::NEGATE, [inner]) => {
                let start = self.token_span(id).start;
                let inner = self.boxed(inner)?;
                let span = self.whole(start..inner.span.end);
                let kind = if name == operators::NEGATE {
                    Kind::Negate(inner)
                } else {
                    Kind::Not(inner)
                };
                Some(Node { kind, span })
            }
            (operators::INDEX, [on, index]) => {
                let (on, index) = (self.boxed(on), self.boxed(index));
                let (on, index) = (on?, index?);
                let end = self
                    .token(id)
                    .map_or(index.span.end, |i| self.bracket_end(i));
                let span = self.whole(on.span.start..end);
                Some(Node {
                    kind: Kind::Index { on, index },
                    span,
                })
            }
            (_, [left, right]) if binary(name).is_some() => {
                let (left, right) = (self.boxed(left), self.boxed(right));
                let (left, right) = (left?, right?);
                let span = self.whole(left.span.start..right.span.end);
                let kind = binary(name)?(left, right);
                Some(Node { kind, span })
            }
            ("has", args) => self.has(id, args),
            _ => self.function(id, name, None, &call.args),
        }
    }

    fn has(&mut self, id: u64, args: &[IdedExpr]) -> Option<Node> {
        let span = self.call_span(id, None);
        let [arg] = args else {
            let problem = ExprProblem::new(codes::ARGUMENTS, span, "`has` takes one argument")
                .help("has(body.key)");
            return self.fail(problem);
        };
        let inner = self.boxed(arg)?;
        if matches!(
            inner.kind,
            Kind::Select { .. } | Kind::Index { .. } | Kind::Name(_)
        ) {
            return Some(Node {
                kind: Kind::Has(inner),
                span,
            });
        }
        let text = &self.source[inner.span.clone()];
        let message = format!("`has` asks whether a key is there; `{text}` is not a key");
        let problem = ExprProblem::new(codes::ARGUMENTS, inner.span.clone(), message)
            .help("has(body.key), or 'key' in body");
        self.fail(problem)
    }

    /// The span of a call whose `(` is the token of `id`.
    fn call_span(&self, id: u64, target: Option<&Node>) -> Range<usize> {
        let Some(open) = self.token(id) else {
            return 0..self.source.len();
        };
        let start = match target {
            Some(target) => target.span.start,
            None => self.tokens.list[open.saturating_sub(1)].span.start,
        };
        self.whole(start..self.bracket_end(open))
    }

    /// The name in front of the `(` that is the token of `id`.
    fn name_span(&self, id: u64) -> Range<usize> {
        self.token(id).map_or(0..self.source.len(), |open| {
            self.tokens.list[open.saturating_sub(1)].span.clone()
        })
    }

    fn method(
        &mut self,
        id: u64,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
    ) -> Option<Node> {
        let which = match name {
            "all" => Which::All,
            "exists" => Which::Exists,
            "exists_one" | "existsOne" => Which::ExistsOne,
            "map" => Which::Map,
            "filter" => Which::Filter,
            _ => return self.function(id, name, Some(target), args),
        };
        let (variable, when, body) = match args {
            [variable, body] => (variable, None, body),
            [variable, when, body] if which == Which::Map => (variable, Some(when), body),
            _ => {
                let message = format!("`{name}` takes a name and an expression");
                let problem = ExprProblem::new(codes::ARGUMENTS, self.name_span(id), message)
                    .help(format!("items.{name}(x, x.key == 'value')"));
                return self.fail(problem);
            }
        };
        let Cel::Ident(variable_name) = &variable.expr else {
            let message =
                format!("`{name}` takes a name first, which then stands for each element");
            let problem = ExprProblem::new(codes::ARGUMENTS, self.token_span(variable.id), message)
                .help(format!("items.{name}(x, x.key == 'value')"));
            return self.fail(problem);
        };
        let range = self.node(target);
        let when = when.map(|when| self.node(when));
        let body = self.node(body);
        let (range, body) = (range?, body?);
        let when = match when {
            Some(when) => Some(when?),
            None => None,
        };
        let span = self.call_span(id, Some(&range));
        let name = variable_name.clone();
        Some(Node {
            kind: Kind::Each(Box::new(Each {
                which,
                range,
                name,
                when,
                body,
            })),
            span,
        })
    }

    fn function(
        &mut self,
        id: u64,
        name: &str,
        target: Option<&IdedExpr>,
        args: &[IdedExpr],
    ) -> Option<Node> {
        let nodes = self.nodes(target.into_iter().chain(args));
        let name_span = self.name_span(id);
        let Some(spec) = functions::find(name) else {
            return self.fail(unknown_function(name, name_span));
        };
        let style_fits = match spec.style {
            Style::Both => true,
            Style::Plain => target.is_none(),
            Style::Method => target.is_some(),
        };
        let count = args.len() + usize::from(target.is_some());
        if !style_fits || spec.overloads.iter().all(|o| o.args.len() != count) {
            let message = if style_fits {
                format!("`{name}` does not take {} arguments", args.len())
            } else {
                format!("`{name}` is not written like this")
            };
            let problem = ExprProblem::new(codes::ARGUMENTS, name_span, message)
                .help(format!("it is written {}", spec.usage()));
            return self.fail(problem);
        }
        let args = nodes?;
        let pattern = match self.constants(spec, &args) {
            Ok(pattern) => pattern,
            Err(problem) => return self.fail(problem),
        };
        let span = self.call_span(id, target.map(|_| &args[0]));
        let function = spec.function;
        Some(Node {
            kind: Kind::Call {
                function,
                args,
                pattern,
            },
            span,
        })
    }

    /// Reads the constants in a call now, so that a wrong one is found before anything runs.
    fn constants(&self, spec: &Spec, args: &[Node]) -> Result<Option<Regex>, ExprProblem> {
        let Some((last, text)) = args.last().and_then(|last| match &last.kind {
            Kind::Literal(Value::String(text)) => Some((last, text)),
            _ => None,
        }) else {
            return Ok(None);
        };
        let bad = |message| ExprProblem::new(codes::BAD_CONSTANT, last.span.clone(), message);
        match spec.function {
            Function::Matches => pattern(text).map(Some).map_err(bad),
            Function::Duration => parse_duration_ns(text)
                .map(|_| None)
                .map_err(|error| bad(error.to_string())),
            Function::Timestamp => chrono::DateTime::parse_from_rfc3339(text)
                .map(|_| None)
                .map_err(|_| {
                    let text = &self.source[last.span.clone()];
                    bad(format!("{text} is not a timestamp"))
                        .help("timestamps are written 2026-11-21T10:04:00Z")
                }),
            _ => Ok(None),
        }
    }
}

/// A list, as one constant where it is one: `x in ['a', 'b']` then copies nothing. The empty list stays a list,
/// because comparing with it is a question about size.
fn list_of(items: Vec<Node>) -> Kind {
    let constant = !items.is_empty() && items.iter().all(|i| matches!(i.kind, Kind::Literal(_)));
    if !constant {
        return Kind::List(items);
    }
    let values = items.into_iter().filter_map(|item| match item.kind {
        Kind::Literal(value) => Some(value),
        _ => None,
    });
    Kind::Literal(Value::List(values.collect()))
}

/// Compiles a pattern within the limits that patterns have.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(64)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too big".to_owned(),
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!(
                    "the pattern cannot be read: {}",
                    last.trim_start_matches("error: ")
                )
            }
        })
}

type MakeBinary = fn(Box<Node>, Box<Node>) -> Kind;

fn binary(operator: &str) -> Option<MakeBinary> {
    macro_rules! compare {
        ($by:ident) => {
            |left, right| Kind::Compare {
                by: Compare::$by,
                left,
                right,
            }
        };
    }
    macro_rules! arithmetic {
        ($by:ident) => {
            |left, right| Kind::Arithmetic {
                by: Arithmetic::$by,
                left,
                right,
            }
        };
    }
    Some(match operator {
        operators::LOGICAL_AND => |left, right| Kind::Logic {
            and: true,
            left,
            right,
        },
        operators::LOGICAL_OR => |left, right| Kind::Logic {
            and: false,
            left,
            right,
        },
        operators::IN => |item, of| Kind::In { item, of },
        operators::EQUALS => compare!(Equal),
        operators::NOT_EQUALS => compare!(NotEqual),
        operators::LESS => compare!(Less),
        operators::LESS_EQUALS => compare!(LessOrEqual),
        operators::GREATER => compare!(Greater),
        operators::GREATER_EQUALS => compare!(GreaterOrEqual),
        operators::ADD => arithmetic!(Add),
        operators::SUBSTRACT => arithmetic!(Subtract),
        operators::MULTIPLY => arithmetic!(Multiply),
        operators::DIVIDE => arithmetic!(Divide),
        operators::MODULO => arithmetic!(Remainder),
        _ => return None,
    })
}
