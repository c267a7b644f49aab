//! A container engine of its own for a while: Podman with its Docker-compatible service, containers and images in a temporary folder.

use std::{
    fs::DirBuilder,
    os::{
        fd::OwnedFd,
        unix::{fs::DirBuilderExt as _, net::UnixListener},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::watched::{NoServer, Watched, is_installed, program, shell};

const SERVER: &str = "Podman";
const PACKAGES: &str = "podman runc";

/// How many folders are tried: others may have taken the names.
const FOLDERS: u32 = 1000;

/// The engine makes an image, serves on the socket that is its standard output, and waits until its input ends.
/// `$1` folder, `$2` image; after them Podman's global options.
///
/// The service takes the socket over that listens already (`sd_listen_fds(3)`), so nobody has to wait for it.
/// A container that has just ended is still cleaned up behind by a program that nobody can wait for, and that makes folders anew:
/// only when it is gone, too, the folder is removed.
const SCRIPT: &str = r#"
umask 022
exec 3>&1 1>&2
folder=$1 image=$2; shift 2
cd "$folder" || exit 1
trap : INT TERM HUP
service=
end() {
  [ -z "$service" ] || kill -9 "$service" 2>/dev/null
  cd /
  for _ in 1 2 3 4 5; do
    podman "$@" rm -a -f -t 0 >/dev/null 2>&1 3>&-
    rounds=0
    while busy && [ $((rounds += 1)) -le 50 ]; do sleep 0.1; done
    rm -rf "$folder" 2>/dev/null && break
  done
}
busy() {
  for name in $(grep -lxE 'conmon|podman' /proc/[0-9]*/comm 2>/dev/null); do
    grep -qaF "$folder/" "${name%comm}cmdline" 2>/dev/null && return 0
  done
  return 1
}
make_root() {
  mkdir -p root/bin root/tmp root/proc root/sys root/dev root/etc || return 1
  for program in bash sleep cat; do
    cp -L "$(command -v $program)" root/bin/ || return 1
    for library in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do cp -L --parents "$library" root/ || return 1; done
  done
  ln root/bin/bash root/bin/sh && tar -C root -cf root.tar . && rm -rf root
}
make_root && podman "$@" import -q -c 'CMD ["/bin/sleep","infinity"]' root.tar "$image" >/dev/null 3>&- && rm root.tar || {
  end "$@"; exit 1; }
sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec podman "$@"' sh "$@" system service --time 0 >/dev/null 2>&1 &
service=$!
exec 3>&-
echo ready
exec 2>/dev/null
while read -r _; do :; done
end "$@"
"#;

/// An engine that runs until it is dropped; all its containers end with it.
pub struct ContainerEngine {
    folder: PathBuf,
    runtime: &'static str,
    _watched: Watched,
}

impl ContainerEngine {
    /// The image of all containers: this machine's own `bash` (as `sh`, too), `sleep` and `cat`, because no registry is needed for that.
    pub const IMAGE: &'static str = "localhost/lab:1";

    /// Starts one.
    pub fn start() -> Result<Self, NoServer> {
        let missing = |program| NoServer::NotInstalled {
            server: SERVER,
            program,
            packages: PACKAGES,
        };
        if !is_installed("podman") {
            return Err(missing("podman"));
        }
        let runtime = ["runc", "crun"]
            .into_iter()
            .find(|name| is_installed(name))
            .ok_or_else(|| missing("runc"))?;
        let failed = |error: std::io::Error| NoServer::not_started(SERVER, error);
        let folder = folder().map_err(failed)?;
        write_configuration(&folder, runtime).map_err(failed)?;
        let listener = UnixListener::bind(folder.join("api.sock")).map_err(failed)?;
        let mut command = shell(SCRIPT);
        command
            .arg(&folder)
            .arg(Self::IMAGE)
            .args(options(&folder))
            .stdout(Stdio::from(OwnedFd::from(listener)));
        set(&mut command, &folder);
        match Watched::start_by_stderr(SERVER, command) {
            Ok(watched) => Ok(Self {
                folder,
                runtime,
                _watched: watched,
            }),
            Err(error) => {
                drop(std::fs::remove_dir_all(&folder));
                Err(error)
            }
        }
    }

    /// The address of its Docker-compatible API: `unix:///…`.
    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.join("api.sock").display())
    }

    /// Which program starts its containers.
    pub fn runtime(&self) -> &'static str {
        self.runtime
    }

    /// A folder of its own, for files that containers are given; gone with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Calls Podman and gives what it printed.
    pub fn podman(&self, arguments: &[&str]) -> Result<String, NoServer> {
        let (ok, said) = self.try_podman(arguments)?;
        if ok {
            return Ok(said);
        }
        Err(NoServer::Failed {
            server: SERVER,
            what: arguments.join(" "),
            why: said,
        })
    }

    /// Starts a container of a compose project, named and labelled as compose does it, in this machine's network; gives its name.
    pub fn run(
        &self,
        project: &str,
        service: &str,
        options: &[&str],
        command: &[&str],
    ) -> Result<String, NoServer> {
        let name = format!("{project}-{service}-1");
        let project = format!("com.docker.compose.project={project}");
        let service = format!("com.docker.compose.service={service}");
        let mut arguments = vec![
            "run",
            "-d",
            "--name",
            &name,
            "--network",
            "host",
            // What a container may have at most is not what Podman asks for by default where the lab itself has less.
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=1000:1000",
            "--label",
            &project,
            "--label",
            &service,
        ];
        arguments.extend(options);
        arguments.push(Self::IMAGE);
        arguments.extend(command);
        self.podman(&arguments)?;
        Ok(name)
    }

    /// Removes a container, whatever it does.
    pub fn remove(&self, name: &str) -> Result<(), NoServer> {
        self.podman(&["rm", "-f", "-t", "0", name]).map(drop)
    }

    /// Runs a container's health check once and says whether it holds. They do not run by themselves: Podman leaves that to systemd.
    pub fn check_health(&self, name: &str) -> Result<bool, NoServer> {
        let (ok, said) = self.try_podman(&["healthcheck", "run", name])?;
        // 1 is for "unhealthy" and for much else, too.
        if ok || said.is_empty() || said.ends_with("unhealthy") {
            return Ok(ok);
        }
        Err(NoServer::Failed {
            server: SERVER,
            what: format!("check the health of {name}"),
            why: said,
        })
    }

    fn try_podman(&self, arguments: &[&str]) -> Result<(bool, String), NoServer> {
        let mut command = program("podman");
        command.args(options(&self.folder)).args(arguments);
        set(&mut command, &self.folder);
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| NoServer::not_started(SERVER, error))?;
        let said = if output.status.success() {
            output.stdout
        } else {
            [output.stdout, output.stderr].concat()
        };
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Ok((output.status.success(), said))
    }
}

/// Options of a container whose health check is `command`, which runs when [`ContainerEngine::check_health`] says so.
pub fn health(command: &str) -> [&str; 6] {
    [
        "--health-cmd",
        command,
        "--health-interval",
        "disable",
        "--health-retries",
        "1",
    ]
}

fn options(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut options = Vec::new();
    for (option, name) in [
        ("--root", "store"),
        ("--runroot", "run"),
        ("--tmpdir", "tmp"),
    ] {
        options.push(option.into());
        options.push(folder.join(name).into());
    }
    options.extend(["--storage-driver".into(), "vfs".into()]);
    options
}

fn set(command: &mut Command, folder: &Path) {
    command
        .env("CONTAINERS_CONF", folder.join("containers.conf"))
        .env_remove("CONTAINER_HOST")
        .current_dir("/");
}

/// A folder that only its owner may enter.
fn folder() -> std::io::Result<PathBuf> {
    let place = std::env::temp_dir();
    let process = std::process::id();
    let mut last = None;
    for number in 0..FOLDERS {
        let folder = place.join(format!("lab-podman-{process}-{number}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and writes its own files"
)]
fn write_configuration(folder: &Path, runtime: &str) -> std::io::Result<()> {
    let text = format!(
        "[engine]\nruntime = \"{runtime}\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n"
    );
    std::fs::write(folder.join("containers.conf"), text)
}

#[cfg(test)]
mod tests;
