//! MKCALENDAR, and the reports of RFC 4791: which objects match, those that are named, when someone is busy.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::call::Call;
use super::property::PropertyContext;
use super::propfind::PropertyPlan;
use crate::exchange::{Body, Response};
use crate::ical::filter::matches;
use crate::ical::freebusy::{BusyPeriods, write};
use crate::ical::span::SpanQuery;
use crate::ical::tzid::known;
use crate::ical::validate::is_one_zone;
use crate::ical::zone::{Zone, Zones};
use crate::model::budget::{Budget, Exhausted, more};
use crate::model::calendar::{CalendarDataSelection, ComponentFilter, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::filename::match_name;
use crate::model::kind::Kind;
use crate::model::path::Path;
use crate::model::precondition::Preconditions;
use crate::model::privilege::Privilege;
use crate::model::view::View;
use crate::tree::Tree;
use crate::tree::busy::BusyQuestion;
use crate::tree::calendar::{bytes_of, runs, size_of, steps_of};
use crate::tree::gate::Request;
use crate::tree::resource::{Needs, Resource, Text};
use crate::tree::visit::LongRead;
use crate::tree::work::WorkSlice;
use crate::wire::calendar::{CalendarReport, QueryTimezone};
use crate::wire::header::{describe_zones, href};
use crate::wire::multistatus::XmlWriter;
use crate::wire::request::PropertyRequest;

/// The most addresses of one multiget.
const MAX_HREFS: usize = 10_000;
/// How many of them are looked up at once.
const HREFS_AT_ONCE: usize = 500;

pub(super) async fn report(call: Call, report: CalendarReport) -> Result<Response> {
    let zones = describe_zones(&call.headers);
    let with_zones = |selection| CalendarDataSelection { describe_zones: zones, ..selection };
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

/// A calendar or an inbox on which a report runs, or on one of whose objects it does.
struct QueriedCalendar {
    visit: LongRead,
    /// The one object on which it runs (RFC 4791 section 7).
    object: Option<Path>,
    /// Is it an inbox?
    inbox: bool,
    /// The zone in which floating times are read.
    zone: Zone,
    context: PropertyContext,
    path: Path,
    href: String,
}

async fn calendar(tree: &Tree, request: &Request, budget: &Budget) -> Result<QueriedCalendar> {
    let mut visit = LongRead::of(tree, request).await?;
    let mut object = None;
    if visit
        .view()
        .await?
        .target
        .node()
        .is_some_and(|node| matches!(node.view, View::Present | View::Masked) && node.kind.holds_calendar_object())
    {
        let asked = visit.view().await?.target.path.clone();
        let request = Request { path: asked.parent(), preconditions: Preconditions::default(), ..request.clone() };
        (visit, object) = (LongRead::of(tree, &request).await?, Some(asked));
    }
    let admitted = visit.view().await?;
    let (context, path, href) = (PropertyContext::of(admitted), admitted.target.path.clone(), admitted.target.href());
    let resource = admitted.resource(Needs { dead: true, ..Needs::NOTHING }).await?;
    match resource {
        Some(resource) if resource.node.traits().holds_objects() => {
            let zone = visit.floating_zone(budget, &resource.dead).await?;
            let inbox = resource.node.kind == Kind::Inbox;
            Ok(QueriedCalendar { visit, object, inbox, zone, context, path, href })
        }
        _ => Err(Condition::SupportedReport.into()),
    }
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

/// Does an object take place when it is asked for? `None`: it must be read and looked at.
fn takes_place(resource: &Resource, when: Option<&SpanQuery>) -> Option<bool> {
    when?.takes_place(&resource.node.content_key()?, || resource.object())
}

/// Which objects match, and what is written of each.
struct ObjectReport {
    plan: PropertyPlan,
    context: PropertyContext,
    /// What it must match, and where what floats lies.
    filter: Option<(ComponentFilter, Zone)>,
    /// The same, where knowing when it takes place is enough.
    when: Option<SpanQuery>,
    budget: Budget,
}

impl ObjectReport {
    /// Of an object that nobody can read it is not known, so it is reported: what may be there must not seem to be
    /// gone.
    fn matches(&self, resource: &Resource) -> bool {
        let Some((filter, zone)) = &self.filter else { return true };
        takes_place(resource, self.when.as_ref()).unwrap_or_else(|| {
            resource
                .object()
                .is_none_or(|object| matches(filter, &object, &Zones::new(&object.calendar, zone).within(&self.budget)))
        })
    }

    /// Writes an object, if it is to be judged and matches.
    fn write(&self, resource: &Resource, judged: bool, writer: &mut XmlWriter) -> std::result::Result<(), Exhausted> {
        let matches = !judged || self.matches(resource);
        // What was judged when there was no more work to be had was not judged.
        self.budget.steps(if judged { steps_of(resource) } else { 1 })?;
        if !matches {
            return Ok(());
        }
        writer.within(&self.budget, |writer| self.plan.write(resource, &self.context, writer))
    }

    /// Writes objects, those that are judged if they match; `false`: no more may be written. Unless they are sent as
    /// they stand, that is work to be done in the turn of who asks.
    async fn write_all(
        self: &Arc<Self>,
        visit: &mut LongRead,
        resources: Vec<Resource>,
        judged: bool,
        writer: &mut XmlWriter,
    ) -> Result<bool> {
        if !judged && !self.plan.needs.text {
            let mut each = resources.iter();
            return more(each.try_for_each(|resource| self.write(resource, false, writer)));
        }
        let plain = self.context.calendar.as_ref().is_none_or(|(selection, ..)| selection.is_all());
        for run in runs(resources, size_of) {
            let bytes = bytes_of(&run);
            if !more(self.budget.bytes(bytes))? {
                return Ok(false);
            }
            let run = visit.view().await?.texts(run).await?;
            let as_stored = run.iter().all(|resource| !matches!(resource.text, Text::Shared(..)));
            let written = if plain && !judged && as_stored {
                run.iter().try_for_each(|resource| self.write(resource, false, writer))
            } else {
                self.work(visit, run, judged, writer).await?
            };
            self.budget.give_back(bytes);
            if !more(written)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes objects in slices.
    async fn work(
        self: &Arc<Self>,
        visit: &mut LongRead,
        run: Vec<Resource>,
        judged: bool,
        writer: &mut XmlWriter,
    ) -> Result<std::result::Result<(), Exhausted>> {
        let report = Arc::clone(self);
        let (mut run, mut so_far) = (run.into_iter(), std::mem::take(writer));
        let work = move |slice: &WorkSlice| {
            let mut written = Ok(());
            for resource in run.by_ref() {
                written = report.write(&resource, judged, &mut so_far);
                if written.is_err() {
                    break;
                }
                if slice.is_over() {
                    return None;
                }
            }
            Some((std::mem::take(&mut so_far), written))
        };
        let written;
        (*writer, written) = visit.work(&self.budget, work).await?;
        Ok(written)
    }
}

/// Says that the rest is left out.
fn cut(href: &str, writer: &mut XmlWriter) {
    writer.status_response(href, 507, Some("number-of-matches-within-limits"));
}

/// Quirk: by the letter a query of a collection at Depth 0, or none, asks of the collection alone; Evolution and
/// Windows send that and mean its members (RFC 4791 section 7.8).
async fn query(
    mut call: Call,
    asked: PropertyRequest,
    selection: CalendarDataSelection,
    filter: ComponentFilter,
    zone: Option<QueryTimezone>,
) -> Result<Response> {
    let (plan, budget) = (PropertyPlan::new(asked, call.preferences().minimal)?, call.request.budget.clone());
    call.request.dead = plan.dead.clone();
    let QueriedCalendar { mut visit, object, inbox, zone: own_zone, context, href, .. } =
        calendar(&call.tree, &call.request, &budget).await?;
    let zone = match zone {
        Some(asked) => zone_asked(&mut visit, &budget, asked).await?,
        None => own_zone,
    };
    let context = PropertyContext { calendar: Some((selection, zone.clone(), budget.clone())), ..context };
    // What comes to an inbox may say no time, and then it is at any (RFC 6638 section 2.3).
    let when = only_when(&filter).filter(|_| !inbox).and_then(|range| call.tree.instances(&zone, range, &budget));
    let (range, component) = hint(&filter);
    let component = component.map(str::to_owned);
    let report = Arc::new(ObjectReport { plan, context, filter: Some((filter, zone)), when, budget });
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    if let Some(path) = object {
        let name = path.name().unwrap_or_default().to_owned();
        let found = visit.view().await?.named(&[name], report.plan.needs).await?;
        let resources = found.into_iter().map(|resource| Resource { href: path.href(false), ..resource }).collect();
        if !report.write_all(&mut visit, resources, true, &mut writer).await? {
            cut(&path.href(false), &mut writer);
        }
        writer.end_multistatus(None);
        return Ok(Call::xml(StatusCode::MULTI_STATUS, writer));
    }
    let mut after = String::new();
    loop {
        let (page, next) = visit.view().await?.objects(range, component.as_deref(), &after, report.plan.needs).await?;
        let (mut sure, mut open) = (Vec::new(), Vec::new());
        for resource in page {
            match takes_place(&resource, report.when.as_ref()) {
                Some(true) => sure.push(resource),
                Some(false) => {}
                None => open.push(resource),
            }
        }
        let more = report.write_all(&mut visit, sure, false, &mut writer).await?
            && report.write_all(&mut visit, open, true, &mut writer).await?;
        if !more {
            cut(&href, &mut writer);
            break;
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// The time zone in which a query wants what floats.
async fn zone_asked(visit: &mut LongRead, budget: &Budget, asked: QueryTimezone) -> Result<Zone> {
    match asked {
        QueryTimezone::Definition(text) if is_one_zone(&text) => {
            Ok(visit.zone_of_text(budget, text).await?.ok_or(Condition::ValidCalendarData)?)
        }
        QueryTimezone::Definition(_) => Err(Condition::ValidCalendarData.into()),
        QueryTimezone::Named(name) => Ok(Zone::Known(known(&name).ok_or(Condition::ValidTimezone)?)),
    }
}

async fn multiget(
    mut call: Call,
    asked: PropertyRequest,
    selection: CalendarDataSelection,
    hrefs: &[String],
) -> Result<Response> {
    if hrefs.len() > MAX_HREFS {
        return Err(Refusal::of(Condition::TooLarge).text("too many addresses in one multiget").into());
    }
    let plan = PropertyPlan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let QueriedCalendar { mut visit, object, zone, context, path, href: calendar, .. } =
        calendar(&call.tree, &call.request, &call.request.budget).await?;
    let context = PropertyContext { calendar: Some((selection, zone, call.request.budget.clone())), ..context };
    let report =
        Arc::new(ObjectReport { plan, context, filter: None, when: None, budget: call.request.budget.clone() });
    let place = |path: &Path| -> Option<(Vec<String>, String)> {
        let (object, above) = path.segments().split_last()?;
        Some((above.iter().map(|name| match_name(name)).collect(), Kind::Calendar.member_key(object)))
    };
    let here: Vec<String> = path.segments().iter().map(|name| match_name(name)).collect();
    let alone = |object: &Path| matches!(hrefs, [one] if href(one).is_some_and(|path| place(&path) == place(object)));
    if object.is_some_and(|object| !alone(&object)) {
        let why = "of one object only that object is asked: one DAV:href, its address";
        return Err(Refusal::of(Condition::BadRequest).text(why).into());
    }
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    let mut seen = HashSet::new();
    for some in hrefs.chunks(HREFS_AT_ONCE) {
        let member = |text: &str| {
            let (above, object) = place(&href(text)?)?;
            (above == here).then_some(object)
        };
        // An address that is given twice is answered once, and each in the spelling in which it is given.
        let some = some.iter().map(|text| text.trim()).filter(|text| seen.insert(*text));
        let wanted: Vec<(&str, Option<String>)> = some.map(|text| (text, member(text))).collect();
        let names: Vec<String> = wanted.iter().filter_map(|(_, name)| name.clone()).collect();
        let found = visit.view().await?.named(&names, report.plan.needs).await?;
        let found: HashMap<String, Resource> =
            found.into_iter().map(|resource| (resource.node.key(), resource)).collect();
        let mut resources = Vec::with_capacity(wanted.len());
        for (text, name) in wanted {
            match name.and_then(|name| found.get(&name)) {
                Some(resource) => resources.push(Resource { href: text.to_owned(), ..resource.clone() }),
                None => writer.status_response(text, 404, None),
            }
        }
        if !report.write_all(&mut visit, resources, false, &mut writer).await? {
            cut(&calendar, &mut writer);
            break;
        }
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// The one question for which knowing when a calendar is taken is enough (RFC 4791 section 6.1.1).
async fn free_busy(mut call: Call, range: TimeRange) -> Result<Response> {
    call.request.reads = Privilege::ReadFreeBusy;
    let QueriedCalendar { mut visit, object, inbox, zone, context, .. } =
        calendar(&call.tree, &call.request, &call.request.budget).await?;
    if object.is_some() || inbox {
        // RFC 4791 section 7.10: of collections only; RFC 6638 section 2.3: not of inboxes.
        return Err(Condition::SupportedReport.into());
    }
    let question = BusyQuestion { range, me: None, masked: None };
    let taken =
        visit.busy(&question, &zone, &call.request.budget, BusyPeriods::within(&call.request.budget)).await?.joined();
    let mut response = http::Response::new(Body::Full(Bytes::from(write(&taken, range, context.now))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    Ok(response)
}
