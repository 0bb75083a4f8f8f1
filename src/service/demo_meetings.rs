//! The meetings of the demonstration: with a room, with people who answer, and with someone outside who has no account.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::object::{ComponentKind, PropertyLine, ValueForm, object};
use crate::ical::itip::address::Addresses;
use crate::ical::itip::people::CalendarUser;
use crate::model::budget::Budget;
use crate::model::calendar::TimeRange;
use crate::model::error::Error;
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::administration::AdministrationError;
use crate::tree::calendar::{runs, size_of};
use crate::tree::edit::content::FileContent;
use crate::tree::gate::Request;
use crate::tree::resource::Needs;
use crate::tree::target::CALENDARS;

/// Why it could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// People, projects and feeds.
    #[error(transparent)]
    Fault(#[from] AdministrationError),
    /// Documents and meetings.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// Who is invited by mail.
pub const OUTSIDE: &str = "jeanne.petit@atelier.example";

/// A meeting in a project's calendar of meetings.
struct DemoMeeting {
    project: &'static str,
    name: &'static str,
    /// Who plans it.
    planner: &'static str,
    /// When it begins and ends, on the Tuesday in two weeks.
    times: [&'static str; 2],
    lines: &'static [PropertyLine<'static>],
    /// Who else is invited, and what they answer.
    answers: &'static [(&'static str, &'static str)],
    /// Who is invited besides.
    others: &'static [&'static str],
}

static MEETINGS: [DemoMeeting; 2] = [
    DemoMeeting {
        project: "tramway",
        name: "revue-de-chantier",
        planner: "alice",
        times: ["T140000", "T153000"],
        lines: &[
            ("SUMMARY", ValueForm::Itself, "Revue de chantier"),
            ("LOCATION", ValueForm::Itself, "Salle du conseil"),
            ("DESCRIPTION", ValueForm::Itself, "Avancement du lot 3 ; les plans sont dans le dossier Réunions."),
        ],
        answers: &[("bruno", "ACCEPTED"), ("chloe", "TENTATIVE"), ("david", "DECLINED")],
        others: &["salle-du-conseil@ville.example", OUTSIDE],
    },
    DemoMeeting {
        project: "quartiers",
        name: "preparation-du-conseil",
        planner: "chloe",
        times: ["T100000", "T110000"],
        lines: &[
            ("RRULE", ValueForm::Itself, "FREQ=WEEKLY;COUNT=4"),
            ("SUMMARY", ValueForm::Itself, "Préparation du conseil de quartier"),
            ("LOCATION", ValueForm::Itself, "Salle du conseil"),
        ],
        answers: &[("alice", "ACCEPTED")],
        others: &["david@ville.example", "salle-du-conseil@ville.example"],
    },
];

/// Holds them: they are planned, the room answers, and so do people.
pub(super) async fn hold(tree: &Tree) -> Result<(), DemoError> {
    let soon = TimeZone::UTC.to_datetime(Timestamp::now()).date().saturating_add(14.days());
    let day = soon.nth_weekday(1, Weekday::Tuesday).unwrap_or(soon).strftime("%Y%m%d").to_string();
    for meeting in &MEETINGS {
        let uid = format!("{}@{}", meeting.name, meeting.project);
        let [start, end] = meeting.times.map(|time| format!("{day}{time}"));
        let organizer = format!("mailto:{}@ville.example", meeting.planner);
        let people = meeting.answers.iter().map(|(name, _)| format!("mailto:{name}@ville.example"));
        let people: Vec<String> = people.chain(meeting.others.iter().map(|other| format!("mailto:{other}"))).collect();
        let mut lines = vec![
            ("DTSTART", ValueForm::Paris, start.as_str()),
            ("DTEND", ValueForm::Paris, end.as_str()),
            ("ORGANIZER", ValueForm::Itself, organizer.as_str()),
        ];
        lines.extend(meeting.lines);
        lines.extend(people.iter().map(|address| ("ATTENDEE", ValueForm::Invited, address.as_str())));
        let path = Path::of(&[CALENDARS, meeting.project, "meetings", &format!("{}.ics", meeting.name)]);
        put(tree, path, tree.owner(meeting.planner).await?, object(ComponentKind::Event, &uid, &lines)).await?;
        for (name, answer) in meeting.answers {
            answer_as(tree, name, &uid, answer).await?;
        }
    }
    Ok(())
}

async fn put(tree: &Tree, path: Path, actor: Actor, text: String) -> Result<(), DemoError> {
    let (blob, indexed) = tree.prepare(actor.id, &Budget::default(), text.into()).await?;
    tree.put(&Request::of(Method::Put, path, actor), FileContent::object(blob, indexed)).await?;
    Ok(())
}

/// Somebody answers, as a program of theirs does: by their own copy.
async fn answer_as(tree: &Tree, name: &str, uid: &str, answer: &str) -> Result<(), DemoError> {
    let (actor, calendar) = (tree.owner(name).await?, Path::of(&[CALENDARS, name, "personal"]));
    let mut read = tree.read(&Request::of(Method::Propfind, calendar.clone(), actor.clone())).await?;
    let (page, _) = read.objects(TimeRange::ALL, None, "", Needs::NOTHING).await?;
    let mut found = None;
    for run in runs(page, size_of) {
        let copies = read.texts(run).await?;
        let mut objects = copies.iter().filter_map(|copy| Some((copy.node.name.clone(), copy.object()?)));
        found = found.or_else(|| objects.find(|(_, object)| object.uid == uid));
    }
    drop(read);
    let Some((file, mut copy)) = found else { return Ok(()) };
    let own = Addresses::of([format!("mailto:{name}@ville.example").as_str()]);
    for part in &mut copy.calendar.components {
        let answered = CalendarUser::attendee(part, &own).map(|line| line.with_participation(answer));
        let Some(answered) = answered else { continue };
        let line = part
            .properties
            .iter_mut()
            .find(|line| line.name == "ATTENDEE" && own.contains(&CalendarUser::of(line).address()));
        line.into_iter().for_each(|line| *line = answered.clone());
    }
    let mut text = String::new();
    copy.calendar.write(&mut text);
    put(tree, calendar.join(&file), actor, text).await
}
