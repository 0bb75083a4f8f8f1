//! The form of events that every Outlook understands: what goes out to feeds and mail. What is stored stays as it was
//! sent.
//!
//! A series goes out as a series where its rule is one that Outlook has a dialogue for, and its zone, be it known or
//! described by its object, one that two yearly rules describe; else as the single events that it consists of.

use std::collections::{BTreeMap, HashMap};

use super::exceptions::{Base, excluded};
use super::extent::Extent;
use super::freebusy::{Busy, Period};
use super::object::{Component, Object};
pub use super::outlook_event::{Audience, Profile};
use super::outlook_event::{Event, TAKEN, TimeForm};
use super::recur::{Instance, end_of, instances, overrides, recurs};
use super::template::template;
use super::time::{Clock, When, write_local, write_utc};
use super::vtimezone::vtimezone;
use super::zone::{Zone, Zones};
use crate::model::budget::Exhausted;
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// The most that is written of one event that goes out as single ones, bytes.
const MAX_OBJECT_BYTES: usize = 4 * 1024 * 1024;
/// What it costs to write an event.
const EVENT_STEPS: u64 = 20;
/// What it costs to find the rules of a zone.
const ZONE_STEPS: u64 = 200;
/// The longest name of a zone that goes out.
const MAX_NAME_BYTES: usize = 200;

/// About as much as is written of a component, bytes.
fn output_bytes(component: &Component) -> usize {
    const SHOWN: [&str; 7] = ["SUMMARY", "LOCATION", "URL", "CATEGORIES", "DESCRIPTION", "EXDATE", "ORGANIZER"];
    let lines = component.properties.iter().filter(|line| SHOWN.contains(&line.name.as_str()));
    512 + lines.map(|line| line.raw().len() * 25 / 24).sum::<usize>()
}

/// Can a name of a zone stand in a parameter as it is?
fn is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES && !name.contains(|c: char| c.is_control() || matches!(c, '"' | '^' | '\\'))
}

/// Events on their way out, with the zones that they speak of.
#[derive(Default)]
pub struct Published {
    /// The components.
    pub events: String,
    /// How many events were too large to be written each time they take place.
    pub cut: u64,
    zones: BTreeMap<String, String>,
    /// What two yearly rules say of zones, by the name, the zone and the year from which on it is asked.
    described: HashMap<(String, String, i16), Option<String>>,
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
        if self.as_series(object, profile, zones, modified_at)? {
            return Ok(());
        }
        self.cut += u64::from(found.cut);
        let mut left = MAX_OBJECT_BYTES;
        for instance in found.instances {
            let Some(rest) = left.checked_sub(output_bytes(instance.component)) else {
                self.cut += u64::from(!found.cut);
                return Ok(());
            };
            left = rest;
            self.single(object, &instance, profile, zones, modified_at)?;
        }
        Ok(())
    }

    /// Takes an object that is a series as one; `false`: it is none, or Outlook has none like it.
    pub(super) fn as_series(
        &mut self,
        object: &Object,
        profile: &Profile,
        zones: &Zones<'_>,
        modified_at: Timestamp,
    ) -> Result<bool, Exhausted> {
        if let Some(master) = object.master().filter(|master| recurs(master))
            && let Some(start) = master.property("DTSTART").and_then(When::of)
            && let Some(shown) = self.shown(&start, profile, zones)
            && let Some(rule) = template(master, &start, zones)
        {
            let size = object.parts().map(output_bytes).sum();
            zones.steps.bytes(size)?;
            if self.series(object, (master, &start, &shown, &rule), profile, zones, modified_at).is_some() {
                return Ok(true);
            }
            zones.steps.give_back(size);
        }
        Ok(false)
    }

    /// Takes one instance as an event: in a feed one of its own, for those who take part one of its series.
    pub(super) fn single(
        &mut self,
        object: &Object,
        instance: &Instance<'_>,
        profile: &Profile,
        zones: &Zones<'_>,
        modified_at: Timestamp,
    ) -> Result<(), Exhausted> {
        zones.steps.bytes(output_bytes(instance.component))?;
        zones.steps.work(EVENT_STEPS)?;
        let (uid, id) = match (&instance.id, &profile.audience) {
            (Some(id), Audience::Feed { .. }) => (format!("{}-{}", object.uid, write_local(id.when.local)), None),
            (id, _) => (object.uid.clone(), id.as_ref()),
        };
        let mut event = Event::new(&uid, instance.component, modified_at);
        if let Some(id) = id {
            let shown = self.shown(&id.when, profile, zones).unwrap_or(TimeForm::Utc);
            event.time("RECURRENCE-ID", &shown, id.when.local, id.at);
        }
        let shown = self.shown(&instance.local, profile, zones).unwrap_or(TimeForm::Utc);
        event.times(&shown, &instance.local, instance.start, instance.end, zones);
        event.describe(instance.component, &profile.audience);
        self.events.push_str(&event.finish());
        Ok(())
    }

    /// A period in which someone is taken, without a word of by what.
    pub fn taken(&mut self, period: &Period, stamped_at: Timestamp) {
        let (start, end) = (write_utc(period.start), write_utc(period.end));
        let (status, busy) = match period.busy {
            Busy::Busy => ("CONFIRMED", "BUSY"),
            Busy::Tentative => ("TENTATIVE", "TENTATIVE"),
            Busy::Unavailable => ("CONFIRMED", "OOF"),
        };
        let stamp = write_utc(stamped_at);
        let event = format!(
            "BEGIN:VEVENT\r\nUID:busy-{start}-{end}\r\nDTSTAMP:{stamp}\r\nLAST-MODIFIED:{stamp}\r\nSEQUENCE:0\r\n\
             DTSTART:{start}\r\n\
             DTEND:{end}\r\nSUMMARY:{TAKEN}\r\nSTATUS:{status}\r\nTRANSP:OPAQUE\r\nCLASS:PUBLIC\r\n\
             X-MICROSOFT-CDO-BUSYSTATUS:{busy}\r\nEND:VEVENT\r\n"
        );
        self.events.push_str(&event);
    }

    /// How a time is written; `None`: only in UTC, and so no series can be.
    fn shown(&mut self, when: &When, profile: &Profile, zones: &Zones<'_>) -> Option<TimeForm> {
        if when.is_day() {
            return Some(TimeForm::Day);
        }
        if profile.only_utc() {
            return Some(TimeForm::Utc);
        }
        let window = profile.window;
        let zone = zones.of(&when.clock);
        let name = match (&zone, &when.clock) {
            // A name that only its object knows: others may use it for another zone.
            (Zone::Described(_), Clock::Zone(name)) if is_plain(name) => name.clone(),
            _ => zone.iana_name()?.to_owned(),
        };
        if matches!(name.as_str(), "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") {
            return Some(TimeForm::Utc);
        }
        // What is described may have had other rules before: it has to be right from the first time on.
        let start = match zone {
            Zone::Known(_) => window.start,
            Zone::Described(_) => window.start.min(zone.instant(when.local)),
        };
        let key = (name, zone.key().into_owned(), zone.local(start).year());
        let text = match self.described.get(&key) {
            Some(text) => text.clone(),
            None => {
                zones.steps.work(ZONE_STEPS).ok()?;
                let text = vtimezone(&key.0, &zone, TimeRange { start, end: window.end });
                self.described.insert(key.clone(), text.clone());
                text
            }
        }?;
        let shown_zone = self.zones.entry(key.0.clone()).or_insert_with(|| text.clone());
        (*shown_zone == text).then_some(TimeForm::Zone(key.0, zone))
    }

    /// A series as one; `None`: an override is of a kind that Outlook has not.
    fn series(
        &mut self,
        object: &Object,
        (master, start, shown, rule): (&Component, &When, &TimeForm, &str),
        profile: &Profile,
        zones: &Zones<'_>,
        modified_at: Timestamp,
    ) -> Option<()> {
        let base = Base { start, zone: &zones.of(&start.clock) };
        let (at, end) = (zones.instant(start), end_of(master, start, zones));
        let skipped = base.zone.local(at) != start.local;
        // A DTEND takes as many seconds each time.
        let takes_days = Extent::of(master, start, zones).takes_days();
        if !shown.can_write(end) || (matches!(shown, TimeForm::Zone(..)) && (skipped || takes_days)) {
            return None;
        }
        let mut out = Event::new(&object.uid, master, modified_at);
        out.times(shown, start, at, end, zones);
        out.line(&format!("RRULE:{rule}"));
        for named in excluded(master, base, zones) {
            out.time("EXDATE", shown, named.local(base), named.instant(base));
        }
        out.describe(master, &profile.audience);
        let mut text = out.finish();
        for moved in overrides(object, zones).values() {
            if moved.future {
                return None;
            }
            let written = self.shown(&moved.start, profile, zones)?;
            let mut event = Event::new(&object.uid, moved.component, modified_at);
            event.time("RECURRENCE-ID", shown, moved.id.when.local, moved.id.at);
            let end = end_of(moved.component, &moved.start, zones);
            event.times(&written, &moved.start, zones.instant(&moved.start), end, zones);
            event.describe(moved.component, &profile.audience);
            text.push_str(&event.finish());
        }
        if zones.steps.is_cut() {
            return None;
        }
        self.events.push_str(&text);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::{Audience, Profile, Published};
    use crate::ical::object::{Object, parse};
    use crate::ical::recur::instances;
    use crate::ical::zone::Zones;
    use crate::model::calendar::{FeedDetail, TimeRange};

    /// 2025-10-01 to 2027-06-01.
    const WINDOW: TimeRange = TimeRange { start: 1_759_276_800, end: 1_811_808_000 };

    fn published(text: &str, detail: FeedDetail) -> String {
        let profile = Profile { window: WINDOW, audience: Audience::Feed { detail, private: false } };
        let object = Object::parse(text.as_bytes()).unwrap();
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let mut out = Published::default();
        out.object(&object, &profile, &Zones::new(&object.calendar, &paris), 0).unwrap();
        let zones: String = out.zones().collect();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{}END:VCALENDAR\r\n", out.events)
    }

    fn event(lines: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT\n\
             END:VCALENDAR\n"
        )
    }

    /// When the events of a calendar take place in the window, each object of it by itself.
    fn periods(text: &str) -> Vec<(i64, i64)> {
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
            "DTSTART;TZID=Romance Standard \
             Time:20251006T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20260430T070000Z",
        );
        let out = published(&meeting, FeedDetail::Full);
        assert!(
            out.contains("DTSTART;TZID=Europe/Paris:20251006T090000\r\nDTEND;TZID=Europe/Paris:20251006T100000\r\n")
        );
        assert!(out.contains("RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260430T070000Z\r\n"), "{out}");
        let alone = out.replace("Europe/Paris", "alone");
        assert_eq!(periods(&alone), periods(&meeting));
        assert_eq!(periods(&alone).len(), 30);
    }

    /// Zones that only their object describes go out like those that the world knows, where they have two yearly rules,
    /// or none, from the series on for ever; each name is written once, and of two zones with one name the second goes
    /// out in single events.
    #[test]
    fn described_zones_go_out_as_two_yearly_rules() {
        const STANDARD: &str = "TZOFFSETFROM:+0300\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU";
        const DAYLIGHT: &str = "TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU";
        let zone = |name: &str, parts: &[(&str, &str, &str)]| {
            let parts: String = parts
                .iter()
                .map(|(part, start, lines)| format!("BEGIN:{part}\nDTSTART:{start}\n{lines}\nEND:{part}\n"))
                .collect();
            format!("VERSION:2.0\nBEGIN:VTIMEZONE\nTZID:{name}\n{parts}END:VTIMEZONE")
        };
        let (standard, daylight) =
            (("STANDARD", "16011028T030000", STANDARD), ("DAYLIGHT", "16010325T020000", DAYLIGHT));
        let fixed = ("STANDARD", "20250101T000000", "TZOFFSETFROM:+0530\nTZOFFSETTO:+0530");
        let ends = |start, lines: &'static str| ("DAYLIGHT", start, lines);
        let series = "DURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=400\nEXDATE;TZID=";
        let table = [
            ("Ours", vec![standard, daylight], "20251020", true),
            ("Ours", vec![daylight, standard], "20200106", true),
            ("(UTC+02:00) Ailleurs\\, l\u{e0}-bas", vec![standard, daylight], "20251020", true),
            ("Ours", vec![fixed], "20251020", true),
            ("Ours", vec![fixed], "20230102", true),
            // Once there were other rules, or there will be, or they are none that are written so.
            ("Ours", vec![standard, ("DAYLIGHT", "20240331T020000", DAYLIGHT)], "20230102", false),
            (
                "Ours",
                vec![
                    standard,
                    ends(
                        "16010325T020000",
                        "TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\n\
                         RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20400325T000000Z",
                    ),
                ],
                "20251020",
                false,
            ),
            (
                "Ours",
                vec![
                    standard,
                    ends(
                        "16010325T020000",
                        "TZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=25",
                    ),
                ],
                "20251020",
                false,
            ),
            (
                "Ours",
                vec![standard, daylight, ("STANDARD", "20600601T000000", "TZOFFSETFROM:+0300\nTZOFFSETTO:+0200")],
                "20251020",
                false,
            ),
            (
                "Ours",
                vec![
                    standard,
                    ends(
                        "16010325T020000",
                        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
                    ),
                ],
                "20251020",
                false,
            ),
            (
                "Ours",
                vec![("STANDARD", "19700101T000000", "TZOFFSETFROM:+001730\nTZOFFSETTO:+001730")],
                "20251020",
                false,
            ),
            ("Ours\\\\Back", vec![standard, daylight], "20251020", false),
        ];
        for (name, parts, start, whole) in table {
            let quoted = format!("\"{}\"", name.replace("\\,", ","));
            let start = format!("{start}T090000");
            let lines = format!("DTSTART;TZID={quoted}:{start}\n{series}{quoted}:{start}");
            let given = event(&lines).replacen("VERSION:2.0", &zone(name, &parts), 1);
            let out = published(&given, FeedDetail::Full);
            assert_eq!(out.contains("RRULE:FREQ=WEEKLY"), whole, "{given}\n{out}");
            assert_eq!(periods(&out), periods(&given), "{given}\n{out}");
            // Where rules change in between, what comes later is given by the later ones.
            assert_eq!(out.contains("BEGIN:VTIMEZONE"), out.contains(";TZID="), "{out}");
        }
        let audience = Audience::Feed { detail: FeedDetail::Full, private: false };
        let profile = Profile { window: WINDOW, audience };
        let mut out = Published::default();
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let lines = "DTSTART;TZID=Ours:20251020T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=40";
        for parts in [vec![standard, daylight], vec![fixed], vec![daylight, standard]] {
            let text = event(lines).replacen("VERSION:2.0", &zone("Ours", &parts), 1);
            let object = Object::parse(text.as_bytes()).unwrap();
            out.object(&object, &profile, &Zones::new(&object.calendar, &paris), 0).unwrap();
        }
        assert_eq!(out.events.matches("RRULE").count(), 2, "{}", out.events);
        assert_eq!((out.events.matches("BEGIN:VEVENT").count(), out.zones().count()), (42, 1), "{}", out.events);
    }

    #[test]
    fn detail() {
        let lines = "DTSTART;VALUE=DATE:20260105\nSUMMARY:Chantier\nLOCATION:Gare\nDESCRIPTION:Secret\n\
                     ATTENDEE:mailto:a@b.example\n\
                     ORGANIZER;CN=Marie Durand:mailto:marie@b.example\nATTACH:http://x.example/\n\
                     BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT10M\nEND:VALARM\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM";
        let full = published(&event(lines), FeedDetail::Full);
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
        let title = published(&event(lines), FeedDetail::Title);
        assert!(title.contains("Chantier") && !title.contains("Gare") && !title.contains("Marie"));
        let private = published(&event(&format!("{lines}\nCLASS:PRIVATE")), FeedDetail::Full);
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
            let out = published(&given, FeedDetail::Full);
            let shown = out
                .lines()
                .find_map(|line| line.strip_prefix("RRULE:FREQ").filter(|_| !line.contains("YEARLY;BYMONTH=")));
            assert_eq!(shown.map(|rest| format!("FREQ{rest}")).as_deref(), expected, "{rule}");
            assert_eq!(periods(&out), periods(&given), "{rule}\n{out}");
        }
    }

    fn rule() -> impl Strategy<Value = String> {
        let days = proptest::sample::subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 1..5);
        let by = prop_oneof![
            3 => Just(String::new()),
            2 => days.clone().prop_map(|days| format!(";BYDAY={}", days.join(","))),
            1 => (days, -2i8..5).prop_filter("a position", |(_, nth)| *nth != 0)
                .prop_map(|(days, nth)| format!(";BYDAY={};BYSETPOS={nth}", days.join(","))),
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
            let out = published(&given, FeedDetail::Full);
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
            prop_assert_eq!(periods(&out), periods(&given), "{}", out);
        }
    }
}
