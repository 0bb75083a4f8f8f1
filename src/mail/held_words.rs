//! What is said of mail that changes nothing. Of whose meeting it is nobody knows the language: it is said in both,
//! French first.

use crate::ical::itip::message::SchedulingMethod;
use crate::message::{Language, text};
use crate::tree::scheduling::incoming::{HeldMail, HeldReason, HeldText};
use crate::wording::one_line;

/// Each reason with the key of its sentence.
const REASONS: [(HeldReason, &str); 6] = [
    (HeldReason::Unsure, "held-unsure"),
    (HeldReason::NotInvited, "held-not-invited"),
    (HeldReason::NotOrganizer, "held-not-organizer"),
    (HeldReason::Invitation, "held-invitation"),
    (HeldReason::Unreadable, "held-unreadable"),
    (HeldReason::FromOneOn, "held-from-one-on"),
];

/// What a mail says, by what it wants and how it answers; of what is not here the last holds.
const SAID: [(SchedulingMethod, &str, &str); 7] = [
    (SchedulingMethod::Reply, "ACCEPTED", "held-said-accepted"),
    (SchedulingMethod::Reply, "DECLINED", "held-said-declined"),
    (SchedulingMethod::Reply, "TENTATIVE", "held-said-tentative"),
    (SchedulingMethod::Counter, "", "held-said-proposes"),
    (SchedulingMethod::Request, "", "held-said-invites"),
    (SchedulingMethod::Cancel, "", "held-said-cancels"),
    (SchedulingMethod::Refresh, "", "held-said-asks"),
];

/// The words for a mail.
pub(super) fn held_text(held: HeldMail<'_>) -> HeldText {
    let reason = REASONS.iter().find(|(reason, _)| *reason == held.reason).map_or("held-unsure", |(_, key)| key);
    let answer = held.answer.unwrap_or_default();
    let said = SAID.iter().find(|(method, said, _)| *method == held.method && *said == answer);
    let said = said.map_or("held-said-something", |(_, _, key)| key);
    let in_both = |key: &str, places: &dyn Fn(Language) -> Vec<(&'static str, String)>| {
        [Language::French, Language::English].map(|language| text(language, key, &places(language))).join(" / ")
    };
    let author = |language| match held.author {
        Some(author) => one_line(author),
        None => text(language, "held-nobody", &[]),
    };
    let places = |language| vec![("author", author(language)), ("said", text(language, said, &[]))];
    HeldText { name: in_both("held-name", &places), remark: in_both(reason, &places) }
}

#[cfg(test)]
mod tests {
    use super::{REASONS, SAID, held_text};
    use crate::ical::itip::message::SchedulingMethod;
    use crate::tree::scheduling::incoming::HeldMail;

    #[test]
    fn each_reason_has_its_sentence_in_both_languages() {
        let of = |author, reason, method, answer| held_text(HeldMail { reason, author, method, answer });
        for (reason, key) in REASONS {
            for (method, answer, said) in SAID {
                let words = of(Some("eve@x.fr"), reason, method, Some(answer).filter(|answer| !answer.is_empty()));
                let all = format!("{} {}", words.name, words.remark);
                assert!(!all.contains(key) && !all.contains(said) && !all.contains("{ $"), "{all}");
                assert!(words.remark.contains(" / ") && words.remark.matches("eve@x.fr").count() >= 2, "{all}");
            }
        }
        let nobody = of(None, REASONS[0].0, SchedulingMethod::Add, None);
        assert!(nobody.name.contains("Pas sûr de qui") && nobody.name.contains("Not sure who"), "{nobody:?}");
    }
}
