//! The facts of the probe, by where they come from.

use gonogo_core::shape::{Field, Shape, Type};
use serde_json::Value as Json;

use super::syntax::{MEASURES, Source};

/// The shape of a check with these options.
pub(super) fn shape(source: Option<Source>, options: &Json) -> Shape {
    let asked = |name: &str| match source {
        Some(Source::Prometheus) => options.get("queries").is_none_or(|q| q.get(name).is_some()),
        Some(Source::Containers) => matches!(name, "cpu" | "memory"),
        Some(Source::Host) => name != "pool",
        None => true,
    };
    let measures = MEASURES.iter().filter(|(name, _)| asked(name));
    let mut fields: Vec<(&str, Field)> = measures
        .map(|(name, doc)| {
            let doc = format!("{doc}, from 0 to 1; absent where it is not known");
            (*name, Field::new(Type::Double, doc))
        })
        .collect();
    let only = |wanted| source.is_none_or(|s| s == wanted);
    if only(Source::Prometheus) {
        fields.push((
            "values",
            Field::new(Type::map(Type::Double), "each measure's largest value"),
        ));
        fields.push((
            "samples",
            Field::new(Type::list(sample()), "each series of each measure"),
        ));
    }
    if only(Source::Containers) {
        fields.push((
            "containers",
            Field::new(Type::list(container()), "the running containers"),
        ));
    }
    if only(Source::Host) {
        fields.extend(host());
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn sample() -> Type {
    Type::fields([
        ("measure", Field::new(Type::String, "what it measures")),
        (
            "labels",
            Field::new(Type::map(Type::String), "the series' labels"),
        ),
        ("value", Field::new(Type::Double, "its value")),
    ])
}

fn container() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        (
            "service",
            Field::optional(Type::String, "its compose service"),
        ),
        (
            "processors",
            Field::optional(Type::Double, "how many processors it kept busy"),
        ),
        (
            "cpu",
            Field::optional(Type::Double, "that of its limit, or of all processors"),
        ),
        (
            "memory",
            Field::new(
                Type::fields([
                    (
                        "used",
                        Field::optional(
                            Type::Int,
                            "bytes, without the page cache that can be dropped",
                        ),
                    ),
                    (
                        "limit",
                        Field::optional(Type::Int, "its limit, or the machine's memory"),
                    ),
                    ("share", Field::optional(Type::Double, "used of limit")),
                    (
                        "limited",
                        Field::new(Type::Bool, "whether it has a limit of its own"),
                    ),
                ]),
                "its memory",
            ),
        ),
    ])
}

fn host() -> [(&'static str, Field); 4] {
    let disk = Type::fields([
        ("total", Field::new(Type::Int, "bytes")),
        ("used", Field::new(Type::Int, "bytes")),
        (
            "available",
            Field::new(Type::Int, "bytes that anybody may still use"),
        ),
        (
            "share",
            Field::optional(
                Type::Double,
                "used, as `df` counts it; absent where it has no size",
            ),
        ),
        (
            "files",
            Field::optional(Type::Double, "the share of the inodes that is used"),
        ),
    ]);
    let memory = Type::fields([
        ("used", Field::new(Type::Int, "what programs cannot have")),
        ("available", Field::new(Type::Int, "what they can")),
        ("total", Field::new(Type::Int, "all of it")),
    ]);
    let load = Type::fields([
        ("one", Field::new(Type::Double, "over one minute")),
        ("five", Field::new(Type::Double, "over five")),
        ("fifteen", Field::new(Type::Double, "over fifteen")),
    ]);
    [
        ("memory_bytes", Field::new(memory, "the memory in bytes")),
        ("load", Field::new(load, "how many programs wanted to run")),
        (
            "disks",
            Field::new(
                Type::map(disk),
                "each file system, by the folder that was named",
            ),
        ),
        (
            "machine",
            Field::new(
                Type::String,
                "the name of the machine: the one that gonogo runs on",
            ),
        ),
    ]
}
