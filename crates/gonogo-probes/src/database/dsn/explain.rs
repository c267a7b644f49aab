//! What is wrong with an address that cannot be read, and how it is written instead. Of a password only the characters
//! at fault are named, and only where enough of it stays hidden.

use super::{Language, PARAMETERS, escaped, split_before};

/// How many characters of a password must stay hidden for those at fault to be placed.
const HIDDEN: usize = 4;
/// How many characters at fault are placed.
const NAMED: usize = 4;

/// What came along when the address was copied from a file or a program, or what another program's address it is.
pub(super) fn copied(text: &str, language: Language) -> Option<String> {
    let example = language.example();
    if text.is_empty() {
        return Some(format!("the address is empty; write `{example}`"));
    }
    if text.starts_with(['"', '\'', '`', '\u{201c}', '\u{2018}']) {
        return Some(
            "the address stands in quotes that belong to the file it was copied from; leave them out".to_owned(),
        );
    }
    let is_url = language.schemes().iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| rest.starts_with("://"))
    });
    if is_url && (text.contains("${") || text.contains("{{")) {
        return Some(
            "the address holds a `${…}` or `{{…}}` that nobody replaced; in a password, `$` is written `%24` and `{` `%7B`"
                .to_owned(),
        );
    }
    if is_url && text.lines().count() > 1 {
        return Some("the address has several lines; it is one".to_owned());
    }
    other_program(text, language)
}

/// A variable's name or a program that stands before the address.
pub(super) fn preceded(text: &str, language: Language) -> Option<String> {
    let schemes = language.schemes().iter();
    let begins = schemes
        .filter_map(|scheme| text.find(&format!("{scheme}://")))
        .min()?;
    let before = text[..begins].trim_end_matches(['"', '\'']);
    let is_name = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_=-".contains(c))
            && word.len() < 40
    };
    (begins > 0 && before.split_whitespace().all(is_name)).then(|| {
        format!(
            "the address begins only at `{}://`; leave out what stands before it, such as `DATABASE_URL=`",
            language.schemes()[0]
        )
    })
}

/// `jdbc:postgresql://`, `postgresql+asyncpg://`, `mysql2://`, another database.
fn other_program(text: &str, language: Language) -> Option<String> {
    let wanted = language.schemes()[0];
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("jdbc:") {
        return Some(format!(
            "`jdbc:` is how Java writes an address; leave it out, write `{}`",
            language.example()
        ));
    }
    let (scheme, _) = lower.split_once("://")?;
    let (base, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
    if language.schemes().contains(&base) && is_name(driver) {
        return Some(format!(
            "the `+{driver}` of `{base}+{driver}://` names a driver of SQLAlchemy; leave it out and write `{base}://`, the \
             rest as it is"
        ));
    }
    let others = [
        ("postgres", "PostgreSQL"),
        ("postgresql", "PostgreSQL"),
        ("mysql", "MySQL"),
        ("mysql2", "a MySQL driver's"),
        ("mysqlx", "MySQL's X protocol"),
        ("mariadb", "MariaDB"),
        ("sqlite", "SQLite"),
        ("sqlite3", "SQLite"),
        ("asyncpg", "a PostgreSQL driver's"),
        ("psycopg2", "a PostgreSQL driver's"),
        ("psql", "a PostgreSQL program's"),
        ("cockroachdb", "CockroachDB"),
        ("redshift", "Redshift"),
        ("mongodb", "MongoDB"),
        ("redis", "Redis"),
        ("http", "a web address"),
        ("https", "a web address"),
    ];
    let (name, what) = others.iter().find(|(name, _)| *name == base)?;
    if language.schemes().contains(name) {
        return None;
    }
    Some(format!(
        "`{name}://` is {what}, and this target is {}; write `{wanted}://user@host:{}/database`",
        language.name(),
        language.port()
    ))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() < 20 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A URL as its author meant it: cut where the address of a host begins.
struct Meant<'a> {
    scheme: &'a str,
    user: &'a str,
    password: &'a str,
    address: &'a str,
}

impl<'a> Meant<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let at = rest
            .match_indices('@')
            .map(|(at, _)| at)
            .find(|at| is_address(&rest[at + 1..]))?;
        let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
        Some(Self {
            scheme,
            user,
            password,
            address: &rest[at + 1..],
        })
    }
}

/// Whether a text can be `host:port/database?key=value`, and nothing else.
fn is_address(text: &str) -> bool {
    let (authority, after) = split_before(text, &['/', '?', '#']);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let Some((host, port)) = rest.split_once(']') else {
                return false;
            };
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let is_host = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-_%:,".contains(c));
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    is_host
        && port.chars().all(|c| c.is_ascii_digit())
        && !path.contains(['@', '#'])
        && pairs
            .map(|pair| pair.split('=').next().unwrap_or(pair))
            .all(|key| PARAMETERS.contains(&key))
}

/// The characters of the user's name or the password that end them before their end; `None` where there is none.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let meant = Meant::of(text)?;
    let in_user = at_fault(meant.user);
    let in_password = at_fault(meant.password);
    if in_user.is_empty() && in_password.is_empty() {
        return None;
    }
    let mut said = Vec::new();
    if !in_user.is_empty() {
        said.push(format!(
            "the user's name holds {}",
            listed(&in_user, true, false)
        ));
    }
    let placed = may_place(meant.password, &in_password);
    if !in_password.is_empty() {
        said.push(format!(
            "the password holds {}",
            listed(&in_password, placed, true)
        ));
    }
    let password = if meant.password.is_empty() {
        String::new()
    } else if placed {
        format!(":{}", masked(meant.password, &in_password))
    } else {
        ":[secret]".to_owned()
    };
    let user = with_escapes(meant.user, &in_user);
    let address = without_secrets(meant.address);
    let written = format!("{}://{user}{password}@{address}", meant.scheme);
    Some(format!(
        "{}, which must be percent-encoded: `{written}`; as `password:` of the target nothing needs escaping",
        said.join(" and ")
    ))
}

/// Whether so few and so scattered characters are at fault that the rest stays a secret.
fn may_place(password: &str, at_fault: &[(usize, char)]) -> bool {
    at_fault.len() <= NAMED && password.chars().count() >= at_fault.len() + HIDDEN
}

/// Where a character stands, counted from one, that must not stand there as it is.
fn at_fault(text: &str) -> Vec<(usize, char)> {
    let chars: Vec<char> = text.chars().collect();
    let is_hex = |at: usize| chars.get(at).is_some_and(char::is_ascii_hexdigit);
    chars
        .iter()
        .enumerate()
        .filter(|(at, c)| match c {
            '@' | '/' | '?' | '#' => true,
            '%' => !(is_hex(at + 1) && is_hex(at + 2)),
            c => c.is_whitespace() || c.is_control(),
        })
        .map(|(at, c)| (at + 1, *c))
        .collect()
}

/// `` `@` (character 4) and `#` (character 9) ``, or only which they are.
fn listed(found: &[(usize, char)], placed: bool, is_password: bool) -> String {
    let name = |c: char| match c {
        ' ' => "a blank".to_owned(),
        c if c.is_whitespace() || c.is_control() => format!("a U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    };
    let whose = if is_password { "its " } else { "" };
    let mut words: Vec<String> = if placed {
        let one = |(at, c): &(usize, char)| format!("{} ({whose}character {at})", name(*c));
        found.iter().map(one).collect()
    } else {
        let mut kinds: Vec<char> = found.iter().map(|(_, c)| *c).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().map(name).collect()
    };
    let last = words.pop().unwrap_or_default();
    if words.is_empty() {
        last
    } else {
        format!("{} and {last}", words.join(", "))
    }
}

/// `[secret]%40[secret]`.
fn masked(password: &str, at_fault: &[(usize, char)]) -> String {
    let mut out = String::new();
    let mut hidden = false;
    for (index, c) in password.chars().enumerate() {
        if at_fault.iter().any(|(at, _)| *at == index + 1) {
            out.push_str(&escaped(&c.to_string()));
            hidden = false;
        } else if !hidden {
            out.push_str("[secret]");
            hidden = true;
        }
    }
    out
}

fn with_escapes(text: &str, at_fault: &[(usize, char)]) -> String {
    let one = |(index, c): (usize, char)| {
        if at_fault.iter().any(|(at, _)| *at == index + 1) {
            escaped(&c.to_string())
        } else {
            c.to_string()
        }
    };
    text.chars().enumerate().map(one).collect()
}

fn without_secrets(address: &str) -> String {
    let Some((before, query)) = address.split_once('?') else {
        return address.to_owned();
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.contains("password") => format!("{key}=[secret]"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{before}?{}", pairs.join("&"))
}

/// What may have changed a password on its way here, said where the server refuses it.
pub(super) fn doubtful(written: &str) -> Option<String> {
    if written.contains("$$") {
        return Some(
            "the password holds `$$`, which in a compose file stands for one `$`: outside of it, write one `$` (`%24` in a URL)"
                .to_owned(),
        );
    }
    let mut kinds: Vec<char> = written
        .chars()
        .filter(|c| "!$&'()*+,;=`\\\"<>|^{}".contains(*c) || !c.is_ascii())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() || written.chars().count() < kinds.len() + HIDDEN {
        return None;
    }
    let found: Vec<(usize, char)> = kinds.into_iter().map(|c| (0, c)).collect();
    let first = found.first().map_or('!', |(_, c)| *c);
    Some(format!(
        "the password holds {}, which a shell, a compose file or an env file may have changed on the way: compare its \
         length at both ends, or percent-encode them (`{}` for the first)",
        listed(&found, false, true),
        escaped(&first.to_string())
    ))
}
