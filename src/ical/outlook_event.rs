//! An event as every Outlook takes it, line by line.

use jiff::civil::DateTime;

use super::busy_form::is_private_part;
use super::itip::message::SchedulingMethod;
use super::line::escaped;
use super::object::{Component, Property, fold_into};
use super::outlook_people::{Invited, lines};
use super::time::{Clock, Length, When, write_date, write_local, write_utc};
use super::zone::{Zone, Zones};
use crate::model::calendar::{FeedDetail, TimeRange};
use crate::model::id::Timestamp;

/// What stands for the title of an event that is nobody's business.
pub(super) const TAKEN: &str = "Occupé";

/// How events go out.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Events that take place in it; series with any instance in it.
    pub window: TimeRange,
    /// For whom.
    pub audience: Audience,
}

/// For whom events go out, which decides what is said of them.
#[derive(Clone, Debug)]
pub enum Audience {
    /// Whoever has the address of a feed.
    Feed {
        /// How much of each is shown.
        detail: FeedDetail,
        /// Are private events shown like all others?
        private: bool,
    },
    /// Who takes part.
    Invited(Invited),
}

impl Profile {
    /// Whether times go out in UTC, whatever their zone: what is cancelled is found by its instant alone.
    pub(super) fn only_utc(&self) -> bool {
        matches!(&self.audience, Audience::Invited(Invited { method: SchedulingMethod::Cancel, .. }))
    }
}

/// What the lines of a component say of how it is shown.
struct Standing {
    status: String,
    class: String,
    free: bool,
    busy: String,
}

impl Standing {
    fn of(component: &Component) -> Self {
        let upper = |name: &str| component.value(name).map(|value| value.trim().to_ascii_uppercase());
        let one_of = |name: &str, known: &[&str], default: &str| {
            upper(name).filter(|value| known.contains(&value.as_str())).unwrap_or_else(|| default.to_owned())
        };
        let unknown = if is_private_part(component) { "PRIVATE" } else { "PUBLIC" };
        let class = one_of("CLASS", &["PUBLIC", "PRIVATE", "CONFIDENTIAL"], unknown);
        let status = one_of("STATUS", &["CONFIRMED", "TENTATIVE", "CANCELLED"], "CONFIRMED");
        let given = one_of("X-MICROSOFT-CDO-BUSYSTATUS", &["FREE", "TENTATIVE", "BUSY", "OOF"], "");
        let free = upper("TRANSP").is_some_and(|value| value == "TRANSPARENT") || status == "CANCELLED";
        let busy = match given.as_str() {
            _ if free => "FREE",
            "" | "FREE" if status == "TENTATIVE" => "TENTATIVE",
            "" | "FREE" => "BUSY",
            given => given,
        };
        Self { busy: busy.to_owned(), status, class, free }
    }
}

/// How a time is written.
pub(super) enum TimeForm {
    Day,
    Utc,
    Zone(String, Zone),
}

/// The files that a component links to. What lies in it is not sent: Outlook takes no such event.
pub(super) fn links(component: &Component) -> impl Iterator<Item = &Property> {
    const MAX_LINKS: usize = 50;
    let is_link =
        |line: &&Property| ["https://", "http://"].iter().any(|scheme| line.value().trim().starts_with(scheme));
    component.all("ATTACH").filter(is_link).take(MAX_LINKS)
}

impl TimeForm {
    /// Does what it shows of an instant mean that one? In autumn clocks show an hour twice, and the first counts.
    pub fn can_write(&self, at: Timestamp) -> bool {
        let Self::Zone(_, zone) = self else { return true };
        zone.instant(zone.local(at)) == at
    }
}

/// An event as it is written.
pub(super) struct Event {
    out: String,
}

impl Event {
    pub fn new(uid: &str, component: &Component, modified_at: Timestamp) -> Self {
        let mut event = Self { out: String::from("BEGIN:VEVENT\r\n") };
        event.line(&format!("UID:{uid}"));
        let utc = |name| component.property(name).and_then(When::of).filter(|when| when.clock == Clock::Utc);
        let written = |when: Option<When>| when.map(|when| format!("{}Z", write_local(when.local)));
        let stamp = written(utc("DTSTAMP")).unwrap_or_else(|| write_utc(modified_at));
        event.line(&format!("DTSTAMP:{stamp}"));
        event.line(&format!("LAST-MODIFIED:{}", written(utc("LAST-MODIFIED")).unwrap_or(stamp)));
        let sequence = component.value("SEQUENCE").and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
        event.line(&format!("SEQUENCE:{sequence}"));
        event
    }

    pub fn line(&mut self, line: &str) {
        fold_into(&mut self.out, line);
    }

    pub fn time(&mut self, name: &str, shown: &TimeForm, local: DateTime, at: Timestamp) {
        let line = match shown {
            TimeForm::Day => format!("{name};VALUE=DATE:{}", write_date(local)),
            TimeForm::Zone(zone, known) if shown.can_write(at) => {
                let quote = if zone.contains([':', ';', ',']) { "\"" } else { "" };
                format!("{name};TZID={quote}{zone}{quote}:{}", write_local(known.local(at)))
            }
            TimeForm::Utc | TimeForm::Zone(..) => format!("{name}:{}", write_utc(at)),
        };
        self.line(&line);
    }

    /// DTSTART, and DTEND always.
    pub fn times(&mut self, shown: &TimeForm, start: &When, at: Timestamp, end: Timestamp, zones: &Zones<'_>) {
        let shown = if shown.can_write(at) && shown.can_write(end) { shown } else { &TimeForm::Utc };
        self.time("DTSTART", shown, start.local, at);
        let local = zones.of(&start.clock).local(end);
        // A day ends with the next one, at the earliest.
        let next = start.local.date().tomorrow().unwrap_or_else(|_| start.local.date()).at(0, 0, 0, 0);
        let local = if matches!(shown, TimeForm::Day) { local.max(next) } else { local };
        self.time("DTEND", shown, local, end);
        if matches!(shown, TimeForm::Day) {
            self.line("X-MICROSOFT-CDO-ALLDAYEVENT:TRUE");
        }
    }

    /// What it is about, as far as it is shown.
    pub fn describe(&mut self, component: &Component, audience: &Audience) {
        match audience {
            Audience::Feed { detail, private } => self.show(component, *detail, *private),
            Audience::Invited(invited) => self.invite(component, invited),
        }
    }

    fn show(&mut self, component: &Component, detail: FeedDetail, private: bool) {
        let standing = Standing::of(component);
        let hidden = standing.class != "PUBLIC" && !private;
        let full = detail == FeedDetail::Full && !hidden;
        match component.value("SUMMARY").filter(|_| !hidden) {
            Some(summary) => self.line(&format!("SUMMARY:{summary}")),
            None => self.line(&format!("SUMMARY:{}", if hidden { TAKEN } else { "" })),
        }
        if full {
            self.copy(component, &["LOCATION", "URL", "CATEGORIES", "PRIORITY"]);
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
        self.standing(&standing);
        self.line(&format!("X-MICROSOFT-CDO-BUSYSTATUS:{}", standing.busy));
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

    /// For those who take part: everything but what is the organizer's own, and who takes part.
    fn invite(&mut self, component: &Component, invited: &Invited) {
        let mut standing = Standing::of(component);
        if invited.method == SchedulingMethod::Cancel {
            standing =
                Standing { status: "CANCELLED".to_owned(), free: true, busy: "FREE".to_owned(), class: standing.class };
        }
        self.line(&format!("SUMMARY:{}", component.value("SUMMARY").unwrap_or_default()));
        self.copy(component, &["LOCATION", "URL", "PRIORITY", "DESCRIPTION", "COMMENT", "REQUEST-STATUS"]);
        links(component).for_each(|link| self.line(&format!("ATTACH:{}", link.value().trim())));
        lines(component, invited).iter().for_each(|line| self.line(line));
        self.standing(&standing);
        match invited.method {
            SchedulingMethod::Request => {
                let intended = if standing.busy == "TENTATIVE" { "BUSY" } else { &standing.busy };
                self.line("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE");
                self.line(&format!("X-MICROSOFT-CDO-INTENDEDSTATUS:{intended}"));
                self.line("X-MICROSOFT-CDO-IMPORTANCE:1");
                self.line("X-MICROSOFT-DISALLOW-COUNTER:FALSE");
            }
            _ => self.line(&format!("X-MICROSOFT-CDO-BUSYSTATUS:{}", standing.busy)),
        }
    }

    /// The first line of each name, with its value alone.
    fn copy(&mut self, component: &Component, names: &[&str]) {
        for (name, value) in names.iter().filter_map(|name| Some((name, component.value(name)?))) {
            self.line(&format!("{name}:{value}"));
        }
    }

    fn standing(&mut self, standing: &Standing) {
        self.line(&format!("STATUS:{}", standing.status));
        self.line(if standing.free { "TRANSP:TRANSPARENT" } else { "TRANSP:OPAQUE" });
        self.line(&format!("CLASS:{}", standing.class));
    }

    pub fn finish(mut self) -> String {
        self.out.push_str("END:VEVENT\r\n");
        self.out
    }
}
