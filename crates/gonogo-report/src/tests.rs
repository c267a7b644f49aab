use super::*;

#[test]
fn a_bundle_has_four_reports_and_the_same_bytes_each_time() {
    for (name, judged) in fixtures::all() {
        let first = render_all(&judged);
        let names: Vec<&str> = first.iter().map(|(file, _)| *file).collect();
        assert_eq!(
            names,
            ["verdict.json", "report.md", "report.html", "junit.xml"]
        );
        assert_eq!(first, render_all(&judged), "{name}");
    }
}

#[test]
fn every_report_says_the_verdict_and_what_was_not_evaluated() {
    for (name, judged) in fixtures::all() {
        for (file, text) in render_all(&judged) {
            assert!(text.contains(judged.verdict.word()), "{name}: {file}");
            let marked = match file {
                "verdict.json" => text.contains("\"rehearsal\": true"),
                "junit.xml" => text.contains("name=\"rehearsal\" value=\"true\""),
                _ => text.contains("GO (rehearsal)"),
            };
            assert_eq!(marked, judged.rehearsal, "{name}: {file}");
            for outcome in ["skipped", "inconclusive", "error"] {
                let is_there = judged.not_evaluated.iter().any(|n| n.outcome == outcome);
                assert!(
                    !is_there || text.contains(outcome),
                    "{name}: {file}: {outcome}"
                );
            }
        }
    }
}
