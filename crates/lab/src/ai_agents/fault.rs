//! The faults that can be planted, each with the check whose work it is to notice.

use std::collections::BTreeSet;

use crate::planted::named_faults;

/// What is wrong with a system on purpose.
pub type Faults = BTreeSet<Fault>;

/// One fault; [`Fault::info`] says what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Fault {
    HealthSlow,
    RedisDownUnnoticed,
    MetricsGarbled,
    CorsAnyOrigin,
    NotFoundTraceback,
    Webhook500,
    WebhookUnsignedAccepted,
    WebhookReplayAccepted,
    WrongPasswordAccepted,
    AgentsWithoutToken,
    TokenInAnswer,
    RouteUndocumented,
    EmptyBodyAccepted,
    RetryAfterMissing,
    HeadersMissing,
    HeaderUseless,
    DefaultCredentials,
    SecretInRepository,
    ScrapeTargetDown,
    WorkerUnhealthy,
    AlertmanagerUnhealthy,
    ContainerMissing,
    CrashLoop,
    HealthCheckEmpty,
    ResourcesNotCaptured,
    CpuAboveThreshold,
    PoolNearlyFull,
    VolumeNearlyFull,
    MigrationNotApplied,
    TagMissing,
    MigrationWithoutDown,
    DecisionMatrixIncomplete,
    ChecklistPartial,
}

/// What has to be started anew for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the service answers, or what it stands on.
    Service,
    /// The containers.
    Containers,
    /// The release's sources, and the files beside the plan.
    Files,
}

/// What there is to know about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultInfo {
    /// The fault itself.
    pub fault: Fault,
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The check, as `gate/check`, whose work it is to notice.
    pub check: &'static str,
    /// What the verdict is where it is the only one.
    pub verdict: &'static str,
    /// Where it is planted.
    pub part: Part,
}

named_faults!();

/// The faults that the document of the case describes and passed over; there, the credentials of the smoke tests were not given either.
pub const AS_DOCUMENTED: [Fault; 7] = [
    Fault::Webhook500,
    Fault::HeadersMissing,
    Fault::WorkerUnhealthy,
    Fault::AlertmanagerUnhealthy,
    Fault::ResourcesNotCaptured,
    Fault::DefaultCredentials,
    Fault::ChecklistPartial,
];

const NO_GO: &str = "NO-GO";
const HOLD: &str = "HOLD";

const fn info(
    fault: Fault,
    part: Part,
    name: &'static str,
    check: &'static str,
    verdict: &'static str,
    what: &'static str,
) -> FaultInfo {
    FaultInfo {
        fault,
        name,
        what,
        check,
        verdict,
        part,
    }
}

#[rustfmt::skip]
const FAULTS: &[FaultInfo] = &[
    info(Fault::HealthSlow, Part::Service, "health-slow", "performance/health", HOLD,
        "Health answers after 1.2 seconds."),
    info(Fault::RedisDownUnnoticed, Part::Service, "redis-down-unnoticed", "smoke/redis-itself", NO_GO,
        "Redis is down, and health says that it is healthy without asking it."),
    info(Fault::MetricsGarbled, Part::Service, "metrics-garbled", "smoke/metrics", NO_GO,
        "The exposition has a label that is not closed."),
    info(Fault::CorsAnyOrigin, Part::Service, "cors-any-origin", "cross-origin/foreign-origin", NO_GO,
        "Every origin is allowed, with credentials."),
    info(Fault::NotFoundTraceback, Part::Service, "not-found-traceback", "smoke/not-found", NO_GO,
        "An unknown path is answered with 404 and a stack trace."),
    info(Fault::Webhook500, Part::Service, "webhook-500", "webhook/unsigned", NO_GO,
        "The webhook answers 500 to a message without a signature."),
    info(Fault::WebhookUnsignedAccepted, Part::Service, "webhook-unsigned-accepted", "webhook/unsigned", NO_GO,
        "The webhook takes messages without a signature."),
    info(Fault::WebhookReplayAccepted, Part::Service, "webhook-replay-accepted", "webhook/replayed", NO_GO,
        "The webhook takes a message that was signed an hour ago."),
    info(Fault::WrongPasswordAccepted, Part::Service, "wrong-password-accepted", "auth/wrong-password", NO_GO,
        "Any password logs in."),
    info(Fault::AgentsWithoutToken, Part::Service, "agents-without-token", "auth/agents-without-token", NO_GO,
        "The agents are listed for whoever asks."),
    info(Fault::TokenInAnswer, Part::Service, "token-in-answer", "auth/token-not-echoed", NO_GO,
        "The list of agents holds the caller's token."),
    info(Fault::RouteUndocumented, Part::Service, "route-undocumented", "openapi/routes", NO_GO,
        "The route of the agents is missing from the OpenAPI document."),
    info(Fault::EmptyBodyAccepted, Part::Service, "empty-body-accepted", "openapi/empty-body", NO_GO,
        "An agent can be made of an empty body."),
    info(Fault::RetryAfterMissing, Part::Service, "retry-after-missing", "rate-limit/providers", HOLD,
        "A client that is refused is not told when to come back."),
    info(Fault::HeadersMissing, Part::Service, "headers-missing", "headers/security-headers", NO_GO,
        "No answer has any security header."),
    info(Fault::HeaderUseless, Part::Service, "header-useless", "headers/security-headers", NO_GO,
        "Strict-Transport-Security is there and says max-age=0, which takes it back."),
    info(Fault::DefaultCredentials, Part::Service, "default-credentials", "security/default-credentials", NO_GO,
        "Grafana lets admin in with the password admin."),
    info(Fault::SecretInRepository, Part::Files, "secret-in-repository", "security/no-secrets", NO_GO,
        "A token was committed with the release."),
    info(Fault::ScrapeTargetDown, Part::Service, "scrape-target-down", "monitoring/targets", NO_GO,
        "Prometheus asks the service under an address where nobody answers."),
    info(Fault::WorkerUnhealthy, Part::Containers, "worker-unhealthy", "containers/healthy", NO_GO,
        "The worker's health check asks for the API, which does not run there."),
    info(Fault::AlertmanagerUnhealthy, Part::Containers, "alertmanager-unhealthy", "containers/healthy", NO_GO,
        "The Alertmanager has a configuration without a receiver, and its health check says so."),
    info(Fault::ContainerMissing, Part::Containers, "container-missing", "containers/as-delivered", NO_GO,
        "Jaeger is in the compose file and has no container."),
    info(Fault::CrashLoop, Part::Containers, "crash-loop", "containers/healthy", NO_GO,
        "The HMAC proxy ends at once and is started again and again, until the engine gives it up."),
    info(Fault::HealthCheckEmpty, Part::Containers, "health-check-empty", "containers/as-delivered", NO_GO,
        "The worker's health check is `true`, so that it looks healthy."),
    info(Fault::ResourcesNotCaptured, Part::Service, "resources-not-captured", "resources/processor", HOLD,
        "Prometheus does not ask the exporter of resources."),
    info(Fault::CpuAboveThreshold, Part::Containers, "cpu-above-threshold", "resources/processor", NO_GO,
        "The worker spins, and uses more of the processor than it was given."),
    info(Fault::PoolNearlyFull, Part::Service, "pool-nearly-full", "resources/pool", NO_GO,
        "Four of the five connections to the database are in a transaction that nobody ends."),
    info(Fault::VolumeNearlyFull, Part::Service, "volume-nearly-full", "resources/disk", NO_GO,
        "The database's volume has hardly been given more than is on it."),
    info(Fault::MigrationNotApplied, Part::Service, "migration-not-applied", "rollback/schema-version", NO_GO,
        "The release's migration has not run."),
    info(Fault::TagMissing, Part::Files, "tag-missing", "rollback/release", NO_GO,
        "The release has no tag, so that nobody can tell by name what was deployed."),
    info(Fault::MigrationWithoutDown, Part::Files, "migration-without-down", "rollback/way-back", NO_GO,
        "The release's migration drops a column, and its downgrade does nothing."),
    info(Fault::DecisionMatrixIncomplete, Part::Files, "decision-matrix-incomplete", "rollback/decision-matrix", NO_GO,
        "A row of the rollback decision matrix does not say who approves."),
    info(Fault::ChecklistPartial, Part::Files, "checklist-partial", "checklist/complete", HOLD,
        "Four items of the pre-production checklist are partial."),
];
