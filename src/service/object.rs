//! Calendar objects that we create. They are the same each time they are made.

use icalendar::{Calendar, Component, Event, Property, Todo, ValueType};

/// When they say that they were made.
const MADE: &str = "20260101T000000Z";
const PRODUCT: &str = "-//Beffroi//Beffroi//FR";

/// How the value of a property is to be understood.
#[derive(Clone, Copy, Debug)]
pub(super) enum ValueForm {
    /// As it is by default: a text is escaped.
    Itself,
    /// A whole day.
    Day,
    /// A time by the clock of Paris.
    Paris,
    /// Who is invited, and has not answered.
    Invited,
}

/// A property: its name, how its value is to be understood, its value.
pub(super) type PropertyLine<'a> = (&'a str, ValueForm, &'a str);

/// What an object is.
#[derive(Clone, Copy, Debug)]
pub(super) enum ComponentKind {
    Event,
    Task,
}

/// The text of an object that has these properties.
pub(super) fn object(kind: ComponentKind, uid: &str, lines: &[PropertyLine<'_>]) -> String {
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0")).append_property(("PRODID", PRODUCT));
    match kind {
        ComponentKind::Event => calendar.push(filled(Event::with_uid(uid), lines)),
        ComponentKind::Task => calendar.push(filled(Todo::with_uid(uid), lines)),
    };
    calendar.to_string()
}

fn filled<C: Component>(mut component: C, lines: &[PropertyLine<'_>]) -> C {
    component.add_property("DTSTAMP", MADE);
    for (name, of, value) in lines {
        let mut property = Property::new(*name, *value);
        match of {
            ValueForm::Itself => {}
            ValueForm::Day => _ = property.append_parameter(ValueType::Date),
            ValueForm::Paris => _ = property.add_parameter("TZID", "Europe/Paris"),
            ValueForm::Invited => {
                property.add_parameter("PARTSTAT", "NEEDS-ACTION").add_parameter("RSVP", "TRUE");
            }
        }
        match of {
            // One that comes again would take the place of the one before.
            ValueForm::Invited => component.append_multi_property(property),
            _ => component.append_property(property),
        };
    }
    component
}

#[cfg(test)]
mod tests {
    use super::{ComponentKind, ValueForm, object};
    use crate::ical::object::Object;

    #[test]
    fn an_object_says_what_it_was_made_of() {
        let long = "é, ; \\ and \n again; ".repeat(12);
        let lines = [
            ("DTSTART", ValueForm::Paris, "20260105T090000"),
            ("RRULE", ValueForm::Itself, "FREQ=MONTHLY;BYDAY=1TU,2TU"),
            ("SUMMARY", ValueForm::Itself, &*long),
        ];
        let text = object(ComponentKind::Event, "a@b", &lines);
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        let object = Object::parse(text.as_bytes()).expect("an object");
        assert_eq!(object.uid, "a@b");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains("\r\nRRULE:FREQ=MONTHLY;BYDAY=1TU,2TU\r\n"), "{unfolded}");
        assert!(unfolded.contains("\r\nDTSTART;TZID=Europe/Paris:20260105T090000\r\n"), "{unfolded}");
        assert!(unfolded.contains("SUMMARY:é\\, \\; \\\\ and \\n again\\; é"), "{unfolded}");
        assert!(
            super::object(ComponentKind::Task, "t", &[("DUE", ValueForm::Day, "20261215")]).contains("BEGIN:VTODO\r\n")
        );
    }
}
