//! What is too much for an address within a day is listed in one mail; each meeting comes as it is when there is room
//! again.

use crate::model::error::{Failure, Result};
use crate::model::id::{Id, Timestamp};
use crate::model::job::NewJob;
use crate::model::mail::{Addressing, DIGEST, MailState, QueuedMail, WaitingMail};
use crate::store::body::{self, sha256};
use crate::store::mail;
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::edit::authority::Verb;
use crate::tree::edit::mail::token;

/// What the jobs are marked with.
pub(super) const KIND: &str = "mail-digest";
/// So long it waits for more to list, seconds: who plans much at once does so within this time.
const GATHERED_S: i64 = 600;
/// Each address gets one within this time.
const DAY_S: i64 = 86_400;
/// The most that are listed.
const MAX_LISTED: i64 = 200;

/// Has what is held back for an address listed.
pub(super) async fn enqueue(edit: &mut Edit, address: &str, at: Timestamp) -> Result<()> {
    let key = format!("{KIND}/{address}/{}", at.div_euclid(DAY_S));
    let due_at = at.saturating_add(GATHERED_S);
    edit.enqueue(NewJob { key: &key, kind: KIND, payload: address, due_at }).await
}

impl Tree {
    /// Queues the mail that lists what is held back for an address, once a day.
    pub(super) async fn queue_digest(&self, address: &str, at: Timestamp) -> Result<()> {
        let Some((mailer, from)) = self.mail.mailer.get().and_then(|mailer| Some((mailer, mailer.notices_from()?)))
        else {
            return Ok(());
        };
        let mut view = self.store.read().await?;
        if mail::digest_since(&mut view, address, at.saturating_sub(DAY_S)).await? {
            return Ok(());
        }
        let mut held = Vec::new();
        for mail in mail::waiting(&mut view, address, MAX_LISTED).await? {
            let Some(hash) = mail.message_hash.as_ref() else { continue };
            if let Some(message) = body::stored(&mut view, hash).await? {
                held.push(WaitingMail { mail, message });
            }
        }
        drop(view);
        let Some(last) = held.last() else { return Ok(()) };
        let Some(known) = Addressing::read(&last.mail.letter) else { return Ok(()) };
        let addressing = Addressing { from, reply_to: None, planner: None, is_update: false, ..known };
        let mut digest = QueuedMail {
            id: Id::generate(),
            event: Id::default(),
            sender: None,
            method: DIGEST.to_owned(),
            instances: String::new(),
            sequence: 0,
            round: 0,
            part: 0,
            token: token()?,
            state: MailState::Queued,
            attempt: 0,
            queued_at: at,
            letter: addressing.write(),
            message_hash: None,
            ..last.mail.clone()
        };
        let (mailer, made) = (mailer.clone(), digest.clone());
        let composed = tokio::task::spawn_blocking(move || mailer.digest(&made, &held)).await;
        let composed = composed.map_err(|died| Failure::new("composing a digest", died))?;
        let bytes = composed.map_err(|why| Failure::new("composing a digest", why))?;
        digest.content = sha256(&bytes);
        digest.mail_hash = Some(digest.content.clone());
        let mut edit = self.job_edit().await?;
        let txn = edit.statements(Verb::SendMail)?;
        body::insert(txn, &digest.content, &bytes, at).await?;
        mail::queue(txn, &digest).await?;
        edit.enqueue_mail(&digest, at).await?;
        edit.commit().await
    }
}
