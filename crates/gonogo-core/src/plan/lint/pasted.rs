//! Secrets pasted into a plan: they would stand in every bundle, in the repository and in its history.

use crate::diag::Diagnostic;
use crate::plan::load::Reader;
use crate::plan::source::Span;
use crate::shapes::{RULES, Scanner};

/// Tells each text with the shape of a secret in the plan's files: an error where it is one beyond doubt.
pub(in crate::plan) fn lint(reader: &mut Reader<'_>) {
    let scanner = Scanner::new(RULES, Vec::new());
    let mut found = Vec::new();
    for file in 0..reader.sources.count() {
        let source = reader.sources.get(file);
        let mut findings = Vec::new();
        scanner.scan(&source.path, source.text.as_bytes(), &mut findings);
        for finding in findings {
            let line = (finding.line as usize).saturating_sub(1);
            let start = source.line_start(line) as u32 + finding.column.saturating_sub(1);
            let end = start + 1;
            found.push((Span { file, start, end }, finding));
        }
    }
    for (span, finding) in found {
        let certain = RULES
            .iter()
            .any(|rule| rule.id == finding.rule && rule.is_certain());
        let message = format!(
            "here stands what has the shape of a secret ({}): {}",
            finding.rule, finding.excerpt
        );
        let problem = if certain {
            Diagnostic::error("secret-in-plan", message)
        } else {
            Diagnostic::warning("secret-in-plan", message)
        };
        let help = "declare an input with `secret: true` and write `${inputs.NAME}`; a secret that was committed \
                    must be replaced";
        // Without the line itself, which holds the secret.
        let place = reader.sources.place(span);
        reader.problems.nowhere(problem.help(help).at(place, None));
    }
}
