//! `beffroi imip`.

use std::io::Read as _;
use std::process::ExitCode;

use clap::Args;

use super::output::{Terminal, fault};
use crate::config::Config;
use crate::mail::incoming::{policy, take};
use crate::mail::lmtp::{Delivery, MAX_MAIL_BYTES};
use crate::tree::Tree;

#[derive(Args)]
pub(super) struct Imip {}

impl Imip {
    /// Fails when the message is not taken: whoever hands it over knows then that nothing came of it.
    pub(super) async fn run(self, tree: &Tree, config: &Config, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let Some(policy) = policy(&config.mail) else { return Err(fault("imip-no-domain", &[])) };
        let most = u64::try_from(MAX_MAIL_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let read = move || {
            let mut message = Vec::new();
            std::io::stdin().lock().take(most).read_to_end(&mut message).map(|_| message)
        };
        let message = tokio::task::spawn_blocking(read).await??;
        if message.len() > MAX_MAIL_BYTES {
            return Err(fault("refused-mail-size", &[]));
        }
        match take(tree, &policy, None, message.into()).await {
            Delivery::Taken => Ok(ExitCode::SUCCESS),
            Delivery::Refused(why) => {
                terminal.note(why.key(), &[]);
                Ok(ExitCode::FAILURE)
            }
            Delivery::Later => Err(fault("imip-later", &[])),
        }
    }
}
