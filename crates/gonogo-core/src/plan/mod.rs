//! Plans: text → positioned tree → typed plan, or every problem at once.

mod build;
mod decode;
mod expand;
mod exprs;
mod fill;
mod lint;
mod load;
mod policy;
mod problems;
mod raw;
mod refs;
mod repair;
mod schema;
mod source;
mod statements;
mod syntax;
mod tree;
mod types;
mod waivers;

pub use fill::{FillError, Filler};
pub use lint::{check_environment, target_of};
pub use load::{Files, Loaded, WaiverFile, file_path, load};
pub use policy::load_policy;
pub use raw::OneOrMany;
pub use schema::{approvals_schema, json_schema, policy_schema, waivers_schema};
pub use statements::{
    Approval, ApprovalState, Criterion, FindingSeverity, FindingText, Limitation, OWASP_EDITION,
    OWASP_SOURCE, OWASP_TOP_10, OwaspMapping, SignOff, StatedFinding, Statement, Statements,
};
pub use syntax::*;
pub use types::*;
pub use waivers::{LoadedWaivers, load_waivers};

#[cfg(test)]
mod tests;
