//! Alembic's operations (`alembic.op`, 1.x: https://alembic.sqlalchemy.org/en/latest/ops.html) as the SQL that they
//! come to on PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Sheet, fragment, is_true, literal, name, names, table, texts};
use super::tree::{self, Call, Expr, Line, What};
use super::{Put, Python, manner};
use crate::migrations::layout::Unit;
use crate::migrations::source::Text;

/// Reads one file.
pub(super) fn read(lines: &[Line], also: &[squawk_linter::Rule]) -> Python {
    let function = |wanted: &str| {
        lines.iter().find_map(|line| match &line.what {
            What::Function(name, body) if name == wanted => Some(body.as_slice()),
            _ => None,
        })
    };
    let mut up = Sheet::new(true);
    let mut down = Sheet::new(true);
    for line in lines {
        match &line.what {
            What::Nothing | What::Assign(..) | What::Function(..) | What::Class(..) => {}
            _ => up.refuse(line, "it runs when the file is loaded"),
        }
    }
    let Some(body) = function("upgrade") else {
        return Python::refused(
            "it has no `upgrade()`, so that it is no migration of Alembic's",
            1,
        );
    };
    statements(body, None, &mut up);
    let back = function("downgrade").unwrap_or_default();
    if !gives_up(back) {
        statements(back, None, &mut down);
    }
    let only_joins = matches!(joins(lines), Some(n) if n > 1) && up.operations() == 0;
    let has_operations = down.operations() > 0;
    let down = down.read(&manner(&[]));
    Python {
        up: up.read(&manner(also)),
        has_down: has_operations && !down.hits.iter().any(|hit| hit.rule == "not-understood"),
        down,
        only_joins,
    }
}

/// Whether the way down says that there is none.
fn gives_up(body: &[Line]) -> bool {
    body.iter().any(|line| line.what == What::Raise)
}

fn assigned<'a>(lines: &'a [Line], wanted: &str) -> Option<&'a Expr> {
    lines.iter().find_map(|line| match &line.what {
        What::Assign(name, value) if name == wanted => Some(value),
        _ => None,
    })
}

/// From how many revisions it goes on.
fn joins(lines: &[Line]) -> Option<usize> {
    texts(assigned(lines, "down_revision")).map(|all| all.len())
}

/// The files in the order in which they run: each after those that its `down_revision` names.
pub(in super::super) fn in_order(units: &mut Vec<Unit>, texts_of: &BTreeMap<String, Text>) {
    let mut known: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for unit in units.iter() {
        let Some(Ok(text)) = texts_of.get(&unit.up) else {
            continue;
        };
        let Ok(lines) = tree::read(text) else {
            continue;
        };
        let before = texts(assigned(&lines, "down_revision")).unwrap_or_default();
        let before = before.into_iter().map(str::to_owned).collect();
        if let Some(Expr::Text(revision)) = assigned(&lines, "revision") {
            known.insert(unit.up.clone(), (revision.clone(), before));
        }
    }
    let mut left = std::mem::take(units);
    let mut ran: BTreeSet<String> = BTreeSet::new();
    let ours: BTreeSet<String> = known
        .values()
        .map(|(revision, _)| revision.clone())
        .collect();
    while !left.is_empty() {
        // What is not here ran before; where nothing is ready they go round in a circle, and keep their order.
        let is_ready = |unit: &Unit| {
            known.get(&unit.up).is_none_or(|(_, before)| {
                before
                    .iter()
                    .all(|one| ran.contains(one) || !ours.contains(one))
            })
        };
        let at = left.iter().position(is_ready).unwrap_or(0);
        let unit = left.remove(at);
        if let Some((revision, _)) = known.get(&unit.up) {
            ran.insert(revision.clone());
        }
        units.push(unit);
    }
}

/// A batch: the name that stands for the table's operations, and the table.
#[derive(Clone, Copy)]
struct Batch<'a> {
    name: &'a str,
    table: &'a str,
    schema: Option<&'a Expr>,
}

fn statements(body: &[Line], batch: Option<Batch<'_>>, sheet: &mut Sheet) {
    for line in body {
        match &line.what {
            What::Nothing => {}
            What::Call(call) => {
                sheet.count();
                let put = match batch {
                    Some(batch) if call.name.starts_with(batch.name) => {
                        in_batch(call, batch, sheet)
                    }
                    _ => operation(call, sheet),
                };
                if let Err(why) = put {
                    sheet.refuse(line, &why);
                }
            }
            What::With(call, Some(name), body) if call.name == "op.batch_alter_table" => {
                match call.text(0, "table_name") {
                    Ok(table) => {
                        let batch = Batch {
                            name,
                            table,
                            schema: call.named("schema"),
                        };
                        statements(body, Some(batch), sheet);
                    }
                    Err(why) => sheet.refuse(line, &why),
                }
            }
            What::With(call, None, body) if call.name == "op.get_context().autocommit_block" => {
                let before = sheet.set_transaction(false);
                statements(body, batch, sheet);
                sheet.set_transaction(before);
            }
            What::Raise => sheet.refuse(line, "it only raises"),
            _ => {
                sheet.count();
                sheet.refuse(line, "it is no operation of Alembic's");
            }
        }
    }
}

/// `batch_op.add_column(…)` is `op.add_column(TABLE, …)`.
fn in_batch(call: &Call, batch: Batch<'_>, sheet: &mut Sheet) -> Put {
    let Some(last) = call
        .name
        .strip_prefix(batch.name)
        .and_then(|rest| rest.strip_prefix('.'))
    else {
        return operation(call, sheet);
    };
    let mut whole = call.clone();
    whole.name = format!("op.{last}");
    let table = Expr::Text(batch.table.to_owned());
    // Where the name of what is made comes first, the table is second.
    let second = last.starts_with("create_") || last == "drop_constraint";
    if last == "drop_index" {
        whole.named.push(("table_name".to_owned(), table));
    } else {
        let at = usize::from(second && !whole.args.is_empty());
        whole.args.insert(at, table);
    }
    if let Some(schema) = batch.schema {
        whole.named.push(("schema".to_owned(), schema.clone()));
    }
    operation(&whole, sheet)
}

fn operation(call: &Call, sheet: &mut Sheet) -> Put {
    let Some(what) = call.name.strip_prefix("op.") else {
        return Err(format!(
            "`{}` is no operation of Alembic's",
            shown(&call.name)
        ));
    };
    let on = |at: usize, key: &str| -> Result<String, String> {
        Ok(table(
            call.text(at, key)?,
            call.named("schema").or(call.named("source_schema")),
        ))
    };
    let sql = match what {
        "execute" => return execute(call, sheet),
        "add_column" => format!(
            "ALTER TABLE {} ADD COLUMN {}",
            on(0, "table_name")?,
            column(call.arg(1, "column"))?
        ),
        "drop_column" => format!(
            "ALTER TABLE {} DROP COLUMN {}",
            on(0, "table_name")?,
            name(call.text(1, "column_name")?)
        ),
        "alter_column" => {
            let column = name(call.text(1, "column_name")?);
            for change in alter(call, &column)? {
                sheet.put(
                    call.line,
                    &format!("ALTER TABLE {} {change}", on(0, "table_name")?),
                );
            }
            return Ok(());
        }
        "create_table" => return create_table(call, &on(0, "table_name")?, sheet),
        "drop_table" => format!("DROP TABLE {}", on(0, "table_name")?),
        "rename_table" => format!(
            "ALTER TABLE {} RENAME TO {}",
            on(0, "old_table_name")?,
            name(call.text(1, "new_table_name")?)
        ),
        "create_index" => index(call, &on(1, "table_name")?)?,
        "drop_index" => {
            let concurrently = if is_true(call.named("postgresql_concurrently")) {
                "CONCURRENTLY "
            } else {
                ""
            };
            format!(
                "DROP INDEX {concurrently}{}",
                table(call.text(0, "index_name")?, call.named("schema"))
            )
        }
        "create_unique_constraint" => {
            let columns = columns(call, 2, "columns")?;
            format!(
                "ALTER TABLE {} ADD {}UNIQUE ({columns})",
                on(1, "table_name")?,
                constraint(call)
            )
        }
        "create_primary_key" => {
            let columns = columns(call, 2, "columns")?;
            format!(
                "ALTER TABLE {} ADD {}PRIMARY KEY ({columns})",
                on(1, "table_name")?,
                constraint(call)
            )
        }
        "create_check_constraint" => {
            let condition = sql_of(call.arg(2, "condition"))?;
            format!(
                "ALTER TABLE {} ADD {}CHECK ({condition}){}",
                on(1, "table_name")?,
                constraint(call),
                not_valid(call)
            )
        }
        "create_foreign_key" => {
            let other = table(
                call.text(2, "referent_table")?,
                call.named("referent_schema"),
            );
            let (own, theirs) = (
                columns(call, 3, "local_cols")?,
                columns(call, 4, "remote_cols")?,
            );
            format!(
                "ALTER TABLE {} ADD {}FOREIGN KEY ({own}) REFERENCES {other} ({theirs}){}",
                on(1, "source_table")?,
                constraint(call),
                not_valid(call)
            )
        }
        "drop_constraint" => format!(
            "ALTER TABLE {} DROP CONSTRAINT {}",
            on(1, "table_name")?,
            name(call.text(0, "constraint_name")?)
        ),
        "bulk_insert" => "INSERT INTO \"bulk_insert\" DEFAULT VALUES".to_owned(),
        "create_table_comment" => format!("COMMENT ON TABLE {} IS ''", on(0, "table_name")?),
        "drop_table_comment" => format!("COMMENT ON TABLE {} IS NULL", on(0, "table_name")?),
        _ => {
            return Err(format!(
                "`op.{}` is no operation that is known",
                shown(what)
            ));
        }
    };
    sheet.put(call.line, &sql);
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

fn execute(call: &Call, sheet: &mut Sheet) -> Put {
    let sql = sql_text(call.arg(0, "sqltext"))?;
    sheet.put_raw(call.text_line, sql);
    Ok(())
}

/// A text of SQL, or `sa.text` of one.
fn sql_text(expr: Option<&Expr>) -> Result<&str, String> {
    match expr {
        Some(Expr::Text(text)) => Ok(text),
        Some(Expr::Call(call)) if ["text", "DDL"].contains(&call.last()) => {
            sql_text(call.args.first())
        }
        _ => Err("its SQL is put together when it runs".to_owned()),
    }
}

fn sql_of(expr: Option<&Expr>) -> Result<&str, String> {
    fragment(sql_text(expr)?)
}

fn constraint(call: &Call) -> String {
    match call.arg(0, "constraint_name") {
        Some(Expr::Text(text)) => format!("CONSTRAINT {} ", name(text)),
        _ => String::new(),
    }
}

fn not_valid(call: &Call) -> &'static str {
    if is_true(call.named("postgresql_not_valid")) {
        " NOT VALID"
    } else {
        ""
    }
}

fn columns(call: &Call, at: usize, key: &str) -> Result<String, String> {
    let all = texts(call.arg(at, key));
    let all = all.filter(|all| !all.is_empty());
    let all = all.ok_or_else(|| format!("`{key}` of `{}` is computed when it runs", call.name))?;
    Ok(names(all))
}

fn index(call: &Call, on: &str) -> Result<String, String> {
    let Some(Expr::List(parts)) = call.arg(2, "columns") else {
        return Err("the columns of the index are computed when it runs".to_owned());
    };
    let parts = parts.iter().map(|part| match part {
        Expr::Text(column) => Ok(name(column)),
        part => Ok(format!("({})", sql_of(Some(part))?)),
    });
    let parts = parts.collect::<Result<Vec<String>, String>>()?.join(", ");
    let unique = if is_true(call.named("unique")) {
        "UNIQUE "
    } else {
        ""
    };
    let concurrently = if is_true(call.named("postgresql_concurrently")) {
        "CONCURRENTLY "
    } else {
        ""
    };
    let named = match call.arg(0, "index_name") {
        Some(Expr::None) => String::new(),
        _ => format!("{} ", name(call.text(0, "index_name")?)),
    };
    Ok(format!(
        "CREATE {unique}INDEX {concurrently}{named}ON {on} ({parts})"
    ))
}

/// What `alter_column` changes; what it says of before (`existing_…`) changes nothing.
fn alter(call: &Call, column: &str) -> Result<Vec<String>, String> {
    let mut changes = Vec::new();
    let mut renamed = None;
    for (key, value) in &call.named {
        match (key.as_str(), value) {
            ("nullable", Expr::Bool(true)) => {
                changes.push(format!("ALTER COLUMN {column} DROP NOT NULL"))
            }
            ("nullable", Expr::Bool(false)) => {
                changes.push(format!("ALTER COLUMN {column} SET NOT NULL"))
            }
            // `False` is Alembic's word for no change.
            ("nullable" | "new_column_name", Expr::None)
            | ("server_default" | "comment", Expr::Bool(false)) => {}
            ("server_default", Expr::None) => {
                changes.push(format!("ALTER COLUMN {column} DROP DEFAULT"))
            }
            ("server_default", value) => changes.push(format!(
                "ALTER COLUMN {column} SET DEFAULT {}",
                default(value)?
            )),
            ("type_", value) => {
                let using = match call.named("postgresql_using") {
                    None => String::new(),
                    using => format!(" USING {}", sql_of(using)?),
                };
                changes.push(format!(
                    "ALTER COLUMN {column} TYPE {}{using}",
                    type_of(value)?
                ));
            }
            ("new_column_name", Expr::Text(new)) => {
                renamed = Some(format!("RENAME COLUMN {column} TO {}", name(new)))
            }
            ("comment" | "schema" | "postgresql_using" | "autoincrement", _) => {}
            (key, _) if key.starts_with("existing_") || key.starts_with("mysql_") => {}
            (key, _) => return Err(format!("`{}` of `alter_column` is not known", shown(key))),
        }
    }
    changes.extend(renamed);
    Ok(changes)
}

fn create_table(call: &Call, table: &str, sheet: &mut Sheet) -> Put {
    let mut parts = Vec::new();
    for part in call.args.iter().skip(1) {
        let Expr::Call(inner) = part else {
            return Err("a column of the table is computed when it runs".to_owned());
        };
        let named = match inner.named("name") {
            Some(Expr::Text(text)) => format!("CONSTRAINT {} ", name(text)),
            _ => String::new(),
        };
        let listed = |inner: &Call| {
            let all = inner.args.iter().map(|arg| match arg {
                Expr::Text(text) => Ok(text.as_str()),
                _ => Err("a constraint of the table is computed when it runs".to_owned()),
            });
            all.collect::<Result<Vec<&str>, String>>().map(names)
        };
        parts.push(match inner.last() {
            "Column" => column(Some(part))?,
            "PrimaryKeyConstraint" => format!("{named}PRIMARY KEY ({})", listed(inner)?),
            "UniqueConstraint" => format!("{named}UNIQUE ({})", listed(inner)?),
            "CheckConstraint" => format!("{named}CHECK ({})", sql_of(inner.args.first())?),
            "ForeignKeyConstraint" => {
                let own = columns(inner, 0, "columns")?;
                let theirs = texts(inner.arg(1, "refcolumns")).unwrap_or_default();
                let theirs = theirs
                    .first()
                    .ok_or("a foreign key of the table is computed when it runs")?;
                format!("{named}FOREIGN KEY ({own}) {}", references(theirs))
            }
            other => return Err(format!("`{}` in a table is not known", shown(other))),
        });
    }
    sheet.put(
        call.line,
        &format!("CREATE TABLE {table} ({})", parts.join(", ")),
    );
    Ok(())
}

/// `orders.id`, or `shop.orders.id`, as what a column refers to.
fn references(text: &str) -> String {
    let table = text.rsplit_once('.').map_or(text, |(table, _)| table);
    let parts: Vec<String> = table.split('.').map(name).collect();
    format!("REFERENCES {}", parts.join("."))
}

fn column(expr: Option<&Expr>) -> Result<String, String> {
    let call = match expr {
        Some(Expr::Call(call)) if call.last() == "Column" => call,
        _ => return Err("the column is computed when it runs".to_owned()),
    };
    let mut sql = name(call.text(0, "name")?);
    let rest = call.args.iter().skip(1).chain(call.named("type_"));
    let mut ty = None;
    let mut more = String::new();
    for part in rest {
        match part {
            Expr::Call(inner) => match inner.last() {
                "ForeignKey" => {
                    more.push_str(&format!(" {}", references(inner.text(0, "column")?)))
                }
                "Identity" => more.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
                "Computed" => more.push_str(&format!(
                    " GENERATED ALWAYS AS ({}) STORED",
                    sql_of(inner.args.first())?
                )),
                "CheckConstraint" => {
                    more.push_str(&format!(" CHECK ({})", sql_of(inner.args.first())?))
                }
                _ if ty.is_none() => ty = Some(type_of(part)?),
                other => return Err(format!("`{}` in a column is not known", shown(other))),
            },
            Expr::Name(_) if ty.is_none() => ty = Some(type_of(part)?),
            _ => return Err("a part of the column is computed when it runs".to_owned()),
        }
    }
    let ty = ty.ok_or("the column has no type")?;
    sql.push_str(&format!(" {ty}"));
    for (key, value) in &call.named {
        match (key.as_str(), value) {
            ("nullable", Expr::Bool(false)) => sql.push_str(" NOT NULL"),
            ("server_default", Expr::None) | ("nullable", Expr::Bool(true)) => {}
            ("server_default", value) => sql.push_str(&format!(" DEFAULT {}", default(value)?)),
            ("unique", Expr::Bool(true)) => sql.push_str(" UNIQUE"),
            ("primary_key", Expr::Bool(true)) => sql.push_str(" PRIMARY KEY"),
            ("unique" | "primary_key", Expr::Bool(false) | Expr::None) => {}
            (
                "name" | "type_" | "comment" | "default" | "onupdate" | "info" | "doc" | "key"
                | "index" | "autoincrement" | "sort_order" | "system" | "insert_default" | "quote",
                _,
            ) => {}
            (key, _) => return Err(format!("`{}` of a column is not known", shown(key))),
        }
    }
    Ok(sql + &more)
}

fn default(value: &Expr) -> Result<String, String> {
    match value {
        Expr::Text(text) => Ok(literal(text)),
        Expr::Call(call) => match (call.name.as_str(), call.last()) {
            (_, "text") => Ok(sql_of(call.args.first())?.to_owned()),
            (_, "true" | "false") => Ok(call.last().to_owned()),
            (whole, function) if whole.contains("func.") && call.args.is_empty() => {
                Ok(format!("{function}()"))
            }
            _ => Err(format!("the default `{}` is not known", shown(&call.name))),
        },
        _ => Err("the default is computed when it runs".to_owned()),
    }
}

/// A type as PostgreSQL names it; one of another kind keeps its own name.
fn type_of(expr: &Expr) -> Result<String, String> {
    let (whole, args, call) = match expr {
        Expr::Name(whole) => (whole.as_str(), &[][..], None),
        Expr::Call(call) => (call.name.as_str(), &call.args[..], Some(call)),
        _ => return Err("the type is computed when it runs".to_owned()),
    };
    let number = |at: usize, key: &str| {
        let value = args.get(at).or_else(|| call?.named(key));
        match value {
            Some(Expr::Number(number)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                Some(number.as_str())
            }
            _ => None,
        }
    };
    let sized = |ty: &str| number(0, "length").map_or(ty.to_owned(), |n| format!("{ty}({n})"));
    Ok(match whole.rsplit('.').next().unwrap_or_default() {
        "String" | "Unicode" | "VARCHAR" | "NVARCHAR" => sized("varchar"),
        "CHAR" | "NCHAR" => sized("char"),
        "Text" | "UnicodeText" | "TEXT" | "CLOB" => "text".to_owned(),
        "Integer" | "INTEGER" | "INT" => "integer".to_owned(),
        "BigInteger" | "BIGINT" => "bigint".to_owned(),
        "SmallInteger" | "SMALLINT" => "smallint".to_owned(),
        "Boolean" | "BOOLEAN" => "boolean".to_owned(),
        "Numeric" | "NUMERIC" | "DECIMAL" => match (number(0, "precision"), number(1, "scale")) {
            (Some(precision), Some(scale)) => format!("numeric({precision}, {scale})"),
            (Some(precision), None) => format!("numeric({precision})"),
            _ => "numeric".to_owned(),
        },
        "Float" | "FLOAT" | "Double" | "DOUBLE_PRECISION" | "REAL" => "double precision".to_owned(),
        "DateTime" | "TIMESTAMP" | "DATETIME" => {
            let zoned = call.is_some_and(|call| is_true(call.named("timezone")));
            if zoned { "timestamptz" } else { "timestamp" }.to_owned()
        }
        "Date" | "DATE" => "date".to_owned(),
        "Time" | "TIME" => "time".to_owned(),
        "JSON" => "json".to_owned(),
        "JSONB" => "jsonb".to_owned(),
        "Uuid" | "UUID" => "uuid".to_owned(),
        "LargeBinary" | "BYTEA" | "BLOB" => "bytea".to_owned(),
        "" => return Err("the type is computed when it runs".to_owned()),
        other => name(other),
    })
}
