//! The rules for what a service tells browsers and callers: other origins, security headers, rate limits.

use super::rules::{Rule, rule};

/// Tried before the general ones: a 429 that was looked for is no trouble of the check.
pub(super) const WEB: &[Rule] = &[
    rule(
        "cors-reflects",
        "cors",
        "probe == 'cors' && reflects_any && unmet.matches('reflects_any|foreign')",
        "the service gives every origin back as allowed: the page of any site may read what it answers",
        "compare the origin with a list of whole origins; then ${try_it}",
    ),
    rule(
        "cors-pattern",
        "cors",
        "probe == 'cors' && unmet.contains('foreign') && foreign.exists(f, f.allowed)",
        "an origin that nobody meant is let in (${foreign.filter(f, f.allowed)[0].kind})",
        "compare the origin with a list of whole origins, never with a pattern; then ${try_it}",
    ),
    rule(
        "cors-preflight",
        "cors",
        "probe == 'cors' && unmet.contains('preflight') && size(preflight.why) > 0",
        "a browser stops after the preflight: ${preflight.why[0]}",
        "${try_it}",
    ),
    rule(
        "cors-answer",
        "cors",
        "probe == 'cors' && unmet.contains('simple') && size(simple.why) > 0",
        "a browser keeps the answer from the page: ${simple.why[0]}",
        "${try_it}",
    ),
    rule(
        "headers-of-an-error",
        "",
        "probe == 'security-headers' && size(absent) > 0",
        "the answer is not that of the page, but an error (${status})",
        "see why the page is not answered: ${try_it}",
    ),
    rule(
        "header-missing",
        "",
        "probe == 'security-headers' && unmet.matches('missing|present|headers') && size(missing) > 0",
        "the answer has no ${missing[0]}, the first of ${size(missing)} that are missing",
        "set it where all answers pass, such as the proxy; docs/guide/web.md says what each is for",
    ),
    rule(
        "header-weak",
        "",
        "probe == 'security-headers' && unmet.matches('weak|headers') && size(weak) > 0",
        "${weak[0].name}: ${weak[0].why} (the first of ${size(weak)})",
        "${try_it} shows all of them, with their values",
    ),
    rule(
        "header-tells",
        "",
        "probe == 'security-headers' && unmet.contains('to_remove') && size(to_remove) > 0",
        "the answer tells what runs there: ${to_remove[0]}, the first of ${size(to_remove)}",
        "take the header off where all answers pass, such as the proxy; then ${try_it}",
    ),
    rule(
        "no-grade",
        "",
        "probe == 'security-headers' && unmet.matches('grade|score') && has(not_graded)",
        "${not_graded}",
        "${try_it}",
    ),
    rule(
        "limit-disagrees",
        "",
        "probe == 'rate-limit' && unmet.matches('consistent|disagreements') && size(disagreements) > 0",
        "what the service says of its limit does not fit what it does: ${disagreements[0]}",
        "${try_it}",
    ),
    rule(
        "limit-not-told",
        "",
        "probe == 'rate-limit' && !announced && unmet.matches('announced|consistent|disagreements|remaining|reset|limit\\\\b')",
        "the answers have no fields that tell the limit",
        "send RateLimit and RateLimit-Policy, or X-RateLimit-Limit, -Remaining and -Reset; then ${try_it}",
    ),
    rule(
        "limit-answers-5xx",
        "",
        "probe == 'rate-limit' && unmet.matches('limited_at|retry_after') && stopped == 'server error'",
        "an error of the server came before any 429: the limiter answers with 503, or the service broke",
        "have the limiter answer 429 (nginx: `limit_req_status 429`); then ${try_it}",
    ),
    rule(
        "limit-not-met",
        "",
        "probe == 'rate-limit' && unmet.matches('limited_at|retry_after') && !has(limited_at)",
        "no 429 came within ${requests} requests",
        "check that the limiter is on, and that its limit is below `requests`; then ${try_it}",
    ),
    rule(
        "limit-elsewhere",
        "",
        "probe == 'rate-limit' && unmet.contains('limited_at') && has(limited_at)",
        "the 429 came at request ${limited_at}: the limit is another than the plan's",
        "compare the limiter's configuration with the plan; then ${try_it}",
    ),
    rule(
        "limit-without-retry-after",
        "",
        "probe == 'rate-limit' && unmet.contains('retry_after') && !has(retry_after)",
        "the 429 has no Retry-After that can be read",
        "have the limiter send Retry-After with its 429; then ${try_it}",
    ),
];
