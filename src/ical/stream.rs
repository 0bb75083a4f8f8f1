//! Many objects in one stream (RFC 5545 section 3.4): taken apart component by component, whatever its size, and put
//! together again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::line::escaped;
use super::object::{Component, Invalid, MAX_BYTES, Object, Property, fold_into, parse};
use super::text_format::{BYTE_ORDER_MARK, TextFormat};
use super::time::When;
use super::tzid;

/// The longest name of a program that is passed on.
const MAX_PRODUCT_BYTES: usize = 1000;
/// The most time zones that one stream may describe.
const MAX_ZONES: usize = 1000;
const VERSION: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n";
const PRODUCT: &str = "PRODID:-//Beffroi//Beffroi//EN\r\n";

/// Where in the stream a component stands, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ComponentSpan {
    /// From.
    pub start: u64,
    /// How many.
    pub length: usize,
}

/// All components of one UID.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamedObject {
    /// Their UID.
    pub uid: String,
    /// Where they stand.
    pub spans: Vec<ComponentSpan>,
    instances: HashSet<Option<When>>,
}

/// What of a stream is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Skipped {
    /// A component that cannot be read, by the number of its first line.
    Invalid(usize, Invalid),
    /// A second component for an instance that the stream has had already, by the number of its first line and its
    /// UID.
    Twice(usize, String),
}

/// The table of contents of a stream: which components belong together, and the time zones that they speak of. It holds
/// no component itself.
#[derive(Default)]
pub struct Contents {
    format: TextFormat,
    /// In the order in which the stream first names them.
    pub entries: Vec<StreamedObject>,
    by_uid: HashMap<String, usize>,
    /// By the keys of their names, each with its name.
    zones: HashMap<String, Vec<(String, Vec<u8>)>>,
    described: usize,
    /// As a content line, unfolded.
    product: Vec<u8>,
    in_product: bool,
    calendars: usize,
    depth: usize,
    lines: usize,
    at: u64,
    part: Vec<u8>,
    /// How long it is in the stream.
    part_bytes: usize,
    part_at: (u64, usize),
    oversized: bool,
}

impl Contents {
    /// That of a stream which is written so.
    #[must_use]
    pub fn of(format: TextFormat) -> Self {
        Self { format, ..Self::default() }
    }

    /// Takes the next line of the stream as it is written, with its end. What cannot be taken is reported, and the
    /// stream goes on; an error means that it is no stream of calendars, or not of this format.
    pub fn line(&mut self, written: &[u8]) -> Result<Option<Skipped>, Invalid> {
        self.lines += 1;
        let start = self.at;
        self.at += written.len() as u64;
        if self.format.is_mixed(written) {
            return Err(Invalid::Control);
        }
        let line = &*self.format.decode(written);
        let bom = if self.lines == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        let begins = value_after(bom, b"BEGIN:");
        let ends = value_after(bom, b"END:").is_some();
        match (self.depth, begins) {
            (0, Some(name)) if name.eq_ignore_ascii_case(b"VCALENDAR") => {
                self.depth = 1;
                self.calendars += 1;
            }
            (0, None) if bom.trim_ascii().is_empty() => {}
            (0, _) => return Err(Invalid::NotOneCalendar),
            (1, None) if ends => self.depth = 0,
            (1, None) if !says_this_version(line) => return Err(Invalid::Version),
            (1, None) => self.note_product(line),
            (depth, begins) => {
                if depth == 1 {
                    self.part.clear();
                    (self.part_at, self.part_bytes, self.oversized) = ((start, self.lines), 0, false);
                }
                self.part_bytes += written.len();
                self.oversized |= self.part.len() + line.len() > MAX_BYTES;
                if !self.oversized {
                    self.part.extend_from_slice(line);
                }
                match begins {
                    Some(_) => self.depth += 1,
                    None if ends => self.depth -= 1,
                    None => {}
                }
                if self.depth == 1 {
                    return Ok(self.close());
                }
            }
        }
        Ok(None)
    }

    /// The line that says which program wrote the stream, with all its folds.
    fn note_product(&mut self, line: &[u8]) {
        let begins = value_after(line, b"PRODID").is_some();
        let goes_on = self.in_product && line.starts_with(b" ") | line.starts_with(b"\t");
        self.in_product = goes_on || begins && self.product.is_empty();
        if self.in_product && self.product.len() + line.len() < MAX_PRODUCT_BYTES {
            let whole = line.trim_ascii_end();
            self.product.extend_from_slice(if goes_on { whole.get(1..).unwrap_or_default() } else { whole });
        }
    }

    /// A component is whole.
    fn close(&mut self) -> Option<Skipped> {
        let (start, line) = self.part_at;
        let invalid = |why| Some(Skipped::Invalid(line, why));
        if self.oversized {
            return invalid(Invalid::TooMuch);
        }
        let part = match component(&self.part) {
            Ok(part) => part,
            Err(why) => return invalid(why),
        };
        if part.name == "VTIMEZONE" {
            if let Some(name) = tzid::name_of(&part).filter(|_| self.described < MAX_ZONES) {
                let alike = self.zones.entry(tzid::key(&name)).or_default();
                if alike.iter().all(|(known, _)| *known != name) {
                    alike.push((name, self.part.clone()));
                    self.described += 1;
                }
            }
            return None;
        }
        let Some(uid) = part.value("UID").filter(|uid| !uid.trim().is_empty()).map(str::to_owned) else {
            return invalid(Invalid::Uid);
        };
        let span = ComponentSpan { start, length: self.part_bytes };
        let place = *self.by_uid.entry(uid.clone()).or_insert_with(|| {
            self.entries.push(StreamedObject { uid: uid.clone(), spans: Vec::new(), instances: HashSet::new() });
            self.entries.len() - 1
        });
        let entry = self.entries.get_mut(place)?;
        // What names no instance is refused with its object.
        if part.instance().is_ok_and(|instance| !entry.instances.insert(instance)) {
            return Some(Skipped::Twice(line, uid));
        }
        entry.spans.push(span);
        None
    }

    /// Is it no whole stream of calendars: is one still open at its end, or was there none? One that is empty is whole.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.depth > 0 || self.calendars == 0
    }

    /// The object that some components make, as they stand in the stream, with the time zones that they speak of.
    #[must_use]
    pub fn object(&self, written: &[Vec<u8>]) -> Vec<u8> {
        let parts: Vec<Cow<'_, [u8]>> = written.iter().map(|part| self.format.decode(part)).collect();
        let mut out = VERSION.as_bytes().to_vec();
        match std::str::from_utf8(&self.product).ok().filter(|line| Property::parse(line).is_some()) {
            Some(product) => {
                let mut line = String::new();
                fold_into(&mut line, product);
                out.extend_from_slice(line.as_bytes());
            }
            None => out.extend_from_slice(PRODUCT.as_bytes()),
        }
        let spoken = parts.iter().filter_map(|part| component(part).ok()).flat_map(|part| part.zones());
        let spoken: BTreeSet<String> = spoken.map(|name| tzid::key(&name)).collect();
        let zones = spoken.iter().filter_map(|key| self.zones.get(key)).flatten().map(|(_, zone)| zone);
        for part in zones.map(Vec::as_slice).chain(parts.iter().map(|part| &**part)) {
            let mut bytes = part.iter();
            let mut last = 0;
            // Line ends of RFC 5545 section 3.1, whatever those of the stream are.
            out.extend(bytes.by_ref().flat_map(|byte| {
                let bare = *byte == b'\n' && last != b'\r';
                last = *byte;
                bare.then_some(b'\r').into_iter().chain([*byte])
            }));
            if last != b'\n' {
                out.extend_from_slice(b"\r\n");
            }
        }
        out.extend_from_slice(b"END:VCALENDAR\r\n");
        out
    }
}

fn value_after<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| rest.trim_ascii())
}

/// Is a line of a calendar no VERSION, or that of this format? What other versions write would be misread.
fn says_this_version(line: &[u8]) -> bool {
    let version = value_after(line, b"VERSION").and_then(|_| Property::parse(str::from_utf8(line).ok()?.trim_end()));
    version.filter(|line| line.name == "VERSION").is_none_or(|line| line.is_this_version())
}

fn component(part: &[u8]) -> Result<Component, Invalid> {
    let whole = [VERSION.as_bytes(), part, b"\r\nEND:VCALENDAR\r\n"].concat();
    parse(&whole)?.components.into_iter().next().ok_or(Invalid::Components)
}

/// Objects as one stream. Time zones stand first, each once; an object whose zone of the same name is another one comes
/// after the others, in a calendar of its own.
#[derive(Default)]
pub struct Joined {
    zones: BTreeMap<String, Component>,
}

impl Joined {
    /// First pass: notes the time zones of an object.
    pub fn note(&mut self, object: &Object) {
        for zone in object.calendar.components.iter().filter(|part| part.name == "VTIMEZONE") {
            if let Some(name) = tzid::name_of(zone).filter(|_| self.zones.len() < MAX_ZONES) {
                self.zones.entry(tzid::key(&name)).or_insert_with(|| zone.clone());
            }
        }
    }

    /// What stands before the objects; `name` is that of the calendar.
    #[must_use]
    pub fn head(&self, name: &str) -> String {
        let mut out = format!("{VERSION}{PRODUCT}");
        fold_into(&mut out, &format!("X-WR-CALNAME:{}", escaped(name)));
        self.zones.values().for_each(|zone| zone.write(&mut out));
        out
    }

    /// Second pass: an object, or `None` where it has to stand in a calendar of its own.
    #[must_use]
    pub fn object(&self, object: &Object) -> Option<String> {
        let mut zones = object.calendar.components.iter().filter(|part| part.name == "VTIMEZONE");
        let same = |zone: &Component| {
            tzid::name_of(zone)
                .is_none_or(|name| self.zones.get(&tzid::key(&name)) == Some(zone) || tzid::known(&name).is_some())
        };
        if !zones.all(same) {
            return None;
        }
        let mut out = String::new();
        object.parts().for_each(|part| part.write(&mut out));
        Some(out)
    }

    /// What stands after them.
    #[must_use]
    pub const fn tail() -> &'static str {
        "END:VCALENDAR\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTE_ORDER_MARK, Contents, Invalid, Joined, Skipped, TextFormat};
    use crate::ical::object::Object;

    fn contents(text: &str) -> (Contents, Vec<Skipped>) {
        let mut contents = Contents::default();
        let skipped = text.split_inclusive('\n').filter_map(|line| contents.line(line.as_bytes()).unwrap()).collect();
        (contents, skipped)
    }

    fn objects(text: &str) -> Vec<String> {
        let (contents, _) = contents(text);
        let part = |span: &super::ComponentSpan| text.as_bytes()[span.start as usize..][..span.length].to_vec();
        let made = contents.entries.iter().map(|e| contents.object(&e.spans.iter().map(part).collect::<Vec<_>>()));
        made.map(|object| String::from_utf8(object).unwrap()).collect()
    }

    const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\n\
                        TZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";

    fn event(uid: &str, lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:{uid}\n{lines}\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n")
    }

    #[test]
    fn components_of_one_uid_come_together_with_their_zones() {
        let text = format!(
            "BEGIN:VCALENDAR\nPRODID;X-A=b\n \
             :-//Ot\n\ther//EN\nX-WR-CALNAME:All\n{ZONE}{}{}{}END:VCALENDAR\n\nBEGIN:VCALENDAR\n{}END:VCALENDAR\n",
            event("a", "DTSTART;TZID=Ours:20260101T100000\nRRULE:FREQ=DAILY"),
            event("b", "DTSTART:20260101T100000Z"),
            event("b", "DTSTART:20260201T100000Z"),
            event("a", "RECURRENCE-ID;TZID=Ours:20260102T100000\nDTSTART;TZID=Ours:20260102T110000"),
        );
        let made = objects(&text);
        assert_eq!(made.len(), 2);
        let first = Object::parse(made[0].as_bytes()).unwrap();
        assert_eq!((first.parts().count(), first.calendar.components.len()), (2, 3));
        assert!(made[0].contains("PRODID;X-A=b:-//Other//EN\r\n") && !made[1].contains("TZID:Ours"));
        assert!(!made[0].replace("\r\n", "").contains('\n'));
        assert_eq!(contents(&text).1, [Skipped::Twice(29, "b".to_owned())]);
        let mut joined = Joined::default();
        joined.note(&first);
        assert!(joined.head("A, B").contains("X-WR-CALNAME:A\\, B\r\nBEGIN:VTIMEZONE\r\nTZID:Ours"));
        assert!(joined.object(&first).is_some());
        let other = Object::parse(made[0].replace("+0100", "+0300").as_bytes()).unwrap();
        assert!(joined.object(&other).is_none());
    }

    #[test]
    fn a_stream_is_read_however_it_is_written() {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{ZONE}{}{}END:VCALENDAR\r\n",
            event("a", "SUMMARY:R\u{e9}union\u{10a}\n \u{1f600}\nDTSTART;TZID=Ours:20260101T100000"),
            event("b", "DTSTART:20260101T100000Z")
        );
        let made = objects(&text);
        let marked = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        for (bytes, format) in [
            (text.clone().into_bytes(), TextFormat::Plain),
            ([BYTE_ORDER_MARK, text.as_bytes()].concat(), TextFormat::Plain),
            (text.replace("\r\n", "\n").replace('\n', "\r").into_bytes(), TextFormat::CarriageReturns),
            (marked().flat_map(u16::to_le_bytes).collect(), TextFormat::Utf16Le),
            (marked().flat_map(u16::to_be_bytes).collect(), TextFormat::Utf16Be),
        ] {
            assert_eq!(TextFormat::of(&bytes), format);
            let mut contents = Contents::of(format);
            let mut line = Vec::new();
            for unit in bytes.chunks(format.unit()) {
                line.extend(unit);
                if unit.contains(&format.line_end()) && format.is_line(&line) {
                    assert_eq!(contents.line(&line), Ok(None), "{format:?}");
                    line.clear();
                }
            }
            let part = |span: &super::ComponentSpan| bytes[span.start as usize..][..span.length].to_vec();
            let read = contents.entries.iter().map(|e| contents.object(&e.spans.iter().map(part).collect::<Vec<_>>()));
            let read: Vec<String> = read.map(|object| String::from_utf8(object).unwrap()).collect();
            assert_eq!(read, made, "{format:?}");
        }
        assert_eq!(Contents::of(TextFormat::CarriageReturns).line(b"BEGIN:VCALENDAR\r\n"), Err(Invalid::Control));
    }

    #[test]
    fn what_is_of_another_version_is_not_misread() {
        for (version, taken) in
            [("VERSION:1.0\r\n", false), ("version:2.0\n", true), ("X-VERSION:1.0\n", true), ("VERSION:\n", false)]
        {
            let mut contents = Contents::default();
            contents.line(b"BEGIN:VCALENDAR\n").unwrap();
            assert_eq!(
                contents.line(version.as_bytes()),
                if taken { Ok(None) } else { Err(Invalid::Version) },
                "{version}"
            );
        }
    }

    #[test]
    fn one_time_by_two_clocks_is_two_instances() {
        let moved = |id: &str| event("a", &format!("RECURRENCE-ID{id}\nDTSTART:20260103T100000Z"));
        let text = [
            "BEGIN:VCALENDAR\n",
            &event("a", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY"),
            &moved(";TZID=Europe/Paris:20260102T110000"),
            &moved(";TZID=Europe/Athens:20260102T110000"),
            &moved(";VALUE=DATE-TIME;TZID=\"Europe/Paris\":20260102T110000"),
            "END:VCALENDAR\n",
        ];
        let (contents, skipped) = contents(&text.concat());
        assert_eq!(contents.entries[0].spans.len(), 3);
        assert_eq!(skipped, [Skipped::Twice(26, "a".to_owned())]);
    }

    #[test]
    fn zones_go_along_however_their_names_are_spelled() {
        let zone = |name: &str| ZONE.replace("Ours", name);
        let text = format!(
            "BEGIN:VCALENDAR\n{}{}{}{}{}{}{}END:VCALENDAR\n",
            zone("(GMT+01.00) Bruxelles\\, Paris"),
            zone("Other"),
            zone("OTHER").replace("+0100", "+0200"),
            event("a", "DTSTART;TZID=\"(GMT+01.00) Bruxelles, Paris\":20260101T100000"),
            event("b", "DTSTART;TZID=(GMT+01.00) Bruxelles\\, Paris:20260101T100000"),
            event("c", "DTSTART:20260101T100000Z\nEXDATE;TZID=\" other\":20260101T100000"),
            event("d", "DTSTART;TZID=Another:20260101T100000"),
        );
        let made = objects(&text);
        let described = |object: &String| {
            let names = object.lines().filter_map(|line| line.strip_prefix("TZID:")).map(str::to_owned);
            names.collect::<Vec<_>>()
        };
        let expected = [
            vec!["(GMT+01.00) Bruxelles\\, Paris"],
            vec!["(GMT+01.00) Bruxelles\\, Paris"],
            vec!["Other", "OTHER"],
            vec![],
        ];
        assert_eq!(made.iter().map(described).collect::<Vec<_>>(), expected);
        // Put together again each object has a zone that says the same, and one whose zone is another stands apart.
        let mut joined = Joined::default();
        let objects: Vec<Object> = made.iter().map(|object| Object::parse(object.as_bytes()).unwrap()).collect();
        objects.iter().for_each(|object| joined.note(object));
        assert_eq!(joined.head("x").matches("BEGIN:VTIMEZONE").count(), 2);
        assert_eq!(
            objects.iter().map(|object| joined.object(object).is_some()).collect::<Vec<_>>(),
            [true, true, false, true]
        );
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_the_rest_is_taken() {
        let text =
            format!("BEGIN:VCALENDAR\n{}{}{}END:VCALENDAR\n", event("a", "no line"), event("", "X:"), event("c", "X:"));
        let (contents, skipped) = contents(&text);
        assert_eq!(contents.entries.iter().map(|entry| entry.uid.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(matches!(skipped[0], Skipped::Invalid(2, Invalid::Line(_))));
        assert_eq!(skipped[1], Skipped::Invalid(9, Invalid::Uid));
        assert!(!contents.is_cut());
        assert_eq!(Contents::default().line(b"From: someone\n"), Err(Invalid::NotOneCalendar));
        let mut cut = Contents::default();
        cut.line(b"BEGIN:VCALENDAR\r\n").unwrap();
        assert!(cut.is_cut() && Contents::default().is_cut());
        cut.line(b"END:VCALENDAR\r\n").unwrap();
        assert!(!cut.is_cut());
    }
}
