//! The bundle: what was sealed is what verifies, to the byte.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::rig::{Scripted, folder, gonogo, run_plan, small_plan};

/// A bundle that has blobs, a load, a waiver and all reports; its GO rests on the waiver.
fn sealed(folder: &Path) -> PathBuf {
    let target = Scripted::json(200, r#"{"status": "healthy", "count": 3}"#);
    let checks = "      - id: health\n        http: GET /health\n        expect: body.status == 'healthy'\n      - id: stats\n        load: GET /stats\n        rounds: 40\n        pace: 1ms\n        expect: samples_count == 40\n      - id: count\n        http: GET /count\n        expect: body.count == 4\n";
    let plan = small_plan(&target.url(), checks);
    let today = chrono::Utc::now().date_naive();
    let waivers = format!(
        "waivers:\n  - check: g/count\n    person: Jane Doe\n    reason: one short, known\n    given: {today}\n    until: {}\n    accepts: body.count == 3\n",
        today + chrono::Duration::days(5)
    );
    std::fs::write(folder.join("waivers.yaml"), waivers).unwrap();
    let ended = run_plan(folder, &plan, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    folder.join(ended.run())
}

fn verify(run: &Path) -> crate::rig::Ended {
    gonogo(
        run.parent().unwrap(),
        &["verify", &run.display().to_string()],
    )
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
}

#[test]
fn verify_recomputes_the_verdict_and_its_demands_hold_or_lower_it() {
    let folder = folder();
    let run = sealed(folder.path());
    let at = run.display().to_string();
    assert_eq!(verify(&run).code, 0);
    let plan = std::fs::read(run.join("plan.yaml")).unwrap();
    let digest: String = Sha256::digest(&plan)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let fine = [
        "verify",
        &at,
        "--env",
        "local",
        "--plan",
        &digest,
        "--max-age",
        "1h",
    ];
    assert_eq!(gonogo(folder.path(), &fine).code, 0);
    for demand in [
        ["--env", "staging"],
        ["--plan", "0000"],
        ["--subject", "abc"],
        ["--max-age", "0s"],
    ] {
        let ended = gonogo(folder.path(), &["verify", &at, demand[0], demand[1]]);
        assert_eq!(ended.code, 2, "{demand:?}: {}", ended.stdout);
    }
}

#[test]
fn any_byte_flipped_in_any_file_is_found() {
    let folder = folder();
    let run = sealed(folder.path());
    let mut all = Vec::new();
    files(&run, &mut all);
    assert!(all.iter().any(|f| f.starts_with(run.join("blobs"))));
    assert!(all.iter().any(|f| f.ends_with("waivers.yaml")));
    let copy = folder.path().join("copy");
    copy_all(&run, &copy);
    std::thread::scope(|scope| {
        for (half, place) in [&run, &copy].into_iter().enumerate() {
            let all = &all;
            let run = &run;
            scope.spawn(move || {
                for (number, file) in all.iter().enumerate() {
                    if number % 2 == half {
                        let relative = file.strip_prefix(run).unwrap();
                        flip_each_byte(place, &place.join(relative));
                    }
                }
            });
        }
    });
}

fn flip_each_byte(run: &Path, file: &Path) {
    let world = gonogo::world::World::real();
    let demands = gonogo::bundle::Demands::default();
    let verified = || gonogo::bundle::verify(&world, run, &demands, chrono::Utc::now()).is_ok();
    let whole = std::fs::read(file).unwrap();
    let mut flipped = whole.clone();
    for at in 0..whole.len() {
        // Another bit for each byte, so that all eight are tried along a file.
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(file, &flipped).unwrap();
        assert!(
            !verified(),
            "{} byte {at} was flipped and nobody noticed",
            file.display()
        );
        flipped[at] = whole[at];
    }
    std::fs::write(file, &whole).unwrap();
    assert!(verified(), "the restored bundle verifies");
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn files_that_are_added_swapped_truncated_or_gone_are_found() {
    let folder = folder();
    let run = sealed(folder.path());
    let (html, md) = (run.join("report.html"), run.join("report.md"));
    let keep = (std::fs::read(&html).unwrap(), std::fs::read(&md).unwrap());
    let refused = |what: &str| {
        let ended = verify(&run);
        assert_eq!(ended.code, 64, "{what}: {}", ended.stdout);
    };
    std::fs::write(run.join("extra.txt"), "x").unwrap();
    refused("added");
    std::fs::remove_file(run.join("extra.txt")).unwrap();
    std::fs::write(&html, &keep.1).unwrap();
    std::fs::write(&md, &keep.0).unwrap();
    refused("swapped");
    std::fs::write(&html, &keep.0[..keep.0.len() / 2]).unwrap();
    std::fs::write(&md, &keep.1).unwrap();
    refused("truncated");
    std::fs::remove_file(&html).unwrap();
    refused("gone");
    std::fs::write(&html, &keep.0).unwrap();
    assert_eq!(verify(&run).code, 0);
    let journal = std::fs::read_to_string(run.join("journal.ndjson")).unwrap();
    let shorter: String = journal.lines().take(5).map(|l| format!("{l}\n")).collect();
    std::fs::write(run.join("journal.ndjson"), shorter).unwrap();
    refused("a journal that lost its tail");
}

#[test]
fn one_observation_edited_and_everything_hashed_anew_gives_another_verdict() {
    let folder = folder();
    let run = sealed(folder.path());
    let path = run.join("journal.ndjson");
    let journal = std::fs::read_to_string(&path).unwrap();
    let edited = journal.replacen(r#""status":"healthy""#, r#""status":"degraded""#, 1);
    assert_ne!(edited, journal);
    std::fs::write(&path, rechained(&edited)).unwrap();
    reseal(&run);
    let ended = verify(&run);
    assert_eq!(ended.code, 1, "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("NO-GO"), "{}", ended.stdout);
    // With the verdict written anew as well, the bundle is consistent: only a signature could tell.
    let at = run.display().to_string();
    let anew = gonogo(folder.path(), &["report", &at, "--format", "json"]);
    std::fs::write(run.join("verdict.json"), anew.stdout).unwrap();
    reseal(&run);
    assert_eq!(verify(&run).code, 1);
}

/// The chain of a journal computed anew: each line's `prev` and `hash`, as `docs/guide/evidence.md` says.
fn rechained(journal: &str) -> String {
    let mut out = String::new();
    let mut prev = String::new();
    for line in journal.lines() {
        let at = line.rfind(r#","hash":""#).expect("a hash");
        let mut covered = line[..at].to_owned();
        if let Some(start) = covered.find(r#""prev":""#) {
            let start = start + r#""prev":""#.len();
            covered.replace_range(start..start + 64, &prev);
        }
        prev = Sha256::digest(covered.as_bytes())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        out.push_str(&format!("{covered},\"hash\":\"{prev}\"}}\n"));
    }
    out
}

fn reseal(run: &Path) {
    let world = gonogo::world::World::real();
    let journal = gonogo::store::read(world.disk.as_ref(), &run.join("journal.ndjson")).unwrap();
    let head = journal.head();
    let head = gonogo::bundle::Head {
        events: head.count,
        sha256: head.hash,
    };
    std::fs::remove_file(run.join("manifest.json")).unwrap();
    let manifest =
        gonogo::bundle::Manifest::of(&gonogo::world::RealDisk::new(), run, head).unwrap();
    std::fs::write(run.join("manifest.json"), manifest.to_bytes()).unwrap();
}

#[test]
fn a_run_that_was_not_finished_never_verifies() {
    let folder = folder();
    let run = sealed(folder.path());
    std::fs::remove_file(run.join("manifest.json")).unwrap();
    let ended = verify(&run);
    assert_eq!(ended.code, 64);
    assert!(ended.stderr.contains("incomplete"), "{}", ended.stderr);
}
