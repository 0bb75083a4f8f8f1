//! PROPFIND, and the writing of views that reports share (RFC 4918 section 9.1).

use std::borrow::Cow;
use std::vec::IntoIter;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::StatusCode;

use super::call::{Call, heeded};
use super::property::{
    LiveProperty, PropertyContext, dead, find_with_tags, in_allprop, names_of, stored_element, value,
};
use crate::exchange::{Body, Response};
use crate::front::answer::{bad_header, is_xml};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Refusal, Result};
use crate::model::header::{Depth, Preferences};
use crate::model::markup::is_name;
use crate::model::name::QName;
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::tree::listing::Listing;
use crate::tree::numbers::VersionNumbers;
use crate::tree::resource::{Needs, Resource};
use crate::tree::walk::{Cursor, Page, Selection};
use crate::wire::header::depth;
use crate::wire::multistatus::{ElementTags, PropertyValue, XmlWriter};
use crate::wire::request::{PropertyRequest, propfind as parse};

/// The most members that are listed for who sends no `Depth`.
const MAX_UNASKED: usize = 1000;
/// The most properties one request asks for.
const MAX_ASKED: usize = 1000;

/// The status of a property that a resource has not.
const MISSING: u16 = 404;
/// The most bytes of their names: each answer repeats them.
const MAX_ASKED_BYTES: usize = 64 * 1024;

/// 413 for an absurd number of properties, or absurd names.
pub(super) fn within_limits<'a>(names: impl Iterator<Item = &'a QName>) -> Result<()> {
    let (mut count, mut bytes) = (0, 0);
    for name in names {
        (count, bytes) = (count + 1, bytes + name.namespace.len() + name.local.len());
        if count > MAX_ASKED || bytes > MAX_ASKED_BYTES {
            return Err(Condition::TooLarge.into());
        }
    }
    Ok(())
}

/// Dead properties that live ones are read from, and the zone in which calendars are read.
static READ_FROM: [QName; 3] =
    [QName::dav("displayname"), QName::caldav("calendar-timezone"), QName::caldav("calendar-timezone-id")];

/// What must be read of dead properties to give those of these names.
pub(super) fn dead_of<'a>(names: impl Iterator<Item = &'a QName>) -> Selection {
    Selection::of(names.chain(&READ_FROM))
}

/// The requested properties, looked up once for all members.
#[derive(Clone)]
pub(super) struct PropertyPlan {
    what: PlannedProperties,
    /// What must be loaded.
    pub needs: Needs,
    /// Which dead properties.
    pub dead: Selection,
    minimal: bool,
}

#[derive(Clone)]
enum PlannedProperties {
    /// `allprop`, and the properties of `include`.
    All(Vec<PlannedProperty>, Vec<PlannedProperty>),
    Names,
    These(Vec<PlannedProperty>),
}

/// A requested property.
#[derive(Clone)]
struct PlannedProperty {
    name: QName,
    row: Option<&'static LiveProperty>,
    tags: Cow<'static, ElementTags>,
}

impl PlannedProperty {
    fn of(name: QName) -> Self {
        match find_with_tags(&name) {
            Some((row, tags)) => Self { row: Some(row), tags: Cow::Borrowed(tags), name },
            None => Self { row: None, tags: Cow::Owned(ElementTags::of(&name)), name },
        }
    }

    /// Its value for a resource, live or dead.
    fn value<'a>(&self, resource: &'a Resource, context: &'a PropertyContext) -> Option<PropertyValue<'a>> {
        value(resource, context, self.row, &self.name)
    }
}

impl PropertyPlan {
    /// Looks up the requested properties. 413 for an absurd number of properties.
    pub fn new(asked: PropertyRequest, minimal: bool) -> Result<Self> {
        match &asked {
            PropertyRequest::All(names) | PropertyRequest::These(names) => within_limits(names.iter())?,
            PropertyRequest::Names => {}
        }
        let dead = Needs { dead: true, ..Needs::TAG };
        let needs_of = |wanted: &[PlannedProperty]| {
            wanted.iter().fold(Needs::TAG, |needs, wanted| needs.and(wanted.row.map_or(dead, |row| row.needs)))
        };
        let mut selection = Selection::default();
        let (what, needs) = match asked {
            PropertyRequest::All(include) => {
                let all: Vec<PlannedProperty> = in_allprop().map(|row| PlannedProperty::of(row.name.clone())).collect();
                let include: Vec<PlannedProperty> = include.into_iter().map(PlannedProperty::of).collect();
                let needs = needs_of(&include).and(needs_of(&all)).and(dead);
                (PlannedProperties::All(all, include), needs)
            }
            PropertyRequest::Names => (PlannedProperties::Names, Needs { dead: true, ..Needs::default() }),
            PropertyRequest::These(names) => {
                let wanted: Vec<PlannedProperty> = names.into_iter().map(PlannedProperty::of).collect();
                let needs = needs_of(&wanted);
                selection = dead_of(wanted.iter().map(|wanted| &wanted.name));
                (PlannedProperties::These(wanted), needs)
            }
        };
        Ok(Self { what, needs, dead: selection, minimal })
    }

    /// Writes the response of one resource.
    pub fn write(&self, resource: &Resource, context: &PropertyContext, writer: &mut XmlWriter) {
        writer.begin_response(&resource.href);
        match &self.what {
            PlannedProperties::Names => {
                writer.begin_propstat();
                for name in names_of(resource, context) {
                    writer.name(&name);
                }
                for (name, _) in dead(resource).filter(|(name, _)| is_name(&name.local)) {
                    writer.name(name);
                }
                writer.end_propstat(200, None);
            }
            PlannedProperties::All(all, include) => {
                writer.begin_propstat();
                for wanted in all {
                    if let Some(value) = wanted.row.and_then(|row| (row.read)(resource, context)) {
                        writer.property(&wanted.tags, &value);
                    }
                }
                let mut damaged = Vec::new();
                for (name, xml) in dead(resource) {
                    match stored_element(xml) {
                        PropertyValue::Withheld(status) if is_name(&name.local) => {
                            damaged.push((status, ElementTags::of(name)))
                        }
                        PropertyValue::Withheld(_) => {}
                        _ => writer.raw(xml),
                    }
                }
                let include = include.iter().filter(|wanted| wanted.row.is_some_and(|row| !row.in_allprop));
                let mut failed = write_found(include, resource, context, writer);
                failed.extend(damaged.iter().map(|(status, tags)| (*status, tags)));
                writer.end_propstat(200, None);
                self.write_failed(failed, writer);
            }
            PlannedProperties::These(names) => {
                let start = writer.out.len();
                writer.begin_propstat();
                let empty = writer.out.len();
                let failed = write_found(names.iter(), resource, context, writer);
                if writer.out.len() == empty && !failed.is_empty() && !self.minimal {
                    writer.out.truncate(start);
                } else {
                    writer.end_propstat(200, None);
                }
                self.write_failed(failed, writer);
            }
        }
        writer.end_response();
    }

    /// What is missing goes without saying where little is wanted; what is there and cannot be read does not.
    fn write_failed(&self, mut failed: Vec<(u16, &ElementTags)>, writer: &mut XmlWriter) {
        if failed.is_empty() {
            return;
        }
        if self.minimal {
            failed.retain(|(status, _)| *status != MISSING);
        }
        failed.sort_by_key(|(status, _)| *status);
        for group in failed.chunk_by(|(status, _), (next, _)| status == next) {
            writer.begin_propstat();
            group.iter().for_each(|(_, tags)| writer.empty(tags));
            writer.end_propstat(group.first().map_or(MISSING, |(status, _)| *status), None);
        }
    }
}

/// Writes what is found and returns what is not, with its status.
fn write_found<'a>(
    wanted: impl Iterator<Item = &'a PlannedProperty>,
    resource: &Resource,
    context: &PropertyContext,
    writer: &mut XmlWriter,
) -> Vec<(u16, &'a ElementTags)> {
    let mut failed = Vec::new();
    for wanted in wanted {
        match wanted.value(resource, context) {
            Some(PropertyValue::Withheld(status)) => failed.push((status, &*wanted.tags)),
            Some(value) => writer.property(&wanted.tags, &value),
            None => failed.push((MISSING, &*wanted.tags)),
        }
    }
    failed
}

pub(super) async fn propfind(mut call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let body = call.take_whole().await?;
    let asked = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let Preferences { minimal, rootless, .. } = call.preferences();
    let plan = PropertyPlan::new(asked, minimal)?;
    call.request.dead = plan.dead.clone();
    if plan.needs.versions {
        call.request.numbers = VersionNumbers::read_once();
    }
    let mut admitted = call.tree.read_one(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let Some(resource) = admitted.resource(plan.needs).await? else {
        return Err(Condition::NotFound.into());
    };
    // The connection is given back before the first byte is awaited; each page opens its own.
    drop(admitted);
    let depth = match depth {
        _ if !resource.node.is_collection() => Depth::Zero,
        // All below is what a request without a word asks for (RFC 4918 section 9.1), but many programs mean the
        // members.
        None if Box::pin(few_members(&call.tree, &call.request)).await? => Depth::One,
        None | Some(Depth::Infinity) => return Err(Condition::PropfindFiniteDepth.into()),
        Some(depth) => depth,
    };
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    let rootless = rootless && depth == Depth::One;
    if !rootless {
        plan.write(&resource, &context, &mut writer);
    }
    let body = if depth == Depth::One {
        let mut pages = Listing::of(call.tree, call.request, plan.needs);
        // What fails before the status is sent decides the status.
        let resources = Box::pin(pages.next()).await?.unwrap_or_default().into_iter();
        let listing = Multistatus { pages, plan, context, writer, resources, ended: false };
        Body::Blocks(Box::pin(unfold(listing, Multistatus::next)), None)
    } else {
        writer.end_multistatus(None);
        Body::Full(Bytes::from(writer.out))
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::MULTI_STATUS;
    is_xml(&mut response);
    for (_, preference) in [(minimal, "return=minimal"), (rootless, "depth-noroot")].iter().filter(|(heeds, _)| *heeds)
    {
        heeded(&mut response, preference);
    }
    Ok(response)
}

/// Has the target at most [`MAX_UNASKED`] members?
async fn few_members(tree: &Tree, request: &Request) -> Result<bool> {
    let (mut at, mut found) = (Cursor::default(), 0);
    loop {
        let page = read(tree.clone(), request.clone(), at, Needs::TAG).await?;
        found += page.resources.len();
        match page.next {
            _ if found > MAX_UNASKED => return Ok(false),
            Some(next) => at = next,
            None => return Ok(true),
        }
    }
}

/// The members of a collection, written page by page as they are taken.
struct Multistatus {
    pages: Listing,
    plan: PropertyPlan,
    context: PropertyContext,
    writer: XmlWriter,
    /// Of the present page, what is not written yet.
    resources: IntoIter<Resource>,
    ended: bool,
}

impl Multistatus {
    /// The next block.
    async fn next(mut self) -> Option<(std::result::Result<Bytes, Failure>, Self)> {
        while !self.ended {
            for resource in self.resources.by_ref() {
                self.plan.write(&resource, &self.context, &mut self.writer);
                if self.writer.is_full() {
                    return Some((Ok(self.writer.block()), self));
                }
            }
            match self.pages.next().await {
                Ok(Some(page)) => self.resources = page.into_iter(),
                Ok(None) => {
                    self.ended = true;
                    self.writer.end_multistatus(None);
                    return Some((Ok(self.writer.block()), self));
                }
                Err(error) => {
                    // The status is sent; all that is left is to break off, so that nobody takes half for the whole.
                    self.ended = true;
                    let failure = match error {
                        Error::Failed(failure) => failure,
                        // The collection went, or the right to read it, while it was being listed.
                        Error::Refused(refusal) => Failure::new("listing members", format!("{refusal:?}")),
                    };
                    return Some((Err(failure), self));
                }
            }
        }
        None
    }
}

async fn read(tree: Tree, request: Request, at: Cursor, needs: Needs) -> Result<Page> {
    let mut admitted = tree.read(&request).await?;
    admitted.members(&at, needs).await
}
