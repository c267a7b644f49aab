//! The table. Rules are tried from the top; the first that holds explains the check. A rule whose `when` needs a fact
//! that was not observed does not hold.

/// One rule: when it holds, what it says.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Stable name.
    pub id: &'static str,
    /// Checks of one group probably share one cause.
    pub group: &'static str,
    /// Says only what kind of trouble it is; a cause of the same group that says more is preferred.
    pub vague: bool,
    /// For checks of which nothing was observed.
    pub not_observed: bool,
    /// CEL over the facts of the observation and those that `facts.rs` adds.
    pub when: &'static str,
    /// Template of the likely cause, the same for all checks that share it.
    pub cause: &'static str,
    /// Template of the next command or step.
    pub next: &'static str,
}

pub(super) const fn rule(
    id: &'static str,
    group: &'static str,
    when: &'static str,
    cause: &'static str,
    next: &'static str,
) -> Rule {
    Rule {
        id,
        group,
        vague: false,
        not_observed: false,
        when,
        cause,
        next,
    }
}

const fn vague(rule: Rule) -> Rule {
    Rule {
        vague: true,
        ..rule
    }
}

pub(super) const fn gap(
    id: &'static str,
    when: &'static str,
    cause: &'static str,
    next: &'static str,
) -> Rule {
    Rule {
        not_observed: true,
        ..rule(id, "", when, cause, next)
    }
}

/// The rules over what was observed, in the order in which they are tried.
pub(super) const OBSERVED: &[Rule] = &[
    // What the check demands and the target does not do.
    rule(
        "accepts-expired-token",
        "",
        "status >= 200 && status < 300 && unmet.matches('status.*40[13]') && request.token.expires_in <= duration('0s')",
        "the target accepts a token that has expired",
        "check that the target verifies `exp`; then ${try_it}",
    ),
    rule(
        "accepts-without-credentials",
        "",
        "status >= 200 && status < 300 && unmet.matches('status.*40[13]') && !request.has_authorization",
        "the target answers without asking for credentials",
        "${curl}",
    ),
    rule(
        "accepts-other-credentials",
        "",
        "status >= 200 && status < 300 && unmet.matches('status.*40[13]')",
        "the target accepts credentials that it should refuse",
        "check that the target verifies signature and roles; then ${try_it}",
    ),
    rule(
        "no-rate-limit",
        "",
        "unmet.matches('status.*429') && (!has(status) || status != 429)",
        "the target's rate limiter did not step in",
        "check that the limiter is switched on and its threshold is below what the check sends; then ${try_it}",
    ),
    // 401: two hundred of them are one finding.
    rule(
        "no-credentials",
        "401",
        "wrong_status && status == 401 && !request.has_authorization",
        "the request carried no Authorization header",
        "set `bearer:` or `basic:` on the check or its target; then ${try_it}",
    ),
    rule(
        "missing-bearer",
        "401",
        "wrong_status && status == 401 && has(request.token) && request.authorization_scheme.lowerAscii() != 'bearer'",
        "the token was sent without the prefix `Bearer `",
        "use `bearer:` instead of a header of your own, or put `Bearer ` before the token; then ${try_it}",
    ),
    rule(
        "unsigned-token",
        "401",
        "wrong_status && status == 401 && request.token.alg.lowerAscii() == 'none'",
        "the token is not signed (alg none), which no target should accept",
        "mint the token with `jwt: mint` and a key; then ${try_it}",
    ),
    rule(
        "token-expired",
        "401",
        "wrong_status && status == 401 && request.token.expires_in <= duration('0s')",
        "the token had expired when it was sent",
        "mint a fresh one (`jwt: mint` with a longer `expires_in`, or a new login); then ${try_it}",
    ),
    rule(
        "token-expired-there",
        "401",
        "wrong_status && status == 401 && has(clock_lead) && request.token.expires_in <= clock_lead",
        "the target's clock is ahead of this machine's, so the token counts as expired there",
        "date -u, here and on the target; set the clock that is wrong by NTP, then ${try_it}",
    ),
    rule(
        "token-not-yet-valid",
        "401",
        "wrong_status && status == 401 && request.token.valid_in > duration('0s')",
        "the token was not yet valid when it was sent (nbf lies ahead)",
        "mint the token without `not_before`, or wait; then ${try_it}",
    ),
    rule(
        "token-not-yet-valid-there",
        "401",
        "wrong_status && status == 401 && has(clock_lead) && request.token.valid_in > clock_lead",
        "the target's clock is behind this machine's, so the token is not yet valid there",
        "date -u, here and on the target; set the clock that is wrong by NTP, then ${try_it}",
    ),
    rule(
        "clock-skew",
        "401",
        "wrong_status && status == 401 && has(request.token) && (clock_lead > duration('60s') || clock_lead < duration('-60s')) && said.matches('expir|not yet|not active|nbf|iat|clock')",
        "the clocks of the target and of this machine differ by more than a minute, and the target speaks of the token's times",
        "date -u, here and on the target; set the clock that is wrong by NTP, then ${try_it}",
    ),
    rule(
        "token-revoked-or-short-lived",
        "401",
        "wrong_status && status == 401 && has(request.token) && said.matches('expired|revoked|logged out|blacklist')",
        "the target calls the token expired or revoked although its own times are good",
        "mint or fetch a new token; then ${try_it}",
    ),
    rule(
        "wrong-audience",
        "401",
        "wrong_status && status == 401 && has(request.token) && said.matches('audience|issuer|\\\\baud\\\\b|\\\\biss\\\\b')",
        "the token's audience or issuer is not the one that the target demands",
        "compare `aud` and `iss` in the check's `claims` with the target's configuration; then ${try_it}",
    ),
    rule(
        "wrong-secret",
        "401",
        "wrong_status && status == 401 && has(request.token)",
        "the token is well formed and within its times, so it was most likely signed with another secret than the target's",
        "compare the key given to `jwt: mint` with the secret that the deployment runs with (its JWT_SECRET); then ${try_it}",
    ),
    rule(
        "wrong-password",
        "401",
        "wrong_status && status == 401 && request.authorization_scheme.lowerAscii() == 'basic'",
        "user name or password is not the target's",
        "compare them with the deployment's; then ${curl}",
    ),
    vague(rule(
        "unauthorised",
        "401",
        "(has(status) && wrong_status && status == 401) || '401' in refusals",
        "the target does not accept the credentials (401)",
        "${try_it}",
    )),
    // 403
    rule(
        "csrf",
        "403",
        "wrong_status && status == 403 && said.contains('csrf')",
        "the target demands a CSRF token",
        "send the token that the target issues, or ask the interface that is meant for programs; then ${try_it}",
    ),
    rule(
        "rate-refused",
        "429",
        "wrong_status && status == 403 && said.matches('rate limit|too many|quota')",
        "the target's rate limit or quota was met",
        "wait until the limit's window is over, or raise it for the validation; then ${try_it}",
    ),
    rule(
        "missing-role",
        "403",
        "wrong_status && status == 403 && request.has_authorization",
        "the credentials are accepted but lack the role or permission",
        "compare the roles in the token's `claims` with those that the route demands; then ${try_it}",
    ),
    rule(
        "forbidden",
        "403",
        "wrong_status && status == 403",
        "access is refused before any credentials: a firewall, an allow-list of addresses or a missing Authorization header",
        "${curl}",
    ),
    // Other refusals
    rule(
        "no-route",
        "404-route",
        "wrong_status && status == 404 && (!json || said.matches('cannot (get|post|put|patch|delete)|no route|route not found|unknown route|\"detail\": ?\"not found\"'))",
        "the target does not have this route: the path, a prefix before it or the release differs",
        "${curl}, and compare with the routes that the release documents",
    ),
    rule(
        "no-resource",
        "",
        "wrong_status && status == 404",
        "the route is there, the thing asked for is not: it was never made, or was deleted before",
        "check the value that was put into the path; then ${try_it}",
    ),
    rule(
        "method-not-allowed",
        "",
        "wrong_status && status == 405",
        "the route is there, but not for this method",
        "look at the answer's Allow header: ${curl}",
    ),
    rule(
        "conflict",
        "",
        "wrong_status && status == 409",
        "what the check creates is there already, perhaps left behind by an earlier run",
        "delete it, or make its name unique; then ${try_it}",
    ),
    rule(
        "media-type",
        "",
        "wrong_status && status == 415",
        "the target does not take this kind of body",
        "use `json:` or `form:`, or set the Content-Type that the route takes; then ${try_it}",
    ),
    rule(
        "field-refused",
        "",
        "wrong_status && (status == 400 || status == 422) && field != ''",
        "the target refuses the request because of the field `${field}`",
        "compare that field with what the release documents; then ${try_it}",
    ),
    rule(
        "request-refused",
        "",
        "wrong_status && (status == 400 || status == 422)",
        "the target finds the request invalid and names no field",
        "compare the body with what the release documents: ${try_it}",
    ),
    rule(
        "rate-limited",
        "429",
        "(has(status) && wrong_status && status == 429) || '429' in refusals",
        "the target's rate limiter refused the requests",
        "lower the check's `rate:`, or raise the limit for the validation; the answer's Retry-After says how long to wait",
    ),
    // 5xx
    rule(
        "schema-missing",
        "5xx-database",
        "wrong_status && status >= 500 && said.matches('no such table|no such column|relation .* does not exist|column .* does not exist|undefined_table|42p01|42703')",
        "a table or column that the target needs is not in its database: migrations were not applied",
        "apply the release's migrations, then ${try_it}",
    ),
    rule(
        "database-behind",
        "5xx-database",
        "wrong_status && status >= 500 && said.matches('sqlstate|postgres|sqlite|mysql|database|deadlock|too many (clients|connections)')",
        "the database behind the target failed",
        "look at the target's and the database's logs at that time; then ${try_it}",
    ),
    rule(
        "upstream",
        "5xx-upstream",
        "wrong_status && (status == 502 || status == 504 || status >= 500 && said.matches('econnrefused|connection refused|upstream|etimedout|timed? ?out|unreachable'))",
        "a service behind the target or its proxy did not answer",
        "check that every service of the deployment is up and healthy; then ${curl}",
    ),
    rule(
        "not-ready",
        "5xx-ready",
        "wrong_status && status == 503",
        "the target is not ready or overloaded",
        "ask its health and readiness routes, or wait for the rollout; then ${try_it}",
    ),
    rule(
        "stack-trace",
        "",
        "wrong_status && status >= 500 && said.matches('traceback|stack trace|panicked at|exception|\\\\bat .*\\\\.(js|ts|java|py|rb|php)')",
        "an error that nobody handled in the target; the answer shows its stack trace, which is a finding of its own",
        "look at the target's log at that time; then ${try_it}",
    ),
    rule(
        "server-error",
        "",
        "wrong_status && status >= 500",
        "the target failed inside; only its log tells why",
        "look at the target's log at that time; then ${curl}",
    ),
    rule(
        "load-server-errors",
        "",
        "refusals.exists(code, code.startsWith('5'))",
        "under load the target failed inside (5xx)",
        "look at the target's log during the load; a single request: ${try_it}",
    ),
    // Answers that are not what they seem
    rule(
        "redirect-login",
        "redirect",
        "wrong_status && status >= 300 && status < 400 && headers['location'].lowerAscii().matches('login|signin|sign-in|auth')",
        "the target sends to a login page: it does not see the request as signed in",
        "send the credentials that the route takes; then ${curl}",
    ),
    rule(
        "redirect-https",
        "redirect",
        "wrong_status && status >= 300 && status < 400 && headers['location'].startsWith('https://') && request.url.startsWith('http://')",
        "the target sends to https",
        "write the environment's address with https://; then ${try_it}",
    ),
    rule(
        "redirect",
        "redirect",
        "wrong_status && status >= 300 && status < 400",
        "the target redirects, and redirects are not followed unless the check says so",
        "${curl}",
    ),
    rule(
        "cors",
        "cors",
        "unmet.lowerAscii().contains('access-control')",
        "the answer lacks the CORS header, or names another origin: the deployment's list of allowed origins differs",
        "${curl} -H 'Origin: https://your-frontend.example'",
    ),
    rule(
        "cut-body",
        "",
        "'body' in cut",
        "the answer is larger than what is kept, or is damaged, so nothing can be said about its end",
        "ask for less (a page, a filter); then ${try_it}",
    ),
    rule(
        "html-for-json",
        "html",
        "!json && said.matches('<(!doctype|html)') && unmet.contains('body')",
        "HTML came back where JSON is due: a login page, a proxy or the frontend's catch-all route answered",
        "${curl}",
    ),
    rule(
        "broken-json",
        "",
        "!json && has(headers['content-type']) && headers['content-type'].contains('json') && unmet.contains('body')",
        "the body calls itself JSON and is none, as when it is cut short or damaged on its way",
        "${curl}",
    ),
    rule(
        "slow-first-byte",
        "slow",
        "wrong_latency && slowest == 'first_byte'",
        "the time went into waiting for the first byte: the target itself is slow",
        "look at what the route does (queries, calls to others): ${try_it}",
    ),
    rule(
        "slow-dns",
        "slow",
        "wrong_latency && slowest == 'dns'",
        "the time went into looking up the name",
        "check the resolver of the machine that runs gonogo; then ${try_it}",
    ),
    rule(
        "slow-connect",
        "slow",
        "wrong_latency && (slowest == 'connect' || slowest == 'tls')",
        "the time went into connecting: the network is far or lossy, or the target accepts slowly",
        "run gonogo nearer to the target, or look at the network; then ${try_it}",
    ),
    rule(
        "slow-body",
        "slow",
        "wrong_latency && slowest == 'body'",
        "the time went into reading the body: it is large, or comes slowly",
        "ask for less (a page, a filter); then ${try_it}",
    ),
    // Loads
    rule(
        "generator-saturated",
        "load-generator",
        "limits.exists(l, l.reason.startsWith('generator saturated'))",
        "the load did not hold its rate or measured its own slowness, so it proves nothing about the target",
        "lower `rate:`, or run gonogo on a machine with more to spare and nearer to the target",
    ),
    rule(
        "slow-tail",
        "slow",
        "limits.exists(l, l.outcome == 'fail' && l.kind == 'percentile' && l.tail)",
        "most requests are fast, a few are very slow: a lock, a full pool, garbage collection or a cold cache, not general slowness",
        "look at the slowest requests of the samples in the bundle, and what ran at those times",
    ),
    rule(
        "slow-throughout",
        "slow",
        "limits.exists(l, l.outcome == 'fail' && l.kind == 'percentile')",
        "requests are slow throughout, not only in the tail",
        "look at what the route does (queries, calls to others): ${try_it}",
    ),
    rule(
        "load-errors",
        "",
        "limits.exists(l, l.outcome == 'fail' && l.kind == 'errors')",
        "more requests failed under load than the limit allows",
        "look at the ends and statuses of the samples in the bundle; a single request: ${try_it}",
    ),
    rule(
        "too-few-samples",
        "load-samples",
        "limits.exists(l, l.outcome == 'inconclusive' && l.n > 0)",
        "the load was too small to decide: each limit says how many requests it needs",
        "gonogo plan ${plan} --env ${env} prints the numbers; raise `requests:` to them",
    ),
    rule(
        "no-samples",
        "load-samples",
        "limits.exists(l, l.outcome == 'inconclusive' && l.n == 0)",
        "no samples were taken, and without samples no limit holds",
        "${try_it}",
    ),
    // Databases
    rule(
        "sql-schema",
        "sql-schema",
        "error.code in ['undefined_table', 'undefined_column', 'undefined_function'] || error.sqlstate in ['42P01', '42703', '42883']",
        "a table, column or function that the statement names is not in this database: migrations were not applied, or the names differ here",
        "gonogo snapshot schema --env ${env}",
    ),
    rule(
        "sql-denied",
        "",
        "error.code == 'insufficient_privilege' || error.sqlstate == '42501'",
        "the database user may not do this",
        "grant what the plan needs, or use another user in the target's address; then ${try_it}",
    ),
    rule(
        "sql-constraint",
        "",
        "error.sqlstate.startsWith('23')",
        "a constraint of the database refused the values",
        "compare the values with what the database holds: ${try_it}",
    ),
    rule(
        "sql-syntax",
        "",
        "error.sqlstate.startsWith('42')",
        "the statement does not fit this database",
        "${try_it}",
    ),
    rule(
        "sql-connection",
        "sql-connection",
        "error.sqlstate.startsWith('08') || error.sqlstate.startsWith('57') || error.sqlstate.startsWith('53')",
        "the database broke off, is shutting down or has no connections or space left",
        "look at the database's log and its number of connections; then ${try_it}",
    ),
    rule(
        "sql-concurrency",
        "",
        "error.sqlstate.startsWith('40') || error.sqlstate == '55P03'",
        "another session held a lock on the same rows",
        "see who holds it (pg_stat_activity, pg_locks); then ${try_it}",
    ),
    rule(
        "sql-error",
        "",
        "probe == 'sql' && has(error.message)",
        "the database refused the statement",
        "${try_it}",
    ),
    rule(
        "migration-finding",
        "",
        "probe == 'migrations' && size(findings) > 0",
        "${findings[0].file}:${findings[0].line} meets ${findings[0].rule}, the first of ${size(findings)}: ${findings[0].reason}",
        "${findings[0].safer}",
    ),
];

/// Tried last of what was observed: nothing was there to look at.
pub(super) const NOTHING: &[Rule] = &[
    rule(
        "stale-metric",
        "",
        "probe in ['prometheus', 'resources'] && absent.exists(why, why.matches('stale|old'))",
        "the metric is there but no longer fresh: its target is no longer scraped",
        "look at the targets' page of Prometheus; then ${try_it}",
    ),
    rule(
        "absent-metric",
        "",
        "probe == 'prometheus' && size(absent) > 0",
        "no such series: the metric is misspelt, its target is not scraped, or nothing has counted yet",
        "look for the name in the target's /metrics and at the targets' page of Prometheus; then ${try_it}",
    ),
    rule(
        "nothing-there",
        "",
        "size(absent) > 0",
        "there was nothing to look at",
        "${try_it}",
    ),
];
