//! The methods, and sets of them.

/// A method of RFC 9110, RFC 4918, RFC 3253, RFC 3744, RFC 4791 or RFC 5995.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[expect(missing_docs, reason = "the names are the standards' own")]
pub enum Method {
    Options,
    Get,
    Head,
    Put,
    Delete,
    Mkcol,
    Copy,
    Move,
    Propfind,
    Proppatch,
    Lock,
    Unlock,
    Report,
    VersionControl,
    Update,
    Mkcalendar,
    Post,
    Acl,
}

/// Every method with its name on the wire, in the order in which `Allow` lists them.
pub const METHODS: [(Method, &str); 18] = [
    (Method::Options, "OPTIONS"),
    (Method::Get, "GET"),
    (Method::Head, "HEAD"),
    (Method::Put, "PUT"),
    (Method::Delete, "DELETE"),
    (Method::Mkcol, "MKCOL"),
    (Method::Copy, "COPY"),
    (Method::Move, "MOVE"),
    (Method::Propfind, "PROPFIND"),
    (Method::Proppatch, "PROPPATCH"),
    (Method::Lock, "LOCK"),
    (Method::Unlock, "UNLOCK"),
    (Method::Report, "REPORT"),
    (Method::VersionControl, "VERSION-CONTROL"),
    (Method::Update, "UPDATE"),
    (Method::Mkcalendar, "MKCALENDAR"),
    (Method::Post, "POST"),
    (Method::Acl, "ACL"),
];

impl Method {
    /// May it change something?
    #[must_use]
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Options | Self::Get | Self::Head | Self::Propfind | Self::Report)
    }

    /// The method of this name; `None` for one we do not have (501).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        METHODS.iter().find(|(_, text)| *text == name).map(|(method, _)| *method)
    }
}

/// A set of methods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MethodSet(u32);

impl MethodSet {
    /// The set of these methods.
    #[must_use]
    pub const fn of(methods: &[Method]) -> Self {
        Self(0).and(methods)
    }

    /// This set and these.
    #[must_use]
    pub const fn and(self, methods: &[Method]) -> Self {
        let mut bits = self.0;
        let mut rest = methods;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u32);
            rest = tail;
        }
        Self(bits)
    }

    /// Is the method in the set?
    #[must_use]
    pub const fn contains(self, method: Method) -> bool {
        self.0 & (1 << (method as u32)) != 0
    }

    /// Those of the set that pass.
    #[must_use]
    pub fn retain(self, pass: impl Fn(Method) -> bool) -> Self {
        METHODS
            .iter()
            .filter(|(method, _)| self.contains(*method) && pass(*method))
            .fold(Self(0), |set, (m, _)| set.and(&[*m]))
    }

    /// The names, as an `Allow` header lists them (RFC 9110 section 10.2.1).
    #[must_use]
    pub fn allow(self) -> String {
        let names: Vec<&str> = METHODS.iter().filter(|(m, _)| self.contains(*m)).map(|(_, name)| *name).collect();
        names.join(", ")
    }
}
