//! `/timezones/`: the service that gives clients the time zones this server knows (RFC 7808), so that objects need not
//! describe them (RFC 7809 section 3.1.2).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Response as HttpResponse, StatusCode};
use serde_json::{Value, json};

use crate::exchange::{Body, Exchange, Response};
use crate::front::answer::only_read;
use crate::ical::time::{Clock, When};
use crate::ical::tzdist::{described, fits, last, listed, observances, tag, token};
use crate::model::calendar::TimeRange;
use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::path::{TIMEZONES, decode};
use crate::tree::Tree;
use crate::tree::work::WorkSlice;
use crate::wire::header::text;

/// A parameter of an action, and whether it is required.
type Parameter = (&'static str, bool);

/// The actions (RFC 7808 section 5), with their addresses and parameters.
static ACTIONS: [(&str, &str, &[Parameter]); 5] = [
    ("capabilities", "/timezones/capabilities", &[]),
    ("list", "/timezones/zones{?changedsince}", &[("changedsince", false)]),
    ("get", "/timezones/zones{/tzid}", &[]),
    ("expand", "/timezones/zones{/tzid}/observances{?start,end}", &[("start", true), ("end", true)]),
    ("find", "/timezones/zones{?pattern}", &[("pattern", true)]),
];

/// Answers a request below `/timezones`. Many zones take a while to be described for the first time.
pub async fn serve(tree: Tree, exchange: Exchange) -> Result<Response> {
    let Exchange { head, actor, budget, .. } = exchange;
    if let Some(response) = only_read(&head.method) {
        return Ok(response);
    }
    let path = head.uri.path().strip_prefix(TIMEZONES).unwrap_or_default().trim_matches('/').to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let found = tree.work(actor.id, &budget, move |_: &WorkSlice| Some(answer(&path, &query))).await?;
    Ok(match found {
        Ok((kind, body)) => {
            let tag = format!("\"{}\"", tag(&body));
            let same = text(&head.headers, IF_NONE_MATCH)
                .is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
            let mut response = HttpResponse::new(if same { Body::Empty } else { Body::Full(Bytes::from(body)) });
            if same {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
            } else {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                response.headers_mut().insert(ETAG, tag);
            }
            response
        }
        Err((status, problem)) => {
            let what = json!({"type": format!("urn:ietf:params:tzdist:error:{problem}"), "status": status.as_u16()});
            let mut response = HttpResponse::new(Body::Full(Bytes::from(what.to_string())));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            response
        }
    })
}

const JSON: &str = "application/json; charset=utf-8";
const CALENDAR: &str = "text/calendar; charset=utf-8";

/// A media type and a text, or a status and the name of what is wrong (RFC 7808 section 5).
type TimezoneAnswer = std::result::Result<(&'static str, String), (StatusCode, &'static str)>;

fn answer(path: &str, query: &str) -> TimezoneAnswer {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).find_map(|(_, value)| decode(&value.replace('+', " ")))
    };
    let unknown = (StatusCode::NOT_FOUND, "tzid-not-found");
    let name_of = |segment: &str| decode(segment).ok_or(unknown);
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["capabilities"] => Ok((JSON, capabilities().to_string())),
        ["zones"] => Ok((JSON, zones(parameter("pattern"), parameter("changedsince")).to_string())),
        ["zones", name] => described(&name_of(name)?).map(|text| (CALENDAR, text)).ok_or(unknown),
        ["zones", name, "observances"] => {
            let name = name_of(name)?;
            let start = parameter("start").and_then(|text| instant(&text));
            let end = parameter("end").and_then(|text| instant(&text));
            let start = start.ok_or((StatusCode::BAD_REQUEST, "invalid-start"))?;
            let end = end.filter(|end| *end > start).ok_or((StatusCode::BAD_REQUEST, "invalid-end"))?;
            let changes = observances(&name, TimeRange { start, end }).ok_or(unknown)?;
            let observances: Vec<Value> = changes
                .iter()
                .map(|change| {
                    let (from, to) = change.offsets;
                    let onset = moment(change.at);
                    json!({"name": change.name, "onset": onset, "utc-offset-from": from, "utc-offset-to": to})
                })
                .collect();
            let all = json!({"tzid": name, "start": moment(start), "end": moment(end), "observances": observances});
            Ok((JSON, all.to_string()))
        }
        _ => Err((StatusCode::BAD_REQUEST, "invalid-action")),
    }
}

fn capabilities() -> Value {
    let parameters = |parameters: &[Parameter]| {
        let each =
            parameters.iter().map(|(name, required)| json!({"name": name, "required": required, "multi": false}));
        each.collect::<Vec<_>>()
    };
    let actions = ACTIONS
        .iter()
        .map(|(name, address, known)| json!({"name": name, "uri-template": address, "parameters": parameters(known)}));
    json!({
        "version": 1,
        "info": {
            "primary-source": "IANA",
            "formats": ["text/calendar"],
            "truncated": {"any": false, "ranges": [{"start": "*", "end": moment(last())}], "untruncated": false},
        },
        "actions": actions.collect::<Vec<_>>(),
    })
}

/// Those that fit a pattern; none where nothing has changed since.
fn zones(pattern: Option<String>, since: Option<String>) -> Value {
    let token = token();
    let wanted = listed().iter().filter(|_| since.as_ref() != Some(&token));
    let wanted = wanted.filter(|zone| pattern.as_ref().is_none_or(|pattern| fits(pattern, &zone.name)));
    let zones: Vec<Value> =
        wanted.map(|zone| json!({"tzid": zone.name, "etag": zone.tag, "publisher": "IANA"})).collect();
    json!({"synctoken": token, "timezones": zones})
}

/// `2026-01-01T00:00:00Z`
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| "*".to_owned(), |at| at.to_string())
}

/// The same, or as iCalendar writes it.
fn instant(text: &str) -> Option<Timestamp> {
    let plain = text.replace(['-', ':'], "");
    let when = When::read(&plain, None).filter(|when| when.clock == Clock::Utc)?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(when.local).ok()?.as_second())
}
