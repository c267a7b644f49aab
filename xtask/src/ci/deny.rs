//! cargo-deny: licences, bans and sources always, advisories where their data can be fetched.

use anyhow::Result;

use super::Ended;
use crate::cargo;

fn is_there() -> Result<bool> {
    Ok(cargo()
        .args(["deny", "--version"])
        .output()?
        .status
        .success())
}

fn missing() -> Ended {
    Ended::NotRun("cargo-deny is not installed (cargo install --locked cargo-deny)".to_owned())
}

/// What needs nothing but the lock file.
pub(super) fn rules() -> Result<Ended> {
    if !is_there()? {
        return Ok(missing());
    }
    let status = cargo()
        .args([
            "deny",
            "--offline",
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ])
        .status()?;
    Ok(status.success().into())
}

/// What needs the advisory data.
pub(super) fn advisories() -> Result<Ended> {
    if !is_there()? {
        return Ok(missing());
    }
    let fetched = cargo().args(["deny", "fetch", "db"]).output()?;
    if !fetched.status.success() {
        return Ok(Ended::NotRun(
            "the advisory data could not be fetched".to_owned(),
        ));
    }
    let status = cargo()
        .args(["deny", "--offline", "check", "advisories"])
        .status()?;
    Ok(status.success().into())
}
