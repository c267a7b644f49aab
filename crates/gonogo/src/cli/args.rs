//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Decides whether a staging deployment may go to production, and can prove why.
#[derive(Debug, Parser)]
#[command(
    name = "gonogo",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 GO · 1 NO-GO · 2 HOLD · 64 the plan or the command line is wrong (nothing was sent) · 70 gonogo itself failed"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the whole job on the lab that ships with gonogo; nothing else is needed
    Demo(DemoArgs),
    /// Run a plan against an environment and give a verdict
    Run(RunArgs),
    /// Continue a run that was stopped or killed
    Resume(ResumeArgs),
    /// Say what is wrong with a plan, all of it, without sending anything
    Lint(LintArgs),
    /// Say what a plan would run and touch, and what each limit needs
    Plan(PlanArgs),
    /// Show what one check observes and which fields it offers; no run, no verdict
    Try(TryArgs),
    /// Judge a recorded run by another plan
    Judge(JudgeArgs),
    /// Print the JSON Schema of plans
    Schema(SchemaArgs),
    /// Render a recorded run again
    Report(ReportArgs),
    /// Recompute the verdict of a run from its evidence
    Verify(VerifyArgs),
    /// Write down a database as it is now, to compare others with it
    Snapshot(SnapshotArgs),
    /// Say how two snapshots of a kind differ
    Diff(DiffArgs),
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Self::Demo(a) => a.json,
            Self::Run(a) => a.json,
            Self::Resume(a) => a.json,
            Self::Lint(a) => a.json,
            Self::Plan(a) => a.json,
            Self::Try(a) => a.json,
            Self::Judge(a) => a.json,
            Self::Schema(_) => false,
            Self::Report(a) => matches!(a.format, Format::Json),
            Self::Verify(a) => a.json,
            Self::Snapshot(_) => false,
            Self::Diff(a) => a.json,
        }
    }
}

/// `gonogo demo`
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The case study to run
    #[arg(long, default_value = "metasheet2")]
    pub(super) case: String,
    /// Plant this fault in the lab's system first; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(super) fault: Vec<String>,
    /// Plant what the case's document describes and passed over, and leave out the inputs that it did not give (`--case ai-agents`)
    #[arg(long)]
    pub(super) as_documented: bool,
    /// List the cases and their faults
    #[arg(long)]
    pub(super) list: bool,
    /// Folder under which the run is kept
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Options that choose an environment and its values.
#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// The environment, as the plan names it
    #[arg(long = "env", value_name = "NAME")]
    pub(super) environment: String,
    /// The value of an input; else its environment variable, else its file
    #[arg(short = 'i', long = "input", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) inputs: Vec<(String, String)>,
    /// Grant a power: exec, and anything on production, needs it beside the plan's own `allow`
    #[arg(long, value_name = "POWER", value_delimiter = ',')]
    pub(super) allow: Vec<PowerArg>,
}

/// `gonogo run`
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The plan
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) env: EnvArgs,
    /// Folder under which the run is kept
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Run only this gate, or gate/check, and what it needs; the rest counts as skipped
    #[arg(long, value_name = "GATE[/CHECK]", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// A file with `no_go:` and `hold:` expressions that tighten the decision
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo resume`
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The run's folder
    pub(super) run: PathBuf,
    /// The value of an input that was secret, and so not kept
    #[arg(short = 'i', long = "input", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) inputs: Vec<(String, String)>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo lint`
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// The plan
    pub(super) plan: PathBuf,
    /// Also look at what this environment lacks
    #[arg(long = "env", value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo plan`
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The plan
    pub(super) plan: PathBuf,
    /// The environment; all of them where absent
    #[arg(long = "env", value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// The value of an input
    #[arg(short = 'i', long = "input", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) inputs: Vec<(String, String)>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo try`
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The plan
    pub(super) plan: PathBuf,
    /// The gate, or gate/check
    #[arg(value_name = "GATE[/CHECK]")]
    pub(super) check: String,
    #[command(flatten)]
    pub(super) env: EnvArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo judge`
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The run's folder
    pub(super) run: PathBuf,
    /// The plan to judge it by
    #[arg(long, value_name = "FILE")]
    pub(super) plan: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo schema`
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {}

/// `gonogo report`
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run's folder
    pub(super) run: PathBuf,
    /// The form
    #[arg(long, value_enum, default_value = "md")]
    pub(super) format: Format,
    /// How the plan is called in its repository, for SARIF's places; else its file name
    #[arg(long, value_name = "PATH")]
    pub(super) plan_path: Option<String>,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// As on the terminal
    Text,
    /// Markdown, for a pull request
    Md,
    /// One HTML file
    Html,
    /// The verdict's JSON
    Json,
    /// JUnit XML
    Junit,
    /// SARIF 2.1.0, for code scanning pages
    Sarif,
}

/// `gonogo verify`
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The run's folder
    pub(super) run: PathBuf,
    /// Demand that this subject was observed
    #[arg(long, value_name = "DIGEST")]
    pub(super) subject: Option<String>,
    /// Demand this environment
    #[arg(long = "env", value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Demand the plan with this SHA-256
    #[arg(long, value_name = "SHA256")]
    pub(super) plan: Option<String>,
    /// Demand that the run ended at most so long ago, such as `4h`
    #[arg(long, value_name = "DURATION")]
    pub(super) max_age: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// `gonogo snapshot`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 written · 2 nothing was observed · 64 the plan or the command line is wrong (nothing was sent)"
)]
pub(super) struct SnapshotArgs {
    /// What is written down
    #[arg(value_enum)]
    pub(super) kind: SnapshotKind,
    /// The plan whose target is looked at
    pub(super) plan: PathBuf,
    /// The environment, as the plan names it
    #[arg(long = "env", value_name = "NAME")]
    pub(super) environment: String,
    /// The value of an input; else its environment variable, else its file
    #[arg(short = 'i', long = "input", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) inputs: Vec<(String, String)>,
    /// The target; else the first database of the environment
    #[arg(long, value_name = "NAME")]
    pub(super) target: Option<String>,
    /// Namespaces to look at: `public` by default, `main` for SQLite, with MySQL the address's database
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) schema: Vec<String>,
    /// Count the rows of every table (capacity)
    #[arg(long)]
    pub(super) count: bool,
    /// The file to write; else it is printed
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// The form; only JSON can be compared
    #[arg(long, value_enum, default_value = "json")]
    pub(super) format: SnapshotFormat,
}

/// What a snapshot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SnapshotKind {
    /// Tables, columns, types, constraints, indexes, …
    Schema,
    /// Sizes of the database, its tables and indexes
    Capacity,
}

/// The forms of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SnapshotFormat {
    /// One JSON document
    Json,
    /// Markdown, for a person
    Md,
}

/// `gonogo diff`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 no difference, GREEN · 1 they differ, RED · 2 YELLOW, or growth that cannot be judged · 64 they cannot be compared"
)]
pub(super) struct DiffArgs {
    /// The snapshot that is expected, or the older one
    pub(super) a: PathBuf,
    /// The snapshot that was seen, or the newer one
    pub(super) b: PathBuf,
    /// Another threshold than the usual (capacity): table_yellow=1GB, table_red=5GB, growth_per_day_yellow=15%,
    /// index_growth_per_week_red=30%, floor=1MB
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    pub(super) threshold: Vec<(String, String)>,
    /// Print Markdown, for a pull request (capacity)
    #[arg(long, conflicts_with = "json")]
    pub(super) markdown: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A power that `--allow` grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PowerArg {
    /// Change the target's state
    Write,
    /// Send many requests
    Load,
    /// Run programs on this machine
    Exec,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "write it as KEY=VALUE".to_owned())?;
    if key.is_empty() {
        return Err("the name before `=` is missing".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}
