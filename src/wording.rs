//! Meetings in words, in French and English: when they are, how often, and texts that others wrote, as they can be
//! shown. Mail and pages say the same.

use jiff::civil::{Date, DateTime};

use crate::ical::invitation::Occasion;
use crate::ical::time::When;
use crate::message::{Language, text};

/// The longest title, name of a person, and place, characters.
const MAX_LINE_CHARS: usize = 200;
/// The longest description that is repeated in words, characters; the event holds all of it.
const MAX_TEXT_CHARS: usize = 5_000;
/// The days of the week as rules write them, Monday first.
const RULE_DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// Which of the days of a month, as rules count them; in the order of the sentences.
const RULE_ORDINALS: [&str; 5] = ["1", "2", "3", "4", "-1"];
/// The parts of a rule that say how often it is, and those that words can state besides.
const RULE_PARTS: [&str; 7] = ["FREQ", "INTERVAL", "UNTIL", "COUNT", "WKST", "BYDAY", "BYMONTHDAY"];

/// Marks that turn the direction of what stands beside them.
const TURNS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// A text on one line that shows in the order in which it is written: no control characters, no marks that turn the
/// direction of others, no more than can be read at once.
#[must_use]
pub fn one_line(text: &str) -> String {
    let plain = text.chars().filter(|c| !TURNS.contains(c));
    let spaced =
        plain.map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') { ' ' } else { c });
    let joined = spaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    // What looks like an encoded word (RFC 2047) would be decoded by whoever reads it.
    let joined = joined.replace("=?", "= ?");
    cut(&joined, MAX_LINE_CHARS)
}

/// A text of several lines without what does not show, or shows otherwise than it is written.
#[must_use]
pub fn readable(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let kept: String = line.chars().filter(|c| (!c.is_control() || *c == '\t') && !TURNS.contains(c)).collect();
        kept.trim_end().to_owned()
    });
    cut(lines.collect::<Vec<_>>().join("\n").trim(), MAX_TEXT_CHARS)
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What a meeting is called.
#[must_use]
pub fn title(occasion: &Occasion, language: Language) -> String {
    match one_line(&occasion.title) {
        title if title.is_empty() => text(language, "mail-untitled", &[]),
        title => title,
    }
}

/// Whose a meeting is.
#[must_use]
pub fn organizer(occasion: &Occasion) -> Option<String> {
    occasion.organizer.as_ref().map(|organizer| match one_line(&organizer.name) {
        name if name.is_empty() => organizer.address.to_string(),
        name => name,
    })
}

/// When it is: day and time by the clock of its zone, which is named.
#[must_use]
pub fn when(occasion: &Occasion, language: Language) -> String {
    let (start, end) = (occasion.start, occasion.end);
    let hour = |at: DateTime| at.strftime("%H:%M").to_string();
    let Some(zone) = &occasion.zone else {
        let last = end.date().yesterday().unwrap_or(end.date()).max(start.date());
        let first = date(start.date(), language);
        return match last == start.date() {
            true => first,
            false => text(language, "mail-days", &[("start", first), ("end", date(last, language))]),
        };
    };
    let places = |start: String, end: String| [("start", start), ("end", end), ("zone", zone.clone())];
    if start.date() == end.date() {
        let day = ("date", date(start.date(), language));
        let times = places(hour(start), hour(end));
        return text(language, "mail-times", &[[day].as_slice(), &times].concat());
    }
    let moment = |at: DateTime| text(language, "mail-moment", &[("date", date(at.date(), language)), ("at", hour(at))]);
    text(language, "mail-span", &places(moment(start), moment(end)))
}

/// One of the words that a sentence lists.
fn word(language: Language, key: &str, place: usize) -> String {
    text(language, key, &[]).split(',').nth(place).unwrap_or_default().trim().to_owned()
}

fn date(date: Date, language: Language) -> String {
    let place = |number: i8| usize::try_from(number).unwrap_or(1).saturating_sub(1);
    let day = match date.day() {
        1 => text(language, "mail-first-day", &[]),
        day => day.to_string(),
    };
    let places = [
        ("weekday", word(language, "mail-weekdays", place(date.weekday().to_monday_one_offset()))),
        ("day", day),
        ("month", word(language, "mail-months", place(date.month()))),
        ("year", date.year().to_string()),
    ];
    text(language, "mail-date", &places)
}

/// How often it is, as far as a few words state it. `None`: no words do.
#[must_use]
pub fn repeats(rule: &str, language: Language) -> Option<String> {
    let upper = rule.to_ascii_uppercase();
    let part = |name: &str| upper.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let frequency = part("FREQ")?.to_ascii_lowercase();
    let known = ["daily", "weekly", "monthly", "yearly"].contains(&frequency.as_str());
    let interval = part("INTERVAL").and_then(|number| number.parse::<u32>().ok()).unwrap_or(1);
    let often = match (known, interval) {
        (false, _) => return None,
        (true, 0 | 1) => text(language, &format!("mail-{frequency}"), &[]),
        (true, number) => text(language, &format!("mail-{frequency}-each"), &[("number", number.to_string())]),
    };
    let is_stated = upper.split(';').all(|part| RULE_PARTS.contains(&part.split('=').next().unwrap_or_default()));
    let days = match (frequency.as_str(), part("BYDAY"), part("BYMONTHDAY")) {
        (_, None, None) if is_stated => None,
        ("weekly", Some(days), None) if is_stated => on_weekdays(days, language),
        ("monthly", Some(day), None) if is_stated => on_nth_weekday(day, language),
        ("monthly", None, Some(day)) if is_stated => on_day_of_month(day, language),
        _ => None,
    };
    let states_all = is_stated && part("BYDAY").or(part("BYMONTHDAY")).is_none();
    let days = days.or_else(|| (!states_all).then(|| text(language, "mail-on-some-days", &[])));
    let until = part("UNTIL").and_then(|until| When::read(until, None));
    let until = until.map(|until| text(language, "mail-until", &[("date", date(until.local.date(), language))]));
    let count = part("COUNT").map(|count| text(language, "mail-count", &[("number", count.to_owned())]));
    Some([Some(often), days, until.or(count)].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn weekday(day: &str, language: Language) -> Option<String> {
    let place = RULE_DAYS.iter().position(|known| *known == day)?;
    Some(word(language, "mail-weekdays", place))
}

/// `MO,TH`: on Monday and Thursday.
fn on_weekdays(days: &str, language: Language) -> Option<String> {
    let named: Option<Vec<String>> = days.split(',').map(|day| weekday(day, language)).collect();
    let on = |weekday: String| text(language, "mail-on-weekday", &[("weekday", weekday)]);
    let mut named = named?.into_iter().map(on).rev();
    let last = named.next()?;
    let before: Vec<String> = named.rev().collect();
    Some(match before.is_empty() {
        true => last,
        false => text(language, "mail-and", &[("start", before.join(", ")), ("end", last)]),
    })
}

/// `2TU`: on the second Tuesday.
fn on_nth_weekday(day: &str, language: Language) -> Option<String> {
    let (number, day) = day.split_at_checked(day.len().checked_sub(2)?)?;
    let place = RULE_ORDINALS.iter().position(|known| *known == number.trim_start_matches('+'))?;
    let places = [("number", word(language, "mail-ordinals", place)), ("weekday", weekday(day, language)?)];
    Some(text(language, "mail-on-nth-weekday", &places))
}

/// `15`: on the 15th.
fn on_day_of_month(day: &str, language: Language) -> Option<String> {
    let day: u8 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let day = if day == 1 { text(language, "mail-first-day", &[]) } else { day.to_string() };
    Some(text(language, "mail-on-day-of-month", &[("day", day)]))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;

    use super::{date, one_line, readable, repeats, when};
    use crate::ical::invitation::Occasion;
    use crate::message::Language::{English, French};

    fn occasion() -> Occasion {
        Occasion {
            title: "Comité".to_owned(),
            place: String::new(),
            description: String::new(),
            comment: String::new(),
            organizer: None,
            start: day(2026, 11, 26).at(9, 0, 0, 0),
            end: day(2026, 11, 26).at(10, 30, 0, 0),
            zone: Some("Europe/Paris".to_owned()),
            rule: None,
            occurrence: None,
            files: Vec::new(),
        }
    }

    #[test]
    fn times_are_said_in_both_languages() {
        let one = occasion();
        assert_eq!(when(&one, French), "jeudi 26 novembre 2026, de 09:00 à 10:30 (Europe/Paris)");
        assert_eq!(when(&one, English), "Thursday 26 November 2026, 09:00 to 10:30 (Europe/Paris)");
        let two = Occasion { end: day(2026, 12, 1).at(8, 0, 0, 0), ..occasion() };
        assert_eq!(
            when(&two, French),
            "du jeudi 26 novembre 2026 à 09:00 au mardi 1er décembre 2026 à 08:00 (Europe/Paris)"
        );
        let days = |end| Occasion { zone: None, start: day(2026, 11, 26).at(0, 0, 0, 0), end, ..occasion() };
        assert_eq!(when(&days(day(2026, 11, 27).at(0, 0, 0, 0)), English), "Thursday 26 November 2026");
        assert_eq!(
            when(&days(day(2026, 11, 29).at(0, 0, 0, 0)), French),
            "du jeudi 26 novembre 2026 au samedi 28 novembre 2026"
        );
        assert_eq!(date(day(2026, 1, 1), English), "Thursday 1 January 2026");
    }

    #[test]
    fn rules_are_said_in_both_languages() {
        for (rule, french, english) in [
            ("FREQ=WEEKLY", Some("toutes les semaines"), Some("every week")),
            ("FREQ=WEEKLY;BYDAY=MO", Some("toutes les semaines, le lundi"), Some("every week, on Monday")),
            (
                "FREQ=WEEKLY;WKST=MO;BYDAY=MO,WE,FR",
                Some("toutes les semaines, le lundi, le mercredi et le vendredi"),
                Some("every week, on Monday, on Wednesday and on Friday"),
            ),
            (
                "FREQ=MONTHLY;BYDAY=-1TU;COUNT=3",
                Some("tous les mois, le dernier mardi du mois, 3 fois"),
                Some("every month, on the last Tuesday of the month, 3 times"),
            ),
            ("FREQ=MONTHLY;BYMONTHDAY=1", Some("tous les mois, le 1er"), Some("every month, on day 1")),
            // What is not said in words is not passed over.
            ("FREQ=MONTHLY;BYDAY=TU", Some("tous les mois, certains jours"), Some("every month, on some days")),
            ("FREQ=MONTHLY;BYDAY=\u{e9}", Some("tous les mois, certains jours"), Some("every month, on some days")),
            ("FREQ=DAILY;BYMONTH=1,2", Some("tous les jours, certains jours"), Some("every day, on some days")),
            ("FREQ=WEEKLY;INTERVAL=2;COUNT=5", Some("toutes les 2 semaines, 5 fois"), Some("every 2 weeks, 5 times")),
            (
                "freq=daily;until=20261231T100000Z",
                Some("tous les jours, jusqu’au jeudi 31 décembre 2026"),
                Some("every day, until Thursday 31 December 2026"),
            ),
            ("FREQ=HOURLY", None, None),
            ("", None, None),
        ] {
            assert_eq!(repeats(rule, French).as_deref(), french, "{rule}");
            assert_eq!(repeats(rule, English).as_deref(), english, "{rule}");
        }
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line(" a\r\nBcc: b\0\u{202e}c\u{2028}d\t "), "a Bcc: b c d");
        assert_eq!(one_line("=?utf-8?q?=0D=0A?="), "= ?utf-8?q?=0D=0A?=");
        assert_eq!(one_line(&"é".repeat(300)).chars().count(), 201);
    }

    #[test]
    fn lines_show_as_they_are_written() {
        assert_eq!(readable("\n a\r\n\0b\u{202e}c\td \n\n"), "a\nbc\td");
        assert_eq!(readable(&"é".repeat(6_000)).chars().count(), 5_001);
    }
}
