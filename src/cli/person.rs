//! `beffroi person`.

use std::io::Read as _;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::output::{Terminal, fault, instant};
use crate::model::calendar::{BUSY_AUDIENCES, BusyAudience};
use crate::model::id::Timestamp;
use crate::model::invitations::{INVITATION_CHANNELS, InvitationChannel, Reach};
use crate::model::principal::{Principal, PrincipalKind};
use crate::tree::Tree;
use crate::tree::administration::people::PersonChange;

#[derive(Subcommand)]
pub(super) enum PersonCommand {
    /// Add a person with a home
    Add {
        /// Name to log in with
        name: String,
        /// Name shown to people
        #[arg(long)]
        display_name: String,
        /// E-mail address; also accepted to log in
        #[arg(long)]
        email: String,
        /// Read an account password from standard input
        #[arg(long)]
        password_stdin: bool,
        /// How they hear of invitations; auto: by mail, too, where no program has read their calendar for 30 days
        #[arg(long, default_value = "auto", value_parser = channels())]
        invitations: String,
    },
    /// Give a person another shown name, address, account password or way to hear of invitations
    Set {
        /// Who
        name: String,
        /// Name shown to people
        #[arg(long)]
        display_name: Option<String>,
        /// E-mail address; also accepted to log in
        #[arg(long)]
        email: Option<String>,
        /// Read an account password from standard input
        #[arg(long)]
        password_stdin: bool,
        /// How they hear of invitations
        #[arg(long, value_parser = channels())]
        invitations: Option<String>,
        /// Who learns when they are busy: all of this server, or those alone to whom a role on a calendar was granted
        #[arg(long, value_parser = PossibleValuesParser::new(BUSY_AUDIENCES.map(|(_, code, _)| code)))]
        busy_times: Option<String>,
    },
    /// List people
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a person and what the home holds
    Show {
        /// Who
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Refuse log-in at once: devices, sessions, feeds and links stop
    Disable {
        /// Who
        name: String,
    },
    /// Allow log-in again
    Enable {
        /// Who
        name: String,
    },
    /// Remove a person: passwords, roles and home go at once
    Remove {
        /// Who
        name: String,
    },
}

const COLUMNS: [&str; 6] = ["name", "display_name", "email", "disabled_at", "invitations", "calendar_used_at"];

fn channels() -> PossibleValuesParser {
    PossibleValuesParser::new(INVITATION_CHANNELS.map(|(.., name)| name))
}

fn row(person: &Principal, reach: Reach) -> Vec<serde_json::Value> {
    let moment = |at: Option<Timestamp>| at.map_or(serde_json::Value::Null, instant);
    let email = person.addresses.first().and_then(|uri| uri.strip_prefix("mailto:"));
    vec![
        json!(person.name),
        json!(person.display_name),
        json!(email),
        moment(person.disabled_at),
        json!(reach.channel.name()),
        moment(reach.calendar_used_at),
    ]
}

impl PersonCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { name, display_name, email, password_stdin, invitations } => {
                let password = if password_stdin { Some(read_password()?) } else { None };
                let channel = InvitationChannel::from_name(&invitations).unwrap_or_default();
                let person = tree.add_invitee(&name, &display_name, &email, password, channel).await?;
                terminal.say("done-person", &[("name", &person.name)]);
            }
            Self::Set { name, display_name, email, password_stdin, invitations, busy_times } => {
                let busy_times = busy_times.and_then(|code| BusyAudience::from_code(&code));
                let invitations = invitations.as_deref().and_then(InvitationChannel::from_name);
                let is_nothing = display_name.is_none() && email.is_none() && !password_stdin;
                if is_nothing && invitations.is_none() && busy_times.is_none() {
                    return Err(fault("fault-nothing-set", &[]));
                }
                let password = if password_stdin { Some(read_password()?) } else { None };
                let change = PersonChange { display_name, email, password, invitations, busy_times };
                tree.set_person(&name, change).await?;
                terminal.say("done-set", &[("name", &name)]);
            }
            Self::List { json } => {
                let people = tree.list_principals(PrincipalKind::Person).await?;
                let reaches = tree.reaches().await?;
                let reach = |person: &Principal| reaches.get(&person.id).copied().unwrap_or_default();
                let rows: Vec<_> = people.iter().map(|person| row(person, reach(person))).collect();
                terminal.table(json, &COLUMNS, &rows)?;
            }
            Self::Show { name, json } => {
                let summary = tree.summary(PrincipalKind::Person, &name).await?;
                let mut columns = COLUMNS.to_vec();
                columns.extend(["used_bytes", "quota_bytes", "busy_times"]);
                let audience = tree.busy_audience(&name).await?;
                let mut cells = row(&summary.principal, tree.reach(summary.principal.id).await?);
                cells.extend([json!(summary.used_bytes), json!(summary.quota_bytes), json!(audience.code())]);
                terminal.table(json, &columns, &[cells])?;
            }
            Self::Disable { name } => {
                tree.set_disabled(&name, true).await?;
                terminal.say("done-disabled", &[("name", &name)]);
            }
            Self::Enable { name } => {
                tree.set_disabled(&name, false).await?;
                terminal.say("done-enabled", &[("name", &name)]);
            }
            Self::Remove { name } => {
                let meetings = tree.meetings_to_come(PrincipalKind::Person, &name).await?;
                tree.remove_person(&name).await?;
                terminal.say("done-removed", &[("name", &name)]);
                if meetings > 0 {
                    terminal.say("done-meetings-left", &[("name", &name), ("number", &meetings.to_string())]);
                }
            }
        }
        Ok(())
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() { Err(fault("fault-password", &[])) } else { Ok(password) }
}
