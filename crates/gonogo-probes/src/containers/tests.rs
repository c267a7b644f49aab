use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;
use crate::testing::{IMAGE, PodmanEngine, health};

mod scripted;

fn ctx() -> Ctx {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    Ctx::new(
        Vec::new(),
        PathBuf::from("."),
        Duration::from_mins(1),
        cancelled,
    )
}

async fn observe(ctx: &Ctx, docker: &str, options: Json) -> Result<Seen, NotObserved> {
    let target = ResolvedTarget {
        name: "engine".to_owned(),
        kind: "docker".to_owned(),
        options: json!({ "docker": docker }),
    };
    let scope = GateScope::new(false);
    Containers
        .observe(Call {
            options,
            target: Some(&target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx,
        })
        .await
}

/// The names in a fact that is a list.
fn names<'s>(seen: &'s Seen, fact: &str) -> Vec<&'s str> {
    let all = seen.facts[fact].as_list().unwrap();
    all.iter().filter_map(Value::as_str).collect()
}

fn container<'s>(seen: &'s Seen, name: &str) -> &'s Value {
    let all = seen.facts["containers"].as_list().unwrap();
    all.iter()
        .find(|c| c.get("name").and_then(Value::as_str) == Some(name))
        .unwrap_or_else(|| panic!("no container {name} in {all:?}"))
}

fn text<'s>(container: &'s Value, fact: &str) -> &'s str {
    container.get(fact).and_then(Value::as_str).unwrap_or("")
}

/// One engine, many claims: to start one takes seconds.
#[tokio::test]
async fn a_real_engine_is_observed_as_it_is() {
    let engine = PodmanEngine::start();
    let url = format!("unix://{}", engine.socket());
    let web = engine.run(
        "shop",
        "web",
        &health("test -f /alive"),
        &["/bin/sh", "-c", "echo > /alive; exec sleep 900"],
    );
    let worker = engine.run("shop", "worker", &health("cat /nothing"), &[]);
    let idle = engine.run("shop", "idle", &health("exit 0"), &[]);
    let plain = engine.run("shop", "plain", &["--label", "tier=back"], &[]);
    let gone = engine.run("shop", "gone", &[], &["/bin/sh", "-c", "exit 3"]);
    engine.podman(&["wait", &gone]);
    engine.run("other", "web", &[], &[]);
    let one_off = engine.run(
        "shop",
        "oneoff",
        &["--label", "com.docker.compose.oneoff=True"],
        &[],
    );
    for name in [&web, &worker, &idle] {
        engine.check_health(name);
    }

    let ctx = ctx();
    let ask = json!({"containers": "shop", "expected": ["web", "worker", "idle", "db"]});
    let seen = observe(&ctx, &url, ask).await.unwrap();
    assert_eq!(seen.facts["count"], Value::Int(5));
    assert_eq!(seen.facts["running"], Value::Int(4));
    assert!(seen.absent.is_empty());
    assert_eq!(names(&seen, "missing"), ["db"]);
    assert_eq!(names(&seen, "unexpected"), [gone.as_str(), plain.as_str()]);
    assert_eq!(names(&seen, "unhealthy"), [worker.as_str()]);
    assert_eq!(names(&seen, "not_running"), [gone.as_str()]);
    assert_eq!(
        names(&seen, "unchecked"),
        [gone.as_str(), idle.as_str(), plain.as_str()]
    );
    assert!(names(&seen, "restarted").is_empty());
    let engine_said = seen.target.as_ref().unwrap().engine.clone().unwrap();
    assert!(engine_said.starts_with("Podman Engine"), "{engine_said}");

    let one = container(&seen, &web);
    assert_eq!(
        (text(one, "state"), text(one, "health")),
        ("running", "healthy")
    );
    assert_eq!((text(one, "service"), text(one, "image")), ("web", IMAGE));
    assert_eq!(one.get("exit_code"), None);
    let arch = engine.podman(&["info", "--format", "{{.Host.OS}}/{{.Host.Arch}}"]);
    assert_eq!(text(one, "platform"), arch);
    // The engine's own program says the same of the image.
    let digest = engine.podman(&["image", "inspect", "--format", "{{.Digest}}", IMAGE]);
    let id = engine.podman(&["image", "inspect", "--format", "{{.Id}}", IMAGE]);
    assert_eq!(text(one, "digest"), digest);
    assert_eq!(text(one, "image_id"), format!("sha256:{id}"));
    let size = engine.podman(&["image", "inspect", "--format", "{{.Size}}", IMAGE]);
    let image = seen.facts["images"].get(IMAGE).unwrap();
    assert_eq!(image.get("size"), Some(&Value::Int(size.parse().unwrap())));

    let sick = container(&seen, &worker);
    assert_eq!(text(sick, "health"), "unhealthy");
    assert!(text(sick, "health_output").contains("/nothing"), "{sick:?}");
    let check = container(&seen, &idle).get("health_check").unwrap();
    assert_eq!(check.get("checks_nothing"), Some(&Value::Bool(true)));
    assert_eq!(text(check, "test"), "exit 0");
    let ended = container(&seen, &gone);
    assert_eq!(
        (text(ended, "state"), text(ended, "health")),
        ("exited", "none")
    );
    assert_eq!(ended.get("exit_code"), Some(&Value::Int(3)));

    // By label; with the one-off container, nobody's service, left out.
    let back = observe(
        &ctx,
        &url,
        json!({"containers": "*", "label": ["tier=back"]}),
    )
    .await
    .unwrap();
    assert_eq!(back.facts["count"], Value::Int(1));
    let all = observe(&ctx, &url, json!({"containers": "*"}))
        .await
        .unwrap();
    assert_eq!(all.facts["count"], Value::Int(6));
    assert!(!format!("{:?}", all.facts["containers"]).contains(&one_off));

    // Nothing there is an absence, not an empty list that all hold for.
    let none = observe(
        &ctx,
        &url,
        json!({"containers": "nobody", "expected": ["web"]}),
    )
    .await
    .unwrap();
    assert_eq!(none.absent[0].fact, "containers");
    assert!(none.absent[0].why.contains("`nobody`"), "{:?}", none.absent);
    assert_eq!(names(&none, "missing"), ["web"]);
}

#[tokio::test]
async fn restarts_since_the_run_began_are_counted() {
    let engine = PodmanEngine::start();
    let url = format!("unix://{}", engine.socket());
    let web = engine.run("shop", "web", &[], &[]);
    let api = engine.run("shop", "api", &[], &[]);
    // It comes back each time it is told to end, by the engine's own policy.
    let crash = "while [ ! -f /crash ]; do sleep 0.05; done; exit 1";
    let looping = engine.run(
        "shop",
        "loop",
        &["--restart", "always"],
        &["/bin/sh", "-c", crash],
    );
    let ask = || json!({"containers": "shop"});
    let ctx = ctx();
    let seen = observe(&ctx, &url, ask()).await.unwrap();
    assert!(names(&seen, "restarted").is_empty(), "{seen:?}");

    engine.podman(&["restart", "-t", "0", &web]);
    engine.podman(&["rm", "-f", "-t", "0", &api]);
    engine.run("shop", "api", &[], &[]);
    // The container may end before the engine has heard of the command's own end.
    drop(engine.try_podman(&["exec", &looping, "/bin/sh", "-c", "echo > /crash"]));
    // Nothing tells when the engine has started it again but its own count.
    let mut again = tokio::time::interval(Duration::from_millis(100));
    let mut seen = seen;
    for _ in 0..300 {
        again.tick().await;
        seen = observe(&ctx, &url, ask()).await.unwrap();
        if names(&seen, "restarted").contains(&looping.as_str()) {
            break;
        }
    }
    assert_eq!(
        names(&seen, "restarted"),
        [api.as_str(), looping.as_str(), web.as_str()]
    );
    assert_eq!(
        container(&seen, &web).get("restarts_since_start"),
        Some(&Value::Int(1))
    );
    assert!(
        container(&seen, &looping)
            .get("restarts")
            .and_then(Value::as_int)
            > Some(0)
    );

    // Another run begins anew.
    let seen = observe(
        &super::tests::ctx(),
        &url,
        json!({"containers": "shop", "label": ["com.docker.compose.service=web"]}),
    )
    .await
    .unwrap();
    assert!(names(&seen, "restarted").is_empty());
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = ctx();
    let ask = || json!({"containers": "shop"});
    let url = format!("unix://{}/no.sock", folder.path().display());
    let failed = observe(&ctx, &url, ask()).await.unwrap_err();
    assert_eq!(failed.cause, Cause::Missing);
    // A socket that nobody listens on any more.
    let dead = folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let failed = observe(&ctx, &format!("unix://{}", dead.display()), ask())
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Refused);
    assert!(failed.help.unwrap().contains("start the service"));
    let failed = observe(&ctx, &url, json!({"containers": "A=b"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::BadOptions);
}

#[test]
fn a_selection_that_means_nothing_is_found_before_anything_runs() {
    let problems = Containers.lint(&json!({"containers": "Shop 1"}));
    assert_eq!(problems[0].code, "containers-selection");
    assert!(
        Containers
            .lint(&json!({"containers": "${inputs.project}", "label": "a=b"}))
            .is_empty()
    );
    let shape = Containers.shape(&json!({"containers": "shop"}));
    assert!(!shape.fields.iter().any(|(name, _)| name == "missing"));
}
