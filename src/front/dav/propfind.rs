//! PROPFIND, and the writing of views that reports share (RFC 4918 section 9.1).

use std::borrow::Cow;
use std::vec::IntoIter;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::StatusCode;

use super::call::{Call, heeded};
use super::property::{Property, PropertyContext, dead, find_with_tags, in_allprop, names_of, told, value};
use crate::exchange::{Body, Response};
use crate::front::answer::{bad_header, is_xml};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Refusal, Result};
use crate::model::header::{Depth, Preferences};
use crate::model::markup::is_name;
use crate::model::name::QName;
use crate::tree::Tree;
use crate::tree::former::Numbers;
use crate::tree::gate::Request;
use crate::tree::listing::Listing;
use crate::tree::resource::{Needs, Resource};
use crate::tree::walk::{Cursor, Page, Selection};
use crate::wire::header::depth;
use crate::wire::multistatus::{Tags, Value, Writer};
use crate::wire::request::{Asked, propfind as parse};

/// The most members that are told to who does not say how deep it looks.
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

/// Dead properties that live ones are read from, and the zone in which calendars are told.
static READ_FROM: [QName; 3] =
    [QName::dav("displayname"), QName::caldav("calendar-timezone"), QName::caldav("calendar-timezone-id")];

/// What must be read of dead properties to tell those of these names.
pub(super) fn dead_of<'a>(names: impl Iterator<Item = &'a QName>) -> Selection {
    Selection::of(names.chain(&READ_FROM))
}

/// What is asked, looked up once for all members.
#[derive(Clone)]
pub(super) struct Plan {
    what: What,
    /// What must be loaded.
    pub needs: Needs,
    /// Which dead properties.
    pub dead: Selection,
    minimal: bool,
}

#[derive(Clone)]
enum What {
    /// `allprop`, and what was asked besides.
    All(Vec<Wanted>, Vec<Wanted>),
    Names,
    These(Vec<Wanted>),
}

/// A property that is asked for.
#[derive(Clone)]
struct Wanted {
    name: QName,
    row: Option<&'static Property>,
    tags: Cow<'static, Tags>,
}

impl Wanted {
    fn of(name: QName) -> Self {
        match find_with_tags(&name) {
            Some((row, tags)) => Self { row: Some(row), tags: Cow::Borrowed(tags), name },
            None => Self { row: None, tags: Cow::Owned(Tags::of(&name)), name },
        }
    }

    /// Its value for a resource, live or dead.
    fn value<'a>(&self, resource: &'a Resource, context: &'a PropertyContext) -> Option<Value<'a>> {
        value(resource, context, self.row, &self.name)
    }
}

impl Plan {
    /// Looks up what is asked. 413 for an absurd number of properties.
    pub fn new(asked: Asked, minimal: bool) -> Result<Self> {
        match &asked {
            Asked::All(names) | Asked::These(names) => within_limits(names.iter())?,
            Asked::Names => {}
        }
        let dead = Needs { dead: true, ..Needs::TAG };
        let needs_of = |wanted: &[Wanted]| {
            wanted.iter().fold(Needs::TAG, |needs, wanted| needs.and(wanted.row.map_or(dead, |row| row.needs)))
        };
        let mut selection = Selection::default();
        let (what, needs) = match asked {
            Asked::All(include) => {
                let all: Vec<Wanted> = in_allprop().map(|row| Wanted::of(row.name.clone())).collect();
                let include: Vec<Wanted> = include.into_iter().map(Wanted::of).collect();
                let needs = needs_of(&include).and(needs_of(&all)).and(dead);
                (What::All(all, include), needs)
            }
            Asked::Names => (What::Names, Needs { dead: true, ..Needs::default() }),
            Asked::These(names) => {
                let wanted: Vec<Wanted> = names.into_iter().map(Wanted::of).collect();
                let needs = needs_of(&wanted);
                selection = dead_of(wanted.iter().map(|wanted| &wanted.name));
                (What::These(wanted), needs)
            }
        };
        Ok(Self { what, needs, dead: selection, minimal })
    }

    /// Writes the response of one resource.
    pub fn write(&self, resource: &Resource, context: &PropertyContext, writer: &mut Writer) {
        writer.begin_response(&resource.href);
        match &self.what {
            What::Names => {
                writer.begin_propstat();
                for name in names_of(resource, context) {
                    writer.name(&name);
                }
                for (name, _) in dead(resource).filter(|(name, _)| is_name(&name.local)) {
                    writer.name(name);
                }
                writer.end_propstat(200, None);
            }
            What::All(all, include) => {
                writer.begin_propstat();
                for wanted in all {
                    if let Some(value) = wanted.row.and_then(|row| (row.read)(resource, context)) {
                        writer.property(&wanted.tags, &value);
                    }
                }
                let mut damaged = Vec::new();
                for (name, xml) in dead(resource) {
                    match told(xml) {
                        Value::Withheld(status) if is_name(&name.local) => damaged.push((status, Tags::of(name))),
                        Value::Withheld(_) => {}
                        _ => writer.raw(xml),
                    }
                }
                let include = include.iter().filter(|wanted| wanted.row.is_some_and(|row| !row.in_allprop));
                let mut untold = write_found(include, resource, context, writer);
                untold.extend(damaged.iter().map(|(status, tags)| (*status, tags)));
                writer.end_propstat(200, None);
                self.write_untold(untold, writer);
            }
            What::These(names) => {
                let start = writer.out.len();
                writer.begin_propstat();
                let empty = writer.out.len();
                let untold = write_found(names.iter(), resource, context, writer);
                if writer.out.len() == empty && !untold.is_empty() && !self.minimal {
                    writer.out.truncate(start);
                } else {
                    writer.end_propstat(200, None);
                }
                self.write_untold(untold, writer);
            }
        }
        writer.end_response();
    }

    /// What is missing goes without saying where little is wanted; what is there and cannot be told does not.
    fn write_untold(&self, mut untold: Vec<(u16, &Tags)>, writer: &mut Writer) {
        if untold.is_empty() {
            return;
        }
        if self.minimal {
            untold.retain(|(status, _)| *status != MISSING);
        }
        untold.sort_by_key(|(status, _)| *status);
        for group in untold.chunk_by(|(status, _), (next, _)| status == next) {
            writer.begin_propstat();
            group.iter().for_each(|(_, tags)| writer.empty(tags));
            writer.end_propstat(group.first().map_or(MISSING, |(status, _)| *status), None);
        }
    }
}

/// Writes what is found and returns what is not, with its status.
fn write_found<'a>(
    wanted: impl Iterator<Item = &'a Wanted>,
    resource: &Resource,
    context: &PropertyContext,
    writer: &mut Writer,
) -> Vec<(u16, &'a Tags)> {
    let mut untold = Vec::new();
    for wanted in wanted {
        match wanted.value(resource, context) {
            Some(Value::Withheld(status)) => untold.push((status, &*wanted.tags)),
            Some(value) => writer.property(&wanted.tags, &value),
            None => untold.push((MISSING, &*wanted.tags)),
        }
    }
    untold
}

pub(super) async fn propfind(mut call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let body = call.take_whole().await?;
    let asked = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let Preferences { minimal, rootless, .. } = call.preferences();
    let plan = Plan::new(asked, minimal)?;
    call.request.dead = plan.dead.clone();
    if plan.needs.versions {
        call.request.numbers = Numbers::read_once();
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
        // All below is what a request without a word asks for (RFC 4918 section 9.1), but many programs mean the members.
        None if Box::pin(few_members(&call.tree, &call.request)).await? => Depth::One,
        None | Some(Depth::Infinity) => return Err(Condition::PropfindFiniteDepth.into()),
        Some(depth) => depth,
    };
    let mut writer = Writer::document();
    writer.begin_multistatus();
    let rootless = rootless && depth == Depth::One;
    if !rootless {
        plan.write(&resource, &context, &mut writer);
    }
    let body = if depth == Depth::One {
        let mut pages = Listing::of(call.tree, call.request, plan.needs);
        // What fails before the status is sent is told by it.
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
    plan: Plan,
    context: PropertyContext,
    writer: Writer,
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
