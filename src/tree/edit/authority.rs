//! Who may do what: each verb with the authorities that carry it out, and the effect that a request must have declared
//! for it.

use crate::model::effect::Effect;
use crate::model::error::{Error, Failure};

/// By what right something is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authority {
    /// A request that passed the gate: what it declared, where it declared it.
    Gate,
    /// What is put into the calendar or inbox of another for a change that was admitted.
    Delivery,
    /// What the server does of itself.
    Job,
    /// The administrator's commands: people, projects, grants.
    Administration,
}

/// What is done in one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// A node comes to stand at a free name.
    Bind,
    /// A document has other content.
    Replace,
    /// Properties of a node are changed.
    Patch,
    /// Properties that a node has for one person alone are changed.
    Personalize,
    /// A node leaves its name.
    Unbind,
    /// A node leaves its name for another one.
    Move,
    /// A node comes back from the trash.
    Restore,
    /// A collection becomes what it was.
    Rewind,
    /// A lock is made or lasts longer.
    Lock,
    /// A lock is taken off.
    Unlock,
    /// What is granted on a collection is replaced.
    SetAcl,
    /// Others are invited to a calendar, or no longer.
    Share,
    /// An invitation is answered.
    AnswerInvitation,
    /// A calendar that was shared is no longer wanted.
    LeaveCalendar,
    /// A notification is done with.
    Dismiss,
    /// What was deleted goes for good.
    Purge,
    /// A person deletes no more for a while.
    Hold,
    /// A draft becomes a version.
    Seal,
    /// What a program left about goes to the trash, or the content of what has gone without trace.
    Clear,
    /// A version is not kept any more.
    Thin,
    /// Sync tokens from before a change are not honoured any more.
    MoveHorizon,
    /// Bodies that nothing names go.
    Sweep,
    /// A job is entered.
    EnterJob,
    /// A job is held, done, or put off. It is no change event: what the job does is.
    RunJob,
    /// Mail is to be sent.
    QueueMail,
    /// Mail is sent, or comes back.
    SendMail,
    /// A job is made due.
    RetryJob,
    /// What older versions stored is set right.
    Repair,
    /// When something was used last.
    NoteUse,
    /// A person is added.
    AddPerson,
    /// The name, address or password of a person is another.
    SetPerson,
    /// A person may log in, or not.
    DisablePerson,
    /// A person and the home go.
    RemovePerson,
    /// A project is added.
    AddProject,
    /// A project is only read from now on.
    CloseProject,
    /// A project that was closed is changed again.
    ReopenProject,
    /// The meetings of a project have folders, or not.
    SetFolders,
    /// A group is added.
    AddGroup,
    /// A group goes.
    RemoveGroup,
    /// Someone is in a group.
    JoinGroup,
    /// Someone is in a group no more.
    LeaveGroup,
    /// A room is added.
    AddRoom,
    /// A room goes.
    RemoveRoom,
    /// Someone gets a role.
    Grant,
    /// Someone has a role no more.
    Revoke,
    /// A person says who the delegates are.
    SetDelegates,
    /// A device password is made.
    AddDevice,
    /// A device password ends.
    RevokeDevice,
    /// A feed is made.
    AddFeed,
    /// A feed ends.
    RevokeFeed,
    /// An address is made at which busy times are looked up.
    AddFreeBusyAddress,
    /// Such an address ends.
    RevokeFreeBusyAddress,
    /// What a home keeps is set.
    SetRetention,
    /// Deletions that were held go on.
    Release,
}

/// A verb.
pub struct VerbRow {
    /// Which.
    pub verb: Verb,
    /// Who may.
    pub may: &'static [Authority],
    /// What a request must have declared, at the node or the collection that the verb names.
    pub effect: Option<Effect>,
}

const fn row(verb: Verb, may: &'static [Authority], effect: Option<Effect>) -> VerbRow {
    VerbRow { verb, may, effect }
}

const GATE: &[Authority] = &[Authority::Gate];
const OBJECTS: &[Authority] = &[Authority::Gate, Authority::Delivery];
const JOB: &[Authority] = &[Authority::Job];
const ADMINISTRATION: &[Authority] = &[Authority::Administration];

/// One row a verb.
pub static VERBS: [VerbRow; 54] = [
    row(Verb::Bind, OBJECTS, Some(Effect::Bind)),
    row(Verb::Replace, OBJECTS, Some(Effect::WriteContent)),
    row(Verb::Patch, GATE, Some(Effect::WriteProperties)),
    row(Verb::Personalize, GATE, Some(Effect::Read)),
    row(Verb::Unbind, OBJECTS, Some(Effect::Unbind)),
    row(Verb::Move, GATE, Some(Effect::Unbind)),
    row(Verb::Restore, GATE, Some(Effect::WriteContent)),
    row(Verb::Rewind, GATE, Some(Effect::WriteContent)),
    row(Verb::Lock, GATE, Some(Effect::Lock)),
    row(Verb::Unlock, GATE, Some(Effect::Unlock)),
    row(Verb::SetAcl, GATE, Some(Effect::WriteAcl)),
    row(Verb::Share, GATE, Some(Effect::Share)),
    row(Verb::AnswerInvitation, GATE, Some(Effect::Bind)),
    row(Verb::LeaveCalendar, GATE, Some(Effect::Read)),
    row(Verb::Dismiss, GATE, Some(Effect::Unbind)),
    row(Verb::Purge, &[Authority::Gate, Authority::Job], Some(Effect::Unbind)),
    row(Verb::Hold, GATE, None),
    row(Verb::Seal, JOB, None),
    row(Verb::Clear, JOB, None),
    row(Verb::Thin, JOB, None),
    row(Verb::MoveHorizon, JOB, None),
    row(Verb::Sweep, JOB, None),
    row(Verb::EnterJob, &[Authority::Gate, Authority::Delivery, Authority::Job, Authority::Administration], None),
    row(Verb::RunJob, JOB, None),
    row(Verb::QueueMail, &[Authority::Gate, Authority::Delivery, Authority::Job], None),
    row(Verb::SendMail, JOB, None),
    row(Verb::RetryJob, ADMINISTRATION, None),
    row(Verb::Repair, JOB, None),
    row(Verb::NoteUse, JOB, None),
    row(Verb::AddPerson, ADMINISTRATION, None),
    row(Verb::SetPerson, ADMINISTRATION, None),
    row(Verb::DisablePerson, ADMINISTRATION, None),
    row(Verb::RemovePerson, ADMINISTRATION, None),
    row(Verb::AddProject, ADMINISTRATION, None),
    row(Verb::CloseProject, ADMINISTRATION, None),
    row(Verb::ReopenProject, ADMINISTRATION, None),
    row(Verb::SetFolders, ADMINISTRATION, None),
    row(Verb::AddGroup, ADMINISTRATION, None),
    row(Verb::RemoveGroup, ADMINISTRATION, None),
    row(Verb::JoinGroup, ADMINISTRATION, None),
    row(Verb::LeaveGroup, ADMINISTRATION, None),
    row(Verb::AddRoom, ADMINISTRATION, None),
    row(Verb::RemoveRoom, ADMINISTRATION, None),
    row(Verb::Grant, ADMINISTRATION, None),
    row(Verb::Revoke, ADMINISTRATION, None),
    row(Verb::SetDelegates, GATE, Some(Effect::WriteProperties)),
    row(Verb::AddDevice, ADMINISTRATION, None),
    row(Verb::RevokeDevice, ADMINISTRATION, None),
    row(Verb::AddFeed, ADMINISTRATION, None),
    row(Verb::RevokeFeed, ADMINISTRATION, None),
    row(Verb::AddFreeBusyAddress, ADMINISTRATION, None),
    row(Verb::RevokeFreeBusyAddress, ADMINISTRATION, None),
    row(Verb::SetRetention, ADMINISTRATION, None),
    row(Verb::Release, ADMINISTRATION, None),
];

impl Verb {
    /// May it be done by an authority? Of a request, if it declared an effect, that is asked besides.
    #[must_use]
    pub fn is_of(self, authority: Authority) -> bool {
        VERBS.iter().any(|row| row.verb == self && row.may.contains(&authority))
    }

    /// What a request must have declared.
    pub(super) fn effect(self) -> Option<Effect> {
        VERBS.iter().find(|row| row.verb == self).and_then(|row| row.effect)
    }
}

/// A fault of ours: what a verb is about is not there.
pub(in crate::tree) fn bug(what: &'static str) -> Error {
    Failure::new("a verb without its target", what).into()
}
