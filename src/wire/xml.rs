//! XML in, within limits, and XML out.
//!
//! The reader refuses what a hostile body is made of: document types, unknown references, depth, number and size. It
//! also demands what the underlying parser does not: one root, every element closed, every prefix bound.

use std::fmt::Write as _;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::model::filename::is_xml;
use crate::model::name::{DAV, QName};

/// The deepest nesting taken.
pub const MAX_DEPTH: usize = 32;
/// The most elements and attributes taken together.
pub const MAX_ITEMS: usize = 50_000;
/// The largest body taken, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Why a text is not XML that we take: a sentence in English for the error body.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct XmlError(pub String);

fn error<T>(text: impl Into<String>) -> Result<T, XmlError> {
    Err(XmlError(text.into()))
}

/// An element with all it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    /// Its expanded name.
    pub name: QName,
    /// The prefix it came with; kept because values may speak of prefixes (RFC 4918 section 4.3).
    pub prefix: String,
    /// Attributes other than namespace declarations.
    pub attributes: Vec<Attribute>,
    /// Namespace declarations with a prefix.
    pub declarations: Vec<(String, String)>,
    /// What it holds, in order.
    pub children: Vec<Child>,
}

/// An attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    /// Its expanded name.
    pub name: QName,
    /// Its prefix.
    pub prefix: String,
    /// Its value.
    pub value: String,
}

/// What an element holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Child {
    /// An element.
    Element(Element),
    /// Text, references resolved.
    Text(String),
    /// XML that stands on its own, to be written as it is: never read, for it may be far larger than what it stands in.
    Markup(String),
}

impl Element {
    /// The elements it holds.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) | Child::Markup(_) => None,
        })
    }

    /// The first element of this name in `DAV:`.
    #[must_use]
    pub fn dav(&self, local: &str) -> Option<&Element> {
        self.elements().find(|element| element.name.is_dav(local))
    }

    /// Its own text, without that of elements inside, trimmed.
    #[must_use]
    pub fn text(&self) -> String {
        let pieces: Vec<&str> = self
            .children
            .iter()
            .filter_map(|child| match child {
                Child::Text(text) => Some(text.as_str()),
                Child::Element(_) | Child::Markup(_) => None,
            })
            .collect();
        pieces.concat().trim().to_owned()
    }

    /// Value of an attribute without a namespace.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name.namespace.is_empty() && a.name.local == local).map(|a| &*a.value)
    }

    /// `xml:lang`, if it is set here.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.attributes.iter().find(|a| a.name.namespace == XML_NAMESPACE && a.name.local == "lang").map(|a| &*a.value)
    }

    /// Sets `xml:lang` where there is none.
    pub fn inherit_language(&mut self, language: &str) {
        if self.language().is_none() {
            self.attributes.push(Attribute {
                name: QName::of(XML_NAMESPACE, "lang"),
                prefix: "xml".to_owned(),
                value: language.to_owned(),
            });
        }
    }

    /// The element as text that stands on its own: every namespace it uses is declared in it, always with a prefix.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        serialize(self, &mut Vec::new(), &mut out);
        out
    }

    /// What it holds as text that stands on its own.
    #[must_use]
    pub fn inner_xml(&self) -> String {
        let mut out = String::new();
        for child in &self.children {
            match child {
                Child::Element(element) => serialize(element, &mut Vec::new(), &mut out),
                Child::Text(text) => escape(text, &mut out),
                Child::Markup(xml) => out.push_str(xml),
            }
        }
        out
    }
}

type NamespaceScope = Vec<(String, String)>;

fn bound<'a>(scope: &'a NamespaceScope, prefix: &str) -> Option<&'a str> {
    scope.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri.as_str())
}

/// The prefix to write a name with; declares it where the scope does not.
fn prefix_for(name: &QName, wanted: &str, scope: &mut NamespaceScope, declared: &mut NamespaceScope) -> String {
    if name.namespace.is_empty() {
        return String::new();
    }
    let mut prefix = wanted.to_owned();
    let mut number = 0;
    while prefix.is_empty() || declared.iter().any(|(p, uri)| *p == prefix && *uri != *name.namespace) {
        prefix = if name.namespace == DAV && number == 0 { "D".to_owned() } else { format!("ns{number}") };
        number += 1;
    }
    if bound(scope, &prefix) != Some(&name.namespace) {
        scope.push((prefix.clone(), name.namespace.to_string()));
        declared.push((prefix.clone(), name.namespace.to_string()));
    }
    prefix
}

fn serialize(element: &Element, scope: &mut NamespaceScope, out: &mut String) {
    let depth = scope.len();
    let mut declared: NamespaceScope = Vec::new();
    for (prefix, uri) in &element.declarations {
        if bound(scope, prefix) != Some(uri) {
            scope.push((prefix.clone(), uri.clone()));
            declared.push((prefix.clone(), uri.clone()));
        }
    }
    let prefix = prefix_for(&element.name, &element.prefix, scope, &mut declared);
    let tag =
        if prefix.is_empty() { element.name.local.to_string() } else { format!("{prefix}:{}", element.name.local) };
    let attributes: Vec<(String, &str)> = element
        .attributes
        .iter()
        .map(|attribute| {
            let name = if attribute.name.namespace == XML_NAMESPACE {
                format!("xml:{}", attribute.name.local)
            } else {
                match prefix_for(&attribute.name, &attribute.prefix, scope, &mut declared) {
                    prefix if prefix.is_empty() => attribute.name.local.to_string(),
                    prefix => format!("{prefix}:{}", attribute.name.local),
                }
            };
            (name, attribute.value.as_str())
        })
        .collect();
    let _ = write!(out, "<{tag}");
    for (prefix, uri) in &declared {
        let _ = write!(out, " xmlns:{prefix}=\"");
        escape(uri, out);
        out.push('"');
    }
    for (name, value) in attributes {
        let _ = write!(out, " {name}=\"");
        escape(value, out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
    } else {
        out.push('>');
        for child in &element.children {
            match child {
                Child::Element(element) => serialize(element, scope, out),
                Child::Text(text) => escape(text, out),
                Child::Markup(xml) => out.push_str(xml),
            }
        }
        let _ = write!(out, "</{tag}>");
    }
    scope.truncate(depth);
}

/// Appends text, escaped for content and for attributes in double quotes; characters that XML cannot carry are left
/// out, or the client would drop the whole answer.
pub fn escape(text: &str, out: &mut String) {
    // What is neither markup nor among the characters that must be looked at is copied in runs; of those that XML
    // cannot carry, the ones beyond ASCII begin with 0xEF in UTF-8.
    let mut rest = text;
    while let Some(at) = first_looked_at(rest.as_bytes()) {
        let (plain, other) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = other.chars();
        match characters.next() {
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('&') => out.push_str("&amp;"),
            Some('"') => out.push_str("&quot;"),
            Some('\r') => out.push_str("&#13;"),
            Some(c) if is_xml(c) => out.push(c),
            _ => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Where the first byte stands that must be looked at; whole runs without one are passed over at once.
fn first_looked_at(bytes: &[u8]) -> Option<usize> {
    // Without a branch, so that a run is compared in a few instructions.
    let looked_at =
        |byte: u8| (byte < 0x20) | (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == b'"') | (byte == 0xEF);
    let (runs, _) = bytes.as_chunks::<16>();
    let plain = runs.iter().take_while(|run| !run.iter().fold(false, |any, byte| any | looked_at(*byte))).count() * 16;
    let rest = bytes.get(plain..)?;
    rest.iter().position(|byte| looked_at(*byte)).map(|at| plain + at)
}

/// Reads a document; its root.
pub fn parse(body: &[u8]) -> Result<Element, XmlError> {
    if body.len() > MAX_BYTES {
        return error("the body is too large");
    }
    let text = std::str::from_utf8(body).map_err(|_| XmlError("the body is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut items = 0;
    loop {
        let event = reader.read_event().map_err(|e| XmlError(e.to_string()))?;
        match event {
            Event::Start(start) => {
                if root.is_some() {
                    return error("there is more than one root element");
                }
                if open.len() == MAX_DEPTH {
                    return error("elements are nested too deeply");
                }
                let element = element(&reader, &start)?;
                items += 1 + element.attributes.len() + element.declarations.len();
                if items > MAX_ITEMS {
                    return error("there are too many elements");
                }
                open.push(element);
            }
            Event::End(_) => {
                let Some(element) = open.pop() else { return error("an end tag closes nothing") };
                match open.last_mut() {
                    Some(parent) => parent.children.push(Child::Element(element)),
                    None => root = Some(element),
                }
            }
            Event::Text(text) => push_text(&mut open, &text.xml_content(XmlVersion::Implicit1_0))?,
            Event::CData(text) => push_text(&mut open, &text.xml_content(XmlVersion::Implicit1_0))?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|e| XmlError(e.to_string()))?;
                let resolved = match (character, &*reference.xml_content(XmlVersion::Implicit1_0)) {
                    (Some(c), _) if is_xml(c) => c,
                    (None, "lt") => '<',
                    (None, "gt") => '>',
                    (None, "amp") => '&',
                    (None, "apos") => '\'',
                    (None, "quot") => '"',
                    (_, name) => return error(format!("the reference &{name}; is not known")),
                };
                push_text(&mut open, resolved.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return error("document types are not accepted"),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if open.is_empty() => {
                return root.ok_or_else(|| XmlError("there is no root element".to_owned()));
            }
            Event::Eof => return error("the document ends inside an element"),
        }
    }
}

fn push_text(open: &mut [Element], text: &str) -> Result<(), XmlError> {
    if let Some(bad) = text.chars().find(|c| !is_xml(*c)) {
        return error(format!("the character U+{:04X} cannot stand in XML", u32::from(bad)));
    }
    match open.last_mut() {
        None if text.trim().is_empty() => {}
        None => return error("there is text outside the root element"),
        Some(element) => match element.children.last_mut() {
            Some(Child::Text(before)) => before.push_str(text),
            _ => element.children.push(Child::Text(text.to_owned())),
        },
    }
    Ok(())
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let resolver = reader.resolver();
    let (namespace, local) = resolver.resolve_element(start.name());
    let name = qualified(&namespace, local.as_ref())?;
    let prefix = start.name().prefix().map(|p| p.as_ref().to_owned()).unwrap_or_default();
    let mut element = Element { name, prefix, attributes: Vec::new(), declarations: Vec::new(), children: Vec::new() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| XmlError(e.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| XmlError(e.to_string()))?.into_owned();
        if value.chars().any(|c| !is_xml(c)) {
            return error("an attribute holds a character that cannot stand in XML");
        }
        let key = attribute.key;
        let raw: &str = key.as_ref();
        if raw == "xmlns" {
            continue;
        }
        if let Some(prefix) = raw.strip_prefix("xmlns:") {
            if value.is_empty() || !is_name(prefix) {
                return error("a prefix is bound to nothing, or is no name");
            }
            element.declarations.push((prefix.to_owned(), value));
            continue;
        }
        let (namespace, local) = resolver.resolve_attribute(key);
        let name = qualified(&namespace, local.as_ref())?;
        let prefix = key.prefix().map(|p| p.as_ref().to_owned()).unwrap_or_default();
        element.attributes.push(Attribute { name, prefix, value });
    }
    Ok(element)
}

/// A name without colon, Namespaces in XML 1.0 section 3. What is kept under another could never be listed.
fn is_name(text: &str) -> bool {
    let starts = |c: char| {
        matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
            | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}')
    };
    let goes_on = |c: char| {
        starts(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
    };
    text.chars().next().is_some_and(starts) && text.chars().all(goes_on)
}

fn qualified(namespace: &ResolveResult<'_>, local: &str) -> Result<QName, XmlError> {
    if !is_name(local) {
        return error("an element or attribute has no proper name");
    }
    match namespace {
        ResolveResult::Bound(namespace) => Ok(QName::owned(namespace.as_ref().to_owned(), local.to_owned())),
        ResolveResult::Unbound => Ok(QName::owned(String::new(), local.to_owned())),
        ResolveResult::Unknown(_) => error("a prefix is not bound to a namespace"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::markup::is_whole;
    use proptest::prelude::*;

    #[test]
    fn what_a_hostile_body_is_made_of() {
        for body in [
            "",
            " ",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "text",
            "<a/>text",
            "<p:a/>",
            "<a p:x='1'/>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<a>&unknown;</a>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<a x='1' x='2'/>",
            "<a xmlns:p=''/>",
            "<x<y/>",
            "<x&y/>",
            "<1a/>",
            "<a=b/>",
            "<a 5='2'/>",
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse("<a>".repeat(100).as_bytes()).is_err());
        assert!(parse(format!("<a>{}</a>", "<b/>".repeat(60_000)).as_bytes()).is_err());
        assert!(parse(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn a_value_stands_on_its_own() {
        let body = "<D:prop xmlns:D='DAV:' xmlns:x='urn:x' xmlns='urn:d'><x:a xml:lang='fr' x:b='1' c='&lt;'>t&amp;\
                    <![CDATA[<u>]]><d><e xmlns=''/></d></x:a></D:prop>";
        let root = parse(body.as_bytes()).expect("well-formed");
        let value = root.elements().next().expect("a property");
        assert_eq!(
            value.to_xml(),
            "<x:a xmlns:x=\"urn:x\" xml:lang=\"fr\" x:b=\"1\" c=\"&lt;\">t&amp;&lt;u&gt;<ns0:d xmlns:ns0=\"urn:d\"><e/>\
             </ns0:d></x:a>"
        );
        assert_eq!(parse(value.to_xml().as_bytes()).map(|again| again.to_xml()), Ok(value.to_xml()));
    }

    #[test]
    fn byte_order_mark_and_prefix_reuse() {
        let root = parse("\u{feff}<?xml version=\"1.0\"?><a:x xmlns:a='urn:1'><a:y xmlns:a='urn:2'/></a:x>".as_bytes());
        let root = root.expect("well-formed");
        assert_eq!(root.elements().next().map(|e| e.name.namespace.to_string()), Some("urn:2".to_owned()));
        assert_eq!(root.to_xml(), "<a:x xmlns:a=\"urn:1\"><a:y xmlns:a=\"urn:2\"/></a:x>");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_document_or_an_error(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }

        #[test]
        fn any_text_survives(text in "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]{1,40}") {
            let mut escaped = String::from("<a>");
            super::escape(&text, &mut escaped);
            escaped.push_str("</a>");
            let root = parse(escaped.as_bytes()).expect("well-formed");
            prop_assert_eq!(root.text(), text.trim());
            let written = format!("<y:b xmlns:y='u' xml:lang='fr' y:c='1'>{escaped}<y:\u{e9}/></y:b>");
            let written = parse(written.as_bytes()).expect("well-formed");
            prop_assert!(is_whole(&written.to_xml(), &[]));
            prop_assert!(is_whole(&written.inner_xml(), &[]));
        }
    }
}
