//! How a person hears of meetings: in their calendar, by mail, or both.

use super::id::Timestamp;

/// By what people hear of invitations. The copy in their calendar is theirs, and follows whatever they choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InvitationChannel {
    /// In the calendar; by mail, too, where no program of theirs has read it for long.
    #[default]
    Auto,
    /// In the calendar alone.
    Calendar,
    /// By mail alone: their scheduling inbox gets no notices of invitations.
    Mail,
    /// Both.
    Both,
}

/// Each with its code in the database and its spelling in commands.
pub const INVITATION_CHANNELS: [(InvitationChannel, i64, &str); 4] = [
    (InvitationChannel::Auto, 0, "auto"),
    (InvitationChannel::Calendar, 1, "calendar"),
    (InvitationChannel::Mail, 2, "mail"),
    (InvitationChannel::Both, 3, "both"),
];

impl InvitationChannel {
    /// Code in the database.
    #[must_use]
    pub fn code(self) -> i64 {
        INVITATION_CHANNELS.iter().find(|(channel, ..)| *channel == self).map_or(0, |(_, code, _)| *code)
    }

    /// The one of a code; what is not known leaves it to the server.
    #[must_use]
    pub fn from_code(code: i64) -> Self {
        INVITATION_CHANNELS
            .iter()
            .find(|(_, known, _)| *known == code)
            .map(|(channel, ..)| *channel)
            .unwrap_or_default()
    }

    /// Spelling in commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        INVITATION_CHANNELS.iter().find(|(channel, ..)| *channel == self).map_or("auto", |(.., name)| name)
    }

    /// The one that commands spell so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        INVITATION_CHANNELS.iter().find(|(.., known)| *known == name).map(|(channel, ..)| *channel)
    }
}

/// How a person is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// What was chosen.
    pub channel: InvitationChannel,
    /// When a program of theirs last used their calendars, to the day.
    pub calendar_used_at: Option<Timestamp>,
}

/// A calendar that no program has read for so long is not looked at, seconds.
const UNREAD_S: i64 = 30 * 86_400;

impl Reach {
    /// Is their inbox notified of invitations?
    #[must_use]
    pub fn by_calendar(self) -> bool {
        self.channel != InvitationChannel::Mail
    }

    /// Are invitations mailed to them?
    #[must_use]
    pub fn by_mail(self, now: Timestamp) -> bool {
        match self.channel {
            InvitationChannel::Auto => self.calendar_used_at.is_none_or(|at| at.saturating_add(UNREAD_S) < now),
            InvitationChannel::Calendar => false,
            InvitationChannel::Mail | InvitationChannel::Both => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{INVITATION_CHANNELS, InvitationChannel, Reach};

    #[test]
    fn channels_are_read_as_they_are_written() {
        for (channel, code, name) in INVITATION_CHANNELS {
            assert_eq!(
                (InvitationChannel::from_code(code), InvitationChannel::from_name(name)),
                (channel, Some(channel))
            );
            assert_eq!((channel.code(), channel.name()), (code, name));
        }
        assert_eq!(InvitationChannel::from_code(9), InvitationChannel::Auto);
        assert_eq!(InvitationChannel::from_name("fax"), None);
    }

    #[test]
    fn whom_mail_reaches() {
        const DAY: i64 = 86_400;
        let now = 1000 * DAY;
        let reached = |channel, used_at| {
            let reach = Reach { channel, calendar_used_at: used_at };
            (reach.by_calendar(), reach.by_mail(now))
        };
        let (fresh, stale) = (Some(now - 30 * DAY), Some(now - 31 * DAY));
        for (used_at, mailed) in [(None, true), (stale, true), (fresh, false)] {
            assert_eq!(reached(InvitationChannel::Auto, used_at), (true, mailed));
            assert_eq!(reached(InvitationChannel::Calendar, used_at), (true, false));
            assert_eq!(reached(InvitationChannel::Mail, used_at), (false, true));
            assert_eq!(reached(InvitationChannel::Both, used_at), (true, true));
        }
    }
}
