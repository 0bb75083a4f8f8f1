//! `beffroi freebusy`: addresses at which Outlook looks up when people and rooms are busy.

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{SECRET_ADDRESS_COLUMNS, Terminal, line, secret_address, until, url_of};
use crate::model::path::FREEBUSY;
use crate::tree::Tree;

#[derive(Subcommand)]
pub(super) enum FreeBusyCommand {
    /// Make an address; it is printed alone on one line, this once, as the template that Outlook is given
    Add {
        /// For whom it is
        #[arg(long)]
        label: String,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// List the addresses, with what used them last
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End an address at once
    Revoke {
        /// Which
        label: String,
    },
}

impl FreeBusyCommand {
    /// `public_url` is the address by which clients know the server, where the settings say it.
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal, public_url: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Add { label, until: end } => {
                let expires_at = end.as_deref().map(until).transpose()?;
                let secret = tree.add_freebusy(&label, expires_at).await?;
                // Outlook puts the two parts of a mail address into it.
                line(&url_of(public_url, &format!("/{FREEBUSY}/{secret}/%NAME%@%SERVER%.ifb")));
                terminal.note("freebusy-hint", &[]);
            }
            Self::List { json } => {
                let addresses = tree.freebusy_addresses().await?;
                let row = |label: &str, kept| [vec![json!(label)], secret_address(kept).to_vec()].concat();
                let rows: Vec<Vec<Value>> = addresses.iter().map(|one| row(&one.label, &one.kept)).collect();
                terminal.table(json, &[&["label"][..], &SECRET_ADDRESS_COLUMNS].concat(), &rows)?;
            }
            Self::Revoke { label } => {
                tree.revoke_freebusy(&label).await?;
                terminal.say("done-freebusy-revoked", &[("label", &label)]);
            }
        }
        Ok(())
    }
}
