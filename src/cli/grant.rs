//! `beffroi grant`: roles on a single calendar or folder. How roles are listed, here and elsewhere.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{Terminal, instant, until};
use crate::model::privilege::{ROLES, Role, RolePlace};
use crate::tree::Tree;
use crate::tree::administration::Grant;

#[derive(Subcommand)]
pub(super) enum GrantCommand {
    /// Give a person or a group a role on a calendar or folder and all in it, in place of the one held there before
    Add {
        /// Which: /calendars/NAME/CALENDAR or /files/NAME/FOLDER
        address: String,
        /// Whom; @everyone means all persons
        principal: String,
        /// Which
        #[arg(long, value_parser = PossibleValuesParser::new(codes()))]
        role: String,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Take someone's role
    Remove {
        /// On which calendar or folder
        address: String,
        /// Whose
        principal: String,
    },
    /// List roles granted on a calendar or folder itself
    List {
        /// Which
        address: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// The roles that may be given on a single collection.
fn codes() -> impl Iterator<Item = &'static str> {
    ROLES.iter().filter(|row| row.place != RolePlace::Project).map(|row| row.code)
}

impl GrantCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { address, principal, role, until: end } => {
                let until = end.as_deref().map(until).transpose()?;
                tree.grant(&address, &principal, Role::from_code(&role).unwrap_or(Role::Reader), until).await?;
                let role = terminal.text(&format!("role-{role}"), &[]);
                terminal.say("done-grant", &[("name", &principal), ("address", &address), ("role", &role)]);
            }
            Self::Remove { address, principal } => {
                tree.revoke(&address, &principal).await?;
                terminal.say("done-grant-removed", &[("name", &principal), ("address", &address)]);
            }
            Self::List { address, json } => {
                let rows: Vec<_> = tree.grants(&address).await?.iter().map(row).collect();
                terminal.table(json, &COLUMNS, &rows)?;
            }
        }
        Ok(())
    }
}

/// What is listed of a role.
pub(super) const COLUMNS: [&str; 7] = ["name", "display_name", "kind", "role", "until", "sponsor", "origin"];

pub(super) fn row(grant: &Grant) -> Vec<Value> {
    vec![
        json!(grant.principal),
        json!(grant.display_name),
        json!(grant.kind.code()),
        json!(grant.role.code()),
        grant.until_at.map_or(Value::Null, instant),
        json!(grant.sponsor),
        json!(grant.origin.name()),
    ]
}
