//! The faults that can be planted, each with the check whose work it is to notice.

use std::collections::BTreeSet;

use crate::planted::named_faults;

/// What is wrong with a system on purpose.
pub type Faults = BTreeSet<Fault>;

/// One fault; [`Fault::info`] says what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Fault {
    OtherVersion,
    LegacyTagMissing,
    LegacyReadmeMissing,
    ReadmeNotUpdated,
    InventoryNotUpdated,
    SuiteRanNothing,
    SuiteFailed,
    SuiteSkipped,
    ResourceDestroyed,
    ResourceForgotten,
    VariableWithoutDefault,
    ImageTooLarge,
    ImageForAnotherPlatform,
    HealthCheckMissing,
    HealthCheckChecksNothing,
    ContainerUnhealthy,
    DevModeOn,
    BinaryMissing,
    DocsMissing,
    RouteNotDocumented,
    DocumentedRouteMissing,
    AnswerAgainstSchema,
    EmptyBodyAccepted,
    FieldNotNamed,
    StackTraceShown,
    MoveNotKept,
    AnswerLost,
    PipelineSlow,
    CertificateOfAnotherHost,
    CertificateExpiring,
    LimitationNotCarried,
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
    }
}

#[rustfmt::skip]
const FAULTS: &[FaultInfo] = &[
    info(Fault::OtherVersion, "other-version", "subject/start",
        "The sidecar that answers is 0.12.4, not the release."),
    info(Fault::LegacyTagMissing, "legacy-tag-missing", "checklist/legacy-tag",
        "Version 1 was archived without its tag."),
    info(Fault::LegacyReadmeMissing, "legacy-readme-missing", "checklist/legacy-readme",
        "The archive has no README, so nobody knows the way back."),
    info(Fault::ReadmeNotUpdated, "readme-not-updated", "checklist/readme",
        "The README still describes version 1."),
    info(Fault::InventoryNotUpdated, "inventory-not-updated", "checklist/inventory",
        "The inventory of the infrastructure does not know staging."),
    info(Fault::SuiteRanNothing, "suite-ran-nothing", "suites/pipeline",
        "The filter of cargo test matched nothing: no test ran, and it ended with success."),
    info(Fault::SuiteFailed, "suite-failed", "suites/agent",
        "One of the 243 tests of the agent fails."),
    info(Fault::SuiteSkipped, "suite-skipped", "suites/frontend",
        "Eight of the 27 tests of the frontend are skipped, and jest calls that a success."),
    info(Fault::ResourceDestroyed, "resource-destroyed", "infrastructure/nothing-destroyed",
        "The Terraform plan destroys a bucket of an earlier configuration."),
    info(Fault::ResourceForgotten, "resource-forgotten", "infrastructure/resources",
        "The Terraform plan creates 34 resources: the bucket's versioning was forgotten."),
    info(Fault::VariableWithoutDefault, "variable-without-default", "infrastructure/defaults",
        "A new module variable has no default: staging sets it, dev cannot be planned any more."),
    info(Fault::ImageTooLarge, "image-too-large", "image/size",
        "The image is several times as large as it may be."),
    info(Fault::ImageForAnotherPlatform, "image-for-another-platform", "image/platform",
        "The image was built for linux/arm64, as on the laptop of whoever built it."),
    info(Fault::HealthCheckMissing, "health-check-missing", "image/health-check",
        "The container has no health check."),
    info(Fault::HealthCheckChecksNothing, "health-check-checks-nothing", "image/health-check",
        "The container's health check forgives every failure."),
    info(Fault::ContainerUnhealthy, "container-unhealthy", "image/healthy",
        "The container runs, and its health check fails."),
    info(Fault::DevModeOn, "dev-mode-on", "health/dev-mode",
        "The sidecar runs in dev mode."),
    info(Fault::BinaryMissing, "binary-missing", "health/binary",
        "The pipeline's program is not in the image; health says so with status 200."),
    info(Fault::DocsMissing, "docs-missing", "health/docs",
        "The page /docs answers 404."),
    info(Fault::RouteNotDocumented, "route-not-documented", "routes/registered",
        "The OpenAPI document lacks GET /api/v1/coop/{store_id}; the route itself answers."),
    info(Fault::DocumentedRouteMissing, "documented-route-missing", "routes/answer",
        "GET /api/v1/vendor-call/{issue_id} is documented and answers 404."),
    info(Fault::AnswerAgainstSchema, "answer-against-schema", "routes/answer",
        "The list of tasks gives its count as a text, the schema says integer."),
    info(Fault::EmptyBodyAccepted, "empty-body-accepted", "validation/start",
        "An empty body begins a diagnostic session."),
    info(Fault::FieldNotNamed, "field-not-named", "validation/every-body",
        "The 422 for an empty body does not name the field that is missing."),
    info(Fault::StackTraceShown, "stack-trace-shown", "validation/unknown-path",
        "The 404 for an unknown path holds a stack trace."),
    info(Fault::MoveNotKept, "move-not-kept", "workflow/moved-is-kept",
        "Moving a task on is answered as if it had been kept, and it was not."),
    info(Fault::AnswerLost, "answer-lost", "diagnostic/summary",
        "The answer in a diagnostic session is accepted and forgotten."),
    info(Fault::PipelineSlow, "pipeline-slow", "performance/margin",
        "Reading the inventory anew takes 2.5 seconds more."),
    info(Fault::CertificateOfAnotherHost, "certificate-of-another-host", "front/certificate",
        "The load balancer shows a certificate for another host."),
    info(Fault::CertificateExpiring, "certificate-expiring", "front/certificate",
        "The load balancer's certificate ends in three days."),
    info(Fault::LimitationNotCarried, "limitation-not-carried", "limitations/carried",
        "The release knows a fifth limitation, which nobody has accepted: uploads are not backed up."),
];

named_faults!();
