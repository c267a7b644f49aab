//! Health checks that check nothing: commands whose end does not depend on the service.
//!
//! The rule is published in `docs/guide/containers.md`. It errs to one side: what it does not understand is taken for
//! a check.

/// A container's health check, as it was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthCheck {
    /// Whether there is one.
    pub(crate) defined: bool,
    /// Why it says nothing about the service; nothing where it may say something.
    pub(crate) checks_nothing: Option<String>,
    /// The command as a person reads it.
    pub(crate) test: String,
}

impl HealthCheck {
    /// From the engine's or compose's `test`; empty or `NONE` is none.
    pub(crate) fn of(test: &[String]) -> Self {
        let (first, rest) = match test.split_first() {
            None => ("NONE", &[][..]),
            Some((first, rest)) => (first.as_str(), rest),
        };
        match first {
            "NONE" | "" => Self {
                defined: false,
                checks_nothing: Some("none is defined".to_owned()),
                test: String::new(),
            },
            "CMD-SHELL" => {
                let script = rest.join(" ");
                Self {
                    defined: true,
                    checks_nothing: checks_nothing(&script),
                    test: script,
                }
            }
            "CMD" => Self::of_program(rest),
            // Podman takes a bare command for one of the shell.
            _ => Self::of_program(test),
        }
    }

    fn of_program(argv: &[String]) -> Self {
        Self {
            defined: true,
            checks_nothing: program_checks_nothing(argv),
            test: argv.join(" "),
        }
    }
}

/// Why a script's end says nothing; nothing where it may say something.
pub(crate) fn checks_nothing(script: &str) -> Option<String> {
    if script.trim().is_empty() {
        return Some("the command is empty".to_owned());
    }
    let parts = split(script)?;
    parts_check_nothing(&parts)
}

fn program_checks_nothing(argv: &[String]) -> Option<String> {
    let Some((program, rest)) = argv.split_first() else {
        return Some("the command is empty".to_owned());
    };
    let name = base(program);
    if SHELLS.contains(&name) {
        return shell_checks_nothing(rest);
    }
    // `exit` and `:` are words of a shell: as programs they do not exist, and the check fails.
    if matches!(name, "exit" | ":" | "return") {
        return None;
    }
    always_succeeds(argv)
        .then(|| format!("`{}` succeeds whatever the service does", argv.join(" ")))
}

const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "busybox"];

/// `sh -c SCRIPT`, with flags before the script.
fn shell_checks_nothing(arguments: &[String]) -> Option<String> {
    let arguments = match arguments {
        [first, rest @ ..] if first == "sh" || first == "ash" => rest,
        all => all,
    };
    let flag = |a: &&String| a.starts_with('-') && a.contains('c');
    let at = arguments.iter().position(|a| flag(&a))?;
    checks_nothing(arguments.get(at + 1)?)
}

/// One simple command and what joins it to the one before.
struct Part {
    joined: Joint,
    words: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    First,
    And,
    Or,
    Then,
    Pipe,
}

fn parts_check_nothing(parts: &[Part]) -> Option<String> {
    // Only what stands after the last `;` decides, unless a command before it ends the script.
    let mut start = 0;
    for (at, part) in parts.iter().enumerate() {
        if part.joined == Joint::Then {
            start = at;
        }
        let leaves = matches!(
            part.words.first().map(String::as_str),
            Some("exit" | "exec")
        );
        if leaves && at + 1 < parts.len() {
            // `exit` in the middle: only the plain case at the front is understood.
            let first = at == 0 && part.words.len() <= 2 && always_succeeds(&part.words);
            let ends = parts.get(at + 1).is_some_and(|p| p.joined == Joint::Then);
            return (first && ends)
                .then(|| "`exit 0` ends it before anything is looked at".to_owned());
        }
    }
    if parts[..start]
        .iter()
        .any(|p| p.words.first().is_some_and(|w| w == "set"))
    {
        // `set -e` makes every command count.
        return None;
    }
    let last = &parts[start..];
    if list_always_succeeds(last) {
        let told: Vec<String> = last.iter().map(|p| p.words.join(" ")).collect();
        let lonely = parts.len() == 1;
        return Some(if lonely {
            format!("`{}` succeeds whatever the service does", told[0])
        } else {
            let end = told.last().map_or("", String::as_str);
            format!("whatever comes before, it ends in `{end}`, which succeeds")
        });
    }
    None
}

/// A list of `&&`, `||` and `|`, which group from the left.
fn list_always_succeeds(parts: &[Part]) -> bool {
    let mut certain = false;
    for part in parts {
        let succeeds = always_succeeds(&part.words);
        certain = match part.joined {
            Joint::First | Joint::Then | Joint::Pipe => succeeds,
            Joint::And => certain && succeeds,
            Joint::Or => certain || succeeds,
        };
    }
    certain
}

/// Whether a simple command ends in success whatever there is outside.
fn always_succeeds(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return true;
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match base(program) {
        "true" | ":" | "echo" | "printf" | "sleep" => true,
        "pwd" | "whoami" | "hostname" | "date" | "uptime" | "uname" | "env" | "id" => {
            arguments.is_empty()
        }
        "exit" | "return" => matches!(arguments[..], [] | ["0"]),
        "test" => is_constant_truth(&arguments),
        "[" => match arguments.split_last() {
            Some((&"]", rest)) => is_constant_truth(rest),
            _ => false,
        },
        shell if SHELLS.contains(&shell) => shell_checks_nothing(&words[1..]).is_some(),
        "python" | "python3" | "node" | "perl" | "ruby" | "php" => {
            matches!(arguments[..], ["-c" | "-e" | "-r", program] if is_idle_program(program))
        }
        _ => false,
    }
}

/// `1`, `1 = 1`, `a == a`.
fn is_constant_truth(arguments: &[&str]) -> bool {
    match arguments {
        [constant] => !constant.is_empty() && !constant.starts_with('$'),
        [a, "=" | "==" | "-eq", b] => a == b && !a.starts_with('$'),
        _ => false,
    }
}

/// A program of an interpreter that only ends: each of its statements is one of a few.
fn is_idle_program(program: &str) -> bool {
    program.split([';', '\n']).map(str::trim).all(|statement| {
        matches!(
            statement,
            "" | "pass"
                | "import sys"
                | "import os"
                | "exit"
                | "exit()"
                | "exit(0)"
                | "exit 0"
                | "quit()"
                | "sys.exit()"
                | "sys.exit(0)"
                | "os._exit(0)"
                | "process.exit()"
                | "process.exit(0)"
                | "1"
                | "0"
        ) || is_constant_print(statement)
    })
}

fn is_constant_print(statement: &str) -> bool {
    let inner = ["print(", "console.log("]
        .iter()
        .find_map(|p| statement.strip_prefix(p)?.strip_suffix(')'));
    inner.is_some_and(|text| {
        let text = text.trim();
        let quote = text.chars().next();
        text.is_empty()
            || quote.is_some_and(|q| {
                matches!(q, '"' | '\'')
                    && text.len() >= 2
                    && text.ends_with(q)
                    && !text[1..text.len() - 1].contains(q)
            })
    })
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Words of a shell that begin or end something which this reader does not follow.
const COMPOUND: [&str; 14] = [
    "if", "then", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "{", "}",
    "!",
];

/// Takes a script apart; nothing where it holds what is not understood here.
fn split(script: &str) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut joined = Joint::First;
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = script.trim().chars().peekable();
    let mut end = |words: &mut Vec<String>, word: &mut Option<String>, joined: &mut Joint, next| {
        words.extend(word.take());
        if !words.is_empty() {
            parts.push(Part {
                joined: *joined,
                words: std::mem::take(words),
            });
            *joined = next;
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => word
                .get_or_insert_default()
                .push_str(&quoted(&mut chars, c)?),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '`' | '(' | ')' => return None,
            '$' if chars.peek() == Some(&'(') => return None,
            '&' if chars.peek() == Some(&'&') => {
                chars.next();
                end(&mut words, &mut word, &mut joined, Joint::And);
            }
            // Sent to the background; read from somewhere.
            '&' | '<' => return None,
            '>' => {
                if word
                    .as_ref()
                    .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()))
                {
                    word = None;
                }
                words.extend(word.take());
                leads_nowhere(&mut chars)?;
            }
            '|' if chars.peek() == Some(&'|') => {
                chars.next();
                end(&mut words, &mut word, &mut joined, Joint::Or);
            }
            '|' => end(&mut words, &mut word, &mut joined, Joint::Pipe),
            ';' | '\n' => end(&mut words, &mut word, &mut joined, Joint::Then),
            '#' if word.is_none() => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    end(&mut words, &mut word, &mut joined, Joint::Then);
    let compound = |p: &Part| p.words.iter().any(|w| COMPOUND.contains(&w.as_str()));
    if parts.is_empty() || parts.iter().any(compound) {
        return None;
    }
    Some(parts)
}

/// The text up to the quote that closes it; nothing where something is put into it, which may be anything.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            c if c == quote => return Some(text),
            '$' | '`' if quote == '"' => return None,
            '\\' if quote == '"' => text.push(chars.next()?),
            other => text.push(other),
        }
    }
}

/// What stands behind `>`: nothing is understood but `/dev/null` and `&1`. A write elsewhere may be the check itself, as
/// bash's `/dev/tcp` is.
fn leads_nowhere(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    while chars.peek().is_some_and(|c| matches!(c, '>' | ' ')) {
        chars.next();
    }
    let mut to = String::new();
    while let Some(c) = chars.peek().copied() {
        if c.is_whitespace() || matches!(c, ';' | '|') || c == '&' && !to.is_empty() {
            break;
        }
        to.push(c);
        chars.next();
    }
    matches!(to.as_str(), "/dev/null" | "&1" | "&2").then_some(())
}
