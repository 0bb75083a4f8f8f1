//! Statements, and the tables that each says it reads and writes: a test holds that to the database's own account.

/// Some of the tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tables(u64);

macro_rules! tables {
    ($($name:ident = $text:literal),* $(,)?) => {
        tables!(@ 0_u64; $($name = $text,)*);
        /// Each table and its name.
        #[cfg(test)]
        pub const NAMES: &[(Tables, &str)] = &[$(($name, $text)),*];
    };
    (@ $place:expr; $name:ident = $text:literal, $($rest:tt)*) => {
        #[doc = concat!("The table `", $text, "`.")]
        pub const $name: Tables = Tables(1 << ($place));
        tables!(@ $place + 1; $($rest)*);
    };
    (@ $place:expr;) => {
        /// How many tables there are.
        pub const NUMBER: usize = ($place) as usize;
    };
}

/// The tables.
pub mod tables {
    use super::Tables;

    tables! {
        ACE = "ace",
        ADDRESS = "address",
        ANSWER = "answer",
        BODY = "body",
        BOOKABLE_BY = "bookable_by",
        CALENDAR = "calendar",
        CALENDAR_OBJECT = "calendar_object",
        CHAIN = "chain",
        DEVICE = "device",
        EFFECTIVE_MEMBERSHIP = "effective_membership",
        FEED = "feed",
        FREEBUSY_ADDRESS = "freebusy_address",
        HOLD = "hold",
        HOME = "home",
        INBOX_ITEM = "inbox_item",
        INVITATION = "invitation",
        INVITED_GROUP = "invited_group",
        INVITEE = "invitee",
        JOB = "job",
        MAIL = "mail",
        LOCK = "lock",
        MEETING = "meeting",
        MEETING_FOLDER = "meeting_folder",
        MEMBERSHIP = "membership",
        NODE = "node",
        NOTIFICATION = "notification",
        PAST = "past",
        PERSONAL_PART = "personal_part",
        PRINCIPAL = "principal",
        PROPERTY = "property",
        PURGE = "purge",
        RETURNED = "returned",
        ROOM = "room",
        SETTING = "setting",
        UNREAD = "unread",
    }
}

impl Tables {
    /// None.
    pub const NONE: Self = Self(0);
    /// All: of a statement that does not say.
    pub const ALL: Self = Self(u64::MAX);

    /// All of some.
    #[must_use]
    pub const fn of(tables: &[Self]) -> Self {
        let (mut all, mut rest) = (Self::NONE, tables);
        while let [first, others @ ..] = rest {
            all = all.and(*first);
            rest = others;
        }
        all
    }

    /// And others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Are some of them among others?
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Which they are, as places from 0.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..tables::NUMBER).filter(move |place| self.0 & (1 << place) != 0)
    }
}

/// Which statement it is: its text says that. Where the text stands says nothing, for a constant may stand in several
/// places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Identity(u64, usize);

impl Identity {
    /// That of a text: its hash (FNV-1a), made when the program is built. A test holds all statements apart.
    const fn of(text: &str) -> Self {
        let (mut hash, mut rest) = (0xcbf2_9ce4_8422_2325_u64, text.as_bytes());
        while let [byte, others @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
            rest = others;
        }
        Self(hash, text.len())
    }
}

/// A statement: its text, a constant, and the tables that it reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// What the database gets.
    pub text: &'static str,
    /// What the answer depends on.
    pub reads: Tables,
    /// What is other afterwards.
    pub writes: Tables,
    identity: Identity,
}

impl Statement {
    /// One that does not say what it reads and writes: that may be anything.
    #[must_use]
    pub const fn undeclared(text: &'static str) -> Self {
        Self { text, reads: Tables::ALL, writes: Tables::ALL, identity: Identity::of(text) }
    }

    /// Which statement it is.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }
}

/// A statement that reads some tables and writes none.
pub const fn reads(tables: &[Tables], text: &'static str) -> Statement {
    Statement { text, reads: Tables::of(tables), writes: Tables::NONE, identity: Identity::of(text) }
}

/// A statement that writes the first tables, and reads the others besides.
pub const fn writes(written: &[Tables], read: &[Tables], text: &'static str) -> Statement {
    Statement { text, reads: Tables::of(read), writes: Tables::of(written), identity: Identity::of(text) }
}

/// What is made of statements.
#[cfg(test)]
pub trait Listed {
    /// Adds them to a list.
    fn list(&self, to: &mut Vec<Statement>);
}

#[cfg(test)]
impl Listed for Statement {
    fn list(&self, to: &mut Vec<Statement>) {
        to.push(*self);
    }
}

#[cfg(test)]
impl<T: Listed, const NUMBER: usize> Listed for [T; NUMBER] {
    fn list(&self, to: &mut Vec<Statement>) {
        self.iter().for_each(|one| one.list(to));
    }
}

/// The statements of a file. Every one stands in such a list, so that a test can go through all.
macro_rules! statements {
    ($($(#[$about:meta])* $visible:vis const $name:ident: $kind:ty = $statement:expr;)*) => {
        $($(#[$about])* $visible const $name: $kind = $statement;)*

        /// All statements of this file.
        #[cfg(test)]
        pub fn statements() -> Vec<crate::store::statement::Statement> {
            let mut all = Vec::new();
            $(crate::store::statement::Listed::list(&$name, &mut all);)*
            all
        }
    };
}
pub(super) use statements;
