//! Connections: limits, time-outs, graceful stop; and for each request who asks, one log span, one front end.

mod arriving;
pub mod auth;
mod browser;
mod door;
mod failing;
mod forwarded;
mod hpack;
mod http1;
mod http2;
mod outgoing;
mod place;
mod room;
mod socket;
mod streams;
mod tally;
mod tls;
mod turns;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONNECTION, HOST, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use http::{StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tracing::Instrument as _;

use self::auth::{Authenticator, CHALLENGE};
use self::door::Door;
use self::failing::Failing;
use self::forwarded::Client;
use self::outgoing::Outgoing;
use self::place::{UnderWay, Word};
use self::room::{Guest, Room};
use self::socket::Socket;
use self::streams::Streams;
use crate::config::Config;
use crate::exchange::{Body, Exchange, Incoming, Response};
use crate::front::answer::refusal_answer;
use crate::front::dav::{self, Limits};
use crate::front::feed::{self, Reach};
use crate::front::timezones;
use crate::message::{self, Language};
use crate::model::budget::{Allowance, Budget};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Refusal};
use crate::model::method::Method;
use crate::model::path::{FEEDS, TIMEZONES, secret_of};
use crate::tree::{Carried, Panicked, Tree, caught};
use crate::wire::header::text;

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
    failing: Failing,
    /// Do clients reach us by https?
    encrypted: bool,
}

impl Server {
    /// A server of this tree.
    pub fn new(tree: Tree, config: Config) -> anyhow::Result<Self> {
        let authenticator = Authenticator::new(config.login.dav_account_password)?;
        let tls = tls::acceptor(&config.tls)?;
        let public = config.server.public_url.as_deref();
        let encrypted = tls.is_some() || public.is_some_and(|url| url.starts_with("https://"));
        let (requests, allowance, streams) = (AtomicU64::new(0), Allowance::default(), Arc::default());
        Ok(Self { tree, config, authenticator, tls, requests, allowance, streams, failing: Failing::new(), encrypted })
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
        let most = door::room(self.config.server.max_connections);
        let room = Room::new(most, self.head_timeout(), self.idle_timeout());
        let watching = Arc::clone(&room);
        let mut working = vec![tokio::spawn(async move { watching.watch().await })];
        working.extend(listeners.into_iter().map(|listener| {
            let (server, room) = (Arc::clone(&self), Arc::clone(&room));
            tokio::spawn(async move { server.accept(listener, room).await })
        }));
        stop.await;
        for task in &working {
            task.abort();
        }
        for task in working {
            let _ = task.await;
        }
        let drain = Duration::from_secs(self.config.server.drain_timeout_s);
        if tokio::time::timeout(drain, room.close()).await.is_err() {
            tracing::warn!("stopped although requests were still under way");
        }
    }

    fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.config.server.head_timeout_s)
    }

    fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.config.server.idle_timeout_s)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, room: Arc<Room>) {
        let mut door = Door::new(self.tls.is_none());
        loop {
            let (stream, address) = door.next(&listener, || room.make_way()).await;
            let trusted = forwarded::is_trusted(address.ip(), &self.config.server.trusted_proxies);
            match room.enter(address.ip(), trusted).await {
                Some(guest) => drop(tokio::spawn(Arc::clone(&self).connection(stream, address, guest))),
                None => door.turn_away(stream),
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, guest: Guest) {
        let _ = stream.set_nodelay(true);
        let (place, idle) = (Arc::clone(&guest.place), self.idle_timeout());
        match self.tls.clone() {
            None => self.http(Socket::new(stream, place, idle), address, &guest).await,
            Some(tls) => {
                let shaken = tokio::time::timeout(HANDSHAKE.min(self.head_timeout()), tls.accept(stream));
                let stream = tokio::select! {
                    shaken = shaken => match shaken {
                        Ok(Ok(stream)) => stream,
                        _ => return,
                    },
                    () = guest.place.told() => return,
                };
                place.moved();
                Box::pin(self.http(Socket::new(stream, place, idle), address, &guest)).await;
            }
        }
    }

    async fn http<S>(self: Arc<Self>, socket: Socket<S>, address: SocketAddr, guest: &Guest)
    where
        Socket<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        // The time for a head is looked after by the room.
        builder.http1().max_buf_size(MAX_HEAD_BYTES * 2).max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.head_timeout())
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(MAX_SEND_BYTES)
            .max_header_list_size(MAX_HEAD_BYTES as u32);
        let place = Arc::clone(&guest.place);
        let service = hyper::service::service_fn(move |request| {
            let beside = place.is_busy().then(|| self.streams.begin(place.origin));
            let crowded = matches!(beside, Some(None));
            let mut under_way = place.begin(Budget::of(&self.allowance));
            under_way.beside = beside.flatten();
            let server = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(server.request(request, address, under_way, crowded).await) }
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
        let mut told = Word::Stay;
        // When who gives way has had its time to show that a request was coming, and when it has been told of the end.
        let (mut last, mut ending) = (pin!(None), false);
        let ended = poll_fn(|cx| {
            let word = guest.place.word(cx);
            if word != told {
                told = word;
                if word >= Word::GiveWay {
                    last.set(Some(tokio::time::sleep(LEAVE)));
                } else {
                    connection.as_mut().graceful_shutdown();
                }
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            if told == Word::GiveWay && !ending && guest.place.is_busy() {
                guest.stay();
                told = Word::Stay;
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

    /// One request; a panic in it is a failure like any other.
    async fn request(
        self: Arc<Self>,
        request: http::Request<hyper::body::Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
        crowded: bool,
    ) -> http::Response<Outgoing> {
        let started = Instant::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let version = head.version;
        let (body, rest, mut refused) = arriving::take(body, version, &head.headers);
        if version == Version::HTTP_2 && head.headers.contains_key(http2::CUT) {
            refused = Some(Condition::AddressWithQuery);
        }
        if crowded {
            refused = Some(Condition::Busy);
        }
        let client = Client::of(&head.headers, peer.ip(), &self.config.server.trusted_proxies);
        let span = tracing::info_span!(
            "request",
            number,
            method = %head.method,
            path = secret_of(head.uri.path()).unwrap_or(head.uri.path()),
            address = %client.address,
            actor = tracing::field::Empty,
        );
        let language = Language::prefer(&text(&head.headers, ACCEPT_LANGUAGE).unwrap_or_default());
        let work = async {
            match refused {
                Some(condition) => Ok(refusal_answer(&Refusal::of(condition), language)),
                None => self.answer(head, body, client, language, &under_way).await,
            }
        };
        let result = caught(work.instrument(span.clone())).await.unwrap_or_else(panicked);
        let mut response = match result {
            Ok(response) => response,
            Err(Error::Refused(refusal)) => refusal_answer(&refusal, language),
            Err(Error::Failed(failure)) => span.in_scope(|| self.failing.answer(&failure, language)),
        };
        if rest.ends_connection() || (response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if crowded {
            // A head is sent at once, and holds nothing.
            *response.body_mut() = Body::Empty;
        }
        browser::guard(response.headers_mut(), self.encrypted);
        let milliseconds = started.elapsed().as_millis() as u64;
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), milliseconds, "answered"));
        under_way.answer();
        response.map(|body| Outgoing::new(body, span, under_way, version))
    }

    async fn answer(
        &self,
        head: http::request::Parts,
        body: Incoming,
        client: Client,
        language: Language,
        under_way: &UnderWay,
    ) -> Result<Response, Error> {
        let hosts = head.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
            let mut response = plain(StatusCode::BAD_REQUEST, "One Host header is needed.\n".to_owned());
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
        match head.uri.path() {
            path if secret_of(path) == Some(FEEDS) => {
                if let Some(response) = self.redirect_to_tls(&head, &client) {
                    return Ok(response);
                }
                let reach =
                    Reach { past_days: self.config.feeds.past_days, future_days: self.config.feeds.future_days };
                // Set apart, so that other requests do not carry its room about.
                return Box::pin(feed::serve(&self.tree, &head, reach, language, under_way.budget())).await;
            }
            "/health" => return Ok(plain(StatusCode::OK, "ok\n".to_owned())),
            path @ ("/.well-known/caldav" | "/.well-known/carddav" | "/.well-known/timezone") => {
                let to = if path.ends_with("timezone") { TIMEZONES } else { "/" };
                let mut response = plain(StatusCode::MOVED_PERMANENTLY, String::new());
                response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
                return Ok(response);
            }
            _ => {}
        }
        let writes = Method::parse(head.method.as_str()).is_some_and(Method::writes);
        if writes && browser::is_foreign(&head.headers, || self.authorities(&head, &client), self.tls.is_some()) {
            return Err(Condition::ForeignOrigin.into());
        }
        let seen = self.tree.seen();
        let Some(actor) = self.authenticator.actor(&self.tree, seen, &head.headers, client.address).await? else {
            let sentence = message::text(language, "unauthorized", &[]);
            let mut response = plain(StatusCode::UNAUTHORIZED, format!("{sentence}\n"));
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            return Ok(response);
        };
        tracing::Span::current().record("actor", actor.name.as_str());
        under_way.budget().belongs_to(actor.id)?;
        if timezones::is_asked(head.uri.path()) {
            return Box::pin(timezones::serve(&self.tree, &head, actor.id, under_way.budget())).await;
        }
        let named = head.headers.contains_key("destination");
        let authorities = if named { self.authorities(&head, &client) } else { Vec::new() };
        let limits = Limits {
            max_body_bytes: self.config.server.max_document_bytes,
            body_idle_s: self.config.server.idle_timeout_s,
        };
        let budget = under_way.budget().clone();
        let exchange = Exchange { head, body, actor, authorities, seen, language, budget };
        let work = dav::handle(self.tree.clone(), exchange, limits);
        if !writes {
            return Box::pin(work).await;
        }
        // Nothing is cut off in the middle, nor left undone, because whoever asked for it has gone.
        under_way.keep();
        Carried::through(work).await.unwrap_or_else(panicked)
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

    /// Hosts by which the client may know us.
    fn authorities(&self, head: &http::request::Parts, client: &Client) -> Vec<String> {
        let mut known: Vec<String> = text(&head.headers, HOST).into_iter().collect();
        known.extend(head.uri.authority().map(ToString::to_string));
        if let Some(url) = &self.config.server.public_url {
            known.extend(url.split("://").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned));
        }
        known.extend(client.host.clone());
        known
    }
}

fn panicked<T>(died: Panicked) -> Result<T, Error> {
    Err(Error::Failed(Failure::new("answering a request", died)))
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = http::Response::new(if text.is_empty() { Body::Empty } else { Body::Full(Bytes::from(text)) });
    *response.status_mut() = status;
    response
}
