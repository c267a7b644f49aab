//! What stands where a secret would, and is none.

/// Words that say so themselves.
const WORDS: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "xxxx",
    "****",
    "....",
    "redacted",
    "replace",
    "abcdefghij",
    "1234567890",
    "0123456789",
    "deadbeef",
    "[secret ",
    "notasecret",
    "not-a-secret",
];
/// The same, too short to mean anything within random text.
const SHORT_WORDS: &[&str] = &["your", "dummy", "sample", "insert", "todo", "fixme", "fake"];
/// Beginnings and parts of references to where the value really is.
const REFERENCES: &[&str] = &[
    "${",
    "{{",
    "$(",
    "<%",
    "%(",
    "process.env",
    "os.environ",
    "getenv",
    "env:",
    "vault:",
    "ref+",
    "arn:",
];

/// Whether a value only stands for a secret: an example, a reference, one character repeated.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    if value.is_empty() {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let has = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    let is_framed = matches!(
        (value[0], value[value.len() - 1]),
        (b'<', b'>') | (b'{', b'}') | (b'[', b']') | (b'%', b'%')
    );
    is_framed
        || value[0] == b'$'
        || is_stand_in(value)
        || SHORT_WORDS.iter().any(&has)
        || REFERENCES.iter().any(has)
}

/// Whether a vendor's token is only an example of one. Short words occur in random text by chance.
pub(super) fn is_stand_in(token: &[u8]) -> bool {
    let lower = token.to_ascii_lowercase();
    let has = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    distinct(token) < 4 || WORDS.iter().any(has)
}

/// How many different bytes there are.
pub(super) fn distinct(value: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|s| **s).count()
}

/// Whether a file is program text, where a bare word after `=` is an expression and no value.
pub(super) fn is_source_code(path: &str) -> bool {
    const CODE: &[&str] = &[
        "rs", "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "java", "kt", "kts", "scala",
        "rb", "php", "c", "h", "cc", "cpp", "hpp", "cs", "swift", "m", "pl", "lua", "ex", "exs",
        "erl", "hs", "clj", "dart", "vue", "svelte", "sql", "html", "css", "md", "rst", "adoc",
        "tex",
    ];
    path.rsplit_once('.')
        .is_some_and(|(_, ext)| CODE.contains(&ext.to_ascii_lowercase().as_str()))
}
