//! Notes whose programs show them their calendars: who looks at none is invited by mail, too.

use super::Tree;
use super::calendar_use::day_of;
use super::edit::authority::Verb;
use super::edit::event::AffectedObjects;
use super::gate::Request;
use super::target::CALENDARS;
use crate::model::error::Result;
use crate::model::filename::match_name;
use crate::model::id::{Id, now};
use crate::store::invitee;

impl Tree {
    /// Whose own calendars a request is about, unless it is known that a program of theirs used them on this day.
    pub fn calendar_user(&self, request: &Request) -> Option<Id> {
        let [first, name, ..] = request.path.segments() else { return None };
        let actor = &request.actor;
        let is_news = first == CALENDARS && !self.calendar_use.is_known(actor.id, day_of(now()));
        (is_news && match_name(name) == match_name(&actor.name)).then_some(actor.id)
    }

    /// A program used the calendars of its person.
    pub fn calendar_used(&self, person: Id) {
        self.calendar_use.note(person, day_of(now()));
    }

    /// Writes whose programs used their calendars.
    pub async fn write_calendar_use(&self) -> Result<()> {
        loop {
            let noted = self.calendar_use.unwritten(day_of(now()));
            if noted.is_empty() {
                return Ok(());
            }
            let mut edit = self.job_edit().await?;
            let people = noted.iter().map(|(person, _)| *person);
            let txn = edit.doing(Verb::NoteUse, AffectedObjects::to(people))?;
            for (person, day) in &noted {
                invitee::note_use(txn, *person, *day).await?;
            }
            edit.commit().await?;
            self.calendar_use.written(&noted);
        }
    }
}
