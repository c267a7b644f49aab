//! The lab as a process of its own.
#![expect(
    clippy::disallowed_methods,
    reason = "the program itself is what is tried"
)]

use std::process::Stdio;

use lab::metasheet2::faults;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::client::{Client, RELEASE, SECRET};

fn lab() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.arg("metasheet2").kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_stops_when_it_is_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut command = lab();
        command.args([
            "--port",
            "0",
            "--jwt-secret",
            SECRET,
            "--release",
            RELEASE,
            "--fault",
            "wrong-status-code",
        ]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        assert_eq!(
            Client::at(address).get("/health").await.body["commit"],
            RELEASE
        );
        let id = process.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        assert!(process.wait().await.unwrap().success());
        assert_eq!(
            lines.next_line().await.unwrap(),
            None,
            "one line, and no other"
        );
    }
}

#[tokio::test]
async fn the_program_lists_its_faults_and_refuses_others() {
    let listed = lab().arg("--list-faults").output().await.unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    for info in faults() {
        assert!(
            text.contains(&format!(
                "{}\n    {}\n    noticed by {}",
                info.name, info.what, info.check
            )),
            "{text}"
        );
    }
    let refused = lab()
        .args(["--jwt-secret", "s", "--fault", "nonsense"])
        .output()
        .await
        .unwrap();
    assert!(!refused.status.success());
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("there is no fault named \"nonsense\"")
    );
}
