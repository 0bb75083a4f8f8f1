//! Answers: multistatus written piece by piece, property values, error bodies.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;

use super::xml::escape;
use crate::model::budget::{Budget, Exhausted};
use crate::model::condition::Condition;
use crate::model::error::{Detail, Refusal};
use crate::model::lock::Lock;
use crate::model::markup::is_whole;
use crate::model::name::{BEFFROI, CALDAV, DAV, QName};

/// So long is a block of an answer, or a little longer: the piece that made it full is whole in it.
const BLOCK_BYTES: usize = 64 * 1024;
/// First bytes of every XML answer.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// A property's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PropertyValue<'a> {
    /// An element without content.
    Empty,
    /// Text, to be escaped.
    Text(Cow<'a, str>),
    /// Content that is XML already, with `D` bound to `DAV:`.
    Xml(Cow<'a, str>),
    /// The whole element, standing on its own: a dead property.
    Element(Cow<'a, str>),
    /// It is there and cannot be sent: the status that says why.
    Withheld(u16),
}

impl<'a> PropertyValue<'a> {
    /// Text, to be escaped.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Content that is XML already.
    pub fn xml(xml: impl Into<Cow<'a, str>>) -> Self {
        Self::Xml(xml.into())
    }

    /// The whole element.
    pub fn element(xml: impl Into<Cow<'a, str>>) -> Self {
        Self::Element(xml.into())
    }
}

/// The tags of an element, made once for all answers that bear it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ElementTags {
    open: String,
    close: String,
    empty: String,
}

impl ElementTags {
    /// Of this element.
    #[must_use]
    pub fn of(name: &QName) -> Self {
        let mut open = String::from("<");
        open.push_str(prefix(name));
        open.push_str(&name.local);
        if prefix(name) == "x:" {
            open.push_str(" xmlns:x=\"");
            escape(&name.namespace, &mut open);
            open.push('"');
        }
        let empty = format!("{open}/>");
        open.push('>');
        Self { open, close: format!("</{}{}>", prefix(name), name.local), empty }
    }
}

/// An XML answer in the making; `D` is bound to `DAV:` on its root, always with a prefix, for Windows ignores elements
/// of a default namespace. What is long becomes several blocks, so that nothing is copied when it grows.
#[derive(Default)]
pub struct XmlWriter {
    /// What was written and is in no block yet.
    pub out: String,
    blocks: Vec<Bytes>,
}

impl XmlWriter {
    /// An empty one with the declaration.
    #[must_use]
    pub fn document() -> Self {
        Self { out: DECLARATION.to_owned(), blocks: Vec::new() }
    }

    /// Is so much written as makes a block?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.out.len() >= BLOCK_BYTES
    }

    /// Takes what was written as a block.
    pub fn block(&mut self) -> Bytes {
        std::mem::replace(&mut self.out, String::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8)).into()
    }

    /// Writes a piece, or nothing of it where the budget has no room for the block that it makes full. Blocks count,
    /// what is shorter is each request's own.
    pub fn within(&mut self, budget: &Budget, write: impl FnOnce(&mut Self)) -> Result<(), Exhausted> {
        let before = self.out.len();
        write(self);
        if self.is_full() {
            budget.bytes(self.out.len()).inspect_err(|_| self.out.truncate(before))?;
            let block = self.block();
            self.blocks.push(block);
        }
        Ok(())
    }

    /// What was written counts no more: it will be written again.
    pub fn give_back(self, budget: &Budget) {
        budget.give_back(self.blocks.iter().map(Bytes::len).sum());
    }

    /// All that was written: the blocks in their order, and what came after them.
    #[must_use]
    pub fn end(self) -> (Vec<Bytes>, Bytes) {
        (self.blocks, self.out.into())
    }

    /// Raw markup of ours.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Text, escaped.
    pub fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    /// Begins a multistatus.
    pub fn begin_multistatus(&mut self) {
        self.raw("<D:multistatus xmlns:D=\"DAV:\">");
    }

    /// Ends it; with a sync token where the report has one.
    pub fn end_multistatus(&mut self, sync_token: Option<&str>) {
        if let Some(token) = sync_token {
            self.raw("<D:sync-token>");
            self.text(token);
            self.raw("</D:sync-token>");
        }
        self.raw("</D:multistatus>");
    }

    /// Begins a response.
    pub fn begin_response(&mut self, href: &str) {
        self.raw("<D:response><D:href>");
        self.text(href);
        self.raw("</D:href>");
    }

    /// Ends it.
    pub fn end_response(&mut self) {
        self.raw("</D:response>");
    }

    /// A response that is a status and nothing else.
    pub fn status_response(&mut self, href: &str, status: u16, condition: Option<&str>) {
        self.begin_response(href);
        self.status(status);
        if let Some(condition) = condition {
            let _ = write!(self.out, "<D:error><D:{condition}/></D:error>");
        }
        self.end_response();
    }

    /// `DAV:status`; the two that a listing repeats for each member stand ready.
    pub fn status(&mut self, status: u16) {
        match status {
            200 => self.raw("<D:status>HTTP/1.1 200 OK</D:status>"),
            404 => self.raw("<D:status>HTTP/1.1 404 Not Found</D:status>"),
            _ => {
                let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
                let _ = write!(self.out, "<D:status>HTTP/1.1 {status} {reason}</D:status>");
            }
        }
    }

    /// Begins a propstat.
    pub fn begin_propstat(&mut self) {
        self.raw("<D:propstat><D:prop>");
    }

    /// Ends it.
    pub fn end_propstat(&mut self, status: u16, condition: Option<Condition>) {
        self.raw("</D:prop>");
        self.status(status);
        if let Some(element) = condition.and_then(|condition| condition.row().element.as_ref()) {
            self.raw("<D:error>");
            self.name(element);
            self.raw("</D:error>");
        }
        self.raw("</D:propstat>");
    }

    /// A property with its value.
    pub fn property(&mut self, tags: &ElementTags, value: &PropertyValue<'_>) {
        match value {
            PropertyValue::Element(xml) => self.raw(xml),
            PropertyValue::Empty | PropertyValue::Withheld(_) => self.raw(&tags.empty),
            PropertyValue::Text(text) => {
                self.raw(&tags.open);
                self.text(text);
                self.raw(&tags.close);
            }
            PropertyValue::Xml(xml) => {
                self.raw(&tags.open);
                self.raw(xml);
                self.raw(&tags.close);
            }
        }
    }

    /// An element without content.
    pub fn empty(&mut self, tags: &ElementTags) {
        self.raw(&tags.empty);
    }

    /// An element of this name without content.
    pub fn name(&mut self, name: &QName) {
        self.empty(&ElementTags::of(name));
    }
}

/// What is written before the local part of a name.
fn prefix(name: &QName) -> &'static str {
    match &*name.namespace {
        DAV => "D:",
        "" => "",
        _ => "x:",
    }
}

/// An element without content.
#[must_use]
pub fn empty(name: &QName) -> String {
    ElementTags::of(name).empty
}

/// An `href` element.
#[must_use]
pub fn href(href: &str) -> String {
    let mut out = String::from("<D:href>");
    escape(href, &mut out);
    out.push_str("</D:href>");
    out
}

/// Content of `DAV:lockdiscovery`: one `activelock` for each lock, with the address of its root and the seconds left.
/// Of one that is veiled neither owner nor time nor token, which all may lack (RFC 4918 section 14.1).
#[must_use]
pub fn lockdiscovery(locks: &[(Lock, String)], now: i64) -> String {
    let mut out = String::new();
    for (lock, root) in locks {
        let scope = if lock.shared { "shared" } else { "exclusive" };
        let depth = if lock.deep { "infinity" } else { "0" };
        let _ = write!(
            out,
            "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>\
             <D:depth>{depth}</D:depth>"
        );
        if !lock.is_veiled() {
            let left_s = (lock.expires_at - now).max(0);
            let _ = write!(
                out,
                "<D:owner>{}</D:owner><D:timeout>Second-{left_s}</D:timeout><D:locktoken>{}</D:locktoken>",
                if is_whole(&lock.owner_xml, &["D"]) { &lock.owner_xml } else { "" },
                href(&lock.token)
            );
        }
        let _ = write!(out, "<D:lockroot>{}</D:lockroot></D:activelock>", href(root));
    }
    out
}

/// The body of a LOCK answer.
#[must_use]
pub fn lock_answer(locks: &[(Lock, String)], now: i64) -> XmlWriter {
    let mut writer = XmlWriter::document();
    writer.raw("<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>");
    writer.raw(&lockdiscovery(locks, now));
    writer.raw("</D:lockdiscovery></D:prop>");
    writer
}

/// The body of a refusal whose condition has an element; `message` is the sentence for people. Never empty: Thunderbird
/// reads an empty `DAV:error` as rate limiting.
#[must_use]
pub fn error_body(refusal: &Refusal, message: &str, language: &str) -> Option<String> {
    let element = refusal.condition.row().element.as_ref()?;
    let prefix = match &*element.namespace {
        BEFFROI => "B",
        CALDAV => "C",
        _ => "D",
    };
    let tag = format!("{prefix}:{}", element.local);
    let mut writer = XmlWriter::document();
    let caldav = if prefix == "C" { format!(" xmlns:C=\"{CALDAV}\"") } else { String::new() };
    let _ = write!(writer.out, "<D:error xmlns:D=\"DAV:\"{caldav} xmlns:B=\"{BEFFROI}\"><{tag}");
    let inside = match (&refusal.detail, &refusal.href) {
        (Detail::Privilege(privilege), Some(at)) => format!(
            "<D:resource>{}<D:privilege><D:{}/></D:privilege></D:resource>",
            href(at),
            privilege.element().local
        ),
        (_, Some(at)) => href(at),
        (_, None) => String::new(),
    };
    if inside.is_empty() {
        writer.raw("/>");
    } else {
        let _ = write!(writer.out, ">{inside}</{tag}>");
    }
    if let Detail::Reason(reason) = &refusal.detail {
        let _ = write!(writer.out, "<B:reason>{}</B:reason>", reason.code());
    }
    if !message.is_empty() {
        let _ = write!(writer.out, "<B:message xml:lang=\"{language}\">");
        writer.text(message);
        writer.raw("</B:message>");
    }
    writer.raw("</D:error>");
    Some(writer.out)
}
