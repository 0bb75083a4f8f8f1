//! Bodies of requests as values: propfind, propertyupdate, mkcol, lockinfo, and the reports.

use std::collections::HashSet;

use super::calendar::{self, CalendarReport};
pub use super::property_request::PropertyRequest;
use super::xml::{Element, XmlError, parse};
use crate::model::condition::Condition;
use crate::model::name::{CALDAV, DAV, QName};

/// One instruction of a PROPPATCH, in document order (RFC 4918 section 9.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Update {
    /// Set to this element.
    Set(Element),
    /// Remove.
    Remove(QName),
}

impl Update {
    /// The property concerned.
    #[must_use]
    pub fn name(&self) -> &QName {
        match self {
            Self::Set(element) => &element.name,
            Self::Remove(name) => name,
        }
    }
}

/// A LOCK's body (RFC 4918 section 14.11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockInfo {
    /// Shared, or exclusive?
    pub shared: bool,
    /// Content of the owner element; empty when there is none.
    pub owner_xml: String,
}

/// An extended MKCOL's body (RFC 5689 section 3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MakeCollection {
    /// Children of the resource type asked for; empty when none was.
    pub resource_types: Vec<QName>,
    /// All other properties.
    pub properties: Vec<Element>,
}

/// A REPORT's body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// RFC 6578 section 3.2.
    SyncCollection {
        /// Empty: the first synchronization.
        token: String,
        /// Level infinite?
        deep: Option<bool>,
        /// At most so many.
        limit: Option<usize>,
        /// Properties of each member.
        asked: PropertyRequest,
    },
    /// RFC 3253 section 3.7: all versions of a document.
    VersionTree(PropertyRequest),
    /// RFC 3253 section 3.8: properties, and those of the resources they name.
    ExpandProperty(Vec<Expand>),
    /// RFC 3744 section 9.2: principals to whom something is granted.
    AclPrincipalPropSet(PropertyRequest),
    /// RFC 3744 section 9.3: what is the actor, or names the actor by a property.
    PrincipalMatch(Option<QName>, PropertyRequest),
    /// RFC 3744 section 9.4: principals whose properties contain texts.
    PrincipalPropertySearch(PrincipalSearch),
    /// RFC 3744 section 9.5: which properties may be searched.
    PrincipalSearchPropertySet,
    /// RFC 4791 section 7.
    Calendar(Box<CalendarReport>),
    /// One whose body breaks a precondition.
    Unusable(Condition),
    /// One that we do not know.
    Other(QName),
}

impl Report {
    /// Is it defined for the resource alone (RFC 3744 section 9)?
    #[must_use]
    pub fn is_of_one(&self) -> bool {
        matches!(
            self,
            Self::AclPrincipalPropSet(_)
                | Self::PrincipalMatch(..)
                | Self::PrincipalPropertySearch(_)
                | Self::PrincipalSearchPropertySet
        )
    }
}

/// What principals are sought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrincipalSearch {
    /// Properties, and the text that one of each must contain.
    pub matches: Vec<(Vec<QName>, String)>,
    /// Is it enough that one of them holds?
    pub any: bool,
    /// Properties of each principal found.
    pub asked: PropertyRequest,
}

/// A property that is wanted, and those wanted of each resource that its value names.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Expand {
    /// The property.
    pub name: QName,
    /// Properties of the resources it names; empty: their addresses stay.
    pub inner: Vec<Expand>,
}

impl Expand {
    fn of(element: &Element) -> Vec<Self> {
        let properties = element.elements().filter(|e| e.name.is_dav("property"));
        properties
            .filter_map(|property| {
                let local = property.attribute("name")?;
                let namespace = property.attribute("namespace").unwrap_or(DAV);
                Some(Self { name: QName::owned(namespace.to_owned(), local.to_owned()), inner: Self::of(property) })
            })
            .collect()
    }
}

/// The version that an UPDATE asks for (RFC 3253 section 7.1): its address.
pub fn update(body: &[u8]) -> Result<String, XmlError> {
    let root = parse(body)?;
    let version = root.dav("version").and_then(|version| version.dav("href")).map(Element::text);
    match version {
        Some(href) if root.name.is_dav("update") => Ok(href),
        _ => error("DAV:update with a DAV:version and its DAV:href is wanted"),
    }
}

fn error<T>(text: &str) -> Result<T, XmlError> {
    Err(XmlError(text.to_owned()))
}

/// Names of what an element holds, each once, in order.
fn names(element: &Element) -> Vec<QName> {
    let mut seen = HashSet::new();
    element.elements().map(|child| &child.name).filter(|name| seen.insert(*name)).cloned().collect()
}

/// A PROPFIND's body; an empty one asks for all (RFC 4918 section 9.1).
pub fn propfind(body: &[u8]) -> Result<PropertyRequest, XmlError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(PropertyRequest::All(Vec::new()));
    }
    let root = parse(body)?;
    if !root.name.is_dav("propfind") {
        return error("the root element is not DAV:propfind");
    }
    match asked(&root)? {
        Some(asked) => Ok(asked),
        None => error("DAV:propfind holds neither prop, propname nor allprop"),
    }
}

/// What the one of `prop`, `propname` and `allprop` that an element holds asks for (RFC 4918 section 14.20); `None`: it
/// holds none.
fn asked(root: &Element) -> Result<Option<PropertyRequest>, XmlError> {
    match (root.dav("prop"), root.dav("propname"), root.dav("allprop")) {
        (Some(prop), None, None) => Ok(Some(PropertyRequest::These(names(prop)))),
        (None, Some(_), None) => Ok(Some(PropertyRequest::Names)),
        (None, None, Some(_)) => Ok(Some(PropertyRequest::All(root.dav("include").map(names).unwrap_or_default()))),
        (None, None, None) => Ok(None),
        _ => error("only one of DAV:prop, DAV:propname and DAV:allprop may be asked"),
    }
}

/// A PROPPATCH's body. The language in force where a property stands goes with it (RFC 4918 section 4.3).
pub fn propertyupdate(body: &[u8]) -> Result<Vec<Update>, XmlError> {
    let root = parse(body)?;
    if !root.name.is_dav("propertyupdate") {
        return error("the root element is not DAV:propertyupdate");
    }
    let mut updates = Vec::new();
    for instruction in root.elements() {
        let set = instruction.name.is_dav("set");
        if !set && !instruction.name.is_dav("remove") {
            continue;
        }
        for prop in instruction.elements().filter(|element| element.name.is_dav("prop")) {
            for property in prop.elements() {
                updates.push(if set {
                    let mut property = property.clone();
                    if let Some(language) =
                        prop.language().or_else(|| instruction.language()).or_else(|| root.language())
                    {
                        property.inherit_language(language);
                    }
                    Update::Set(property)
                } else {
                    Update::Remove(property.name.clone())
                });
            }
        }
    }
    if updates.is_empty() { error("DAV:propertyupdate changes nothing") } else { Ok(updates) }
}

/// A LOCK's body.
pub fn lockinfo(body: &[u8]) -> Result<LockInfo, XmlError> {
    let root = parse(body)?;
    if !root.name.is_dav("lockinfo") {
        return error("the root element is not DAV:lockinfo");
    }
    let Some(scope) = root.dav("lockscope") else { return error("DAV:lockinfo holds no lockscope") };
    if root.dav("locktype").is_none_or(|kind| kind.dav("write").is_none()) {
        return error("only write locks are known");
    }
    let shared = match (scope.dav("exclusive"), scope.dav("shared")) {
        (Some(_), None) => false,
        (None, Some(_)) => true,
        _ => return error("DAV:lockscope is neither exclusive nor shared"),
    };
    Ok(LockInfo { shared, owner_xml: root.dav("owner").map(Element::inner_xml).unwrap_or_default().trim().to_owned() })
}

/// The body of an extended MKCOL, or of MKCALENDAR: each has its own element (RFC 5689 section 3, RFC 4791 section
/// 5.3.1).
pub fn mkcol(body: &[u8], of_calendar: bool) -> Result<MakeCollection, XmlError> {
    let root = parse(body)?;
    if of_calendar && !root.name.is_caldav("mkcalendar") {
        return error("the root element is not CALDAV:mkcalendar");
    }
    if !of_calendar && !root.name.is_dav("mkcol") {
        return error("the root element is not DAV:mkcol");
    }
    let mut made = MakeCollection::default();
    for prop in root.elements().filter(|e| e.name.is_dav("set")).flat_map(Element::elements) {
        for property in prop.elements() {
            if property.name.is_dav("resourcetype") {
                made.resource_types = names(property);
            } else {
                made.properties.push(property.clone());
            }
        }
    }
    Ok(made)
}

/// What a principal has to be, or to be named by.
fn principal_match(root: &Element, asked: PropertyRequest) -> Result<Report, XmlError> {
    let property = root.dav("principal-property").map(|by| by.elements().next().map(|by| by.name.clone()));
    match (property, root.dav("self")) {
        (Some(Some(by)), None) => Ok(Report::PrincipalMatch(Some(by), asked)),
        (None, Some(_)) => Ok(Report::PrincipalMatch(None, asked)),
        _ => error("DAV:principal-match wants DAV:self or a property in DAV:principal-property"),
    }
}

/// A REPORT's body.
pub fn report(body: &[u8]) -> Result<Report, XmlError> {
    let root = parse(body)?;
    let asked = asked(&root)?.unwrap_or(PropertyRequest::These(Vec::new()));
    match &*root.name.local {
        _ if root.name.namespace == CALDAV => {
            return Ok(match calendar::report(&root, asked) {
                Some(Ok(report)) => Report::Calendar(Box::new(report)),
                Some(Err(condition)) => Report::Unusable(condition),
                None => Report::Other(root.name),
            });
        }
        _ if root.name.namespace != DAV => return Ok(Report::Other(root.name)),
        "acl-principal-prop-set" => return Ok(Report::AclPrincipalPropSet(asked)),
        "principal-match" => return principal_match(&root, asked),
        "principal-search-property-set" => return Ok(Report::PrincipalSearchPropertySet),
        "principal-property-search" => {
            let sought = root.elements().filter(|element| element.name.is_dav("property-search"));
            let matches = sought
                .filter_map(|search| Some((search.dav("prop").map(names)?, search.dav("match")?.text())))
                .collect();
            let any = root.attribute("test") == Some("anyof");
            // Quirk: python-caldav (3.6) writes what it asks for beside an empty `DAV:prop` instead of into it.
            let parts = ["prop", "property-search", "apply-to-principal-collection-set"];
            let beside =
                root.elements().map(|child| &child.name).filter(|name| !parts.iter().any(|part| name.is_dav(part)));
            let asked = if asked == PropertyRequest::These(Vec::new()) {
                PropertyRequest::These(beside.cloned().collect())
            } else {
                asked
            };
            return Ok(Report::PrincipalPropertySearch(PrincipalSearch { matches, any, asked }));
        }
        "version-tree" => return Ok(Report::VersionTree(asked)),
        "expand-property" => return Ok(Report::ExpandProperty(Expand::of(&root))),
        "sync-collection" => {}
        _ => return Ok(Report::Other(root.name)),
    }
    let deep = match root.dav("sync-level").map(Element::text).as_deref() {
        None => None,
        Some("1") => Some(false),
        Some("infinite") => Some(true),
        Some(_) => return error("DAV:sync-level is neither 1 nor infinite"),
    };
    let limit = match root.dav("limit").and_then(|limit| limit.dav("nresults")).map(Element::text) {
        None => None,
        Some(text) => match text.parse() {
            Ok(number) if number > 0 => Some(number),
            _ => return error("DAV:nresults is no positive number"),
        },
    };
    Ok(Report::SyncCollection {
        token: root.dav("sync-token").map(Element::text).unwrap_or_default(),
        deep,
        limit,
        asked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propfind_bodies() {
        let body = |inner: &str| format!("<propfind xmlns='DAV:'>{inner}</propfind>");
        assert_eq!(propfind(b"  "), Ok(PropertyRequest::All(vec![])));
        assert_eq!(propfind(body("<propname/>").as_bytes()), Ok(PropertyRequest::Names));
        assert_eq!(
            propfind(body("<allprop/><include><owner/></include>").as_bytes()),
            Ok(PropertyRequest::All(vec![QName::dav("owner")]))
        );
        assert_eq!(
            propfind(body("<prop><getetag/><getetag/><x xmlns=''/></prop>").as_bytes()),
            Ok(PropertyRequest::These(vec![QName::dav("getetag"), QName::of("", "x")]))
        );
        assert!(propfind(body("").as_bytes()).is_err());
        assert!(propfind(b"<x/>").is_err());
    }

    #[test]
    fn language_goes_with_the_property() {
        let body = "<D:propertyupdate xmlns:D='DAV:' xml:lang='fr'><D:set><D:prop><a/></D:prop></D:set>\
                    <D:remove><D:prop><b/></D:prop></D:remove></D:propertyupdate>";
        let updates = propertyupdate(body.as_bytes()).expect("well-formed");
        assert!(matches!(&updates[0], Update::Set(element) if element.to_xml() == "<a xml:lang=\"fr\"/>"));
        assert_eq!(updates[1], Update::Remove(QName::of("", "b")));
    }

    #[test]
    fn lock_bodies() {
        let body = "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope><locktype><write/></locktype>\
                    <owner> <href>me</href></owner></lockinfo>";
        assert_eq!(
            lockinfo(body.as_bytes()),
            Ok(LockInfo { shared: true, owner_xml: "<D:href xmlns:D=\"DAV:\">me</D:href>".into() })
        );
        assert!(lockinfo(b"<lockinfo xmlns='DAV:'/>").is_err());
    }
}
