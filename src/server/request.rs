//! A request: one log span, the front end that its address belongs to, who asks there, the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::header::{ACCEPT_LANGUAGE, CONNECTION, HOST, HeaderValue, USER_AGENT, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, StatusCode, Version};
use tracing::Instrument as _;

use super::auth::LoginOutcome;
use super::connection_slot::ActiveRequest;
use super::forwarded::Client;
use super::login::{LoginChallenge, LoginMethod};
use super::mount::{FrontEnd, LoginFrontEnd, ServePage, front_of, is_known, moved, to_https};
use super::response_body::Outgoing;
use super::{Server, browser, http2, request_body};
use crate::exchange::{Body, Exchange, Incoming, OpenExchange, Response};
use crate::front::answer::{bare, refusal_answer, without_body};
use crate::front::page::{self, Frame};
use crate::message::{self, Language};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Refusal};
use crate::model::method::Method;
use crate::model::path::logged;
use crate::tree::authentication::LoginOrigin;
use crate::tree::{Panicked, RunToCompletion, caught};
use crate::wire::header::text;

/// RFC 7616 section 3.5.
const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// A request that nothing speaks against so far.
struct PendingRequest<'a> {
    head: Parts,
    body: Incoming,
    arrived: Instant,
    client: Client,
    language: Language,
    active: &'a ActiveRequest,
}

impl Server {
    /// One request; a panic in it is a failure like any other.
    pub(super) async fn request(
        self: Arc<Self>,
        request: http::Request<hyper::body::Incoming>,
        peer: SocketAddr,
        active: ActiveRequest,
        crowded: bool,
    ) -> http::Response<Outgoing> {
        let arrived = Instant::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let (version, headless) = (head.version, head.method == http::Method::HEAD);
        let (body, rest, mut refused) = request_body::take(body, version, &head.headers);
        if version == Version::HTTP_2 && head.headers.contains_key(http2::CUT) {
            refused = Some(Condition::AddressWithQuery);
        }
        refused = if crowded { Some(Condition::Busy) } else { refused };
        let client = Client::of(&head.headers, peer.ip(), &self.config.server.trusted_proxies);
        let span = tracing::info_span!(
            "request",
            number,
            method = %head.method,
            path = logged(head.uri.path(), is_known),
            address = %client.address,
            actor = tracing::field::Empty,
        );
        let language = Language::prefer(&text(&head.headers, ACCEPT_LANGUAGE).unwrap_or_default());
        // Made where it is polled: a value of its own would be there twice.
        let result = caught(
            async {
                match refused {
                    Some(condition) => Ok(refusal_answer(&Refusal::of(condition), language)),
                    None => {
                        self.answer(PendingRequest { head, body, arrived, client, language, active: &active }).await
                    }
                }
            }
            .instrument(span.clone()),
        );
        let result = result.await.unwrap_or_else(panicked);
        let mut response = match result {
            Ok(response) => response,
            Err(Error::Refused(refusal)) => refusal_answer(&refusal, language),
            Err(Error::Failed(failure)) => span.in_scope(|| self.failures.answer(&failure, language)),
        };
        if rest.ends_connection() || (response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if crowded {
            // A head is sent at once, and holds nothing.
            *response.body_mut() = Body::Empty;
        }
        if headless {
            without_body(&mut response);
        }
        browser::guard(response.headers_mut(), self.encrypted);
        let milliseconds = arrived.elapsed().as_millis() as u64;
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), milliseconds, "answered"));
        active.answer();
        response.map(|body| Outgoing::new(body, span, active, version))
    }

    async fn answer(&self, asked: PendingRequest<'_>) -> Result<Response, Error> {
        let hosts = asked.head.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && asked.head.version == Version::HTTP_11) {
            let mut response = bare(StatusCode::BAD_REQUEST, Body::Full("One Host header is needed.\n".into()));
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
        match front_of(asked.head.uri.path()) {
            // Boxed, so that the connection does not move it about.
            FrontEnd::Known(front) => Box::pin(self.answer_known(asked, front)).await,
            FrontEnd::Pages(serve) => Box::pin(self.answer_page(asked, *serve)).await,
            FrontEnd::Open(serve) => serve(self, &asked.head, &asked.client, asked.active.budget()).await,
            FrontEnd::Moved(to) => Ok(moved(HeaderValue::from_static(to))),
        }
    }

    /// Hands a request on to pages that are open to whoever knows their address. A form is sent by its own page, and
    /// what it changes is changed to its end.
    async fn answer_page(&self, asked: PendingRequest<'_>, serve: ServePage) -> Result<Response, Error> {
        let PendingRequest { head, body, client, active, .. } = asked;
        let frame = Frame::of(&head);
        let reads = matches!(head.method, http::Method::GET | http::Method::HEAD);
        if let Some(elsewhere) = to_https(self, &head, &client).filter(|_| reads) {
            return elsewhere.await;
        }
        let own = || self.authorities(&head, &client);
        if !reads && browser::is_from_elsewhere(&head.headers, own, self.tls.is_some()) {
            return page::refusal(&frame, &Refusal::of(Condition::ForeignOrigin));
        }
        let work = serve(self, OpenExchange { head, body, budget: active.budget().clone() });
        let answered = if reads {
            work.await
        } else {
            active.keep();
            RunToCompletion::of(work).await.unwrap_or_else(panicked)
        };
        match answered {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND && self.guesses.is_one_too_many(client.address) => {
                page::refusal(&frame, &Refusal::of(Condition::TooManyLogins))
            }
            answered => answered,
        }
    }

    /// Finds out who asks, and hands the request on.
    async fn answer_known(&self, asked: PendingRequest<'_>, front: &LoginFrontEnd) -> Result<Response, Error> {
        let PendingRequest { head, body, arrived, client, language, active } = asked;
        let writes = Method::parse(head.method.as_str()).is_some_and(Method::writes);
        if writes && browser::is_foreign(&head.headers, || self.authorities(&head, &client), self.tls.is_some()) {
            return Err(Condition::ForeignOrigin.into());
        }
        let login = match front.by.iter().find_map(|method| (method.read)(&head)) {
            Some(proof) => {
                let program = text(&head.headers, USER_AGENT).unwrap_or_default();
                let from = LoginOrigin { address: client.address, program: &program };
                self.authenticator.log_in(&self.tree, &proof, &head, from).await?
            }
            None => LoginOutcome::Refused(LoginChallenge::Any),
        };
        let (actor, shown) = match login {
            LoginOutcome::Known(actor, shown) => (actor, shown),
            LoginOutcome::Refused(challenge) => return self.challenge(front.by, challenge, language),
        };
        tracing::Span::current().record("actor", actor.name.as_str());
        let budget = active.budget().clone();
        budget.belongs_to(actor.id)?;
        let named = head.headers.contains_key("destination");
        let authorities = if named { self.authorities(&head, &client) } else { Vec::new() };
        let server = if head.method == http::Method::POST { self.own_url(&head, &client) } else { String::new() };
        let limits = (front.limits)(&self.config.server);
        let exchange = Exchange { head, body, actor, arrived, authorities, server, language, limits, budget };
        let work = (front.serve)(self, exchange);
        let answered = if writes {
            // Nothing is cut off in the middle, nor left undone, because whoever asked for it has gone.
            active.keep();
            RunToCompletion::of(work).await.unwrap_or_else(panicked)
        } else {
            work.await
        };
        match answered {
            // The log-in has ended while the body came.
            Err(Error::Refused(refusal)) if refusal.condition == Condition::Unauthenticated => {
                self.challenge(front.by, LoginChallenge::Any, language)
            }
            answered => answered.map(|mut response| {
                let shown = shown.and_then(|shown| HeaderValue::from_str(&shown).ok());
                response.headers_mut().extend(shown.map(|shown| (AUTHENTICATION_INFO, shown)));
                response
            }),
        }
    }

    /// 401: one is to log in, by one of these methods.
    fn challenge(&self, by: &[&LoginMethod], challenge: LoginChallenge, language: Language) -> Result<Response, Error> {
        let sentence = message::text(language, "unauthorized", &[]);
        let mut response = bare(StatusCode::UNAUTHORIZED, Body::Full(format!("{sentence}\n").into()));
        for line in self.authenticator.challenges(by, challenge)? {
            response.headers_mut().extend(HeaderValue::from_str(&line).ok().map(|line| (WWW_AUTHENTICATE, line)));
        }
        Ok(response)
    }

    /// How this server is reached: by its settings, or as this client has.
    fn own_url(&self, head: &Parts, client: &Client) -> String {
        if let Some(url) = &self.config.server.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let is_https = client.scheme.as_deref().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let scheme = if is_https || self.tls.is_some() { "https" } else { "http" };
        let host = client.host.clone().or_else(|| self.authorities(head, client).into_iter().next());
        format!("{scheme}://{}", host.unwrap_or_default())
    }

    /// Hosts by which the client may know us.
    fn authorities(&self, head: &Parts, client: &Client) -> Vec<String> {
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
