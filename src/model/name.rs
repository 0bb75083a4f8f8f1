//! Qualified XML names and the namespaces we speak.

use std::borrow::Cow;

/// `DAV:`, RFC 4918 section 14.
pub const DAV: &str = "DAV:";
/// RFC 4791 section 4.
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Extensions of the Calendar Server, which many clients ask for.
pub const CALENDARSERVER: &str = "http://calendarserver.org/ns/";
/// Properties that Windows stores with each file.
pub const MICROSOFT: &str = "urn:schemas-microsoft-com:";
/// Our own elements in error bodies.
pub const BEFFROI: &str = "urn:beffroi:";

/// An expanded XML name: namespace URI (empty: none) and local name. Prefixes never matter.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct QName {
    /// Namespace URI; empty for an element without one.
    pub namespace: Cow<'static, str>,
    /// Local name.
    pub local: Cow<'static, str>,
}

impl QName {
    /// A name known at compile time.
    #[must_use]
    pub const fn of(namespace: &'static str, local: &'static str) -> Self {
        Self { namespace: Cow::Borrowed(namespace), local: Cow::Borrowed(local) }
    }

    /// A name in `DAV:`.
    #[must_use]
    pub const fn dav(local: &'static str) -> Self {
        Self::of(DAV, local)
    }

    /// A name in CalDAV's namespace.
    #[must_use]
    pub const fn caldav(local: &'static str) -> Self {
        Self::of(CALDAV, local)
    }

    /// A name read from a request or a row.
    #[must_use]
    pub fn owned(namespace: String, local: String) -> Self {
        Self { namespace: Cow::Owned(namespace), local: Cow::Owned(local) }
    }

    /// Is this the element `local` of CalDAV's namespace?
    #[must_use]
    pub fn is_caldav(&self, local: &str) -> bool {
        self.namespace == CALDAV && self.local == local
    }

    /// Is this the element `local` of `DAV:`?
    #[must_use]
    pub fn is_dav(&self, local: &str) -> bool {
        self.namespace == DAV && self.local == local
    }
}
