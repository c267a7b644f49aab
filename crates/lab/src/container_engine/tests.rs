use super::*;

#[test]
fn containers_run_are_checked_and_end_with_the_engine() {
    let engine = ContainerEngine::start().unwrap();
    let web = engine
        .run("shop", "web", &health("test -f /tmp/well"), &[])
        .unwrap();
    assert!(!engine.check_health(&web).unwrap());
    engine
        .podman(&["exec", &web, "/bin/sh", "-c", "echo > /tmp/well"])
        .unwrap();
    assert!(engine.check_health(&web).unwrap());
    assert!(engine.check_health("nobody").is_err());
    let refused = engine.run("shop", "web", &[], &[]).unwrap_err().to_string();
    assert!(refused.contains("already in use"), "{refused}");

    let pid = engine
        .podman(&["inspect", "--format", "{{.State.Pid}}", &web])
        .unwrap();
    let folder = engine.folder().to_owned();
    assert!(Path::new("/proc").join(&pid).exists());
    drop(engine);
    assert!(!Path::new("/proc").join(&pid).exists());
    assert!(!folder.exists());
}
