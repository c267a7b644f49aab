//! The facts that expectations may speak of, with their types and what they mean.

use gonogo_core::shape::{Field, Shape, Type};
use serde_json::Value as Json;

/// The facts of a look with these options.
pub(super) fn shape(options: &Json) -> Shape {
    let mut fields = catalogue_fields();
    let mut add = |name, ty, doc| fields.push((name, Field::new(ty, doc)));
    if !options["expected"].is_null() {
        let difference = Type::fields([
            ("kind", text("`added`, `removed` or `changed`")),
            ("what", text("the thing: `column users.email`")),
            (
                "expected",
                text("how it was expected; empty for an added one"),
            ),
            ("seen", text("how it was seen; empty for a removed one")),
            ("text", text("its lines of the diff")),
        ]);
        add(
            "drift",
            Type::list(difference),
            "what differs from the expected snapshot, one entry a thing; empty where nothing does",
        );
        add("drift_count", Type::Int, "how many things differ");
        add(
            "drift_text",
            Type::String,
            "the differences as a diff, for a person",
        );
    }
    if options["relations"]
        .as_array()
        .is_some_and(|r| !r.is_empty())
    {
        let relation = Type::fields([
            (
                "orphans",
                Field::new(Type::Int, "rows whose parent is not there"),
            ),
            (
                "types_agree",
                Field::new(Type::Bool, "whether the columns' types agree, length aside"),
            ),
            ("child_type", text("the type of the referencing column")),
            ("parent_type", text("the type of the referenced column")),
            (
                "constraint",
                Field::new(Type::Bool, "whether a foreign key holds it"),
            ),
            (
                "indexed",
                Field::new(
                    Type::Bool,
                    "whether an index begins with the referencing column",
                ),
            ),
        ]);
        add(
            "relations",
            Type::map(relation),
            "the relations, by their texts",
        );
    }
    if options["duplicates"]
        .as_array()
        .is_some_and(|r| !r.is_empty())
    {
        add(
            "duplicates",
            Type::map(Type::Int),
            "how many groups of rows are alike, by `table(columns)`",
        );
    }
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

fn text(doc: &str) -> Field {
    Field::new(Type::String, doc)
}

fn truth(doc: &str) -> Field {
    Field::new(Type::Bool, doc)
}

fn names(doc: &str) -> Field {
    Field::new(Type::list(Type::String), doc)
}

fn column_type() -> Type {
    Type::fields([
        ("type", text("its type with length and precision")),
        ("nullable", truth("whether it may be null")),
        (
            "default",
            Field::new(Type::Dyn, "the default's expression, or null"),
        ),
        (
            "generated",
            Field::new(
                Type::Dyn,
                "`stored`, `virtual`, `identity always`, `identity by default`, or null",
            ),
        ),
        ("position", Field::new(Type::Int, "its place, from one")),
    ])
}

fn table_type() -> Type {
    let list = |fields: Vec<(&'static str, Field)>| Type::list(Type::fields(fields));
    let field = |ty, doc| Field::new(ty, doc);
    let name = || ("name", text("its name"));
    let columns = || ("columns", names("its columns in order"));
    Type::fields([
        (
            "kind",
            text("`table`, `partitioned table`, `foreign table`, `virtual table`"),
        ),
        (
            "columns",
            field(Type::map(column_type()), "columns by name"),
        ),
        (
            "primary_key",
            names("the primary key's columns; empty without one"),
        ),
        (
            "foreign_keys",
            field(
                list(vec![
                    name(),
                    columns(),
                    ("table", text("the referenced table")),
                    ("references", names("the referenced columns")),
                    (
                        "on_delete",
                        text("`no action`, `restrict`, `cascade`, `set null`, `set default`"),
                    ),
                    ("on_update", text("the same for an update")),
                    ("validated", truth("whether older rows were checked")),
                ]),
                "foreign keys",
            ),
        ),
        (
            "unique",
            field(list(vec![name(), columns()]), "unique constraints"),
        ),
        (
            "checks",
            field(
                list(vec![
                    name(),
                    ("expression", text("what must hold")),
                    ("validated", truth("whether older rows were checked")),
                ]),
                "CHECK constraints; NOT NULL is none",
            ),
        ),
        (
            "exclusions",
            field(
                list(vec![name(), ("definition", text("its text"))]),
                "exclusion constraints",
            ),
        ),
        (
            "indexes",
            field(
                list(vec![
                    name(),
                    columns(),
                    ("unique", truth("whether it is unique")),
                    ("partial", truth("whether it covers some rows only")),
                    ("predicate", field(Type::Dyn, "which rows, or null")),
                    (
                        "valid",
                        truth("whether it is used: one whose building broke off is not"),
                    ),
                    ("method", text("`btree`, `gin`, …")),
                    (
                        "constraint",
                        truth("whether it belongs to a key or another constraint"),
                    ),
                ]),
                "indexes, those of constraints too",
            ),
        ),
        (
            "triggers",
            field(
                list(vec![
                    name(),
                    ("timing", text("`before`, `after`, `instead of`")),
                    ("events", names("`insert`, `update`, `delete`, `truncate`")),
                    ("function", text("the function that it calls")),
                    ("enabled", truth("whether it fires")),
                ]),
                "triggers",
            ),
        ),
        ("rls", truth("whether row-level security is enabled")),
        (
            "policies",
            field(
                list(vec![name(), ("definition", text("its text"))]),
                "policies of row-level security",
            ),
        ),
    ])
}

fn catalogue_fields() -> Vec<(&'static str, Field)> {
    let field = |ty, doc: &str| Field::new(ty, doc);
    let int = |doc: &str| Field::new(Type::Int, doc);
    let view = Type::fields([
        ("kind", text("`view` or `materialized view`")),
        (
            "columns",
            field(Type::map(column_type()), "columns by name"),
        ),
        ("definition", text("the query")),
    ]);
    let sequence = Type::fields([
        ("type", text("the type of its values")),
        (
            "owned_by",
            field(Type::Dyn, "the column it belongs to, or null"),
        ),
    ]);
    let function = Type::fields([
        (
            "kind",
            text("`function`, `procedure`, `aggregate`, `window function`"),
        ),
        ("returns", text("the type that it gives")),
        ("language", text("the language")),
        ("sha256", text("the hash of its text")),
    ]);
    let migrations = Type::fields([
        ("table", text("the tool's table")),
        (
            "version",
            field(
                Type::Dyn,
                "the last one applied, as the tool keeps it; null for none",
            ),
        ),
        ("applied", int("how many were applied")),
        ("failed", int("how many failed or are half done")),
        ("failed_names", names("those")),
    ]);
    let counts = Type::fields([
        ("tables", int("tables")),
        ("columns", int("columns of tables")),
        ("foreign_keys", int("foreign keys")),
        ("checks", int("CHECK constraints; NOT NULL is none")),
        ("indexes", int("indexes, those of constraints too")),
        (
            "unique",
            int("unique constraints; a unique index that is no constraint is an index alone"),
        ),
        ("triggers", int("triggers")),
        ("views", int("views")),
        ("functions", int("functions")),
    ]);
    let unindexed = Type::fields([
        ("table", text("the referencing table")),
        ("name", text("the constraint")),
        ("columns", names("its columns")),
        ("references", text("the referenced table")),
    ]);
    vec![
        ("tables", field(Type::map(table_type()), "tables by name")),
        ("table_names", names("the names of all tables")),
        ("views", field(Type::map(view), "views by name")),
        ("sequences", field(Type::map(sequence), "sequences by name")),
        (
            "functions",
            field(Type::map(function), "functions by name and argument types"),
        ),
        (
            "extensions",
            field(
                Type::map(Type::String),
                "installed extensions with their versions",
            ),
        ),
        (
            "enums",
            field(
                Type::map(Type::list(Type::String)),
                "enumerations with their values in order",
            ),
        ),
        (
            "domains",
            field(Type::map(Type::String), "domains with the types below them"),
        ),
        (
            "migrations",
            field(
                Type::map(migrations),
                "what migration tools recorded, by tool: schema_version, schema_migrations, alembic, prisma, flyway, sqlx, django",
            ),
        ),
        ("counts", field(counts, "how many of each there are")),
        (
            "unindexed_foreign_keys",
            field(
                Type::list(unindexed),
                "foreign keys whose columns no index begins with",
            ),
        ),
        (
            "fingerprint",
            text("SHA-256 of the schema: equal for two databases with the same schema"),
        ),
        ("engine", text("the database: `PostgreSQL 15.18`")),
    ]
}
