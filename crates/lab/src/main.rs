//! `lab`: one of the lab's systems as a process of its own, or put into a database.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use lab::{
    ContainerEngine, Database, ai_agents, apms,
    metasheet2::{self, Config, Fault},
    planted::{self, PlantedFault},
    profitsentinel, signal_harvester,
};
use tokio::signal::unix::{SignalKind, signal};

/// Small staging systems with faults that can be planted.
#[derive(Parser)]
#[command(name = "lab", version)]
struct Cli {
    #[command(subcommand)]
    system: System,
}

#[derive(Subcommand)]
enum System {
    /// Protection rules over snapshots; serves until it is stopped.
    Metasheet2(Metasheet2),
    /// A service of agents with its database, its cache, who watches it, its containers and its sources; runs until it is stopped.
    AiAgents(AiAgents),
    /// Configurations by version and the workflows that run by them; a PostgreSQL database, put into the one that is named.
    Apms(Apms),
    /// The database of Signal Harvester, put into the PostgreSQL database that is named.
    SignalHarvester(SignalHarvester),
    /// A sidecar, the load balancer in front of it, its container on an engine of its own, and the repository that it was built from;
    /// serves until it is stopped.
    Profitsentinel(Profitsentinel),
}

#[derive(Args)]
struct Profitsentinel {
    /// A folder for what is delivered; made, and empty where it is there.
    #[arg(long, required_unless_present = "list_faults")]
    folder: Option<std::path::PathBuf>,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port of the sidecar; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the load balancer; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    front_port: u16,
    /// Run in dev mode, as on a developer's own machine.
    #[arg(long)]
    dev_mode: bool,
    /// A fault to plant; may be given more than once.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<profitsentinel::Fault>,
    /// Print every fault, what it does and the check whose work it is to notice, and stop.
    #[arg(long)]
    list_faults: bool,
}

#[derive(Args)]
struct Metasheet2 {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// `sqlite::memory:`, `sqlite:PATH` or `postgres://…`.
    #[arg(long, default_value = "sqlite::memory:")]
    database: Database,
    /// Drop the system's tables first.
    #[arg(long)]
    reset: bool,
    /// The secret that tokens are signed with (HS256).
    #[arg(long, required_unless_present = "list_faults")]
    jwt_secret: Option<String>,
    /// The commit that /health reports.
    #[arg(long, default_value = "0123456789abcdef0123456789abcdef01234567")]
    release: String,
    /// The version that /health reports.
    #[arg(long, default_value = metasheet2::VERSION)]
    version: String,
    /// A fault to plant; may be given more than once.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Fault>,
    /// Print every fault, what it does and the check whose work it is to notice, and stop.
    #[arg(long)]
    list_faults: bool,
}

#[derive(Args)]
struct AiAgents {
    /// The folder for the release's sources and the CA; its folder `source` must not be there.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// What its secrets are made of, so that they are known; 16 characters or more, no spaces.
    #[arg(long, required_unless_present = "list_faults")]
    seed: Option<String>,
    /// A fault to plant; may be given more than once.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<ai_agents::Fault>,
    /// Plant the faults that the case's document describes.
    #[arg(long)]
    as_documented: bool,
    /// Print every fault, what it does and the check whose work it is to notice, and stop.
    #[arg(long)]
    list_faults: bool,
}

#[derive(Args)]
struct Apms {
    #[command(flatten)]
    install: Install,
    /// Give two columns of `workflow_instances` their older names, as some environments have them.
    #[arg(long)]
    older_names: bool,
    /// Have the CHECK, too, that the migration forgot.
    #[arg(long)]
    every_check: bool,
}

#[derive(Args)]
struct SignalHarvester {
    #[command(flatten)]
    install: Install,
}

#[derive(Args)]
struct Install {
    /// `postgres://…`; its schema `public` must be empty.
    #[arg(long, required_unless_present = "list_faults")]
    database: Option<String>,
    /// Drop everything in the schema `public` first.
    #[arg(long)]
    reset: bool,
    /// A fault to plant; may be given more than once.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
    /// Print every fault, what it does and the check whose work it is to notice, and stop.
    #[arg(long)]
    list_faults: bool,
}

type Done = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().system {
        System::Metasheet2(args) if args.list_faults => list_metasheet2(),
        System::Metasheet2(args) => serve(args).await,
        System::AiAgents(args) if args.list_faults => list_ai_agents(),
        System::AiAgents(args) => stage(args).await,
        System::Apms(args) => install_apms(args).await,
        System::SignalHarvester(args) => install_signal_harvester(args.install).await,
        System::Profitsentinel(args) if args.list_faults => list_profitsentinel(),
        System::Profitsentinel(args) => serve_profitsentinel(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            drop(writeln!(std::io::stderr(), "lab: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn list_metasheet2() -> Done {
    let mut out = std::io::stdout().lock();
    for info in metasheet2::faults() {
        let advisory = if info.blocking { "" } else { " (advisory)" };
        listed(&mut out, info.name, info.what, info.check, advisory)?;
    }
    Ok(())
}

fn list_profitsentinel() -> Done {
    let mut out = std::io::stdout().lock();
    for info in profitsentinel::faults() {
        listed(&mut out, info.name, info.what, info.check, "")?;
    }
    Ok(())
}

fn list_ai_agents() -> Done {
    let mut out = std::io::stdout().lock();
    for info in ai_agents::faults() {
        let verdict = format!(": {}", info.verdict);
        listed(&mut out, info.name, info.what, info.check, &verdict)?;
    }
    Ok(())
}

/// Prints the inputs of the case's plan, one `-i NAME=VALUE` a line, when all of it runs.
async fn stage(args: AiAgents) -> Done {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut faults: ai_agents::Faults = args.faults.into_iter().collect();
    if args.as_documented {
        faults.extend(ai_agents::AS_DOCUMENTED);
    }
    let seed = args.seed.unwrap_or_default();
    if seed.len() < 16 || seed.contains(char::is_whitespace) {
        return Err("--seed needs 16 characters or more, and no spaces".into());
    }
    let mut words = ["admin", "webhook", "redis", "jwt"].into_iter();
    let secrets = ai_agents::Secrets::made(|| {
        words
            .next()
            .map(|word| format!("{seed}-{word}"))
            .ok_or("no word")
    })?;
    let used = ai_agents::Used::default();
    let machine = ai_agents::Machine::start(&format!("{seed}-postgres"))?;
    let (folder, begun) = (args.folder.as_path(), used.clone());
    let staged =
        ai_agents::Staged::start(&machine, folder, "ai_agents", secrets, &faults, begun).await?;
    let containers = tokio::task::block_in_place(|| staged.contained(&machine, used, &faults))?;
    staged.running().measured().await;
    let mut out = std::io::stdout();
    let inputs = if args.as_documented {
        staged.inputs_as_documented()
    } else {
        staged.inputs()
    };
    for (name, value) in inputs {
        writeln!(out, "-i {name}={value}")?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    drop(containers);
    Ok(())
}

fn list_planted(faults: &[PlantedFault]) -> Done {
    let mut out = std::io::stdout().lock();
    for fault in faults {
        let verdict = format!(": {}", fault.verdict);
        listed(&mut out, fault.name, fault.what, fault.check, &verdict)?;
    }
    Ok(())
}

fn listed(
    out: &mut impl std::io::Write,
    name: &str,
    what: &str,
    check: &str,
    more: &str,
) -> std::io::Result<()> {
    writeln!(out, "{name}\n    {what}\n    noticed by {check}{more}")
}

async fn install_apms(args: Apms) -> Done {
    if args.install.list_faults {
        return list_planted(apms::faults());
    }
    let faults = chosen(apms::faults(), &args.install.faults)?;
    let variant = apms::Variant {
        reset: args.install.reset,
        older_names: args.older_names,
        every_check: args.every_check,
    };
    apms::install(&args.install.database.unwrap_or_default(), variant, &faults).await?;
    Ok(())
}

async fn install_signal_harvester(args: Install) -> Done {
    if args.list_faults {
        return list_planted(signal_harvester::faults());
    }
    let faults = chosen(signal_harvester::faults(), &args.faults)?;
    signal_harvester::install(&args.database.unwrap_or_default(), args.reset, &faults).await?;
    Ok(())
}

fn chosen(
    faults: &'static [PlantedFault],
    names: &[String],
) -> Result<Vec<&'static PlantedFault>, planted::UnknownFault> {
    names
        .iter()
        .map(|name| planted::find(faults, name))
        .collect()
}

async fn serve(args: Metasheet2) -> Done {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let running = metasheet2::start(Config {
        listen: SocketAddr::new(args.host, args.port),
        database: args.database,
        reset: args.reset,
        jwt_secret: args.jwt_secret.unwrap_or_default(),
        release: args.release,
        version: args.version,
        faults: args.faults.into_iter().collect(),
    })
    .await?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", running.base_url())?;
    out.flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    running.stop().await;
    Ok(())
}

async fn serve_profitsentinel(args: Profitsentinel) -> Done {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let folder = args.folder.unwrap_or_default();
    std::fs::create_dir_all(&folder)?;
    if std::fs::read_dir(&folder)?.next().is_some() {
        return Err(format!("{} is not empty", folder.display()).into());
    }
    let folder = std::path::absolute(folder)?;
    let faults: profitsentinel::Faults = args.faults.into_iter().collect();
    let engine = ContainerEngine::start()?;
    let running = profitsentinel::start(profitsentinel::Config {
        listen: SocketAddr::new(args.host, args.port),
        listen_front: SocketAddr::new(args.host, args.front_port),
        dev_mode: args.dev_mode,
        faults: faults.clone(),
        ..profitsentinel::Config::new(&folder)
    })
    .await?;
    let delivered = folder.join("delivered");
    profitsentinel::deliver(&delivered, &faults)?;
    let project = "profitsentinel-staging";
    profitsentinel::deploy(&engine, project, running.addr().port(), &faults)?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", running.base_url())?;
    writeln!(
        out,
        "-i base_url={} -i front_url={} -i ca={} -i source={} -i engine={}",
        running.base_url(),
        running.front_url(),
        running.ca().display(),
        delivered.display(),
        engine.url()
    )?;
    out.flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    running.stop().await;
    Ok(())
}
