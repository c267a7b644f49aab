//! Alembic's operations (`alembic.op`, 1.x: https://alembic.sqlalchemy.org/en/latest/ops.html) as the SQL that they
//! come to on PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use super::column::{column, default, references, shown, sql_of, sql_text, type_of};
use super::sheet::{Sheet, is_true, name, names, table, texts};
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
    let defined = |wanted: &str| {
        let all = lines.iter();
        all.filter(|line| matches!(&line.what, What::Function(name, _) if name == wanted))
            .count()
    };
    let mut up = Sheet::new(true);
    let mut down = Sheet::new(true);
    for line in lines {
        match &line.what {
            What::Assign(name, _) if ["upgrade", "downgrade", "op"].contains(&name.as_str()) => {
                up.refuse(
                    line,
                    "a way is given another meaning when the file is loaded",
                );
            }
            What::Function(name, _) if name != "upgrade" && name != "downgrade" => {}
            What::Function(name, _) if defined(name) > 1 => {
                up.refuse(line, "the way is written more than once");
            }
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
    let at_of: BTreeMap<&str, usize> = units
        .iter()
        .enumerate()
        .filter_map(|(at, unit)| Some((known.get(&unit.up)?.0.as_str(), at)))
        .collect();
    let mut waits = vec![0usize; units.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for (at, unit) in units.iter().enumerate() {
        let before = known.get(&unit.up).map_or(&[][..], |(_, before)| before);
        // What is not here ran before.
        for earlier in before.iter().filter_map(|one| at_of.get(one.as_str())) {
            waits[at] += 1;
            after[*earlier].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..units.len()).filter(|at| waits[*at] == 0).collect();
    let mut order = Vec::new();
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for later in std::mem::take(&mut after[at]) {
            waits[later] -= 1;
            if waits[later] == 0 {
                ready.insert(later);
            }
        }
    }
    // Those that go round in a circle keep their order.
    order.extend((0..units.len()).filter(|at| waits[*at] > 0));
    *units = order.into_iter().map(|at| units[at].clone()).collect();
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
        "create_unique_constraint"
        | "create_primary_key"
        | "create_check_constraint"
        | "create_foreign_key" => constrain(call, what)?,
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

/// A constraint of a table that is there.
fn constrain(call: &Call, what: &str) -> Result<String, String> {
    let key = if what == "create_foreign_key" {
        "source_table"
    } else {
        "table_name"
    };
    let schema = call.named("schema").or(call.named("source_schema"));
    let on = table(call.text(1, key)?, schema);
    Ok(match what {
        "create_unique_constraint" => {
            let columns = columns(call, 2, "columns")?;
            format!(
                "ALTER TABLE {} ADD {}UNIQUE ({columns})",
                on,
                constraint(call)
            )
        }
        "create_primary_key" => {
            let columns = columns(call, 2, "columns")?;
            format!(
                "ALTER TABLE {} ADD {}PRIMARY KEY ({columns})",
                on,
                constraint(call)
            )
        }
        "create_check_constraint" => {
            let condition = sql_of(call.arg(2, "condition"))?;
            format!(
                "ALTER TABLE {} ADD {}CHECK ({condition}){}",
                on,
                constraint(call),
                not_valid(call)
            )
        }
        _ => {
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
                on,
                constraint(call),
                not_valid(call)
            )
        }
    })
}

fn execute(call: &Call, sheet: &mut Sheet) -> Put {
    let sql = sql_text(call.arg(0, "sqltext"))?;
    sheet.put_raw(call.text_line, sql);
    Ok(())
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
