//! What a plan cannot mean, found before a packet leaves.

mod captures;
mod checks;
mod environment;
mod gates;
mod limits;
mod pasted;
mod secrets;

use std::collections::BTreeSet;

pub use environment::{check_environment, target_of};

use super::build::Built;
use super::exprs;
use super::load::Reader;
use super::statements::FindingSeverity;
use super::syntax::Registry;
use super::tree::Node;
use super::types::Check;
use crate::diag::{Diagnostic, nearest};
use crate::expr::{Expr, Field, Path, Step, Template, TemplatePart, Type, TypeEnv};
use crate::outcome::Outcome;

/// Adds every problem of a built plan to the reader's, and marks what is secret.
pub(super) fn lint(built: &mut Built, reader: &mut Reader<'_>, registry: &Registry) {
    gates::lint(built, reader);
    checks::lint(built, reader, registry);
    captures::lint(built, reader);
    secrets::lint(built, reader, registry);
    environment::lint(built, reader, registry);
    policy(built, reader);
    plain_texts(built, reader);
    unused_inputs(built, reader);
    pasted::lint(reader);
}

/// Where an expression or template of a check stands, which decides what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Judged after the check: `expect`, `warn`.
    Judged,
    /// Kept after the check: `save`.
    Kept,
    /// Needed before the check: options, `when`, `for_each`.
    Before,
}

/// One expression of a check, with the scalar that holds it.
struct Use<'n> {
    expr: Expr,
    node: &'n Node,
    role: Role,
    /// Where in the scalar's text the expression begins.
    offset: usize,
}

/// The expressions of a template, each with the place where it begins.
fn template_exprs(template: &Template) -> impl Iterator<Item = (&Expr, usize)> {
    template.parts().iter().filter_map(|part| match part {
        TemplatePart::Expr { expr, at } => Some((expr, *at)),
        TemplatePart::Text(_) => None,
    })
}

/// Every expression of a check. The nodes were compiled before; what failed then is not here.
fn uses<'n>(check: &Check, node: &'n Node) -> Vec<Use<'n>> {
    let mut out = Vec::new();
    let mut judged = |key: &str, exprs: &[Expr]| {
        for (expr, node) in exprs.iter().zip(exprs::each_of(node, key)) {
            let expr = expr.clone();
            let role = Role::Judged;
            let offset = 0;
            out.push(Use {
                expr,
                node,
                role,
                offset,
            });
        }
    };
    judged("expect", &check.expect);
    judged("warn", &check.warn);
    let saves = node.get("save").into_iter().flat_map(Node::entries);
    for (save, entry) in check.save.iter().zip(saves) {
        out.push(Use {
            expr: save.from.clone(),
            node: entry.value.get("from").unwrap_or(&entry.value),
            role: Role::Kept,
            offset: 0,
        });
    }
    let mut before = |expr: Expr, node: &'n Node, offset: usize| {
        let role = Role::Before;
        out.push(Use {
            expr,
            node,
            role,
            offset,
        });
    };
    if let (Some(when), Some(node)) = (&check.when, node.get("when")) {
        before(when.clone(), node, 0);
    }
    if let (Some(super::types::ForEach::Expr(expr)), Some(node)) =
        (&check.for_each, node.get("for_each"))
    {
        before(expr.clone(), node, 0);
    }
    for entry in node.entries() {
        if matches!(&*entry.key, "expect" | "warn" | "save" | "when") {
            continue;
        }
        exprs::each_text(&entry.value, &mut |text| {
            let template = crate::expr::parse_template(text.text().unwrap_or_default());
            for (expr, at) in template.iter().flat_map(template_exprs) {
                before(expr.clone(), text, at);
            }
        });
    }
    out
}

/// The names under a root that an expression uses: `rule` of `saved.rule.id`.
fn names_under(expr: &Expr, root: &str) -> BTreeSet<String> {
    expr.paths()
        .into_iter()
        .filter(|path| path.root == root)
        .filter_map(|path: Path| match path.steps.into_iter().next() {
            Some(Step::Key(name)) => Some(name),
            _ => None,
        })
        .collect()
}

/// The names that every expression may use.
fn given_names(built: &Built) -> TypeEnv {
    let mut env = vec![
        (
            "name".to_owned(),
            Field::new(Type::String, "The environment's name."),
        ),
        ("kind".to_owned(), Field::new(Type::String, "Its kind.")),
    ];
    for environment in built.plan.environments.values() {
        let values = environment.values.keys();
        env.extend(values.map(|v| {
            (
                v.clone(),
                Field::optional(Type::Dyn, "A value of the environment."),
            )
        }));
    }
    TypeEnv::new()
        .with(
            "inputs",
            Field::new(Type::map(Type::Dyn), "Values from outside."),
        )
        .with(
            "saved",
            Field::new(Type::map(Type::Dyn), "Values of earlier checks."),
        )
        .with("env", Field::new(Type::fields(env), "The environment."))
}

/// Says which inputs and captures that an expression uses are not there.
fn undeclared(built: &Built, captures: &BTreeSet<&str>, each: &Use<'_>, reader: &mut Reader<'_>) {
    for name in names_under(&each.expr, "inputs") {
        if built.plan.inputs.contains_key(&name) {
            continue;
        }
        let mut problem =
            Diagnostic::error("unknown-input", format!("no input is called `{name}`"));
        let known = built.plan.inputs.keys().map(String::as_str);
        problem = problem.help(match nearest(&name, known) {
            Some(near) => format!("did you mean `inputs.{near}`?"),
            None => format!("declare it: `inputs: {{ {name}: {{}} }}`"),
        });
        let at = exprs::locate_word(each.node, &format!("inputs.{name}"), &reader.sources);
        reader.say(problem, at);
    }
    for name in names_under(&each.expr, "saved") {
        if captures.contains(name.as_str()) {
            continue;
        }
        let message = format!("no check saves `{name}`");
        let mut problem = Diagnostic::error("unknown-capture", message);
        problem = problem.help(match nearest(&name, captures.iter().copied()) {
            Some(near) => format!("did you mean `saved.{near}`?"),
            None => format!("an earlier check must have `save: {{ {name}: … }}`"),
        });
        let at = exprs::locate_word(each.node, &format!("saved.{name}"), &reader.sources);
        reader.say(problem, at);
    }
}

/// Checks an expression's names and types, and says what is wrong.
fn check_types(each: &Use<'_>, env: &TypeEnv, want: Option<&Type>, reader: &mut Reader<'_>) {
    for problem in crate::expr::check(&each.expr, env, want).problems {
        let problem = problem.shifted(each.offset);
        exprs::report(problem, each.node, &reader.sources, &mut reader.problems);
    }
}

/// The expressions that replace the default rule speak of counts and of nothing else.
fn policy(built: &Built, reader: &mut Reader<'_>) {
    let env = with_counts(given_names(built));
    let exprs = [&built.plan.decide.no_go, &built.plan.decide.hold];
    let exprs = exprs.into_iter().flatten();
    for (expr, node) in exprs.zip(&built.decide) {
        rule(expr, node, &env, reader);
    }
}

/// Adds what the rules of a plan or a policy file speak of: gates by severity and outcome.
fn with_counts(env: TypeEnv) -> TypeEnv {
    let counts = Outcome::WORST_FIRST
        .iter()
        .map(|o| o.word())
        .chain(["waived", "out_of_scope", "total"])
        .map(|word| (word, Field::new(Type::Int, "How many gates.")));
    let counts = Type::fields(counts);
    let severities = FindingSeverity::ALL.iter().map(|severity| severity.word());
    let findings = severities.chain(["accepted", "total"]);
    let findings = findings.map(|word| (word, Field::new(Type::Int, "How many stated findings.")));
    let about = "Stated findings: open ones by severity, accepted ones, all.";
    let env = env.with("findings", Field::new(Type::fields(findings), about));
    ["critical", "important", "advisory"]
        .into_iter()
        .fold(env, |env, name| {
            let about = "Gates of this severity by outcome.";
            env.with(name, Field::new(counts.clone(), about))
        })
}

/// Checks one rule of a policy file.
pub(super) fn policy_rule(expr: &Expr, node: &Node, reader: &mut Reader<'_>) {
    let any = |about: &str| Field::new(Type::map(Type::Dyn), about);
    let env = TypeEnv::new()
        .with("inputs", any("Values from outside."))
        .with("env", any("The environment."));
    rule(expr, node, &with_counts(env), reader);
}

fn rule(expr: &Expr, node: &Node, env: &TypeEnv, reader: &mut Reader<'_>) {
    let each = Use {
        expr: expr.clone(),
        node,
        role: Role::Judged,
        offset: 0,
    };
    check_types(&each, env, Some(&Type::Bool), reader);
    if expr.is_constant() {
        let problem = Diagnostic::error("expects-nothing", "this rule is the same for every run");
        let help = "speak of `critical`, `important`, `advisory` or `findings`, such as `critical.fail > 0`";
        reader.say(problem.help(help), node.span);
    }
}

/// Texts that nothing fills: a template in them would be shown as it stands.
fn plain_texts(built: &Built, reader: &mut Reader<'_>) {
    let mut found = Vec::new();
    for site in &built.gates {
        for key in ["title", "owner", "target"] {
            found.extend(site.node.get(key));
        }
        let said = site.checks.iter().chain([&site.node]);
        for finding in said.filter_map(|node| node.get("finding")) {
            found.extend(finding.entries().iter().map(|entry| &entry.value));
        }
    }
    for node in found {
        if node.text().is_some_and(|t| t.contains("${")) {
            let problem = Diagnostic::error("template-not-here", "nothing is filled in here")
                .help("`${ … }` is filled in the options of checks and targets");
            reader.say(problem, node.span);
        }
    }
}

fn unused_inputs(built: &Built, reader: &mut Reader<'_>) {
    let mut used = BTreeSet::new();
    let mut add = |expr: &Expr| used.extend(names_under(expr, "inputs"));
    for_each_expr(built, &mut add);
    let whole = built.gates.iter().all(|g| g.whole);
    for (name, at) in &built.inputs {
        if whole && !used.contains(name) {
            let message = format!("nothing uses the input `{name}`");
            reader.say(Diagnostic::warning("unused-input", message), *at);
        }
    }
}

fn for_each_expr(built: &Built, call: &mut dyn FnMut(&Expr)) {
    for (gate, site) in built.plan.gates.iter().zip(&built.gates) {
        for (check, node) in gate.checks.iter().zip(&site.checks) {
            for each in uses(check, node) {
                call(&each.expr);
            }
        }
    }
    if let (Some(subject), Some(node)) = (&built.plan.subject, &built.subject) {
        for each in uses(&subject.check, node) {
            call(&each.expr);
        }
    }
    for node in built.targets.values().flat_map(|t| t.values()) {
        exprs::each_text(node, &mut |text| {
            let template = crate::expr::parse_template(text.text().unwrap_or_default());
            template
                .iter()
                .flat_map(Template::exprs)
                .for_each(&mut *call);
        });
    }
}
