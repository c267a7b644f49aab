//! Sequences of fixed text and runs of characters: what most vendors' tokens are.

/// One part of a token.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// This text.
    Text(&'static str),
    /// So many characters of a class, as many as there are up to the maximum.
    Run(Class, usize, usize),
}

/// A class of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `0-9`
    Digit,
    /// `0-9a-f`
    Hex,
    /// `A-Z0-9`
    Capital,
    /// `A-Za-z0-9`
    Alnum,
    /// `A-Za-z0-9_-`
    Word,
    /// `A-Za-z0-9+/=_-`
    Base64,
    /// `A-Za-z0-9_.~%=-`: what stands unescaped in a URL's query, and `%`.
    Url,
    /// `0-9a-f-` as in a UUID.
    Uuid,
}

impl Class {
    /// Whether a byte is of the class.
    pub fn has(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Capital => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-')
            }
            Self::Url => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'_' | b'.' | b'~' | b'%' | b'=' | b'-')
            }
            Self::Uuid => matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'),
        }
    }
}

/// The first fixed text of a sequence and whether a run stands before it.
pub(super) fn first_text(parts: &'static [Part]) -> Option<(&'static str, Option<Class>)> {
    match parts {
        [Part::Text(text), rest @ ..] | [Part::Run(..), Part::Text(text), rest @ ..] => {
            Some((text, following(rest)))
        }
        _ => None,
    }
}

fn following(parts: &'static [Part]) -> Option<Class> {
    match parts.first() {
        Some(Part::Run(class, 1.., _)) => Some(*class),
        _ => None,
    }
}

/// Reads a sequence whose first fixed text may stand at `at`; gives the place of the whole.
pub(super) fn read(parts: &[Part], bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (start, parts, mut end) = match parts {
        [Part::Run(class, least, most), Part::Text(text), rest @ ..] => {
            let len = bytes[..at]
                .iter()
                .rev()
                .take(*most + 1)
                .take_while(|b| class.has(**b))
                .count();
            if !(*least..=*most).contains(&len) || !bytes[at..].starts_with(text.as_bytes()) {
                return None;
            }
            (at - len, rest, at + text.len())
        }
        [Part::Text(text), rest @ ..] => {
            if !bytes[at..].starts_with(text.as_bytes()) {
                return None;
            }
            (at, rest, at + text.len())
        }
        _ => return None,
    };
    let mut last = None;
    for part in parts {
        match part {
            Part::Text(text) => {
                if !bytes[end..].starts_with(text.as_bytes()) {
                    return None;
                }
                end += text.len();
                last = None;
            }
            Part::Run(class, least, most) => {
                let len = bytes[end..]
                    .iter()
                    .take(*most)
                    .take_while(|b| class.has(**b))
                    .count();
                if len < *least {
                    return None;
                }
                end += len;
                last = Some(*class);
            }
        }
    }
    let before = start.checked_sub(1).map(|i| bytes[i]);
    let stands_alone = !before.is_some_and(|b| b.is_ascii_alphanumeric())
        && !last.is_some_and(|class| bytes.get(end).is_some_and(|b| class.has(*b)));
    stands_alone.then_some((start, end))
}
