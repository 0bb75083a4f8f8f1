//! Addresses at which someone without an account answers about a meeting: who may answer about what stands in the
//! address itself, sealed by a key of the database. So there is one for each attendee of each meeting, for as long as
//! there is the meeting, and nothing of it is kept.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::id::Id;
use super::token::{Purpose, TAG, TokenSeal};

/// So many bytes of its hash distinguish an attendee from the others in a meeting.
const ATTENDEE: usize = 8;
/// What is sealed: the number of a calendar object, and an attendee.
const CONTENT: usize = 8 + ATTENDEE;

/// What an address opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerLink {
    /// The organizer's calendar object.
    pub event: Id,
    attendee: [u8; ATTENDEE],
}

impl AnswerLink {
    /// Of an attendee, whose calendar user address is given as it is compared.
    #[must_use]
    pub fn new(event: Id, attendee: &str) -> Self {
        Self { event, attendee: short_hash(attendee) }
    }

    /// Is it this attendee's?
    #[must_use]
    pub fn is_of(&self, attendee: &str) -> bool {
        self.attendee == short_hash(attendee)
    }
}

fn short_hash(attendee: &str) -> [u8; ATTENDEE] {
    let hash = Sha256::digest(attendee);
    std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
}

impl TokenSeal {
    /// The secret in an address: the same for the same attendee and meeting.
    #[must_use]
    pub fn answer_token(&self, link: &AnswerLink) -> String {
        let mut content = [link.event.0.to_be_bytes(), link.attendee].concat();
        let tag = self.tag(Purpose::Answer, &content);
        self.cover(&tag, &mut content);
        hex::encode([tag.as_slice(), &content].concat())
    }

    /// What a secret opens; `None`: nothing.
    #[must_use]
    pub fn read_answer_token(&self, token: &str) -> Option<AnswerLink> {
        let is_ours = token.len() == 2 * (TAG + CONTENT) && !token.bytes().any(|byte| byte.is_ascii_uppercase());
        let sealed = hex::decode(token).ok().filter(|_| is_ours)?;
        let (tag, content) = sealed.split_at_checked(TAG)?;
        let mut content = content.to_vec();
        self.cover(tag, &mut content);
        if !bool::from(self.tag(Purpose::Answer, &content).as_slice().ct_eq(tag)) {
            return None;
        }
        let (event, attendee) = content.split_at_checked(8)?;
        let event = Id(i64::from_be_bytes(event.try_into().ok()?));
        Some(AnswerLink { event, attendee: attendee.try_into().ok()? })
    }

    /// What a form on the page of a token bears: nobody makes one up who has not read the page.
    #[must_use]
    pub fn form_token(&self, token: &str) -> String {
        hex::encode(self.tag(Purpose::Form, token.as_bytes()))
    }

    /// Is it that of the page of a token?
    #[must_use]
    pub fn is_form_token(&self, token: &str, shown: &str) -> bool {
        self.form_token(token).as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerLink, TokenSeal};
    use crate::model::id::Id;

    const PAUL: &str = "mailto:paul@dehors.example";

    fn seal(key: u8) -> TokenSeal {
        TokenSeal::of("e1".into(), &key.to_string())
    }

    #[test]
    fn a_token_opens_one_meeting_for_one_attendee() {
        let link = AnswerLink::new(Id(7), PAUL);
        let token = seal(1).answer_token(&link);
        // Half of it is a seal of 128 bits; a backup that is restored knows the same links.
        assert_eq!((token.len(), seal(1).read_answer_token(&token)), (64, Some(link)));
        assert_eq!(TokenSeal::of("e2".into(), "1").read_answer_token(&token), Some(link));
        assert!(link.is_of(PAUL) && !link.is_of("mailto:eve@dehors.example"));
        let others = [AnswerLink::new(Id(8), PAUL), AnswerLink::new(Id(7), "mailto:eve@dehors.example")];
        assert!(others.iter().all(|other| seal(1).answer_token(other) != token));
        assert_eq!(seal(2).read_answer_token(&token), None);
    }

    #[test]
    fn nothing_else_is_a_token() {
        let token = seal(1).answer_token(&AnswerLink::new(Id(7), PAUL));
        for place in 0..token.len() {
            let mut other = token.clone();
            let one = if other.remove(place) == '0' { '1' } else { '0' };
            assert_eq!(seal(1).read_answer_token(&other), None);
            other.insert(place, one);
            assert_eq!(seal(1).read_answer_token(&other), None);
        }
        for other in ["", "é", &token.to_uppercase(), &format!("{token}00"), &"0".repeat(64), &"é".repeat(32)] {
            assert_eq!(seal(1).read_answer_token(other), None, "{other}");
        }
    }

    #[test]
    fn a_form_is_of_one_page() {
        let form = seal(1).form_token("a");
        assert!(form.len() >= 16 && seal(1).is_form_token("a", &form));
        for (key, token, shown) in [(1, "b", form.as_str()), (2, "a", form.as_str()), (1, "a", ""), (1, "a", "0")] {
            assert!(!seal(key).is_form_token(token, shown));
        }
    }
}
