//! What came by mail as its recipient is shown it in an inbox: of the lines that came only those that are needed to
//! see what it is about, in lengths that one reads.

use super::super::object::{Component, Object, Property};
use super::super::zone::Zones;
use super::address::Addresses;
use super::context::{SchedulingContext, Violation, complete};
use super::fields::set_line;
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::OccurrenceSet;
use super::people::CalendarUser;
use super::reply::compose_reply;
use super::view::{organizer_of, with_people};
use crate::ical::line::escaped;
use crate::ical::time::write_utc;
use crate::model::id::Timestamp;

/// So many occurrences of a message are shown, and lines of this length, bytes.
const MAX_PARTS: usize = 50;
const MAX_LINE_BYTES: usize = 4096;
/// The status of a message from who may not say what it says (RFC 5546 section 3.6).
const NO_AUTHORITY: &str = "3.8;No authority";
/// The address of who has none that can be shown.
const NOBODY: &str = "invalid:nomail";
/// What is shown of an invitation.
const OF_INVITATION: [&str; 18] = [
    "UID",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "SUMMARY",
    "LOCATION",
    "DESCRIPTION",
    "STATUS",
    "CLASS",
    "TRANSP",
    "ORGANIZER",
    "ATTENDEE",
];

/// What is said to whoever is shown a message.
#[derive(Clone, Copy, Debug)]
pub struct Remark<'a> {
    /// How its author is called.
    pub name: &'a str,
    /// Who says that they wrote it.
    pub author: Option<&'a str>,
    /// Why it changed nothing.
    pub text: &'a str,
}

impl Remark<'_> {
    fn line(&self) -> Property {
        Property::new("COMMENT", &escaped(self.text))
    }
}

/// The answer of `from`, or what they propose instead, and nothing that it says of others.
pub fn answer_shown(
    stored: &Object,
    message: &SchedulingMessage,
    from: &Addresses,
    at: SchedulingContext<'_>,
) -> Result<SchedulingMessage, Violation> {
    let set = OccurrenceSet::of(stored, at)?;
    let organizer = organizer_of(&set).map(|organizer| organizer.line().clone());
    let title = set.components().next().and_then(|(_, part)| part.property("SUMMARY")).cloned();
    let part = |part: &Component| {
        let mut part = short(part.clone());
        set_line(&mut part, "ORGANIZER", organizer.clone());
        // Programs put what they do before the title.
        set_line(&mut part, "SUMMARY", title.clone());
        part
    };
    let parts = message.object.parts().take(MAX_PARTS).map(part);
    let mut shown = compose_reply(&message.object, parts, from, at.now);
    if message.method == SchedulingMethod::Counter {
        shown.method = message.method;
        set_line(&mut shown.object.calendar, "METHOD", Some(Property::new("METHOD", message.method.name())));
        for part in shown.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
            set_line(part, "REQUEST-STATUS", None);
        }
    }
    Ok(shown)
}

/// What changed nothing, beside the meeting that it is about: in the form of an answer, for that is what programs show
/// there. Of who is named it says what the meeting says already, so who takes it for an answer changes nothing either.
pub fn held_shown(
    stored: &Object,
    about: &Object,
    remark: Remark<'_>,
    at: SchedulingContext<'_>,
) -> Result<SchedulingMessage, Violation> {
    let set = OccurrenceSet::of(stored, at)?;
    let zones = Zones::new(&about.calendar, at.floating).within(at.budget);
    let named = about.parts().take(MAX_PARTS).find_map(|part| set.find(&part.instance().ok()??, &zones));
    let part = named.and_then(|at| set.effective(at));
    let part = part.or_else(|| set.components().next().map(|(_, part)| part.clone())).ok_or(Violation::Unreadable)?;
    let mut part = with_people(&set, &part);
    complete(&set.zones.steps)?;
    complete(&zones.steps)?;
    let author = remark.author.map_or_else(|| NOBODY.to_owned(), |author| format!("mailto:{author}"));
    let me = Addresses::of([author.as_str()]);
    let known = CalendarUser::attendee(&part, &me).map(CalendarUser::participation);
    part.properties.retain(|line| !["ATTENDEE", "COMMENT"].contains(&line.name.as_str()));
    let line = Property::new("ATTENDEE", &author).with_parameter("CN", Some(remark.name));
    part.properties.push(line.with_parameter("PARTSTAT", known.as_deref()));
    part.properties.push(remark.line());
    let mut shown = compose_reply(stored, std::iter::once(part), &me, at.now);
    for part in shown.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        set_line(part, "REQUEST-STATUS", Some(Property::new("REQUEST-STATUS", NO_AUTHORITY)));
    }
    Ok(shown)
}

/// What an organizer sent, and why nobody has taken it yet, if nobody has: programs show it as what it is.
#[must_use]
pub fn invitation_shown(message: &SchedulingMessage, remark: Option<Remark<'_>>, now: Timestamp) -> SchedulingMessage {
    let part = |part: &Component| {
        let mut shown = sent_part(&short(part.clone()), now);
        shown.properties.retain(|line| OF_INVITATION.contains(&line.name.as_str()));
        // It is as old as it came.
        set_line(&mut shown, "DTSTAMP", part.property("DTSTAMP").cloned());
        shown.properties.extend(remark.map(|remark| remark.line()));
        shown.components.clear();
        shown
    };
    let parts = message.object.parts().take(MAX_PARTS).map(part).collect();
    compose(message.method, &message.object, parts, message.is_whole)
}

/// A note about a mail that is about no meeting that could be found.
#[must_use]
pub fn note(uid: &str, organizer: &str, remark: Remark<'_>, now: Timestamp) -> SchedulingMessage {
    let moment = write_utc(now);
    let organizer = Property::new("ORGANIZER", organizer);
    let lines = [
        Property::new("UID", uid),
        Property::new("DTSTAMP", &moment),
        Property::new("DTSTART", &moment),
        Property::new("SUMMARY", &escaped(remark.name)),
        Property::new("DESCRIPTION", &escaped(remark.text)),
        Property::new("TRANSP", "TRANSPARENT"),
        organizer,
    ];
    let part = Component { name: "VEVENT".to_owned(), properties: lines.into(), components: Vec::new() };
    let object = Object { calendar: Component::default(), component: "VEVENT".to_owned(), uid: uid.to_owned() };
    compose(SchedulingMethod::Publish, &object, vec![part], true)
}

/// A component without lines that nobody reads to their end.
fn short(mut part: Component) -> Component {
    part.properties.retain(|line| line.raw().len() <= MAX_LINE_BYTES);
    part
}
