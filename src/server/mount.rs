//! MOUNTS: which front end answers at which address, by which methods one logs in there, and what it may take.

use std::future::Future;
use std::pin::Pin;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};

use super::Server;
use super::forwarded::Client;
use super::login::{BASIC, DIGEST, LoginMethod};
use crate::config::ServerConfig;
use crate::exchange::{Body, Exchange, Limits, OpenExchange, Response};
use crate::front::answer::bare;
use crate::front::answer_page;
use crate::front::attachment;
use crate::front::dav;
use crate::front::feed::{self, FeedRange};
use crate::front::freebusy;
use crate::front::page::assets::{self, ASSETS};
use crate::front::timezones;
use crate::model::budget::Budget;
use crate::model::error::Result;
use crate::model::path::{ANSWER, ATTACHMENTS, FEEDS, FREEBUSY, TIMEZONES, secret_of};
use crate::tree::target::ROOTS;

/// An answer that is being made. Boxed, so that other requests do not carry it about.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// Answers with pages.
pub(super) type ServePage = fn(&Server, OpenExchange) -> Answering<'static>;

/// Which addresses a row is for.
enum At {
    /// This one.
    Exactly(&'static str),
    /// This one and all below it.
    Below(&'static str),
    /// What hides below this first segment, however it is spelled.
    Secret(&'static str),
}

/// What answers.
pub(super) enum FrontEnd {
    /// A front end for those who have logged in.
    Known(LoginFrontEnd),
    /// A front end for whoever knows the address; it takes no body.
    Open(for<'a> fn(&'a Server, &'a Parts, &'a Client, &'a Budget) -> Answering<'a>),
    /// Pages for whoever knows the address, with forms to fill in.
    Pages(ServePage),
    /// It has moved there for good.
    Moved(&'static str),
}

/// A front end for those who have logged in.
pub(super) struct LoginFrontEnd {
    /// The methods by which one logs in.
    pub by: &'static [&'static LoginMethod],
    /// What it may take of a request.
    pub limits: fn(&ServerConfig) -> Limits,
    /// Answers a request.
    pub serve: fn(&Server, Exchange) -> Answering<'static>,
}

struct Mount {
    at: At,
    front: FrontEnd,
}

/// The first row that is for an address counts.
static MOUNTS: [Mount; 11] = [
    Mount {
        at: At::Below("/attachments/own"),
        front: FrontEnd::Known(LoginFrontEnd {
            by: &[&BASIC, &DIGEST],
            limits: |_| Limits::NO_BODY,
            serve: |server, exchange| Box::pin(attachment::serve_login(server.tree.clone(), exchange)),
        }),
    },
    Mount { at: At::Secret(ATTACHMENTS), front: FrontEnd::Open(attachments) },
    Mount { at: At::Secret(FEEDS), front: FrontEnd::Open(feeds) },
    Mount { at: At::Secret(FREEBUSY), front: FrontEnd::Open(free_busy) },
    Mount { at: At::Secret(ANSWER), front: FrontEnd::Pages(answers) },
    Mount { at: At::Below(ASSETS), front: FrontEnd::Open(assets) },
    Mount { at: At::Exactly("/health"), front: FrontEnd::Open(health) },
    Mount { at: At::Exactly("/.well-known/caldav"), front: FrontEnd::Moved("/") },
    Mount { at: At::Exactly("/.well-known/carddav"), front: FrontEnd::Moved("/") },
    Mount { at: At::Exactly("/.well-known/timezone"), front: FrontEnd::Moved(TIMEZONES) },
    Mount {
        at: At::Below(TIMEZONES),
        front: FrontEnd::Known(LoginFrontEnd {
            by: &[&BASIC, &DIGEST],
            limits: |_| Limits::NO_BODY,
            serve: |server, exchange| Box::pin(timezones::serve(server.tree.clone(), exchange)),
        }),
    },
];

/// What answers everywhere else: the tree.
static TREE: FrontEnd = FrontEnd::Known(LoginFrontEnd {
    by: &[&BASIC, &DIGEST],
    limits: |settings| Limits { max_body_bytes: settings.max_document_bytes, body_idle_s: settings.idle_timeout_s },
    serve: |server, exchange| Box::pin(dav::serve(server.tree.clone(), exchange)),
});

/// What answers at an address.
pub(super) fn front_of(path: &str) -> &'static FrontEnd {
    let secret = secret_of(path);
    let row = MOUNTS.iter().find(|row| match row.at {
        At::Exactly(at) => path == at,
        At::Below(top) => path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        At::Secret(first) => secret == Some(first),
    });
    row.map_or(&TREE, |row| &row.front)
}

/// Does an address begin so that the server knows what it is of?
pub(super) fn is_known(first: &str) -> bool {
    let mounted = MOUNTS.iter().any(|row| match row.at {
        At::Exactly(at) | At::Below(at) => at.split('/').nth(1) == Some(first),
        At::Secret(_) => false,
    });
    mounted || ROOTS.iter().any(|(root, ..)| *root == first)
}

fn health<'a>(_: &'a Server, _: &'a Parts, _: &'a Client, _: &'a Budget) -> Answering<'a> {
    Box::pin(async { Ok(bare(StatusCode::OK, Body::Full("ok\n".into()))) })
}

fn answers(server: &Server, exchange: OpenExchange) -> Answering<'static> {
    Box::pin(answer_page::serve(server.tree.clone(), exchange, server.config.server.public_url.clone()))
}

fn assets<'a>(_: &'a Server, head: &'a Parts, _: &'a Client, _: &'a Budget) -> Answering<'a> {
    Box::pin(async { assets::serve(head) })
}

fn feeds<'a>(server: &'a Server, head: &'a Parts, client: &'a Client, budget: &'a Budget) -> Answering<'a> {
    let settings = &server.config.feeds;
    let reach = FeedRange { past_days: settings.past_days, future_days: settings.future_days };
    to_https(server, head, client).unwrap_or_else(|| Box::pin(feed::serve(&server.tree, head, reach, budget)))
}

fn free_busy<'a>(server: &'a Server, head: &'a Parts, client: &'a Client, budget: &'a Budget) -> Answering<'a> {
    to_https(server, head, client).unwrap_or_else(|| Box::pin(freebusy::serve(&server.tree, head, budget)))
}

fn attachments<'a>(server: &'a Server, head: &'a Parts, client: &'a Client, budget: &'a Budget) -> Answering<'a> {
    let days = server.config.meetings.links_days;
    to_https(server, head, client).unwrap_or_else(|| Box::pin(attachment::serve(&server.tree, head, days, budget)))
}

/// Where a secret came in the clear, the way to the address by https.
pub(super) fn to_https<'a>(server: &Server, head: &Parts, client: &Client) -> Option<Answering<'a>> {
    let location = encrypted_address(server, head, client)?;
    Some(Box::pin(async move { Ok(moved(location)) }))
}

/// The address by https, where a proxy that is trusted took a request in the clear although clients know us by https:
/// `webcal:` links arrive so.
fn encrypted_address(server: &Server, head: &Parts, client: &Client) -> Option<HeaderValue> {
    let url = server.config.server.public_url.as_deref().filter(|url| url.starts_with("https://"))?;
    client.scheme.as_deref().filter(|scheme| scheme.eq_ignore_ascii_case("http"))?;
    let address = head.uri.path_and_query().map_or(head.uri.path(), PathAndQuery::as_str);
    HeaderValue::from_str(&format!("{}{address}", url.trim_end_matches('/'))).ok()
}

/// 301.
pub(super) fn moved(to: HeaderValue) -> Response {
    let mut response = bare(StatusCode::MOVED_PERMANENTLY, Body::Empty);
    response.headers_mut().insert(http::header::LOCATION, to);
    response
}

#[cfg(test)]
mod tests {
    use super::{At, FrontEnd, MOUNTS, TREE, front_of};

    fn what(front: &FrontEnd) -> (bool, Option<&'static str>) {
        match front {
            FrontEnd::Known(known) => (known.by.is_empty(), None),
            FrontEnd::Open(_) | FrontEnd::Pages(_) => (true, None),
            FrontEnd::Moved(to) => (true, Some(to)),
        }
    }

    #[test]
    fn an_address_has_one_front_end() {
        for (path, open, moved) in [
            ("/", false, None),
            ("/files/a", false, None),
            ("/healthy", false, None),
            ("/health/x", false, None),
            ("/health", true, None),
            ("/.well-known/caldav", true, Some("/")),
            ("/.well-known/caldav/", false, None),
            ("/.well-known/timezone", true, Some("/timezones")),
            ("/feeds/x/y.ics", true, None),
            ("/FEEDS", true, None),
            ("/freebusy/x/a@b.ifb", true, None),
            ("/answer/x", true, None),
            ("/assets/style.css", true, None),
            ("/assetsx", false, None),
            ("/attachments/00/a.pdf", true, None),
            ("/attachments/own/00/a.pdf", false, None),
            ("/files/freebusy", false, None),
            ("//%66eeds/x", true, None),
            ("/files/feeds", false, None),
            ("/timezones", false, None),
            ("/timezones/zones", false, None),
            ("*", false, None),
        ] {
            assert_eq!(what(front_of(path)), (open, moved), "{path}");
        }
        let mounted = |path: &str| !std::ptr::eq(front_of(path), &TREE);
        assert!(mounted("/timezones/") && !mounted("/timezonesx"));
    }

    #[test]
    fn nobody_comes_in_without_a_method_and_no_row_hides_another() {
        for (number, row) in MOUNTS.iter().enumerate() {
            assert!(!matches!(&row.front, FrontEnd::Known(known) if known.by.is_empty()));
            let address = match row.at {
                At::Exactly(at) | At::Below(at) => at.to_owned(),
                At::Secret(first) => format!("/{first}/x"),
            };
            assert!(std::ptr::eq(front_of(&address), &row.front), "row {number} is hidden");
        }
    }
}
