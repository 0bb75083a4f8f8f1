//! The link from an event to the folder of its meeting: a line of the server's own, which is put right, and sent to
//! those alone who may read the folder. All else that is attached stays as it is.

use std::sync::Arc;

use super::super::object::{Component, Object, Property};
use super::address::CalendarUserAddress;
use super::context::Violation;
use super::deliveries::{SchedulingDelivery, held_bytes};
use super::message::SchedulingMessage;
use crate::model::budget::Budget;

/// The parameter by which the line is known, whatever the folder is called by now.
const MARK: &str = "X-BEFFROI-FOLDER";
/// What programs show of the line.
const SHOWN: &str = "Dossier / Folder";

fn is_link(line: &Property) -> bool {
    line.name == "ATTACH" && line.parameter(MARK).is_some()
}

fn link_to(address: &str) -> Property {
    Property::new("ATTACH", address)
        .with_parameter("FMTTYPE", Some("text/html"))
        .with_parameter("FILENAME", Some(SHOWN))
        .with_parameter(MARK, Some("TRUE"))
}

/// An object in which each component bears the link to an address once, and no other; `None`: to none. `None`: it does.
#[must_use]
pub fn linked(object: &Object, address: Option<&str>) -> Option<Object> {
    let mut linked = object.clone();
    for part in linked.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        link(part, address);
    }
    (linked != *object).then_some(linked)
}

fn link(part: &mut Component, address: Option<&str>) {
    // A program may have kept the address alone.
    let is_ours = |line: &Property| is_link(line) || (line.name == "ATTACH" && Some(line.value()) == address);
    let mut ours = part.properties.iter().filter(|line| is_ours(line));
    let is_right = match (ours.next(), address) {
        (Some(line), Some(address)) => is_link(line) && line.value() == address && ours.next().is_none(),
        (known, address) => known.is_none() && address.is_none(),
    };
    if !is_right {
        part.properties.retain(|line| !is_ours(line));
        part.properties.extend(address.map(link_to));
    }
}

/// Does an object bear a link?
#[must_use]
pub fn is_linked(object: &Object) -> bool {
    object.parts().flat_map(|part| &part.properties).any(is_link)
}

/// Deliveries without the link, but for recipients who may read the folder. What is made anew for it is held, and the
/// request pays for that.
pub fn without_links(
    deliveries: Vec<SchedulingDelivery>,
    may_read: impl Fn(&CalendarUserAddress) -> bool,
    budget: &Budget,
) -> Result<Vec<SchedulingDelivery>, Violation> {
    let mut all = Vec::with_capacity(deliveries.len());
    for mut delivery in deliveries {
        let is_any_linked =
            is_linked(&delivery.message.object) || delivery.view.as_ref().is_some_and(|view| is_linked(&view.object));
        if is_any_linked {
            let (readers, others) = delivery.recipients.iter().cloned().partition(|to| may_read(&to.address));
            all.extend(Some(SchedulingDelivery { recipients: readers, ..delivery.clone() }).filter(is_for_somebody));
            delivery.recipients = others;
        }
        if !is_for_somebody(&delivery) {
            continue;
        }
        let is_same = delivery.view.as_ref().is_some_and(|view| Arc::ptr_eq(view, &delivery.message));
        drop_link(&mut delivery.message, budget)?;
        match &mut delivery.view {
            Some(view) if is_same => view.clone_from(&delivery.message),
            Some(view) => drop_link(view, budget)?,
            None => {}
        }
        all.push(delivery);
    }
    Ok(all)
}

fn is_for_somebody(delivery: &SchedulingDelivery) -> bool {
    !delivery.recipients.is_empty()
}

fn drop_link(message: &mut Arc<SchedulingMessage>, budget: &Budget) -> Result<(), Violation> {
    if is_linked(&message.object) {
        budget.bytes(held_bytes(message))?;
        for part in &mut Arc::make_mut(message).object.calendar.components {
            part.properties.retain(|line| !is_link(line));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::linked;
    use crate::ical::object::Object;

    fn object(lines: &str) -> Object {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20300101T000000Z\n\
                            DTSTART:20300701T090000Z\n{lines}END:VEVENT\nEND:VCALENDAR\n"
        );
        Object::parse(text.as_bytes()).expect("an object")
    }

    fn lines(object: &Object) -> Vec<String> {
        object.parts().flat_map(|part| part.all("ATTACH")).map(|line| line.value().to_owned()).collect()
    }

    #[test]
    fn an_event_bears_one_link_and_keeps_what_else_is_attached() {
        for (before, address, after) in [
            ("", Some("https://x/a/"), Some(vec!["https://x/a/"])),
            ("ATTACH:https://y/1\n", Some("https://x/a/"), Some(vec!["https://y/1", "https://x/a/"])),
            ("ATTACH;X-BEFFROI-FOLDER=TRUE:https://x/a/\n", Some("https://x/a/"), None),
            ("ATTACH:https://x/a/\n", Some("https://x/a/"), Some(vec!["https://x/a/"])),
            ("ATTACH;X-BEFFROI-FOLDER=TRUE:https://x/a/\n", Some("https://x/b/"), Some(vec!["https://x/b/"])),
            ("ATTACH;X-BEFFROI-FOLDER=TRUE:https://x/a/\nATTACH:https://y/1\n", None, Some(vec!["https://y/1"])),
            ("ATTACH:https://y/1\n", None, None),
        ] {
            let changed = linked(&object(before), address);
            assert_eq!(changed.as_ref().map(lines), after.map(|after| after.iter().map(ToString::to_string).collect()));
            assert!(changed.is_none_or(|changed| linked(&changed, address).is_none()), "{before}");
        }
    }
}
