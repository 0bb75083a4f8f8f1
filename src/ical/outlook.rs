//! The form of events that every Outlook understands: what goes out to feeds and mail. What is stored stays as it was sent.
//!
//! A series goes out as a series where its rule is one that Outlook has a dialogue for, and its zone one that two yearly
//! rules describe; else as the single events that it consists of.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::exceptions::{Base, excluded};
use super::extent::Extent;
use super::freebusy::{Busy, Period};
use super::object::{Component, Object, fold_into};
use super::recur::{end_of, instances, overrides, recurs};
use super::stream::escaped;
use super::template::template;
use super::time::{Clock, Length, When, write_date, write_local, write_utc};
use super::vtimezone::vtimezone;
use super::zone::{Zone, Zones};
use crate::model::budget::Exhausted;
use crate::model::calendar::{Detail, TimeRange};
use crate::model::id::Timestamp;

/// What stands for the title of an event that is nobody's business.
const TAKEN: &str = "Occupé";
/// The most that is told of one event that goes out as single ones, bytes.
const MAX_OBJECT_BYTES: usize = 4 * 1024 * 1024;
/// What it costs to write an event.
const EVENT_STEPS: u64 = 20;

/// About what is told of a component.
fn told_bytes(component: &Component) -> usize {
    const TOLD: [&str; 7] = ["SUMMARY", "LOCATION", "URL", "CATEGORIES", "DESCRIPTION", "EXDATE", "ORGANIZER"];
    let told = component.properties.iter().filter(|line| TOLD.contains(&line.name.as_str()));
    512 + told.map(|line| line.raw().len() * 25 / 24).sum::<usize>()
}

/// How events go out.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Events that take place in it; series with any instance in it.
    pub window: TimeRange,
    /// How much of each is told.
    pub detail: Detail,
    /// Are private events told like all others?
    pub private: bool,
}

/// Events on their way out, with the zones that they speak of.
#[derive(Default)]
pub struct Published {
    /// The components.
    pub events: String,
    /// How many events were too large to be told each time they take place.
    pub cut: u64,
    zones: BTreeMap<String, String>,
}

/// A time as it is told.
enum Shown {
    Day,
    Utc,
    Zone(String, TimeZone),
}

impl Shown {
    /// Does what it shows of an instant mean that one? In autumn clocks show an hour twice, and the first counts.
    fn tells(&self, at: Timestamp) -> bool {
        let Self::Zone(_, zone) = self else { return true };
        let zone = Zone::Known(zone.clone());
        zone.instant(zone.local(at)) == at
    }
}

impl Published {
    /// The zones, each described once.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.zones.values().map(String::as_str)
    }

    /// Takes an object; `modified_at` is when it was stored.
    pub fn object(
        &mut self,
        object: &Object,
        profile: &Profile,
        zones: &Zones<'_>,
        modified_at: Timestamp,
    ) -> Result<(), Exhausted> {
        if object.component != "VEVENT" {
            return Ok(());
        }
        let found = instances(object, zones, profile.window);
        if found.instances.is_empty() {
            return Ok(());
        }
        if let Some(master) = object.master().filter(|master| recurs(master))
            && let Some(start) = master.property("DTSTART").and_then(When::of)
            && let Some(shown) = self.shown(&start, profile.window, zones)
            && let Some(rule) = template(master, &start, zones)
        {
            let size = object.parts().map(told_bytes).sum();
            zones.bytes(size)?;
            if self.series(object, (master, &start, &shown, &rule), profile, zones, modified_at).is_some() {
                return Ok(());
            }
            zones.give_back(size);
        }
        self.cut += u64::from(found.cut);
        let mut left = MAX_OBJECT_BYTES;
        for instance in found.instances {
            let size = told_bytes(instance.component);
            let Some(rest) = left.checked_sub(size) else {
                self.cut += u64::from(!found.cut);
                return Ok(());
            };
            left = rest;
            zones.bytes(size)?;
            zones.work(EVENT_STEPS)?;
            let shown = self.shown(&instance.local, profile.window, zones).unwrap_or(Shown::Utc);
            let uid = match &instance.id {
                Some(id) => format!("{}-{}", object.uid, write_local(id.when.local)),
                None => object.uid.clone(),
            };
            let mut event = Event::new(&uid, instance.component, modified_at);
            event.times(&shown, (&instance.local, instance.start), instance.end, zones);
            event.describe(instance.component, profile);
            self.events.push_str(&event.finish());
        }
        Ok(())
    }

    /// A period in which someone is taken, without a word of by what.
    pub fn taken(&mut self, period: &Period, stamped_at: Timestamp) {
        let (start, end) = (write_utc(period.start), write_utc(period.end));
        let (status, busy) = match period.busy {
            Busy::Busy => ("CONFIRMED", "BUSY"),
            Busy::Tentative => ("TENTATIVE", "TENTATIVE"),
        };
        let stamp = write_utc(stamped_at);
        let event = format!(
            "BEGIN:VEVENT\r\nUID:busy-{start}-{end}\r\nDTSTAMP:{stamp}\r\nLAST-MODIFIED:{stamp}\r\nSEQUENCE:0\r\nDTSTART:{start}\r\n\
             DTEND:{end}\r\nSUMMARY:{TAKEN}\r\nSTATUS:{status}\r\nTRANSP:OPAQUE\r\nCLASS:PUBLIC\r\n\
             X-MICROSOFT-CDO-BUSYSTATUS:{busy}\r\nEND:VEVENT\r\n"
        );
        self.events.push_str(&event);
    }

    /// How a time is told; `None`: only in UTC, and so no series can be.
    fn shown(&mut self, when: &When, window: TimeRange, zones: &Zones<'_>) -> Option<Shown> {
        if when.is_day() {
            return Some(Shown::Day);
        }
        let Zone::Known(zone) = zones.of(&when.clock) else { return None };
        let name = zone.iana_name()?.to_owned();
        if matches!(name.as_str(), "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") {
            return Some(Shown::Utc);
        }
        if !self.zones.contains_key(&name) {
            self.zones.insert(name.clone(), vtimezone(&name, &zone, window)?);
        }
        Some(Shown::Zone(name, zone))
    }

    /// A series as one; `None`: an override is of a kind that Outlook has not.
    fn series(
        &mut self,
        object: &Object,
        (master, start, shown, rule): (&Component, &When, &Shown, &str),
        profile: &Profile,
        zones: &Zones<'_>,
        modified_at: Timestamp,
    ) -> Option<()> {
        let base = Base { start, zone: &zones.of(&start.clock) };
        let (at, end) = (zones.instant(start), end_of(master, start, zones));
        let skipped = base.zone.local(at) != start.local;
        // A DTEND takes as many seconds each time.
        let takes_days = Extent::of(master, start, zones).takes_days();
        if !shown.tells(end) || (matches!(shown, Shown::Zone(..)) && (skipped || takes_days)) {
            return None;
        }
        let mut out = Event::new(&object.uid, master, modified_at);
        out.times(shown, (start, at), end, zones);
        out.line(&format!("RRULE:{rule}"));
        for named in excluded(master, base, zones) {
            out.time("EXDATE", shown, named.local(base), named.instant(base));
        }
        out.describe(master, profile);
        let mut text = out.finish();
        for moved in overrides(object, zones).values() {
            if moved.future {
                return None;
            }
            let told = self.shown(&moved.start, profile.window, zones)?;
            let mut event = Event::new(&object.uid, moved.component, modified_at);
            event.time("RECURRENCE-ID", shown, moved.id.when.local, moved.id.at);
            let end = end_of(moved.component, &moved.start, zones);
            event.times(&told, (&moved.start, zones.instant(&moved.start)), end, zones);
            event.describe(moved.component, profile);
            text.push_str(&event.finish());
        }
        if zones.is_cut() {
            return None;
        }
        self.events.push_str(&text);
        Some(())
    }
}

/// An event as it is written.
struct Event {
    out: String,
}

impl Event {
    fn new(uid: &str, component: &Component, modified_at: Timestamp) -> Self {
        let mut event = Self { out: String::from("BEGIN:VEVENT\r\n") };
        event.line(&format!("UID:{uid}"));
        let utc = |name| component.property(name).and_then(When::of).filter(|when| when.clock == Clock::Utc);
        let told = |when: Option<When>| when.map(|when| format!("{}Z", write_local(when.local)));
        let stamp = told(utc("DTSTAMP")).unwrap_or_else(|| write_utc(modified_at));
        event.line(&format!("DTSTAMP:{stamp}"));
        event.line(&format!("LAST-MODIFIED:{}", told(utc("LAST-MODIFIED")).unwrap_or(stamp)));
        let sequence = component.value("SEQUENCE").and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
        event.line(&format!("SEQUENCE:{sequence}"));
        event
    }

    fn line(&mut self, line: &str) {
        fold_into(&mut self.out, line);
    }

    fn time(&mut self, name: &str, shown: &Shown, local: DateTime, at: Timestamp) {
        let line = match shown {
            Shown::Day => format!("{name};VALUE=DATE:{}", write_date(local)),
            Shown::Zone(zone, known) if shown.tells(at) => {
                format!("{name};TZID={zone}:{}", write_local(Zone::Known(known.clone()).local(at)))
            }
            Shown::Utc | Shown::Zone(..) => format!("{name}:{}", write_utc(at)),
        };
        self.line(&line);
    }

    /// DTSTART, and DTEND always.
    fn times(&mut self, shown: &Shown, (start, at): (&When, Timestamp), end: Timestamp, zones: &Zones<'_>) {
        let shown = if shown.tells(at) && shown.tells(end) { shown } else { &Shown::Utc };
        self.time("DTSTART", shown, start.local, at);
        let local = zones.of(&start.clock).local(end);
        // A day ends with the next one, at the earliest.
        let next = start.local.date().tomorrow().unwrap_or_else(|_| start.local.date()).at(0, 0, 0, 0);
        let local = if matches!(shown, Shown::Day) { local.max(next) } else { local };
        self.time("DTEND", shown, local, end);
        if matches!(shown, Shown::Day) {
            self.line("X-MICROSOFT-CDO-ALLDAYEVENT:TRUE");
        }
    }

    /// What it is about, as far as it is told.
    fn describe(&mut self, component: &Component, profile: &Profile) {
        let upper = |name: &str| component.value(name).map(|value| value.trim().to_ascii_uppercase());
        let one_of = |name: &str, known: &[&str], default: &str| {
            upper(name).filter(|value| known.contains(&value.as_str())).unwrap_or_else(|| default.to_owned())
        };
        let class = one_of("CLASS", &["PUBLIC", "PRIVATE", "CONFIDENTIAL"], "PUBLIC");
        let status = one_of("STATUS", &["CONFIRMED", "TENTATIVE", "CANCELLED"], "CONFIRMED");
        let given = one_of("X-MICROSOFT-CDO-BUSYSTATUS", &["FREE", "TENTATIVE", "BUSY", "OOF"], "");
        let free = upper("TRANSP").is_some_and(|value| value == "TRANSPARENT") || status == "CANCELLED";
        let busy = match given.as_str() {
            _ if free => "FREE",
            "" | "FREE" if status == "TENTATIVE" => "TENTATIVE",
            "" | "FREE" => "BUSY",
            given => given,
        };
        let hidden = class != "PUBLIC" && !profile.private;
        let full = profile.detail == Detail::Full && !hidden;
        match component.value("SUMMARY").filter(|_| !hidden) {
            Some(summary) => self.line(&format!("SUMMARY:{summary}")),
            None => self.line(&format!("SUMMARY:{}", if hidden { TAKEN } else { "" })),
        }
        if full {
            for name in ["LOCATION", "URL", "CATEGORIES", "PRIORITY"] {
                if let Some(value) = component.value(name) {
                    self.line(&format!("{name}:{value}"));
                }
            }
            let organizer = component.property("ORGANIZER").map(|line| {
                line.parameter("CN").unwrap_or_else(|| line.value().trim_start_matches("mailto:").to_owned())
            });
            let said = component.value("DESCRIPTION").map(str::to_owned);
            let by = organizer.map(|name| format!("Organisateur : {}", escaped(&name)));
            let text: Vec<String> = said.into_iter().chain(by).collect();
            if !text.is_empty() {
                self.line(&format!("DESCRIPTION:{}", text.join("\\n\\n")));
            }
        }
        self.line(&format!("STATUS:{status}"));
        self.line(if free { "TRANSP:TRANSPARENT" } else { "TRANSP:OPAQUE" });
        self.line(&format!("CLASS:{class}"));
        self.line(&format!("X-MICROSOFT-CDO-BUSYSTATUS:{busy}"));
        let alarm = component.components.iter().filter(|part| part.name == "VALARM" && full).find_map(|alarm| {
            let trigger = alarm.property("TRIGGER")?;
            let related = trigger.parameter("RELATED").is_some_and(|to| to.eq_ignore_ascii_case("END"));
            Length::read(trigger.value()).filter(|_| !related).map(|_| trigger.value().trim().to_owned())
        });
        if let Some(trigger) = alarm {
            self.line("BEGIN:VALARM");
            self.line("ACTION:DISPLAY");
            self.line("DESCRIPTION:Rappel");
            self.line(&format!("TRIGGER:{trigger}"));
            self.line("END:VALARM");
        }
    }

    fn finish(mut self) -> String {
        self.out.push_str("END:VEVENT\r\n");
        self.out
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::{Profile, Published};
    use crate::ical::object::{Object, parse};
    use crate::ical::recur::instances;
    use crate::ical::zone::Zones;
    use crate::model::calendar::{Detail, TimeRange};

    /// 2025-10-01 to 2027-06-01.
    const WINDOW: TimeRange = TimeRange { start: 1_759_276_800, end: 1_811_808_000 };

    fn published(text: &str, detail: Detail) -> String {
        let profile = Profile { window: WINDOW, detail, private: false };
        let object = Object::parse(text.as_bytes()).unwrap();
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let mut out = Published::default();
        out.object(&object, &profile, &Zones::new(&object.calendar, &paris), 0).unwrap();
        let zones: String = out.zones().collect();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{}END:VCALENDAR\r\n", out.events)
    }

    fn event(lines: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
        )
    }

    /// When the events of a calendar take place in the window, each object of it by itself.
    fn told(text: &str) -> Vec<(i64, i64)> {
        let calendar = parse(text.as_bytes()).unwrap();
        let mut uids: Vec<String> =
            calendar.components.iter().filter_map(|part| part.value("UID").map(str::to_owned)).collect();
        uids.dedup();
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let mut found = Vec::new();
        for uid in uids {
            let mut own = calendar.clone();
            own.components.retain(|part| part.name == "VTIMEZONE" || part.value("UID") == Some(uid.as_str()));
            let object = Object { calendar: own, component: "VEVENT".to_owned(), uid };
            let zones = Zones::new(&object.calendar, &paris);
            found.extend(instances(&object, &zones, WINDOW).instances.iter().map(|one| (one.start, one.end)));
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn nine_o_clock_stays_nine_o_clock_by_the_description_alone() {
        let meeting = event(
            "DTSTART;TZID=Romance Standard Time:20251006T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20260430T070000Z",
        );
        let out = published(&meeting, Detail::Full);
        assert!(
            out.contains("DTSTART;TZID=Europe/Paris:20251006T090000\r\nDTEND;TZID=Europe/Paris:20251006T100000\r\n")
        );
        assert!(out.contains("RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260430T070000Z\r\n"), "{out}");
        let alone = out.replace("Europe/Paris", "alone");
        assert_eq!(told(&alone), told(&meeting));
        assert_eq!(told(&alone).len(), 30);
    }

    #[test]
    fn detail() {
        let lines = "DTSTART;VALUE=DATE:20260105\nSUMMARY:Chantier\nLOCATION:Gare\nDESCRIPTION:Secret\nATTENDEE:mailto:a@b.example\n\
                     ORGANIZER;CN=Marie Durand:mailto:marie@b.example\nATTACH:http://x.example/\n\
                     BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT10M\nEND:VALARM\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM";
        let full = published(&event(lines), Detail::Full);
        for part in [
            "DTSTART;VALUE=DATE:20260105\r\nDTEND;VALUE=DATE:20260106\r\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE\r\n",
            "SUMMARY:Chantier\r\nLOCATION:Gare\r\nDESCRIPTION:Secret\\n\\nOrganisateur : Marie Durand\r\n",
            "STATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nCLASS:PUBLIC\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\n",
            "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Rappel\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\nEND:VEVENT",
            "SEQUENCE:0\r\n",
        ] {
            assert!(full.contains(part), "{part} {full}");
        }
        assert!(!full.contains("ATTENDEE") && !full.contains("ATTACH") && full.matches("VALARM").count() == 2);
        let title = published(&event(lines), Detail::Title);
        assert!(title.contains("Chantier") && !title.contains("Gare") && !title.contains("Marie"));
        let private = published(&event(&format!("{lines}\nCLASS:PRIVATE")), Detail::Full);
        assert!(
            private.contains("SUMMARY:Occup\u{e9}\r\n") && !private.contains("Chantier") && !private.contains("Gare")
        );
    }

    #[test]
    fn rules() {
        let table = [
            ("20260105T090000", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
            ("20260105T090000", "FREQ=DAILY;INTERVAL=2;COUNT=4", Some("FREQ=DAILY;INTERVAL=2;COUNT=4")),
            ("20260105T090000", "FREQ=MONTHLY", Some("FREQ=MONTHLY;BYMONTHDAY=5")),
            ("20260131T090000", "FREQ=MONTHLY", None),
            ("20260131T090000", "FREQ=MONTHLY;BYMONTHDAY=-1", Some("FREQ=MONTHLY;BYMONTHDAY=-1")),
            ("20260113T090000", "FREQ=MONTHLY;BYDAY=2TU", Some("FREQ=MONTHLY;BYDAY=2TU")),
            ("20260113T090000", "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", Some("FREQ=MONTHLY;BYDAY=2TU")),
            (
                "20260130T090000",
                "FREQ=MONTHLY;BYDAY=FR,MO,TU,WE,TH;BYSETPOS=-1",
                Some("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
            ),
            ("20260113T090000", "FREQ=MONTHLY;BYDAY=2TU,4TU", None),
            ("20260105T090000", "FREQ=YEARLY", Some("FREQ=YEARLY;BYMONTHDAY=5;BYMONTH=1")),
            ("20240229T090000", "FREQ=YEARLY", None),
            ("20260104T090000", "FREQ=YEARLY;BYDAY=1SU;BYMONTH=1", Some("FREQ=YEARLY;BYDAY=1SU;BYMONTH=1")),
            ("20260105T090000", "FREQ=WEEKLY;BYDAY=TU", None),
            ("20260105T090000", "FREQ=DAILY;BYHOUR=9,10", None),
            ("20260105T090000", "FREQ=HOURLY;COUNT=3", None),
        ];
        for (start, rule, expected) in table {
            let given = event(&format!("DTSTART;TZID=Europe/Paris:{start}\nDURATION:PT1H\nRRULE:{rule}"));
            let out = published(&given, Detail::Full);
            let shown = out
                .lines()
                .find_map(|line| line.strip_prefix("RRULE:FREQ").filter(|_| !line.contains("YEARLY;BYMONTH=")));
            assert_eq!(shown.map(|rest| format!("FREQ{rest}")).as_deref(), expected, "{rule}");
            assert_eq!(told(&out), told(&given), "{rule}\n{out}");
        }
    }

    fn rule() -> impl Strategy<Value = String> {
        let days = proptest::sample::subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 1..5);
        let by = prop_oneof![
            3 => Just(String::new()),
            2 => days.clone().prop_map(|days| format!(";BYDAY={}", days.join(","))),
            1 => (days, -2i8..5).prop_filter("a position", |(_, nth)| *nth != 0).prop_map(|(days, nth)| format!(";BYDAY={};BYSETPOS={nth}", days.join(","))),
            1 => (-5i8..6).prop_filter("an ordinal", |nth| *nth != 0).prop_map(|nth| format!(";BYDAY={nth}WE")),
            1 => (-2i8..32).prop_filter("a day", |day| *day != 0).prop_map(|day| format!(";BYMONTHDAY={day}")),
            1 => (1u8..13).prop_map(|month| format!(";BYMONTH={month}")),
        ];
        let end = prop_oneof![
            Just(String::new()),
            (1u8..40).prop_map(|count| format!(";COUNT={count}")),
            Just(";UNTIL=20261231T120000Z".to_owned())
        ];
        let frequency = proptest::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
        (frequency, 1u8..4, by, end).prop_map(|(frequency, interval, by, end)| {
            let nth = by.contains("=-") || by.bytes().any(|byte| byte.is_ascii_digit());
            let frequency = if nth && by.contains("BYDAY") && !matches!(frequency, "MONTHLY" | "YEARLY") {
                "MONTHLY"
            } else {
                frequency
            };
            format!("FREQ={frequency};INTERVAL={interval}{by}{end}")
        })
    }

    fn start() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "DTSTART;TZID=Europe/Paris:20251020T093000\nDTEND;TZID=Europe/Paris:20251020T110000",
            "DTSTART;TZID=America/New_York:20260131T200000\nDURATION:PT2H",
            "DTSTART;TZID=Africa/Casablanca:20260105T090000\nDURATION:PT30M",
            "DTSTART:20260105T230000Z\nDURATION:PT2H",
            "DTSTART:20260105T090000\nDURATION:PT2H",
            "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn nothing_forbidden_goes_out_and_no_instance_is_lost(start in start(), rule in rule(), more in 0u8..4) {
            let more = match more {
                0 => "\nRDATE:20260303T100000Z",
                1 => "\nEXDATE;TZID=Europe/Paris:20260112T093000\nATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA",
                _ => "",
            };
            let day = start.contains("VALUE=DATE");
            let rule = if day { rule.replace("T120000Z", "") } else { rule };
            let more = if day { "" } else { more };
            let given = event(&format!("{start}\nRRULE:{rule}{more}\nATTENDEE:mailto:a@b.example\nX-OTHER:1"));
            let out = published(&given, Detail::Full);
            for forbidden in ["RDATE", "EXRULE", "PERIOD", "ATTACH", "DURATION", "ATTENDEE", "X-OTHER"] {
                prop_assert!(!out.contains(forbidden), "{forbidden}: {out}");
            }
            let calendar = parse(out.as_bytes()).unwrap();
            for part in &calendar.components {
                prop_assert!(part.all("RRULE").count() < 2);
                for line in &part.properties {
                    if let Some(zone) = line.parameter("TZID") {
                        let text = format!("TZID:{zone}\r\n");
                        prop_assert_eq!(out.matches(&text).count(), 1);
                    }
                }
            }
            prop_assert_eq!(told(&out), told(&given), "{}", out);
        }
    }
}
