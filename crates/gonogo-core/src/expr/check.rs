//! Checking an expression against the shape of what will be observed, before anything is.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Expr;
use super::ast::{Arithmetic, Compare, Each, Kind, Node, Which, type_constant, type_name};
use super::functions::Function;
use super::is_fact;
use super::path::{Path, Step};
use super::problem::{ExprProblem, codes, did_you_mean};
use super::types::{Type, TypeEnv};
use crate::value::Value;

/// What checking finds out.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The type of the result, as far as it is known.
    pub ty: Type,
    /// Everything that is wrong.
    pub problems: Vec<ExprProblem>,
    /// The declared names that the expression uses.
    pub used: BTreeSet<String>,
}

/// Checks names, fields and types against what is declared; `want` is the type that the result must have.
pub fn check(expr: &Expr, env: &TypeEnv, want: Option<&Type>) -> Checked {
    let mut checker = Checker {
        source: expr.source(),
        env,
        locals: Vec::new(),
        problems: Vec::new(),
    };
    let ty = checker.infer(expr.root());
    if let Some(want) = want {
        let fits = *want == Type::Dyn || (ty.may_equal(want) && ty != Type::Null);
        if !fits {
            let message = format!("the expression is {} where {want} is due", article(&ty));
            checker.report(codes::WRONG_TYPE, &expr.root().span, message, None);
        }
    }
    let used = expr.roots();
    Checked {
        ty,
        problems: checker.problems,
        used: used
            .into_iter()
            .filter(|name| env.get(name).is_some())
            .collect(),
    }
}

fn article(ty: &Type) -> String {
    let name = ty.to_string();
    match ty {
        Type::Null | Type::Dyn => name,
        _ if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

struct Checker<'a> {
    source: &'a str,
    env: &'a TypeEnv,
    locals: Vec<(&'a str, Type)>,
    problems: Vec<ExprProblem>,
}

impl<'a> Checker<'a> {
    fn text(&self, node: &Node) -> &'a str {
        &self.source[node.span.clone()]
    }

    fn report(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        let mut problem = ExprProblem::new(code, span.clone(), message);
        problem.help = help;
        self.problems.push(problem);
    }

    fn wrong(&mut self, node: &Node, message: String) {
        self.report(codes::WRONG_TYPE, &node.span, message, None);
    }

    fn infer(&mut self, node: &'a Node) -> Type {
        match &node.kind {
            Kind::Literal(value) => Type::of(value),
            Kind::Name(name) => self.name(node, name),
            Kind::Select { on, field } => {
                if type_constant(node).is_some() && self.env.get("google").is_none() {
                    return Type::String;
                }
                let ty = self.infer(on);
                self.field(node, on, &ty, field)
            }
            Kind::Index { on, index } => self.index(node, on, index),
            Kind::Has(inner) => {
                self.has(inner);
                Type::Bool
            }
            Kind::Not(inner) => {
                self.condition(inner);
                Type::Bool
            }
            Kind::Logic { left, right, .. } => {
                self.condition(left);
                self.condition(right);
                Type::Bool
            }
            Kind::Choose { condition, yes, no } => {
                self.condition(condition);
                let branches = [self.infer(yes), self.infer(no)];
                Type::joined(branches)
            }
            Kind::Compare { by, left, right } => {
                self.compare(*by, node, left, right);
                Type::Bool
            }
            Kind::In { item, of } => {
                self.is_in(node, item, of);
                Type::Bool
            }
            Kind::Arithmetic { by, left, right } => self.arithmetic(*by, node, left, right),
            Kind::Negate(inner) => {
                let ty = self.infer(inner);
                if !(ty.is_number() || matches!(ty, Type::Dyn | Type::Duration)) {
                    self.wrong(node, format!("`-` has no meaning for {}", article(&ty)));
                    return Type::Dyn;
                }
                ty
            }
            Kind::List(items) => {
                let types: Vec<Type> = items.iter().map(|item| self.infer(item)).collect();
                Type::list(Type::joined(types))
            }
            Kind::Map(entries) => {
                let mut types = Vec::new();
                for (key, value) in entries {
                    let key_type = self.infer(key);
                    if !matches!(key_type, Type::String | Type::Dyn) {
                        let message = format!("a key of a map is a string, not {key_type}");
                        self.wrong(key, message);
                    }
                    types.push(self.infer(value));
                }
                Type::map(Type::joined(types))
            }
            Kind::Each(each) => self.each(each),
            Kind::Call { function, args, .. } => self.call(*function, node, args),
        }
    }

    fn name(&mut self, node: &Node, name: &str) -> Type {
        if let Some((_, ty)) = self.locals.iter().rev().find(|(n, _)| *n == name) {
            return ty.clone();
        }
        if let Some(field) = self.env.get(name) {
            return field.ty.clone();
        }
        if type_name(name).is_some() {
            return Type::String;
        }
        let locals: Vec<&str> = self.locals.iter().map(|(n, _)| *n).collect();
        let help = did_you_mean(
            name,
            locals.into_iter().chain(self.env.names()),
            "there are",
        );
        let message = format!("nothing is called `{name}`");
        self.report(codes::UNKNOWN_NAME, &node.span, message, help);
        Type::Dyn
    }

    fn field(&mut self, node: &Node, on: &Node, ty: &Type, field: &str) -> Type {
        if let Some(found) = ty.step(&Step::Key(field.to_owned())) {
            return found;
        }
        let on_text = self.text(on);
        if let Type::Struct(fields) = ty {
            let help = did_you_mean(
                field,
                fields.keys().map(String::as_str),
                &format!("`{on_text}` has"),
            );
            let message = format!("`{on_text}` never has `{field}`");
            self.report(codes::UNKNOWN_FIELD, &node.span, message, help);
        } else {
            let message = format!("`{on_text}` is {} and has no `{field}`", article(ty));
            self.wrong(node, message);
        }
        Type::Dyn
    }

    fn index(&mut self, node: &'a Node, on: &'a Node, index: &'a Node) -> Type {
        let (ty, by) = (self.infer(on), self.infer(index));
        match (&ty, &by) {
            (Type::Dyn, Type::Dyn | Type::String | Type::Int | Type::Number)
            | (Type::Struct(_), Type::Dyn) => Type::Dyn,
            (Type::List(of), Type::Int | Type::Number | Type::Dyn)
            | (Type::Map(of), Type::String | Type::Dyn) => (**of).clone(),
            (Type::Headers, Type::String | Type::Dyn) => Type::String,
            (Type::Struct(_), Type::String) => match &index.kind {
                Kind::Literal(Value::String(key)) => self.field(node, on, &ty, key),
                _ => Type::Dyn,
            },
            _ => {
                let message = format!(
                    "`{}` is {} and cannot be indexed with {}",
                    self.text(on),
                    article(&ty),
                    article(&by)
                );
                self.wrong(node, message);
                Type::Dyn
            }
        }
    }

    fn has(&mut self, inner: &'a Node) {
        match &inner.kind {
            Kind::Name(name) => {
                self.name(inner, name);
            }
            _ => {
                self.infer(inner);
            }
        }
    }

    fn condition(&mut self, node: &'a Node) {
        let ty = self.infer(node);
        if !matches!(ty, Type::Bool | Type::Dyn) {
            let text = self.text(node);
            let message = format!("`{text}` is {} where a bool is due", article(&ty));
            self.wrong(node, message);
        }
    }

    fn compare(&mut self, by: Compare, node: &Node, left: &'a Node, right: &'a Node) {
        let (l, r) = (self.infer(left), self.infer(right));
        let fits = if by.is_equality() {
            l.may_equal(&r)
        } else {
            ordered(&l) && ordered(&r) && l.may_equal(&r)
        };
        if fits {
            return;
        }
        let help = conversion(&l, right, &r, self.text(right))
            .or_else(|| conversion(&r, left, &l, self.text(left)));
        let message = format!("`{}` cannot compare {l} and {r}", by.symbol());
        self.report(codes::WRONG_TYPE, &node.span, message, help);
    }

    fn is_in(&mut self, node: &Node, item: &'a Node, of: &'a Node) {
        let (i, o) = (self.infer(item), self.infer(of));
        let fits = match &o {
            Type::Dyn => true,
            Type::List(of) => i.may_equal(of),
            Type::Map(_) | Type::Headers | Type::Struct(_) => {
                matches!(i, Type::String | Type::Dyn)
            }
            _ => false,
        };
        if !fits {
            let message = format!("`in` cannot look for {} in {}", article(&i), article(&o));
            self.wrong(node, message);
        }
    }

    fn arithmetic(&mut self, by: Arithmetic, node: &Node, left: &'a Node, right: &'a Node) -> Type {
        use Arithmetic::{Add, Remainder, Subtract};
        let (l, r) = (self.infer(left), self.infer(right));
        match (&l, by, &r) {
            (Type::Dyn, _, _) | (_, _, Type::Dyn) => Type::Dyn,
            (Type::Int, _, Type::Int) => Type::Int,
            (Type::Double, by, Type::Double) if by != Remainder => Type::Double,
            (Type::Number, _, b) if b.is_number() => Type::Number,
            (a, _, Type::Number) if a.is_number() => Type::Number,
            (Type::String, Add, Type::String) => Type::String,
            (Type::Bytes, Add, Type::Bytes) => Type::Bytes,
            (Type::List(a), Add, Type::List(b)) => {
                Type::list(Type::joined([(**a).clone(), (**b).clone()]))
            }
            (Type::Duration, Add | Subtract, Type::Duration)
            | (Type::Timestamp, Subtract, Type::Timestamp) => Type::Duration,
            (Type::Timestamp, Add | Subtract, Type::Duration)
            | (Type::Duration, Add, Type::Timestamp) => Type::Timestamp,
            _ => {
                let message = format!("`{}` has no meaning for {l} and {r}", by.symbol());
                let help = (l.is_number() && r.is_number())
                    .then(|| "whole numbers and doubles do not mix; write double(n)".to_owned());
                self.report(codes::WRONG_TYPE, &node.span, message, help);
                Type::Dyn
            }
        }
    }

    fn each(&mut self, each: &'a Each) -> Type {
        let range = self.infer(&each.range);
        let element = match &range {
            Type::List(of) => (**of).clone(),
            Type::Map(_) | Type::Headers | Type::Struct(_) => Type::String,
            Type::Dyn => Type::Dyn,
            other => {
                let text = self.text(&each.range);
                let message = format!("`{text}` is {} where a list is due", article(other));
                self.wrong(&each.range, message);
                Type::Dyn
            }
        };
        self.locals.push((&each.name, element.clone()));
        if let Some(when) = &each.when {
            self.condition(when);
        }
        let result = match each.which {
            Which::Map => Type::list(self.infer(&each.body)),
            Which::Filter => {
                self.condition(&each.body);
                Type::list(element)
            }
            Which::All | Which::Exists | Which::ExistsOne => {
                self.condition(&each.body);
                Type::Bool
            }
        };
        self.locals.pop();
        result
    }

    fn call(&mut self, function: Function, node: &Node, args: &'a [Node]) -> Type {
        let types: Vec<Type> = args.iter().map(|arg| self.infer(arg)).collect();
        let spec = function.spec();
        let fitting: Vec<_> = spec
            .overloads
            .iter()
            .filter(|o| o.args.len() == types.len())
            .filter(|o| o.args.iter().zip(&types).all(|(arg, ty)| arg.takes(ty)))
            .collect();
        if let Some(overload) = fitting.first() {
            return overload.result.ty();
        }
        let seen: Vec<String> = types.iter().map(ToString::to_string).collect();
        let message = format!("`{}` has no meaning for {}", spec.name, seen.join(", "));
        let help = Some(format!("it is written {}", spec.usage()));
        self.report(codes::WRONG_TYPE, &node.span, message, help);
        spec.overloads.first().map_or(Type::Dyn, |o| o.result.ty())
    }
}

fn ordered(ty: &Type) -> bool {
    !(ty.is_map() || matches!(ty, Type::List(_) | Type::Null))
}

/// The same constant in the type it is compared with.
fn conversion(wanted: &Type, node: &Node, is: &Type, text: &str) -> Option<String> {
    if !matches!(node.kind, Kind::Literal(_)) {
        return (*is == Type::String && wanted.is_number())
            .then(|| format!("a text becomes a number with int({text}) or double({text})"));
    }
    match (wanted, is) {
        (Type::Duration, Type::String) => Some(format!("did you mean duration({text})?")),
        (Type::Duration, Type::Int | Type::Double) => {
            Some(format!("durations have a unit: duration('{text}ms')"))
        }
        (Type::Timestamp, Type::String) => Some(format!("did you mean timestamp({text})?")),
        (Type::Int | Type::Double | Type::Number | Type::Bool, Type::String) => {
            Some(format!("did you mean {}?", text.trim_matches(['\'', '"'])))
        }
        (Type::String, Type::Int | Type::Double | Type::Bool) => {
            Some(format!("did you mean '{text}'?"))
        }
        _ => None,
    }
}

/// See [`Expr::paths`].
pub(super) fn paths(root: &Node) -> BTreeSet<Path> {
    let mut out = BTreeSet::new();
    collect(root, &mut Vec::new(), &mut out);
    out
}

type Locals<'a> = Vec<(&'a str, Option<Path>)>;

fn collect<'a>(node: &'a Node, locals: &mut Locals<'a>, out: &mut BTreeSet<Path>) {
    if node.is_constant() {
        return;
    }
    if let Some(path) = static_path(node, locals) {
        out.insert(path);
        // Indexes may look at other places.
        let mut inner = node;
        loop {
            match &inner.kind {
                Kind::Index { on, index } => {
                    collect(index, locals, out);
                    inner = on;
                }
                Kind::Select { on, .. } => inner = on,
                _ => return,
            }
        }
    }
    if let Kind::Each(each) = &node.kind {
        collect(&each.range, locals, out);
        let element = static_path(&each.range, locals).map(|path| path.then(Step::Any));
        locals.push((&each.name, element));
        if let Some(when) = &each.when {
            collect(when, locals, out);
        }
        collect(&each.body, locals, out);
        locals.pop();
        return;
    }
    for child in node.children() {
        collect(child, locals, out);
    }
}

fn static_path(node: &Node, locals: &Locals<'_>) -> Option<Path> {
    match &node.kind {
        Kind::Name(name) => match locals.iter().rev().find(|(n, _)| n == name) {
            Some((_, path)) => path.clone(),
            None => Some(Path::root(name.as_str())),
        },
        Kind::Select { on, field } => Some(static_path(on, locals)?.then(Step::Key(field.clone()))),
        Kind::Index { on, index } => {
            let step = match &index.kind {
                Kind::Literal(Value::String(key)) => Step::Key(key.clone()),
                Kind::Literal(Value::Int(i)) => usize::try_from(*i).map_or(Step::Any, Step::At),
                _ => Step::Any,
            };
            Some(static_path(on, locals)?.then(step))
        }
        _ => None,
    }
}

/// See [`Expr::speaks_of_emptiness`].
pub(super) fn speaks_of_emptiness(node: &Node, fact: &str) -> bool {
    let about = |part: &Node| starts_from(part, fact);
    let here = match &node.kind {
        Kind::Has(inner) => about(inner),
        Kind::Call {
            function: Function::Size,
            args,
            ..
        } => args.first().is_some_and(about),
        Kind::Compare { by, left, right } if by.is_equality() => {
            let empty = |part: &Node| match &part.kind {
                Kind::List(items) => items.is_empty(),
                Kind::Map(entries) => entries.is_empty(),
                Kind::Literal(value) => *value == Value::Null,
                _ => false,
            };
            (empty(left) && about(right)) || (empty(right) && about(left))
        }
        _ => false,
    };
    here || node
        .children()
        .into_iter()
        .any(|child| speaks_of_emptiness(child, fact))
}

/// Whether a part is the fact, or something selected or filtered from it.
fn starts_from(node: &Node, fact: &str) -> bool {
    if is_fact(node, fact) {
        return true;
    }
    if static_path(node, &Vec::new()).is_some_and(|path| path.names() == fact) {
        return true;
    }
    match &node.kind {
        Kind::Select { on, .. } | Kind::Index { on, .. } => starts_from(on, fact),
        Kind::Each(each) if matches!(each.which, Which::Map | Which::Filter) => {
            starts_from(&each.range, fact)
        }
        _ => false,
    }
}
