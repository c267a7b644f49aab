//! Whether a text is one condition: something that can stand in brackets after WHERE and end nothing else.

/// Says why it is not. What is inside of the brackets is the server's to understand; this only makes sure that they
/// are still brackets, whatever the text.
pub(super) fn one_expression(text: &str) -> Result<(), String> {
    let mut depth = Vec::new();
    let mut rest = text;
    let mut empty = true;
    while let Some(c) = rest.chars().next() {
        empty = empty && c.is_whitespace();
        let next = match c {
            '\'' | '"' | '`' => quoted(rest, c)?,
            ';' => return Err("a semicolon ends a statement".to_owned()),
            '-' if rest.starts_with("--") => {
                return Err("a comment hides what follows it".to_owned());
            }
            '/' if rest.starts_with("/*") => {
                return Err("a comment hides what follows it".to_owned());
            }
            '#' if !rest.starts_with("#>") && !rest.starts_with("#-") => {
                return Err("`#` begins a comment on some servers".to_owned());
            }
            '$' => {
                return Err(
                    "`$` begins a parameter or a quoted text; write the value itself".to_owned(),
                );
            }
            '\0' => return Err("a character that no statement may hold".to_owned()),
            '(' | '[' => {
                depth.push(c);
                1
            }
            ')' | ']' => {
                let open = if c == ')' { '(' } else { '[' };
                if depth.pop() != Some(open) {
                    return Err(format!("`{c}` closes a bracket that was not opened"));
                }
                1
            }
            c => c.len_utf8(),
        };
        rest = &rest[next..];
    }
    if let Some(open) = depth.last() {
        return Err(format!("`{open}` is not closed"));
    }
    if empty {
        return Err("it is empty".to_owned());
    }
    Ok(())
}

/// The length of a quoted piece. A backslash means different things to different servers, so that where the piece
/// ends would be a matter of opinion.
fn quoted(text: &str, quote: char) -> Result<usize, String> {
    for (at, c) in text.char_indices().skip(1) {
        if c == '\\' {
            return Err(
                "a backslash in quotes is read differently by different servers".to_owned(),
            );
        }
        if c == quote {
            // Written twice, it is the quote itself: the next round begins a piece that ends there.
            return Ok(at + 1);
        }
    }
    Err(format!("the quote {quote} is not closed"))
}
