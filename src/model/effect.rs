//! What a request does to the tree: the EFFECTS of each method.
//!
//! From this one list follow the privileges that the gate asks for and the lock tokens that must be shown.

use super::kind::Kind;
use super::method::Method;
use super::privilege::Privilege;
use super::view::{Traits, View};

/// Something done to a node. RFC 3744 appendix B names the privilege for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Its content, properties or members are read.
    Read,
    /// Its content is replaced.
    WriteContent,
    /// Its properties are changed.
    WriteProperties,
    /// A member is added to it.
    Bind,
    /// A member is taken from it.
    Unbind,
    /// A lock is put on it.
    Lock,
    /// A lock is taken off it.
    Unlock,
    /// Who may do what with it is set.
    WriteAcl,
    /// Others are invited to it.
    Share,
    /// One asks from it when others are busy.
    AskWhenBusy,
}

/// Where an effect takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectPlace {
    /// At what the request's path leads to.
    Target,
    /// At the collection that holds it, or would.
    Parent,
    /// At the collection that the destination's last segment names a member of.
    DestinationParent,
    /// The same, and only if the destination is mapped: what is there goes.
    Overwritten,
}

/// The effects of a method on a mapped and on an unmapped path.
pub struct EffectRow {
    /// The method.
    pub method: Method,
    /// On something that is there.
    pub mapped: &'static [(Effect, EffectPlace)],
    /// On a name that is free.
    pub unmapped: &'static [(Effect, EffectPlace)],
}

const READ: &[(Effect, EffectPlace)] = &[(Effect::Read, EffectPlace::Target)];
const CREATE: &[(Effect, EffectPlace)] = &[(Effect::Bind, EffectPlace::Parent)];

/// One row a method.
pub static EFFECTS: [EffectRow; 18] = [
    EffectRow { method: Method::Options, mapped: READ, unmapped: &[] },
    EffectRow { method: Method::Get, mapped: READ, unmapped: READ },
    EffectRow { method: Method::Head, mapped: READ, unmapped: READ },
    EffectRow { method: Method::Propfind, mapped: READ, unmapped: READ },
    EffectRow { method: Method::Report, mapped: READ, unmapped: READ },
    EffectRow { method: Method::Put, mapped: &[(Effect::WriteContent, EffectPlace::Target)], unmapped: CREATE },
    EffectRow { method: Method::Mkcol, mapped: CREATE, unmapped: CREATE },
    EffectRow { method: Method::Mkcalendar, mapped: CREATE, unmapped: CREATE },
    EffectRow { method: Method::Delete, mapped: &[(Effect::Unbind, EffectPlace::Parent)], unmapped: READ },
    EffectRow {
        method: Method::Copy,
        mapped: &[
            (Effect::Read, EffectPlace::Target),
            (Effect::Bind, EffectPlace::DestinationParent),
            (Effect::Unbind, EffectPlace::Overwritten),
        ],
        unmapped: READ,
    },
    EffectRow {
        method: Method::Move,
        mapped: &[
            (Effect::Unbind, EffectPlace::Parent),
            (Effect::Bind, EffectPlace::DestinationParent),
            (Effect::Unbind, EffectPlace::Overwritten),
        ],
        unmapped: READ,
    },
    EffectRow { method: Method::Proppatch, mapped: &[(Effect::WriteProperties, EffectPlace::Target)], unmapped: READ },
    EffectRow { method: Method::Lock, mapped: &[(Effect::Lock, EffectPlace::Target)], unmapped: CREATE },
    EffectRow { method: Method::Unlock, mapped: &[(Effect::Unlock, EffectPlace::Target)], unmapped: READ },
    EffectRow {
        method: Method::VersionControl,
        mapped: &[(Effect::WriteProperties, EffectPlace::Target)],
        unmapped: READ,
    },
    EffectRow { method: Method::Post, mapped: &[(Effect::Bind, EffectPlace::Target)], unmapped: READ },
    EffectRow { method: Method::Update, mapped: &[(Effect::WriteContent, EffectPlace::Target)], unmapped: READ },
    EffectRow { method: Method::Acl, mapped: &[(Effect::WriteAcl, EffectPlace::Target)], unmapped: READ },
];

/// POST to a calendar object.
const ATTACH: &[(Effect, EffectPlace)] = &[(Effect::WriteContent, EffectPlace::Target)];
/// POST to an outbox.
const ASK_WHEN_BUSY: &[(Effect, EffectPlace)] = &[(Effect::AskWhenBusy, EffectPlace::Target)];

/// The same for a folder or calendar: what stands in it is put back, and what came since goes.
const UPDATE_FOLDER: &[(Effect, EffectPlace)] = &[
    (Effect::WriteContent, EffectPlace::Target),
    (Effect::Bind, EffectPlace::Target),
    (Effect::Unbind, EffectPlace::Target),
];

/// MOVE out of the trash: who may write where it stood, and where it is to stand.
const RESTORE: &[(Effect, EffectPlace)] =
    &[(Effect::WriteContent, EffectPlace::Parent), (Effect::Bind, EffectPlace::DestinationParent)];

impl Effect {
    /// The privilege it takes (RFC 3744 appendix B). Unlocking takes reading only: the lock's maker may always, and
    /// whether another may is asked where the lock is known (RFC 3744 section 3.5).
    #[must_use]
    pub const fn privilege(self) -> Privilege {
        match self {
            Self::Read | Self::Unlock => Privilege::Read,
            Self::WriteContent | Self::Lock => Privilege::WriteContent,
            Self::WriteProperties => Privilege::WriteProperties,
            Self::Bind => Privilege::Bind,
            Self::Unbind => Privilege::Unbind,
            Self::WriteAcl => Privilege::WriteAcl,
            Self::Share => Privilege::Share,
            Self::AskWhenBusy => Privilege::ScheduleSendFreeBusy,
        }
    }

    /// Does a lock on the place stand in its way (RFC 4918 section 7, RFC 3744 section 7.5)? Reading never needs a
    /// token, and whether two locks agree is asked where a lock is made.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        matches!(self, Self::WriteContent | Self::WriteProperties | Self::Bind | Self::Unbind | Self::WriteAcl)
    }
}

/// The effects of a method on what is there, or on a free name.
#[must_use]
pub fn effects(method: Method, at: Option<&Traits>) -> &'static [(Effect, EffectPlace)] {
    match (method, at) {
        (Method::Move, Some(Traits { view: View::Trashed, .. })) => return RESTORE,
        // What one says of it is one's own.
        (Method::Proppatch | Method::Delete, Some(Traits { view: View::Linked, .. })) => return READ,
        (Method::Post, Some(Traits { kind: Kind::Outbox, .. })) => return ASK_WHEN_BUSY,
        (Method::Post, Some(Traits { kind: Kind::Object, .. })) => return ATTACH,
        (Method::Update, Some(Traits { collection: true, .. })) => return UPDATE_FOLDER,
        _ => {}
    }
    let mapped = at.is_some();
    match EFFECTS.iter().find(|row| row.method == method) {
        Some(row) if mapped => row.mapped,
        Some(row) => row.unmapped,
        None => READ,
    }
}

/// Those of a change of what is one's own there.
#[must_use]
pub const fn own_effects() -> &'static [(Effect, EffectPlace)] {
    READ
}

/// Those of a POST that speaks of sharing: to a calendar, or as an answer to a home.
#[must_use]
pub fn sharing_effects(at: Option<&Traits>) -> &'static [(Effect, EffectPlace)] {
    match at {
        Some(traits) if traits.is_calendar() => &[(Effect::Share, EffectPlace::Target)],
        at => effects(Method::Post, at),
    }
}

#[cfg(test)]
mod tests {
    use super::EFFECTS;
    use crate::model::method::METHODS;

    #[test]
    fn every_method_declares_its_effects() {
        for (method, name) in METHODS {
            assert_eq!(EFFECTS.iter().filter(|row| row.method == method).count(), 1, "{name}");
        }
    }
}
