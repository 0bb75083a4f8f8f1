//! What people read, in French and English. The only module that names `fluent_bundle`.
//!
//! Sentences stand in `locales/`; a test compares the keys of both languages (those of `help.ftl`: see `cli/help.rs`).

use std::cmp::Reverse;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{LanguageIdentifier, langid};

use crate::model::condition::Condition;
use crate::model::error::{Detail, Reason, Refusal};
use crate::model::filename::NameError;
use crate::model::header::weighted;
use crate::model::password::PasswordDefect;

/// Sentences by their keys.
type Bundle = FluentBundle<FluentResource>;

static SENTENCES: LazyLock<[(Language, Bundle); 2]> = LazyLock::new(|| {
    let french = concat!(include_str!("locales/fr/main.ftl"), include_str!("locales/fr/help.ftl"));
    [(Language::French, french), (Language::English, include_str!("locales/en/main.ftl"))]
        .map(|(language, text)| (language, bundle(language, text)))
});

/// A mistake in a text leaves out the sentence that it is in, which a test then misses.
fn bundle(language: Language, text: &str) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.identifier()]);
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(rest, _)| rest);
    let _ = bundle.add_resource(resource);
    bundle
}

const ENGLISH: LanguageIdentifier = langid!("en");
const FRENCH: LanguageIdentifier = langid!("fr");
static OURS: [LanguageIdentifier; 2] = [ENGLISH, FRENCH];
/// So many ranges of a header are looked at.
const MAX_RANGES: usize = 32;

/// A language we speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// English.
    English,
    /// French.
    French,
}

impl Language {
    fn identifier(self) -> LanguageIdentifier {
        match self {
            Self::English => ENGLISH,
            Self::French => FRENCH,
        }
    }

    /// Its tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Of ours the one that is wanted most, by an `Accept-Language` header (RFC 9110 section 12.5.4) or a locale's
    /// name; English when none is wanted.
    #[must_use]
    pub fn prefer(wanted: &str) -> Self {
        Self::wanted(wanted).unwrap_or(Self::English)
    }

    /// The same; `None` where none of ours is wanted.
    #[must_use]
    pub fn wanted(wanted: &str) -> Option<Self> {
        let mut ranges: Vec<(&str, u32)> =
            weighted(wanted).filter(|(_, weight)| *weight > 0).take(MAX_RANGES).collect();
        ranges.sort_by_key(|(_, weight)| Reverse(*weight));
        // The charset or variant of a locale (`fr_FR.UTF-8`) is no part of a tag.
        let tags = ranges.iter().filter_map(|(range, _)| range.split(['.', '@']).next()?.parse().ok());
        let requested: Vec<LanguageIdentifier> = tags.collect();
        match negotiate_languages(&requested, &OURS, None, NegotiationStrategy::Lookup).first() {
            Some(found) if **found == FRENCH => Some(Self::French),
            Some(found) if **found == ENGLISH => Some(Self::English),
            _ => None,
        }
    }

    /// The language of the terminal, from the usual variables.
    #[must_use]
    pub fn of_environment() -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        Self::prefer(&named.unwrap_or_default())
    }
}

/// A sentence, its places filled.
#[must_use]
pub fn text(language: Language, key: &str, places: &[(&'static str, String)]) -> String {
    let arguments: FluentArgs<'_> = places.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sentence = SENTENCES.iter().filter(|(known, _)| *known == language).find_map(|(_, bundle)| {
        let pattern = bundle.get_message(key)?.value()?;
        Some(bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned())
    });
    sentence.unwrap_or_else(|| key.to_owned())
}

/// The sentence for a refused name.
#[must_use]
pub fn name_error(language: Language, error: &NameError) -> String {
    match error {
        NameError::Empty => text(language, "name-empty", &[]),
        NameError::TooLong => text(language, "name-too-long", &[]),
        NameError::Character(c) if c.is_control() => text(language, "name-control", &[]),
        NameError::Character(c) => text(language, "name-character", &[("character", c.to_string())]),
        NameError::Ending => text(language, "name-ending", &[]),
        NameError::Reserved => text(language, "name-reserved", &[]),
        NameError::ServersOwn => text(language, "name-of-server", &[]),
    }
}

/// What a password lacks, in words.
#[must_use]
pub fn lacks(language: Language, lacks: &[PasswordDefect]) -> String {
    let words = lacks.iter().map(|lack| match lack {
        PasswordDefect::Characters(number) => text(language, "lack-characters", &[("number", number.to_string())]),
        PasswordDefect::Capital => text(language, "lack-capital", &[]),
        PasswordDefect::Small => text(language, "lack-small", &[]),
        PasswordDefect::Digit => text(language, "lack-digit", &[]),
        PasswordDefect::Special => text(language, "lack-special", &[]),
        PasswordDefect::Variety => text(language, "lack-variety", &[]),
        PasswordDefect::OwnForm => text(language, "lack-own-form", &[]),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The sentence for what a calendar object lacks.
#[must_use]
pub fn reason(language: Language, reason: &Reason) -> String {
    text(language, &reason.key, &[("text", reason.of.clone())])
}

/// The sentences of conditions that say all there is to say.
static REFUSALS: [(Condition, &str); 69] = [
    (Condition::NeedPrivileges, "refused-privileges"),
    (Condition::QuotaNotExceeded, "refused-quota"),
    (Condition::PersonalPartsWithinLimits, "refused-personal-parts"),
    (Condition::TooDeep, "refused-too-deep"),
    (Condition::LockTokenSubmitted, "refused-locked"),
    (Condition::NoConflictingLock, "refused-locked"),
    (Condition::TooLarge, "refused-too-large"),
    (Condition::MaxResourceSize, "refused-too-large"),
    (Condition::SupportedCalendarComponent, "refused-component"),
    (Condition::NoUidConflict, "refused-uid"),
    (Condition::CalendarCollectionLocationOk, "refused-calendar-place"),
    (Condition::ResourceMustBeNull, "refused-there"),
    (Condition::AlreadyMapped, "refused-there"),
    (Condition::ValidResourceType, "refused-collection-kind"),
    (Condition::CannotModifyProtectedProperty, "refused-protected"),
    (Condition::SupportedCalendarData, "refused-calendar-type"),
    (Condition::ValidCalendarData, "refused-zone"),
    (Condition::ValidTimezone, "refused-zone-name"),
    (Condition::ValidFilter, "refused-filter"),
    (Condition::SupportedFilter, "refused-filter-unknown"),
    (Condition::SupportedCollation, "refused-collation"),
    (Condition::SupportedReport, "refused-report"),
    (Condition::ParentMissing, "refused-parent"),
    (Condition::NotFound, "refused-not-found"),
    (Condition::CannotHold, "refused-place"),
    (Condition::MethodNotAllowed, "refused-place"),
    (Condition::PropfindFiniteDepth, "refused-depth"),
    (Condition::ValidSyncToken, "refused-token"),
    (Condition::BadBody, "refused-incomplete"),
    (Condition::LengthMismatch, "refused-incomplete"),
    (Condition::AddressWithQuery, "refused-query"),
    (Condition::ContentCoding, "refused-content-coding"),
    (Condition::TransferCoding, "refused-transfer-coding"),
    (Condition::DeletionsWithinLimits, "refused-deletions"),
    (Condition::OwnDeletionsWithinLimits, "refused-own-deletions"),
    (Condition::RestoredInItsHome, "refused-restore"),
    (Condition::VersionMissing, "refused-version"),
    (Condition::ChecksumMismatch, "refused-checksum"),
    (Condition::WorkWithinLimits, "refused-work"),
    (Condition::Busy, "refused-busy"),
    (Condition::SufficientDiskSpace, "refused-disk-full"),
    (Condition::ForeignOrigin, "refused-origin"),
    (Condition::TooManyLogins, "refused-logins"),
    (Condition::GrantOnly, "refused-grant-only"),
    (Condition::NoInvert, "refused-no-invert"),
    (Condition::NoAbstract, "refused-no-abstract"),
    (Condition::NotSupportedPrivilege, "refused-not-supported-privilege"),
    (Condition::RecognizedPrincipal, "refused-recognized-principal"),
    (Condition::AllowedPrincipal, "refused-allowed-principal"),
    (Condition::NoProtectedAceConflict, "refused-no-protected-ace-conflict"),
    (Condition::NoInheritedAceConflict, "refused-no-inherited-ace-conflict"),
    (Condition::LimitedNumberOfAces, "refused-limited-number-of-aces"),
    (Condition::InvitationExists, "refused-invitation"),
    (Condition::DefaultCalendarNeeded, "refused-default-calendar"),
    (Condition::ValidSchedulingMessage, "refused-scheduling-message"),
    (Condition::ValidOrganizer, "refused-organizer"),
    (Condition::UniqueSchedulingObjectResource, "refused-second-meeting"),
    (Condition::SameOrganizerInAllComponents, "refused-two-organizers"),
    (Condition::AllowedOrganizerChange, "refused-organizer-change"),
    (Condition::AllowedAttendeeChange, "refused-attendee-change"),
    (Condition::MailableRecurrence, "refused-mailable-recurrence"),
    (Condition::NoAceConflict, "refused-no-ace-conflict"),
    (Condition::ValidActionParameter, "refused-attachment-action"),
    (Condition::ValidRidParameter, "refused-attachment-occurrence"),
    (Condition::ValidManagedIdParameter, "refused-attachment-unknown"),
    (Condition::ValidManagedId, "refused-attachment-unknown"),
    (Condition::MaxAttachmentSize, "refused-attachment-size"),
    (Condition::MaxAttachmentsPerResource, "refused-attachment-number"),
    (Condition::MeetingsWithinLimits, "refused-many-meetings"),
];

/// The sentence for a refused request: what happened and what to do.
#[must_use]
pub fn refusal(language: Language, refusal: &Refusal) -> String {
    match &refusal.detail {
        Detail::Name(error) => return name_error(language, error),
        Detail::Text(sentence) => return sentence.clone(),
        Detail::Reason(reason) => return self::reason(language, reason),
        Detail::Taken(name) => return text(language, "refused-taken", &[("name", name.clone())]),
        _ => {}
    }
    let sentence = REFUSALS.iter().find(|(condition, _)| *condition == refusal.condition);
    sentence.map_or_else(String::new, |(_, key)| text(language, key, &[]))
}

#[cfg(test)]
mod tests {
    use super::{Language, text};

    fn keys(ftl: &str) -> Vec<&str> {
        let mut keys: Vec<&str> = ftl
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
            .collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn both_languages_have_every_sentence() {
        let (en, fr) = (include_str!("locales/en/main.ftl"), include_str!("locales/fr/main.ftl"));
        assert_eq!(keys(en), keys(fr));
        let every = [
            "address",
            "at",
            "bodies",
            "character",
            "data",
            "files",
            "folders",
            "holder",
            "host",
            "id",
            "kind",
            "label",
        ];
        let every = every
            .into_iter()
            .chain(["name", "number", "password", "path", "project", "role", "text", "url", "what", "why"])
            .chain(["date", "day", "end", "month", "start", "weekday", "year", "zone"]);
        let places: Vec<(&'static str, String)> = every.map(|place| (place, "x".to_owned())).collect();
        for key in keys(en) {
            for language in [Language::English, Language::French] {
                assert_ne!(text(language, key, &places), key);
            }
        }
    }

    #[test]
    fn preference() {
        use Language::{English, French};
        for (wanted, language) in [
            ("", English),
            ("fr", French),
            ("de, fr-FR;q=0.8", French),
            // The heavier one, wherever it stands; of two that weigh the same the first.
            ("de, fr-FR;q=0.8, en", English),
            ("en;q=0.7, fr;q=0.8", French),
            ("en-US, fr", English),
            ("fr-CA, en-US", French),
            // What weighs nothing is not wanted (RFC 9110 section 12.4.2).
            ("fr;q=0, en;q=0.1", English),
            ("en;q=0, fr;q=0.1", French),
            ("fr; q=0.2,en ;q=0.1", French),
            ("FR-fr", French),
            // Other languages whose tags begin alike: Northern Frisian, Middle English.
            ("frr, en", English),
            ("enm, fr", French),
            ("*", English),
            ("x, ,;q=1, fr", French),
            // Locales.
            ("fr_FR.UTF-8", French),
            ("fr_BE@euro", French),
            ("C.UTF-8", English),
            ("POSIX", English),
        ] {
            assert_eq!(Language::prefer(wanted), language, "{wanted:?}");
        }
    }
}
