//! Repositories for the rows that look into one, and programs that only call themselves `git`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::case::{Case, Fails};

/// Has git do something, whatever this machine's user configured.
pub(super) fn git(folder: &Path, arguments: &[&str]) {
    let ended = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .output()
        .expect("git is installed (apt-get install git)");
    assert!(ended.status.success(), "{ended:?}");
}

/// The case with a program called `git` that does something else.
pub(super) fn git_that(case: Case<Fails>, script: &str) -> Case<Fails> {
    let programs = case.folder().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    let program = programs.join("git");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    case.path(path)
}
