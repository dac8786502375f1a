//! Commands: parse, then call the library; nothing else.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its caller")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use direct_write::cli;
use direct_write::engine::{Engine, History, UploadLimits, Uploads};
use direct_write::server::config::{Config, Environment};
use direct_write::server::surroundings::surroundings;
use direct_write::server::{self, telemetry};
use direct_write::workspace::{Workspace, WorkspaceConfig};
use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Batches of records are large: glibc's allocator gives each back to the system and faults its pages in again.
#[cfg(all(feature = "local", target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Push events straight into Delta tables, compare the ways of doing it, and run the one you chose.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the page and the API; with the local lakehouse inside when DATABRICKS_HOST is not set (the default).
    Serve,
    /// Run a plan file through its writers; exit code 0 when every threshold held, 1 when not, 2 when it could not start.
    Run(cli::RunArguments),
    /// Put reports side by side: each measure with its change against the first.
    Compare(cli::CompareArguments),
    /// Look at everything a record needs on its way; exit code 0 when all of it works, 1 when something failed, 2 when it could not start.
    Doctor(cli::DoctorArguments),
    /// Serve only the local lakehouse.
    #[cfg(feature = "local")]
    Lakehouse(local::Arguments),
    /// Print shell exports with which another client reaches the local lakehouse: eval "$(direct-write env)".
    #[cfg(feature = "local")]
    Env,
}

/// How long writers have to close when a command has ended.
const CLOSING: Duration = Duration::from_secs(5);

/// Why the program did not start: one sentence.
struct Refusal(String);

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Two libraries bring two crypto providers; rustls wants to be told which one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await.map(done),
        Command::Run(arguments) => run(arguments).await,
        Command::Compare(arguments) => cli::compare(&arguments).map(ExitCode::from).map_err(Refusal::from),
        Command::Doctor(arguments) => doctor(arguments).await,
        #[cfg(feature = "local")]
        Command::Lakehouse(arguments) => local::serve_only(arguments).await.map(done),
        #[cfg(feature = "local")]
        Command::Env => local::print_exports().map(done),
    };
    match outcome {
        Ok(code) => code,
        Err(Refusal(sentence)) => {
            eprintln!("direct-write: {sentence}");
            ExitCode::from(2)
        }
    }
}

/// Commands that only ever succeed or refuse.
fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

async fn serve() -> Result<(), Refusal> {
    let config = Config::load(&Environment)?;
    let telemetry = telemetry::start();
    let served = serve_configured(config).await;
    telemetry.finish().await;
    served
}

async fn serve_configured(config: Config) -> Result<(), Refusal> {
    let shutdown = stop_signal();
    let listener = bind(config.addr, "DIRECT_WRITE_ADDR").await?;
    match config.workspace.clone() {
        Some(workspace) => {
            announce(&listener)?;
            println!("  Workspace        {}", workspace.url);
            serve_page(listener, &config, workspace, shutdown).await
        }
        None => serve_with_lakehouse(listener, config, shutdown).await,
    }
}

#[cfg(feature = "local")]
async fn serve_with_lakehouse(
    listener: TcpListener,
    config: Config,
    shutdown: CancellationToken,
) -> Result<(), Refusal> {
    let stop_lakehouse = CancellationToken::new();
    let lakehouse = local::start(&config, local::options(&config), stop_lakehouse.clone()).await?;
    announce(&listener)?;
    lakehouse.announce(&config)?;
    let served = serve_page(listener, &config, lakehouse.workspace.clone(), shutdown).await;
    // The lakehouse stops last: submissions under way still need it.
    stop_lakehouse.cancel();
    lakehouse.ended().await?;
    served
}

#[cfg(not(feature = "local"))]
async fn serve_with_lakehouse(_: TcpListener, _: Config, _: CancellationToken) -> Result<(), Refusal> {
    Err(no_lakehouse())
}

#[cfg(not(feature = "local"))]
fn no_lakehouse() -> Refusal {
    let sentence = "this build has no local lakehouse inside: set DATABRICKS_HOST, DATABRICKS_CLIENT_ID and \
                    DATABRICKS_CLIENT_SECRET to name a workspace.";
    Refusal(sentence.to_owned())
}

async fn run(arguments: cli::RunArguments) -> Result<ExitCode, Refusal> {
    let prepared = cli::prepare(&arguments)?;
    let config = Config::load(&Environment)?;
    let telemetry = telemetry::start_for_command();
    let stop = stop_signal();
    let ended = match config.workspace.clone() {
        Some(workspace) => run_in(&config, workspace, prepared, stop).await,
        None => run_with_lakehouse(config, prepared, stop).await,
    };
    telemetry.finish().await;
    ended
}

#[cfg(feature = "local")]
async fn run_with_lakehouse(
    config: Config,
    prepared: cli::Prepared,
    stop: CancellationToken,
) -> Result<ExitCode, Refusal> {
    let stop_lakehouse = CancellationToken::new();
    let lakehouse = local::start(&config, local::options(&config), stop_lakehouse.clone()).await?;
    let ended = run_in(&config, lakehouse.workspace.clone(), prepared, stop).await;
    stop_lakehouse.cancel();
    lakehouse.ended().await?;
    ended
}

#[cfg(not(feature = "local"))]
async fn run_with_lakehouse(_: Config, _: cli::Prepared, _: CancellationToken) -> Result<ExitCode, Refusal> {
    Err(no_lakehouse())
}

async fn run_in(
    config: &Config,
    workspace: WorkspaceConfig,
    prepared: cli::Prepared,
    stop: CancellationToken,
) -> Result<ExitCode, Refusal> {
    let engine = Arc::new(engine(config, workspace).await?);
    let ended = cli::run(&engine, prepared, stop).await;
    engine.drain(CLOSING).await;
    Ok(ended?.into())
}

async fn doctor(arguments: cli::DoctorArguments) -> Result<ExitCode, Refusal> {
    let telemetry = telemetry::start_for_command();
    let examined = match Config::load(&Environment) {
        Ok(config) if config.workspace.is_none() => doctor_with_lakehouse(config, arguments).await,
        Ok(config) => Ok(examine(&config, config.workspace.clone(), &arguments).await),
        // What is wrong with the settings is what the doctor is there to tell.
        Err(error) => Ok(cli::doctor(None, surroundings(&Environment, Err(&error)), &arguments).await.into()),
    };
    telemetry.finish().await;
    examined
}

#[cfg(feature = "local")]
async fn doctor_with_lakehouse(config: Config, arguments: cli::DoctorArguments) -> Result<ExitCode, Refusal> {
    let stop_lakehouse = CancellationToken::new();
    let lakehouse = local::start(&config, local::options(&config), stop_lakehouse.clone()).await?;
    let code = examine(&config, Some(lakehouse.workspace.clone()), &arguments).await;
    stop_lakehouse.cancel();
    lakehouse.ended().await?;
    Ok(code)
}

#[cfg(not(feature = "local"))]
async fn doctor_with_lakehouse(_: Config, _: cli::DoctorArguments) -> Result<ExitCode, Refusal> {
    Err(no_lakehouse())
}

async fn examine(config: &Config, workspace: Option<WorkspaceConfig>, arguments: &cli::DoctorArguments) -> ExitCode {
    let mut around = surroundings(&Environment, Ok(config));
    around.history_problem = History::open(&config.data_dir).await.problem().map(ToString::to_string);
    cli::doctor(workspace, around, arguments).await.into()
}

async fn engine(config: &Config, workspace: WorkspaceConfig) -> Result<Engine, Refusal> {
    let history = History::open(&config.data_dir).await;
    if let Some(problem) = history.problem() {
        eprintln!("direct-write: {problem}");
    }
    let mut around = surroundings(&Environment, Ok(config));
    around.history_problem = history.problem().map(ToString::to_string);
    Ok(Engine::new(Arc::new(Workspace::new(workspace)?)).with_history(history).with_surroundings(around))
}

async fn serve_page(
    listener: TcpListener,
    config: &Config,
    workspace: WorkspaceConfig,
    shutdown: CancellationToken,
) -> Result<(), Refusal> {
    let site = LeptosOptions::builder()
        .output_name("direct-write")
        .site_root(config.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .hash_files(config.hash_files)
        .site_addr(config.addr)
        .build();
    let uploads = Uploads::open(&config.data_dir, UploadLimits::default()).await;
    let engine = Arc::new(engine(config, workspace).await?.with_uploads(uploads));
    Ok(server::run(listener, engine, site, config.edge.clone(), shutdown).await?)
}

fn announce(listener: &TcpListener) -> Result<(), Refusal> {
    println!("\n  Direct Write     http://{}", listener.local_addr()?);
    Ok(())
}

async fn bind(addr: SocketAddr, setting: &str) -> Result<TcpListener, Refusal> {
    TcpListener::bind(addr).await.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
            _ => error.to_string(),
        };
        Refusal(format!("cannot listen on {addr}: {reason}. Set {setting} to another address or stop that program."))
    })
}

/// Is cancelled at SIGTERM and at Ctrl-C.
fn stop_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be watched; the program will end without draining");
                return;
            }
        };
        tokio::select! {
            _ = terminate.recv() => (),
            _ = tokio::signal::ctrl_c() => (),
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    token
}

/// The embedded lakehouse: `main` is the only one that knows it, everybody else meets it as a workspace.
#[cfg(feature = "local")]
mod local {
    use std::path::PathBuf;

    use direct_write::lakehouse::{Lakehouse, LakehouseError, LakehouseOptions, TlsFiles, Weather};
    use direct_write::workspace::Credentials;
    use secrecy::ExposeSecret;
    use tokio::task::JoinHandle;

    use super::*;

    #[derive(clap::Args)]
    pub struct Arguments {
        /// Where to listen; before DIRECT_WRITE_LAKEHOUSE_ADDR.
        #[arg(long)]
        addr: Option<SocketAddr>,
        /// The data folder; before DIRECT_WRITE_DATA_DIR.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Serve with TLS: the PEM files of a certificate and of its key.
        #[arg(long, num_args = 2, value_names = ["CERTIFICATE", "KEY"])]
        tls: Option<Vec<PathBuf>>,
        /// Let faults be switched on at /weather: delays, lost acknowledgements, closed streams, a full disk, a crash.
        #[arg(long)]
        weather: bool,
    }

    /// A lakehouse that serves.
    pub struct Running {
        pub workspace: WorkspaceConfig,
        task: JoinHandle<Result<(), LakehouseError>>,
    }

    impl Running {
        pub fn announce(&self, config: &Config) -> Result<(), Refusal> {
            let data = std::path::absolute(&config.data_dir)?;
            println!(
                "  Local lakehouse  {}  (no DATABRICKS_HOST: Zerobus, SQL, catalog and tokens on this port)",
                self.workspace.url
            );
            println!("  Data             {}", data.display());
            println!("  Credentials      {}\n", data.join("credentials.json").display());
            Ok(())
        }

        /// Waits until everything it had accepted is on disk.
        pub async fn ended(self) -> Result<(), Refusal> {
            Ok(self.task.await??)
        }
    }

    pub async fn start(
        config: &Config,
        options: LakehouseOptions,
        shutdown: CancellationToken,
    ) -> Result<Running, Refusal> {
        let listener = bind(config.lakehouse_addr, "DIRECT_WRITE_LAKEHOUSE_ADDR").await?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let lakehouse = Lakehouse::open(&config.data_dir, options).await?;
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let workspace = workspace_of(lakehouse.credentials(), url, config);
        Ok(Running { workspace, task: tokio::spawn(lakehouse.serve(listener, shutdown)) })
    }

    pub fn options(config: &Config) -> LakehouseOptions {
        let told = config.lakehouse;
        let mut options = LakehouseOptions::default();
        options.store.log.interval = told.commit_interval.unwrap_or(options.store.log.interval);
        options.store.log.segment_bytes = told.segment_bytes.unwrap_or(options.store.log.segment_bytes);
        options.store.log_space = told.log_bytes.unwrap_or(options.store.log_space);
        options.stream_rotation = told.stream_rotation.unwrap_or(options.stream_rotation);
        options
    }

    pub async fn serve_only(arguments: Arguments) -> Result<(), Refusal> {
        let mut config = Config::load(&Environment)?;
        config.lakehouse_addr = arguments.addr.unwrap_or(config.lakehouse_addr);
        config.data_dir = arguments.data.unwrap_or(config.data_dir);
        let mut options = options(&config);
        if arguments.weather {
            options.weather = Weather::changeable();
        }
        if let Some([certificates, key]) = arguments.tls.as_deref() {
            options.tls = Some(TlsFiles { certificates: certificates.clone(), key: key.clone() });
        }
        let telemetry = telemetry::start();
        let running = start(&config, options, stop_signal()).await?;
        running.announce(&config)?;
        let ended = running.ended().await;
        telemetry.finish().await;
        ended
    }

    fn workspace_of(
        credentials: &direct_write::lakehouse::Credentials,
        url: String,
        config: &Config,
    ) -> WorkspaceConfig {
        WorkspaceConfig {
            local: true,
            zerobus_endpoint: Some(url.clone()),
            warehouse_id: Some("local".to_owned()),
            credentials: Some(Credentials {
                client_id: credentials.client_id.clone(),
                client_secret: credentials.client_secret.clone(),
            }),
            default_table: config.default_table.clone(),
            write_volume: config.write_volume.clone(),
            url,
        }
    }

    pub fn print_exports() -> Result<(), Refusal> {
        let config = Config::load(&Environment)?;
        let credentials = direct_write::lakehouse::Credentials::read(&config.data_dir)?;
        let url = format!("http://{}", config.lakehouse_addr);
        println!("export DATABRICKS_HOST={url}");
        println!("export DATABRICKS_CLIENT_ID={}", credentials.client_id);
        println!("export DATABRICKS_CLIENT_SECRET={}", credentials.client_secret.expose_secret());
        println!("export DATABRICKS_WAREHOUSE_ID=local");
        println!("export DIRECT_WRITE_ZEROBUS_ENDPOINT={url}");
        if let Some(volume) = &config.write_volume {
            println!("export DIRECT_WRITE_VOLUME={volume}");
        }
        Ok(())
    }
}
