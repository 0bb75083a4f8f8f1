//! The jobs that send mail, one a row of `mail`. A mail is made once and kept, so that what may have left is sent again
//! byte for byte; that it may leave is written before it can. What came of it is reported to the meeting by a job of
//! its own.

use std::sync::{Arc, OnceLock};

use super::{Job, JobRow, Work, digest};
use crate::ical::itip::message::SchedulingMethod;
use crate::model::error::{Failure, Result};
use crate::model::id::{Id, Timestamp, now};
use crate::model::job::NewJob;
use crate::model::mail::{MailOutcome, MailState, QueuedMail, SendOutcome, WaitingMail, token_of_part};
use crate::model::mailbox::Mailbox;
use crate::store::body::{self, sha256};
use crate::store::executor::Executor;
use crate::store::mail;
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::mail::SEND_MAIL;

/// The kind of the jobs that report what came of mail.
const REPORT_MAIL: &str = "mail-outcome";
/// For so long it is tried, seconds.
const TRIED_S: i64 = 2 * 86_400;
/// The first wait, and the longest, seconds.
const FIRST_WAIT_S: i64 = 30;
const LONGEST_WAIT_S: i64 = 4 * 3_600;
/// So many mails an address gets within a day; what is more waits, is superseded by what comes after it, and is listed
/// in one mail.
pub(super) const MAILS_PER_DAY: i64 = 50;
/// So many mails one person causes within a day, be they to as many people elsewhere: more than a meeting of a whole
/// town with all its changes. What is more waits, too: a stolen password is not to bring a town's domain onto the lists
/// of those who send what nobody wants.
pub(super) const MAILS_OF_SENDER_PER_DAY: i64 = 5_000;
const DAY_S: i64 = 86_400;
/// How long mail waits that is one too many, and mail that waits for one before it, seconds.
const HELD_S: i64 = 1_800;
const HELD_OF_SENDER_S: i64 = 4 * 3_600;
const BEHIND_S: i64 = 20;
const LONGEST_BEHIND_S: i64 = 900;
/// Mail is remembered for so long after its end, seconds.
const REMEMBERED_S: i64 = 60 * DAY_S;
const PAGE: i64 = 500;
/// What came of mail in the words of RFC 6638 section 7.3.
const SENT: &str = "1.1";
const GIVEN_UP: &str = "5.1";
const FAILED: &str = "5.2";

/// What makes mails and brings them to the next server.
pub trait Mailer: Send + Sync {
    /// Makes the mails that a message is sent as, the same bytes each time; `answer_token` is what their recipient
    /// answers by without an account. An error: why it cannot be sent.
    fn compose(
        &self,
        mail: &QueuedMail,
        message: &[u8],
        answer_token: &str,
    ) -> std::result::Result<Vec<Vec<u8>>, String>;

    /// Whom notices come from; without it there are no digests.
    fn notices_from(&self) -> Option<Mailbox>;

    /// Makes the mail that lists others, which are held back.
    fn digest(&self, mail: &QueuedMail, held: &[WaitingMail]) -> std::result::Result<Vec<u8>, String>;

    /// Sends one.
    fn send(&self, mail: &QueuedMail, bytes: Vec<u8>) -> Sending;
}

/// An attempt to send a mail.
pub type Sending = std::pin::Pin<Box<dyn Future<Output = SendOutcome> + Send>>;
/// What lets a meeting say what came of the mail about it. It may be called twice with the same.
pub type ReportOutcomes = Box<dyn Fn(Tree, Vec<MailOutcome>) -> Work + Send + Sync>;

/// What mail needs of the layers above.
#[derive(Default)]
pub(in crate::tree) struct MailHooks {
    pub(super) mailer: OnceLock<Arc<dyn Mailer>>,
    report: OnceLock<ReportOutcomes>,
}

/// The kinds of jobs that need a mailer, and report what it says. Without one their rows wait.
pub static MAIL_JOBS: [JobRow; 3] = [
    once(digest::KIND, |tree, job| Box::pin(async move { tree.queue_digest(&job.payload, now()).await })),
    once(SEND_MAIL, |tree, job| Box::pin(async move { tree.send_mail(&job, now()).await })),
    once(REPORT_MAIL, |tree, job| Box::pin(async move { tree.report_mail(&job).await })),
];

const fn once(kind: &'static str, run: fn(Tree, Job) -> Work) -> JobRow {
    JobRow { kind, run, every_s: None, tries: 20 }
}

/// The kind of job that forgets old mail.
pub(super) const FORGET: JobRow = super::recurring("mail-forget", DAY_S, |tree, _| {
    Box::pin(async move { super::done("mails forgotten", tree.forget_mail(now()).await?) })
});

impl Tree {
    /// Says who makes and sends mail; the first counts.
    pub fn set_mailer(&self, mailer: Arc<dyn Mailer>) {
        let _ = self.mail.mailer.set(mailer);
    }

    /// Says who is given what came of mail; the first counts.
    pub fn on_mail_outcome(&self, report: impl Fn(Self, Vec<MailOutcome>) -> Work + Send + Sync + 'static) {
        let _ = self.mail.report.set(Box::new(report));
    }

    /// All mail about a calendar object, in the order in which it was queued.
    pub async fn mail_about(&self, event: Id) -> Result<Vec<QueuedMail>> {
        Ok(mail::of_event(&mut self.store.read().await?, event).await?)
    }

    /// Sends the mail of a job at a moment, unless it has to wait.
    pub async fn send_mail(&self, job: &Job, at: Timestamp) -> Result<()> {
        let Some(mailer) = self.mail.mailer.get() else {
            return Err(Failure::new("sending mail", "nobody is set who does").into());
        };
        let Some((id, attempt)) = job.payload.split_once(' ') else { return Ok(()) };
        let (Ok(id), Ok(attempt)) = (id.parse().map(Id), attempt.parse::<i64>()) else { return Ok(()) };
        let mut snapshot = self.store.read().await?;
        let found = mail::by_id(&mut snapshot, id).await?;
        let Some(mail) = found.filter(|mail| mail.finished_at.is_none() && mail.attempt == attempt) else {
            return Ok(());
        };
        let held_for = held_for(&mut snapshot, &mail, at).await?;
        if at.saturating_sub(mail.queued_at) > TRIED_S && held_for.is_none() {
            drop(snapshot);
            let reason = mail.reason.as_deref().unwrap_or("it could not be sent for two days");
            return self.finish_mail(&mail, MailState::Refused, at, GIVEN_UP, reason).await;
        }
        if mail::waits_for_another(&mut snapshot, &mail, at.saturating_sub(TRIED_S)).await? {
            // The longer it waits, the more rarely it looks: what is before it is tried as rarely.
            let wait_s = (at.saturating_sub(mail.queued_at) / 2).clamp(BEHIND_S, LONGEST_BEHIND_S);
            return self.put_mail_off(&mail, mail.state, at.saturating_add(wait_s)).await;
        }
        if let Some(reason) = held_for {
            drop(snapshot);
            return self.hold_mail(&mail, reason, at).await;
        }
        let hash = mail.mail_hash.as_ref().or(mail.message_hash.as_ref());
        let (kept, why) = match hash {
            Some(hash) => (body::stored(&mut snapshot, hash).await?, "its content is lost"),
            None => (None, "it is too large to be mailed"),
        };
        drop(snapshot);
        let Some(kept) = kept else {
            return self.finish_mail(&mail, MailState::Refused, at, GIVEN_UP, why).await;
        };
        let bytes = match mail.mail_hash {
            Some(_) => kept.to_vec(),
            None => match self.compose_aside(mailer, &mail, kept).await? {
                Ok(made) => match self.keep_made(&mail, made, at).await? {
                    Some(first) => first,
                    None => return Ok(()),
                },
                Err(reason) => return self.finish_mail(&mail, MailState::Refused, at, GIVEN_UP, &reason).await,
            },
        };
        self.send_bytes(mailer, &mail, bytes, at).await
    }

    async fn compose_aside(
        &self,
        mailer: &Arc<dyn Mailer>,
        mail: &QueuedMail,
        message: bytes::Bytes,
    ) -> Result<std::result::Result<Vec<Vec<u8>>, String>> {
        let (mailer, mail, token) = (Arc::clone(mailer), mail.clone(), self.answer_token(mail));
        let composed = tokio::task::spawn_blocking(move || mailer.compose(&mail, &message, &token)).await;
        Ok(composed.map_err(|died| Failure::new("composing a mail", died))?)
    }

    /// Writes that a mail may leave, and lets it.
    async fn send_bytes(
        &self,
        mailer: &Arc<dyn Mailer>,
        mail: &QueuedMail,
        bytes: Vec<u8>,
        at: Timestamp,
    ) -> Result<()> {
        let mut edit = self.job_edit().await?;
        let txn = edit.statements(Verb::SendMail)?;
        let holds = mail::set_state(txn, mail, MailState::Sending, mail.attempt).await?;
        edit.commit().await?;
        if !holds {
            return Ok(());
        }
        let age_s = at.saturating_sub(mail.queued_at);
        let next = now().max(at).saturating_add(age_s.clamp(FIRST_WAIT_S, LONGEST_WAIT_S));
        match mailer.send(mail, bytes).await {
            SendOutcome::Accepted => self.finish_mail(mail, MailState::Accepted, now().max(at), SENT, "").await,
            SendOutcome::Refused(reason) => {
                tracing::warn!(address = mail.address, reason, "a mail was refused");
                self.finish_mail(mail, MailState::Refused, now().max(at), FAILED, &reason).await
            }
            SendOutcome::Later(reason) => {
                tracing::warn!(address = mail.address, reason, "a mail was not taken; it is tried again");
                // What once was in doubt stays so.
                let state = if mail.state == MailState::Queued { MailState::Queued } else { MailState::InDoubt };
                self.put_mail_off(mail, state, next).await
            }
            SendOutcome::InDoubt(reason) => {
                tracing::warn!(
                    address = mail.address,
                    reason,
                    "a mail may have been taken; it is sent again as it was"
                );
                self.put_mail_off(mail, MailState::InDoubt, next).await
            }
        }
    }

    /// Keeps the mails that a message is sent as, each a row of its own; the bytes of the first.
    async fn keep_made(&self, mail: &QueuedMail, made: Vec<Vec<u8>>, at: Timestamp) -> Result<Option<Vec<u8>>> {
        let mut edit = self.job_edit().await?;
        let mut others = Vec::new();
        let txn = edit.statements(Verb::SendMail)?;
        for (part, bytes) in (0..).zip(&made) {
            let hash = sha256(bytes);
            body::insert(txn, &hash, bytes, at).await?;
            if part == 0 {
                mail::made(txn, mail.id, &hash).await?;
                continue;
            }
            let (id, token) = (Id::generate(), token_of_part(&mail.token, part));
            let other =
                QueuedMail { id, token, part, attempt: 0, mail_hash: Some(hash), message_hash: None, ..mail.clone() };
            mail::queue(txn, &other).await?;
            others.push(other);
        }
        for other in &others {
            edit.enqueue_mail(other, at).await?;
        }
        edit.commit().await?;
        Ok(made.into_iter().next())
    }

    /// Has a mail sent later, by another job.
    async fn put_mail_off(&self, mail: &QueuedMail, state: MailState, due_at: Timestamp) -> Result<()> {
        let mut edit = self.job_edit().await?;
        let next = QueuedMail { attempt: mail.attempt + 1, ..mail.clone() };
        if mail::set_state(edit.statements(Verb::SendMail)?, mail, state, next.attempt).await? {
            edit.enqueue_mail(&next, due_at).await?;
        }
        edit.commit().await
    }

    /// Has a mail wait that is one too many. Who gets too many has them listed; who sends too many reads on each
    /// attendee that the message is pending (RFC 6638 section 3.2.9.1).
    async fn hold_mail(&self, mail: &QueuedMail, reason: HeldFor, at: Timestamp) -> Result<()> {
        if mail.attempt == 0 {
            let QueuedMail { address, sender, .. } = mail;
            tracing::warn!(address, ?sender, ?reason, "enough was sent for a day: mail waits");
        }
        let mut edit = self.job_edit().await?;
        let next = QueuedMail { attempt: mail.attempt + 1, ..mail.clone() };
        let txn = edit.statements(Verb::SendMail)?;
        if mail::set_state(txn, mail, mail.state, next.attempt).await? {
            mail::hold(txn, mail, at).await?;
            match reason {
                HeldFor::Address => {
                    edit.enqueue_mail(&next, at.saturating_add(HELD_S)).await?;
                    digest::enqueue(&mut edit, &mail.address, at).await?;
                }
                HeldFor::Sender => edit.enqueue_mail(&next, at.saturating_add(HELD_OF_SENDER_S)).await?,
            }
        }
        edit.commit().await
    }

    async fn finish_mail(
        &self,
        mail: &QueuedMail,
        state: MailState,
        at: Timestamp,
        status: &str,
        reason: &str,
    ) -> Result<()> {
        let mut edit = self.job_edit().await?;
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(super::MAX_ERROR_CHARS).collect();
        mail::finish(edit.statements(Verb::SendMail)?, mail.id, state, at, status, &reason).await?;
        edit.report_later(mail, status, at).await?;
        edit.commit().await
    }

    /// A mail came back; `false`: none of ours.
    pub async fn mail_came_back(&self, token: &str, is_final: bool, reason: &str) -> Result<bool> {
        let found = mail::by_token(&mut self.store.read().await?, token).await?;
        let Some(mail) = found.filter(|mail| mail.state != MailState::Queued) else { return Ok(false) };
        let status = if is_final { FAILED } else { GIVEN_UP };
        if mail.state != MailState::Refused {
            self.finish_mail(&mail, MailState::Refused, now(), status, reason).await?;
        }
        Ok(true)
    }

    /// Reports what came of the mail about a calendar object.
    async fn report_mail(&self, job: &Job) -> Result<()> {
        let event = Id(job.payload.parse().unwrap_or_default());
        let rows = mail::unreported(&mut self.store.read().await?, event, PAGE).await?;
        let outcomes: Vec<MailOutcome> = rows.iter().filter_map(outcome_of).collect();
        match self.mail.report.get() {
            Some(report) if !outcomes.is_empty() => report(self.clone(), outcomes).await?,
            _ => tracing::info!(?outcomes, "mail came to its end"),
        }
        let mut edit = self.job_edit().await?;
        let txn = edit.statements(Verb::SendMail)?;
        for row in &rows {
            mail::report(txn, row).await?;
        }
        edit.commit().await
    }

    /// Forgets what nobody asks for any more.
    pub(super) async fn forget_mail(&self, at: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        loop {
            let mut edit = self.job_edit().await?;
            let (before, of_documents) = (at.saturating_sub(REMEMBERED_S), SchedulingMethod::Publish.name());
            let number = mail::forget(edit.statements(Verb::SendMail)?, before, of_documents, PAGE).await?;
            edit.commit().await?;
            forgotten += number;
            if number < PAGE.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

/// Whose mails of a day are too many with this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum HeldFor {
    /// Who gets it.
    Address,
    /// Who caused it.
    Sender,
}

/// Is a mail one too many? What may have left goes on, and so does what lists others.
async fn held_for(c: &mut impl Executor, mail: &QueuedMail, at: Timestamp) -> Result<Option<HeldFor>> {
    if mail.state != MailState::Queued || mail.is_digest() {
        return Ok(None);
    }
    let (since, of_documents) = (at.saturating_sub(DAY_S), SchedulingMethod::Publish.name());
    let ahead = mail::ahead_since(c, mail, since, of_documents, MAILS_OF_SENDER_PER_DAY).await?;
    Ok(match ahead {
        _ if ahead.from_sender >= MAILS_OF_SENDER_PER_DAY => Some(HeldFor::Sender),
        _ if ahead.to_address >= MAILS_PER_DAY => Some(HeldFor::Address),
        _ => None,
    })
}

fn outcome_of(row: &QueuedMail) -> Option<MailOutcome> {
    Some(MailOutcome {
        event: row.event,
        address: row.address.parse().ok()?,
        method: row.method.clone(),
        instances: row.instances.clone(),
        status: row.status.clone()?,
        reason: row.reason.clone().unwrap_or_default(),
    })
}

impl Edit {
    async fn report_later(&mut self, mail: &QueuedMail, status: &str, at: Timestamp) -> Result<()> {
        let (key, payload) = (format!("{REPORT_MAIL}/{}/{status}", mail.id), mail.event.to_string());
        self.enqueue(NewJob { key: &key, kind: REPORT_MAIL, payload: &payload, due_at: at }).await
    }
}
