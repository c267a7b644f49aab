//! Two texts of several lines, as a diff that a person can read: what they share at both ends is left out.

/// The most lines of one side.
const MOST: usize = 40;

/// Lines that begin with ` `, `-` or `+`.
pub(super) fn changed(what: &str, expected: &str, seen: &str) -> String {
    let old: Vec<&str> = expected.lines().collect();
    let new: Vec<&str> = seen.lines().collect();
    if old.len() <= 1 && new.len() <= 1 {
        let one = |lines: &[&str]| lines.first().copied().unwrap_or_default().to_owned();
        return format!("- {what} {}\n+ {what} {}\n", one(&old), one(&new));
    }
    let shared = |mut pairs: Box<dyn Iterator<Item = (&&str, &&str)> + '_>| {
        let mut count = 0;
        while pairs.next().is_some_and(|(a, b)| a == b) {
            count += 1;
        }
        count
    };
    let head = shared(Box::new(old.iter().zip(&new)));
    let room = old.len().min(new.len()) - head;
    let tail = shared(Box::new(old.iter().rev().zip(new.iter().rev()))).min(room);
    let mut out = format!("  {what}\n");
    if let Some(before) = head.checked_sub(1) {
        line(&mut out, ' ', old[before]);
    }
    side(&mut out, '-', &old[head..old.len() - tail]);
    side(&mut out, '+', &new[head..new.len() - tail]);
    if let Some(after) = old.get(old.len() - tail) {
        line(&mut out, ' ', after);
    }
    out
}

/// A thing that only one side has; of a long text the first lines.
pub(super) fn one_sided(sign: char, what: &str, text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut out = format!("{sign} {what} {first}");
    out.truncate(out.trim_end().len());
    out.push('\n');
    let rest: Vec<&str> = lines.collect();
    side(&mut out, sign, &rest);
    out
}

fn side(out: &mut String, sign: char, lines: &[&str]) {
    for text in lines.iter().take(MOST) {
        line(out, sign, text);
    }
    if lines.len() > MOST {
        line(
            out,
            sign,
            &format!("… and {} lines more", lines.len() - MOST),
        );
    }
}

fn line(out: &mut String, sign: char, text: &str) {
    out.push(sign);
    out.push_str("   ");
    out.push_str(text);
    out.push('\n');
}
