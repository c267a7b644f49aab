//! The faults that can be planted, each with the check whose work it is to notice.

use std::collections::BTreeSet;

use crate::planted::named_faults;

/// What is wrong with a system on purpose.
pub type Faults = BTreeSet<Fault>;

/// One fault; [`Fault::info`] says what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Fault {
    WrongJwtSecret,
    UnhealthyDatabase,
    WrongRelease,
    RedeployMidRun,
    WrongStatusCode,
    TruncatedBody,
    NoAuthRequired,
    ExpiredTokenAccepted,
    EarlyTokenAccepted,
    ViewerMayWrite,
    TokenLeaked,
    EffectAllowRefused,
    EffectBlockNotEnforced,
    EffectElevateIgnored,
    EffectApprovalNotEnforced,
    TagQueryTooMuch,
    ProtectionLevelNotSaved,
    DeleteDoesNotDelete,
    SlowP95,
    SlowTail,
    ErrorsTwoPercent,
    MetricAbsent,
    MetricNotCounting,
    NoTooManyRequests,
    RetryAfterMissing,
    RateLimitTooEarly,
    PluginsInactive,
    MissingTable,
    MigrationMissing,
    DuplicateNameAccepted,
    SecretInRepository,
}

/// What there is to know about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultInfo {
    /// The fault itself.
    pub fault: Fault,
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub what: &'static str,
    /// The check whose work it is to notice, as `gate/check`.
    pub check: &'static str,
    /// False where only an advisory gate sees it, so that the verdict stays GO with a condition.
    pub blocking: bool,
}

const fn info(
    fault: Fault,
    name: &'static str,
    check: &'static str,
    what: &'static str,
) -> FaultInfo {
    FaultInfo {
        fault,
        name,
        what,
        check,
        blocking: true,
    }
}

#[rustfmt::skip]
const FAULTS: &[FaultInfo] = &[
    info(Fault::WrongJwtSecret, "wrong-jwt-secret", "credentials/token-accepted",
        "The server verifies tokens with another secret than the one it was given."),
    info(Fault::UnhealthyDatabase, "unhealthy-database", "health/database",
        "Health reports the database as down; everything else goes on working."),
    info(Fault::WrongRelease, "wrong-release", "subject/start",
        "Health tells another commit than the one that was to be released."),
    info(Fault::RedeployMidRun, "redeploy-mid-run", "subject/end",
        "After twenty requests under /api health tells another commit, as after a redeploy in the middle of the run."),
    info(Fault::WrongStatusCode, "wrong-status-code", "api/update-rule",
        "Updating a rule answers 202 instead of 200."),
    info(Fault::TruncatedBody, "truncated-body", "api/get-rule",
        "Reading one rule announces more bytes than it sends and cuts the connection."),
    info(Fault::NoAuthRequired, "no-auth-required", "auth/no-token",
        "Reads are answered without a token."),
    info(Fault::ExpiredTokenAccepted, "expired-token-accepted", "auth/expired-token",
        "A token that has expired is accepted."),
    info(Fault::EarlyTokenAccepted, "early-token-accepted", "auth/early-token",
        "A token that is not yet valid is accepted."),
    info(Fault::ViewerMayWrite, "viewer-may-write", "auth/viewer-may-not-write",
        "A viewer may create rules."),
    info(Fault::TokenLeaked, "token-leaked", "auth/token-not-echoed",
        "Listing the rules echoes the caller's token in the body."),
    info(Fault::EffectAllowRefused, "effect-allow-refused", "effects/allow",
        "A matching allow rule does not allow."),
    info(Fault::EffectBlockNotEnforced, "effect-block-not-enforced", "effects/block",
        "A matching block rule is found but does not block."),
    info(Fault::EffectElevateIgnored, "effect-elevate-ignored", "effects/elevate-risk",
        "A matching elevate_risk rule leaves the risk normal."),
    info(Fault::EffectApprovalNotEnforced, "effect-approval-not-enforced", "effects/require-approval",
        "A matching require_approval rule asks for no approval."),
    info(Fault::TagQueryTooMuch, "tag-query-too-much", "snapshots/query-by-tag",
        "The query by tag returns every snapshot."),
    info(Fault::ProtectionLevelNotSaved, "protection-level-not-saved", "snapshots/protection-level-saved",
        "Setting the protection level answers as if it had been saved, and it was not."),
    info(Fault::DeleteDoesNotDelete, "delete-does-not-delete", "snapshots/deleted-is-gone",
        "Deleting a snapshot answers 200 and leaves it there."),
    info(Fault::SlowP95, "slow-p95", "latency/snapstats",
        "Fifteen in a hundred calls of the statistics take 160 to 180 ms."),
    info(Fault::SlowTail, "slow-tail", "latency/snapstats",
        "After the first hundred, one in forty calls of the statistics takes 300 ms."),
    info(Fault::ErrorsTwoPercent, "errors-2-percent", "latency/snapstats",
        "After the first hundred, one in forty calls of the statistics is answered 500."),
    info(Fault::MetricAbsent, "metric-absent", "metrics/rule-evaluations",
        "The metric protection_rule_eval_total is not exposed."),
    info(Fault::MetricNotCounting, "metric-not-counting", "metrics/snapshots-created",
        "The metric snapshot_create_total stays at 0 while snapshots are created."),
    info(Fault::NoTooManyRequests, "no-429", "rate-limit/eleventh-is-429",
        "The rate limit counts down and never refuses."),
    info(Fault::RetryAfterMissing, "retry-after-missing", "rate-limit/retry-after",
        "The 429 comes without Retry-After."),
    info(Fault::RateLimitTooEarly, "rate-limit-too-early", "rate-limit/first-ten-pass",
        "The rate limit refuses after five requests although it announces ten."),
    FaultInfo { blocking: false, ..info(Fault::PluginsInactive, "plugins-inactive", "plugins/active-ratio",
        "Only three of nine plugins are active.") },
    info(Fault::MissingTable, "missing-table", "schema/tables",
        "The table rule_execution_log is missing."),
    info(Fault::MigrationMissing, "migration-missing", "schema/migrations",
        "The last migration was neither applied nor recorded."),
    info(Fault::DuplicateNameAccepted, "duplicate-name-accepted", "unique-names/same-name-refused",
        "The unique index on a rule's name in its workspace is missing."),
    info(Fault::SecretInRepository, "secret-in-repository", "secrets/repository",
        "A token stands in a file of the repository."),
];

named_faults!();
