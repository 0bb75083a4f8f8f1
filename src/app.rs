//! Starting and stopping: the tree, the listeners, the jobs between.

use std::future::Future;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::config::{Config, LogConfig, StoreConfig};
use crate::model::id::now;
use crate::server::Server;
use crate::tree::Tree;
use crate::tree::retention::Tended;

/// How often lapsed sessions are ended and what is not to be kept goes.
const TEND_EVERY: Duration = Duration::from_secs(300);
/// How often bodies that nothing names are swept: all rows are read for it.
const SWEEP_EVERY: Duration = Duration::from_secs(86_400);

/// A server whose listeners are open.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// `http` or `https`.
    pub scheme: &'static str,
    server: Arc<Server>,
    tree: Tree,
    listeners: Vec<TcpListener>,
}

impl Running {
    /// Opens the listeners of a tree. A client that connects from now on is answered as soon as [`Running::serve`] runs.
    pub async fn open(tree: Tree, config: Config) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        for address in &config.server.listen {
            let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
            listeners.push(listener);
        }
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let server = Arc::new(Server::new(tree.clone(), config)?);
        Ok(Self { addresses, scheme: server.scheme(), server, tree, listeners })
    }

    /// Serves until `stop` resolves, then drains.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let jobs = tokio::spawn(jobs(self.tree.clone(), Arc::clone(&self.server)));
        self.server.serve(self.listeners, stop).await;
        jobs.abort();
        let _ = jobs.await;
        self.tree.close().await;
    }
}

async fn jobs(tree: Tree, server: Arc<Server>) {
    let mut ticks = tokio::time::interval(TEND_EVERY);
    let mut swept_at: Option<Instant> = None;
    loop {
        ticks.tick().await;
        server.forget();
        if let Err(error) = tree.set_room_aside().await {
            tracing::warn!(%error, "no room is set aside for when the disk is full");
        }
        match tree.tend(now()).await {
            Ok(done) if done == Tended::default() => {}
            Ok(done) => tracing::info!(?done, "what was not to be kept is gone"),
            Err(failure) => tracing::error!(%failure, "tending the past failed"),
        }
        if swept_at.is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
            continue;
        }
        swept_at = Some(Instant::now());
        match tree.sweep().await {
            Ok(0) => {}
            Ok(swept) => tracing::info!(swept, "unnamed bodies were removed"),
            Err(failure) => tracing::error!(%failure, "the sweep of unnamed bodies failed"),
        }
    }
}

/// Resolves on SIGTERM or SIGINT.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Starts logging to standard error.
pub fn start_logging(config: &LogConfig) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.filter).context("[log] filter")?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_coloured());
    // A second start in one process (tests) keeps the first.
    let _ = if config.json { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}

/// Colours are for eyes: on a terminal whose owner does not refuse them (<https://no-color.org>), never in a file.
fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Opens the tree of a data directory.
pub async fn open_tree(data: &Path, config: &StoreConfig) -> anyhow::Result<Tree> {
    if !config.flush {
        tracing::warn!("[store] flush is off: what is acknowledged may be lost when the power fails");
    }
    let tree = Tree::open(data, config.flush).await?;
    if tree.tightened() {
        tracing::warn!(data = %data.display(), "others could read the data directory; it is open to its owner alone now");
    }
    Ok(tree)
}
