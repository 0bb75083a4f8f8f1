//! What a mail says in words: what is it about, when, where, and how to answer; in plain text and in HTML.

use jiff::civil::{Date, DateTime};

use crate::ical::invitation::{MailableMessage, Occasion};
use crate::ical::itip::message::SchedulingMethod;
use crate::message::{Language, text};

/// The longest title in a subject, name of a person, and place, characters.
const MAX_LINE_CHARS: usize = 200;
/// The longest description that is repeated in words, characters; the event holds all of it.
const MAX_TEXT_CHARS: usize = 5_000;

/// What of a message is said in words.
pub(super) struct Words {
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub plain: String,
    /// The body as HTML.
    pub html: String,
}

/// A text on one line that shows in the order in which it is written: no control characters, no marks that turn the
/// direction of others, no more than can be read at once.
pub(super) fn one_line(text: &str) -> String {
    const TURNS: [char; 12] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
        '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    let plain = text.chars().filter(|c| !TURNS.contains(c));
    let spaced =
        plain.map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') { ' ' } else { c });
    let joined = spaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    // What looks like an encoded word (RFC 2047) would be decoded by whoever reads it.
    let joined = joined.replace("=?", "= ?");
    cut(&joined, MAX_LINE_CHARS)
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How someone answered, which is what an answer is called by.
fn answer(invitation: &MailableMessage) -> &'static str {
    const ANSWERS: [&str; 3] = ["ACCEPTED", "DECLINED", "TENTATIVE"];
    let unfolded = invitation.text.replace("\r\n ", "");
    let stated = ANSWERS.iter().find(|answer| unfolded.contains(&format!(";PARTSTAT={answer}")));
    match stated {
        Some(&"ACCEPTED") => "accepted",
        Some(&"DECLINED") => "declined",
        _ => "tentative",
    }
}

/// The part of the keys of sentences that says what a message is.
fn sort(invitation: &MailableMessage, is_update: bool) -> &'static str {
    match invitation.method {
        SchedulingMethod::Cancel => "cancelled",
        SchedulingMethod::Reply => answer(invitation),
        _ if is_update => "update",
        _ => "invitation",
    }
}

/// What is said of a message in a language; `who` sends it, `answer_url` is where one answers without an account.
pub(super) fn words(
    invitation: &MailableMessage,
    who: &str,
    language: Language,
    is_update: bool,
    answer_url: Option<&str>,
) -> Words {
    let (occasion, sort) = (&invitation.occasion, sort(invitation, is_update));
    let say = |key: &str| text(language, key, &[]);
    let title =
        Some(one_line(&occasion.title)).filter(|title| !title.is_empty()).unwrap_or_else(|| say("mail-untitled"));
    let subject = text(language, &format!("mail-subject-{sort}"), &[("name", title.clone())]);
    let lead = text(language, &format!("mail-lead-{sort}"), &[("name", who.to_owned())]);
    let mut rows = vec![(say("mail-when"), when(occasion, language))];
    rows.extend(
        occasion.rule.as_deref().and_then(|rule| repeats(rule, language)).map(|rule| (say("mail-repeats"), rule)),
    );
    let organizer = occasion.organizer.as_ref().map(|organizer| match one_line(&organizer.name) {
        name if name.is_empty() => organizer.address.to_string(),
        name => name,
    });
    let given = [("mail-where", Some(one_line(&occasion.place))), ("mail-who", organizer)];
    rows.extend(
        given.into_iter().filter_map(|(key, value)| Some((say(key), value.filter(|value| !value.is_empty())?))),
    );
    let texts: Vec<String> = [&occasion.comment, &occasion.description]
        .into_iter()
        .map(|text| cut(&readable(text), MAX_TEXT_CHARS))
        .filter(|text| !text.is_empty())
        .collect();
    let files = occasion.files.iter().map(|file| one_line(file)).collect();
    let links: Vec<AnswerLink> = match (invitation.method, answer_url) {
        (SchedulingMethod::Request, Some(url)) => ["accepted", "tentative", "declined"]
            .map(|answer| AnswerLink {
                label: say(&format!("mail-answer-{answer}")),
                url: format!("{url}?answer={answer}"),
            })
            .into(),
        _ => Vec::new(),
    };
    let page = MailText {
        language,
        title,
        lead,
        rows,
        texts,
        files,
        documents: say("mail-documents"),
        links,
        ask: say("mail-answer"),
    };
    Words { subject, plain: page.plain(), html: page.html() }
}

/// A text of several lines without what does not show, or shows otherwise than it is written.
fn readable(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let kept: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        kept.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

struct AnswerLink {
    label: String,
    url: String,
}

/// What is said, before it has a form.
struct MailText {
    language: Language,
    title: String,
    lead: String,
    rows: Vec<(String, String)>,
    texts: Vec<String>,
    files: Vec<String>,
    documents: String,
    links: Vec<AnswerLink>,
    ask: String,
}

impl MailText {
    fn plain(&self) -> String {
        let mut out = format!("{}\n\n{}\n\n", self.lead, self.title);
        let space = if self.language == Language::French { "\u{a0}" } else { "" };
        self.rows.iter().for_each(|(label, value)| out += &format!("{label}{space}: {value}\n"));
        self.texts.iter().for_each(|text| out += &format!("\n{text}\n"));
        if !self.files.is_empty() {
            out += &format!("\n{}{space}:\n{}\n", self.documents, self.files.join("\n"));
        }
        if !self.links.is_empty() {
            out += &format!("\n{}\n", self.ask);
            self.links
                .iter()
                .for_each(|link| out += &format!("{label}{space}: {url}\n", label = link.label, url = link.url));
        }
        out
    }

    fn html(&self) -> String {
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
             <p>{}</p>\n<h1>{title}</h1>\n<table>\n",
            self.language.tag(),
            escaped(&self.lead),
            title = escaped(&self.title),
        );
        for (label, value) in &self.rows {
            out += &format!(
                "<tr><th scope=\"row\" align=\"left\">{}</th><td>{}</td></tr>\n",
                escaped(label),
                escaped(value)
            );
        }
        out += "</table>\n";
        self.texts.iter().for_each(|text| out += &format!("<p>{}</p>\n", escaped(text).replace('\n', "<br>\n")));
        if !self.files.is_empty() {
            out += &format!("<p>{}</p>\n<ul>\n", escaped(&self.documents));
            for file in self.files.iter().map(|file| escaped(file)) {
                out += &format!("<li><a href=\"{file}\">{file}</a></li>\n");
            }
            out += "</ul>\n";
        }
        if !self.links.is_empty() {
            out += &format!("<p>{}</p>\n<p>", escaped(&self.ask));
            let links = self
                .links
                .iter()
                .map(|link| format!("<a href=\"{}\">{}</a>", escaped(&link.url), escaped(&link.label)));
            out += &links.collect::<Vec<_>>().join(" &nbsp; ");
            out += "</p>\n";
        }
        out + "</body>\n</html>\n"
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// When it is: day and time by the clock of its zone, which is named.
fn when(occasion: &Occasion, language: Language) -> String {
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

fn date(date: Date, language: Language) -> String {
    let nth = |key: &str, number: i8| {
        let all = text(language, key, &[]);
        let at = usize::try_from(number).unwrap_or(1).saturating_sub(1);
        all.split(',').nth(at).unwrap_or_default().trim().to_owned()
    };
    let day = match date.day() {
        1 => text(language, "mail-first-day", &[]),
        day => day.to_string(),
    };
    let weekday = nth("mail-weekdays", date.weekday().to_monday_one_offset());
    let places = [
        ("weekday", weekday),
        ("day", day),
        ("month", nth("mail-months", date.month())),
        ("year", date.year().to_string()),
    ];
    text(language, "mail-date", &places)
}

/// How often it is, as far as a few words state it.
fn repeats(rule: &str, language: Language) -> Option<String> {
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
    let until = part("UNTIL").and_then(|until| crate::ical::time::When::read(until, None));
    let until = until.map(|until| text(language, "mail-until", &[("date", date(until.local.date(), language))]));
    let count = part("COUNT").map(|count| text(language, "mail-count", &[("number", count.to_owned())]));
    Some([Some(often), until.or(count)].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;

    use super::{date, one_line, repeats, when};
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
            ("FREQ=WEEKLY;BYDAY=MO", Some("toutes les semaines"), Some("every week")),
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
}
