//! Attachments that the server keeps (RFC 8607), in the lines of an object: added to some of its occurrences, changed,
//! taken off; given to each attendee under an address of their own; held to what the server has given where a client
//! writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::object::{Component, Object, Property};
use super::super::time::{When, write_utc};
use super::address::CalendarUserAddress;
use super::context::{SchedulingContext, Violation, complete};
use super::deliveries::{SchedulingDelivery, held_bytes};
use super::fields::set_line;
use super::folder_link::{linked, without_links};
use super::message::SchedulingMessage;
use super::occurrence::{Occurrence, OccurrenceSet};
use crate::model::attachment::{
    AttachedOccurrences, AttachmentAction, AttachmentToken, LoginAddress, MAX_ATTACHMENTS, ManagedId,
};
use crate::model::budget::Budget;
use crate::model::media_type::essence;
use crate::model::token::TokenSeal;

const MANAGED_ID: &str = "MANAGED-ID";
/// Says of a line that its document was attached because it lay in the folder of the meeting: nobody has given it out
/// otherwise, so it is attached while it lies there.
const ARRIVED: &str = "X-BEFFROI-ARRIVED";
/// How the master is called among occurrences.
const MASTER: &str = "M";

/// Why an action is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttachmentFault {
    /// An occurrence that the object does not have.
    Occurrence,
    /// An attachment that it does not have.
    ManagedId,
    /// It has as many as it may.
    TooMany,
    /// See the violation.
    Violation(Violation),
}

impl From<Violation> for AttachmentFault {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// The MANAGED-ID of a line.
#[must_use]
pub fn managed_id(line: &Property) -> Option<String> {
    if line.name == "ATTACH" { line.parameter(MANAGED_ID) } else { None }
}

/// All that stand in an object.
#[must_use]
pub fn managed_ids(object: &Object) -> BTreeSet<String> {
    object.parts().flat_map(|part| &part.properties).filter_map(managed_id).collect()
}

/// The document of a line, by the address that it bears.
fn document_of(line: &Property) -> Option<LoginAddress<'_>> {
    managed_id(line).and_then(|_| LoginAddress::read(line.value()))
}

/// Does a text that a client sends speak of attachments that the server keeps? Lines may be folded anywhere; it may be
/// said to which does not, and never the other way round.
#[must_use]
pub fn mentions_managed(text: &[u8]) -> bool {
    let mut matched = 0;
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\r', b'\n', b' ' | b'\t', tail @ ..] | [b'\n', b' ' | b'\t', tail @ ..] => tail,
            [byte, tail @ ..] => {
                let fits = |at: usize| MANAGED_ID.as_bytes().get(at) == Some(&byte.to_ascii_uppercase());
                // No beginning of the word is found within it.
                matched = if fits(matched) { matched + 1 } else { usize::from(fits(0)) };
                if matched == MANAGED_ID.len() {
                    return true;
                }
                tail
            }
            [] => return false,
        };
    }
}

/// What a line says of a document that is attached.
#[derive(Clone, Copy, Debug)]
pub struct AttachedFile<'a> {
    /// How this server is reached.
    pub server: &'a str,
    /// Which state of which document.
    pub id: ManagedId,
    /// The name that people gave it.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its size.
    pub size_bytes: i64,
}

impl AttachedFile<'_> {
    /// The line, in an object of a UID.
    #[must_use]
    pub fn line(&self, uid: &str, seal: &TokenSeal) -> Property {
        let path = AttachmentToken::for_login(self.id, uid).path(self.name);
        Property::new("ATTACH", &format!("{}{path}", self.server))
            .with_parameter(MANAGED_ID, Some(&self.id.write(seal)))
            .with_parameter("FMTTYPE", Some(essence(self.media_type)))
            .with_parameter("FILENAME", Some(self.name))
            .with_parameter("SIZE", Some(&self.size_bytes.to_string()))
    }
}

/// The line of a document that is attached while it lies in the folder of the meeting.
#[must_use]
pub fn while_in_folder(line: &Property) -> Property {
    line.with_parameter(ARRIVED, Some("TRUE"))
}

/// Is a document attached only while it lies in the folder of the meeting?
#[must_use]
pub fn is_while_in_folder(line: &Property) -> bool {
    managed_id(line).is_some() && line.parameter(ARRIVED).is_some()
}

/// Carries out an action. `lines`: what is attached from now on; one of a change, none where something is taken off.
pub fn attach(
    object: &Object,
    action: &AttachmentAction,
    lines: &[Property],
    context: SchedulingContext<'_>,
) -> Result<Object, AttachmentFault> {
    let (of, occurrences) = match action {
        AttachmentAction::Add(occurrences) => (None, occurrences),
        AttachmentAction::Update(id) => (Some(id), &AttachedOccurrences::All),
        AttachmentAction::Remove(id, occurrences) => (Some(id), occurrences),
    };
    let known = managed_ids(object);
    match of {
        Some(id) if !known.contains(id) => return Err(AttachmentFault::ManagedId),
        None if known.len() + lines.len() > MAX_ATTACHMENTS => return Err(AttachmentFault::TooMany),
        _ => {}
    }
    let mut changed = with_components(object, occurrences, context)?;
    let mut found = false;
    for part in chosen(&mut changed.object, &changed.chosen) {
        let at = part.properties.iter().position(|known| of.is_some() && managed_id(known).as_ref() == of);
        if of.is_some() && at.is_none() {
            continue;
        }
        found = true;
        part.properties.retain(|known| of.is_none() || managed_id(known).as_ref() != of);
        let at = at.unwrap_or(part.properties.len()).min(part.properties.len());
        part.properties.splice(at..at, lines.iter().cloned());
        if part.property("LAST-MODIFIED").is_some() {
            set_line(part, "LAST-MODIFIED", Some(Property::new("LAST-MODIFIED", &write_utc(context.now))));
        }
    }
    if found { Ok(changed.object) } else { Err(AttachmentFault::ManagedId) }
}

/// An object in which all components stand that an action is about, and the places of these.
struct ChosenComponents {
    object: Object,
    chosen: BTreeSet<usize>,
}

fn chosen<'a>(object: &'a mut Object, places: &'a BTreeSet<usize>) -> impl Iterator<Item = &'a mut Component> {
    let parts = object.calendar.components.iter_mut().enumerate();
    parts.filter(|(place, _)| places.contains(place)).map(|(_, part)| part)
}

/// An occurrence that is named and has no component gets one.
fn with_components(
    object: &Object,
    occurrences: &AttachedOccurrences,
    context: SchedulingContext<'_>,
) -> Result<ChosenComponents, AttachmentFault> {
    let set = OccurrenceSet::of(object, context)?;
    let parts = object.calendar.components.iter().enumerate().filter(|(_, part)| part.name != "VTIMEZONE");
    let mut places: BTreeMap<Occurrence, usize> =
        parts.filter_map(|(place, part)| Some((set.occurrence_of(part)?, place))).collect();
    let AttachedOccurrences::These(names) = occurrences else {
        return Ok(ChosenComponents { object: object.clone(), chosen: places.into_values().collect() });
    };
    let mut with = object.clone();
    let mut chosen = BTreeSet::new();
    for name in names {
        let occurrence = named(&set, name).ok_or(AttachmentFault::Occurrence)?;
        let place = match (places.get(&occurrence), occurrence) {
            (Some(place), _) => *place,
            (None, Occurrence::At(at)) if set.has(at) => {
                with.calendar.components.push(set.derived(at).ok_or(AttachmentFault::Occurrence)?);
                with.calendar.components.len() - 1
            }
            _ => return Err(AttachmentFault::Occurrence),
        };
        places.insert(occurrence, place);
        chosen.insert(place);
    }
    complete(&set.zones.steps)?;
    Ok(ChosenComponents { object: with, chosen })
}

/// The occurrence that `rid` names: a time is in UTC, or as the clock of the series shows it.
fn named(set: &OccurrenceSet<'_>, name: &str) -> Option<Occurrence> {
    if name.eq_ignore_ascii_case(MASTER) {
        return set.master.map(|_| Occurrence::Series);
    }
    let when = When::read(name, None)?;
    set.find(&when, &set.zones).map(Occurrence::At)
}

/// Deliveries in which each who gets one finds the addresses at which they open documents, and who may read the folder
/// of the meeting the link to that: one a recipient, where documents are attached. All of them are held at once, and
/// the request pays for that.
pub fn addressed(
    deliveries: Vec<SchedulingDelivery>,
    reads_folder: impl Fn(&CalendarUserAddress) -> bool,
    seal: &TokenSeal,
    budget: &Budget,
) -> Result<Vec<SchedulingDelivery>, Violation> {
    let mut all = Vec::with_capacity(deliveries.len());
    for delivery in without_links(deliveries, reads_folder, budget)? {
        let SchedulingDelivery { message, view, .. } = &delivery;
        if !bears_documents(message) && !view.as_ref().is_some_and(|view| bears_documents(view)) {
            all.push(delivery);
            continue;
        }
        let whole = view.as_ref().filter(|view| !Arc::ptr_eq(view, message));
        let bytes = held_bytes(message) + whole.map_or(0, |whole| held_bytes(whole));
        budget.bytes(bytes.saturating_mul(delivery.recipients.len()))?;
        for to in &delivery.recipients {
            let of = |message: &SchedulingMessage| Arc::new(for_attendee(message, &to.address, seal));
            let message = of(message);
            let view = view.as_ref().map(|_| whole.map_or_else(|| Arc::clone(&message), |whole| of(whole)));
            let (recipients, occurrences) = (vec![to.clone()], delivery.occurrences.clone());
            all.push(SchedulingDelivery { recipients, message, view, occurrences, ..delivery });
        }
    }
    Ok(all)
}

fn bears_documents(message: &SchedulingMessage) -> bool {
    message.object.parts().flat_map(|part| &part.properties).any(|line| document_of(line).is_some())
}

/// A message with the addresses that one attendee opens documents at.
pub(super) fn for_attendee(
    message: &SchedulingMessage,
    attendee: &CalendarUserAddress,
    seal: &TokenSeal,
) -> SchedulingMessage {
    let mut message = message.clone();
    address_lines(&mut message.object, attendee, seal);
    message
}

/// An object with what is attached as an attendee is sent it who has no copy.
#[must_use]
pub fn sent_to(object: &Object, attendee: &CalendarUserAddress, seal: &TokenSeal) -> Object {
    let mut sent = linked(object, None).unwrap_or_else(|| object.clone());
    address_lines(&mut sent, attendee, seal);
    sent
}

fn address_lines(object: &mut Object, attendee: &CalendarUserAddress, seal: &TokenSeal) {
    for line in object.calendar.components.iter_mut().flat_map(|part| &mut part.properties) {
        if let Some(address) = document_of(line).map(|known| known.for_attendee(attendee.as_str(), seal)) {
            *line = line.with_value(&address);
        }
    }
}

/// Does an object say that a document is attached to what an attendee takes part in? `attendee` says who it is;
/// `None`: nobody. `in_folder`: does the document lie in the folder of the meeting?
#[must_use]
pub fn attended(
    object: &Object,
    token: &AttachmentToken,
    in_folder: bool,
    seal: &TokenSeal,
) -> Option<CalendarUserAddress> {
    let bears = |part: &&Component| part.properties.iter().any(|line| is_of(line, token, in_folder, seal));
    let attendees = object.parts().filter(bears).flat_map(|part| part.all("ATTENDEE"));
    let mut addresses = attendees.map(|line| CalendarUserAddress::new(line.value()));
    addresses.find(|address| token.is_for(address.as_str(), seal))
}

/// Does an object say that the document of a token is attached to it? `in_folder` as for [`attended`].
#[must_use]
pub fn bears(object: &Object, token: &AttachmentToken, in_folder: bool, seal: &TokenSeal) -> bool {
    object.parts().flat_map(|part| &part.properties).any(|line| is_of(line, token, in_folder, seal))
}

fn is_of(line: &Property, token: &AttachmentToken, in_folder: bool, seal: &TokenSeal) -> bool {
    if !in_folder && is_while_in_folder(line) {
        return false;
    }
    let id = managed_id(line).and_then(|id| ManagedId::read(&id, seal));
    id.is_some_and(|id| id.document == token.id.document)
}

/// An object as a client sends it, in which the lines of attachments are those that the server has given. `None`: they
/// are.
#[must_use]
pub fn restored(object: &Object, known: &BTreeMap<String, Property>) -> Option<Object> {
    let mut restored = object.clone();
    for line in restored.calendar.components.iter_mut().flat_map(|part| &mut part.properties) {
        if let Some(known) = managed_id(line).and_then(|id| known.get(&id)) {
            *line = known.clone();
        }
    }
    (restored != *object).then_some(restored)
}

/// The lines of the attachments that an object has, by MANAGED-ID.
#[must_use]
pub fn managed_lines(object: &Object) -> BTreeMap<String, Property> {
    let lines = object.parts().flat_map(|part| &part.properties);
    lines.filter_map(|line| Some((managed_id(line)?, line.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{AttachedOccurrences, AttachmentAction, AttachmentFault, attach, managed_lines, mentions_managed};
    use crate::ical::itip::context::SchedulingContext;
    use crate::ical::object::{Object, Property};
    use crate::ical::zone::Zone;
    use crate::model::budget::Budget;

    const SERIES: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20300101T000000Z\n\
                          DTSTART;TZID=Europe/Paris:20300701T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n\
                          SUMMARY:s\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20300101T000000Z\n\
                          RECURRENCE-ID;TZID=Europe/Paris:20300702T090000\n\
                          DTSTART;TZID=Europe/Paris:20300702T100000\nDURATION:PT1H\nSUMMARY:t\nEND:VEVENT\n\
                          END:VCALENDAR\n";

    fn act(object: &Object, action: &AttachmentAction, line: Option<&str>) -> Result<Object, AttachmentFault> {
        let budget = Budget::default();
        let floating = Zone::Known(TimeZone::get("Europe/Paris").expect("a zone"));
        let line = line.map(|line| Property::parse(line).expect("a line"));
        attach(object, action, line.as_slice(), SchedulingContext { now: 0, floating: &floating, budget: &budget })
    }

    fn these(names: &[&str]) -> AttachedOccurrences {
        AttachedOccurrences::These(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// How many lines of attachments each component has, in their order.
    fn counts(object: &Object) -> Vec<usize> {
        object.parts().map(|part| part.all("ATTACH").count()).collect()
    }

    #[test]
    fn an_attachment_comes_to_the_occurrences_that_are_named() {
        let object = Object::parse(SERIES.as_bytes()).expect("an object");
        let line = Some("ATTACH;MANAGED-ID=1:https://x/1");
        for (names, expected) in [
            (AttachedOccurrences::All, Ok(vec![1, 1])),
            (these(&["M"]), Ok(vec![1, 0])),
            (these(&["20300702T090000"]), Ok(vec![0, 1])),
            (these(&["20300702T070000Z"]), Ok(vec![0, 1])),
            (these(&["m", "20300702T090000", "M"]), Ok(vec![1, 1])),
            (these(&["20300703T070000Z", "20300703T090000"]), Ok(vec![0, 0, 1])),
            (these(&["20300703"]), Ok(vec![0, 0, 1])),
            (these(&["20300704T090000"]), Err(AttachmentFault::Occurrence)),
            (these(&["x"]), Err(AttachmentFault::Occurrence)),
            (these(&[""]), Err(AttachmentFault::Occurrence)),
        ] {
            let done = act(&object, &AttachmentAction::Add(names.clone()), line);
            assert_eq!(done.as_ref().map(counts).map_err(|fault| *fault), expected, "{names:?}");
        }
        let all = act(&object, &AttachmentAction::Add(AttachedOccurrences::All), line).expect("attached");
        let one = AttachmentAction::Remove("1".to_owned(), these(&["20300703T090000"]));
        let removed = act(&all, &one, None).expect("removed");
        assert_eq!(counts(&removed), [1, 1, 0]);
        let again = act(&removed, &one, None);
        assert_eq!(again, Err(AttachmentFault::ManagedId), "it is not there any more");
        let updated = act(&removed, &AttachmentAction::Update("1".to_owned()), Some("ATTACH;MANAGED-ID=2:https://x/2"));
        let updated = updated.expect("updated");
        assert_eq!(counts(&updated), [1, 1, 0]);
        assert_eq!(managed_lines(&updated).into_keys().collect::<Vec<_>>(), ["2"]);
        let gone = AttachmentAction::Remove("1".to_owned(), AttachedOccurrences::All);
        assert_eq!(act(&updated, &gone, None), Err(AttachmentFault::ManagedId));
    }

    #[test]
    fn what_speaks_of_attachments_is_found_however_it_is_folded() {
        for (text, found) in [
            ("ATTACH;MANAGED-ID=1:x", true),
            ("ATTACH;managed-id=1:x", true),
            ("ATTACH;MANA\r\n GED-ID=1:x", true),
            ("ATTACH;MANA\n\tGED-\r\n I\r\n D=1:x", true),
            ("MMANAGED-ID", true),
            ("MANAMANAGED-ID", true),
            ("MANA\r\nGED-ID", false),
            ("MANAGED-I", false),
            ("ATTACH:x", false),
            ("", false),
        ] {
            assert_eq!(mentions_managed(text.as_bytes()), found, "{text:?}");
        }
    }
}
