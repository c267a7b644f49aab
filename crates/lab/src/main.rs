//! `lab`: one of the lab's systems as a process of its own.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use lab::{
    Database,
    metasheet2::{self, Config, Fault},
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
    /// Protection rules over snapshots.
    Metasheet2(Metasheet2),
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

#[tokio::main]
async fn main() -> ExitCode {
    let System::Metasheet2(args) = Cli::parse().system;
    let done = if args.list_faults {
        list_faults()
    } else {
        serve(args).await
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

fn list_faults() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for info in metasheet2::faults() {
        let advisory = if info.blocking { "" } else { " (advisory)" };
        writeln!(
            out,
            "{}\n    {}\n    noticed by {}{advisory}",
            info.name, info.what, info.check
        )?;
    }
    Ok(())
}

async fn serve(args: Metasheet2) -> Result<(), Box<dyn std::error::Error>> {
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
