//! The OWASP Top 10:2025, as its own repository publishes it.

/// The edition.
pub const OWASP_EDITION: &str = "OWASP Top 10:2025";

/// Where ids and names are from: `2025/docs/en/index.md` of the repository `OWASP/Top10`, as of its commit
/// `66ebc4798d2ca72973967a20264bdeb70dcf0a13` of 2026-08-05, last changed there on 2025-12-24.
pub const OWASP_SOURCE: &str = "https://owasp.org/Top10/2025/ (github.com/OWASP/Top10, 2025/docs/en/index.md at 66ebc47 of 2026-08-05)";

/// Ids and names, in the order of the list.
pub const OWASP_TOP_10: [(&str, &str); 10] = [
    ("A01:2025", "Broken Access Control"),
    ("A02:2025", "Security Misconfiguration"),
    ("A03:2025", "Software Supply Chain Failures"),
    ("A04:2025", "Cryptographic Failures"),
    ("A05:2025", "Injection"),
    ("A06:2025", "Insecure Design"),
    ("A07:2025", "Authentication Failures"),
    ("A08:2025", "Software or Data Integrity Failures"),
    ("A09:2025", "Security Logging and Alerting Failures"),
    ("A10:2025", "Mishandling of Exceptional Conditions"),
];
