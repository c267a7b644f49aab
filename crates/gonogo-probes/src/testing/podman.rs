//! A container engine: Podman with runc, its containers and images in a folder of their own.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::out;

/// Podman with its Docker-compatible service on a Unix socket; all its containers are gone when it is dropped.
pub struct PodmanEngine {
    folder: PathBuf,
    service: Child,
}

/// The image of all containers: made on the spot from this machine's own shell, because no registry is needed for that.
pub const IMAGE: &str = "localhost/shop:1";

const CONFIGURATION: &str =
    "[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";

impl PodmanEngine {
    /// Starts one. Fails the test where Podman or runc are not installed.
    pub fn start() -> Self {
        let folder = out(Command::new("mktemp").args(["-d", "/tmp/gonogo-podman-XXXXXX"]));
        let folder = PathBuf::from(folder);
        std::fs::write(folder.join("containers.conf"), CONFIGURATION).unwrap();
        let listener = UnixListener::bind(folder.join("api.sock")).unwrap();
        make_root(&folder);
        let root = folder.join("root.tar").display().to_string();
        out(podman(&folder).args([
            "import",
            "-q",
            "-c",
            "CMD [\"/bin/sleep\",\"900\"]",
            &root,
            IMAGE,
        ]));
        let service = serve(&folder, listener);
        Self { folder, service }
    }

    /// The socket's path.
    pub fn socket(&self) -> String {
        self.folder.join("api.sock").display().to_string()
    }

    /// Calls Podman; fails the test where it fails.
    pub fn podman(&self, arguments: &[&str]) -> String {
        out(podman(&self.folder).args(arguments))
    }

    /// Calls Podman, which may fail.
    pub fn try_podman(&self, arguments: &[&str]) -> Output {
        podman(&self.folder).args(arguments).output().unwrap()
    }

    /// Starts a container of a compose project, named as compose names them, and gives its name.
    pub fn run(&self, project: &str, service: &str, options: &[&str], command: &[&str]) -> String {
        let name = format!("{project}-{service}-1");
        let labels = [
            format!("com.docker.compose.project={project}"),
            format!("com.docker.compose.service={service}"),
        ];
        let mut arguments = vec!["run", "-d", "--name", &name, "--network", "host"];
        arguments.extend([
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=1000:1000",
        ]);
        for label in &labels {
            arguments.extend(["--label", label.as_str()]);
        }
        arguments.extend(options);
        arguments.push(IMAGE);
        arguments.extend(command);
        self.podman(&arguments);
        name
    }

    /// Runs a container's health check once; they do not run by themselves here.
    pub fn check_health(&self, name: &str) {
        let ended = self.try_podman(&["healthcheck", "run", name]);
        // 0: it holds, 1: it does not.
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
    }
}

/// Options of a container whose health check runs only when it is told to.
pub fn health(command: &str) -> Vec<&str> {
    vec![
        "--health-cmd",
        command,
        "--health-interval",
        "disable",
        "--health-retries",
        "1",
    ]
}

impl Drop for PodmanEngine {
    fn drop(&mut self) {
        drop(self.service.kill());
        drop(self.service.wait());
        // A container that has just ended is still being cleaned up behind: again, until nothing comes back.
        for _ in 0..5 {
            drop(self.try_podman(&["rm", "-a", "-f", "-t", "0"]));
            if std::fs::remove_dir_all(&self.folder).is_ok() {
                break;
            }
        }
    }
}

fn podman(folder: &Path) -> Command {
    let mut command = Command::new("podman");
    set(&mut command, folder);
    for (option, name) in [
        ("--root", "store"),
        ("--runroot", "run"),
        ("--tmpdir", "tmp"),
    ] {
        command.arg(option).arg(folder.join(name));
    }
    command.args(["--storage-driver", "vfs"]);
    command
}

fn set(command: &mut Command, folder: &Path) {
    command
        .env("CONTAINERS_CONF", folder.join("containers.conf"))
        .env_remove("CONTAINER_HOST")
        .stdin(Stdio::null())
        .current_dir("/");
}

/// The service takes the socket over that listens already (`sd_listen_fds(3)`), so nobody has to wait for it.
fn serve(folder: &Path, listener: UnixListener) -> Child {
    let words = podman(folder);
    let arguments: Vec<_> = words
        .get_args()
        .map(std::ffi::OsStr::to_os_string)
        .collect();
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec podman \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(arguments);
    command.args(["system", "service", "--time", "0"]);
    set(&mut command, folder);
    command
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs Podman: apt-get install -y podman runc")
}

/// A root file system with a shell and a few commands, from this machine's own files.
fn make_root(folder: &Path) {
    let script = r#"
        set -e; cd "$1"; mkdir -p root/bin root/tmp root/proc root/sys root/dev root/etc
        for program in dash sleep cat; do
            cp -L "$(command -v $program)" root/bin/
            for library in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do cp -L --parents "$library" root/; done
        done
        mv root/bin/dash root/bin/sh
        tar -C root -cf root.tar .
    "#;
    out(Command::new("sh").args(["-c", script, "sh"]).arg(folder));
}
