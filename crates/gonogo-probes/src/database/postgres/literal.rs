//! Arrays in the server's text form: `{1,NULL,"a \"b\""}`, `[0:1]={x,y}`.

use gonogo_core::Value;

/// A list, where the text is an array; nothing where it is malformed.
pub(super) fn array(text: &str, delimiter: char) -> Option<Value> {
    // Where the numbering does not begin at one, it stands before.
    let body = match text.strip_prefix('[') {
        Some(_) => &text[text.find('=')? + 1..],
        None => text,
    };
    let mut rest = body.strip_prefix('{')?;
    // The lists that are open, the innermost last. PostgreSQL has at most six dimensions.
    let mut open: Vec<Vec<Value>> = vec![Vec::new()];
    loop {
        let first = rest.chars().next()?;
        let after = &rest[first.len_utf8()..];
        match first {
            '{' => {
                open.push(Vec::new());
                rest = after;
            }
            '}' => {
                let done = Value::List(open.pop()?);
                let Some(outer) = open.last_mut() else {
                    return after.is_empty().then_some(done);
                };
                outer.push(done);
                rest = after;
            }
            c if c == delimiter => rest = after,
            '"' => {
                let (item, after) = quoted(after)?;
                open.last_mut()?.push(Value::String(item));
                rest = after;
            }
            _ => {
                let end = rest.find([delimiter, '}'])?;
                let (item, after) = rest.split_at(end);
                let is_null = item == "NULL";
                let item = if is_null { Value::Null } else { item.into() };
                open.last_mut()?.push(item);
                rest = after;
            }
        }
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_the_server_writes_them() {
        let list = |items: &[&str]| Value::List(items.iter().map(|i| (*i).into()).collect());
        assert_eq!(array("{}", ','), Some(Value::List(vec![])));
        assert_eq!(
            array("{a,\"b \\\"c\\\\,{}\"}", ','),
            Some(list(&["a", "b \"c\\,{}"]))
        );
        assert_eq!(array("[0:1]={a,b}", ','), Some(list(&["a", "b"])));
        assert_eq!(
            array("{(1,1),(0,0);(2,2),(1,1)}", ';'),
            Some(list(&["(1,1),(0,0)", "(2,2),(1,1)"]))
        );
        let nested = Value::List(vec![list(&["a"]), Value::List(vec![Value::Null])]);
        assert_eq!(array("{{a},{NULL}}", ','), Some(nested));
        assert_eq!(array("{\"NULL\"}", ','), Some(list(&["NULL"])));
        for malformed in ["", "{", "{a", "{\"a", "{}}", "[0:1]"] {
            assert_eq!(array(malformed, ','), None, "{malformed}");
        }
    }
}
