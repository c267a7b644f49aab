//! The first plan that people see is one that runs, as it stands.

use crate::rig::{Lab, RELEASE, folder, gonogo, repository};

#[test]
fn the_readmes_first_plan_is_go_on_a_healthy_service() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("the README");
    let plan = readme.split("```yaml\n").nth(1).expect("a plan");
    let plan = plan.split("```").next().expect("its end");
    let folder = folder();
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
    let lab = Lab::start(folder.path(), &[]);
    let base_url = format!("base_url={}", lab.url());
    let release = format!("release={RELEASE}");
    let lint = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(lint.code, 0, "{}{}", lint.stdout, lint.stderr);
    let arguments = [
        "run",
        "plan.yaml",
        "--env",
        "staging",
        "-i",
        &base_url,
        "-i",
        &release,
    ];
    let run = gonogo(folder.path(), &arguments);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
