//! What is recorded of a compose file, as facts. No value of a variable is among them.

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::docker::HealthCheck;
use crate::probe::Seen;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Compose would refuse it, or something would be lost.
    Error,
    /// It works, but hardly as it is meant.
    Warning,
}

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) level: Level,
    /// Stable name.
    pub(super) rule: &'static str,
    /// The file, or where in the compose file: `services.web.ports`.
    pub(super) place: String,
    /// The line; zero where it has none of its own.
    pub(super) line: usize,
    pub(super) message: String,
}

/// A service as the file has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) image: Option<String>,
    pub(super) has_build: bool,
    pub(super) platform: Option<String>,
    /// As written in the file; nothing where that says nothing, so that the image's own counts.
    pub(super) health_check: Option<HealthCheck>,
    pub(super) ports: Vec<String>,
    pub(super) restart: Option<String>,
    pub(super) depends_on: Vec<String>,
    pub(super) profiles: Vec<String>,
}

impl Service {
    /// An image whose name may mean another tomorrow.
    fn is_unpinned(&self) -> bool {
        let Some(image) = self.image.as_deref().filter(|_| !self.has_build) else {
            return false;
        };
        if image.contains('@') {
            return false;
        }
        let last = image.rsplit('/').next().unwrap_or(image);
        last.split_once(':')
            .is_none_or(|(_, tag)| tag == "latest" || tag.is_empty())
    }
}

/// A variable that the file uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) set: bool,
    pub(super) default: bool,
    pub(super) required: bool,
}

/// All of it.
#[derive(Default)]
pub(super) struct Found {
    /// Nothing where the file is no mapping with services.
    pub(super) services: Option<Vec<Service>>,
    pub(super) variables: Vec<Variable>,
    pub(super) problems: Vec<Problem>,
    /// Parts that stand in other files, which are not followed.
    pub(super) elsewhere: Option<String>,
}

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let names = || Type::list(Type::String);
    let fields = [
        (
            "valid",
            Field::new(
                Type::Bool,
                "whether nothing is wrong; warnings do not count",
            ),
        ),
        (
            "problems",
            Field::new(
                Type::list(problem()),
                "what is wrong, and what is only doubtful",
            ),
        ),
        ("errors", Field::new(Type::Int, "how many are wrong")),
        ("warnings", Field::new(Type::Int, "how many are doubtful")),
        (
            "services",
            Field::new(
                names(),
                "the services that `docker compose up` starts: those without a profile",
            ),
        ),
        (
            "profiled",
            Field::new(names(), "the services that only a profile starts"),
        ),
        (
            "definitions",
            Field::new(Type::map(service()), "the services by name"),
        ),
        (
            "variables",
            Field::new(
                Type::list(variable()),
                "the variables that the file uses, never their values",
            ),
        ),
        (
            "unset",
            Field::new(
                names(),
                "variables without a value and without a default: compose puts nothing in",
            ),
        ),
        (
            "unpinned",
            Field::new(names(), "services whose image has no tag, or `latest`"),
        ),
        (
            "unchecked",
            Field::new(
                names(),
                "services whose health check is missing in the file, disabled, or checks nothing",
            ),
        ),
    ];
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn problem() -> Type {
    Type::fields([
        ("level", Field::new(Type::String, "`error` or `warning`")),
        ("rule", Field::new(Type::String, "its stable name")),
        (
            "place",
            Field::new(Type::String, "the file, or the place in the compose file"),
        ),
        ("line", Field::optional(Type::Int, "the line")),
        ("message", Field::new(Type::String, "what is wrong")),
    ])
}

fn service() -> Type {
    Type::fields([
        (
            "image",
            Field::optional(Type::String, "its image, variables put in"),
        ),
        (
            "build",
            Field::new(Type::Bool, "whether it is built from sources"),
        ),
        (
            "platform",
            Field::optional(Type::String, "the platform it is pinned to"),
        ),
        (
            "health_check",
            Field::new(
                Type::fields([
                    (
                        "defined",
                        Field::new(Type::Bool, "whether the file defines one"),
                    ),
                    (
                        "checks_nothing",
                        Field::new(
                            Type::Bool,
                            "whether it defines none, or one that always succeeds",
                        ),
                    ),
                    ("test", Field::new(Type::String, "its command")),
                    (
                        "why",
                        Field::optional(Type::String, "why it checks nothing"),
                    ),
                ]),
                "its health check; an image may have its own",
            ),
        ),
        (
            "ports",
            Field::new(Type::list(Type::String), "its published ports, as written"),
        ),
        (
            "restart",
            Field::optional(Type::String, "its restart policy"),
        ),
        (
            "depends_on",
            Field::new(Type::list(Type::String), "the services it waits for"),
        ),
        (
            "profiles",
            Field::new(Type::list(Type::String), "the profiles that start it"),
        ),
    ])
}

fn variable() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        ("set", Field::new(Type::Bool, "whether it has a value")),
        (
            "default",
            Field::new(
                Type::Bool,
                "whether every use says what stands there without one",
            ),
        ),
        (
            "required",
            Field::new(Type::Bool, "whether a use demands it: `${NAME:?…}`"),
        ),
    ])
}

/// The facts that claim something of the whole.
const CLAIMS: [&str; 10] = [
    "valid",
    "problems",
    "errors",
    "services",
    "profiled",
    "definitions",
    "unset",
    "variables",
    "unpinned",
    "unchecked",
];

/// The facts.
pub(super) fn seen(found: Found) -> Seen {
    let count = |level| found.problems.iter().filter(|p| p.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let names = |all: Vec<&str>| Value::List(all.into_iter().map(Value::from).collect());
    let unset = found.variables.iter().filter(|v| !v.set && !v.default);
    let mut facts: Map = [
        ("valid", Value::from(errors == 0)),
        ("errors", errors.into()),
        ("warnings", warnings.into()),
        (
            "problems",
            Value::List(found.problems.iter().map(problem_facts).collect()),
        ),
        (
            "variables",
            Value::List(found.variables.iter().map(variable_facts).collect()),
        ),
        ("unset", names(unset.map(|v| v.name.as_str()).collect())),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    let mut absent = Vec::new();
    if let Some(services) = &found.services {
        let such = |such: &dyn Fn(&Service) -> bool| {
            let all = services.iter().filter(|s| such(s));
            names(all.map(|s| s.name.as_str()).collect())
        };
        facts.insert("services".to_owned(), such(&|s| s.profiles.is_empty()));
        facts.insert("profiled".to_owned(), such(&|s| !s.profiles.is_empty()));
        facts.insert("unpinned".to_owned(), such(&Service::is_unpinned));
        let unchecked = |s: &Service| {
            let check = s.health_check.as_ref();
            check.is_none_or(|c| c.checks_nothing.is_some())
        };
        facts.insert("unchecked".to_owned(), such(&unchecked));
        let definitions = services.iter().map(|s| (s.name.clone(), service_facts(s)));
        facts.insert("definitions".to_owned(), Value::Map(definitions.collect()));
    }
    if found.services.as_ref().is_none_or(Vec::is_empty) {
        absent.push(Absence {
            fact: "services".to_owned(),
            why: "the compose file has no service that could be read".to_owned(),
        });
    }
    let cut = found.elsewhere.iter().flat_map(|why| {
        CLAIMS.map(|fact| Cut {
            fact: fact.to_owned(),
            why: why.clone(),
        })
    });
    Seen {
        cut: cut.collect(),
        absent,
        shown: table(&found.problems).into_iter().collect(),
        facts,
        ..Seen::default()
    }
}

fn problem_facts(problem: &Problem) -> Value {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let line = (problem.line > 0).then(|| problem.line.into());
    map([
        ("level", Some(level.into())),
        ("rule", Some(problem.rule.into())),
        ("place", Some(problem.place.as_str().into())),
        ("line", line),
        ("message", Some(problem.message.as_str().into())),
    ])
}

fn variable_facts(variable: &Variable) -> Value {
    map([
        ("name", Some(variable.name.as_str().into())),
        ("set", Some(variable.set.into())),
        ("default", Some(variable.default.into())),
        ("required", Some(variable.required.into())),
    ])
}

fn service_facts(service: &Service) -> Value {
    let list = |all: &[String]| Value::List(all.iter().map(|t| t.as_str().into()).collect());
    let none = HealthCheck::of(&[]);
    let check = service.health_check.as_ref().unwrap_or(&none);
    let health_check = map([
        ("defined", Some(check.defined.into())),
        (
            "checks_nothing",
            Some(check.checks_nothing.is_some().into()),
        ),
        ("test", Some(check.test.as_str().into())),
        ("why", check.checks_nothing.as_deref().map(Value::from)),
    ]);
    map([
        ("image", service.image.as_deref().map(Value::from)),
        ("build", Some(service.has_build.into())),
        ("platform", service.platform.as_deref().map(Value::from)),
        ("health_check", Some(health_check)),
        ("ports", Some(list(&service.ports))),
        ("restart", service.restart.as_deref().map(Value::from)),
        ("depends_on", Some(list(&service.depends_on))),
        ("profiles", Some(list(&service.profiles))),
    ])
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}

fn table(problems: &[Problem]) -> Option<Shown> {
    if problems.is_empty() {
        return None;
    }
    let row = |p: &Problem| {
        let place = match p.line {
            0 => p.place.clone(),
            line => format!("{}:{line}", p.place),
        };
        vec![p.rule.to_owned(), place, p.message.clone()]
    };
    Some(Shown::Table {
        title: "Problems".to_owned(),
        head: ["rule", "where", "what"].map(str::to_owned).to_vec(),
        rows: problems.iter().map(row).collect(),
    })
}
