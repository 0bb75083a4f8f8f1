//! French holidays: the public ones computed, those of the schools read from the ministry's table.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::object::{ComponentKind, ValueForm, object};
use super::write::put_object;
use crate::model::budget::Budget;
use crate::model::calendar::ComponentSet;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result as TreeResult};
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Actor;
use crate::tree::Tree;
use crate::tree::edit::content::Content;
use crate::tree::gate::Request;

/// A calendar object, with the name it is stored under.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Holiday {
    /// Its UID, also the name of its resource without `.ics`.
    pub uid: String,
    /// Its text.
    pub text: String,
}

/// A day of each year: month, day, name.
pub type Yearly = (i8, i8, &'static str);

/// Where other days than the eleven of the whole country are public holidays.
pub static REGIONS: [(&str, &[Yearly]); 7] = [
    ("metropole", &[]),
    ("alsace-moselle", &[(12, 26, "Saint-Étienne")]),
    ("guadeloupe", &[(5, 27, "Abolition de l’esclavage")]),
    ("martinique", &[(5, 22, "Abolition de l’esclavage")]),
    ("guyane", &[(6, 10, "Abolition de l’esclavage")]),
    ("reunion", &[(12, 20, "Abolition de l’esclavage")]),
    ("mayotte", &[(4, 27, "Abolition de l’esclavage")]),
];

/// Those that fall on the same date each year.
static FIXED: [Yearly; 8] = [
    (1, 1, "Jour de l’an"),
    (5, 1, "Fête du Travail"),
    (5, 8, "Victoire 1945"),
    (7, 14, "Fête nationale"),
    (8, 15, "Assomption"),
    (11, 1, "Toussaint"),
    (11, 11, "Armistice 1918"),
    (12, 25, "Noël"),
];

/// Those that follow Easter, in days after it.
static MOVABLE: [(i32, &str); 3] = [(1, "Lundi de Pâques"), (39, "Ascension"), (50, "Lundi de Pentecôte")];

/// Easter of a year of the Gregorian calendar (the anonymous algorithm).
fn easter(year: i16) -> Option<Date> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The public holidays of a region from a year on: the fixed ones as series, the movable ones until 2100.
#[must_use]
pub fn public(region: &str, from: i16) -> Vec<Holiday> {
    let own = REGIONS.iter().find(|(name, _)| *name == region).map_or(&[][..], |(_, days)| *days);
    let fixed = FIXED.iter().chain(own).filter_map(|(month, day, name)| {
        let date = Date::new(from, *month, *day).ok()?;
        Some(holiday(&format!("ferie-{month:02}-{day:02}"), name, date, None, Some("FREQ=YEARLY")))
    });
    let friday: &[(i32, &str)] = if region == "alsace-moselle" { &[(-2, "Vendredi saint")] } else { &[] };
    let years = (from..=2100).filter_map(easter);
    let movable = years.flat_map(|easter| {
        MOVABLE.iter().chain(friday).filter_map(move |(days, name)| {
            let date = easter.checked_add(days.days()).ok()?;
            Some(holiday(&format!("ferie-{date}"), name, date, None, None))
        })
    });
    fixed.chain(movable).collect()
}

/// An object of whole days, in which nobody is busy.
fn holiday(uid: &str, name: &str, start: Date, end: Option<Date>, rule: Option<&str>) -> Holiday {
    let day = |date: Date| date.strftime("%Y%m%d").to_string();
    let end = end.or_else(|| start.tomorrow().ok()).unwrap_or(start);
    let (start, end) = (day(start), day(end));
    let mut lines = vec![
        ("DTSTART", ValueForm::Day, &*start),
        ("DTEND", ValueForm::Day, &*end),
        ("SUMMARY", ValueForm::Itself, name),
        ("TRANSP", ValueForm::Itself, "TRANSPARENT"),
    ];
    lines.extend(rule.map(|rule| ("RRULE", ValueForm::Itself, rule)));
    Holiday { uid: uid.to_owned(), text: object(ComponentKind::Event, uid, &lines) }
}

/// The clock of the ministry, and of the zones of schools that are not overseas.
const PARIS: &str = "Europe/Paris";

/// The zones of schools overseas, by what their names begin with, folded, and their clocks.
static OVERSEAS: [(&str, &str); 9] = [
    ("guadeloupe", "America/Guadeloupe"),
    ("guyane", "America/Cayenne"),
    ("martinique", "America/Martinique"),
    ("mayotte", "Indian/Mayotte"),
    ("nouvelle caledonie", "Pacific/Noumea"),
    ("polynesie", "Pacific/Tahiti"),
    ("reunion", "Indian/Reunion"),
    ("saint pierre", "America/Miquelon"),
    ("wallis", "Pacific/Wallis"),
];

/// The name of a zone of schools as it is compared, and its clock: `Zone A` and `a` are one, `La Réunion` and `reunion`
/// too.
fn school_zone(name: &str) -> (String, &'static str) {
    let plain = name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect::<String>();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !matches!(*word, "" | "la" | "zone"));
    let folded = words.collect::<Vec<_>>().join(" ");
    match OVERSEAS.iter().find(|(begin, _)| folded.starts_with(begin)) {
        Some((begin, clock)) => ((*begin).to_owned(), clock),
        None => (folded, PARIS),
    }
}

/// What of a line of the table is not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// The first line does not name the columns that are needed.
    Columns,
    /// A date of this line, from 1.
    Line(usize),
}

/// The school holidays of a zone (`A`, `B`, `C`, `Corse`, `Réunion`, ...) from the ministry's table: one line an
/// academy, fields between semicolons, the first line naming them. What is for teachers alone is left out.
pub fn school(table: &str, zone: &str) -> Result<Vec<Holiday>, Unreadable> {
    let table = table.trim_start_matches('\u{feff}');
    let mut lines = table.lines().enumerate();
    let head = fields(lines.next().map(|(_, line)| line).unwrap_or_default());
    let column = |names: &[&str]| {
        let folded: Vec<String> = head.iter().map(|name| name.to_lowercase()).collect();
        folded.iter().position(|name| names.contains(&name.as_str())).ok_or(Unreadable::Columns)
    };
    let description = column(&["description"])?;
    let (start, end) = (column(&["date de début", "start_date"])?, column(&["date de fin", "end_date"])?);
    let zones = column(&["zones"])?;
    let population = column(&["population"]).ok();
    let (wanted, clock) = school_zone(zone);
    let clocks: Vec<TimeZone> = [clock, PARIS].iter().filter_map(|name| TimeZone::get(name).ok()).collect();
    let spelled = zone.trim().to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
    let mut found = BTreeMap::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields = fields(line);
        let field = |column: usize| fields.get(column).map_or("", String::as_str);
        let teachers = population.is_some_and(|column| field(column).to_lowercase().contains("enseignant"));
        if teachers || school_zone(field(zones)).0 != wanted {
            continue;
        }
        let (start, end) = match (date(field(start), &clocks), date(field(end), &clocks)) {
            (Some(start), Some(end)) => (start, end),
            // Some lines only name a beginning: of the summer.
            (Some(start), None) if field(end).is_empty() => (start, start.tomorrow().unwrap_or(start)),
            _ => return Err(Unreadable::Line(at + 1)),
        };
        let end = end.max(start.tomorrow().unwrap_or(start));
        let uid = format!("vacances-{spelled}-{start}");
        found.insert(uid.clone(), holiday(&uid, field(description), start, Some(end), None));
    }
    Ok(found.into_values().collect())
}

/// Fields between semicolons, perhaps in quotes.
fn fields(line: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = line.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    });
    parts.map(|part| part.trim().trim_matches('"').replace("\"\"", "\"")).collect()
}

/// A day: a date, or the instant at which it begins, by the clock of the place or else by that of the ministry.
fn date(text: &str, clocks: &[TimeZone]) -> Option<Date> {
    let Ok(instant) = text.parse::<jiff::Timestamp>() else { return text.parse().ok() };
    let mut shown = clocks.iter().map(|clock| clock.to_datetime(instant));
    let first = shown.clone().next()?;
    Some(shown.find(|shown| shown.time() == Time::midnight()).unwrap_or(first).date())
}

/// Puts holidays into a calendar, which is made if there is none; how many were not there yet.
pub async fn offer(tree: &Tree, path: &Path, owner: &Actor, days: &[Holiday]) -> TreeResult<usize> {
    make_calendar(tree, path, owner).await?;
    fill(tree, path, owner, days).await
}

/// Makes a calendar of events unless it is there.
async fn make_calendar(tree: &Tree, path: &Path, owner: &Actor) -> TreeResult<()> {
    let mut admitted = match tree.write(&Request::of(Method::Mkcalendar, path.clone(), owner.clone())).await {
        Ok(admitted) => admitted,
        Err(Error::Refused(refusal)) if refusal.condition == Condition::ResourceMustBeNull => return Ok(()),
        Err(error) => return Err(error),
    };
    let calendar = admitted.bind(Content::Folder).await?;
    admitted.set_supported_components(&calendar, ComponentSet::of(["VEVENT"]).unwrap_or(ComponentSet::ALL)).await?;
    admitted.commit().await
}

/// Stores those that are not there yet; how many they were.
async fn fill(tree: &Tree, path: &Path, owner: &Actor, days: &[Holiday]) -> TreeResult<usize> {
    let mut made = 0;
    for day in days {
        let (blob, indexed) = tree.prepare(owner.id, &Budget::default(), day.text.clone().into()).await?;
        match put_object(tree, &path.join(&format!("{}.ics", day.uid)), blob, indexed, owner).await {
            Ok(new) => made += usize::from(new),
            Err(Error::Refused(refusal)) if refusal.condition == Condition::NoUidConflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::{Holiday, Unreadable, easter, public, school};
    use crate::ical::object::Object;

    fn lasts(day: &Holiday, start: &str, end: &str) -> bool {
        let says = |name: &str, date: &str| day.text.contains(&format!("\r\n{name};VALUE=DATE:{date}\r\n"));
        says("DTSTART", start) && says("DTEND", end)
    }

    #[test]
    fn easter_of_known_years() {
        for (year, expected) in [
            (1961, "1961-04-02"),
            (2000, "2000-04-23"),
            (2024, "2024-03-31"),
            (2026, "2026-04-05"),
            (2038, "2038-04-25"),
            (2100, "2100-03-28"),
        ] {
            assert_eq!(easter(year).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn public_holidays() {
        let days = public("metropole", 2026);
        assert_eq!(days.len(), 8 + 3 * 75);
        assert!(days.iter().all(|day| Object::parse(day.text.as_bytes()).is_ok_and(|object| object.uid == day.uid)));
        let named = |uid: &str| days.iter().find(|day| day.uid == uid).map(|day| day.text.clone());
        assert!(named("ferie-2026-05-14").unwrap().contains("SUMMARY:Ascension\r\n"));
        assert!(named("ferie-2026-05-25").unwrap().contains("Lundi de Pentec"));
        assert!(named("ferie-07-14").unwrap().contains("RRULE:FREQ=YEARLY\r\n"));
        assert_eq!(public("alsace-moselle", 2026).len(), 9 + 4 * 75);
        assert!(public("alsace-moselle", 2026).iter().any(|day| day.uid == "ferie-2026-04-03"));
        assert_eq!(public("reunion", 2026).len(), 9 + 3 * 75);
    }

    #[test]
    fn school_holidays() {
        let table = "\u{feff}Description;Population;Date de début;Date de fin;Académies;Zones;annee_scolaire\n\
                     Vacances de la Toussaint;-;2025-10-17T22:00:00+00:00;2025-11-02T23:00:00+00:00;Paris;Zone \
                     C;2025-2026\n\
                     Vacances de la Toussaint;-;2025-10-17T22:00:00+00:00;2025-11-02T23:00:00+00:00;Créteil;Zone \
                     C;2025-2026\n\
                     Prérentrée;Enseignants;2025-08-28T22:00:00+00:00;2025-08-28T22:00:00+00:00;Paris;Zone \
                     C;2025-2026\n\
                     \"Vacances; d'hiver\";Élèves;2026-02-21;2026-03-09;Paris;Zone C;2025-2026\n\
                     Vacances d'hiver;-;2026-02-07;2026-02-23;Lyon;Zone A;2025-2026\n\
                     Début des Vacances d'Été;-;2026-07-04;;Paris;Zone C;2025-2026\n";
        let days = school(table, "c").unwrap();
        let uids: Vec<&str> = days.iter().map(|day| day.uid.as_str()).collect();
        assert_eq!(uids, ["vacances-c-2025-10-18", "vacances-c-2026-02-21", "vacances-c-2026-07-04"]);
        assert!(lasts(&days[0], "20251018", "20251103"));
        assert!(days[1].text.contains("SUMMARY:Vacances\\; d'hiver"));
        assert_eq!(school(table, "Zone C").unwrap().len(), 3);
        assert_eq!(school("a;b\n", "A"), Err(Unreadable::Columns));
        let bad = "description;start_date;end_date;zones\nx;soon;later;Zone A\n";
        assert_eq!(school(bad, "A"), Err(Unreadable::Line(2)));
    }

    #[test]
    fn a_day_overseas_begins_by_its_own_clock() {
        for (zone, asked, begins, ends) in [
            ("R\u{e9}union", "la r\u{e9}union", "2026-07-03T20:00:00+00:00", "2026-08-16T20:00:00+00:00"),
            ("Mayotte", "mayotte", "2026-07-03T21:00:00+00:00", "2026-08-16T21:00:00+00:00"),
            ("Guadeloupe", "Guadeloupe", "2026-07-04T04:00:00+00:00", "2026-08-17T04:00:00Z"),
            ("Martinique", "MARTINIQUE", "2026-07-04T04:00:00+00:00", "2026-08-17T04:00:00Z"),
            ("Guyane", "guyane", "2026-07-04T03:00:00+00:00", "2026-08-17T03:00:00Z"),
            ("Saint Pierre et Miquelon", "Saint-Pierre", "2026-07-04T02:00:00+00:00", "2026-08-17T02:00:00Z"),
            ("Nouvelle Cal\u{e9}donie", "nouvelle-caledonie", "2026-07-03T13:00:00+00:00", "2026-08-16T13:00:00Z"),
            ("Polyn\u{e9}sie", "Polyn\u{e9}sie fran\u{e7}aise", "2026-07-04T10:00:00+00:00", "2026-08-17T10:00:00Z"),
            ("Wallis et Futuna", "Wallis et Futuna", "2026-07-03T12:00:00+00:00", "2026-08-16T12:00:00Z"),
            // Some are written by the clock of the ministry, or by the day alone.
            ("R\u{e9}union", "Reunion", "2026-07-03T22:00:00+00:00", "2026-08-17"),
            ("Polyn\u{e9}sie", "polynesie", "2026-07-04", "2026-08-16T22:00:00+00:00"),
            ("Guadeloupe", "guadeloupe", "2026-07-04T00:00:00-04:00", "2026-08-17T00:00:00-04:00"),
            ("Corse", "corse", "2026-07-03T22:00:00+00:00", "2026-08-16T22:00:00+00:00"),
        ] {
            let table = format!("Description;Zones;Date de d\u{e9}but;Date de fin\nVacances;{zone};{begins};{ends}\n");
            let days = school(&table, asked).unwrap();
            let found = days.iter().any(|day| lasts(day, "20260704", "20260817") && day.uid.ends_with("-2026-07-04"));
            assert!(found && days.len() == 1, "{zone} {begins} {days:?}");
            assert_eq!(school(&table, "A").unwrap(), []);
        }
    }
}
