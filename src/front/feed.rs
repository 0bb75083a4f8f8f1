//! `/feeds/{token}/{calendar}.ics`: a calendar for programs that can only subscribe. Whoever knows the address reads
//! it, without any challenge, by the present rights of the person in whose name it was made.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, HeaderValue, LAST_MODIFIED, USER_AGENT};

use crate::exchange::{Body, Response};
use crate::front::answer::{calendar_headers, not_modified, only_read};
use crate::ical::freebusy::{BusyPeriods, periods};
use crate::ical::line::escaped;
use crate::ical::object::fold_into;
use crate::ical::outlook::{Audience, Profile, Published};
use crate::ical::zone::{Zone, Zones};
use crate::model::budget::{Budget, Exhausted};
use crate::model::calendar::{Feed, FeedDetail, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::name::QName;
use crate::model::path::{FEEDS, Path};
use crate::tree::Tree;
use crate::tree::calendar::{bytes_of, given, runs, size_of, steps_of};
use crate::tree::gate::Request;
use crate::tree::resource::{Needs, Resource};
use crate::tree::visit::LongRead;
use crate::tree::work::WorkSlice;
use crate::wire::header::{http_date, text};

/// To be raised when the same events are written otherwise, so that nobody is answered 304.
const FORM: u32 = 2;
const DAY_S: i64 = 86_400;

/// How far a feed reaches, days.
#[derive(Clone, Copy, Debug)]
pub struct FeedRange {
    /// Into the past.
    pub past_days: u32,
    /// Into the future.
    pub future_days: u32,
}

/// Answers a request below `/feeds/`.
pub async fn serve(tree: &Tree, head: &http::request::Parts, reach: FeedRange, budget: &Budget) -> Result<Response> {
    let path = Path::parse(head.uri.path()).map_err(|_| Condition::NotFound)?;
    let secret = match path.segments() {
        [first, secret, name] if first == FEEDS && name.ends_with(".ics") => secret,
        _ => return Err(Condition::NotFound.into()),
    };
    let Some((request, feed)) = tree.feed(secret).await? else { return Err(Condition::NotFound.into()) };
    let mut visit = LongRead::of(tree, &request).await?;
    let admitted = visit.view().await?;
    let now = admitted.now();
    let seal = Arc::clone(admitted.seal());
    let sees_private = admitted.target.sees_private;
    let resource = admitted.resource(Needs { dead: true, ..Needs::NOTHING }).await?;
    let resource = resource.filter(|resource| resource.node.traits().is_calendar()).ok_or(Condition::NotFound)?;
    // Whoever has the address may ask, so what is asked is not the owner's.
    budget.belongs_to(resource.node.id)?;
    if let Some(response) = only_read(&head.method) {
        return Ok(response);
    }
    tree.feed_fetched(secret, &text(&head.headers, USER_AGENT).unwrap_or_default()).await?;
    let today = now - now.rem_euclid(DAY_S);
    let window = TimeRange {
        start: today - i64::from(reach.past_days) * DAY_S,
        end: today + i64::from(reach.future_days) * DAY_S,
    };
    let state = format!("{}/{}", seal.write(&resource.node.sync_token()), u8::from(sees_private));
    let headers = headers(&resource, &state, &feed, window, today);
    if let Some(response) = not_modified(&head.headers, &headers, Some(resource.node.modified_at.max(today)))? {
        return Ok(response);
    }
    let own = resource.node.owner_id == request.actor.id;
    let profile = Profile { window, audience: Audience::Feed { detail: feed.detail, private: own } };
    let text = calendar(&request, &mut visit, &resource, profile, budget).await?;
    let mut response = http::Response::new(Body::Full(Bytes::from(text)));
    *response.headers_mut() = headers;
    Ok(response)
}

/// What the answer depends on, in a strong tag: the state of the calendar as its person sees it, and the window, which
/// moves on once a day.
fn headers(resource: &Resource, state: &str, feed: &Feed, window: TimeRange, today: Timestamp) -> HeaderMap {
    let tag = format!("{state}/{}/{}/{FORM}/{}", window.start, window.end, feed.detail.code());
    let mut headers = calendar_headers(&tag);
    let name: String = feed.calendar.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    for (header, value) in [
        (LAST_MODIFIED, http_date(resource.node.modified_at.max(today))),
        (CONTENT_DISPOSITION, format!("inline; filename=\"{name}.ics\"")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header, value);
        }
    }
    headers
}

async fn calendar(
    request: &Request,
    visit: &mut LongRead,
    resource: &Resource,
    profile: Profile,
    budget: &Budget,
) -> Result<String> {
    let zone = visit.floating_zone(budget, &resource.dead).await?;
    let mut feed = (Published::default(), BusyPeriods::within(budget));
    let mut after = String::new();
    loop {
        let (page, next) = visit.view().await?.objects(profile.window, Some("VEVENT"), &after, Needs::NOTHING).await?;
        for run in runs(page, size_of) {
            let bytes = bytes_of(&run);
            budget.bytes(bytes)?;
            let mut run = visit.view().await?.texts(run).await?.into_iter();
            let (zone, profile, of) = (zone.clone(), profile.clone(), budget.clone());
            let mut so_far = Some(feed);
            let work = move |slice: &WorkSlice| {
                let (published, taken) = so_far.as_mut()?;
                for resource in run.by_ref() {
                    if let Err(exhausted) = write_object(&resource, &profile, &zone, &of, published, taken) {
                        return Some(Err(exhausted));
                    }
                    if slice.is_over() {
                        return None;
                    }
                }
                so_far.take().map(Ok)
            };
            feed = visit.work(budget, work).await??;
            budget.give_back(bytes);
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let (mut published, taken) = feed;
    if published.cut > 0 {
        let calendar = request.path.href(true);
        tracing::warn!(calendar, events = published.cut, "a feed does not show all times of large events");
    }
    taken.joined().iter().for_each(|period| published.taken(period, resource.node.modified_at));
    Ok(wrapped(resource, &zone, &published))
}

/// Writes an object into the feed.
fn write_object(
    resource: &Resource,
    profile: &Profile,
    zone: &Zone,
    budget: &Budget,
    published: &mut Published,
    taken: &mut BusyPeriods,
) -> std::result::Result<(), Exhausted> {
    budget.steps(steps_of(resource))?;
    let Some(object) = resource.object() else { return Ok(()) };
    let zones = Zones::new(&object.calendar, zone).within(budget);
    match &profile.audience {
        Audience::Feed { detail: FeedDetail::Busy, .. } => taken.add(periods(&object, &zones, profile.window))?,
        _ => published.object(&object, profile, &zones, resource.node.modified_at)?,
    }
    // What was cut short for want of a budget is not sent as if it were all.
    budget.steps(0)
}

/// The calendar around its events.
fn wrapped(resource: &Resource, zone: &Zone, published: &Published) -> String {
    let shown = given(&resource.dead, &QName::dav("displayname"));
    let name =
        shown.unwrap_or_else(|| format!("{} ({})", resource.node.name, resource.owner.as_deref().unwrap_or_default()));
    let description = given(&resource.dead, &QName::caldav("calendar-description")).unwrap_or_default();
    let mut out = String::from(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//FR\r\nCALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n",
    );
    let lines = [
        Some(format!("X-WR-CALNAME:{}", escaped(&name))),
        Some(format!("X-WR-CALDESC:{}", escaped(&description))),
        zone.iana_name().map(|name| format!("X-WR-TIMEZONE:{name}")),
        Some("X-PUBLISHED-TTL:PT1H".to_owned()),
        Some("REFRESH-INTERVAL;VALUE=DURATION:PT1H".to_owned()),
    ];
    lines.iter().flatten().for_each(|line| fold_into(&mut out, line));
    published.zones().for_each(|zone| out.push_str(zone));
    out.push_str(&published.events);
    out.push_str("END:VCALENDAR\r\n");
    out
}
