//! Live progress on stderr: a line per gate that is redrawn on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use gonogo_core::outcome::Outcome;

use crate::engine::{Progress, Told};

/// Tells a run's progress to a person.
pub(super) struct Live {
    terminal: bool,
    colour: bool,
    width: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    gate: String,
    title: String,
    ended: usize,
    now: String,
    drawn: bool,
}

impl Live {
    /// For stderr as it is: live on a terminal unless `CI` is set.
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal() && crate::world::variable("CI").is_none();
        Self {
            terminal,
            colour: terminal && crate::world::variable("NO_COLOR").is_none_or(|v| v.is_empty()),
            width: super::output::width(),
            state: Mutex::new(State::default()),
        }
    }

    fn paint(&self, outcome: Outcome, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match outcome {
            Outcome::Pass => "32",
            Outcome::Warn | Outcome::Inconclusive | Outcome::Pending | Outcome::Skipped => "33",
            Outcome::Fail | Outcome::Error => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn clear(state: &mut State, out: &mut impl std::io::Write) {
        if state.drawn {
            let _closed = write!(out, "\r\u{1b}[2K").is_err();
            state.drawn = false;
        }
    }

    fn draw(&self, state: &mut State, out: &mut impl std::io::Write) {
        if !self.terminal {
            return;
        }
        Self::clear(state, out);
        let line = format!("  … {}  {} done  {}", state.gate, state.ended, state.now);
        let line: String = line.chars().take(self.width.saturating_sub(1)).collect();
        let _closed = write!(out, "{line}").and_then(|()| out.flush()).is_err();
        state.drawn = true;
    }
}

/// The subject is looked at once more after the last gate: its line does not stay above the report.
impl Drop for Live {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        Self::clear(state, &mut std::io::stderr().lock());
    }
}

impl Progress for Live {
    fn tell(&self, told: Told) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = std::io::stderr().lock();
        match told {
            Told::GateOpened { gate, title } => {
                state.gate = gate;
                state.title = title;
                state.ended = 0;
                state.now = String::new();
                self.draw(&mut state, &mut out);
            }
            Told::CheckStarted { check: _, ask } => {
                state.now = gonogo_report::escape::terminal(&ask);
                self.draw(&mut state, &mut out);
            }
            Told::Retrying { check, message } => {
                state.now = format!(
                    "{check}: again, {}",
                    gonogo_report::escape::terminal(&message)
                );
                self.draw(&mut state, &mut out);
            }
            Told::CheckEnded {
                check,
                outcome,
                message,
            } => {
                state.ended += 1;
                if !outcome.is_good() {
                    Self::clear(&mut state, &mut out);
                    let word = self.paint(outcome, &format!("{:>12}", outcome.word()));
                    let message = gonogo_report::escape::terminal(&message);
                    let _closed = writeln!(out, "{word}  {check}: {message}").is_err();
                }
                self.draw(&mut state, &mut out);
            }
            Told::GateClosed { gate, outcome } => {
                Self::clear(&mut state, &mut out);
                let word = self.paint(outcome, &format!("{:>12}", outcome.word()));
                let title = gonogo_report::escape::terminal(&state.title);
                let _closed =
                    writeln!(out, "{word}  {gate} · {title} ({})", counted(state.ended)).is_err();
            }
            Told::Stopping => {
                Self::clear(&mut state, &mut out);
                let _closed = writeln!(
                    out,
                    "    stopping  no new check starts; `gonogo resume` continues the run"
                )
                .is_err();
            }
        }
    }
}

fn counted(checks: usize) -> String {
    match checks {
        1 => "1 check".to_owned(),
        n => format!("{n} checks"),
    }
}
