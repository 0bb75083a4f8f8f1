//! MKCALENDAR, and the reports of RFC 4791: which objects match, those that are named, when someone is busy.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use jiff::tz::TimeZone;

use super::Call;
use super::property::Reading;
use super::propfind::Plan;
use crate::exchange::{Body, Response};
use crate::ical::filter::matches;
use crate::ical::freebusy::{Period, merged, periods, write};
use crate::ical::span::Spans;
use crate::ical::zone::{Zones, known};
use crate::model::budget::{Budget, Exhausted};
use crate::model::calendar::{ComponentFilter, Selection, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::{Failure, Refusal, Result};
use crate::model::filename::match_name;
use crate::model::path::Path;
use crate::model::privilege::Privilege;
use crate::tree::Tree;
use crate::tree::calendar::{floating_zone, runs, size_of, zone_of_text};
use crate::tree::gate::{Admitted, Request};
use crate::tree::walk::{Needs, View};
use crate::wire::calendar::CalendarReport;
use crate::wire::header::{describe_zones, href};
use crate::wire::multistatus::Writer;
use crate::wire::request::Asked;

/// The most addresses of one multiget.
const MAX_HREFS: usize = 10_000;
/// How many of them are looked up at once.
const HREFS_AT_ONCE: usize = 500;

type Snapshot = Admitted<crate::tree::Snapshot>;

pub(super) async fn report(call: Call, report: CalendarReport) -> Result<Response> {
    let zones = describe_zones(&call.headers);
    let with_zones = |selection| Selection { describe_zones: zones, ..selection };
    match report {
        CalendarReport::Query { asked, selection, filter, zone } => {
            query(call, asked, with_zones(selection), filter, zone).await
        }
        CalendarReport::Multiget { asked, selection, hrefs } => {
            multiget(call, asked, with_zones(selection), &hrefs).await
        }
        CalendarReport::FreeBusy(range) => free_busy(call, range).await,
    }
}

/// The calendar that a report is asked of, and the zone in which it tells what floats.
async fn calendar(tree: &Tree, request: &Request) -> Result<(Snapshot, TimeZone)> {
    let mut admitted = tree.read(request).await?;
    let view = admitted.view(Needs { dead: true, ..Needs::NOTHING }, tree.epoch()).await?;
    match view {
        Some(view) if view.node.kind.is_calendar() => {
            let zone = floating_zone(&view.dead);
            Ok((admitted, zone))
        }
        _ => Err(Condition::SupportedReport.into()),
    }
}

/// Rules may take their time: they are followed where no other request waits for the thread.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Failure::new("reading calendar objects", error))?)
}

/// The range in which an object must take place to match, and the component that must: what the index can answer.
fn hint(filter: &ComponentFilter) -> (TimeRange, Option<&str>) {
    match filter.components.as_slice() {
        [one] if !one.is_not_defined && one.name != "VTIMEZONE" => {
            (one.range.unwrap_or(TimeRange::ALL), Some(&one.name))
        }
        _ => (TimeRange::ALL, None),
    }
}

/// The range of a query that asks of events when they take place, and nothing else: most clients' question.
fn only_when(filter: &ComponentFilter) -> Option<TimeRange> {
    let [events] = filter.components.as_slice() else { return None };
    let alone = |filter: &ComponentFilter| filter.properties.is_empty() && !filter.is_not_defined;
    let plain = filter.name == "VCALENDAR" && filter.range.is_none() && alone(filter);
    events.range.filter(|_| plain && events.name == "VEVENT" && alone(events) && events.components.is_empty())
}

/// Does an object take place in a range? `None`: it must be read and looked at.
fn takes_place(view: &View, range: TimeRange, zone: &TimeZone, spans: &Spans) -> Option<bool> {
    let found = spans.of(view.node.hash.as_deref()?, zone, range, || view.object())?;
    Some(!found.is_empty())
}

/// What is asked of each object, and how it is told.
struct Telling {
    plan: Plan,
    reading: Reading,
    /// What it must match, and where what floats lies.
    filter: Option<(ComponentFilter, TimeZone)>,
    tree: Tree,
    budget: Budget,
}

impl Telling {
    /// Of an object that nobody can read it is not known, so it is told: what may be there must not seem to be gone.
    fn matches(&self, view: &View) -> bool {
        let Some((filter, zone)) = &self.filter else { return true };
        only_when(filter).and_then(|range| takes_place(view, range, zone, self.tree.spans())).unwrap_or_else(|| {
            view.object().is_none_or(|object| matches(filter, &object, &Zones::new(&object.calendar, zone)))
        })
    }

    fn write<'a>(&self, views: impl Iterator<Item = &'a View>) -> String {
        let mut writer = Writer::default();
        views.for_each(|view| self.plan.write(view, &self.reading, &mut writer));
        writer.out
    }

    /// Adds to the answer; `false`: no more may be told.
    fn add(&self, told: &str, writer: &mut Writer) -> Result<bool> {
        match self.budget.bytes(told.len()) {
            Ok(()) => writer.raw(told),
            Err(Exhausted::Request) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
        Ok(true)
    }

    /// Tells of objects that match; `false`: no more may be told. Unless their texts are told as they stand, that is work to
    /// be done aside.
    async fn tell(self: &Arc<Self>, admitted: &mut Snapshot, views: Vec<View>, writer: &mut Writer) -> Result<bool> {
        if !self.plan.needs.text {
            return self.add(&self.write(views.iter()), writer);
        }
        let plain = self.reading.calendar.as_ref().is_none_or(|(selection, _)| selection.is_all());
        for run in runs(views, size_of) {
            let run = admitted.texts(run).await?;
            let telling = Arc::clone(self);
            let told = if plain { telling.write(run.iter()) } else { aside(move || telling.write(run.iter())).await? };
            if !self.add(&told, writer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells of objects that match once they have been read; `false`: no more may be told.
    async fn judge(self: &Arc<Self>, admitted: &mut Snapshot, views: Vec<View>, writer: &mut Writer) -> Result<bool> {
        for run in runs(views, size_of) {
            let run = admitted.texts(run).await?;
            let telling = Arc::clone(self);
            let told = aside(move || telling.write(run.iter().filter(|view| telling.matches(view))));
            if !self.add(&told.await?, writer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Says that the rest is left out.
fn cut(admitted: &Snapshot, writer: &mut Writer) {
    writer.status_response(&admitted.target.href(), 507, Some("number-of-matches-within-limits"));
}

/// Quirk: by the letter a query of a collection at Depth 0, or none, asks of the collection alone; Evolution and Windows
/// send that and mean its members (RFC 4791 section 7.8).
async fn query(
    mut call: Call,
    asked: Asked,
    selection: Selection,
    filter: ComponentFilter,
    zone: Option<String>,
) -> Result<Response> {
    let minimal = call.preferences().minimal;
    let plan = Plan::new(asked, minimal)?;
    call.request.dead = plan.dead.clone();
    let (mut admitted, own_zone) = calendar(&call.tree, &call.request).await?;
    let zone = match zone {
        // A zone told whole that nobody knows by name is taken for the calendar's own.
        Some(text) if text.contains("VTIMEZONE") => zone_of_text(&text).unwrap_or(own_zone),
        Some(name) => known(&name).ok_or(Condition::ValidTimezone)?,
        None => own_zone,
    };
    let reading =
        Reading { calendar: Some((selection, zone.clone())), ..Reading::of(&call.request.actor.name, admitted.now()) };
    let when = only_when(&filter);
    let (range, component) = hint(&filter);
    let component = component.map(str::to_owned);
    let (tree, budget) = (call.tree.clone(), call.budget.clone());
    let telling = Arc::new(Telling { plan, reading, filter: Some((filter, zone.clone())), tree, budget });
    let mut writer = Writer::document();
    writer.begin_multistatus();
    let mut after = String::new();
    loop {
        let wanted = (range, component.as_deref());
        let (page, next) = admitted.objects(wanted, &after, telling.plan.needs, call.tree.epoch()).await?;
        let (mut sure, mut open) = (Vec::new(), Vec::new());
        for view in page {
            match when.and_then(|range| takes_place(&view, range, &zone, call.tree.spans())) {
                Some(true) => sure.push(view),
                Some(false) => {}
                None => open.push(view),
            }
        }
        let more = telling.tell(&mut admitted, sure, &mut writer).await?
            && telling.judge(&mut admitted, open, &mut writer).await?;
        if !more {
            cut(&admitted, &mut writer);
            break;
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer.out))
}

async fn multiget(mut call: Call, asked: Asked, selection: Selection, hrefs: &[String]) -> Result<Response> {
    if hrefs.len() > MAX_HREFS {
        return Err(Refusal::of(Condition::TooLarge).text("too many addresses in one multiget").into());
    }
    let plan = Plan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let (mut admitted, zone) = calendar(&call.tree, &call.request).await?;
    let reading =
        Reading { calendar: Some((selection, zone)), ..Reading::of(&call.request.actor.name, admitted.now()) };
    let (tree, budget) = (call.tree.clone(), call.budget.clone());
    let telling = Arc::new(Telling { plan, reading, filter: None, tree, budget });
    let folded = |path: &Path| -> Vec<String> { path.segments().iter().map(|name| match_name(name)).collect() };
    let here = folded(&admitted.target.path);
    let mut writer = Writer::document();
    writer.begin_multistatus();
    let mut told = HashSet::new();
    for some in hrefs.chunks(HREFS_AT_ONCE) {
        let member = |text: &str| {
            let mut names = href(text).map(|path| folded(&path))?;
            let last = names.pop()?;
            (names == here).then_some(last)
        };
        // An address that is given twice is answered once, and each in the spelling in which it is given.
        let some = some.iter().map(|text| text.trim()).filter(|text| told.insert(*text));
        let wanted: Vec<(&str, Option<String>)> = some.map(|text| (text, member(text))).collect();
        let names: Vec<String> = wanted.iter().filter_map(|(_, name)| name.clone()).collect();
        let found = admitted.named(&names, telling.plan.needs, call.tree.epoch()).await?;
        let found: HashMap<String, View> = found.into_iter().map(|view| (match_name(&view.node.name), view)).collect();
        let mut views = Vec::with_capacity(wanted.len());
        for (text, name) in wanted {
            match name.and_then(|name| found.get(&name)) {
                Some(view) => views.push(View { href: text.to_owned(), ..view.clone() }),
                None => writer.status_response(text, 404, None),
            }
        }
        if !telling.tell(&mut admitted, views, &mut writer).await? {
            cut(&admitted, &mut writer);
            break;
        }
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer.out))
}

/// The periods that an object takes in a range. `None`: it must be read.
fn known_periods(view: &View, zone: &TimeZone, range: TimeRange, spans: &Spans) -> Option<Vec<Period>> {
    let found = spans.of(view.node.hash.as_deref()?, zone, range, || view.object())?;
    Some(found.iter().filter_map(|span| Period::cut(span.start, span.end, span.busy?, range)).collect())
}

/// The one question for which knowing when a calendar is taken is enough (RFC 4791 section 6.1.1).
async fn free_busy(mut call: Call, range: TimeRange) -> Result<Response> {
    call.request.reads = Privilege::ReadFreeBusy;
    let (mut admitted, zone) = calendar(&call.tree, &call.request).await?;
    let mut taken = Vec::new();
    let mut after = String::new();
    loop {
        let (page, next) = admitted.objects((range, None), &after, Needs::TAG, call.tree.epoch()).await?;
        let mut open = Vec::new();
        for view in page {
            match known_periods(&view, &zone, range, call.tree.spans()) {
                Some(known) => taken.extend(known),
                None => open.push(view),
            }
        }
        taken = merged(taken);
        for run in runs(open, size_of) {
            let run = admitted.texts(run).await?;
            let (zone, tree) = (zone.clone(), call.tree.clone());
            taken = aside(move || {
                for view in &run {
                    let followed = || {
                        let object = view.object()?;
                        Some(periods(&object, &Zones::new(&object.calendar, &zone), range))
                    };
                    let known = known_periods(view, &zone, range, tree.spans());
                    taken.extend(known.or_else(followed).unwrap_or_default());
                }
                merged(taken)
            })
            .await?;
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut response = http::Response::new(Body::Full(Bytes::from(write(&taken, range, admitted.now()))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    Ok(response)
}
