//! Connections: limits, time-outs, graceful stop. What becomes of their requests: `request`.

mod acceptor;
mod auth;
mod browser;
mod connection_limit;
mod connection_slot;
mod failure_log;
mod forwarded;
mod guesses;
mod hpack;
mod http1;
mod http2;
mod login;
mod login_queue;
mod mount;
mod nonce;
mod request;
mod request_body;
mod response_body;
mod socket;
mod streams;
mod tally;
#[cfg(test)]
mod tests;
mod tls;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};

use self::acceptor::Acceptor;
use self::auth::Authenticator;
use self::connection_limit::{ConnectionLimit, ConnectionPermit};
use self::connection_slot::Signal;
use self::failure_log::FailureLog;
use self::guesses::Guesses;
use self::nonce::Nonces;
use self::socket::Socket;
use self::streams::Streams;
use crate::config::Config;
use crate::model::budget::{Allowance, Budget};
use crate::tree::Tree;

/// The most header lines of a request, and the most bytes of all of them.
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;
/// What waits to be sent on a stream of HTTP/2.
const MAX_SEND_BYTES: usize = 64 * 1024;
/// Time for whoever gives way to show that a request was coming, and as much to take leave.
const LEAVE: Duration = Duration::from_millis(100);
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// What every connection shares.
pub struct Server {
    tree: Tree,
    config: Config,
    authenticator: Authenticator,
    tls: Option<tokio_rustls::TlsAcceptor>,
    requests: AtomicU64,
    allowance: Allowance,
    streams: Arc<Streams>,
    failures: FailureLog,
    guesses: Guesses,
    /// Do clients reach us by https?
    encrypted: bool,
}

impl Server {
    /// A server of this tree. With a key for nonces one may log in by HTTP Digest.
    pub fn new(tree: Tree, config: Config, digest_key: Option<[u8; 32]>) -> anyhow::Result<Self> {
        let authenticator = Authenticator::new(config.login.dav_account_password, digest_key.map(Nonces::new))?;
        let tls = tls::acceptor(&config.tls)?;
        let public = config.server.public_url.as_deref();
        let encrypted = tls.is_some() || public.is_some_and(|url| url.starts_with("https://"));
        let (requests, allowance, streams) = (AtomicU64::new(0), Allowance::default(), Arc::default());
        Ok(Self {
            tree,
            config,
            authenticator,
            tls,
            requests,
            allowance,
            streams,
            failures: FailureLog::new(),
            guesses: Guesses::new(),
            encrypted,
        })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Lets go of what calmed-down log-ins hold; to be called now and then.
    pub fn forget(&self) {
        self.authenticator.forget();
        self.guesses.forget();
    }

    /// Serves until `stop` resolves, then lets requests finish, for as long as the settings allow.
    pub async fn serve(self: Arc<Self>, listeners: Vec<TcpListener>, stop: impl Future<Output = ()>) {
        let most = acceptor::max_connections(self.config.server.max_connections);
        let limit = ConnectionLimit::new(most, self.head_timeout(), self.idle_timeout());
        let watching = Arc::clone(&limit);
        let mut working = vec![tokio::spawn(async move { watching.watch().await })];
        working.extend(listeners.into_iter().map(|listener| {
            let (server, limit) = (Arc::clone(&self), Arc::clone(&limit));
            tokio::spawn(async move { server.accept(listener, limit).await })
        }));
        stop.await;
        for task in &working {
            task.abort();
        }
        for task in working {
            let _ = task.await;
        }
        let drain = Duration::from_secs(self.config.server.drain_timeout_s);
        if tokio::time::timeout(drain, limit.close()).await.is_err() {
            tracing::warn!("stopped although requests were still under way");
        }
    }

    fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.config.server.head_timeout_s)
    }

    fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.config.server.idle_timeout_s)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, limit: Arc<ConnectionLimit>) {
        let mut acceptor = Acceptor::new(self.tls.is_none());
        loop {
            let (stream, address) = acceptor.next(&listener, || limit.make_way()).await;
            let trusted = forwarded::is_trusted(address.ip(), &self.config.server.trusted_proxies);
            match limit.enter(address.ip(), trusted).await {
                Some(permit) => drop(tokio::spawn(Arc::clone(&self).connection(stream, address, permit))),
                None => acceptor.turn_away(stream),
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, permit: ConnectionPermit) {
        let _ = stream.set_nodelay(true);
        let (slot, idle) = (Arc::clone(&permit.slot), self.idle_timeout());
        match self.tls.clone() {
            None => self.http(Socket::new(stream, slot, idle), address, &permit).await,
            Some(tls) => {
                let shaken = tokio::time::timeout(HANDSHAKE.min(self.head_timeout()), tls.accept(stream));
                let stream = tokio::select! {
                    shaken = shaken => match shaken {
                        Ok(Ok(stream)) => stream,
                        _ => return,
                    },
                    () = permit.slot.ended() => return,
                };
                slot.moved();
                Box::pin(self.http(Socket::new(stream, slot, idle), address, &permit)).await;
            }
        }
    }

    /// What the HTTP library is sent; the time for a head is looked after by `limit`.
    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().max_buf_size(MAX_HEAD_BYTES * 2).max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.head_timeout())
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(MAX_SEND_BYTES)
            .max_header_list_size(MAX_HEAD_BYTES as u32);
        builder
    }

    async fn http<S>(self: Arc<Self>, socket: Socket<S>, address: SocketAddr, permit: &ConnectionPermit)
    where
        Socket<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let builder = self.builder();
        let slot = Arc::clone(&permit.slot);
        let service = hyper::service::service_fn(move |request| {
            let beside = slot.is_busy().then(|| self.streams.begin(slot.origin));
            let crowded = matches!(beside, Some(None));
            let mut active = slot.begin(Budget::of(&self.allowance));
            active.beside = beside.flatten();
            let server = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(server.request(request, address, active, crowded).await) }
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
        let mut sent = Signal::Stay;
        // When who gives way has had its time to show that a request was coming, and when the signal to end has been
        // sent.
        let (mut last, mut ending) = (pin!(None), false);
        let ended = poll_fn(|cx| {
            let signal = permit.slot.signal(cx);
            if signal != sent {
                sent = signal;
                if signal >= Signal::GiveWay {
                    last.set(Some(tokio::time::sleep(LEAVE)));
                } else {
                    connection.as_mut().graceful_shutdown();
                }
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            if sent == Signal::GiveWay && !ending && permit.slot.is_busy() {
                permit.stay();
                sent = Signal::Stay;
                last.set(None);
            }
            while let Some(over) = last.as_mut().as_pin_mut() {
                ready!(over.poll(cx));
                if ending {
                    return Poll::Ready(Ok(()));
                }
                ending = true;
                connection.as_mut().graceful_shutdown();
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    return Poll::Ready(ended);
                }
                last.set(Some(tokio::time::sleep(LEAVE)));
            }
            Poll::Pending
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
