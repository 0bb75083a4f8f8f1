//! Starting and stopping: the tree, the listeners, the jobs between.

use std::future::Future;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::config::{Config, LogConfig, StoreConfig};
use crate::mail::incoming;
use crate::mail::lmtp::Lmtp;
use crate::mail::outgoing::MailOffice;
use crate::server::Server;
use crate::tree::Tree;
use crate::tree::job::mail::MAIL_JOBS;
use crate::tree::job::{JOBS, JobRow};

/// How often what is kept of past requests is forgotten, and room is set aside.
const TIDY_EVERY: Duration = Duration::from_secs(300);

/// A server whose listeners are open.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// What it does besides, once whatever the number of servers.
    pub jobs: &'static [JobRow],
    server: Arc<Server>,
    tree: Tree,
    listeners: Vec<TcpListener>,
    mail: Mail,
}

/// What a server has to do with mail.
struct Mail {
    sends: bool,
    lmtp: Option<Lmtp>,
}

impl Mail {
    async fn open(tree: &Tree, config: &Config) -> anyhow::Result<Self> {
        let policy = incoming::policy(&config.mail).filter(|_| !config.mail.lmtp.is_empty());
        let lmtp = match policy {
            Some(policy) => {
                let domain = policy.domain.clone();
                Some(Lmtp::open(&config.mail.lmtp, domain, incoming::taker(tree.clone(), policy)).await?)
            }
            None => None,
        };
        let mut mail = Self { sends: false, lmtp };
        if let Some(office) = MailOffice::of(&config.mail, config.server.public_url.clone())? {
            mail.send_by(tree, office);
        }
        Ok(mail)
    }

    fn send_by(&mut self, tree: &Tree, office: MailOffice) {
        tree.set_mailer(Arc::new(office));
        tree.on_mail_outcome(|tree, outcomes| Box::pin(async move { tree.show_mail_outcomes(outcomes).await }));
        self.sends = true;
    }

    fn run(self, tree: &Tree, beside: &mut JoinSet<()>) {
        if self.sends {
            let tree = tree.clone();
            beside.spawn(async move { tree.run_jobs(&MAIL_JOBS).await });
        }
        if let Some(lmtp) = self.lmtp {
            beside.spawn(lmtp.serve());
        }
    }
}

impl Running {
    /// Opens the listeners of a tree. A client that connects from now on is answered as soon as [`Running::serve`]
    /// runs.
    pub async fn open(tree: Tree, config: Config) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        for address in &config.server.listen {
            let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
            listeners.push(listener);
        }
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        let tree = tree.in_mail_domain(config.mail.domain.clone()).reached_at(config.server.public_url.as_deref());
        let digest_key = if config.login.dav_digest { Some(tree.digest_key().await?) } else { None };
        let mail = Mail::open(&tree, &config).await?;
        let server = Arc::new(Server::new(tree.clone(), config, digest_key)?);
        Ok(Self { addresses, scheme: server.scheme(), jobs: &JOBS, server, tree, listeners, mail })
    }

    /// Mail goes out by this office, where the settings name no server for it.
    pub fn send_mail_by(&mut self, office: MailOffice) {
        self.mail.send_by(&self.tree, office);
    }

    /// Serves until `stop` resolves, then drains.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let mut beside = JoinSet::new();
        beside.spawn(tidy(self.tree.clone(), Arc::clone(&self.server)));
        let (tree, jobs) = (self.tree.clone(), self.jobs);
        beside.spawn(async move { tree.run_jobs(jobs).await });
        self.mail.run(&self.tree, &mut beside);
        self.server.serve(self.listeners, stop).await;
        beside.shutdown().await;
        note_calendar_use(&self.tree).await;
        self.tree.close().await;
    }
}

/// What this process does for itself, beside the jobs that are done once whatever the number of processes.
async fn tidy(tree: Tree, server: Arc<Server>) {
    let mut ticks = tokio::time::interval(TIDY_EVERY);
    loop {
        ticks.tick().await;
        server.forget();
        if let Err(error) = tree.set_room_aside().await {
            tracing::warn!(%error, "no room is set aside for when the disk is full");
        }
        note_calendar_use(&tree).await;
    }
}

async fn note_calendar_use(tree: &Tree) {
    if let Err(error) = tree.write_calendar_use().await {
        tracing::warn!(%error, "it is not noted whose programs use their calendars");
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
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter: Targets = config.filter.parse().context("[log] filter")?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_coloured());
    let layer = if config.json { layer.json().boxed() } else { layer.boxed() };
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(layer).with(filter).try_init();
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
    let tree = Tree::open_within(data, config.flush, config.cache_mib.saturating_mul(1 << 20)).await?;
    if tree.tightened() {
        tracing::warn!(data = %data.display(), "others could read the data directory; it is open to its owner alone \
                                                now");
    }
    Ok(tree)
}
