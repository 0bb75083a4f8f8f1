//! What a query may ask of calendar objects (RFC 4791 section 9), as values.

use std::borrow::Cow;

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

use super::id::Timestamp;
use super::secret_address::SecretAddress;

/// The longest text that is sought, bytes: nobody types more.
const MAX_SOUGHT_BYTES: usize = 4096;

/// A time range, half open; at least one end is given (RFC 4791 section 9.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeRange {
    /// From, included; the smallest when not given.
    pub start: Timestamp,
    /// To, excluded; the largest when not given.
    pub end: Timestamp,
}

impl TimeRange {
    /// All time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// Do a span and the range overlap? A span without length must lie in the range.
    #[must_use]
    pub const fn overlaps(self, start: Timestamp, end: Timestamp) -> bool {
        if end > start { start < self.end && end > self.start } else { start >= self.start && start < self.end }
    }
}

/// How texts are compared (RFC 4790, RFC 5051).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Collation {
    /// `i;ascii-casemap`: case of ASCII letters does not count.
    #[default]
    AsciiCasemap,
    /// `i;octet`: as it is.
    Octet,
    /// `i;unicode-casemap`.
    UnicodeCasemap,
}

/// The collations and their names.
pub static COLLATIONS: [(Collation, &str); 3] = [
    (Collation::AsciiCasemap, "i;ascii-casemap"),
    (Collation::Octet, "i;octet"),
    (Collation::UnicodeCasemap, "i;unicode-casemap"),
];

impl Collation {
    /// A text in the form in which it is compared.
    fn folded(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Octet => Cow::Borrowed(text),
            Self::AsciiCasemap => Cow::Owned(text.to_ascii_uppercase()),
            Self::UnicodeCasemap => Cow::Owned(text.nfkd().default_case_fold().nfkd().collect()),
        }
    }
}

/// A substring that must, or must not, occur (RFC 4791 section 9.7.5). It is folded once, when it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextMatch {
    folded: String,
    collation: Collation,
    negate: bool,
}

impl TextMatch {
    /// Seeks a text; `negate`: it must not occur. `None`: it is too long to be sought.
    #[must_use]
    pub fn new(text: &str, collation: Collation, negate: bool) -> Option<Self> {
        let folded = (text.len() <= MAX_SOUGHT_BYTES).then(|| collation.folded(text))?;
        Some(Self { folded: folded.into_owned(), collation, negate })
    }

    /// Does a text match?
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.collation.folded(text).contains(&self.folded) != self.negate
    }
}

/// The filter on a component (RFC 4791 section 9.7.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ComponentFilter {
    /// Its name, in capitals.
    pub name: String,
    /// Must there be none?
    pub is_not_defined: bool,
    /// When it must take place.
    pub range: Option<TimeRange>,
    /// The filters on its properties.
    pub properties: Vec<PropertyFilter>,
    /// The filters on the components in it.
    pub components: Vec<ComponentFilter>,
}

/// The filter on a property (RFC 4791 section 9.7.2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PropertyFilter {
    /// Its name, in capitals.
    pub name: String,
    /// Must there be none?
    pub is_not_defined: bool,
    /// When its value must lie.
    pub range: Option<TimeRange>,
    /// What its value must contain.
    pub text: Option<TextMatch>,
    /// The filters on its parameters.
    pub parameters: Vec<ParameterFilter>,
}

/// The filter on a parameter (RFC 4791 section 9.7.3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ParameterFilter {
    /// Its name, in capitals.
    pub name: String,
    /// Must there be none?
    pub is_not_defined: bool,
    /// What its value must contain.
    pub text: Option<TextMatch>,
}

/// Which parts of an object are wanted (RFC 4791 section 9.6).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CalendarDataSelection {
    /// Which components and properties; `None`: all.
    pub component: Option<ComponentSelection>,
    /// Series as their single instances in a range, in UTC.
    pub expand: Option<TimeRange>,
    /// Only the overrides that matter in a range.
    pub limit_recurrence: Option<TimeRange>,
    /// Only the busy periods of a range.
    pub limit_freebusy: Option<TimeRange>,
    /// Are time zones that the world knows by name to be described (RFC 7809 section 7.1)? `None`: as it is stored.
    pub describe_zones: Option<bool>,
    /// As jCal (RFC 7265)?
    pub json: bool,
}

impl CalendarDataSelection {
    /// Is the object wanted as it is stored?
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Which parts of a component are wanted (RFC 4791 section 9.6.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ComponentSelection {
    /// Its name, in capitals.
    pub name: String,
    /// Properties by name, each with its value or (`novalue`) without; `None`: all.
    pub properties: Option<Vec<(String, bool)>>,
    /// Components; `None`: all.
    pub components: Option<Vec<ComponentSelection>>,
}

/// Is something of an object private?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privacy {
    /// What it is now.
    Private,
    /// What it was, so that a former version may be.
    Formerly,
}

/// What is known of an object without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Indexed {
    /// Its UID.
    pub uid: String,
    /// VEVENT, VTODO or VJOURNAL; empty where nobody knows.
    pub component: String,
    /// When its first instance begins, or earlier.
    pub first_at: Timestamp,
    /// When its last instance ends, or later.
    pub last_at: Timestamp,
    /// Is it private or confidential?
    pub private: bool,
    /// Has it an organizer and attendees (RFC 6638 section 3.1)?
    pub scheduling: bool,
}

/// What the UIDs begin with that stand for unknown ones.
const UNREADABLE: &str = "unreadable-";

impl Indexed {
    /// What is known of an object that cannot be read: it may be anything, at any time.
    #[must_use]
    pub fn unreadable(hash: &str) -> Self {
        let uid = format!("{UNREADABLE}{hash}");
        let (first_at, last_at) = (Timestamp::MIN, Timestamp::MAX);
        Self { uid, component: String::new(), first_at, last_at, private: true, scheduling: false }
    }

    /// Is it that?
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.component.is_empty()
    }

    /// Is it another object than the one that bore a UID? Of what could not be read nobody knows; what was stored long
    /// ago is known without the spaces around its UID.
    #[must_use]
    pub fn is_other(&self, uid: &str) -> bool {
        uid != self.uid && uid != self.uid.trim() && !uid.starts_with(UNREADABLE)
    }
}

/// What a calendar may hold, as bits of [`ComponentSet`].
pub static COMPONENTS: [&str; 4] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"];

/// A set of [`COMPONENTS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ComponentSet(pub i64);

/// What a calendar holds into which programs publish: busy times.
pub const BUSY_TIMES: ComponentSet = ComponentSet(0b1000);

impl ComponentSet {
    /// What a calendar holds of which nothing else was said: all that programs show.
    pub const ALL: Self = Self(0b111);

    /// The set of these names; `None` when one is unknown or there is none.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut bits = 0;
        for name in names {
            bits |= 1 << COMPONENTS.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        }
        (bits != 0).then_some(Self(bits))
    }

    /// Its names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        COMPONENTS.iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name)
    }

    /// Is a component of it?
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }
}

/// Who learns when someone is busy, by outbox or by mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BusyAudience {
    /// Whoever may know of them.
    #[default]
    All,
    /// Those alone who have a role on a calendar of theirs.
    Granted,
}

/// Each with its spelling in commands, and its number in the database.
pub const BUSY_AUDIENCES: [(BusyAudience, &str, i64); 2] =
    [(BusyAudience::All, "all", 0), (BusyAudience::Granted, "granted", 1)];

impl BusyAudience {
    /// How commands spell it.
    #[must_use]
    pub fn code(self) -> &'static str {
        BUSY_AUDIENCES.iter().find(|(one, ..)| *one == self).map_or("all", |(_, code, _)| code)
    }

    /// The one that commands spell so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        BUSY_AUDIENCES.iter().find(|(_, known, _)| *known == code).map(|(one, ..)| *one)
    }

    /// Its number in the database.
    #[must_use]
    pub fn number(self) -> i64 {
        BUSY_AUDIENCES.iter().find(|(one, ..)| *one == self).map_or(0, |(.., number)| *number)
    }

    /// The one of a number; of what is none, the narrower.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        BUSY_AUDIENCES.iter().find(|(.., known)| *known == number).map_or(Self::Granted, |(one, ..)| *one)
    }
}

/// How much of each event a feed shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedDetail {
    /// All but the people.
    Full,
    /// When, and the title.
    Title,
    /// When, and nothing else.
    Busy,
}

/// Each with its spelling in commands and in the database.
pub const DETAILS: [(FeedDetail, &str); 3] =
    [(FeedDetail::Full, "full"), (FeedDetail::Title, "title"), (FeedDetail::Busy, "busy")];

impl FeedDetail {
    /// Its spelling.
    #[must_use]
    pub fn code(self) -> &'static str {
        DETAILS.iter().find(|(detail, _)| *detail == self).map_or("busy", |(_, code)| code)
    }

    /// The one spelled so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        DETAILS.iter().find(|(_, known)| *known == code).map(|(detail, _)| *detail)
    }
}

/// An address that shows a calendar to whoever knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feed {
    /// Name of the home that its calendar stands in.
    pub home: String,
    /// Name of its calendar.
    pub calendar: String,
    /// How much it shows.
    pub detail: FeedDetail,
    /// What is kept of it.
    pub kept: SecretAddress,
}
