//! What becomes of a mail that came in.

use std::sync::Arc;

use bytes::Bytes;

use super::lmtp::{Delivery, TakeMail};
use super::receive::{MailEnvelope, MailPolicy, Received, ReceivedKind, RefusedMail, receive};
use crate::config::MailConfig;
use crate::tree::Tree;

/// Whose mail is read; `None`: there is no mail at all.
#[must_use]
pub fn policy(config: &MailConfig) -> Option<MailPolicy> {
    Some(MailPolicy { domain: config.domain.clone()?, trusted_authserv: config.trusted_authserv.clone() })
}

/// What a listener hands mail to.
#[must_use]
pub fn taker(tree: Tree, policy: MailPolicy) -> TakeMail {
    Arc::new(move |envelope, bytes| {
        let (tree, policy) = (tree.clone(), policy.clone());
        Box::pin(async move { take(&tree, &policy, Some(envelope), bytes).await })
    })
}

/// Takes a mail for one recipient.
pub async fn take(tree: &Tree, policy: &MailPolicy, envelope: Option<MailEnvelope>, bytes: Bytes) -> Delivery {
    let read = {
        let policy = policy.clone();
        // A large mail takes long to read.
        tokio::task::spawn_blocking(move || receive(&bytes, envelope, &policy)).await
    };
    let received = match read {
        Ok(Ok(received)) => received,
        Ok(Err(refused)) => {
            tracing::info!(%refused, "a mail was refused");
            return Delivery::Refused(refused);
        }
        Err(error) => {
            tracing::error!(%error, "reading a mail failed");
            return Delivery::Later;
        }
    };
    act(tree, received).await
}

async fn act(tree: &Tree, received: Received) -> Delivery {
    let recipient = received.recipient.as_str();
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
        ReceivedKind::Message(_) | ReceivedKind::Tnef => {
            tracing::warn!(recipient, "a message about a meeting came by mail, which nobody answers yet");
            Delivery::Refused(RefusedMail::NotYet)
        }
    }
}
