//! The facts that there are.

use gonogo_core::shape::{Field, Shape, Type};
use serde_json::Value as Json;

/// The facts of the probe.
pub(super) fn shape(options: &Json) -> Shape {
    let mut fields = of_the_document();
    if let Some(expected) = options.get("expected") {
        let is_whole = expected.is_string();
        fields.push((
            "changes",
            Field::new(changes(is_whole), "how it differs from what is expected"),
        ));
    }
    if options["calls"] != false {
        fields.extend([
            ("called", Field::new(Type::Int, "how many operations were called")),
            ("calls", Field::new(Type::list(call()), "the operations that were called")),
            (
                "not_called",
                Field::new(Type::list(left_out()), "the `GET` and `HEAD` operations that were not called, and why"),
            ),
            (
                "all_valid",
                Field::new(
                    Type::Bool,
                    "whether every `GET` and `HEAD` operation, but those of `skip`, was called and its answer valid",
                ),
            ),
        ]);
    }
    if options["bodies"] == true {
        fields.extend([
            (
                "empty_bodies",
                Field::new(
                    Type::list(sent()),
                    "the bodies that had to be refused, and the answers",
                ),
            ),
            (
                "not_sent",
                Field::new(
                    Type::list(left_out()),
                    "the operations that require a body and were sent none, and why",
                ),
            ),
        ]);
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn of_the_document() -> Vec<(&'static str, Field)> {
    let names = || Type::list(Type::String);
    vec![
        (
            "openapi",
            Field::new(Type::String, "the version of OpenAPI, as written"),
        ),
        (
            "title",
            Field::optional(Type::String, "the title of the API"),
        ),
        (
            "version",
            Field::optional(Type::String, "the version of the API"),
        ),
        (
            "documents",
            Field::new(names(), "the paths of all documents that it consists of"),
        ),
        (
            "operations",
            Field::new(names(), "all operations, as `GET /users/{id}`"),
        ),
        ("paths", Field::new(names(), "all paths, as written")),
        ("counts", Field::new(counts(), "how many there are")),
        (
            "deprecated",
            Field::new(names(), "the operations that are deprecated"),
        ),
        (
            "unsecured",
            Field::new(
                names(),
                "the operations that ask nobody who they are, by the document",
            ),
        ),
        (
            "problems",
            Field::new(
                Type::list(problem()),
                "what is wrong with the document itself",
            ),
        ),
        (
            "valid",
            Field::new(Type::Bool, "whether nothing is wrong with it"),
        ),
    ]
}

fn counts() -> Type {
    Type::fields([
        (
            "operations",
            Field::new(Type::Int, "operations: a method on a path"),
        ),
        ("paths", Field::new(Type::Int, "paths")),
        (
            "by_method",
            Field::new(Type::map(Type::Int), "operations by method, such as `GET`"),
        ),
    ])
}

fn problem() -> Type {
    Type::fields([
        (
            "place",
            Field::new(Type::String, "the operation, path or reference"),
        ),
        ("message", Field::new(Type::String, "what is wrong")),
    ])
}

fn changes(is_whole: bool) -> Type {
    let names = || Type::list(Type::String);
    let mut fields = vec![
        (
            "added",
            Field::new(names(), "operations that were not expected"),
        ),
        (
            "removed",
            Field::new(names(), "expected operations that are not there"),
        ),
        (
            "breaking",
            Field::new(
                names(),
                "all on which a client that keeps to what was expected may fail",
            ),
        ),
    ];
    if is_whole {
        let change = Type::fields([
            ("operation", Field::new(Type::String, "the operation")),
            ("place", Field::new(Type::String, "where in it")),
            ("what", Field::new(Type::String, "what changed")),
            (
                "breaking",
                Field::new(Type::Bool, "whether a client may fail on it"),
            ),
        ]);
        let doc = "what changed in operations that are in both";
        fields.push(("changed", Field::new(Type::list(change), doc)));
    }
    Type::fields(fields)
}

fn call() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        (
            "path",
            Field::new(Type::String, "path and query that were asked for"),
        ),
        (
            "status",
            Field::optional(Type::Int, "the status; absent where no answer came"),
        ),
        (
            "documented",
            Field::new(Type::Bool, "whether the status is documented"),
        ),
        (
            "valid",
            Field::new(
                Type::Bool,
                "whether the answer is a success (2xx, 3xx) and as documented: status, content type, body",
            ),
        ),
        (
            "problems",
            Field::new(Type::list(Type::String), "what is not as documented"),
        ),
        (
            "latency",
            Field::optional(Type::Duration, "from the name lookup to the last byte"),
        ),
    ])
}

fn sent() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        (
            "body",
            Field::new(
                Type::String,
                "`empty`: `{}`; `wrong_type`: a required field of another type",
            ),
        ),
        (
            "status",
            Field::optional(Type::Int, "the status; absent where no answer came"),
        ),
        (
            "documented",
            Field::new(Type::Bool, "whether the status is documented"),
        ),
        (
            "names_field",
            Field::new(
                Type::Bool,
                "whether the answer is a 4xx that names a field at fault",
            ),
        ),
        (
            "field",
            Field::new(
                Type::String,
                "the field that it names, else the first that it should",
            ),
        ),
        (
            "problems",
            Field::new(
                Type::list(Type::String),
                "what of the answer is not as documented",
            ),
        ),
    ])
}

fn left_out() -> Type {
    Type::fields([
        ("operation", Field::new(Type::String, "the operation")),
        ("why", Field::new(Type::String, "the reason")),
    ])
}
