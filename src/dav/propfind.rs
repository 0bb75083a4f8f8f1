//! PROPFIND, and the writing of views that reports share (RFC 4918 section 9.1).

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::property::{Property, Reading, find, in_allprop, names_of};
use super::{Call, answer, bad_header, proppatch};
use crate::exchange::{Body, Response};
use crate::model::condition::Condition;
use crate::model::error::{Error, Failure, Refusal, Result};
use crate::model::header::Depth;
use crate::model::name::QName;
use crate::tree::Tree;
use crate::tree::gate::Request;
use crate::tree::walk::{Cursor, Needs, Page, View};
use crate::wire::header::depth;
use crate::wire::multistatus::{Value, Writer};
use crate::wire::request::{Asked, propfind as parse};

/// A block of a streamed answer.
const BLOCK_BYTES: usize = 32 * 1024;
/// Blocks that wait for a slow client.
const BLOCKS: usize = 4;
/// The most properties one request asks for.
const MAX_ASKED: usize = 1000;

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

/// What is asked, looked up once for all members.
#[derive(Clone)]
pub(super) struct Plan {
    what: What,
    /// What must be loaded.
    pub needs: Needs,
    minimal: bool,
}

#[derive(Clone)]
enum What {
    All(Vec<(QName, Option<&'static Property>)>),
    Names,
    These(Vec<(QName, Option<&'static Property>)>),
}

impl Plan {
    /// Looks up what is asked. 413 for an absurd number of properties.
    pub fn new(asked: Asked, minimal: bool) -> Result<Self> {
        match &asked {
            Asked::All(names) | Asked::These(names) => within_limits(names.iter())?,
            Asked::Names => {}
        }
        let look_up = |names: Vec<QName>| -> Vec<(QName, Option<&'static Property>)> {
            names
                .into_iter()
                .map(|name| {
                    let row = find(&name);
                    (name, row)
                })
                .collect()
        };
        let needs_of = |names: &[(QName, Option<&'static Property>)]| {
            names.iter().fold(Needs::TAG, |needs, (_, row)| {
                needs.and(row.map_or(Needs { dead: true, ..Needs::TAG }, |row| row.needs))
            })
        };
        let (what, needs) = match asked {
            Asked::All(include) => {
                let include = look_up(include);
                let all = in_allprop().fold(Needs { dead: true, ..Needs::TAG }, |needs, row| needs.and(row.needs));
                let needs = needs_of(&include).and(all);
                (What::All(include), needs)
            }
            Asked::Names => (What::Names, Needs { dead: true, ..Needs::default() }),
            Asked::These(names) => {
                let names = look_up(names);
                let needs = needs_of(&names);
                (What::These(names), needs)
            }
        };
        Ok(Self { what, needs, minimal })
    }

    /// Writes the response of one resource.
    pub fn write(&self, view: &View, reading: &Reading, writer: &mut Writer) {
        writer.begin_response(&view.href);
        match &self.what {
            What::Names => {
                writer.begin_propstat();
                for name in names_of(view, reading) {
                    writer.name(&name);
                }
                for (name, _) in &view.dead {
                    writer.name(name);
                }
                writer.end_propstat(200, None);
            }
            What::All(include) => {
                writer.begin_propstat();
                for property in in_allprop() {
                    if let Some(value) = (property.read)(view, reading) {
                        writer.property(&property.name, &value);
                    }
                }
                for (name, xml) in &view.dead {
                    writer.property(name, &Value::Element(xml.clone()));
                }
                let include: Vec<_> = include.iter().filter(|(_, row)| row.is_some_and(|r| !r.in_allprop)).collect();
                let missing = write_found(include.into_iter(), view, reading, writer);
                writer.end_propstat(200, None);
                self.write_missing(&missing, writer);
            }
            What::These(names) => {
                let start = writer.out.len();
                writer.begin_propstat();
                let empty = writer.out.len();
                let missing = write_found(names.iter(), view, reading, writer);
                if writer.out.len() == empty && !missing.is_empty() && !self.minimal {
                    writer.out.truncate(start);
                } else {
                    writer.end_propstat(200, None);
                }
                self.write_missing(&missing, writer);
            }
        }
        writer.end_response();
    }

    fn write_missing(&self, missing: &[&QName], writer: &mut Writer) {
        if missing.is_empty() || self.minimal {
            return;
        }
        writer.begin_propstat();
        for name in missing {
            writer.name(name);
        }
        writer.end_propstat(404, None);
    }
}

/// Writes what is found and returns the names of what is not.
fn write_found<'a>(
    names: impl Iterator<Item = &'a (QName, Option<&'static Property>)>,
    view: &View,
    reading: &Reading,
    writer: &mut Writer,
) -> Vec<&'a QName> {
    let mut missing = Vec::new();
    for (name, row) in names {
        let live = row.and_then(|row| (row.read)(view, reading));
        let value = live
            .or_else(|| view.dead.iter().find(|(dead, _)| dead == name).map(|(_, xml)| Value::Element(xml.clone())));
        match value {
            Some(value) => writer.property(name, &value),
            None => missing.push(name),
        }
    }
    missing
}

pub(super) async fn propfind(mut call: Call) -> Result<Response> {
    let depth = depth(&call.headers).map_err(bad_header)?.unwrap_or(Depth::Infinity);
    let body = call.take_whole().await?;
    let asked = parse(&body).map_err(|e| Refusal::of(Condition::BadXml).text(e.0))?;
    let minimal = call.preferences().minimal;
    let plan = Plan::new(asked, minimal)?;
    let mut admitted = call.tree.peek(&call.request).await?;
    let reading = Reading::of(&call.request.actor.name, admitted.now());
    let Some(view) = admitted.view(plan.needs, call.tree.epoch()).await? else {
        return Err(Condition::NotFound.into());
    };
    if depth == Depth::Infinity && view.node.kind.is_collection() {
        return Err(Condition::PropfindFiniteDepth.into());
    }
    let mut writer = Writer::document();
    writer.begin_multistatus();
    plan.write(&view, &reading, &mut writer);
    let body = if depth == Depth::One && view.node.kind.is_collection() {
        // The connection is given back before the first byte is awaited; each page opens its own.
        drop(admitted);
        let (sender, receiver) = mpsc::channel(BLOCKS);
        let members = Members { tree: call.tree, request: call.request, plan, reading, sender };
        tokio::spawn(members.stream(writer));
        Body::Blocks(receiver)
    } else {
        writer.end_multistatus(None);
        Body::Full(Bytes::from(writer.out))
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::MULTI_STATUS;
    answer::is_xml(&mut response);
    if minimal {
        proppatch::minimal(&mut response);
    }
    Ok(response)
}

/// The task that writes the members of a collection, page by page.
struct Members {
    tree: Tree,
    request: Request,
    plan: Plan,
    reading: Reading,
    sender: mpsc::Sender<std::result::Result<Bytes, Failure>>,
}

impl Members {
    async fn stream(self, mut writer: Writer) {
        // While one page is written, the next is read.
        let mut coming = Some(self.page(Cursor::default()));
        while let Some(page) = coming.take() {
            let ended = page.await.unwrap_or_else(|died| Err(Failure::new("listing members", died)));
            let page = match ended {
                Ok(page) => page,
                Err(failure) => {
                    // The status is sent; all that is left is to break off, so that nobody takes half for the whole.
                    let _ = self.sender.send(Err(failure)).await;
                    return;
                }
            };
            coming = page.next.map(|next| self.page(next));
            for view in &page.views {
                self.plan.write(view, &self.reading, &mut writer);
                if writer.out.len() >= BLOCK_BYTES && self.flush(&mut writer).await.is_err() {
                    return;
                }
            }
        }
        writer.end_multistatus(None);
        let _ = self.flush(&mut writer).await;
    }

    /// Begins to read a page.
    fn page(&self, at: Cursor) -> JoinHandle<std::result::Result<Page, Failure>> {
        let (tree, request, needs) = (self.tree.clone(), self.request.clone(), self.plan.needs);
        tokio::spawn(async move {
            let read = async {
                let mut admitted = tree.read(&request).await?;
                admitted.members(&at, needs, tree.epoch()).await
            };
            read.await.map_err(|error| match error {
                Error::Failed(failure) => failure,
                // The collection went, or the right to read it, while it was being listed.
                Error::Refused(refusal) => Failure::new("listing members", format!("{refusal:?}")),
            })
        })
    }

    async fn flush(&self, writer: &mut Writer) -> std::result::Result<(), ()> {
        let block = std::mem::replace(&mut writer.out, String::with_capacity(BLOCK_BYTES + 4096));
        self.sender.send(Ok(Bytes::from(block))).await.map_err(|_| ())
    }
}
