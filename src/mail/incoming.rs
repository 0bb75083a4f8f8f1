//! What becomes of a mail that came in.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::held_words::held_text;
use super::lmtp::{Delivery, TakeMail};
use super::receive::{MailEnvelope, MailPolicy, Received, ReceivedKind, ReceivedMessage, RefusedMail, receive};
use crate::config::MailConfig;
use crate::model::condition::Condition;
use crate::model::error::Error;
use crate::model::hourly_rate::HourlyRate;
use crate::model::id::now;
use crate::tree::Tree;
use crate::tree::scheduling::incoming::{MailedMessage, MailedOutcome};

/// How many messages about meetings one author may send within an hour, which is what someone answers who was away for
/// long: what is more waits at the mail server before us. An author is who a mail says that it is from, for that is who
/// is acted for.
const MAILS_PER_HOUR: u32 = 100;

/// Whose mail is read; `None`: there is no mail at all.
#[must_use]
pub fn policy(config: &MailConfig) -> Option<MailPolicy> {
    Some(MailPolicy { domain: config.domain.clone()?, trusted_authserv: config.trusted_authserv.clone() })
}

/// What a listener hands mail to.
#[must_use]
pub fn taker(tree: Tree, policy: MailPolicy) -> TakeMail {
    let rate = Arc::new(HourlyRate::of(MAILS_PER_HOUR));
    Arc::new(move |envelope, bytes| {
        let (tree, policy, rate) = (tree.clone(), policy.clone(), Arc::clone(&rate));
        Box::pin(async move {
            let received = match read(&policy, Some(envelope), bytes).await {
                Ok(received) => received,
                Err(delivery) => return delivery,
            };
            let is_message = matches!(received.kind, ReceivedKind::Message(_) | ReceivedKind::Tnef);
            if let Some(author) = received.from.as_ref().filter(|_| is_message)
                && !rate.admits(author.as_str().to_ascii_lowercase(), now())
            {
                tracing::warn!(%author, "a mail has to wait: its author has sent too many within this hour");
                return Delivery::Later;
            }
            act(&tree, received).await
        })
    })
}

/// Takes a mail for one recipient.
pub async fn take(tree: &Tree, policy: &MailPolicy, envelope: Option<MailEnvelope>, bytes: Bytes) -> Delivery {
    match read(policy, envelope, bytes).await {
        Ok(received) => act(tree, received).await,
        Err(delivery) => delivery,
    }
}

/// A large mail takes long to read: not where others are served.
async fn read(policy: &MailPolicy, envelope: Option<MailEnvelope>, bytes: Bytes) -> Result<Received, Delivery> {
    // What is read takes several times its size: few at once.
    static READING: Semaphore = Semaphore::const_new(2);
    let _turn = READING.acquire().await;
    let policy = policy.clone();
    match tokio::task::spawn_blocking(move || receive(&bytes, envelope, &policy)).await {
        Ok(Ok(received)) => Ok(received),
        Ok(Err(refused)) => {
            tracing::info!(%refused, "a mail was refused");
            Err(Delivery::Refused(refused))
        }
        Err(error) => {
            tracing::error!(%error, "reading a mail failed");
            Err(Delivery::Later)
        }
    }
}

async fn act(tree: &Tree, received: Received) -> Delivery {
    let recipient = received.recipient.to_string();
    match received.kind {
        ReceivedKind::Bounce(bounce) => {
            match tree.mail_came_back(&bounce.token, bounce.is_final, &bounce.reason).await {
                Ok(known) => {
                    tracing::info!(known, reason = bounce.reason, "a mail came back");
                    Delivery::Taken
                }
                Err(error) => {
                    tracing::error!(%error, "that a mail came back cannot be noted");
                    Delivery::Later
                }
            }
        }
        ReceivedKind::Ignored(why) => {
            tracing::info!(recipient, ?why, "a mail was ignored");
            Delivery::Taken
        }
        ReceivedKind::Tnef => {
            tracing::warn!(recipient, "a calendar came in a form of Microsoft's own, which nobody else reads");
            match tree.show_unreadable(&received.recipient, received.from.as_ref(), held_text).await {
                Ok(true) => Delivery::Taken,
                Ok(false) => Delivery::Refused(RefusedMail::Calendar),
                Err(error) => {
                    tracing::error!(%error, "that a mail cannot be read could not be shown");
                    Delivery::Later
                }
            }
        }
        ReceivedKind::Message(message) => {
            let ReceivedMessage { message, is_from_party, is_vouched, is_judged } = *message;
            let Received { from, recipient, tag, .. } = received;
            let mailed =
                MailedMessage { message, from, recipient, tag, is_from_party, is_vouched, is_judged, words: held_text };
            match tree.take_mailed(mailed).await {
                Ok(MailedOutcome::Taken) => Delivery::Taken,
                Ok(MailedOutcome::Held(reason)) => {
                    tracing::warn!(?reason, "a message about a meeting changed nothing, and is shown in the inbox");
                    Delivery::Taken
                }
                Ok(MailedOutcome::Unknown) => Delivery::Refused(RefusedMail::NotHere),
                Err(Error::Refused(refusal)) if refusal.condition != Condition::Busy => {
                    tracing::warn!(?refusal, "a message about a meeting cannot be applied");
                    Delivery::Refused(RefusedMail::Calendar)
                }
                Err(error) => {
                    tracing::error!(%error, "a message about a meeting could not be taken");
                    Delivery::Later
                }
            }
        }
    }
}
