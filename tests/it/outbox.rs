//! What a world mails: composed as it goes out, and taken by nobody but the test.

use std::sync::{Arc, Mutex};

use beffroi::config::MailConfig;
use beffroi::mail::outgoing::MailOffice;
use beffroi::model::id::now;
use beffroi::model::mail::{QueuedMail, SendOutcome, WaitingMail};
use beffroi::model::mailbox::Mailbox;
use beffroi::tree::job::JobPoll;
use beffroi::tree::job::mail::{MAIL_JOBS, Mailer, Sending};
use mail_parser::MessageParser;

use crate::kit::World;

/// A mail that went out.
#[derive(Clone, Debug)]
pub struct SentMail {
    /// To whom.
    pub to: String,
    /// What stands above it.
    pub subject: String,
    /// Its Message-ID.
    pub message_id: String,
    /// What people read.
    pub plain: String,
    /// What programs read, unfolded; nothing where it has none.
    pub calendar: String,
}

impl SentMail {
    fn of(to: &str, bytes: &[u8]) -> Self {
        let read = MessageParser::default().parse(bytes).unwrap();
        let calendar = read.parts.iter().find(|part| {
            let kind = mail_parser::MimeHeaders::content_type(*part);
            kind.is_some_and(|kind| kind.ctype() == "text" && kind.subtype() == Some("calendar"))
        });
        let calendar = calendar.map(|part| String::from_utf8_lossy(part.contents()).replace("\r\n ", ""));
        Self {
            to: to.to_owned(),
            subject: read.subject().unwrap_or_default().to_owned(),
            message_id: read.message_id().unwrap_or_default().to_owned(),
            plain: read.body_text(0).map(|text| text.replace("\r\n", "\n")).unwrap_or_default(),
            calendar: calendar.unwrap_or_default(),
        }
    }
}

/// Where the mail of a world ends.
pub struct Outbox(Arc<Taker>);

struct Taker {
    office: MailOffice,
    sent: Mutex<Vec<SentMail>>,
    outcome: Mutex<SendOutcome>,
}

impl Mailer for Taker {
    fn compose(&self, mail: &QueuedMail, message: &[u8], answer_token: &str) -> Result<Vec<Vec<u8>>, String> {
        self.office.compose(mail, message, answer_token)
    }

    fn notices_from(&self) -> Option<Mailbox> {
        self.office.notices_from()
    }

    fn digest(&self, mail: &QueuedMail, held: &[WaitingMail]) -> Result<Vec<u8>, String> {
        self.office.digest(mail, held)
    }

    fn send(&self, mail: &QueuedMail, bytes: Vec<u8>) -> Sending {
        let outcome = self.outcome.lock().unwrap().clone();
        if outcome == SendOutcome::Accepted {
            self.sent.lock().unwrap().push(SentMail::of(&mail.address, &bytes));
        }
        Box::pin(async move { outcome })
    }
}

/// The domain of the addresses of such worlds.
pub const DOMAIN: &str = "agenda.ville.example";

impl Outbox {
    /// A world with mail, and what takes it.
    pub async fn world() -> (World, Self) {
        let domain = || Some(DOMAIN.parse().unwrap());
        let world = World::with(|config| config.mail.domain = domain()).await;
        let config = MailConfig {
            domain: domain(),
            smtp: Some("smtp://127.0.0.1:25".parse().unwrap()),
            from: Some(format!("Beffroi <beffroi@{DOMAIN}>").parse().unwrap()),
            ..MailConfig::default()
        };
        let office = MailOffice::of(&config, Some("https://b.ville.example".to_owned())).unwrap().unwrap();
        let taker = Arc::new(Taker { office, sent: Mutex::default(), outcome: Mutex::new(SendOutcome::Accepted) });
        world.tree.set_mailer(taker.clone());
        world.tree.on_mail_outcome(|tree, came| Box::pin(async move { tree.show_mail_outcomes(came).await }));
        (world, Self(taker))
    }

    /// What becomes of mails from now on.
    pub fn answer(&self, outcome: SendOutcome) {
        *self.0.outcome.lock().unwrap() = outcome;
    }

    /// What goes out within some minutes, and what is reported of it.
    pub async fn work(&self, world: &World) -> Vec<SentMail> {
        self.work_at(world, now() + 300).await
    }

    /// The same at a moment.
    pub async fn work_at(&self, world: &World, at: i64) -> Vec<SentMail> {
        for row in &MAIL_JOBS {
            while world.tree.run_next(row, at).await.unwrap() == JobPoll::Again {}
        }
        std::mem::take(&mut *self.0.sent.lock().unwrap())
    }
}
