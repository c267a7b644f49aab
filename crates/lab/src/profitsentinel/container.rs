//! The image that is delivered, built by the engine from the release's own Dockerfile, and its container.

use super::{
    Fault, Faults, VERSION,
    delivered::{large, write},
};
use crate::{ContainerEngine, LabError, NoServer};

const DOCKERFILE: &str =
    include_str!("../../../../cases/profitsentinel/delivered/Dockerfile.sidecar");
const HEALTHY: &[u8] = include_bytes!("../../../../cases/profitsentinel/delivered/healthy.sh");
/// Where nothing listens, so that the health check fails.
const NOWHERE: u16 = 1;
/// What makes the image too large.
const BALLAST: u64 = 48 << 20;
/// The base image for another platform.
const OTHER_BASE: &str = "localhost/lab-arm64:1";
/// The options of the container are those of all the lab's: what it may have at most is not what Podman asks for by default.
const BOUNDS: [&str; 6] = [
    "--network",
    "host",
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1000:1000",
];

/// Builds the image of a compose project and runs its container `api`, whose health check asks the sidecar on that port.
pub fn deploy(
    engine: &ContainerEngine,
    project: &str,
    port: u16,
    faults: &Faults,
) -> Result<(), LabError> {
    let has = |fault| faults.contains(&fault);
    let context = engine.folder().join(format!("build-{project}"));
    write(
        &context.join("sentinel-server"),
        b"#!/bin/sh\nexec sleep infinity\n",
    )?;
    write(&context.join("healthy.sh"), HEALTHY)?;
    if has(Fault::ImageTooLarge) {
        large(&context.join("cache"), BALLAST)?;
    }
    let arm = has(Fault::ImageForAnotherPlatform);
    if arm {
        other_base(engine, project).map_err(failed)?;
    }
    write(
        &context.join("Dockerfile.sidecar"),
        dockerfile(faults).as_bytes(),
    )?;
    let image = format!("localhost/{project}-api:{VERSION}");
    let file = context.join("Dockerfile.sidecar").display().to_string();
    let folder = context.display().to_string();
    // Docker's format, because the other one has no room for a health check.
    let platform = if arm { "linux/arm64" } else { "linux/amd64" };
    engine
        .podman(&[
            "build",
            "-q",
            "--format",
            "docker",
            "--pull=never",
            "--platform",
            platform,
            "-t",
            &image,
            "-f",
            &file,
            &folder,
        ])
        .map_err(failed)?;
    let asked = if has(Fault::ContainerUnhealthy) {
        NOWHERE
    } else {
        port
    };
    let name = run(engine, project, &image, asked).map_err(failed)?;
    if !has(Fault::HealthCheckMissing) {
        engine.check_health(&name).map_err(failed)?;
    }
    Ok(())
}

fn dockerfile(faults: &Faults) -> String {
    let mut text = String::new();
    for line in DOCKERFILE.lines() {
        let check = line.starts_with("HEALTHCHECK");
        if check && faults.contains(&Fault::HealthCheckMissing) {
            continue;
        }
        let other = faults.contains(&Fault::ImageForAnotherPlatform);
        if other && line == format!("FROM {}", ContainerEngine::IMAGE) {
            text.push_str("FROM ");
            text.push_str(OTHER_BASE);
        } else {
            text.push_str(line);
        }
        if check && faults.contains(&Fault::HealthCheckChecksNothing) {
            text.push_str(" || exit 0");
        }
        text.push('\n');
    }
    if faults.contains(&Fault::ImageTooLarge) {
        text.push_str("COPY cache /app/cache\n");
    }
    text
}

fn run(
    engine: &ContainerEngine,
    project: &str,
    image: &str,
    port: u16,
) -> Result<String, NoServer> {
    let name = format!("{project}-api-1");
    let labels = [
        format!("com.docker.compose.project={project}"),
        "com.docker.compose.service=api".to_owned(),
    ];
    let port = format!("PORT={port}");
    let mut arguments = vec!["run", "-d", "--pull=never", "--name", &name, "-e", &port];
    arguments.extend(BOUNDS);
    for label in &labels {
        arguments.extend(["--label", label]);
    }
    arguments.push(image);
    engine.podman(&arguments)?;
    Ok(name)
}

/// The same base, said to be for another platform. Its programs are still this machine's, so that the container runs.
fn other_base(engine: &ContainerEngine, project: &str) -> Result<(), NoServer> {
    let name = format!("{project}-base");
    let mut create = vec!["create", "--name", &name];
    create.extend(BOUNDS);
    create.push(ContainerEngine::IMAGE);
    engine.podman(&create)?;
    let tar = engine.folder().join(format!("{name}.tar"));
    let tar = tar.display().to_string();
    engine.podman(&["export", "-o", &tar, &name])?;
    engine.remove(&name)?;
    engine.podman(&["import", "-q", "--arch", "arm64", &tar, OTHER_BASE])?;
    Ok(())
}

fn failed(error: NoServer) -> LabError {
    LabError::Delivered {
        what: "deploy the container".to_owned(),
        why: error.to_string(),
    }
}
