//! Files that hold both ways, told apart by comments: dbmate's and goose's. What belongs to the other way is blanked, so
//! that places stay what they are. Pure.

use super::layout::Tool;

/// A file, its two ways apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    /// The tool whose comments were found.
    pub(super) tool: Option<Tool>,
    /// The way up: the whole text where no comment tells anything else.
    pub(super) up: String,
    /// The way down.
    pub(super) down: Option<String>,
    /// Whether the tool runs the way up in one transaction, where the file or the tool says so.
    pub(super) in_transaction: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Splits a text. `tool` is what the file's name tells.
pub(super) fn split(text: &str, tool: Tool) -> Sections {
    let mut found = None;
    let mut off = false;
    // What stands before the first mark is read too: nothing is passed over in silence.
    let mut way = Way::Up;
    let mut up = Vec::with_capacity(text.len());
    let mut down = Vec::with_capacity(text.len());
    let mut has_down = false;
    for line in text.split_inclusive('\n') {
        if let Some((by, to, without)) = mark(line) {
            found = Some(by);
            off |= without;
            way = to.unwrap_or(way);
            has_down |= way == Way::Down;
        }
        for (out, of) in [(&mut up, Way::Up), (&mut down, Way::Down)] {
            let blank = |b: u8| if b == b'\n' { b } else { b' ' };
            out.extend(line.bytes().map(|b| if way == of { b } else { blank(b) }));
        }
    }
    let Some(by) = found else {
        let first = text.trim_start().lines().next().unwrap_or("");
        let switched_off = first.trim() == "-- no-transaction";
        return Sections {
            tool: None,
            up: text.to_owned(),
            down: None,
            in_transaction: match tool {
                Tool::Sqlx | Tool::Dbmate | Tool::Goose => Some(!switched_off),
                // Who runs plain files, and how, is not known: each statement may stand alone.
                Tool::Plain => Some(false),
                // Sent as one text, which the server takes as one transaction; one statement stands alone.
                Tool::Prisma
                | Tool::Flyway
                | Tool::GolangMigrate
                | Tool::Diesel
                | Tool::Alembic
                | Tool::Django => None,
            },
        };
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Sections {
        tool: Some(by),
        up: text(up),
        down: has_down.then(|| text(down)),
        in_transaction: Some(!off),
    }
}

/// What a line says: whose mark it is, which way begins, and that there is no transaction.
fn mark(line: &str) -> Option<(Tool, Option<Way>, bool)> {
    let comment = line.trim().strip_prefix("--")?.trim().to_ascii_lowercase();
    let mut words = comment.split_whitespace();
    let first = words.next()?;
    if let Some(way) = first.strip_prefix("migrate:") {
        let without = words.any(|word| word == "transaction:false");
        return match way {
            "up" => Some((Tool::Dbmate, Some(Way::Up), without)),
            // How the way down runs does not matter to the way up.
            "down" => Some((Tool::Dbmate, Some(Way::Down), false)),
            _ => None,
        };
    }
    if first != "+goose" {
        return None;
    }
    match (words.next()?, words.next()) {
        ("up", _) => Some((Tool::Goose, Some(Way::Up), false)),
        ("down", _) => Some((Tool::Goose, Some(Way::Down), false)),
        ("no", Some("transaction")) => Some((Tool::Goose, None, true)),
        _ => None,
    }
}
