//! Messages about meetings on their way out by mail: each in the form that every Outlook takes, with what has to be
//! said of it in words.
//!
//! One message is about a meeting, a series, or one occurrence. A series that Outlook has no dialogue for goes out as
//! one message an occurrence, and so do several occurrences without their series: of what stands beside each other in
//! one message, programs take the first. For that reason the occurrences of a series that are otherwise than it stand
//! in its message, as the standard says, and follow one by one, each with a SEQUENCE above that of the series.

use super::itip::ledger::sequence_of;
use super::itip::message::{SchedulingMessage, SchedulingMethod};
use super::line::Property;
use super::object::{Component, Object, fold_into};
pub use super::occasion::Occasion;
use super::occasion::once;
use super::outlook::{Audience, Profile, Published};
pub use super::outlook_people::Invited;
use super::recur::{Instance, Override, bounds, end_of, instances, overrides, recurs};
use super::time::When;
use super::zone::{Zone, Zones};
use crate::model::budget::{Budget, Exhausted};
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;
use crate::model::mailbox::Mailbox;

/// The most messages that one meeting is sent as.
pub const MAX_OCCURRENCES: usize = 30;
const DAY_S: i64 = 86_400;
/// The rules of a zone are right for so long, where a series has no end.
const ZONE_RULES_S: i64 = 10 * 366 * DAY_S;

/// Why something cannot be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unmailable {
    /// It wants what is not mailed: programs show it as raw text, or never answer it.
    #[error("a message of this kind is not mailed")]
    Method,
    /// It is not about one event with a time.
    #[error("it is not about one event")]
    Event,
    /// It has a rule that Outlook cannot show, and too many occurrences to be sent one by one.
    #[error("Outlook cannot show this rule, and it has more than 30 occurrences: choose a simpler rule, or an end")]
    TooManyOccurrences,
    /// It has nothing that takes place from now on.
    #[error("it is over")]
    Over,
    /// It takes too long to follow.
    #[error("it takes too long to follow")]
    TooMuch,
}

impl From<Exhausted> for Unmailable {
    fn from(_: Exhausted) -> Self {
        Self::TooMuch
    }
}

/// A message that can be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailableMessage {
    /// What it wants.
    pub method: SchedulingMethod,
    /// Does it come after another to the same recipient, about the same series?
    pub follows: bool,
    /// The whole VCALENDAR; of what no calendar takes it is empty.
    pub text: String,
    /// What it is about, for words.
    pub occasion: Occasion,
}

/// What a message is made with.
#[derive(Clone, Debug)]
pub struct Mailing<'a> {
    /// Who is an attendee besides those that it names.
    pub planner: Option<Mailbox>,
    /// The moment: what is over is not sent one by one.
    pub now: Timestamp,
    /// The zone in which floating times are read.
    pub floating: &'a Zone,
    /// What the work may cost.
    pub budget: &'a Budget,
}

/// What a message is mailed as: an invitation, its end, an answer; or word of documents, which nobody's calendar takes.
pub fn letters(message: &SchedulingMessage, mailing: &Mailing<'_>) -> Result<Vec<MailableMessage>, Unmailable> {
    if message.method != SchedulingMethod::Publish {
        return invitations(message, mailing);
    }
    let zones = Zones::new(&message.object.calendar, mailing.floating).within(mailing.budget);
    let occasion = Occasion::of(&first(&message.object, &zones)?, &zones);
    Ok(vec![MailableMessage { method: message.method, follows: false, text: String::new(), occasion }])
}

/// The messages that a message is sent as. The first goes first, the others in any order.
pub fn invitations(message: &SchedulingMessage, mailing: &Mailing<'_>) -> Result<Vec<MailableMessage>, Unmailable> {
    let (method, object) = (message.method, &message.object);
    if !matches!(method, SchedulingMethod::Request | SchedulingMethod::Cancel | SchedulingMethod::Reply) {
        return Err(Unmailable::Method);
    }
    let has_time = |part: &Component| part.property("DTSTART").and_then(When::of).is_some();
    if object.component != "VEVENT" || !object.parts().all(has_time) {
        return Err(Unmailable::Event);
    }
    let zones = Zones::new(&object.calendar, mailing.floating).within(mailing.budget);
    let writer = MessageWriter { object, zones: &zones, mailing };
    let request = writer.profile(SchedulingMethod::Request);
    let mut whole = Published::default();
    let is_series = whole.as_series(object, &request, &zones, mailing.now)?;
    match (method, is_series) {
        (SchedulingMethod::Reply, _) => writer.reply(),
        (SchedulingMethod::Request, true) => writer.series(&whole),
        (_, true) => Ok(vec![writer.each(method, &first(object, &zones)?)?]),
        _ => writer.one_by_one(method),
    }
}

/// What words are about: the master, or the first occurrence.
fn first<'a>(object: &'a Object, zones: &Zones<'_>) -> Result<Instance<'a>, Unmailable> {
    let part = object.master().or_else(|| object.parts().next());
    part.and_then(|part| once(part, zones)).ok_or(Unmailable::Event)
}

struct MessageWriter<'a, 'z> {
    object: &'a Object,
    zones: &'z Zones<'z>,
    mailing: &'z Mailing<'z>,
}

impl<'a> MessageWriter<'a, '_> {
    fn profile(&self, method: SchedulingMethod) -> Profile {
        let TimeRange { start, end } = bounds(self.object, self.zones);
        let latest = start.max(self.mailing.now).saturating_add(ZONE_RULES_S);
        let window = TimeRange { start: start.saturating_sub(DAY_S), end: end.saturating_add(DAY_S).min(latest) };
        let audience = Audience::Invited(Invited { method, planner: self.mailing.planner.clone() });
        Profile { window, audience }
    }

    /// The instances in a range, none of a rule more than may be sent.
    fn instances(&self, range: TimeRange) -> Result<Vec<Instance<'a>>, Unmailable> {
        let found = instances(self.object, self.zones, range);
        match (found.cut, found.instances.len()) {
            (_, 0) => Err(Unmailable::Over),
            (false, 1..=MAX_OCCURRENCES) => Ok(found.instances),
            _ => Err(Unmailable::TooManyOccurrences),
        }
    }

    /// Each instance as a message of its own. Of what recurs only what is to come counts.
    fn one_by_one(&self, method: SchedulingMethod) -> Result<Vec<MailableMessage>, Unmailable> {
        let from = if self.object.master().is_some_and(recurs) { self.mailing.now } else { Timestamp::MIN };
        let found = self.instances(TimeRange { start: from, end: Timestamp::MAX })?;
        found.iter().map(|instance| self.each(method, instance)).collect()
    }

    fn each(&self, method: SchedulingMethod, instance: &Instance<'a>) -> Result<MailableMessage, Unmailable> {
        let mut written = Published::default();
        written.single(self.object, instance, &self.profile(method), self.zones, self.mailing.now)?;
        Ok(self.message(method, &written, instance))
    }

    /// A series, and what follows it.
    fn series(&self, whole: &Published) -> Result<Vec<MailableMessage>, Unmailable> {
        let method = SchedulingMethod::Request;
        let mut all = vec![self.message(method, whole, &first(self.object, self.zones)?)];
        let Some(master) = self.object.master() else { return Ok(all) };
        let above = sequence_of(master).saturating_add(1);
        for moved in overrides(self.object, self.zones).into_values().filter(|moved| self.is_apart(master, moved)) {
            if all.len() > MAX_OCCURRENCES {
                break;
            }
            let mut part = moved.component.clone();
            let sequence = sequence_of(&part).max(above).to_string();
            part.properties.retain(|line| line.name != "SEQUENCE");
            part.properties.push(Property::new("SEQUENCE", &sequence));
            let instance = Instance { id: Some(moved.id), ..once(&part, self.zones).ok_or(Unmailable::Event)? };
            let mut written = Published::default();
            written.single(self.object, &instance, &self.profile(method), self.zones, self.mailing.now)?;
            all.push(MailableMessage { follows: true, ..self.message(method, &written, &instance) });
        }
        Ok(all)
    }

    /// Is an occurrence that is still to come otherwise than the series, so that people have to know?
    fn is_apart(&self, master: &Component, moved: &Override<'a>) -> bool {
        const SHOWN: [&str; 5] = ["SUMMARY", "LOCATION", "DESCRIPTION", "STATUS", "URL"];
        let (start, end) = (self.zones.instant(&moved.start), end_of(moved.component, &moved.start, self.zones));
        let says_other = || SHOWN.iter().any(|name| master.value(name) != moved.component.value(name));
        end >= self.mailing.now && (start != moved.id.at || end != moved.would_end || says_other())
    }

    /// An answer: one message, about all that it is about.
    fn reply(&self) -> Result<Vec<MailableMessage>, Unmailable> {
        let (mut written, profile) = (Published::default(), self.profile(SchedulingMethod::Reply));
        for part in self.object.parts().take(MAX_OCCURRENCES) {
            let instance = once(part, self.zones).ok_or(Unmailable::Event)?;
            written.single(self.object, &instance, &profile, self.zones, self.mailing.now)?;
        }
        Ok(vec![self.message(SchedulingMethod::Reply, &written, &first(self.object, self.zones)?)])
    }

    fn message(&self, method: SchedulingMethod, written: &Published, about: &Instance<'_>) -> MailableMessage {
        let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Beffroi//Beffroi//FR\r\n");
        text.push_str("CALSCALE:GREGORIAN\r\n");
        fold_into(&mut text, &format!("METHOD:{}", method.name()));
        written.zones().for_each(|zone| text.push_str(zone));
        text.push_str(&written.events);
        text.push_str("END:VCALENDAR\r\n");
        MailableMessage { method, follows: false, text, occasion: Occasion::of(about, self.zones) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::{MailableMessage, Mailing, Unmailable, invitations};
    use crate::ical::itip::message::SchedulingMessage;
    use crate::ical::object::{Component, Object, parse};
    use crate::ical::zone::Zone;
    use crate::model::budget::Budget;

    /// 2026-01-01.
    const NOW: i64 = 1_767_225_600;

    fn sent(method: &str, events: &str) -> Result<Vec<MailableMessage>, Unmailable> {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{events}END:VCALENDAR\n");
        let paris = Zone::Known(TimeZone::get("Europe/Paris").unwrap());
        let planner = Some("Marie Durand <marie@ville.fr>".parse().unwrap());
        let message = SchedulingMessage::parse(text.as_bytes()).unwrap();
        invitations(&message, &Mailing { planner, now: NOW, floating: &paris, budget: &Budget::default() })
    }

    fn event(lines: &str) -> String {
        format!(
            "BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\nSEQUENCE:2\nSUMMARY:Comité\n\
             ORGANIZER;CN=Gymnase;X-A=1:mailto:gymnase+t@agenda.ville.fr\nATTENDEE;SCHEDULE-STATUS=1.2:mailto:a@x.fr\n\
             {lines}\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n"
        )
    }

    const WEEKLY: &str = "DTSTART;TZID=Europe/Paris:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY";

    fn lines(text: &str) -> Vec<String> {
        text.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn an_invitation_as_outlook_wants_it() {
        let sent =
            sent("REQUEST", &event("DTSTART;TZID=Europe/Paris:20260105T090000\nDURATION:PT1H\nLOCATION:Salle 3"))
                .unwrap();
        let [one] = sent.as_slice() else { panic!("{sent:?}") };
        let lines = lines(&one.text);
        let people = [
            "ORGANIZER;CN=\"Gymnase\":mailto:gymnase+t@agenda.ville.fr",
            "ATTENDEE;ROLE=REQ-PARTICIPANT;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:a@x.fr",
            "ATTENDEE;CN=\"Marie Durand\";ROLE=REQ-PARTICIPANT;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;RSVP=TRUE:\
             mailto:marie@ville.fr",
        ];
        let around = [
            "METHOD:REQUEST",
            "UID:u",
            "SEQUENCE:2",
            "DTSTART;TZID=Europe/Paris:20260105T090000",
            "DTEND;TZID=Europe/Paris:20260105T100000",
            "SUMMARY:Comité",
            "LOCATION:Salle 3",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "CLASS:PUBLIC",
            "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
            "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY",
            "X-MICROSOFT-CDO-IMPORTANCE:1",
            "X-MICROSOFT-DISALLOW-COUNTER:FALSE",
            "TZID:Europe/Paris",
        ];
        for line in people.iter().chain(&around) {
            assert_eq!(lines.iter().filter(|known| known == line).count(), 1, "{line}: {}", one.text);
        }
        assert_eq!((one.occasion.title.as_str(), one.occasion.place.as_str()), ("Comité", "Salle 3"));
        assert_eq!(one.occasion.zone.as_deref(), Some("Europe/Paris"));
    }

    #[test]
    fn a_cancellation_is_found_by_instants_alone() {
        for (given, expected) in [
            (WEEKLY, "DTSTART:20260105T080000Z"),
            ("DTSTART;TZID=Europe/Paris:20260105T093000\nDURATION:PT1H", "DTSTART:20260105T083000Z"),
            ("DTSTART;VALUE=DATE:20260105", "DTSTART;VALUE=DATE:20260105"),
        ] {
            let sent = sent("CANCEL", &event(given)).unwrap();
            let [one] = sent.as_slice() else { panic!("{sent:?}") };
            for line in [expected, "STATUS:CANCELLED", "METHOD:CANCEL", "SEQUENCE:2"] {
                assert!(lines(&one.text).iter().any(|known| known == line), "{line}: {}", one.text);
            }
            for forbidden in ["VTIMEZONE", "TZID", "RRULE", "RSVP"] {
                assert!(!one.text.contains(forbidden), "{forbidden}: {}", one.text);
            }
            assert_eq!(one.text.matches("ATTENDEE").count(), 2);
        }
        let id = "RECURRENCE-ID;TZID=Europe/Paris:20260112T090000\nDTSTART;TZID=Europe/Paris:20260112T100000";
        assert!(sent("CANCEL", &event(id)).unwrap()[0].text.contains("RECURRENCE-ID:20260112T080000Z\r\n"));
    }

    /// What Outlook has no dialogue for goes out one by one, up to thirty; and so does its end.
    #[test]
    fn strange_series_go_out_by_their_occurrences() {
        let series = |rule: &str| event(&format!("DTSTART;TZID=Europe/Paris:20260105T090000\nDURATION:PT1H\n{rule}"));
        for method in ["REQUEST", "CANCEL"] {
            let number = |rule: &str| sent(method, &series(rule)).map(|sent| sent.len());
            assert_eq!(number("RRULE:FREQ=WEEKLY"), Ok(1));
            assert_eq!(number("RRULE:FREQ=DAILY;BYMONTH=1,2;COUNT=4"), Ok(4));
            assert_eq!(number("RDATE;TZID=Europe/Paris:20260107T090000,20260109T090000"), Ok(3));
            assert_eq!(number("RRULE:FREQ=DAILY;BYMONTH=1,2;COUNT=30"), Ok(30));
            assert_eq!(number("RRULE:FREQ=DAILY;BYMONTH=1,2;COUNT=31"), Err(Unmailable::TooManyOccurrences));
            assert_eq!(number("RRULE:FREQ=DAILY;BYMONTH=1,2"), Err(Unmailable::TooManyOccurrences));
        }
        let over = "DTSTART:20250105T090000Z\nRRULE:FREQ=DAILY;BYMONTH=1,2;COUNT=3";
        assert_eq!(sent("REQUEST", &event(over)), Err(Unmailable::Over));
        let each = sent("REQUEST", &series("RDATE;TZID=Europe/Paris:20260707T090000")).unwrap();
        assert!(each[1].text.contains("UID:u\r\n"));
        assert!(each[1].text.contains("RECURRENCE-ID;TZID=Europe/Paris:20260707T090000\r\n"), "{}", each[1].text);
        assert!(each[1].occasion.rule.is_none());
    }

    #[test]
    fn occurrences_without_their_series_go_out_by_themselves() {
        let one = |day: &str| {
            event(&format!("RECURRENCE-ID;TZID=Europe/Paris:{day}T090000\nDTSTART;TZID=Europe/Paris:{day}T110000"))
        };
        let sent = sent("REQUEST", &format!("{}{}", one("20260112"), one("20260119"))).unwrap();
        assert_eq!(sent.len(), 2);
        assert!(sent[0].text.contains("RECURRENCE-ID;TZID=Europe/Paris:20260112T090000\r\n"), "{}", sent[0].text);
        assert!(sent.iter().all(|one| one.text.matches("BEGIN:VEVENT").count() == 1));
    }

    /// What is otherwise than its series stands in it, and follows by itself: programs that take the first of what
    /// stands beside each other know it, too.
    #[test]
    fn what_is_apart_from_its_series_follows_it() {
        let apart = |day: &str, lines: &str| {
            let id = format!("RECURRENCE-ID;TZID=Europe/Paris:{day}T090000\nDTSTART;TZID=Europe/Paris:{day}");
            event(&format!("{id}{lines}")).replace("SEQUENCE:2", "SEQUENCE:1")
        };
        let answered = apart("20260119", "T090000\nDURATION:PT1H");
        let over = apart("20250106", "T110000");
        let moved = apart("20260112", "T110000\nDURATION:PT1H");
        let renamed = apart("20260126", "T090000\nDURATION:PT1H").replace("SUMMARY:Comité", "SUMMARY:Bilan");
        let early = WEEKLY.replace("20260105", "20241202");
        let all = format!("{}{answered}{over}{moved}{renamed}", event(&early));
        let sent = sent("REQUEST", &all).unwrap();
        let ids: Vec<Option<&str>> = sent
            .iter()
            .map(|one| {
                Some(one.text.split_once("RECURRENCE-ID;TZID=Europe/Paris:")?.1.get(..8)?).filter(|_| one.follows)
            })
            .collect();
        assert_eq!(ids, [None, Some("20260112"), Some("20260126")]);
        assert_eq!(sent[0].text.matches("RECURRENCE-ID").count(), 4, "the whole is whole");
        for one in &sent[1..] {
            assert!(one.text.contains("SEQUENCE:3\r\n") && !one.text.contains("RRULE:FREQ=WEEKLY"), "{}", one.text);
            assert_eq!(one.text.matches("BEGIN:VEVENT").count(), 1);
            assert!(one.occasion.rule.is_none());
        }
        assert_eq!(sent[1].occasion.start.to_string(), "2026-01-12T11:00:00");
    }

    /// An answer carries what others need to understand it, and nothing of a rule.
    #[test]
    fn an_answer_is_one_message() {
        let answer = format!("{WEEKLY}\nCOMMENT:Avec plaisir\nREQUEST-STATUS:2.0;Success");
        let sent = sent("REPLY", &event(&answer)).unwrap();
        let [one] = sent.as_slice() else { panic!("{sent:?}") };
        for line in ["SUMMARY:Comité", "COMMENT:Avec plaisir", "STATUS:CONFIRMED", "TZID:Europe/Paris"] {
            assert!(lines(&one.text).iter().any(|known| known == line), "{line}: {}", one.text);
        }
        assert!(!one.text.contains("RRULE:FREQ=WEEKLY") && !one.text.contains("INTENDEDSTATUS"));
    }

    #[test]
    fn what_is_not_mailed_is_refused() {
        for method in ["PUBLISH", "ADD", "REFRESH", "DECLINECOUNTER", "COUNTER"] {
            assert_eq!(sent(method, &event(WEEKLY)), Err(Unmailable::Method), "{method}");
        }
        for events in ["BEGIN:VTODO\nUID:u\nDTSTART:20260105T090000Z\nEND:VTODO\n", "BEGIN:VEVENT\nUID:u\nEND:VEVENT\n"]
        {
            assert_eq!(sent("REQUEST", events), Err(Unmailable::Event), "{events}");
        }
    }

    fn start() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "DTSTART;TZID=Europe/Paris:20260120T093000\nDTEND;TZID=Europe/Paris:20260120T110000",
            "DTSTART;TZID=Romance Standard Time:20260120T093000\nDURATION:PT2H",
            "DTSTART;TZID=Africa/Casablanca:20260105T090000\nDURATION:PT30M",
            "DTSTART:20260105T230000Z",
            "DTSTART:20260105T090000\nDURATION:PT2H",
            "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107",
        ])
    }

    /// What of the profile holds for every message.
    fn assert_in_profile(one: &MailableMessage, method: &str) {
        const NEVER: [&str; 11] = [
            "\nBEGIN:VALARM",
            "SCHEDULE-",
            "\nRDATE",
            "\nEXRULE",
            "VALUE=PERIOD",
            "BINARY",
            "\nDURATION",
            "\nX-APPLE",
            "\nCATEGORIES",
            "\nCOLOR",
            "X-A=",
        ];
        for forbidden in NEVER {
            assert!(!one.text.contains(forbidden), "{forbidden}: {}", one.text);
        }
        assert!(one.text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
        let calendar = parse(one.text.as_bytes()).unwrap();
        assert_eq!(calendar.value("METHOD"), Some(method));
        let mut plain = calendar.clone();
        plain.properties.retain(|line| line.name != "METHOD");
        let mut text = String::new();
        plain.write(&mut text);
        assert!(Object::parse(text.as_bytes()).is_ok());
        let (zones, events): (Vec<&Component>, Vec<&Component>) =
            calendar.components.iter().partition(|part| part.name == "VTIMEZONE");
        for zone in zones {
            let of = |name: &str| zone.components.iter().filter(|part| part.name == name).count();
            assert!(of("STANDARD") == 1 && of("DAYLIGHT") <= 1, "{}", one.text);
        }
        let is_series = events.iter().any(|part| part.property("RECURRENCE-ID").is_none());
        assert!(
            events.iter().all(|part| part.name == "VEVENT") && (is_series || method == "REPLY" || events.len() == 1)
        );
        assert!(!one.follows || !is_series);
        events.iter().for_each(|part| assert_event_in_profile(part, &one.text));
    }

    fn assert_event_in_profile(part: &Component, text: &str) {
        const ONCE: [&str; 11] = [
            "UID",
            "DTSTAMP",
            "DTSTART",
            "DTEND",
            "SUMMARY",
            "SEQUENCE",
            "LAST-MODIFIED",
            "STATUS",
            "TRANSP",
            "CLASS",
            "ORGANIZER",
        ];
        for name in ONCE {
            assert_eq!(part.all(name).count(), 1, "{name}: {text}");
        }
        assert!(part.all("RRULE").count() < 2);
        let is_zoned = part.property("DTSTART").is_some_and(|line| line.parameter("TZID").is_some());
        let until = part.value("RRULE").and_then(|rule| rule.split(';').find_map(|rule| rule.strip_prefix("UNTIL=")));
        assert!(!is_zoned || until.is_none_or(|until| until.ends_with('Z')), "{text}");
        for zone in part.properties.iter().filter_map(|line| line.parameter("TZID")) {
            assert_eq!(text.matches(&format!("TZID:{zone}\r\n")).count(), 1, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn nothing_forbidden_is_mailed(
            start in start(),
            method in proptest::sample::select(vec!["REQUEST", "CANCEL", "REPLY"]),
            rule in proptest::sample::select(vec![
                "", "\nRRULE:FREQ=WEEKLY;COUNT=10", "\nRRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=3",
                "\nRRULE:FREQ=DAILY;BYHOUR=9,10;COUNT=9", "\nRRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20260301",
                "\nRRULE:FREQ=YEARLY;COUNT=2\nEXRULE:FREQ=YEARLY;INTERVAL=2", "\nRDATE:20260301T090000Z",
                "\nRRULE:FREQ=WEEKLY;COUNT=4\nRDATE;VALUE=PERIOD:20260301T090000Z/PT1H",
            ]),
            is_moved in any::<bool>(),
            more in proptest::sample::select(vec![
                "",
                "\nATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA\nATTACH;FMTTYPE=text/plain:https://b.ville.fr/a.txt",
                "\nX-APPLE-TRAVEL-START:1\nCATEGORIES:a\nCOLOR:red",
                "\nATTENDEE;SCHEDULE-AGENT=SERVER;SCHEDULE-FORCE-SEND=REQUEST;CN=\"a;b\":mailto:b@x.fr",
                "\nDESCRIPTION:a\\nBEGIN:VALARM and more than one line of it for it is folded é\u{202e}",
            ]),
        ) {
            let mut events = event(&format!("{start}{rule}{more}"));
            if is_moved && !rule.is_empty() {
                let id = start.lines().next().unwrap_or_default().replace("DTSTART", "RECURRENCE-ID");
                events += &event(&format!("{id}\nDTSTART:20260801T120000Z\nDURATION:PT1H{more}"));
            }
            let sent = sent(method, &events).unwrap();
            prop_assert!(!sent.is_empty());
            sent.iter().for_each(|one| assert_in_profile(one, method));
        }
    }
}
