//! `/freebusy/{token}/{address}.ifb`: when someone is busy, for programs such as Outlook that look it up by mail
//! address. Whoever knows the token is answered, without any challenge; all that is not answered is the same 404.

use bytes::Bytes;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::exchange::{Body, Response};
use crate::front::answer::{calendar_headers, not_modified, only_read};
use crate::ical::freebusy::write_published;
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::now;
use crate::model::path::{FREEBUSY, Path};
use crate::tree::Tree;
use crate::wire::header::text;

/// What names end with; programs ask for either.
const ENDINGS: [&str; 2] = [".ifb", ".vfb"];
const DAY_S: i64 = 86_400;
/// How far an answer reaches, days into the past and into the future.
const PAST_DAYS: i64 = 7;
const FUTURE_DAYS: i64 = 90;

/// Answers a request below `/freebusy/`.
pub async fn serve(tree: &Tree, head: &Parts, budget: &Budget) -> Result<Response> {
    let path = Path::parse(head.uri.path()).map_err(|_| Condition::NotFound)?;
    let [FREEBUSY, secret, name] = path.segments().iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err(Condition::NotFound.into());
    };
    let address = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).ok_or(Condition::NotFound)?;
    let lookup = tree.busy_lookup(secret, address).await?.ok_or(Condition::NotFound)?;
    budget.belongs_to(lookup.by)?;
    if let Some(response) = only_read(&head.method) {
        return Ok(response);
    }
    tree.note_busy_lookup(&lookup, &text(&head.headers, USER_AGENT).unwrap_or_default()).await?;
    // By whole days, so that the same is answered as long as nothing changes.
    let now = now();
    let today = now - now.rem_euclid(DAY_S);
    let range = TimeRange { start: today - PAST_DAYS * DAY_S, end: today + FUTURE_DAYS * DAY_S };
    let periods = tree.looked_up(&lookup, range, budget).await?;
    let published = write_published(&lookup.whom, &periods, range, today);
    let headers = calendar_headers(&published.tag);
    if let Some(response) = not_modified(&head.headers, &headers, None)? {
        return Ok(response);
    }
    let mut response = http::Response::new(Body::Full(Bytes::from(published.text)));
    *response.headers_mut() = headers;
    Ok(response)
}
