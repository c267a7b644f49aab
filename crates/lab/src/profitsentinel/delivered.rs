//! What was delivered: a git repository with the release's documents, its infrastructure and what its suites said.

use std::path::Path;
use std::process::Stdio;

use super::{Fault, Faults};
use crate::{LabError, watched::program};

/// The tag under which version 1 was archived.
pub const TAG: &str = "v1.0-legacy-final";

macro_rules! delivered {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../cases/profitsentinel/delivered/", $path)) as &[u8])),*]
    };
}

macro_rules! planted {
    ($name:literal) => {
        include_bytes!(concat!("../../../../cases/profitsentinel/planted/", $name))
    };
}

const FILES: &[(&str, &[u8])] = delivered!(
    "README.md",
    "Dockerfile.sidecar",
    "healthy.sh",
    "_legacy/README.md",
    "docs/INFRASTRUCTURE_INVENTORY.md",
    "docs/KNOWN_LIMITATIONS.md",
    "infrastructure/environments/staging/main.tf",
    "infrastructure/environments/staging/outputs.tf",
    "infrastructure/environments/staging/variables.tf",
    "infrastructure/modules/alb/main.tf",
    "infrastructure/modules/ecr/main.tf",
    "infrastructure/modules/ecs/main.tf",
    "infrastructure/modules/s3/main.tf",
    "infrastructure/modules/vpc/main.tf",
    "pipeline/Cargo.lock",
    "pipeline/Cargo.toml",
    "pipeline/src/lib.rs",
    "pipeline/src/tests.rs",
    "agent/pyproject.toml",
    "agent/sentinel/__init__.py",
    "agent/sentinel/money.py",
    "agent/sentinel/questions.py",
    "agent/sentinel/tasks.py",
    "agent/tests/test_money.py",
    "agent/tests/test_questions.py",
    "agent/tests/test_tasks.py",
    "frontend/package.json",
    "frontend/src/digest.js",
    "frontend/src/digest.test.js",
    "results/cargo.txt",
    "results/jest.json",
    "results/pytest.xml",
    "results/terraform-plan.json",
    "results/terraform-state.json",
);

/// The README of version 1, which the first commit has.
const OLD_README: &str = "# Profit Sentinel\n\nOne service in Python, in `apps/api`.\n";
const OLD_INVENTORY: &str = "# Infrastructure inventory\n\n| environment | what | name |\n|---|---|---|\n| dev | load balancer | `profitsentinel-dev-alb` |\n";

/// A limitation that was added and told nobody.
const FIFTH: &str = "\n## uploads-not-backed-up\n\nThe bucket of the uploads is not backed up.\n";

/// The files of the release, with what the faults do to them.
pub fn files(faults: &Faults) -> Vec<(&'static str, Vec<u8>)> {
    let has = |fault| faults.contains(&fault);
    let mut files: Vec<(&str, Vec<u8>)> = FILES
        .iter()
        .map(|(path, bytes)| (*path, bytes.to_vec()))
        .collect();
    let mut replace = |fault, path: &str, bytes: &[u8]| {
        if let Some(file) = files.iter_mut().find(|file| has(fault) && file.0 == path) {
            file.1 = bytes.to_vec();
        }
    };
    let plan = "results/terraform-plan.json";
    replace(Fault::ReadmeNotUpdated, "README.md", OLD_README.as_bytes());
    replace(
        Fault::InventoryNotUpdated,
        "docs/INFRASTRUCTURE_INVENTORY.md",
        OLD_INVENTORY.as_bytes(),
    );
    replace(
        Fault::ResourceDestroyed,
        plan,
        planted!("terraform-destroys.json"),
    );
    replace(
        Fault::ResourceForgotten,
        plan,
        planted!("terraform-forgotten.json"),
    );
    replace(
        Fault::VariableWithoutDefault,
        plan,
        planted!("terraform-no-default.json"),
    );
    replace(
        Fault::SuiteRanNothing,
        "results/cargo.txt",
        planted!("cargo-nothing.txt"),
    );
    replace(
        Fault::SuiteFailed,
        "results/pytest.xml",
        planted!("pytest-failed.xml"),
    );
    replace(
        Fault::SuiteSkipped,
        "results/jest.json",
        planted!("jest-skipped.json"),
    );
    let limitations = "docs/KNOWN_LIMITATIONS.md";
    let carried = files.iter_mut().find(|file| file.0 == limitations);
    if let Some(file) = carried.filter(|_| has(Fault::LimitationNotCarried)) {
        file.1.extend_from_slice(FIFTH.as_bytes());
    }
    if has(Fault::LegacyReadmeMissing) {
        files.retain(|file| file.0 != "_legacy/README.md");
    }
    files
}

/// Writes the repository into a folder: version 1, its archive under a tag, and the release. Gives the release's commit.
pub fn deliver(folder: &Path, faults: &Faults) -> Result<String, LabError> {
    let git = |arguments: &[&str]| git(folder, arguments);
    write(&folder.join("README.md"), OLD_README.as_bytes())?;
    let api = folder.join("apps/api/main.py");
    write(&api, b"print(\"Profit Sentinel 1.0\")\n")?;
    git(&["init", "-q", "-b", "main"])?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "Version 1"])?;
    std::fs::create_dir_all(folder.join("_legacy/apps")).map_err(|e| failed(folder, &e))?;
    git(&["mv", "apps/api", "_legacy/apps/api"])?;
    git(&["commit", "-q", "-m", "Archive version 1"])?;
    if !faults.contains(&Fault::LegacyTagMissing) {
        git(&["tag", "-a", TAG, "-m", "The last of version 1"])?;
    }
    for (path, bytes) in files(faults) {
        write(&folder.join(path), &bytes)?;
    }
    git(&["add", "-A"])?;
    git(&[
        "commit",
        "-q",
        "-m",
        "Version 2: pipeline, sidecar and agent",
    ])?;
    git(&["rev-parse", "HEAD"])
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, LabError> {
    let output = program("git")
        .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.autocrlf=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Dana Deploys"),
            ("GIT_AUTHOR_EMAIL", "dana@demo.invalid"),
            ("GIT_COMMITTER_NAME", "Dana Deploys"),
            ("GIT_COMMITTER_EMAIL", "dana@demo.invalid"),
        ])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed(folder, &e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(LabError::Delivered {
        what: format!("git {}", arguments.join(" ")),
        why: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

fn failed(place: &Path, error: &std::io::Error) -> LabError {
    LabError::Delivered {
        what: format!("make the repository in {}", place.display()),
        why: error.to_string(),
    }
}

/// A file that is large and has nothing in it.
pub(super) fn large(path: &Path, size: u64) -> Result<(), LabError> {
    write(path, &[])?;
    let file = std::fs::OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(size))
        .map_err(|e| failed(path, &e))
}

/// Writes a file and the folders that it lies in.
#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and writes its own files"
)]
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), LabError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|e| failed(path, &e))
}
