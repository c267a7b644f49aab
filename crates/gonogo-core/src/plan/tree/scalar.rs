//! What a scalar without quotes means: the YAML 1.2 core schema, with its traps named.

use super::{Kind, Node, Style};

/// The meaning of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    /// Nothing, `~`, `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 signed bits.
    Int(i64),
    /// A larger one that fits 64 bits.
    Uint(u64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// `.nan`, `.inf`, or a number too large for a double: no plan can mean it.
    NotFinite,
    /// A whole number with leading zeros, which old YAML reads as octal and new YAML as decimal.
    LeadingZero,
    /// A whole number that fits no 64 bits.
    Huge,
    /// Text.
    Text,
}

/// The meaning of a scalar node; nothing for a list or mapping.
pub(crate) fn resolve(node: &Node) -> Option<Resolved> {
    let Kind::Scalar(text) = &node.kind else {
        return None;
    };
    Some(match (node.tag.as_deref(), node.style) {
        (Some("!!str"), _) => Resolved::Text,
        (Some(_), _) | (None, Style::Plain | Style::Missing) => plain(text),
        _ => Resolved::Text,
    })
}

/// The meaning of a text without quotes.
fn plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        _ => {}
    }
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(bare, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Resolved::NotFinite;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return whole(u64::from_str_radix(digits, radix).ok(), false);
        }
    }
    if !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Resolved::Text;
    }
    if bare.bytes().all(|b| b.is_ascii_digit()) {
        if bare.len() > 1 && bare.starts_with('0') {
            return Resolved::LeadingZero;
        }
        return whole(bare.parse().ok(), text.starts_with('-'));
    }
    if is_float(bare) {
        return match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Resolved::Float(number),
            _ => Resolved::NotFinite,
        };
    }
    Resolved::Text
}

fn whole(number: Option<u64>, negative: bool) -> Resolved {
    match (number, negative) {
        (None, _) => Resolved::Huge,
        (Some(n), false) => i64::try_from(n).map_or(Resolved::Uint(n), Resolved::Int),
        (Some(n), true) => 0_i64
            .checked_sub_unsigned(n)
            .map_or(Resolved::Huge, Resolved::Int),
    }
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, the core schema's float without its sign.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let good_exponent = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let good_mantissa = match mantissa.split_once('.') {
        None => !mantissa.is_empty() && digits(mantissa),
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
    };
    good_mantissa && good_exponent
}
