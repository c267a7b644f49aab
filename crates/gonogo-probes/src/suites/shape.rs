//! The facts that are recorded of test suites and scans, by name and type.

use gonogo_core::shape::{Field, Shape, Type};

/// The facts of the probe.
pub(super) fn shape() -> Shape {
    let names = || Type::list(Type::String);
    let fields = [
        (
            "total",
            Type::Int,
            "how many tests there are: passed, failed, errors and skipped together",
        ),
        ("passed", Type::Int, "how many passed"),
        ("failed", Type::Int, "how many failed"),
        (
            "errors",
            Type::Int,
            "how many could not be carried out: a broken fixture, a file that does not load, a dead program",
        ),
        (
            "skipped",
            Type::Int,
            "how many did not run, or whose end does not count; a skip is never a pass",
        ),
        (
            "filtered",
            Type::Int,
            "how many a filter left out, where the tool says so; they are not in `total`",
        ),
        ("suites", Type::list(suite()), "the suites"),
        (
            "empty",
            names(),
            "suites that ran nothing: no test in them, or all skipped",
        ),
        (
            "untested",
            names(),
            "programs and packages that have no tests at all (cargo, Go); they are no suites",
        ),
        (
            "failed_names",
            names(),
            "the tests that failed or could not be carried out",
        ),
        ("skipped_names", names(), "the tests that were skipped"),
        (
            "flaky",
            names(),
            "tests that passed only when they were tried again, where the tool says so",
        ),
        (
            "findings",
            levels(),
            "what scanners found (SARIF), by level; absent where no scanner is among the documents",
        ),
        ("scans", Type::list(scan()), "the scanners' runs"),
        (
            "found_names",
            names(),
            "the findings of the levels `error` and `warning`: rule and place",
        ),
        (
            "suppressed_names",
            names(),
            "the findings that somebody accepted",
        ),
        ("documents", Type::list(document()), "what was read"),
        (
            "age",
            Type::Duration,
            "how old the oldest collected document is",
        ),
        (
            "valid",
            Type::Bool,
            "whether nothing is wrong with the documents and the run",
        ),
        (
            "problems",
            Type::list(problem()),
            "what is wrong with the documents and the run",
        ),
        (
            "exit_code",
            Type::Int,
            "the exit code of `run`; absent when a signal ended it",
        ),
        (
            "signal",
            Type::Int,
            "the signal that ended it; absent otherwise",
        ),
        ("latency", Type::Duration, "how long it ran"),
    ];
    let field = |(name, ty, doc): (&str, Type, &str)| (name.to_owned(), Field::new(ty, doc));
    Shape {
        fields: fields.into_iter().map(field).collect(),
    }
}

fn suite() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        (
            "source",
            Field::new(Type::String, "the document that it stands in"),
        ),
        ("format", Field::new(Type::String, "what the document is")),
        ("total", Field::new(Type::Int, "how many tests it has")),
        ("passed", Field::new(Type::Int, "how many passed")),
        ("failed", Field::new(Type::Int, "how many failed")),
        (
            "errors",
            Field::new(Type::Int, "how many could not be carried out"),
        ),
        ("skipped", Field::new(Type::Int, "how many were skipped")),
    ])
}

fn levels() -> Type {
    Type::fields([
        (
            "error",
            Field::new(Type::Int, "findings of this level that nobody accepted"),
        ),
        ("warning", Field::new(Type::Int, "the same")),
        ("note", Field::new(Type::Int, "the same")),
        (
            "none",
            Field::new(Type::Int, "the same; they are no failures"),
        ),
        (
            "suppressed",
            Field::new(Type::Int, "those that somebody accepted, of any level"),
        ),
    ])
}

fn scan() -> Type {
    Type::fields([
        ("tool", Field::new(Type::String, "the scanner")),
        ("source", Field::new(Type::String, "the document")),
        ("findings", Field::new(levels(), "what it found, by level")),
    ])
}

fn document() -> Type {
    Type::fields([
        (
            "source",
            Field::new(Type::String, "its path, or that it is the program's output"),
        ),
        ("format", Field::new(Type::String, "what it is")),
        ("total", Field::new(Type::Int, "how many tests it has")),
        ("age", Field::optional(Type::Duration, "how old it is")),
    ])
}

fn problem() -> Type {
    Type::fields([
        ("rule", Field::new(Type::String, "its stable name")),
        (
            "source",
            Field::new(Type::String, "the document, or the program"),
        ),
        ("line", Field::optional(Type::Int, "the line")),
        ("message", Field::new(Type::String, "what is wrong")),
    ])
}
