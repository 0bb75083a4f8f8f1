//! What is taken at the door (RFC 4791 sections 5.2.2, 5.3.2.1 and 7.8): values that say something, and time zones that are one.

use super::object::parse;
use super::tzid::{known, name_of};

/// Is a text an iCalendar object that holds exactly one VTIMEZONE, which its name or its own rules tell (RFC 4791 sections 5.2.2
/// and 9.8)?
#[must_use]
pub fn is_zone(text: &str) -> bool {
    let Ok(calendar) = parse(text.as_bytes()) else { return false };
    let [zone] = calendar.components.as_slice() else { return false };
    let ruled = zone.components.iter().any(|part| matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT"));
    let named = name_of(zone);
    zone.name == "VTIMEZONE" && named.is_some_and(|name| ruled || known(&name).is_some())
}

#[cfg(test)]
mod tests {
    use super::is_zone;

    #[test]
    fn a_time_zone_is_one() {
        let calendar = |inner: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}END:VCALENDAR\r\n");
        let zone = |inner: &str| format!("BEGIN:VTIMEZONE\r\n{inner}END:VTIMEZONE\r\n");
        let (paris, own) = (zone("TZID:Europe/Paris\r\n"), "TZID:Ours\r\nBEGIN:STANDARD\r\nEND:STANDARD\r\n");
        for (text, one) in [
            (calendar(&paris), true),
            (calendar(&zone(own)), true),
            (calendar(&zone("TZID:Ours\r\n")), false),
            (calendar(&zone("TZID: \r\n")), false),
            (calendar(&zone("")), false),
            (calendar(""), false),
            (calendar(&format!("{paris}{paris}")), false),
            (calendar(&format!("{paris}BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n")), false),
            (calendar(&paris.replace("VTIMEZONE", "VEVENT")), false),
            (format!("{}{}", calendar(&paris), calendar(&paris)), false),
            ("Europe/Paris".to_owned(), false),
        ] {
            assert_eq!(is_zone(&text), one, "{text}");
        }
    }
}
