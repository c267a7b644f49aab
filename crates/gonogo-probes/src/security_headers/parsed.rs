//! The headers as browsers take them: each by the rules of its own specification.

use std::collections::BTreeMap;

use sfv::{Dictionary, Item, ListEntry, Parser};

use super::csp::{self, Policy};
use crate::http::Fetched;

/// An answer with its headers taken apart.
pub(super) struct Page<'a> {
    pub(super) answer: &'a Fetched,
    /// The address that was asked first.
    pub(super) began: &'a str,
    /// Whether the answer came over TLS.
    pub(super) tls: bool,
    pub(super) csp: Vec<Policy>,
    pub(super) hsts: Option<Result<Hsts, String>>,
    pub(super) cookies: Vec<Cookie>,
}

impl<'a> Page<'a> {
    pub(super) fn of(answer: &'a Fetched, began: &'a str) -> Self {
        Self {
            answer,
            began,
            tls: answer.url.starts_with("https:"),
            csp: csp::parse(answer.all("content-security-policy")),
            // Of several lines browsers take the first (RFC 6797, 8.1).
            hsts: answer.header("strict-transport-security").map(Hsts::parse),
            cookies: answer.all("set-cookie").map(Cookie::parse).collect(),
        }
    }

    /// The header's words, split by commas, in lower case.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let value = self.answer.combined(name).unwrap_or_default();
        let words = value.split(',').map(str::trim);
        words.map(str::to_ascii_lowercase).collect()
    }

    /// Whether a MIME type is not guessed: the first value is `nosniff` (Fetch, "determine nosniff").
    pub(super) fn nosniff(&self) -> bool {
        self.words("x-content-type-options")
            .first()
            .is_some_and(|w| w == "nosniff")
    }

    /// `deny` or `sameorigin`; anything else is not heeded (HTML, "check a navigation response's adherence to
    /// `X-Frame-Options`").
    pub(super) fn frame_options(&self) -> Option<&'static str> {
        let mut words = self.words("x-frame-options");
        words.dedup();
        match words.as_slice() {
            [one] if one == "deny" => Some("deny"),
            [one] if one == "sameorigin" => Some("sameorigin"),
            // Values that contradict each other close the door.
            [_, _, ..] if words.iter().any(|w| w == "deny" || w == "sameorigin") => Some("deny"),
            _ => None,
        }
    }

    /// Whether some policy says who may frame the page.
    pub(super) fn has_frame_ancestors(&self) -> bool {
        let mut all = self.csp.iter();
        all.any(|policy| policy.directives.contains_key("frame-ancestors"))
    }

    /// The last policy that is known (Referrer Policy, 8.1).
    pub(super) fn referrer_policy(&self) -> Option<String> {
        let mut words = self.words("referrer-policy");
        words.retain(|word| REFERRER_POLICIES.contains(&word.as_str()));
        words.pop()
    }

    /// `Cross-Origin-Resource-Policy`; values in other letters do not hold (Fetch, 3.7).
    pub(super) fn resource_policy(&self) -> Option<String> {
        let value = self.answer.combined("cross-origin-resource-policy")?;
        let known = ["same-origin", "same-site", "cross-origin"];
        known.contains(&value.as_str()).then_some(value)
    }

    /// A structured item that is one of the words (HTML, "obtain a cross-origin opener policy" and embedder policy).
    pub(super) fn structured_word(&self, name: &str, known: &[&str]) -> Option<String> {
        let value = self.answer.combined(name)?;
        let item = Parser::new(&value).parse::<Item>().ok()?;
        let word = item.bare_item.as_token()?.as_str();
        known.contains(&word).then(|| word.to_owned())
    }

    /// The features and who may use them; `None` where the header is none that browsers can read.
    pub(super) fn permissions(&self) -> Option<BTreeMap<String, Vec<String>>> {
        let value = self.answer.combined("permissions-policy")?;
        let read = Parser::new(&value).parse::<Dictionary>().ok()?;
        let allowed = read.into_iter().map(|(name, entry)| {
            let items = match entry {
                ListEntry::Item(item) => vec![item],
                ListEntry::InnerList(list) => list.items,
            };
            let words = items.iter().filter_map(|item| {
                let token = item.bare_item.as_token().map(|t| t.as_str().to_owned());
                token.or_else(|| item.bare_item.as_string().map(|s| s.as_str().to_owned()))
            });
            (name.as_str().to_owned(), words.collect())
        });
        Some(allowed.collect())
    }
}

/// The values of `Cross-Origin-Opener-Policy`.
pub(super) const OPENER_POLICIES: [&str; 4] = [
    "same-origin",
    "same-origin-allow-popups",
    "noopener-allow-popups",
    "unsafe-none",
];
/// The values of `Cross-Origin-Embedder-Policy`.
pub(super) const EMBEDDER_POLICIES: [&str; 3] = ["require-corp", "credentialless", "unsafe-none"];
/// The values of `Referrer-Policy`, first those that tell other origins no path.
pub(super) const REFERRER_POLICIES: [&str; 8] = [
    "no-referrer",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "origin",
    "origin-when-cross-origin",
    "no-referrer-when-downgrade",
    "unsafe-url",
];

/// `Strict-Transport-Security` (RFC 6797, 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hsts {
    /// Seconds.
    pub(super) max_age: u64,
    pub(super) include_subdomains: bool,
    pub(super) preload: bool,
}

impl Hsts {
    /// Reads it; says why a browser does not heed it.
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let mut seen: Vec<String> = Vec::new();
        let mut max_age = None;
        let mut found = Self {
            max_age: 0,
            include_subdomains: false,
            preload: false,
        };
        for part in value.split(';') {
            let (name, given) = match part.split_once('=') {
                Some((name, given)) => (name, Some(given.trim())),
                None => (part, None),
            };
            let name = name.trim().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            if seen.contains(&name) {
                return Err(format!("`{name}` stands in it twice"));
            }
            match name.as_str() {
                "max-age" => max_age = Some(seconds(given)?),
                "includesubdomains" if given.is_none() => found.include_subdomains = true,
                "preload" => found.preload = true,
                "includesubdomains" => {
                    return Err("`includeSubDomains` has no value".to_owned());
                }
                _ => {}
            }
            seen.push(name);
        }
        found.max_age = max_age.ok_or("it has no `max-age`")?;
        Ok(found)
    }
}

fn seconds(given: Option<&str>) -> Result<u64, String> {
    let text = given.unwrap_or("");
    // A value may stand in quotes.
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "`max-age` is no number of seconds: {:?}",
            bare.chars().take(40).collect::<String>()
        ));
    }
    Ok(bare.parse().unwrap_or(u64::MAX))
}

/// `Set-Cookie` without the value (RFC 6265, 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) name: String,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// In lower case, as it came.
    pub(super) same_site: Option<String>,
}

impl Cookie {
    fn parse(line: &str) -> Self {
        let mut parts = line.split(';');
        let pair = parts.next().unwrap_or_default();
        let name = pair.split_once('=').map_or("", |(name, _)| name).trim();
        let mut cookie = Self {
            name: name.to_owned(),
            secure: false,
            http_only: false,
            same_site: None,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.trim().to_ascii_lowercase()),
                _ => {}
            }
        }
        cookie
    }
}
