//! Django's operations (5.2: https://docs.djangoproject.com/en/5.2/ref/migration-operations/) as the SQL that they come to
//! on PostgreSQL. What a field was before is known from the migrations before it.

use std::collections::BTreeMap;

use super::sheet::{Sheet, fragment, is_true, literal, name, names, texts};
use super::tree::{Call, Expr, Line, What};
use super::{Put, Python, manner};
use crate::migrations::reader::Script;

/// The fields of all models so far, by app and model, both in lower case.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Models(BTreeMap<(String, String), Model>);

#[derive(Clone, Debug, Default)]
struct Model {
    table: Option<String>,
    fields: BTreeMap<String, Field>,
}

/// A field as its table has it.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    column: String,
    ty: String,
    is_null: bool,
    /// The default that the table keeps.
    default: Option<String>,
    /// A default that only Django knows: rows that are there get it, and then the table forgets it.
    has_own_default: bool,
    is_unique: bool,
    has_index: bool,
    references: Option<String>,
    /// It has a table of its own, and no column.
    is_many_to_many: bool,
}

impl Field {
    /// Whether it can be added to a table with rows.
    fn can_come_back(&self) -> bool {
        self.is_many_to_many || self.is_null || self.default.is_some() || self.has_own_default
    }
}

/// Reads one file.
pub(super) fn read(
    path: &str,
    lines: &[Line],
    also: &[squawk_linter::Rule],
    models: &mut Models,
) -> Python {
    let class = lines.iter().find_map(|line| match &line.what {
        What::Class(name, body) if name == "Migration" => Some(body),
        _ => None,
    });
    let refused = |why: &str| Python::refused(why, 1);
    let Some(body) = class else {
        return refused("it has no `class Migration`, so that it is no migration of Django's");
    };
    let assigned = |wanted: &str| {
        body.iter().find_map(|line| match &line.what {
            What::Assign(name, value) if name == wanted => Some((line, value)),
            _ => None,
        })
    };
    let in_transaction = assigned("atomic").is_none_or(|(_, value)| *value != Expr::Bool(false));
    let operations = match assigned("operations") {
        None => &[][..],
        Some((_, Expr::List(operations))) => operations.as_slice(),
        Some(_) => return refused("its `operations` are computed when it runs"),
    };
    let mut reading = Reading {
        app: app_of(path),
        models,
        sheet: Sheet::new(in_transaction),
        has_down: true,
    };
    for line in body
        .iter()
        .filter(|line| !matches!(line.what, What::Nothing | What::Assign(..)))
    {
        reading.refuse(
            line.line,
            &line.source,
            "it is beyond a migration's operations",
        );
    }
    reading.all(operations);
    let has_down = reading.has_down && reading.sheet.operations() > 0;
    let before = match assigned("dependencies") {
        Some((_, Expr::List(before))) => before.len(),
        _ => 0,
    };
    Python {
        only_joins: before > 1 && reading.sheet.operations() == 0,
        up: reading.sheet.read(&manner(also)),
        down: Script::default(),
        has_down,
    }
}

/// The folder above `migrations`.
fn app_of(path: &str) -> String {
    path.rsplit('/').nth(2).unwrap_or("app").to_lowercase()
}

struct Reading<'m> {
    app: String,
    models: &'m mut Models,
    sheet: Sheet,
    has_down: bool,
}

impl Reading<'_> {
    fn refuse(&mut self, line: usize, source: &str, why: &str) {
        self.has_down = false;
        let line = Line {
            line,
            source: source.to_owned(),
            what: What::Other,
        };
        self.sheet.refuse(&line, why);
    }

    fn all(&mut self, operations: &[Expr]) {
        for operation in operations {
            let Expr::Call(call) = operation else {
                self.sheet.count();
                self.refuse(1, "", "an operation is computed when it runs");
                continue;
            };
            self.sheet.count();
            if let Err(why) = self.one(call) {
                self.refuse(call.line, &call.name, &why);
            }
        }
    }

    fn key(&self, model: &str) -> (String, String) {
        (self.app.clone(), model.to_lowercase())
    }

    /// The table of a model, in quotes.
    fn table(&self, model: &str) -> String {
        let own = self
            .models
            .0
            .get(&self.key(model))
            .and_then(|m| m.table.clone());
        name(&own.unwrap_or_else(|| format!("{}_{}", self.app, model.to_lowercase())))
    }

    fn one(&mut self, call: &Call) -> Put {
        let model = |key: &str| call.text(0, key);
        let line = call.line;
        match call.last() {
            "CreateModel" => self.create(call),
            "DeleteModel" => {
                let sql = format!("DROP TABLE {}", self.table(model("name")?));
                self.models.0.remove(&self.key(model("name")?));
                self.put(line, &sql)
            }
            "RenameModel" => {
                let (old, new) = (call.text(0, "old_name")?, call.text(1, "new_name")?);
                let was = self.models.0.remove(&self.key(old)).unwrap_or_default();
                let has_own = was.table.is_some();
                let sql = format!(
                    "ALTER TABLE {} RENAME TO {}",
                    self.table(old),
                    self.table(new)
                );
                self.models.0.insert(self.key(new), was);
                if has_own {
                    Ok(())
                } else {
                    self.put(line, &sql)
                }
            }
            "AlterModelTable" => {
                let old = self.table(model("name")?);
                let Some(Expr::Text(new)) = call.arg(1, "table") else {
                    return Err("the table's name is Django's own again".to_owned());
                };
                let key = self.key(model("name")?);
                self.models.0.entry(key).or_default().table = Some(new.clone());
                self.put(line, &format!("ALTER TABLE {old} RENAME TO {}", name(new)))
            }
            "AddField" => self.add(call),
            "RemoveField" => self.remove(call),
            "AlterField" => self.alter(call),
            "RenameField" => self.rename(call),
            "AddIndex" | "AddIndexConcurrently" => self.index(call),
            "RemoveIndex" | "RemoveIndexConcurrently" => {
                let concurrently = if call.last() == "RemoveIndex" {
                    ""
                } else {
                    "CONCURRENTLY "
                };
                self.put(
                    line,
                    &format!("DROP INDEX {concurrently}{}", name(call.text(1, "name")?)),
                )
            }
            "RenameIndex" => {
                let sql = format!(
                    "ALTER INDEX {} RENAME TO {}",
                    name(call.text(2, "old_name")?),
                    name(call.text(1, "new_name")?)
                );
                self.put(line, &sql)
            }
            "AddConstraint" => self.constraint(call),
            "RemoveConstraint" => {
                let sql = format!(
                    "ALTER TABLE {} DROP CONSTRAINT {}",
                    self.table(model("model_name")?),
                    name(call.text(1, "name")?)
                );
                self.put(line, &sql)
            }
            "RunSQL" => self.run_sql(call),
            "RunPython" => self.run_python(call),
            "SeparateDatabaseAndState" => self.separate(call),
            "AlterModelOptions" | "AlterModelManagers" | "AlterModelTableComment" => Ok(()),
            "CreateExtension" => self.put(
                line,
                &format!(
                    "CREATE EXTENSION IF NOT EXISTS {}",
                    name(call.text(0, "name")?)
                ),
            ),
            other => Err(format!(
                "`{}` is no operation that is known",
                other.escape_debug()
            )),
        }
    }

    fn put(&mut self, line: usize, sql: &str) -> Put {
        self.sheet.put(line, sql);
        Ok(())
    }

    fn create(&mut self, call: &Call) -> Put {
        let model = call.text(0, "name")?.to_owned();
        let Some(Expr::List(listed)) = call.arg(1, "fields") else {
            return Err("its fields are computed when it runs".to_owned());
        };
        let mut made = Model::default();
        let mut is_ours = true;
        if let Some(Expr::Map(options)) = call.arg(2, "options") {
            for (key, value) in options {
                match (key.as_str(), value) {
                    ("db_table", Expr::Text(table)) => made.table = Some(table.clone()),
                    ("db_table", _) => {
                        return Err("the table's name is computed when it runs".to_owned());
                    }
                    ("managed", Expr::Bool(false)) | ("proxy" | "abstract", Expr::Bool(true)) => {
                        is_ours = false
                    }
                    _ => {}
                }
            }
        }
        for entry in listed {
            let (Expr::List(pair), what) = (entry, "a field is computed when it runs") else {
                return Err("a field is computed when it runs".to_owned());
            };
            let [Expr::Text(field), Expr::Call(ty)] = &pair[..] else {
                return Err(what.to_owned());
            };
            made.fields.insert(field.clone(), self.field(field, ty)?);
        }
        let columns = made.fields.values().filter(|f| !f.is_many_to_many);
        let columns = columns.map(definition).collect::<Vec<_>>().join(", ");
        self.models.0.insert(self.key(&model), made);
        if is_ours {
            let sql = format!("CREATE TABLE {} ({columns})", self.table(&model));
            self.sheet.put(call.line, &sql);
        }
        Ok(())
    }

    fn add(&mut self, call: &Call) -> Put {
        let (model, field) = (call.text(0, "model_name")?, call.text(1, "name")?);
        let Some(Expr::Call(ty)) = call.arg(2, "field") else {
            return Err("the field is computed when it runs".to_owned());
        };
        let made = self.field(field, ty)?;
        let table = self.table(model);
        let key = self.key(model);
        self.models
            .0
            .entry(key)
            .or_default()
            .fields
            .insert(field.to_owned(), made.clone());
        if made.is_many_to_many {
            let sql = format!(
                "CREATE TABLE {} (\"id\" bigint PRIMARY KEY)",
                name(&format!("{}_{}_{field}", self.app, model.to_lowercase()))
            );
            return self.put(call.line, &sql);
        }
        let temporary = made.has_own_default && made.default.is_none() && !made.is_null;
        let mut column = definition(&made);
        if temporary {
            column.push_str(" DEFAULT ''");
        }
        self.sheet.put(
            call.line,
            &format!("ALTER TABLE {table} ADD COLUMN {column}"),
        );
        let quoted = name(&made.column);
        if temporary {
            self.sheet.put(
                call.line,
                &format!("ALTER TABLE {table} ALTER COLUMN {quoted} DROP DEFAULT"),
            );
        }
        if made.has_index && !made.is_unique {
            let sql = format!("CREATE INDEX ON {table} ({quoted})");
            self.sheet.put(call.line, &sql);
        }
        Ok(())
    }

    fn remove(&mut self, call: &Call) -> Put {
        let (model, field) = (call.text(0, "model_name")?, call.text(1, "name")?);
        let key = self.key(model);
        let was = self
            .models
            .0
            .get_mut(&key)
            .and_then(|m| m.fields.remove(field));
        // Where what it was is not known, neither is whether it can come back.
        self.has_down &= was.as_ref().is_some_and(Field::can_come_back);
        let column = was.as_ref().map_or(field, |f| f.column.as_str());
        let sql = match &was {
            Some(was) if was.is_many_to_many => format!(
                "DROP TABLE {}",
                name(&format!("{}_{}_{field}", self.app, model.to_lowercase()))
            ),
            _ => format!(
                "ALTER TABLE {} DROP COLUMN {}",
                self.table(model),
                name(column)
            ),
        };
        self.put(call.line, &sql)
    }

    fn rename(&mut self, call: &Call) -> Put {
        let model = call.text(0, "model_name")?;
        let (old, new) = (call.text(1, "old_name")?, call.text(2, "new_name")?);
        let table = self.table(model);
        let key = self.key(model);
        let fields = &mut self.models.0.entry(key).or_default().fields;
        if let Some(mut was) = fields.remove(old) {
            was.column = was.column.replacen(old, new, 1);
            fields.insert(new.to_owned(), was);
        }
        self.put(
            call.line,
            &format!(
                "ALTER TABLE {table} RENAME COLUMN {} TO {}",
                name(old),
                name(new)
            ),
        )
    }

    fn alter(&mut self, call: &Call) -> Put {
        let (model, field) = (call.text(0, "model_name")?, call.text(1, "name")?);
        let Some(Expr::Call(ty)) = call.arg(2, "field") else {
            return Err("the field is computed when it runs".to_owned());
        };
        let new = self.field(field, ty)?;
        let table = self.table(model);
        let key = self.key(model);
        let fields = &mut self.models.0.entry(key).or_default().fields;
        let Some(old) = fields.insert(field.to_owned(), new.clone()) else {
            return Err(format!(
                "what the field `{field}` was before is in none of the migrations before it"
            ));
        };
        if old.is_many_to_many != new.is_many_to_many {
            return Err(
                "a field with a table of its own became one with a column, or the other way round"
                    .to_owned(),
            );
        }
        for change in changes(&old, &new) {
            self.sheet.put(call.line, &change.replace(TABLE, &table));
        }
        Ok(())
    }

    fn index(&mut self, call: &Call) -> Put {
        let model = call.text(0, "model_name")?;
        let Some(Expr::Call(index)) = call.arg(1, "index") else {
            return Err("the index is computed when it runs".to_owned());
        };
        let fields = texts(index.named("fields"));
        // An index on expressions is an index all the same.
        let columns = match fields {
            Some(fields) => self.columns(model, &fields),
            None if index.named("expressions").is_some() || !index.args.is_empty() => {
                "(1)".to_owned()
            }
            None => return Err("the fields of the index are computed when it runs".to_owned()),
        };
        let concurrently = if call.last() == "AddIndex" {
            ""
        } else {
            "CONCURRENTLY "
        };
        let named = index.text(usize::MAX, "name").map(name)?;
        let sql = format!(
            "CREATE INDEX {concurrently}{named} ON {} ({columns})",
            self.table(model)
        );
        self.put(call.line, &sql)
    }

    /// Fields as columns, `-` for a falling order taken off.
    fn columns(&self, model: &str, fields: &[&str]) -> String {
        let known = self.models.0.get(&self.key(model));
        let columns: Vec<String> = fields
            .iter()
            .map(|field| field.trim_start_matches('-'))
            .map(|field| {
                known
                    .and_then(|m| m.fields.get(field))
                    .map_or(field.to_owned(), |f| f.column.clone())
            })
            .collect();
        names(columns.iter().map(String::as_str))
    }

    fn constraint(&mut self, call: &Call) -> Put {
        let model = call.text(0, "model_name")?;
        let Some(Expr::Call(made)) = call.arg(1, "constraint") else {
            return Err("the constraint is computed when it runs".to_owned());
        };
        let named = made.text(usize::MAX, "name").map(name)?;
        let table = self.table(model);
        let sql = match (made.last(), texts(made.named("fields"))) {
            // With a condition, or on expressions, it is a unique index.
            ("UniqueConstraint", None) => format!("CREATE UNIQUE INDEX {named} ON {table} ((1))"),
            ("UniqueConstraint", Some(fields)) if made.named("condition").is_some() => {
                format!(
                    "CREATE UNIQUE INDEX {named} ON {table} ({})",
                    self.columns(model, &fields)
                )
            }
            ("UniqueConstraint", Some(fields)) => {
                format!(
                    "ALTER TABLE {table} ADD CONSTRAINT {named} UNIQUE ({})",
                    self.columns(model, &fields)
                )
            }
            ("CheckConstraint", _) => {
                format!("ALTER TABLE {table} ADD CONSTRAINT {named} CHECK (true)")
            }
            (other, _) => {
                return Err(format!(
                    "`{}` is no constraint that is known",
                    other.escape_debug()
                ));
            }
        };
        self.put(call.line, &sql)
    }

    fn run_sql(&mut self, call: &Call) -> Put {
        let reverse = call.arg(1, "reverse_sql");
        self.has_down &= reverse.is_some_and(|expr| *expr != Expr::None);
        let whole = match call.arg(0, "sql") {
            Some(Expr::Name(noop)) if noop.ends_with("RunSQL.noop") => return Ok(()),
            other => texts(other),
        };
        let whole = whole.ok_or("its SQL is put together when it runs, or takes values then")?;
        for sql in whole {
            self.sheet.put_raw(call.text_line, sql);
        }
        Ok(())
    }

    fn run_python(&mut self, call: &Call) -> Put {
        let reverse = call.arg(1, "reverse_code");
        self.has_down &= reverse.is_some_and(|expr| *expr != Expr::None);
        let kept = self.has_down;
        match call.arg(0, "code") {
            Some(Expr::Name(noop)) if noop.ends_with("RunPython.noop") => Ok(()),
            Some(Expr::Name(code)) => {
                let line = call.line;
                self.refuse(
                    line,
                    &format!("RunPython({code})"),
                    &format!("`{code}` is Python that runs on the data"),
                );
                // That it can be reversed stands in the file.
                self.has_down = kept;
                Ok(())
            }
            _ => Err("its code is computed when it runs".to_owned()),
        }
    }

    fn separate(&mut self, call: &Call) -> Put {
        let list = |at: usize, key: &str| match call.arg(at, key) {
            None | Some(Expr::None) => Ok(Vec::new()),
            Some(Expr::List(operations)) => Ok(operations.clone()),
            Some(_) => Err("its operations are computed when it runs".to_owned()),
        };
        let (database, state) = (
            list(0, "database_operations")?,
            list(1, "state_operations")?,
        );
        self.all(&database);
        // What only Django's picture of the models learns comes to no SQL.
        let mut picture = Reading {
            app: self.app.clone(),
            models: self.models,
            sheet: Sheet::new(true),
            has_down: true,
        };
        picture.all(&state);
        Ok(())
    }

    fn field(&self, field: &str, call: &Call) -> Result<Field, String> {
        let kind = call.last();
        let number = |key: &str| match call.named(key) {
            Some(Expr::Number(number)) => Some(number.as_str()),
            _ => None,
        };
        let sized = |size: Option<&str>, usual: &str| format!("varchar({})", size.unwrap_or(usual));
        let is_relation = matches!(kind, "ForeignKey" | "OneToOneField");
        let ty = match kind {
            "CharField" => {
                number("max_length").map_or("varchar".to_owned(), |n| sized(Some(n), ""))
            }
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
        };
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
fn definition(field: &Field) -> String {
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
const TABLE: &str = "\u{1}";

/// What becomes of a column.
fn changes(old: &Field, new: &Field) -> Vec<String> {
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
