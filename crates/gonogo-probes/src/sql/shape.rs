//! The facts of a SQL observation.

use gonogo_core::shape::{Field, Shape, Type};

fn text(doc: &str) -> Field {
    Field::new(Type::String, doc)
}

fn maybe(doc: &str) -> Field {
    Field::optional(Type::String, doc)
}

fn int(doc: &str) -> Field {
    Field::new(Type::Int, doc)
}

fn maybe_int(doc: &str) -> Field {
    Field::optional(Type::Int, doc)
}

fn rows(doc: &str) -> Field {
    Field::new(Type::list(Type::map(Type::Dyn)), doc)
}

fn error(script: bool) -> Type {
    let position = Type::fields([
        ("line", int("the line, from one")),
        ("column", int("the character on it, from one")),
    ]);
    let mut fields = vec![
        ("code", text("the condition's name: `unique_violation`")),
        (
            "class",
            text("the name of the code's class: `integrity_constraint_violation`"),
        ),
        ("sqlstate", text("the code: `23505`")),
        ("message", text("the server's words")),
        ("detail", maybe("more of its words")),
        ("hint", maybe("what it suggests")),
        ("constraint", maybe("the constraint that was violated")),
        ("schema", maybe("the schema of what is at fault")),
        ("table", maybe("the table at fault")),
        ("column", maybe("the column at fault")),
        ("datatype", maybe("the type at fault")),
        (
            "position",
            Field::optional(
                position,
                "where in the text the error stands, where the server says it",
            ),
        ),
    ];
    if script {
        fields.push((
            "statement",
            maybe_int(
                "which statement of the script it was, from one; none where it was the end of all",
            ),
        ));
        fields.push(("line", maybe_int("the line on which that statement begins")));
    }
    Type::fields(fields)
}

fn notices() -> Field {
    let notice = Type::fields([
        ("severity", text("`NOTICE`, `WARNING`, `INFO`, …")),
        (
            "code",
            text("the condition's name: `successful_completion`, `warning`"),
        ),
        ("sqlstate", text("the code: `00000`")),
        ("message", text("the server's words")),
    ]);
    Field::new(
        Type::list(notice),
        "what the server said beside its answer, such as `RAISE NOTICE`: the first 100",
    )
}

fn statements() -> Field {
    let one = Type::fields([
        ("sql", text("its beginning")),
        ("line", int("the line on which it begins")),
        ("rows", rows("its rows")),
        ("row_count", maybe_int("how many there are")),
        (
            "affected",
            int("how many rows were inserted, updated or deleted"),
        ),
        (
            "error",
            Field::optional(error(true), "the error that it was answered with"),
        ),
        ("notices", notices()),
        (
            "latency",
            Field::new(Type::Duration, "from sending it to its last row"),
        ),
    ]);
    Field::new(
        Type::list(one),
        "the statements of the script that were made, in order; the last one may have an `error`",
    )
}

/// The facts, of a script also those of its statements.
pub(super) fn shape(script: bool) -> Shape {
    let columns = Type::list(Type::fields([
        ("name", text("its name in a row")),
        ("type", text("its type as the server names it")),
    ]));
    let mut fields = vec![
        (
            "rows",
            rows(
                "the rows, each a map from column to value; absent where the server answered with an error. Of a script those of its last statement, as `row_count`, `affected` and `columns`",
            ),
        ),
        ("row_count", int("how many rows there are")),
        (
            "affected",
            int("how many rows were inserted, updated or deleted"),
        ),
        (
            "columns",
            Field::new(columns, "the columns in order, there also without rows"),
        ),
        (
            "error",
            Field::optional(
                error(script),
                "the error that the server answered with, where it did",
            ),
        ),
        (
            "blocked_by",
            maybe(
                "in a gate with sessions: the session that holds the lock for which the statement waited in vain; `main` is the one without a name",
            ),
        ),
        ("notices", notices()),
        (
            "latency",
            Field::new(
                Type::Duration,
                "from sending the statement to its last row, without connecting; of a script the sum",
            ),
        ),
        (
            "engine",
            text("the database: `PostgreSQL 15.18`, `SQLite 3.51.3`"),
        ),
        (
            "secrets_seen",
            Field::new(
                Type::list(Type::Dyn),
                "secrets that the rows held: name and where",
            ),
        ),
    ];
    if script {
        fields.insert(1, ("statements", statements()));
    }
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}
