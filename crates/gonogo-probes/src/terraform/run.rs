//! The observing: the file, or Terraform itself with nothing of it that asks or calls home.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gonogo_core::duration::{humanize_duration_ns, parse_duration_ns};
use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::document::read;
use super::observed::{Look, seen};
use super::plan::find;
use super::syntax::{Asked, Document, Run, TerraformOptions};
use crate::ctx::Ctx;
use crate::exec::{Program, Ran, carry_out};
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};

const TRIED: &str = "terraform";
/// No document is larger.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// How far a clock may be ahead without anybody lying, in seconds.
const SLACK: i64 = 5 * 60;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let options: TerraformOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let fresh_for = options
        .fresh_for
        .as_deref()
        .map(parse_duration_ns)
        .transpose();
    let fresh_for = fresh_for.map_err(|e| bad(e.to_string()))?;
    let root = root_of(ctx, call.target)?;
    let (source, text) = match &options.terraform {
        Document::File(path) => (path.clone(), file(ctx, &root, path)?),
        Document::Run(run) => {
            let asked = match run.run {
                Asked::Plan => "terraform plan",
                Asked::State => "terraform show",
            };
            (asked.to_owned(), ask(ctx, &root, run).await?)
        }
    };
    let document = read(&text).map_err(|unreadable| {
        let cause = if unreadable.is_cut { Cause::Truncated } else { Cause::Protocol };
        let mut gap = ctx.not_observed(TRIED, cause, format!("{source}: {}", unreadable.message));
        let help = "make it with `terraform plan -out=plan.bin` and `terraform show -json plan.bin > plan.json`";
        gap.help = Some(help.to_owned());
        gap
    })?;
    let mut found = find(&document);
    let age = age(ctx, &document, fresh_for, &mut found.doubts);
    let target = call.target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: source.clone(),
        engine: document
            .terraform_version
            .as_ref()
            .map(|v| format!("Terraform {v}")),
    });
    let look = Look {
        source: &source,
        document: &document,
        found: &found,
        allowed: &options.allow_destroy.0,
        age,
    };
    Ok(Seen {
        target,
        ..seen(&look)
    })
}

/// How old it is; a time from the future is none, and one that is too old or unknown is a doubt where it matters.
fn age(
    ctx: &Ctx,
    document: &super::document::Document,
    fresh_for: Option<i64>,
    doubts: &mut Vec<String>,
) -> Option<Duration> {
    let mut age = None;
    if let Some(at) = document.timestamp {
        let passed = ctx.wall_now().signed_duration_since(at);
        if passed.num_seconds() < -SLACK {
            doubts.push(format!("it is from the future: {}", at.format("%FT%TZ")));
        } else {
            age = Some(passed.to_std().unwrap_or_default());
        }
    }
    let Some(most) = fresh_for else {
        return age;
    };
    let ns = age.map(|age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
    if ns.is_none_or(|ns| ns > most) {
        let is = ns.map_or("of an unknown age".to_owned(), |ns| {
            format!("{} old", humanize_duration_ns(ns))
        });
        let most = humanize_duration_ns(most);
        doubts.push(format!("it is {is}, and {most} is allowed"));
    }
    age
}

/// A file below the root, whole.
fn file(ctx: &Ctx, root: &Path, path: &str) -> Result<String, NotObserved> {
    let failed = |cause, message: String| ctx.not_observed(TRIED, cause, message);
    if let Some(why) = outside(path) {
        return Err(failed(Cause::Forbidden, why));
    }
    let unreadable = |e: std::io::Error| {
        let cause = match e.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Missing,
        };
        failed(cause, format!("`{path}` cannot be read: {e}"))
    };
    let full = root.join(path);
    if !full.is_file() {
        let mut missing = failed(Cause::Missing, format!("there is no file `{path}`"));
        let help = "make it with `terraform plan -out=plan.bin` and `terraform show -json plan.bin > plan.json`";
        missing.help = Some(help.to_owned());
        return Err(missing);
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(full).map_err(unreadable)?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("`{path}` has more than {MOST_BYTES} bytes");
        return Err(failed(Cause::TooLarge, message));
    }
    text(ctx, bytes)
}

fn text(ctx: &Ctx, bytes: Vec<u8>) -> Result<String, NotObserved> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let mut gap = ctx.not_observed(
            TRIED,
            Cause::Protocol,
            format!("it is not UTF-8 text (byte {at})"),
        );
        let help =
            "a plan file itself is binary; give what `terraform show -json FILE` prints of it";
        gap.help = Some(help.to_owned());
        gap
    })
}

/// Asks Terraform itself: a plan is made into a folder of its own and shown from there.
async fn ask(ctx: &Ctx, root: &Path, run: &Run) -> Result<String, NotObserved> {
    let paths = run.var_file.0.iter().chain(&run.cwd);
    if let Some(why) = paths.into_iter().find_map(|path| outside(path)) {
        return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
    }
    let terraform = Installed {
        ctx,
        program: run.program.as_deref().unwrap_or("terraform"),
        folder: run
            .cwd
            .as_ref()
            .map_or(root.to_owned(), |cwd| root.join(cwd)),
        variables: &run.variables,
    };
    if !terraform.folder.is_dir() {
        let message = "the folder of the configuration is not there";
        return Err(ctx.not_observed(TRIED, Cause::Missing, message));
    }
    let show = ["show", "-json", "-no-color"].map(str::to_owned);
    if run.run == Asked::State {
        return terraform.print(&show).await;
    }
    let private = tempfile::tempdir().map_err(|e| {
        let message = format!("there is no private folder for the plan: {e}");
        ctx.not_observed(TRIED, Cause::Missing, message)
    })?;
    let plan = private
        .path()
        .join("plan.bin")
        .to_string_lossy()
        .into_owned();
    let mut arguments = ["plan", "-input=false", "-no-color"]
        .map(str::to_owned)
        .to_vec();
    arguments.push(format!("-out={plan}"));
    for file in &run.var_file.0 {
        arguments.push(format!("-var-file={}", root.join(file).display()));
    }
    let planned = terraform.carry_out(&arguments).await?;
    let is_written = Path::new(&plan).is_file();
    if planned.exit_code != Some(0) && !is_written {
        return Err(terraform.complained(&planned));
    }
    // A plan that ended in an error is written, too, and says so itself.
    let mut show = show.to_vec();
    show.push(plan);
    terraform.print(&show).await
}

/// The program, and how it is called.
struct Installed<'a> {
    ctx: &'a Ctx,
    program: &'a str,
    folder: PathBuf,
    variables: &'a BTreeMap<String, String>,
}

impl Installed<'_> {
    async fn carry_out(&self, arguments: &[String]) -> Result<Ran, NotObserved> {
        let own = [
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
            // It looks for newer versions of itself otherwise.
            ("CHECKPOINT_DISABLE", "1"),
        ];
        let mut variables: BTreeMap<String, String> = own
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        variables.extend(self.variables.clone());
        let program = Program {
            name: self.program,
            arguments,
            variables: &variables,
            folder: self.folder.clone(),
            max_output: MOST_BYTES,
        };
        let ran = carry_out(self.ctx, &program).await.map_err(|mut gap| {
            if gap.cause == Cause::Missing {
                gap.help = Some(
                    "install Terraform, or give the JSON of a plan that was made elsewhere"
                        .to_owned(),
                );
            }
            gap
        })?;
        if ran.out.cut {
            let message = format!("`{}` printed more than {MOST_BYTES} bytes", self.program);
            return Err(self.ctx.not_observed(TRIED, Cause::TooLarge, message));
        }
        Ok(ran)
    }

    /// What a call prints that must succeed.
    async fn print(&self, arguments: &[String]) -> Result<String, NotObserved> {
        let ran = self.carry_out(arguments).await?;
        if ran.exit_code != Some(0) {
            return Err(self.complained(&ran));
        }
        text(self.ctx, ran.out.bytes)
    }

    fn complained(&self, ran: &Ran) -> NotObserved {
        let complaint = String::from_utf8_lossy(&ran.err.bytes);
        let words: Vec<&str> = complaint
            .lines()
            .map(|line| line.trim_matches(['│', '╷', '╵', ' ']))
            .skip_while(|line| !line.starts_with("Error"))
            .filter(|line| !line.is_empty())
            .take(4)
            .collect();
        let how = match (ran.exit_code, ran.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        };
        let message = format!("`{}` ended with {how}: {}", self.program, words.join(" "));
        let mut gap = self.ctx.not_observed(TRIED, Cause::Protocol, message);
        if complaint.contains("terraform init") {
            gap.help = Some("run `terraform init` in that folder first".to_owned());
        }
        gap
    }
}
