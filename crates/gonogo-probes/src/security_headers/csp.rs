//! `Content-Security-Policy` (CSP Level 3, W3C working draft), parsed as browsers do: several policies all hold, of a
//! directive that is written twice the first holds, and what is not known is passed over.

use std::collections::BTreeMap;

/// The directives of CSP 3 and of the specifications that extend it.
const KNOWN: [&str; 29] = [
    "base-uri",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "prefetch-src",
    "report-to",
    "report-uri",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "webrtc",
    "worker-src",
    "block-all-mixed-content",
];

/// Sources so broad that an attacker can serve from one: the Observatory's list.
pub(super) const BROAD: [&str; 8] = [
    "ftp:",
    "http:",
    "https:",
    "*",
    "http://*",
    "http://*.*",
    "https://*",
    "https://*.*",
];

/// One policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    /// Its directives with their sources, both in lower case but for nonces and hashes.
    pub(super) directives: BTreeMap<String, Vec<String>>,
    /// Directives that were written again.
    pub(super) again: Vec<String>,
    /// How many bytes it has.
    pub(super) length: usize,
}

impl Policy {
    fn parse(text: &str) -> Self {
        let mut policy = Self {
            length: text.trim().len(),
            ..Self::default()
        };
        for directive in text.split(';') {
            let mut words = directive.split_ascii_whitespace();
            let Some(name) = words.next().map(str::to_ascii_lowercase) else {
                continue;
            };
            if policy.directives.contains_key(&name) {
                policy.again.push(name);
                continue;
            }
            // What a keyword or host is does not depend on case; nonces and hashes do, and nothing here reads them.
            let sources = words.map(str::to_ascii_lowercase).collect();
            policy.directives.insert(name, sources);
        }
        policy
    }

    /// The sources that hold for a kind of content: its directive's, or those of `default-src`; nothing where neither
    /// is there, so that everything is allowed.
    pub(super) fn sources(&self, name: &str) -> Option<&[String]> {
        let own = self.directives.get(name);
        let found = match name {
            "object-src" | "script-src" | "style-src" | "img-src" | "media-src" => {
                own.or_else(|| self.directives.get("default-src"))
            }
            _ => own,
        };
        found.map(Vec::as_slice)
    }

    /// The directives that browsers do not know.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.directives.keys().map(String::as_str);
        names.filter(|name| !KNOWN.contains(name))
    }
}

/// All policies of the header's lines; a comma begins another.
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Policy> {
    let texts = lines.flat_map(|line| line.split(','));
    texts.take(64).map(Policy::parse).collect()
}

/// Whether some source is a nonce or a hash: `'unsafe-inline'` then means nothing.
pub(super) fn has_nonce_or_hash(sources: &[String]) -> bool {
    let starts = ["'sha256-", "'sha384-", "'sha512-", "'nonce-"];
    let is_one = |source: &String| starts.iter().any(|start| source.starts_with(start));
    sources.iter().any(is_one)
}

/// The sources that count: without those that a nonce, a hash or `'strict-dynamic'` takes away.
pub(super) fn effective<'a>(name: &str, sources: &'a [String]) -> Vec<&'a str> {
    let guarded = has_nonce_or_hash(sources);
    let is_strict = name == "script-src" && guarded && has(sources, "'strict-dynamic'");
    let counts = |source: &&str| {
        let inline = *source == "'unsafe-inline'";
        // With `'strict-dynamic'` only nonces and hashes let scripts in.
        let by_place = *source == "'self'" || BROAD.iter().any(|b| source.starts_with(b));
        !(guarded && inline || is_strict && by_place)
    };
    let all = sources.iter().map(String::as_str);
    all.filter(counts).collect()
}

/// Whether the source is in the list.
pub(super) fn has(sources: &[String], source: &str) -> bool {
    sources.iter().any(|s| s == source)
}
