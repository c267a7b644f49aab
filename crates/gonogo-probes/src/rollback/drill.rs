//! Going the way back: command after command, then waiting until the service is healthy, all of it timed.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::{Cause, NotObserved};

use super::run::TRIED;
use super::syntax::{Command, RollbackOptions, duration};
use crate::ctx::Ctx;
use crate::exec::{Lost, Output, to_its_end};
use crate::http::{HttpOptions, HttpTarget, get};
use crate::json::{self, Read};

/// How much of each output of a command is kept.
const MAX_OUTPUT: usize = 64 * 1024;
/// How much of the service's answer is kept.
const MAX_BODY: u64 = 64 * 1024;
/// How long one answer is waited for.
const ONE_ANSWER: Duration = Duration::from_secs(10);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// How a drill went.
#[derive(Default)]
pub(super) struct Drill {
    /// The commands that ran, in their order.
    pub(super) ran: Vec<Ran>,
    /// The command that is at work.
    pub(super) at_work: Option<String>,
    /// The command that failed; the ones after it did not run.
    pub(super) stopped_at: Option<String>,
    /// What the service said last.
    pub(super) health: Option<Health>,
    /// How often it was asked.
    pub(super) asked: usize,
    /// From the first command until the service was healthy, or until it was given up.
    pub(super) elapsed: Duration,
}

/// A command that ran.
pub(super) struct Ran {
    pub(super) command: String,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// Why it has neither.
    pub(super) problem: Option<String>,
    pub(super) took: Duration,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
    pub(super) left_behind: usize,
}

/// What the service said.
pub(super) struct Health {
    pub(super) is_healthy: bool,
    pub(super) status: Option<u16>,
    pub(super) body: Option<Value>,
    /// Why that is not healthy.
    pub(super) problem: Option<String>,
}

impl Drill {
    /// Whether the service was healthy at the end of it.
    pub(super) fn is_healthy(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.is_healthy)
    }

    /// How long the way back took, where it led back.
    pub(super) fn took(&self) -> Option<Duration> {
        let led_back = self.stopped_at.is_none() && self.is_healthy();
        led_back.then_some(self.elapsed)
    }
}

/// How long a drill takes at the longest.
pub(super) fn longest(options: &RollbackOptions) -> Option<Duration> {
    if options.mode == super::Mode::Dry {
        return None;
    }
    let commands: Duration = options.commands.iter().map(Command::timeout).sum();
    let objective = options.objective.as_deref().and_then(duration)?;
    // Reading the repository comes before, the last answer after.
    Some(commands + objective + ONE_ANSWER * 2 + Duration::from_mins(1))
}

/// Goes the way back. What cannot work is said before the first command runs.
pub(super) async fn go(
    ctx: &Ctx,
    folder: &Path,
    options: &RollbackOptions,
) -> Result<Drill, NotObserved> {
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let lacks = |what: &str| bad(format!("a live drill without `{what}` proves nothing"));
    let objective = options.objective.as_deref().and_then(duration);
    let objective = objective.ok_or_else(|| lacks("objective"))?;
    let asked = options.health.as_deref().ok_or_else(|| lacks("health"))?;
    if options.commands.is_empty() {
        return Err(lacks("commands"));
    }
    if !folder.is_dir() {
        let why = "the folder of `cwd` is not there; nothing was run";
        return Err(ctx.not_observed(TRIED, Cause::Missing, why));
    }
    let target = target(ctx, options)?;
    let mut drill = Drill::default();
    let stopped = {
        let going = async {
            let started = ctx.now();
            commands(ctx, folder, options, &mut drill).await;
            if drill.stopped_at.is_none() {
                let until = started + objective;
                wait_for_health(ctx, &target, asked, options, until, &mut drill).await;
            }
            drill.elapsed = started.elapsed();
        };
        // Dropping it ends the command that is at work.
        tokio::select! {
            () = going => false,
            () = ctx.cancelled() => true,
        }
    };
    if stopped {
        let ended: Vec<&str> = drill.ran.iter().map(|ran| ran.command.as_str()).collect();
        let ended = if ended.is_empty() {
            "none".to_owned()
        } else {
            ended.join("; ")
        };
        let at_work = drill.at_work.as_deref().unwrap_or("none");
        let why = format!(
            "the run was stopped in the middle of the way back: commands that had ended: {ended}; at work and killed: {at_work}"
        );
        let mut gap = ctx.not_observed(TRIED, Cause::Interrupted, why);
        gap.help = Some("look at the system: it is neither here nor there".to_owned());
        return Err(gap);
    }
    Ok(drill)
}

fn target(ctx: &Ctx, options: &RollbackOptions) -> Result<HttpTarget, NotObserved> {
    let name = options.health_target.as_deref();
    let found = ctx.target("http", name).ok_or_else(|| {
        let which = name.map_or_else(|| "no `http` target".to_owned(), |name| format!("no `http` target `{name}`"));
        let why = format!("the environment has {which} to ask for its health, or its address is not known; nothing was run");
        let mut gap = ctx.not_observed(TRIED, Cause::Missing, why);
        gap.help = Some("name the service under `targets:` of the environment: `api: { http: … }`".to_owned());
        gap
    })?;
    serde_json::from_value(found.options.clone())
        .map_err(|e| ctx.not_observed(TRIED, Cause::BadOptions, e.to_string()))
}

async fn commands(ctx: &Ctx, folder: &Path, options: &RollbackOptions, drill: &mut Drill) {
    for command in &options.commands {
        drill.at_work = Some(command.line());
        let ran = one(ctx, folder, options, command).await;
        drill.at_work = None;
        let failed = ran.exit_code != Some(0);
        drill.ran.push(ran);
        if failed {
            drill.stopped_at = Some(command.line());
            return;
        }
    }
}

async fn one(ctx: &Ctx, folder: &Path, options: &RollbackOptions, command: &Command) -> Ran {
    let line = command.line();
    let mut ran = Ran {
        command: line,
        exit_code: None,
        signal: None,
        problem: None,
        took: Duration::ZERO,
        stdout: Output::default(),
        stderr: Output::default(),
        left_behind: 0,
    };
    let Some((program, arguments)) = command.words().split_first() else {
        ran.problem = Some("there is no program in it".to_owned());
        return ran;
    };
    let mut started = ctx.program(program);
    started
        .args(arguments)
        .envs(&options.variables)
        .current_dir(folder);
    let limit = command.timeout();
    match to_its_end(ctx, started, limit, MAX_OUTPUT).await {
        Err(Lost::Start(e)) => ran.problem = Some(format!("it could not be started: {e}")),
        Err(Lost::End(e)) => ran.problem = Some(format!("its end was not seen: {e}")),
        Ok(ended) => {
            match ended.status {
                None => {
                    let limit = gonogo_core::duration::humanize_duration_ns(
                        i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX),
                    );
                    ran.problem = Some(format!("it did not end within {limit} and was killed"));
                }
                Some(status) => {
                    ran.exit_code = status.code();
                    ran.signal = status.signal();
                }
            }
            ran.took = ended.took;
            ran.stdout = ended.out;
            ran.stderr = ended.err;
            ran.left_behind = ended.left_behind;
        }
    }
    ran
}

/// Asks until the service is healthy or the time is over; at least once.
async fn wait_for_health(
    ctx: &Ctx,
    target: &HttpTarget,
    asked: &str,
    options: &RollbackOptions,
    until: std::time::Instant,
    drill: &mut Drill,
) {
    loop {
        drill.asked += 1;
        let contains = options.health_contains.as_deref();
        let health = ask(ctx, target, asked, contains).await;
        let is_healthy = health.is_healthy;
        drill.health = Some(health);
        if is_healthy || ctx.now() + PAUSE >= until {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(ctx: &Ctx, target: &HttpTarget, asked: &str, contains: Option<&str>) -> Health {
    let options = HttpOptions {
        http: asked.to_owned(),
        headers: BTreeMap::new(),
        query: BTreeMap::new(),
        json: None,
        form: None,
        body: None,
        bearer: None,
        basic: None,
        redirects: Some(0),
        version: None,
        max_body: Some(MAX_BODY),
    };
    let mut health = Health {
        is_healthy: false,
        status: None,
        body: None,
        problem: None,
    };
    match tokio::time::timeout(ONE_ANSWER, get(ctx, target, &options)).await {
        Err(_) => health.problem = Some("there was no answer within 10 s".to_owned()),
        Ok(Err(gap)) => health.problem = Some(gap.message),
        Ok(Ok(fetched)) => {
            health.status = Some(fetched.status);
            let text = String::from_utf8_lossy(&fetched.body);
            let holds = contains.is_none_or(|wanted| text.contains(wanted));
            if !(200..300).contains(&fetched.status) {
                health.problem = Some(format!("the status was {}", fetched.status));
            } else if holds {
                health.is_healthy = true;
            } else {
                health.problem =
                    Some("the answer does not hold what `health_contains` says".to_owned());
            }
            let whole = fetched.cut.is_none();
            health.body = Some(match json::read(&fetched.body, MAX_BODY) {
                Read::Json(value) if whole => value,
                _ => text.into_owned().into(),
            });
        }
    }
    health
}
