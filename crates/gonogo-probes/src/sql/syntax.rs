//! What a plan may write of the `sql` probe and of its targets.

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::statement::gate::refused_anywhere;
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
    /// The statement runs in a second transaction of this name, beside the gate's own, which is called `main`; it is
    /// rolled back too. Only in a gate with `transaction: rollback`, on PostgreSQL. A statement that waits for a lock of
    /// another session of the gate is withdrawn: `error.code` is `lock_not_available`, and `blocked_by` names the session.
    #[schemars(length(min = 1, max = 40))]
    pub session: Option<String>,
    /// How long a statement of a gate with several sessions waits for a lock, `2s` by default.
    #[schemars(extend("format" = "duration"))]
    pub lock_wait: Option<String>,
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

/// What is wrong only in a gate with `transaction: rollback`, or only outside of one.
pub(super) fn lint_in_gate(options: &Json, rollback: bool) -> Vec<OptionProblem> {
    let problem = |code, key: &str, message: String, help: &str| OptionProblem {
        code,
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    if !rollback {
        let of_sessions = ["session", "lock_wait"];
        let written = of_sessions
            .iter()
            .filter(|key| options.get(**key).is_some());
        return written
            .map(|key| {
                let message = format!("`{key}` stands only in a gate with `transaction: rollback`");
                problem(
                    "sql-session",
                    key,
                    message,
                    "say so of the gate, or leave it out",
                )
            })
            .collect();
    }
    let sql = options.get("sql").and_then(Json::as_str);
    // What cannot be sent in any mode is told elsewhere.
    let refused = sql.and_then(|sql| {
        let read = Statement::read(sql, Dialect::Postgres).ok()?;
        read.permit(Mode::Write).ok()?;
        refused_anywhere(sql)
    });
    refused
        .map(|refused| problem("sql-escape", "sql", refused.why, refused.help))
        .into_iter()
        .collect()
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
