//! What the jobs need that send mail: letters made of what is queued, and the next server.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::bounce::envelope_sender;
use super::compose::{Letter, LetterHead, compose, compose_digest};
use super::smtp::SmtpClient;
use super::words::line;
use crate::config::MailConfig;
use crate::ical::invitation::{Mailing, letters};
use crate::ical::itip::booking_request::requested_uid;
use crate::ical::itip::message::SchedulingMessage;
use crate::ical::zone::Zone;
use crate::message::Language;
use crate::model::budget::Budget;
use crate::model::mail::{Addressing, QueuedMail, SendOutcome, WaitingMail, token_of_part};
use crate::model::mailbox::{MailAddress, MailDomain, Mailbox};
use crate::model::path::ANSWER;
use crate::tree::job::mail::{Mailer, Sending};

/// Who takes mail from us.
pub trait MailCarrier: Send + Sync {
    /// Takes one.
    fn carry(self: Arc<Self>, sender: MailAddress, recipient: MailAddress, bytes: Vec<u8>) -> Sending;
}

impl MailCarrier for SmtpClient {
    fn carry(self: Arc<Self>, sender: MailAddress, recipient: MailAddress, bytes: Vec<u8>) -> Sending {
        Box::pin(async move { self.send(&sender, &recipient, &bytes).await })
    }
}

/// A folder in which each mail is a file, to be looked at: it goes nowhere.
struct MailFolder(PathBuf);

impl MailCarrier for MailFolder {
    fn carry(self: Arc<Self>, sender: MailAddress, recipient: MailAddress, bytes: Vec<u8>) -> Sending {
        Box::pin(async move {
            let name = format!("{recipient} {sender}.eml").replace(['/', '\\'], "-");
            let place = self.0.join(name);
            let written = tokio::task::spawn_blocking(move || std::fs::write(place, bytes)).await;
            match written.map_err(std::io::Error::other).flatten() {
                Ok(()) => SendOutcome::Accepted,
                Err(error) => SendOutcome::Later(error.to_string()),
            }
        })
    }
}

/// Makes and sends mail.
pub struct MailOffice {
    /// The next server.
    pub server: Arc<dyn MailCarrier>,
    /// The domain of our addresses.
    pub domain: MailDomain,
    /// How people reach this server from outside; without it nobody can answer without an account.
    pub public_url: Option<String>,
    /// The zone in which floating times are read.
    pub zone: Zone,
    /// Whom notices come from.
    pub notices_from: Option<Mailbox>,
}

impl MailOffice {
    /// As the settings say; `None`: nothing goes out.
    pub fn of(config: &MailConfig, public_url: Option<String>) -> anyhow::Result<Option<Self>> {
        let (Some(domain), Some(server)) = (config.domain.clone(), config.smtp.clone()) else { return Ok(None) };
        // What cannot be read is said when one starts.
        config.password()?;
        let (config, notices_from) = (config.clone(), config.from.clone());
        let password = Arc::new(move || config.password().map_err(|error| format!("{error:#}")));
        let server = Arc::new(SmtpClient::new(server, password, domain.as_str()));
        Ok(Some(Self { notices_from, ..Self::with(server, domain, public_url) }))
    }

    /// Its mail goes nowhere.
    pub fn in_folder(folder: PathBuf, domain: MailDomain, public_url: String) -> Self {
        Self::with(Arc::new(MailFolder(folder)), domain, Some(public_url))
    }

    fn with(server: Arc<dyn MailCarrier>, domain: MailDomain, public_url: Option<String>) -> Self {
        Self { server, domain, public_url, zone: Zone::Known(TimeZone::system()), notices_from: None }
    }

    /// What a mail that is held back is about, on a line.
    fn listed(&self, held: &WaitingMail, language: Language) -> String {
        let budget = Budget::default();
        let message = SchedulingMessage::parse(&held.message).ok();
        let mailing = Mailing { planner: None, now: held.mail.queued_at, floating: &self.zone, budget: &budget };
        let made = message.and_then(|message| letters(&message, &mailing).ok()?.into_iter().next());
        let is_update = Addressing::read(&held.mail.letter).is_some_and(|addressing| addressing.is_update);
        made.map(|made| line(&made, language, is_update)).unwrap_or_default()
    }
}

impl Mailer for MailOffice {
    fn compose(&self, mail: &QueuedMail, message: &[u8], answer_token: &str) -> Result<Vec<Vec<u8>>, String> {
        let addressing = Addressing::read(&mail.letter).ok_or("it is not said to whom it goes")?;
        let message = SchedulingMessage::parse(message).map_err(|_| "its message cannot be read")?;
        let (planner, budget) = (addressing.planner.clone(), Budget::default());
        let mailing = Mailing { planner, now: mail.queued_at, floating: &self.zone, budget: &budget };
        let all = letters(&message, &mailing).map_err(|error| error.to_string())?;
        // How people reach this server is known from its settings alone: where it listens means nothing to them.
        let public_url = self.public_url.as_deref();
        // What a manager is asked for a room has no page: it is answered by mail, or in the room's calendar.
        let public_url = public_url.filter(|_| requested_uid(&message.object.uid).is_none());
        let answer_url = public_url.map(|url| format!("{}/{ANSWER}/{answer_token}", url.trim_end_matches('/')));
        let letters = (0..).zip(&all).map(|(part, invitation)| {
            let message_id = format!("{}@{}", token_of_part(&mail.token, part), self.domain);
            compose(&Letter {
                invitation,
                head: LetterHead {
                    to: &addressing.to,
                    from: &addressing.from,
                    reply_to: addressing.reply_to.as_ref(),
                    language: Language::prefer(&addressing.language),
                    message_id: &message_id,
                    date: mail.queued_at,
                },
                is_update: addressing.is_update || invitation.follows,
                answer_url: answer_url.as_deref(),
            })
            .map_err(|error| error.to_string())
        });
        letters.collect()
    }

    fn notices_from(&self) -> Option<Mailbox> {
        self.notices_from.clone()
    }

    fn digest(&self, mail: &QueuedMail, held: &[WaitingMail]) -> Result<Vec<u8>, String> {
        let addressing = Addressing::read(&mail.letter).ok_or("it is not said to whom it goes")?;
        let language = Language::prefer(&addressing.language);
        let listed: Vec<String> = held.iter().map(|held| self.listed(held, language)).collect();
        let message_id = format!("{}@{}", mail.token, self.domain);
        let head = LetterHead {
            to: &addressing.to,
            from: &addressing.from,
            reply_to: None,
            language,
            message_id: &message_id,
            date: mail.queued_at,
        };
        compose_digest(&head, &listed).map_err(|error| error.to_string())
    }

    fn send(&self, mail: &QueuedMail, bytes: Vec<u8>) -> Sending {
        let (server, sender) = (Arc::clone(&self.server), envelope_sender(&mail.token, &self.domain));
        let recipient = mail.address.parse::<MailAddress>();
        match (sender, recipient) {
            (Ok(sender), Ok(recipient)) => server.carry(sender, recipient, bytes),
            (Err(error), _) | (_, Err(error)) => {
                let refused = SendOutcome::Refused(error.to_string());
                Box::pin(async move { refused })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::tz::TimeZone;
    use mail_parser::MessageParser;

    use super::super::incoming::take;
    use super::super::lmtp::Delivery;
    use super::super::receive::{MailEnvelope, MailPolicy};
    use super::super::smtp::SmtpClient;
    use super::super::smtp_double::{Fate, SmtpDouble, Taken};
    use super::MailOffice;
    use crate::config::{SmtpSecurity, SmtpServer};
    use crate::ical::itip::booking_request::request_uid;
    use crate::ical::itip::message::SchedulingMessage;
    use crate::ical::zone::Zone;
    use crate::model::error::Cause;
    use crate::model::id::{Id, now};
    use crate::model::mail::{Addressing, MailOutcome};
    use crate::tree::Tree;
    use crate::tree::edit::mail::{MailOccasion, NewMail};
    use crate::tree::job::JobPoll;
    use crate::tree::job::mail::MAIL_JOBS;

    struct World {
        _folder: tempfile::TempDir,
        tree: Tree,
        double: SmtpDouble,
        outcomes: Arc<Mutex<Vec<MailOutcome>>>,
    }

    impl World {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let tree = Tree::open(folder.path(), true).await.unwrap();
            let double = SmtpDouble::new().await;
            let server = SmtpServer {
                host: "127.0.0.1".to_owned(),
                port: double.address.port(),
                user: None,
                security: SmtpSecurity::Offered,
            };
            tree.set_mailer(Arc::new(MailOffice {
                server: Arc::new(SmtpClient::new(server, Arc::new(|| Ok(None)), "agenda.ville.fr")),
                domain: "agenda.ville.fr".parse().unwrap(),
                public_url: Some("https://b.ville.fr/".to_owned()),
                zone: Zone::Known(TimeZone::get("Europe/Paris").unwrap()),
                notices_from: None,
            }));
            let outcomes = Arc::<Mutex<Vec<MailOutcome>>>::default();
            let heard = Arc::clone(&outcomes);
            tree.on_mail_outcome(move |_, came| {
                heard.lock().unwrap().extend(came);
                Box::pin(async { Ok(()) })
            });
            Self { _folder: folder, tree, double, outcomes }
        }

        async fn invite(&self, sequence: u32, rule: &str) {
            self.invite_to("u", sequence, rule).await;
        }

        async fn invite_to(&self, uid: &str, sequence: u32, rule: &str) {
            let text = format!(
                "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261120T080000Z\n\
                 SEQUENCE:{sequence}\nSUMMARY:Comité\nDTSTART;TZID=Europe/Paris:29991126T090000\nDURATION:PT1H\n{rule}\
                 ORGANIZER;CN=Projet Gymnase:mailto:gymnase+t@agenda.ville.fr\nATTENDEE:mailto:jean@ailleurs.fr\n\
                 END:VEVENT\nEND:VCALENDAR\n"
            );
            let message = SchedulingMessage::parse(text.as_bytes()).unwrap();
            let addressing = Addressing {
                to: "Jean Petit <jean@ailleurs.fr>".parse().unwrap(),
                from: "Marie Durand (Projet Gymnase) <gymnase+t@agenda.ville.fr>".parse().unwrap(),
                reply_to: Some("Marie Durand <marie@ville.fr>".parse().unwrap()),
                planner: Some("Marie Durand <marie@ville.fr>".parse().unwrap()),
                language: "fr".to_owned(),
                is_update: false,
            };
            let (whole, occasion) = (None, MailOccasion::Change);
            let new = NewMail { message: &message, whole, addressing: &addressing, occasion };
            self.tree.queue_mail(Id(5), &[new]).await.unwrap();
        }

        /// Works off what is due within some minutes, and what follows from it.
        async fn work(&self) -> Vec<Taken> {
            for row in &MAIL_JOBS {
                while self.tree.run_next(row, now() + 300).await.unwrap() == JobPoll::Again {}
            }
            self.double.taken()
        }

        /// What was reported since.
        fn statuses(&self) -> Vec<String> {
            let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
            outcomes.into_iter().map(|outcome| format!("{} {}", outcome.address, outcome.status)).collect()
        }
    }

    #[tokio::test]
    async fn an_invitation_goes_out_and_comes_back() {
        let world = World::new().await;
        world.invite(0, "").await;
        let taken = world.work().await;
        let [mail] = taken.as_slice() else { panic!("{taken:?}") };
        let read = MessageParser::default().parse(mail.content.as_bytes()).unwrap();
        let token = read.message_id().unwrap().split('@').next().unwrap().to_owned();
        assert_eq!(mail.sender, format!("bounce={token}@agenda.ville.fr"));
        assert_eq!(mail.recipient, "jean@ailleurs.fr");
        assert_eq!(read.subject(), Some("Invitation : Comité"));
        let plain = read.parts[2].text_contents().unwrap();
        let queued = world.tree.mail_about(Id(5)).await.unwrap();
        let link = format!("https://b.ville.fr/answer/{}", world.tree.answer_token(&queued[0]));
        assert!(plain.contains(&format!("{link}?answer=declined\r\n")), "{plain}");
        let html = read.parts[3].text_contents().unwrap();
        assert!(html.contains(&format!("href=\"{link}?answer=accepted\"")), "{html}");
        assert!(String::from_utf8_lossy(read.parts[4].contents()).contains("mailto:marie@ville.fr"));
        assert_eq!(world.statuses(), ["jean@ailleurs.fr 1.1"]);
        // The mail server of the recipient says that there is no such person.
        let news = include_str!("../../tests/it/received/bounce-failed.eml").replace('\n', "\r\n");
        let policy = MailPolicy { domain: "agenda.ville.fr".parse().unwrap(), trusted_authserv: None };
        let envelope = MailEnvelope { sender: None, recipient: mail.sender.parse().unwrap() };
        assert_eq!(take(&world.tree, &policy, Some(envelope), news.into()).await, Delivery::Taken);
        world.work().await;
        assert_eq!(world.statuses(), ["jean@ailleurs.fr 5.2"]);
        // What changes is an update.
        world.invite(1, "").await;
        let taken = world.work().await;
        let read = MessageParser::default().parse(taken[0].content.as_bytes()).unwrap();
        assert_eq!(read.subject(), Some("Mise à jour : Comité"));
    }

    /// There is no page for who decides for a room.
    #[tokio::test]
    async fn who_is_asked_about_a_room_answers_by_mail() {
        let world = World::new().await;
        for (uid, links) in [("u", true), (request_uid("u").as_str(), false)] {
            world.invite_to(uid, 0, "").await;
            let taken = world.work().await;
            let read = MessageParser::default().parse(taken[0].content.as_bytes()).unwrap();
            assert_eq!(read.parts[2].text_contents().unwrap().contains("/answer/"), links, "{uid}");
        }
    }

    /// Whatever the next server does, the same mail is the same bytes, and each of its answers has its end.
    #[tokio::test]
    async fn trouble_with_the_next_server_loses_and_changes_nothing() {
        let world = World::new().await;
        world.invite(0, "").await;
        world.double.next(&[
            Fate::Recipient("450 4.2.0 later"),
            Fate::DropBeforeContent,
            Fate::DropAfterDot,
            Fate::Content("451 4.3.0 not now"),
        ]);
        let taken = world.work().await;
        assert_eq!(taken.len(), 2, "{taken:?}");
        assert_eq!(taken[0], taken[1]);
        assert_eq!(world.statuses(), ["jean@ailleurs.fr 1.1"]);
        world.invite(1, "").await;
        world.double.next(&[Fate::Content("554 5.7.1 no")]);
        assert!(world.work().await.is_empty());
        assert_eq!(world.statuses(), ["jean@ailleurs.fr 5.2"]);
    }

    /// A series that Outlook cannot show goes out by its occurrences; of too many nothing goes out, and that is said.
    #[tokio::test]
    async fn strange_series_are_several_mails() {
        let world = World::new().await;
        world.invite(0, "RRULE:FREQ=DAILY;BYMONTH=11;COUNT=3\n").await;
        let taken = world.work().await;
        assert_eq!(taken.len(), 3);
        let senders: std::collections::BTreeSet<_> = taken.iter().map(|mail| &mail.sender).collect();
        assert_eq!(senders.len(), 3);
        world.statuses();
        world.invite(1, "RRULE:FREQ=DAILY;BYMONTH=11;COUNT=31\n").await;
        assert!(world.work().await.is_empty());
        let outcomes = std::mem::take(&mut *world.outcomes.lock().unwrap());
        assert!(outcomes[0].status == "5.1" && outcomes[0].reason.contains("30 occurrences"), "{outcomes:?}");
    }

    /// Whichever statement fails between queue and report, as it does when a process dies: nothing is lost, what went
    /// out twice is the same, and nothing goes out after that.
    #[tokio::test]
    async fn no_failure_loses_or_changes_a_mail() {
        let mut places = 0;
        loop {
            let world = World::new().await;
            world.invite(0, "").await;
            world.tree.script().fail(places, "", Cause::Fault);
            for row in &MAIL_JOBS {
                for _ in 0..4 {
                    let _ = world.tree.run_next(row, now() + 10).await;
                }
            }
            if world.tree.script().is_pending() {
                break;
            }
            let mut taken = world.double.taken();
            for later in [300, 900, 2_000] {
                for row in &MAIL_JOBS {
                    while world.tree.run_next(row, now() + later).await.unwrap() == JobPoll::Again {}
                }
            }
            taken.extend(world.double.taken());
            assert!((1..=2).contains(&taken.len()), "{places}: {}", taken.len());
            assert!(taken.iter().all(|mail| *mail == taken[0]), "{places}");
            assert_eq!(world.statuses().last().map(String::as_str), Some("jean@ailleurs.fr 1.1"), "{places}");
            assert!(world.work().await.is_empty(), "{places}");
            world.tree.close().await;
            places += 1;
        }
        assert!(places > 20, "{places}");
    }
}
