//! What a plan may write of the `sql` probe and of its targets.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::plan::{FileProblem, OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::script::Script;
use super::statement::gate::refused_anywhere;
use super::statement::{Dialect, Mode, Statement};

/// `sql:` a statement or a script to a database, and the options beside it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlOptions {
    /// The statement, exactly one; several with `script: true`; or `{ file: PATH }`, a script beside the plan. Values
    /// stand in `bind`, names in `identifiers`, never in the text.
    pub sql: SqlText,
    /// The values of `$1`, `$2`, …, bound as data. They take the type that the server expects: text becomes a UUID, a
    /// date or JSON, a list an array.
    #[serde(default)]
    #[schemars(extend("format" = "typed-values"))]
    pub bind: Vec<Json>,
    /// Names of schemas, tables, columns, types and functions that are only known when the check runs, each for a
    /// `:"key"` in the text. Each must be there, spelled as the database keeps it; it is quoted when it is put in.
    #[serde(default)]
    pub identifiers: BTreeMap<String, String>,
    /// The text has several statements. They run one after the other, in one transaction; the first error ends it.
    #[serde(default)]
    pub script: bool,
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
    /// How many rows are kept, of all statements together, 1000 by default; an expectation about more is an error.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<u32>,
}

/// A text, or where it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SqlText {
    /// The text itself.
    Text(String),
    /// A file of the plan.
    File(SqlFile),
}

/// A script beside the plan.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlFile {
    /// Path relative to the plan's folder.
    pub file: String,
}

/// The longest name that PostgreSQL keeps whole.
const LONGEST_NAME: usize = 63;

/// Both ways in which what is found in a run gets into a statement.
const BOTH_WAYS: &str = "a value: write `$1` in its place and the value under `bind:`, where it stays data; the name of a table \
    or column: write `:\"key\"` and the name under `identifiers: { key: … }`, where it is looked up and quoted";

/// The file that the options name, where it is one.
pub(super) fn file(options: &Json) -> Option<&str> {
    options.get("sql")?.get("file")?.as_str()
}

/// What a check is called after.
pub(super) fn asked(options: &Json) -> &str {
    let text = options.get("sql").and_then(Json::as_str);
    text.or_else(|| file(options)).unwrap_or("")
}

/// Whether there may be several statements, as far as the options say it.
pub(super) fn is_script(options: &Json) -> bool {
    file(options).is_some() || options.get("script") == Some(&Json::Bool(true))
}

fn problem(code: &'static str, key: &str, message: String, help: &str) -> OptionProblem {
    OptionProblem {
        code,
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    }
}

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let mut problems = names(options);
    let Some(sql) = options.get("sql").and_then(Json::as_str) else {
        return problems;
    };
    // `$${` is a literal `${`.
    if sql.replace("$${", "").contains("${") {
        let message = "a value is pasted into the statement".to_owned();
        return vec![problem("sql-template", "sql", message, BOTH_WAYS)];
    }
    problems.extend(of_text(options, sql, "sql"));
    problems
}

/// What is wrong with a script in a file.
pub(super) fn lint_file(options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
    let placed = |problem: OptionProblem| {
        // What is said of a text begins with the line in it.
        let place = problem.message.strip_prefix("line ");
        let place = place.and_then(|rest| rest.split_once(": "));
        let place =
            place.and_then(|(line, message)| Some((line.parse().ok()?, message.to_owned())));
        let (line, message) = place.unwrap_or((1, problem.message));
        FileProblem {
            code: problem.code,
            warning: problem.warning,
            message,
            help: problem.help.unwrap_or_default(),
            line,
            column: 1,
        }
    };
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(why) => {
            return vec![placed(problem(
                "sql-file",
                "sql.file",
                why,
                "save it as UTF-8",
            ))];
        }
    };
    let mut problems: Vec<FileProblem> = of_text(options, text, "sql.file")
        .into_iter()
        .map(placed)
        .collect();
    if let Some(found) = text.find("${") {
        let line = text[..found].matches('\n').count() + 1;
        let message = format!("line {line}: `${{` is not filled in a file");
        let mut wrong = placed(problem("sql-template", "sql.file", message, BOTH_WAYS));
        wrong.warning = true;
        problems.push(wrong);
    }
    problems
}

/// The text of a file, without a byte-order mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = bytes[..e.valid_up_to()].split(|b| *b == b'\n');
        let line = before.count();
        format!("line {line}: it is not UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn of_text(options: &Json, sql: &str, key: &str) -> Vec<OptionProblem> {
    let script = match Script::read(sql, Dialect::Postgres, is_script(options)) {
        Ok(script) => script,
        Err(wrong) => return vec![problem("sql-statement", key, wrong.why, wrong.help)],
    };
    // Whether the gate is rolled back is not known here; what no mode allows is wrong in any.
    for part in &script.parts {
        if let Err(refused) = part.statement.permit(Mode::Write) {
            let why = if script.many {
                format!("line {}: {}", part.line, refused.why)
            } else {
                refused.why
            };
            return vec![problem("sql-statement", key, why, refused.help)];
        }
    }
    let mut problems = declared(options, &script, key);
    let bound = options
        .get("bind")
        .map_or(Some(0), |b| b.as_array().map(Vec::len));
    if let Some(bound) = bound
        && bound != script.highest_parameter()
    {
        let message = bind_message(bound, script.highest_parameter());
        problems.push(problem(
            "sql-bind",
            "bind",
            message,
            "one value for each of `$1`, `$2`, …",
        ));
    }
    problems
}

/// The names of the text against those that are declared.
fn declared(options: &Json, script: &Script, key: &str) -> Vec<OptionProblem> {
    let declared: BTreeSet<&str> = options
        .get("identifiers")
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
        .collect();
    let used: BTreeSet<&str> = script.names().collect();
    let missing = used.difference(&declared).map(|name| {
        let message = format!("`:\"{name}\"` has no name under `identifiers:`");
        let help = format!("`identifiers: {{ {name}: … }}`");
        problem("sql-identifier", key, message, &help)
    });
    let unused = declared.difference(&used).map(|name| {
        let message = format!("the text has no `:\"{name}\"`");
        let at = format!("identifiers.{name}");
        problem(
            "sql-identifier",
            &at,
            message,
            "take it out, or write it in the text",
        )
    });
    missing.chain(unused).collect()
}

/// Names that are known already and cannot be any.
fn names(options: &Json) -> Vec<OptionProblem> {
    let map = options.get("identifiers").and_then(Json::as_object);
    let mut problems = Vec::new();
    for (key, name) in map.into_iter().flatten() {
        let Some(name) = name.as_str().filter(|name| !name.contains("${")) else {
            continue;
        };
        if let Err(why) = name_is_possible(name) {
            let at = format!("identifiers.{key}");
            let message = format!("`{key}` {why}");
            problems.push(problem(
                "sql-identifier",
                &at,
                message,
                "the name as the database keeps it",
            ));
        }
    }
    problems
}

/// Whether a database could have such a name; why not, otherwise.
pub(super) fn name_is_possible(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    if name.contains('\0') {
        return Err("has a NUL character".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "has {} bytes, and a name has {LONGEST_NAME} at most",
            name.len()
        ));
    }
    Ok(())
}

/// What is wrong only in a gate with `transaction: rollback`, or only outside of one.
pub(super) fn lint_in_gate(options: &Json, rollback: bool) -> Vec<OptionProblem> {
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
    let Some(sql) = options.get("sql").and_then(Json::as_str) else {
        return Vec::new();
    };
    let Ok(script) = Script::read(sql, Dialect::Postgres, is_script(options)) else {
        return Vec::new();
    };
    // What cannot be sent in any mode is told elsewhere.
    let refused = script.parts.iter().filter_map(|part| {
        let written = part.written();
        let read = Statement::read(&written, Dialect::Postgres).ok()?;
        read.permit(Mode::Write).ok()?;
        refused_anywhere(&written)
    });
    refused
        .map(|refused| problem("sql-escape", "sql", refused.why, refused.help))
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
