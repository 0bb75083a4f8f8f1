//! The WebDAV front end: HANDLERS, and the road of every request: read the head, look, take the body, decide, answer.
//!
//! A handler holds no database handle. It holds the tree, whose every entrance passes the gate, and so cannot forget a
//! check.

mod acl;
mod attachment;
mod body;
mod calendar;
mod call;
mod copy_move;
mod delete;
mod get;
mod listing;
mod lock;
mod mkcol;
mod options;
mod outbox;
mod post;
mod principal;
pub mod property;
mod propfind;
mod proppatch;
mod put;
pub mod report;
mod share;
mod version;

use std::future::Future;
use std::pin::Pin;

use http::HeaderMap;

use self::call::Call;
use crate::exchange::{Exchange, Response};
use crate::front::answer::bad_header;
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::method::Method;
use crate::model::path::{Path, PathError};
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::wire::attachment::says_action;
use crate::wire::header;

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

macro_rules! handlers {
    ($($method:ident => $($path:ident)::+),* $(,)?) => {
        [$((Method::$method, |call| Box::pin($($path)::+(call)))),*]
    };
}

/// Which function carries out which method.
static HANDLERS: [(Method, Handler); 18] = handlers![
    Options => options::options,
    Get => get::get,
    Head => get::get,
    Put => put::put,
    Post => post::post,
    Delete => delete::delete,
    Mkcol => mkcol::mkcol,
    Mkcalendar => mkcol::mkcol,
    Copy => copy_move::copy,
    Move => copy_move::relocate,
    Propfind => propfind::propfind,
    Proppatch => proppatch::proppatch,
    Lock => lock::lock,
    Unlock => lock::unlock,
    Report => report::report,
    VersionControl => version::version_control,
    Update => version::update,
    Acl => acl::acl,
];

/// Answers a request. A refusal of a change is sent when what it depends on is on disk.
pub async fn serve(tree: Tree, exchange: Exchange) -> Result<Response> {
    let writers = tree.clone();
    let (handler, call) = prepare(tree, exchange)?;
    let (writes, user) = (call.request.method.writes(), writers.calendar_user(&call.request));
    let result = handler(call).await;
    if let Some(user) = user.filter(|_| result.as_ref().is_ok_and(|response| response.status().as_u16() < 400)) {
        writers.calendar_used(user);
    }
    if writes && matches!(result, Err(Error::Refused(_))) {
        writers.settled().await?;
    }
    result
}

/// Reads the head.
fn prepare(tree: Tree, exchange: Exchange) -> Result<(Handler, Call)> {
    let Exchange { head, body, actor, arrived, authorities, server, language, limits, budget } = exchange;
    let Some(method) = Method::parse(head.method.as_str()) else {
        return Err(Condition::MethodUnknown.into());
    };
    let Some((_, handler)) = HANDLERS.iter().find(|(known, _)| *known == method) else {
        return Err(Condition::MethodUnknown.into());
    };
    // It comes from a client that forgot to escape a name; without it the address would be that of another resource.
    // Questions about that one do no harm, and Office asks them (`?web=1`).
    let query = head.uri.query().map(str::to_owned);
    let action = query.filter(|query| method == Method::Post && says_action(query));
    if method.writes() && head.uri.query().is_some() && action.is_none() {
        return Err(Condition::AddressWithQuery.into());
    }
    // `OPTIONS *` asks of the server as a whole (RFC 9110 section 9.3.7).
    let whole = method == Method::Options && head.uri.path() == "*";
    let path = if whole { Path::root() } else { Path::parse(head.uri.path()).map_err(bad_path)? };
    let destination = match method {
        Method::Copy | Method::Move => Some(destination(&head.headers, &authorities)?),
        _ => None,
    };
    let request = Request {
        destination,
        overwrite: header::overwrite(&head.headers).map_err(bad_header)?,
        preconditions: header::preconditions(&head.headers).map_err(bad_header)?,
        arrived,
        budget,
        without_reply: header::without_reply(&head.headers),
        ..Request::of(method, path, actor)
    };
    Ok((*handler, Call { tree, request, headers: head.headers, action, server, body, language, limits }))
}

fn bad_path(error: PathError) -> Error {
    let why = match error {
        PathError::Relative => "the address does not begin with a slash",
        PathError::Illegal => "the address holds a segment that is no name",
        PathError::TooDeep => "the address has too many segments",
    };
    Refusal::of(Condition::BadPath).text(why).into()
}

/// 502 for a really foreign host; port and case are not compared, for proxies change the one and clients the other
///.
fn destination(headers: &HeaderMap, authorities: &[String]) -> Result<Path> {
    let Some((authority, path)) = header::destination(headers).map_err(bad_header)? else {
        return Err(Refusal::of(Condition::BadRequest).text("the Destination header is missing").into());
    };
    let host = |authority: &str| {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name.to_ascii_lowercase(),
            _ => host.to_ascii_lowercase(),
        }
    };
    match authority {
        Some(named) if !authorities.iter().any(|ours| host(ours) == host(&named)) => {
            Err(Condition::ForeignDestination.into())
        }
        _ => Ok(path),
    }
}
