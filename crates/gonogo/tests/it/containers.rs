//! What was delivered and what runs of it, as a user has it: a compose file, its containers on a real engine, a real
//! Redis, and what they use.

use std::path::Path;

use gonogo_probes::testing::{PodmanEngine, RedisServer, health};

use crate::rig::{self, Ended};

/// Healthy until somebody writes the file that says otherwise.
const WELL: &str = "! test -f /sick";

const COMPOSE: &str = "services:\n  web:\n    image: localhost/shop:${TAG}\n    depends_on: [worker]\n  worker:\n    image: localhost/shop:1\n";

fn plan(engine: &str, redis: &str) -> String {
    format!(
        r#"gonogo: 1
name: delivery
inputs:
  redis_password: {{ secret: true }}
environments:
  local:
    allow: [write]
    targets:
      engine: {{ docker: "{engine}" }}
      cache: {{ redis: "{redis}", password: "${{inputs.redis_password}}" }}
gates:
  delivered:
    title: What was delivered runs, and nothing else
    checks:
      - id: file
        compose: compose.yaml
        env_file: staging.env
        expect:
          - valid
          - unset == []
        save: {{ services: services }}
      - id: running
        containers: shop
        expected: ${{saved.services}}
        expect:
          - missing == []
          - unexpected == []
          - containers.all(c, c.state == 'running')
          - containers.all(c, c.health == 'healthy')
          - containers.all(c, c.platform.startsWith('linux/'))
          - unchecked == []
          - restarted == []
          - published == []
      - id: room
        resources: containers
        project: shop
        over: 200ms
        expect:
          - memory < 0.8
  cache:
    title: The cache keeps what it is given
    checks:
      - id: kept
        redis: ping
        round_trip: true
        expect:
          - round_trip.read_back
          - round_trip.removed
          - role == 'master'
          - "!open"
          - persistence.last_save_ok
"#
    )
}

const PASSWORD: &str = "q7Xz2mKp9vRt4wLs8nBd3hJf";

struct Delivery {
    engine: PodmanEngine,
    redis: RedisServer,
    folder: tempfile::TempDir,
}

impl Delivery {
    fn start() -> Self {
        let engine = PodmanEngine::start();
        for service in ["web", "worker"] {
            let name = engine.run("shop", service, &health(WELL), &[]);
            engine.check_health(&name);
        }
        let redis = RedisServer::start(&[&format!("requirepass {PASSWORD}")]);
        let folder = rig::folder();
        std::fs::write(folder.path().join("compose.yaml"), COMPOSE).unwrap();
        std::fs::write(folder.path().join("staging.env"), "TAG=1\n").unwrap();
        Self {
            engine,
            redis,
            folder,
        }
    }

    fn run(&self) -> Ended {
        let engine = format!("unix://{}", self.engine.socket());
        run(self.folder.path(), &plan(&engine, &self.redis.url()))
    }

    fn sicken(&self, name: &str) {
        self.engine
            .podman(&["exec", name, "/bin/sh", "-c", "echo > /sick"]);
        self.engine.check_health(name);
    }
}

fn run(folder: &Path, plan: &str) -> Ended {
    let secret = format!("redis_password={PASSWORD}");
    rig::run_plan(folder, plan, &["-i", &secret])
}

fn message(ended: &Ended, gate: usize, check: usize) -> String {
    ended.json()["gates"][gate]["checks"][check]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn what_runs_as_it_was_delivered_is_go_and_an_unhealthy_worker_is_not() {
    let delivery = Delivery::start();
    let ended = delivery.run();
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(ended.json()["verdict"], "GO");
    let whole = std::fs::read_to_string(
        delivery
            .folder
            .path()
            .join(ended.run())
            .join("journal.ndjson"),
    )
    .unwrap();
    assert!(!whole.contains(PASSWORD));
    assert!(whole.contains("Podman Engine"));

    // Up (unhealthy): the report that this project comes from called it PASSED.
    delivery.sicken("shop-worker-1");
    let ended = delivery.run();
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(ended.outcome("delivered/running"), "fail");
    assert!(
        message(&ended, 0, 1).contains("health"),
        "{}",
        message(&ended, 0, 1)
    );
    assert_eq!(ended.outcome("delivered/file"), "pass");

    // One that is gone, and one that nobody delivered.
    delivery
        .engine
        .podman(&["rm", "-f", "-t", "0", "shop-worker-1"]);
    delivery.engine.run("shop", "miner", &[], &[]);
    let ended = delivery.run();
    assert_eq!(ended.outcome("delivered/running"), "fail");
    let findings = ended.json()["findings"].to_string();
    assert!(
        findings.contains("worker") && findings.contains("missing"),
        "{findings}"
    );
    assert!(findings.contains("unexpected == []"), "{findings}");
}

#[test]
fn an_engine_that_cannot_be_asked_is_hold_and_a_variable_that_is_missing_no_go() {
    let redis = RedisServer::start(&[&format!("requirepass {PASSWORD}")]);
    let folder = rig::folder();
    std::fs::write(folder.path().join("compose.yaml"), COMPOSE).unwrap();
    std::fs::write(folder.path().join("staging.env"), "TAG=1\n").unwrap();
    let text = plan("unix:///no/such/engine.sock", &redis.url());
    let ended = run(folder.path(), &text);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert_eq!(ended.outcome("delivered/running"), "error");
    assert!(
        message(&ended, 0, 1).contains("socket"),
        "{}",
        message(&ended, 0, 1)
    );

    std::fs::write(folder.path().join("staging.env"), "TAG_=1\n").unwrap();
    let ended = run(folder.path(), &text);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(ended.outcome("delivered/file"), "fail");
    assert!(
        message(&ended, 0, 0).contains("unset"),
        "{}",
        message(&ended, 0, 0)
    );
}

#[test]
fn a_plan_that_asks_for_what_is_not_observed_is_refused_before_anything_is_sent() {
    let folder = rig::folder();
    let head = "gonogo: 1\nname: small\nenvironments:\n  local:\n    targets:\n";
    let gate = "gates:\n  g:\n    title: It works\n    checks:\n";
    for (target, check, told) in [
        (
            "e: { docker: /run/docker.sock }",
            "- { containers: shop, expect: count > 0 }",
            "unix://",
        ),
        (
            "e: { docker: 'unix:///s' }",
            "- { containers: shop, expect: size(missing) == 0 }",
            "missing",
        ),
        (
            "e: { docker: 'unix:///s' }",
            "- { containers: Shop, expect: count > 0 }",
            "compose project",
        ),
        (
            "e: { docker: 'unix:///s' }",
            "- { resources: prometheus, queries: { cpu: x }, expect: cpu < 0.8 }",
            "prometheus",
        ),
        (
            "e: { docker: 'unix:///s' }",
            "- { resources: containers, expect: disk < 0.8 }",
            "disk",
        ),
        (
            "c: { redis: 'redis://:secret@h' }",
            "- { redis: ping, expect: open }",
            "password",
        ),
        (
            "c: { redis: 'redis://h' }",
            "- { redis: flushall, expect: open }",
            "ping",
        ),
        (
            "k: { kubernetes: 'https://k:6443' }",
            "- { kubernetes: shop, expected: [web], expect: count > 0 }",
            "deployment/",
        ),
        (
            "r: { repository: . }",
            "- { compose: ../c.yaml, expect: valid }",
            "leaves",
        ),
    ] {
        let plan = format!("{head}      {target}\n{gate}      {check}\n");
        let ended = rig::run_plan(folder.path(), &plan, &[]);
        assert_eq!(ended.code, 64, "{plan}\n{}", ended.stdout);
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}
