//! What the user may see. Where PostgreSQL's catalogue tells everybody everything, information_schema leaves out what a
//! user has no right to, without a word: a table that it may not read, triggers, the text of a view.

use gonogo_core::Value;
use gonogo_core::record::{Cause, NotObserved};

use crate::ctx::Ctx;
use crate::database::Database;

/// What `show grants` said.
#[derive(Debug)]
pub(super) struct Grants(Vec<Grant>);

#[derive(Debug, PartialEq)]
struct Grant {
    taken_away: bool,
    /// In capitals.
    privileges: Vec<String>,
    /// Nothing: every database.
    database: Option<String>,
}

impl Grants {
    /// Those of whole databases among the lines; a grant on one table or routine gives no view of the others.
    pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        Self(lines.filter_map(grant).collect())
    }

    /// Which of the privileges are not held on a whole database.
    pub(super) fn missing<'a>(&self, database: &str, wanted: &[&'a str]) -> Vec<&'a str> {
        let of_it = |grant: &&Grant| {
            grant
                .database
                .as_deref()
                .is_none_or(|name| name == database)
        };
        let has = |grant: &Grant, wanted: &str| {
            let words = ["ALL PRIVILEGES", "ALL", wanted];
            words
                .iter()
                .any(|word| grant.privileges.iter().any(|p| p == word))
        };
        let held = |wanted: &str| {
            let mut about = self
                .0
                .iter()
                .filter(of_it)
                .filter(|grant| has(grant, wanted))
                .peekable();
            about.peek().is_some() && about.all(|grant| !grant.taken_away)
        };
        wanted
            .iter()
            .copied()
            .filter(|wanted| !held(wanted))
            .collect()
    }
}

/// `GRANT SELECT, TRIGGER ON `app`.* TO …`.
fn grant(line: &str) -> Option<Grant> {
    let (taken_away, rest) = match line.strip_prefix("GRANT ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("REVOKE ")?),
    };
    let (privileges, rest) = rest.split_once(" ON ")?;
    let word = if taken_away { ".* FROM " } else { ".* TO " };
    let (database, _) = rest.split_once(word)?;
    let database = match database {
        "*" => None,
        quoted => {
            let quote = quoted.chars().next().filter(|c| ['`', '"'].contains(c))?;
            let bare = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
            let twice = format!("{quote}{quote}");
            // In a grant `_` stands for any character, and `\_` for itself. Which others it is for does not matter: that
            // it is for the database of just this name is certain.
            let bare = bare.replace(&twice, &quote.to_string());
            Some(bare.replace("\\_", "_").replace("\\%", "%"))
        }
    };
    Some(Grant {
        taken_away,
        privileges: privileges
            .split(", ")
            .map(str::to_ascii_uppercase)
            .collect(),
        database,
    })
}

/// Whether information_schema tells all of the databases: a part taken for the whole would be a wrong observation.
pub(crate) async fn visible(
    ctx: &Ctx,
    tried: &str,
    database: &mut Database<'_>,
    names: &[String],
    wanted: &[&str],
) -> Result<(), NotObserved> {
    let rows = database.rows("show grants", &[]).await?;
    let lines = rows
        .iter()
        .filter_map(|row| row.values().next().and_then(Value::as_str));
    let grants = Grants::read(lines);
    for name in names {
        let missing = grants.missing(name, wanted);
        if missing.is_empty() {
            continue;
        }
        let list = missing.join(", ").to_ascii_lowercase();
        let message = format!(
            "the user sees only a part of `{name}`: it lacks {list} on the whole database, and the server leaves out \
             what it may not see"
        );
        let mut failed = ctx.not_observed(tried, Cause::Denied, message);
        failed.help = Some(format!("`grant {list} on `{name}`.* to …`"));
        return Err(failed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_grant_on_the_whole_database_shows_all_of_it() {
        let missing = |lines: &[&str], name: &str| {
            Grants::read(lines.iter().copied()).missing(name, &["SELECT", "TRIGGER"])
        };
        let none: [&str; 0] = [];
        assert_eq!(
            missing(
                &["GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION"],
                "x"
            ),
            none
        );
        assert_eq!(
            missing(
                &[
                    "GRANT USAGE ON *.* TO `a`@`%`",
                    "GRANT SELECT, TRIGGER ON `x`.* TO `a`@`%`"
                ],
                "x"
            ),
            none
        );
        assert_eq!(
            missing(&["GRANT SELECT, TRIGGER ON \"x\".* TO \"a\"@\"%\""], "x"),
            none
        );
        assert_eq!(
            missing(&["GRANT SELECT ON `x`.* TO `a`@`%`"], "x"),
            ["TRIGGER"]
        );
        assert_eq!(
            missing(&["GRANT SELECT, TRIGGER ON `x`.`t` TO `a`@`%`"], "x"),
            ["SELECT", "TRIGGER"]
        );
        assert_eq!(
            missing(&["GRANT SELECT (a, b), TRIGGER ON `y`.* TO `a`@`%`"], "x"),
            ["SELECT", "TRIGGER"]
        );
        assert_eq!(
            missing(
                &["GRANT SELECT, TRIGGER ON `my\\_app`.* TO `a`@`%`"],
                "my_app"
            ),
            none
        );
        assert_eq!(
            missing(&["GRANT `role` TO `a`@`%`"], "x"),
            ["SELECT", "TRIGGER"]
        );
        let revoked = [
            "GRANT SELECT, TRIGGER ON *.* TO `a`@`%`",
            "REVOKE SELECT ON `x`.* FROM `a`@`%`",
        ];
        assert_eq!(missing(&revoked, "x"), ["SELECT"]);
        assert_eq!(missing(&revoked, "y"), none);
    }
}
