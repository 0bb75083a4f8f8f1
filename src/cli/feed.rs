//! `beffroi feed`: addresses that show a calendar to programs that can only subscribe.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{SECRET_ADDRESS_COLUMNS, Terminal, line, secret_address, until, url_of};
use crate::model::calendar::{DETAILS, FeedDetail};
use crate::tree::{Tree, feed};

#[derive(Subcommand)]
pub(super) enum FeedCommand {
    /// Make an address that shows a calendar; it is printed alone on one line, this once
    Add {
        /// By whose rights
        person: String,
        /// Which: /calendars/NAME/CALENDAR
        address: String,
        /// How much of each event is shown
        #[arg(
            long,
            default_value = "busy",
            value_parser = PossibleValuesParser::new(DETAILS.iter().map(|(_, code)| *code)),
        )]
        detail: String,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// List a person's feeds, with what fetched them last
    List {
        /// Whose
        person: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a feed at once
    Revoke {
        /// Whose
        person: String,
        /// Of which calendar
        address: String,
    },
}

impl FeedCommand {
    /// `public_url` is the address by which clients know the server, where the settings say it.
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal, public_url: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Add { person, address, detail, until: end } => {
                let expires_at = end.as_deref().map(until).transpose()?;
                let detail = FeedDetail::from_code(&detail).unwrap_or(FeedDetail::Busy);
                let (secret, calendar) = tree.add_feed(&person, &address, detail, expires_at).await?;
                let url = url_of(public_url, &feed::address(&secret, &calendar).href(false));
                line(&url);
                terminal.note("feed-hint", &[]);
                if let Some((_, rest)) = url.split_once("://") {
                    terminal.note("feed-hint-outlook", &[("url", &format!("webcal://{rest}"))]);
                }
            }
            Self::List { person, json } => {
                let rows: Vec<Vec<Value>> = tree
                    .feeds(&person)
                    .await?
                    .iter()
                    .map(|feed| {
                        let address = json!(format!("/calendars/{}/{}", feed.home, feed.calendar));
                        [vec![address, json!(feed.detail.code())], secret_address(&feed.kept).to_vec()].concat()
                    })
                    .collect();
                terminal.table(json, &[&["address", "detail"][..], &SECRET_ADDRESS_COLUMNS].concat(), &rows)?;
            }
            Self::Revoke { person, address } => {
                tree.revoke_feed(&person, &address).await?;
                terminal.say("done-feed-revoked", &[("name", &person), ("address", &address)]);
            }
        }
        Ok(())
    }
}
