//! The rules of versions, all pure: when new content refines what is there and when it is a version of its own; whose
//! next version a document is that lands on a name just vacated; what programs leave about; how a version is named.
//!
//! Editors do not write a document, they write a temporary one and swap the names, or set the old one aside and write
//! again. A document's identity follows its *name* through all of that; the table [`SUCCESSIONS`] says when.

use jiff::tz::TimeZone;

use super::filename::{MAX_BYTES, legal, match_name};
use super::id::{Id, Timestamp};

/// How long it is kept who left a vacated name, seconds.
pub const VACATED_S: i64 = 600;
/// How long an empty document waits for its first content, seconds.
pub const EMPTY_S: i64 = 300;
/// How long what programs left about stays, seconds.
pub const LITTER_S: i64 = 86_400;

/// The present content of a document, as far as the rules ask.
#[derive(Clone, Copy, Debug)]
pub struct PresentContent<'a> {
    /// Is it a version already?
    pub sealed: bool,
    /// The lock under which it is being written.
    pub draft: Option<&'a str>,
    /// Is it what a program left about?
    pub litter: bool,
    /// Bytes.
    pub size_bytes: i64,
    /// When it was written.
    pub written_at: Timestamp,
}

/// Does new content refine the present one, instead of following it as a version? `shows` says whether the writer
/// holds a lock of this token.
#[must_use]
pub fn refines(present: PresentContent<'_>, now: Timestamp, shows: impl Fn(&str) -> bool) -> bool {
    let same_session = present.draft.is_some_and(shows);
    let waits = present.size_bytes == 0 && now.saturating_sub(present.written_at) < EMPTY_S;
    present.litter || (!present.sealed && (same_session || waits))
}

/// Is a draft whose session is over a version worth keeping? An empty one only if nothing came within its time, or if
/// the session was ended on purpose.
#[must_use]
pub fn is_version(size_bytes: i64, written_at: Timestamp, litter: bool, ended: bool, now: Timestamp) -> bool {
    !litter && (size_bytes > 0 || ended || now.saturating_sub(written_at) >= EMPTY_S)
}

/// How a document left its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// It lies in the trash.
    Deleted,
    /// It stands elsewhere, under the name of a backup or among what programs leave about, untouched since.
    SetAside,
    /// It stands elsewhere: a rename, as far as anyone can know.
    Renamed,
}

/// How a document comes to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Written there: PUT, or LOCK of an unmapped name.
    Written,
    /// Moved there, made moments ago by the same person: the temporary document of an editor.
    MovedFresh,
    /// Moved there, with a life of its own.
    Moved,
    /// Copied there.
    Copied,
}

/// Which landings carry on the document that left, how.
pub const SUCCESSIONS: [(Departure, Arrival, bool); 12] = [
    (Departure::Deleted, Arrival::Written, true),
    (Departure::Deleted, Arrival::MovedFresh, true),
    (Departure::Deleted, Arrival::Moved, false),
    (Departure::Deleted, Arrival::Copied, false),
    (Departure::SetAside, Arrival::Written, true),
    (Departure::SetAside, Arrival::MovedFresh, true),
    (Departure::SetAside, Arrival::Moved, false),
    (Departure::SetAside, Arrival::Copied, false),
    (Departure::Renamed, Arrival::Written, false),
    (Departure::Renamed, Arrival::MovedFresh, false),
    (Departure::Renamed, Arrival::Moved, false),
    (Departure::Renamed, Arrival::Copied, false),
];

/// A name that a document left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VacatedName {
    /// How.
    pub left: Departure,
    /// Who took it away.
    pub by: Id,
    /// When.
    pub at: Timestamp,
}

/// Is what lands the next version of what left?
#[must_use]
pub fn succeeds(vacated: VacatedName, landing: Arrival, actor: Id, now: Timestamp) -> bool {
    let in_time = (0..VACATED_S).contains(&now.saturating_sub(vacated.at));
    vacated.by == actor && in_time && SUCCESSIONS.contains(&(vacated.left, landing, true))
}

/// A document that is moved onto a name.
#[derive(Clone, Copy, Debug)]
pub struct MovedDocument<'a> {
    /// Its name so far.
    pub name: &'a str,
    /// Who wrote its content.
    pub author: Option<Id>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The number of its content: a temporary document has no history.
    pub version: i64,
}

/// Was it made for that by the same person? What is set aside under a backup's name was not.
#[must_use]
pub fn landing_of_move(source: MovedDocument<'_>, to: &str, actor: Id, now: Timestamp) -> Arrival {
    let recent = (0..VACATED_S).contains(&now.saturating_sub(source.made_at));
    let fresh = recent && source.author == Some(actor) && source.version <= 1 && !is_backup(to, source.name);
    if fresh { Arrival::MovedFresh } else { Arrival::Moved }
}

/// What stands between the beginning and the end of such a name.
type MiddleCheck = fn(&str) -> bool;

/// Names that programs give to what they leave about, folded: a beginning, what may follow, an end. Only names that no
/// person would give to a document: what bears one has no versions, and when nobody has touched it for a day it is
/// cleared away.
const LITTER: [(&str, MiddleCheck, &str); 18] = [
    ("~$", some, ""),                          // Office: who has it open
    ("._", some, ""),                          // macOS: attributes
    (".~lock.", some, "#"),                    // LibreOffice: who has it open
    ("", eight_digits, ".tmp"),                // Office: new content before it is swapped in, old content after
    ("~wrd", hexadecimal, ".tmp"),             // Word
    ("~wrl", hexadecimal, ".tmp"),             // Word
    ("~df", hexadecimal, ".tmp"),              // Office
    ("ppt", hexadecimal, ".tmp"),              // PowerPoint
    (".", some, ".swp"),                       // vim
    (".", some, ".swx"),                       // vim
    (".goutputstream-", some, ""),             // GLib
    (".fuse_hidden", some, ""),                // FUSE
    (".sb-", some, ""),                        // macOS: a folder to save in
    ("(a document being saved by", some, ")"), // macOS: a folder to save in
    (".ds_store", nothing, ""),                // Finder
    ("icon\r", nothing, ""),                   // Finder: the picture of a folder
    ("thumbs.db", nothing, ""),                // Explorer
    ("desktop.ini", nothing, ""),              // Explorer
];

fn some(middle: &str) -> bool {
    !middle.is_empty()
}

fn nothing(middle: &str) -> bool {
    middle.is_empty()
}

fn hexadecimal(middle: &str) -> bool {
    some(middle) && middle.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn eight_digits(middle: &str) -> bool {
    middle.len() == 8 && hexadecimal(middle)
}

/// Is this a name of what programs leave about?
#[must_use]
pub fn is_litter(name: &str) -> bool {
    let name = match_name(name);
    LITTER.iter().any(|(begin, middle, end)| {
        name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).is_some_and(middle)
    })
}

/// Endings of names that programs, and people too, give to what is there for a while.
const TEMPORARY_ENDINGS: [&str; 3] = [".tmp", ".sb", "~"];

/// Is this a name under which a program may set a document aside, or that of a folder in which it may?
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    let folded = match_name(name);
    is_litter(name) || TEMPORARY_ENDINGS.iter().any(|end| folded.len() > end.len() && folded.ends_with(end))
}

/// Endings that editors give to what they set aside.
const BACKUP_ENDINGS: [&str; 7] = ["~", ".bak", ".old", ".orig", ".backup", ".sav", ".wbk"];

/// Is `name` what an editor calls the old content of the document `of` when it sets it aside?
#[must_use]
pub fn is_backup(name: &str, of: &str) -> bool {
    let (name, of) = (match_name(name), match_name(of));
    let stem = of.rsplit_once('.').map_or(of.as_str(), |(stem, _)| stem);
    let ended = |base: &str| name.strip_prefix(base).is_some_and(|rest| BACKUP_ENDINGS.contains(&rest));
    let inside =
        name.strip_suffix(".wbk").or_else(|| name.strip_suffix(".bak")).is_some_and(|rest| rest.contains(stem));
    ended(&of) || ended(stem) || inside
}

/// How often one of the older versions stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Thinning {
    /// The last of each day.
    #[default]
    Day,
    /// The last of each week, from Monday.
    Week,
    /// The last of each month.
    Month,
}

/// Each with its spelling in commands and rows.
pub const EVERY: [(Thinning, &str); 3] = [(Thinning::Day, "day"), (Thinning::Week, "week"), (Thinning::Month, "month")];

/// What a home keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// All versions of so many days, in days; `None`: all.
    pub versions_days: Option<i64>,
    /// Which of the older ones.
    pub every: Thinning,
    /// How long what is deleted lies in the trash, days.
    pub trash_days: i64,
    /// How long sync tokens are good for, days.
    pub sync_days: i64,
    /// The share of its documents that one person may delete in a minute, percent; 100: any.
    pub brake_percent: i64,
}

/// The period of a moment: versions of one period are thinned to the last.
fn period(at: Timestamp, every: Thinning, zone: &TimeZone) -> Option<jiff::civil::Date> {
    let date = jiff::Timestamp::from_second(at).ok()?.to_zoned_datetime(zone.clone()).date();
    match every {
        Thinning::Day => Some(date),
        Thinning::Week => {
            let back = jiff::Span::new().days(i64::from(date.weekday().to_monday_zero_offset()));
            date.checked_sub(back).ok()
        }
        Thinning::Month => Some(date.first_of_month()),
    }
}

/// Which versions may go: of those written before a moment all but the last of each period, those that are kept, and
/// the newest of all. Each is number, moment, whether it is kept; ascending.
#[must_use]
pub fn thinned(versions: &[(i64, Timestamp, bool)], before: Timestamp, every: Thinning, zone: &TimeZone) -> Vec<i64> {
    let pairs = versions.iter().zip(versions.iter().skip(1));
    pairs
        .filter(|((_, at, kept), (_, next, _))| {
            // The next one in time is in the same period and old itself: this one is not the last.
            !kept && *at < before && *next < before && period(*at, every, zone) == period(*next, every, zone)
        })
        .map(|((number, ..), _)| *number)
        .collect()
}

/// The ending of a name, with its dot; empty when it has none.
fn ending(name: &str) -> &str {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 16 => name.get(at..).unwrap_or_default(),
        _ => "",
    }
}

/// As much of a text as fits into so many bytes, whole characters only.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A moment as names spell it: `2026-11-23 14.05.32` in a zone.
#[must_use]
pub fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    jiff::Timestamp::from_second(at)
        .map(|instant| instant.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H.%M.%S").to_string())
        .unwrap_or_default()
}

/// What a version is called in the folder of its document: `2026-11-23 14.05.32 v3 Alice Martin.docx`.
#[must_use]
pub fn version_name(document: &str, version: i64, at: Timestamp, author: &str, zone: &TimeZone) -> String {
    let head = format!("{} v{version}", stamp(at, zone));
    let ending = ending(document);
    let author = legal(author);
    let author =
        cut(author.trim(), MAX_BYTES.saturating_sub(head.len() + ending.len() + 1)).trim_end_matches(['.', ' ']);
    if author.is_empty() { format!("{head}{ending}") } else { format!("{head} {author}{ending}") }
}

/// The number in the name of a version.
#[must_use]
pub fn version_of_name(name: &str) -> Option<i64> {
    let rest = name.get(20..)?.strip_prefix('v')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|number| *number > 0)
}

/// What a deleted node is called in the trash when its own name is taken there: with the moment, then with a number.
#[must_use]
pub fn suffixed(name: &str, at: Timestamp, zone: &TimeZone, attempt: usize) -> String {
    let ending = ending(name);
    let stem = name.get(..name.len() - ending.len()).unwrap_or(name);
    let mark = match attempt {
        0 | 1 => format!(" ({})", stamp(at, zone)),
        n => format!(" ({} {n})", stamp(at, zone)),
    };
    format!("{}{mark}{ending}", cut(stem, MAX_BYTES.saturating_sub(mark.len() + ending.len())))
}

/// A name that is tried where others bear the same: the first is the name itself.
#[must_use]
pub fn nth(name: &str, attempt: usize) -> String {
    if attempt == 0 {
        return name.to_owned();
    }
    let ending = ending(name);
    let stem = name.get(..name.len() - ending.len()).unwrap_or(name);
    let mark = format!(" ({})", attempt + 1);
    format!("{}{mark}{ending}", cut(stem, MAX_BYTES.saturating_sub(mark.len() + ending.len())))
}

/// A name with the identifier of what bears it, where others bear the same.
#[must_use]
pub fn identified(name: &str, id: Id) -> String {
    let ending = ending(name);
    let stem = name.get(..name.len() - ending.len()).unwrap_or(name);
    let mark = format!(" ({id})");
    format!("{}{mark}{ending}", cut(stem, MAX_BYTES.saturating_sub(mark.len() + ending.len())))
}

/// The identifier that a name of [`identified`] holds.
#[must_use]
pub fn identifier_in(name: &str) -> Option<Id> {
    let (_, rest) = name.rsplit_once(" (")?;
    rest.split_once(')').and_then(|(id, _)| id.parse().ok()).map(Id)
}

/// What the tree of a moment's day is called, and when that day began.
#[must_use]
pub fn day(at: Timestamp, zone: &TimeZone) -> Option<(String, Timestamp)> {
    let date = jiff::Timestamp::from_second(at).ok()?.to_zoned_datetime(zone.clone()).date();
    let begin = date.to_zoned_datetime(zone.clone()).ok()?.timestamp().as_second();
    Some((format!("@{date}"), begin))
}

/// The moment that the first segment of a former tree names: `@2026-11-01` is the end of that day in the zone, or of
/// today so far; `@2026-11-01 14.05.32` that second.
#[must_use]
pub fn moment(segment: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = segment.strip_prefix('@')?;
    let at = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == 10 => {
            date.tomorrow().ok()?.to_zoned_datetime(zone.clone()).ok()?.timestamp().as_second() - 1
        }
        _ => {
            let time = jiff::civil::DateTime::strptime("%Y-%m-%d %H.%M.%S", text).ok()?;
            time.to_zoned_datetime(zone.clone()).ok()?.timestamp().as_second()
        }
    };
    Some(at)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::{
        Arrival, Departure, EMPTY_S, EVERY, Id, MovedDocument, PresentContent, SUCCESSIONS, VACATED_S, VacatedName,
        is_backup, is_litter, is_temporary, is_version, landing_of_move, moment, period, refines, succeeds, suffixed,
        thinned, version_name, version_of_name,
    };
    use crate::model::filename::check;

    const LEFT: [Departure; 3] = [Departure::Deleted, Departure::SetAside, Departure::Renamed];
    const LANDING: [Arrival; 4] = [Arrival::Written, Arrival::MovedFresh, Arrival::Moved, Arrival::Copied];

    #[test]
    fn every_landing_has_its_row() {
        for left in LEFT {
            for landing in LANDING {
                let rows = SUCCESSIONS.iter().filter(|(l, a, _)| (*l, *a) == (left, landing)).count();
                assert_eq!(rows, 1, "{left:?} {landing:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn only_the_same_person_in_time_carries_on(left in 0..3usize, landing in 0..4usize, by in 1..3i64,
                                                   actor in 1..3i64, waited in -5..2 * VACATED_S) {
            let vacated = VacatedName { left: LEFT[left], by: Id(by), at: 1_000_000 };
            let carried = succeeds(vacated, LANDING[landing], Id(actor), 1_000_000 + waited);
            prop_assert!(!carried || by == actor && (0..VACATED_S).contains(&waited));
            prop_assert!(!carried || LEFT[left] != Departure::Renamed);
            prop_assert!(!carried || LANDING[landing] != Arrival::Copied && LANDING[landing] != Arrival::Moved);
        }

        #[test]
        fn names_are_legal_and_hold_their_number(document in "[ \
            a-zA-Z0-9._~é日-]{0,80}[a-zé日]", author in ".{0,90}", version in 1..100_000i64) {
            prop_assume!(check(&document).is_ok());
            let name = version_name(&document, version, 1_700_000_000, &author, &TimeZone::UTC);
            prop_assert_eq!(check(&name), Ok(()), "{}", name);
            prop_assert_eq!(version_of_name(&name), Some(version));
            let trashed = suffixed(&document, 1_700_000_000, &TimeZone::UTC, 3);
            prop_assert_eq!(check(&trashed), Ok(()), "{}", trashed);
        }

        #[test]
        fn a_sealed_version_is_never_refined(draft in proptest::option::of("[ab]"), size in 0..3i64, age in 0..600i64) {
            let draft = draft.as_deref();
            let sealed = PresentContent { sealed: true, draft, litter: false, size_bytes: size, written_at: 0 };
            prop_assert!(!refines(sealed, age, |_| true));
            let open = PresentContent { sealed: false, ..sealed };
            let expected = draft == Some("a") || size == 0 && age < EMPTY_S;
            prop_assert_eq!(refines(open, age, |token| token == "a"), expected);
        }
    }

    proptest! {
        #[test]
        fn thinning_leaves_the_last_of_each_period(
            steps in proptest::collection::vec((1..400_000i64, any::<bool>()), 1..60),
                                                   before in 0..8_000_000i64, every in 0..3usize) {
            let every = EVERY[every].0;
            let mut at = 0;
            let versions: Vec<(i64, i64, bool)> = steps.iter().enumerate().map(|(number, (step, kept))| {
                at += step;
                (number as i64 + 1, at, *kept && step % 5 == 0)
            }).collect();
            let gone = thinned(&versions, before, every, &TimeZone::UTC);
            let left: Vec<_> = versions.iter().filter(|(number, ..)| !gone.contains(number)).collect();
            prop_assert_eq!(left.last().copied(), versions.last());
            for (number, at, kept) in &versions {
                let same = |other: i64| period(other, every, &TimeZone::UTC) == period(*at, every, &TimeZone::UTC);
                prop_assert!(left.iter().any(|(_, other, _)| same(*other)), "a period lost all");
                prop_assert!(!gone.contains(number) || (!kept && *at < before));
            }
            // Thinning what is thinned takes nothing more.
            let left: Vec<_> = left.into_iter().copied().collect();
            prop_assert!(thinned(&left, before, every, &TimeZone::UTC).is_empty());
        }
    }

    #[test]
    fn empty_drafts_count_when_meant() {
        assert!(!is_version(0, 0, false, false, EMPTY_S - 1));
        assert!(is_version(0, 0, false, false, EMPTY_S));
        assert!(is_version(0, 0, false, true, 0));
        assert!(is_version(1, 0, false, false, 0));
        assert!(!is_version(1, 0, true, true, 0));
    }

    #[test]
    fn a_temporary_document_is_fresh_and_ones_own() {
        let source = MovedDocument { name: "X.tmp", author: Some(Id(1)), made_at: 0, version: 1 };
        assert_eq!(landing_of_move(source, "Plan.docx", Id(1), 9), Arrival::MovedFresh);
        assert_eq!(landing_of_move(source, "Plan.docx", Id(2), 9), Arrival::Moved);
        assert_eq!(landing_of_move(source, "Plan.docx", Id(1), VACATED_S), Arrival::Moved);
        assert_eq!(landing_of_move(MovedDocument { version: 2, ..source }, "Plan.docx", Id(1), 9), Arrival::Moved);
        let document = MovedDocument { name: "Plan.docx", ..source };
        assert_eq!(landing_of_move(document, "Plan.bak", Id(1), 9), Arrival::Moved);
    }

    #[test]
    fn litter_and_backups() {
        for name in [
            "~$Plan.docx",
            "._Plan.docx",
            ".DS_Store",
            "Icon\r",
            ".~lock.Plan.odt#",
            "Thumbs.db",
            "A9A97EC7.tmp",
            "~WRD0001.tmp",
            "~DF3A.TMP",
            "ppt41F.tmp",
            ".Plan.swp",
            ".goutputstream-X",
            ".fuse_hidden0001",
            ".sb-12-ab",
            "(A Document Being Saved By TextEdit)",
        ] {
            assert!(is_litter(name) && is_temporary(name), "{name}");
        }
        // What a person might call a document.
        for name in ["budget.tmp", "notes~", "Plan.docx.tmp", "Plan.docx.sb", "1234.tmp", "9A97EC7.tmp", "~WRDwork.tmp"]
        {
            assert!(!is_litter(name) && is_temporary(name), "{name}");
        }
        for name in ["Plan.docx", "tmp", "Thumbs.dbx", ".profile", "~", "note", "desktop.ini.txt", "(A Document)", "~$"]
        {
            assert!(!is_litter(name) && !is_temporary(name), "{name}");
        }
        for name in
            ["Plan.docx~", "plan.DOCX.bak", "Plan.bak", "Sauvegarde de Plan.wbk", "Backup of Plan.wbk", "Plan.docx.old"]
        {
            assert!(is_backup(name, "Plan.docx"), "{name}");
        }
        for name in ["Plan 2025.docx", "Plan2.docx", "Other.bak", "Plan.doc"] {
            assert!(!is_backup(name, "Plan.docx"), "{name}");
        }
    }

    #[test]
    fn names_and_moments() {
        let paris = TimeZone::get("Europe/Paris").expect("a zone");
        let name = version_name("Plan.docx", 3, 1_795_439_132, "Alice Martin", &paris);
        assert_eq!(name, "2026-11-23 14.05.32 v3 Alice Martin.docx");
        assert_eq!(version_name("README", 1, 1_795_439_132, "", &paris), "2026-11-23 14.05.32 v1");
        assert_eq!(moment("@2026-11-23", &paris), Some(1_795_474_799));
        assert_eq!(moment("@2026-11-23 14.05.32", &paris), Some(1_795_439_132));
        assert_eq!(moment("@yesterday", &paris), None);
        assert_eq!(moment("2026-11-23", &paris), None);
        assert_eq!(suffixed("Plan.docx", 1_795_439_132, &paris, 0), "Plan (2026-11-23 14.05.32).docx");
    }
}
