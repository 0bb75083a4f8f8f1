//! ORGANIZER and ATTENDEE: whose address it is, and the form of the line that every mail program takes.

use super::itip::address::CalendarUserAddress;
use super::itip::message::SchedulingMethod;
use super::itip::people::{ACCEPTED, CalendarUser};
use super::line::Property;
use super::object::Component;
use crate::model::mailbox::{MailAddress, Mailbox};

/// The parameters of an attendee that go out, with the values that they may have. The first stands for all others.
const PARAMETERS: [(&str, &[&str]); 3] = [
    ("ROLE", &["REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT", "CHAIR"]),
    ("CUTYPE", &["INDIVIDUAL", "GROUP", "RESOURCE", "ROOM", "UNKNOWN"]),
    ("PARTSTAT", &["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"]),
];

/// A message that goes out by mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invited {
    /// What it wants.
    pub method: SchedulingMethod,
    /// Who planned the meeting: in what is mailed one of the attendees, for else Outlook shows them no buttons.
    pub planner: Option<Mailbox>,
}

/// The address of a person, which Apple's programs may state beside a name of their own. `None`: it is none of mail.
#[must_use]
pub fn address_of(person: &Property) -> Option<MailAddress> {
    let of_value = CalendarUserAddress::new(person.value()).mailbox().and_then(|mailbox| mailbox.parse().ok());
    of_value.or_else(|| person.parameter("EMAIL")?.trim().parse().ok())
}

/// The address and the name of a person.
#[must_use]
pub fn mailbox_of(person: &Property) -> Option<Mailbox> {
    Some(Mailbox { name: person.parameter("CN").unwrap_or_default(), address: address_of(person)? })
}

/// `NAME;CN="...";rest:mailto:address`, on one line.
fn line(name: &str, person: &Mailbox, rest: &str) -> String {
    let shown: String =
        person.name.chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect();
    let common_name = if shown.trim().is_empty() { String::new() } else { format!(";CN=\"{}\"", shown.trim()) };
    format!("{name}{common_name}{rest}:mailto:{}", person.address)
}

fn attendee(person: &Mailbox, given: [String; 3], method: SchedulingMethod) -> String {
    let mut rest = String::new();
    for ((name, known), given) in PARAMETERS.iter().zip(given) {
        let value = known.iter().find(|value| **value == given).or(known.first());
        value.iter().for_each(|value| rest += &format!(";{name}={value}"));
    }
    if method == SchedulingMethod::Request {
        rest += ";RSVP=TRUE";
    }
    line("ATTENDEE", person, &rest)
}

/// The lines of the people of a component. Who has no address of mail is left out: no program could make anything of
/// them.
pub(super) fn lines(component: &Component, invited: &Invited) -> Vec<String> {
    let organizer = component.property("ORGANIZER").and_then(mailbox_of);
    let mut out: Vec<String> = organizer.iter().map(|organizer| line("ORGANIZER", organizer, "")).collect();
    let mut seen: Vec<MailAddress> = Vec::new();
    for user in CalendarUser::attendees(component) {
        let Some(person) = mailbox_of(user.line()).filter(|person| !seen.contains(&person.address)) else { continue };
        out.push(attendee(&person, [user.role(), user.kind(), user.participation()], invited.method));
        seen.push(person.address);
    }
    // An answer is of one attendee.
    let planner = invited.planner.as_ref().filter(|_| invited.method != SchedulingMethod::Reply);
    if let Some(planner) = planner.filter(|planner| !seen.contains(&planner.address)) {
        let given = [String::new(), String::new(), ACCEPTED.to_owned()];
        out.push(attendee(planner, given, invited.method));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Invited, address_of, lines};
    use crate::ical::itip::message::SchedulingMethod;
    use crate::ical::line::Property;
    use crate::ical::object::parse;

    #[test]
    fn an_address_is_found_as_programs_write_it() {
        let address = |line: &str| address_of(&Property::parse(line).unwrap()).map(|address| address.to_string());
        for (line, expected) in [
            ("ATTENDEE:mailto:a@b.fr", Some("a@b.fr")),
            ("ATTENDEE;CN=x:MAILTO:A@b.fr", Some("a@b.fr")),
            ("ATTENDEE:mailto:gymnase%2Btag@b.fr", Some("gymnase+tag@b.fr")),
            ("ATTENDEE:mailto:<a@b.fr>", Some("a@b.fr")),
            ("ATTENDEE:mailto:a@b.fr?subject=x", Some("a@b.fr")),
            ("ATTENDEE;EMAIL=a@b.fr:urn:uuid:1", Some("a@b.fr")),
            ("ATTENDEE:invalid:nomail", None),
            ("ATTENDEE:a@b.fr", Some("a@b.fr")),
            ("ATTENDEE:mailto:", None),
            ("ATTENDEE:é", None),
        ] {
            assert_eq!(address(line).as_deref(), expected, "{line}");
        }
    }

    /// One line a person, and on it nothing but what every program takes.
    #[test]
    fn people_go_out_in_one_form() {
        let text = "BEGIN:VEVENT\nORGANIZER;CN=Projet ^'G^';SENT-BY=\"mailto:x@y.fr\":MAILTO:g@b.fr\n\
                    ATTENDEE;X-ID=1;CN=\"Durand, Marie\";PARTSTAT=accepted;SCHEDULE-STATUS=1.2:mailto:m@b.fr\n\
                    ATTENDEE;ROLE=\"A:B\";CUTYPE=ROOM;RSVP=FALSE:mailto:salle@b.fr\nATTENDEE:invalid:nomail\n\
                    ATTENDEE;CN=again:mailto:M@B.fr\nEND:VEVENT\n";
        let calendar = parse(format!("BEGIN:VCALENDAR\n{text}END:VCALENDAR\n").as_bytes()).unwrap();
        let planner = Some("Jean Petit <jean@b.fr>".parse().unwrap());
        let attendee = |name: &str, kind: &str, answer: &str, address: &str| {
            format!("ATTENDEE{name};ROLE=REQ-PARTICIPANT;CUTYPE={kind};PARTSTAT={answer};RSVP=TRUE:mailto:{address}")
        };
        assert_eq!(
            lines(&calendar.components[0], &Invited { method: SchedulingMethod::Request, planner }),
            [
                "ORGANIZER;CN=\"Projet 'G'\":mailto:g@b.fr".to_owned(),
                attendee(";CN=\"Durand, Marie\"", "INDIVIDUAL", "ACCEPTED", "m@b.fr"),
                attendee("", "ROOM", "NEEDS-ACTION", "salle@b.fr"),
                attendee(";CN=\"Jean Petit\"", "INDIVIDUAL", "ACCEPTED", "jean@b.fr"),
            ]
        );
        let planner = Some("jean@b.fr".parse().unwrap());
        assert_eq!(lines(&calendar.components[0], &Invited { method: SchedulingMethod::Reply, planner }).len(), 3);
        let planner = Some("m@b.fr".parse().unwrap());
        assert_eq!(lines(&calendar.components[0], &Invited { method: SchedulingMethod::Cancel, planner }).len(), 3);
    }
}
