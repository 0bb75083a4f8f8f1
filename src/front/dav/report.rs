//! REPORT: the REPORTS table, and what each report answers.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;

use super::call::{Call, heeded};
use super::property::{PropertyContext, find, value};
use super::propfind::{PropertyPlan, dead_of, within_limits};
use crate::exchange::Response;
use crate::front::answer::bad_header;
use crate::model::budget::{Budget, Exhausted, more};
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::header::{Depth, Preferences};
use crate::model::kind::Kind;
use crate::model::method::Method;
use crate::model::name::QName;
use crate::model::precondition::Preconditions;
use crate::model::view::{Traits, View};
use crate::tree::Tree;
use crate::tree::changes::MemberChange;
use crate::tree::gate::Request;
use crate::tree::numbers::VersionNumbers;
use crate::tree::resource::Needs;
use crate::tree::target::{AddressSpace, version_path};
use crate::tree::walk::Cursor;
use crate::wire::header::{depth, href};
use crate::wire::multistatus::{ElementTags, PropertyValue, XmlWriter};
use crate::wire::request::{Expand, PropertyRequest, Report, report as parse};
use crate::wire::xml::{Child, parse as read_xml};

/// How many versions DAV:version-tree lists at most.
const MAX_VERSIONS: usize = 10_000;
/// How deep DAV:expand-property looks; further down an address stays the address that it is.
const MAX_EXPANSION: usize = 5;
/// What looking at one resource by its address costs of the budget.
const STEPS_EACH: u64 = 300;
/// What a response costs that is written once more.
const STEPS_AGAIN: u64 = 60;
/// So many bytes are written in a step: about an address.
const BYTES_A_STEP: usize = 32;

/// A report, and the kinds of resource it is of.
pub struct ReportRow {
    /// Its element.
    pub name: QName,
    /// Which kinds.
    pub on: fn(&Traits) -> bool,
    /// Where it is defined.
    pub source: &'static str,
}

/// The reports.
pub static REPORTS: [ReportRow; 10] = [
    ReportRow { name: QName::dav("sync-collection"), on: |kind| kind.sync, source: "RFC 6578 section 3.2" },
    ReportRow { name: QName::dav("version-tree"), on: |kind| kind.versioned, source: "RFC 3253 section 3.7" },
    ReportRow { name: QName::dav("expand-property"), on: |_| true, source: "RFC 3253 section 3.8" },
    ReportRow { name: QName::dav("acl-principal-prop-set"), on: |_| true, source: "RFC 3744 section 9.2" },
    ReportRow { name: QName::dav("principal-match"), on: |kind| kind.collection, source: "RFC 3744 section 9.3" },
    ReportRow { name: QName::dav("principal-property-search"), on: principals, source: "RFC 3744 section 9.4" },
    ReportRow { name: QName::dav("principal-search-property-set"), on: principals, source: "RFC 3744 section 9.5" },
    ReportRow { name: QName::caldav("calendar-query"), on: objects, source: "RFC 4791 section 7.8" },
    ReportRow { name: QName::caldav("calendar-multiget"), on: objects, source: "RFC 4791 section 7.9" },
    ReportRow { name: QName::caldav("free-busy-query"), on: calendars, source: "RFC 4791 section 7.10" },
];

/// Everything that speaks of principals by `DAV:principal-collection-set` may be asked of them.
fn principals(row: &Traits) -> bool {
    matches!(row.kind, Kind::Root | Kind::Principals | Kind::Principal | Kind::CalendarHomes | Kind::CalendarHome)
}

/// Calendars and inboxes, and each object of one.
fn objects(row: &Traits) -> bool {
    row.holds_objects() || (row.kind.holds_calendar_object() && matches!(row.view, View::Present | View::Masked))
}

fn calendars(row: &Traits) -> bool {
    row.is_calendar()
}

pub(super) async fn report(mut call: Call) -> Result<Response> {
    let body = call.take_whole().await?;
    let report = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let Preferences { minimal, rootless, .. } = call.preferences();
    let deep = depth(&call.headers).map_err(bad_header)?.is_some_and(|depth| depth != Depth::Zero);
    if report.is_of_one() && deep {
        // RFC 3744 sections 9.4 and 9.5.
        return Err(Refusal::of(Condition::BadRequest).text("this report is defined for Depth: 0 only").into());
    }
    // These list members alone.
    let rootless = rootless && deep && matches!(report, Report::SyncCollection { .. } | Report::Calendar(_));
    let mut response = answer(call, report).await?;
    if response.status() == StatusCode::MULTI_STATUS {
        for (_, preference) in
            [(minimal, "return=minimal"), (rootless, "depth-noroot")].iter().filter(|(heeds, _)| *heeds)
        {
            heeded(&mut response, preference);
        }
    }
    Ok(response)
}

async fn answer(call: Call, report: Report) -> Result<Response> {
    match report {
        Report::SyncCollection { token, deep, limit, asked } => sync(call, &token, deep, limit, asked).await,
        Report::VersionTree(asked) => version_tree(call, asked).await,
        Report::ExpandProperty(expand) => expand_property(call, &expand).await,
        Report::AclPrincipalPropSet(asked) => super::principal::of_acl(call, asked).await,
        Report::PrincipalMatch(by, asked) => super::principal::matching(call, by, asked).await,
        Report::PrincipalPropertySearch(search) => super::principal::search(call, search).await,
        Report::PrincipalSearchPropertySet => super::principal::searched_properties(call).await,
        Report::Calendar(report) => super::calendar::report(call, *report).await,
        Report::Unusable(condition) => {
            call.tree.read(&call.request).await?;
            Err(condition.into())
        }
        Report::Other(_) => {
            // An unknown address stays unknown, whatever is asked of it.
            call.tree.read(&call.request).await?;
            Err(Condition::SupportedReport.into())
        }
    }
}

/// `Depth` is 0 by the letter, yet many clients send 1; where the level is missing, a Depth of infinity stands for it
/// (RFC 6578 appendix A).
async fn sync(
    mut call: Call,
    token: &str,
    deep: Option<bool>,
    limit: Option<usize>,
    asked: PropertyRequest,
) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?;
    let deep = deep.unwrap_or(depth == Some(Depth::Infinity));
    let plan = PropertyPlan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let mut admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let since = Some(token).filter(|token| !token.is_empty());
    let mut page = admitted.changes(since, deep, limit, &call.request.budget, plan.needs).await?;
    let begun = || {
        let mut writer = XmlWriter::document();
        writer.begin_multistatus();
        writer
    };
    let mut writer = begun();
    // A page may end anywhere, but its token has to say where: one that is too large is read again, and ends where that
    // was seen.
    while let Err((exhausted, written)) =
        write_changes(&page.changes, &plan, &context, (&mut writer, &call.request.budget))
    {
        if exhausted != Exhausted::Request || written == 0 {
            return Err(exhausted.into());
        }
        std::mem::replace(&mut writer, begun()).give_back(&call.request.budget);
        page = admitted.changes(since, deep, Some(written), &call.request.budget, plan.needs).await?;
    }
    if page.truncated {
        let href = admitted.target.href();
        writer.status_response(&href, 507, Some("number-of-matches-within-limits"));
    }
    writer.end_multistatus(Some(&page.token));
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// Writes changes, as many as the budget allows; or how many that were.
fn write_changes(
    changes: &[MemberChange],
    plan: &PropertyPlan,
    context: &PropertyContext,
    (writer, budget): (&mut XmlWriter, &Budget),
) -> std::result::Result<(), (Exhausted, usize)> {
    for (done, change) in changes.iter().enumerate() {
        let written = writer.within(budget, |writer| match change {
            MemberChange::Live(resource) => plan.write(resource, context, writer),
            MemberChange::Gone(href) => writer.status_response(href, 404, None),
        });
        written.map_err(|exhausted| (exhausted, done))?;
    }
    Ok(())
}

/// All versions of the document at the address, or of that whose version is there.
async fn version_tree(mut call: Call, asked: PropertyRequest) -> Result<Response> {
    let plan = PropertyPlan::new(asked, call.preferences().minimal)?;
    call.request.dead = plan.dead.clone();
    let admitted = call.tree.read(&call.request).await?;
    let context = PropertyContext::of(&admitted);
    let document = admitted.target.node().filter(|node| node.traits().versioned).map(|node| node.id);
    let Some(document) = document else { return Err(Condition::SupportedReport.into()) };
    let asked = admitted.target.href();
    let path = match admitted.target.realm {
        AddressSpace::Versions => admitted.target.path.first(2),
        _ => version_path(document, None),
    };
    drop(admitted);
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    let request =
        Request { method: Method::Propfind, path, numbers: VersionNumbers::read_once(), ..unconditional(call.request) };
    let mut admitted = call.tree.read(&request).await?;
    let mut at = Cursor::default();
    let mut listed = 0;
    loop {
        let page = admitted.members(&at, plan.needs).await?;
        listed += page.resources.len();
        let within = more(page.resources.iter().try_for_each(|resource| {
            let mut bytes = 0;
            writer.within(&request.budget, |writer| {
                let before = writer.out.len();
                plan.write(resource, &context, writer);
                bytes = writer.out.len() - before;
            })?;
            request.budget.steps(steps_of(bytes))
        }))?;
        match page.next {
            Some(next) if within && listed < MAX_VERSIONS => at = next,
            None if within => break,
            _ => {
                writer.status_response(&asked, 507, Some("number-of-matches-within-limits"));
                break;
            }
        }
    }
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// What it costs to write so much of an answer.
fn steps_of(bytes: usize) -> u64 {
    1 + (bytes / BYTES_A_STEP) as u64
}

/// The same request without its conditions: they speak of the resource at the address, not of those looked at for it.
fn unconditional(request: Request) -> Request {
    Request { preconditions: Preconditions::default(), ..request }
}

async fn expand_property(call: Call, asked: &[Expand]) -> Result<Response> {
    let minimal = call.preferences().minimal;
    let Call { tree, request, .. } = call;
    let budget = request.budget.clone();
    let mut names = Vec::new();
    let mut waiting: Vec<&Expand> = asked.iter().collect();
    while let Some(expand) = waiting.pop() {
        names.push(&expand.name);
        waiting.extend(&expand.inner);
    }
    within_limits(names.into_iter())?;
    let request = Request { numbers: VersionNumbers::read_once(), ..request };
    let mut expansion =
        PropertyExpander { tree, budget, minimal, sets: HashMap::new(), known: HashMap::new(), responses: 0 };
    let response = expansion.response(&request, asked, 0).await?;
    let mut writer = XmlWriter::document();
    writer.begin_multistatus();
    writer.raw(&response);
    writer.end_multistatus(None);
    Ok(Call::xml(StatusCode::MULTI_STATUS, writer))
}

/// What stands in the place of an address, in which others may stand.
type Expanding<'b> = Pin<Box<dyn Future<Output = Result<String>> + Send + 'b>>;

struct PropertyExpander<'a> {
    tree: Tree,
    budget: Budget,
    /// Does what is missing go without saying?
    minimal: bool,
    /// The properties requested of resources at one level, numbered.
    sets: HashMap<(usize, &'a [Expand]), usize>,
    /// The response to a resource at an address, by the number of what is requested of it: each is looked at once,
    /// however often it is named.
    known: HashMap<(usize, String), Option<ExpandedResponse>>,
    /// How many responses have been written.
    responses: u64,
}

/// A response, and how many are in it, itself among them: each costs something where it is written again, so that
/// answers have an end.
#[derive(Clone)]
struct ExpandedResponse {
    response: Arc<str>,
    responses: u64,
}

impl<'a> PropertyExpander<'a> {
    /// The response of one resource, the addresses in its properties replaced by responses where that is asked.
    async fn response(&mut self, request: &Request, asked: &'a [Expand], level: usize) -> Result<String> {
        self.charge(1, STEPS_EACH)?;
        let needs = asked.iter().fold(Needs::NOTHING, |needs, expand| {
            needs.and(find(&expand.name).map_or(Needs { dead: true, ..Needs::NOTHING }, |row| row.needs))
        });
        let tree = &self.tree;
        // Each resource is read by itself: a view of the database for each would cost more than what is read in it.
        let request = &Request { dead: dead_of(asked.iter().map(|expand| &expand.name)), ..request.clone() };
        let mut admitted = tree.read_one(request).await?;
        let context = PropertyContext::of(&admitted);
        let found = admitted.resource(needs).await?;
        drop(admitted);
        let Some(resource) = found else { return Err(Condition::NotFound.into()) };
        let mut found = XmlWriter::default();
        let mut failed: Vec<(u16, &QName)> = Vec::new();
        for expand in asked {
            let before = found.out.len();
            let expands = !expand.inner.is_empty() && level < MAX_EXPANSION;
            let mut expanded = 0;
            match value(&resource, &context, find(&expand.name), &expand.name) {
                Some(PropertyValue::Xml(xml)) if expands => {
                    let xml = self.expanded(&xml, &expand.inner, request, level).await?;
                    expanded = xml.len();
                    found.property(&ElementTags::of(&expand.name), &PropertyValue::xml(xml));
                }
                Some(PropertyValue::Element(xml)) if expands => {
                    let xml = self.expanded_whole(&xml, &expand.inner, request, level).await?;
                    expanded = xml.len();
                    found.raw(&xml);
                }
                Some(PropertyValue::Withheld(status)) => failed.push((status, &expand.name)),
                Some(value) => found.property(&ElementTags::of(&expand.name), &value),
                None if self.minimal => {}
                None => failed.push((404, &expand.name)),
            }
            let written = found.out.len() - before + expand.name.local.len();
            self.spend(written.saturating_sub(expanded))?;
        }
        failed.sort_by_key(|(status, _)| *status);
        let mut writer = XmlWriter::default();
        writer.begin_response(&resource.href);
        writer.begin_propstat();
        writer.raw(&found.out);
        writer.end_propstat(200, None);
        for group in failed.chunk_by(|(status, _), (next, _)| status == next) {
            writer.begin_propstat();
            group.iter().for_each(|(_, name)| writer.name(name));
            writer.end_propstat(group.first().map_or(404, |(status, _)| *status), None);
        }
        writer.end_response();
        Ok(writer.out)
    }

    /// To be called before so many responses are written, each at a cost.
    fn charge(&mut self, responses: u64, each: u64) -> std::result::Result<(), Exhausted> {
        self.responses += responses;
        self.budget.steps(responses.saturating_mul(each))
    }

    /// To be called before so many bytes are written.
    fn spend(&self, bytes: usize) -> std::result::Result<(), Exhausted> {
        self.budget.steps(steps_of(bytes))?;
        self.budget.bytes(bytes)
    }

    /// The response of the resource at an address that a property holds; `None`: it is not one of ours, or may not be
    /// seen. It is written once more, and that is spent.
    async fn response_of(
        &mut self,
        address: String,
        (inner, set): (&'a [Expand], usize),
        request: &Request,
        level: usize,
    ) -> Result<Option<Arc<str>>> {
        let key = (set, address);
        let expanded = match self.known.get(&key).cloned() {
            Some(expanded) => {
                self.charge(expanded.as_ref().map_or(1, |expanded| expanded.responses), STEPS_AGAIN)?;
                expanded
            }
            None => {
                let before = self.responses;
                let response = self.asked(&key.1, inner, request, level).await?;
                let expanded =
                    response.map(|response| ExpandedResponse { response, responses: self.responses - before });
                self.spend(key.1.len())?;
                self.known.insert(key, expanded.clone());
                expanded
            }
        };
        let response = expanded.map(|expanded| expanded.response);
        self.spend(response.as_ref().map_or(0, |response| response.len()))?;
        Ok(response)
    }

    async fn asked(
        &mut self,
        address: &str,
        inner: &'a [Expand],
        request: &Request,
        level: usize,
    ) -> Result<Option<Arc<str>>> {
        let Some(path) = href(address) else { return Ok(None) };
        let request = Request { method: Method::Propfind, path, ..unconditional(request.clone()) };
        match self.response(&request, inner, level + 1).await {
            Ok(response) => Ok(Some(response.into())),
            Err(Error::Refused(refusal)) if refusal.condition == Condition::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The properties requested of the resources that a property names, with their number.
    fn set(&mut self, inner: &'a [Expand], level: usize) -> (&'a [Expand], usize) {
        let next = self.sets.len();
        (inner, *self.sets.entry((level, inner)).or_insert(next))
    }

    /// A property as a client wrote it, each `DAV:href` of ours in it replaced by its response: the element as a whole,
    /// with prefixes of its own.
    fn expanded_whole<'b>(
        &'b mut self,
        xml: &'b str,
        inner: &'a [Expand],
        request: &'b Request,
        level: usize,
    ) -> Expanding<'b> {
        Box::pin(async move {
            self.spend(xml.len())?;
            let Ok(mut whole) = read_xml(xml.as_bytes()) else { return Ok(xml.to_owned()) };
            let set = self.set(inner, level);
            let mut waiting = vec![&mut whole];
            while let Some(element) = waiting.pop() {
                for child in &mut element.children {
                    let Child::Element(inside) = child else { continue };
                    if inside.name.is_dav("href")
                        && let Some(response) = self.response_of(inside.text(), set, request, level).await?
                    {
                        // Here no prefix is known but those that the client declared.
                        let alone = response.replacen("<D:response>", "<D:response xmlns:D=\"DAV:\">", 1);
                        *child = Child::Markup(alone);
                    } else if let Child::Element(inside) = child {
                        waiting.push(inside);
                    }
                }
            }
            Ok(whole.to_xml())
        })
    }

    /// Content of a property with each `DAV:href` of ours replaced by its response.
    fn expanded<'b>(
        &'b mut self,
        xml: &'b str,
        inner: &'a [Expand],
        request: &'b Request,
        level: usize,
    ) -> Expanding<'b> {
        Box::pin(self.expand(xml, inner, request, level))
    }

    async fn expand(&mut self, xml: &str, inner: &'a [Expand], request: &Request, level: usize) -> Result<String> {
        const OPEN: &str = "<D:href>";
        const CLOSE: &str = "</D:href>";
        self.spend(xml.len())?;
        let set = self.set(inner, level);
        let mut out = String::new();
        let mut rest = xml;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((address, tail)) = after.split_once(CLOSE) else { break };
            out.push_str(before);
            rest = tail;
            match self.response_of(address.replace("&amp;", "&"), set, request, level).await? {
                Some(response) => out.push_str(&response),
                // What may not be seen stays the address that it is.
                None => out.extend([OPEN, address, CLOSE]),
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}
