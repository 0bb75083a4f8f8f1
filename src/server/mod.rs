//! Connections: limits, time-outs, graceful stop; and for each request who asks, one log span, one front end.

mod arriving;
pub mod auth;
mod carried;
mod forwarded;
mod outgoing;
mod socket;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONNECTION, HOST, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use http::{StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use self::auth::{Authenticator, CHALLENGE};
use self::carried::Carried;
use self::forwarded::Client;
use self::outgoing::Outgoing;
use self::socket::Socket;
use crate::config::Config;
use crate::dav::feed::{self, FEEDS, Reach};
use crate::dav::{self, Limits, failure_answer, refusal_answer};
use crate::exchange::{Body, Exchange, Incoming, Response};
use crate::message::{self, Language};
use crate::model::budget::{Allowance, Budget};
use crate::model::error::{Error, Failure, Refusal};
use crate::model::id::Id;
use crate::tree::Tree;
use crate::wire::header::text;

/// The most header lines of a request, and the most bytes of all of them.
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;
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
}

impl Server {
    /// A server of this tree.
    pub fn new(tree: Tree, config: Config) -> anyhow::Result<Self> {
        let authenticator = Authenticator::new(config.login.dav_account_password)?;
        let tls = tls::acceptor(&config.tls)?;
        Ok(Self { tree, config, authenticator, tls, requests: AtomicU64::new(0), allowance: Allowance::default() })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Lets go of what calmed-down log-ins hold; to be called now and then.
    pub fn forget(&self) {
        self.authenticator.forget();
    }

    /// Serves until `stop` resolves, then lets requests finish, for as long as the settings allow.
    pub async fn serve(self: Arc<Self>, listeners: Vec<TcpListener>, stop: impl Future<Output = ()>) {
        let graceful = Arc::new(GracefulShutdown::new());
        let room = Arc::new(Semaphore::new(self.config.server.max_connections));
        let accepting: Vec<_> = listeners
            .into_iter()
            .map(|listener| {
                let (server, graceful, room) = (Arc::clone(&self), Arc::clone(&graceful), Arc::clone(&room));
                tokio::spawn(async move { server.accept(listener, graceful, room).await })
            })
            .collect();
        stop.await;
        for task in &accepting {
            task.abort();
        }
        for task in accepting {
            let _ = task.await;
        }
        let drain = Duration::from_secs(self.config.server.drain_timeout_s);
        if let Ok(graceful) = Arc::try_unwrap(graceful)
            && tokio::time::timeout(drain, graceful.shutdown()).await.is_err()
        {
            tracing::warn!("stopped although requests were still under way");
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, graceful: Arc<GracefulShutdown>, room: Arc<Semaphore>) {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, address)) => {
                    let watcher = graceful.watcher();
                    let server = Arc::clone(&self);
                    tokio::spawn(async move {
                        server.connection(stream, address, watcher).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to be given back.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let _ = stream.set_nodelay(true);
        let idle = Duration::from_secs(self.config.server.idle_timeout_s);
        match self.tls.clone() {
            None => self.http(Socket::new(stream, true, idle), address, watcher).await,
            Some(tls) => {
                let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
                let http1 = stream.get_ref().1.alpn_protocol() != Some(b"h2");
                Box::pin(self.http(Socket::new(stream, http1, idle), address, watcher)).await;
            }
        }
    }

    async fn http<S>(
        self: Arc<Self>,
        socket: Socket<S>,
        address: SocketAddr,
        watcher: hyper_util::server::graceful::Watcher,
    ) where
        Socket<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(self.config.server.head_timeout_s))
            .max_buf_size(MAX_HEAD_BYTES * 2)
            .max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(self.config.server.head_timeout_s))
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32);
        let service = hyper::service::service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(server.request(request, address).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(socket), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// One request: it is carried through even when the client goes away, and a panic in it is a failure like any other.
    async fn request(
        self: Arc<Self>,
        request: http::Request<hyper::body::Incoming>,
        peer: SocketAddr,
    ) -> http::Response<Outgoing> {
        let started = Instant::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let version = head.version;
        let (body, rest, refused) = arriving::take(body, version, &head.headers);
        let client = Client::of(&head.headers, peer.ip(), &self.config.server.trusted_proxies);
        let span = tracing::info_span!(
            "request",
            number,
            method = %head.method,
            path = if is_feed(head.uri.path()) { "/feeds/" } else { head.uri.path() },
            address = %client.address,
            actor = tracing::field::Empty,
        );
        let language = Language::prefer(&text(&head.headers, ACCEPT_LANGUAGE).unwrap_or_default());
        let server = Arc::clone(&self);
        let budget = Budget::of(&self.allowance);
        let held = budget.clone();
        let work = async move {
            match refused {
                Some(condition) => Ok(refusal_answer(&Refusal::of(condition), language)),
                None => server.answer(head, body, client, language, budget).await,
            }
        };
        let work = work.instrument(span.clone());
        let ended = Carried::through(work).await;
        let result = ended.unwrap_or_else(|died| Err(Error::Failed(Failure::new("answering a request", died))));
        let mut response = match result {
            Ok(response) => response,
            Err(error) => {
                let id = format!("{:x}", Id::generate().0);
                span.in_scope(|| tracing::error!(id, %error, "a request failed"));
                failure_answer(&id, language)
            }
        };
        if rest.ends_connection() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let milliseconds = started.elapsed().as_millis() as u64;
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), milliseconds, "answered"));
        response.map(|body| Outgoing::new(body, span, held))
    }

    async fn answer(
        &self,
        head: http::request::Parts,
        body: Incoming,
        client: Client,
        language: Language,
        budget: Budget,
    ) -> Result<Response, Error> {
        let hosts = head.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
            let mut response = plain(StatusCode::BAD_REQUEST, "One Host header is needed.\n".to_owned());
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
        match head.uri.path() {
            path if is_feed(path) => {
                if let Some(response) = self.redirect_to_tls(&head, &client) {
                    return Ok(response);
                }
                let reach =
                    Reach { past_days: self.config.feeds.past_days, future_days: self.config.feeds.future_days };
                // Set apart, so that other requests do not carry its room about.
                return Box::pin(feed::serve(&self.tree, &head, reach, language, &budget)).await;
            }
            "/health" => return Ok(plain(StatusCode::OK, "ok\n".to_owned())),
            "/.well-known/caldav" | "/.well-known/carddav" => {
                let mut response = plain(StatusCode::MOVED_PERMANENTLY, String::new());
                response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
                return Ok(response);
            }
            _ => {}
        }
        let seen = self.tree.seen();
        let Some(actor) = self.authenticator.actor(&self.tree, seen, &head.headers, client.address).await? else {
            let sentence = message::text(language, "unauthorized", &[]);
            let mut response = plain(StatusCode::UNAUTHORIZED, format!("{sentence}\n"));
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            return Ok(response);
        };
        tracing::Span::current().record("actor", actor.name.as_str());
        let authorities = self.authorities(&head, client);
        let limits = Limits {
            max_body_bytes: self.config.server.max_document_bytes,
            body_idle_s: self.config.server.idle_timeout_s,
        };
        let exchange = Exchange { head, body, actor, authorities, seen, language, budget };
        dav::handle(self.tree.clone(), exchange, limits).await
    }

    /// Where a proxy that is trusted took a request in the clear, although clients know us by https: `webcal:` links
    /// arrive so.
    fn redirect_to_tls(&self, head: &http::request::Parts, client: &Client) -> Option<Response> {
        let url = self.config.server.public_url.as_deref().filter(|url| url.starts_with("https://"))?;
        client.scheme.as_deref().filter(|scheme| scheme.eq_ignore_ascii_case("http"))?;
        let location = format!("{}{}", url.trim_end_matches('/'), head.uri.path());
        let mut response = plain(StatusCode::MOVED_PERMANENTLY, String::new());
        response.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).ok()?);
        Some(response)
    }

    /// Hosts by which the client may know us, where it names another address.
    fn authorities(&self, head: &http::request::Parts, client: Client) -> Vec<String> {
        if !head.headers.contains_key("destination") {
            return Vec::new();
        }
        let mut known: Vec<String> = text(&head.headers, HOST).into_iter().collect();
        known.extend(head.uri.authority().map(ToString::to_string));
        if let Some(url) = &self.config.server.public_url {
            known.extend(url.split("://").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned));
        }
        known.extend(client.host);
        known
    }
}

/// Whose path is a secret.
fn is_feed(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.split('/').next()) == Some(FEEDS)
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = http::Response::new(if text.is_empty() { Body::Empty } else { Body::Full(Bytes::from(text)) });
    *response.status_mut() = status;
    response
}
