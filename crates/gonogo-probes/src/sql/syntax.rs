//! What a plan may write of the `sql` probe and of its targets.

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::statement::{Dialect, Mode, Statement};

/// `sql:` one statement to a database, and the options beside it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlOptions {
    /// The statement, exactly one. Values stand in `bind`, never in the text.
    pub sql: String,
    /// The values of `$1`, `$2`, …, bound as data. They take the type that the server expects: text becomes a UUID, a
    /// date or JSON, a list an array.
    #[serde(default)]
    pub bind: Vec<Json>,
    /// The statement changes something for good. Without it, and outside a gate with `transaction: rollback`, it runs
    /// in a read-only transaction.
    #[serde(default)]
    pub writes: bool,
    /// How many rows are kept, 1000 by default; an expectation about more is an error.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<u32>,
}

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Some(sql) = options.get("sql").and_then(Json::as_str) else {
        return Vec::new();
    };
    let problem = |code, key: &str, message: String, help: &str| {
        vec![OptionProblem {
            code,
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        }]
    };
    // `$${` is a literal `${`.
    if sql.replace("$${", "").contains("${") {
        return problem(
            "sql-template",
            "sql",
            "a value is pasted into the statement".to_owned(),
            "write `$1` in its place and the value under `bind:`, where it stays data",
        );
    }
    let statement = match Statement::read(sql, Dialect::Postgres) {
        Ok(statement) => statement,
        Err(message) => {
            return problem("sql-statement", "sql", message, "such as `sql: select 1`");
        }
    };
    // Whether the gate is rolled back is not known here; what no mode allows is wrong in any.
    if let Err(refused) = statement.permit(Mode::Write) {
        return problem("sql-statement", "sql", refused.why, refused.help);
    }
    let bound = options
        .get("bind")
        .map_or(Some(0), |b| b.as_array().map(Vec::len));
    match bound {
        Some(bound) if bound != statement.highest_parameter => problem(
            "sql-bind",
            "bind",
            bind_message(bound, statement.highest_parameter),
            "one value for each of `$1`, `$2`, …",
        ),
        _ => Vec::new(),
    }
}

/// How many values are there and how many are due.
pub(super) fn bind_message(bound: usize, wanted: usize) -> String {
    let due = match wanted {
        0 => "the statement has no parameter".to_owned(),
        1 => "the statement has the parameter $1".to_owned(),
        n => format!("the statement has the parameters $1 to ${n}"),
    };
    let values = if bound == 1 { "value is" } else { "values are" };
    format!("{due}, and {bound} {values} bound")
}
