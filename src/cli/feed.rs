//! `beffroi feed`: addresses that show a calendar to programs that can only subscribe.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{Terminal, instant, line, until};
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
                let path = feed::address(&secret, &calendar).href(false);
                let url = format!("{}{path}", public_url.unwrap_or_default().trim_end_matches('/'));
                line(&url);
                terminal.note("feed-hint", &[]);
                if let Some((_, rest)) = url.split_once("://") {
                    terminal.note("feed-hint-outlook", &[("url", &format!("webcal://{rest}"))]);
                }
            }
            Self::List { person, json } => {
                let moment = |at: Option<i64>| at.map_or(Value::Null, instant);
                let rows: Vec<Vec<Value>> = tree
                    .feeds(&person)
                    .await?
                    .iter()
                    .map(|feed| {
                        vec![
                            json!(format!("/calendars/{}/{}", feed.home, feed.calendar)),
                            json!(feed.detail.code()),
                            instant(feed.created_at),
                            moment(feed.expires_at),
                            moment(feed.fetched_at),
                            json!(feed.client),
                        ]
                    })
                    .collect();
                let columns = ["address", "detail", "created_at", "expires_at", "fetched_at", "client"];
                terminal.table(json, &columns, &rows)?;
            }
            Self::Revoke { person, address } => {
                tree.revoke_feed(&person, &address).await?;
                terminal.say("done-feed-revoked", &[("name", &person), ("address", &address)]);
            }
        }
        Ok(())
    }
}
