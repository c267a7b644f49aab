//! Django's fields (5.2: https://docs.djangoproject.com/en/5.2/ref/models/fields/) as columns of PostgreSQL.

use super::sheet::{fragment, is_true, literal, name};
use super::tree::{Call, Expr};

/// A field as its table has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) column: String,
    pub(super) ty: String,
    pub(super) is_null: bool,
    /// The default that the table keeps.
    pub(super) default: Option<String>,
    /// A default that only Django knows: rows that are there get it, and then the table forgets it.
    pub(super) has_own_default: bool,
    pub(super) is_unique: bool,
    pub(super) has_index: bool,
    pub(super) references: Option<String>,
    /// It has a table of its own, and no column.
    pub(super) is_many_to_many: bool,
}

impl Field {
    /// Whether it can be added to a table with rows.
    pub(super) fn can_come_back(&self) -> bool {
        self.is_many_to_many || self.is_null || self.default.is_some() || self.has_own_default
    }
}

/// Reads a field as it stands in a file.
pub(super) fn read(field: &str, call: &Call) -> Result<Field, String> {
    let kind = call.last();
    let is_relation = matches!(kind, "ForeignKey" | "OneToOneField");
    let ty = type_of(call)?;
    let column = match call.named("db_column") {
        Some(Expr::Text(column)) => column.clone(),
        _ if is_relation => format!("{field}_id"),
        _ => field.to_owned(),
    };
    let is_text = [
        "CharField",
        "TextField",
        "SlugField",
        "EmailField",
        "URLField",
        "FileField",
        "ImageField",
    ]
    .contains(&kind);
    let own_default = call
        .named("default")
        .is_some_and(|value| *value != Expr::None)
        || is_true(call.named("auto_now"))
        || is_true(call.named("auto_now_add"))
        || (is_text && is_true(call.named("blank")));
    let references = match call.arg(0, "to") {
        _ if !is_relation || call.named("db_constraint") == Some(&Expr::Bool(false)) => None,
        Some(Expr::Text(to)) => Some(to.to_lowercase().replace('.', "_")),
        // A model that can be exchanged, such as the user's.
        _ => Some("app_model".to_owned()),
    };
    Ok(Field {
        column,
        ty,
        is_null: is_true(call.named("null")),
        default: call.named("db_default").map(default).transpose()?,
        has_own_default: own_default,
        is_unique: is_true(call.named("unique"))
            || kind == "OneToOneField"
            || is_true(call.named("primary_key")),
        has_index: match call.named("db_index") {
            Some(value) => *value == Expr::Bool(true),
            None => matches!(kind, "ForeignKey" | "SlugField"),
        },
        references,
        is_many_to_many: kind == "ManyToManyField",
    })
}

/// The type of its column; nothing where it has a table of its own.
fn type_of(call: &Call) -> Result<String, String> {
    let number = |key: &str| match call.named(key) {
        Some(Expr::Number(number)) => Some(number.as_str()),
        _ => None,
    };
    let sized = |size: Option<&str>, usual: &str| format!("varchar({})", size.unwrap_or(usual));
    Ok(match call.last() {
        "CharField" => number("max_length").map_or("varchar".to_owned(), |n| sized(Some(n), "")),
        "SlugField" => sized(number("max_length"), "50"),
        "EmailField" => sized(number("max_length"), "254"),
        "URLField" => sized(number("max_length"), "200"),
        "FileField" | "ImageField" | "FilePathField" => sized(number("max_length"), "100"),
        "TextField" => "text".to_owned(),
        "AutoField" | "IntegerField" | "PositiveIntegerField" => "integer".to_owned(),
        "BigAutoField"
        | "BigIntegerField"
        | "PositiveBigIntegerField"
        | "ForeignKey"
        | "OneToOneField" => "bigint".to_owned(),
        "SmallAutoField" | "SmallIntegerField" | "PositiveSmallIntegerField" => {
            "smallint".to_owned()
        }
        "BooleanField" => "boolean".to_owned(),
        "DecimalField" => format!(
            "numeric({}, {})",
            number("max_digits").unwrap_or("0"),
            number("decimal_places").unwrap_or("0")
        ),
        "FloatField" => "double precision".to_owned(),
        "DateTimeField" => "timestamptz".to_owned(),
        "DateField" => "date".to_owned(),
        "TimeField" => "time".to_owned(),
        "DurationField" => "interval".to_owned(),
        "JSONField" => "jsonb".to_owned(),
        "UUIDField" => "uuid".to_owned(),
        "BinaryField" => "bytea".to_owned(),
        "GenericIPAddressField" => "inet".to_owned(),
        "ManyToManyField" => String::new(),
        "" => return Err("the field is computed when it runs".to_owned()),
        // A field of somebody else's is a column of a type that is not known.
        other => name(other),
    })
}

fn default(value: &Expr) -> Result<String, String> {
    match value {
        Expr::Text(text) => Ok(literal(text)),
        Expr::Number(number) => Ok(fragment(number)?.to_owned()),
        Expr::Bool(value) => Ok(value.to_string()),
        Expr::None => Ok("NULL".to_owned()),
        Expr::Call(call) if call.last() == "Now" => Ok("now()".to_owned()),
        Expr::Call(call) if call.last() == "Value" => call
            .args
            .first()
            .map_or(Err("it has no value".to_owned()), default),
        _ => Err("the default is computed by the database".to_owned()),
    }
}

/// A column as `CREATE TABLE` and `ADD COLUMN` have it.
pub(super) fn definition(field: &Field) -> String {
    let mut sql = format!("{} {}", name(&field.column), field.ty);
    if !field.is_null {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = &field.default {
        sql.push_str(&format!(" DEFAULT {default}"));
    }
    if field.is_unique {
        sql.push_str(" UNIQUE");
    }
    if let Some(table) = &field.references {
        sql.push_str(&format!(" REFERENCES {}", name(table)));
    }
    sql
}

/// Stands for the table until it is put in: no name can hold it.
pub(super) const TABLE: &str = "\u{1}";

/// What becomes of a column.
pub(super) fn changes(old: &Field, new: &Field) -> Vec<String> {
    let column = name(&new.column);
    let mut all = Vec::new();
    let alters = |what: String| format!("ALTER TABLE {TABLE} {what}");
    if old.column != new.column {
        all.push(alters(format!(
            "RENAME COLUMN {} TO {column}",
            name(&old.column)
        )));
    }
    if old.ty != new.ty {
        all.push(alters(format!("ALTER COLUMN {column} TYPE {}", new.ty)));
    }
    if old.default != new.default {
        all.push(alters(match &new.default {
            Some(default) => format!("ALTER COLUMN {column} SET DEFAULT {default}"),
            None => format!("ALTER COLUMN {column} DROP DEFAULT"),
        }));
    }
    match (old.is_null, new.is_null) {
        (true, false) => all.push(alters(format!("ALTER COLUMN {column} SET NOT NULL"))),
        (false, true) => all.push(alters(format!("ALTER COLUMN {column} DROP NOT NULL"))),
        _ => {}
    }
    match (old.is_unique, new.is_unique) {
        (false, true) => all.push(alters(format!(
            "ADD CONSTRAINT \"unique\" UNIQUE ({column})"
        ))),
        (true, false) => all.push(alters("DROP CONSTRAINT \"unique\"".to_owned())),
        _ => {}
    }
    if old.references != new.references {
        if old.references.is_some() {
            all.push(alters("DROP CONSTRAINT \"refers\"".to_owned()));
        }
        if let Some(table) = &new.references {
            all.push(alters(format!(
                "ADD CONSTRAINT \"refers\" FOREIGN KEY ({column}) REFERENCES {}",
                name(table)
            )));
        }
    }
    match (
        old.has_index && !old.is_unique,
        new.has_index && !new.is_unique,
    ) {
        (false, true) => all.push(format!("CREATE INDEX ON {TABLE} ({column})")),
        (true, false) => all.push(format!(
            "DROP INDEX {}",
            name(&format!("index of {}", old.column))
        )),
        _ => {}
    }
    all
}
