//! `beffroi delegate`.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{Terminal, instant, until};
use crate::model::privilege::{DELEGATE_LEVELS, Role};
use crate::tree::Tree;
use crate::tree::administration::Grant;
use crate::tree::administration::delegates::Delegation;

#[derive(Subcommand)]
pub(super) enum DelegateCommand {
    /// Let someone read a person's calendars, or keep them, in place of what they might before
    Add {
        /// Whose calendars
        person: String,
        /// Whom, a person or a group
        delegate: String,
        /// What the delegate may do
        #[arg(long, value_parser = PossibleValuesParser::new(DELEGATE_LEVELS.map(|(_, code)| code)))]
        level: String,
        /// Private and confidential events are seen, too
        #[arg(long)]
        private: bool,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// End it at once
    Remove {
        /// Whose calendars
        person: String,
        /// Whom
        delegate: String,
    },
    /// List a person's delegates
    List {
        /// Whose
        person: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

const COLUMNS: [&str; 6] = ["name", "display_name", "kind", "level", "private", "until"];

impl DelegateCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { person, delegate, level, private, until: end } => {
                let until = end.as_deref().map(until).transpose()?;
                let role = DELEGATE_LEVELS.iter().find(|(_, code)| *code == level);
                let role = role.map_or(Role::Reader, |(role, _)| *role);
                let delegation = Delegation { role, until, sees_private: private };
                tree.add_delegate(&person, &delegate, delegation).await?;
                terminal.say("done-delegate", &[("delegate", &delegate), ("name", &person)]);
            }
            Self::Remove { person, delegate } => {
                tree.remove_delegate(&person, &delegate).await?;
                terminal.say("done-delegate-removed", &[("delegate", &delegate), ("name", &person)]);
            }
            Self::List { person, json } => {
                let delegates = tree.delegates(&person).await?;
                let row = |grant: &Grant| {
                    let level = DELEGATE_LEVELS.iter().find(|(role, _)| *role == grant.role).map(|(_, code)| *code);
                    vec![
                        json!(grant.principal),
                        json!(grant.display_name),
                        json!(grant.kind.code()),
                        json!(level),
                        json!(grant.sees_private),
                        grant.until_at.map_or(Value::Null, instant),
                    ]
                };
                let rows: Vec<Vec<Value>> = delegates.iter().map(row).collect();
                terminal.table(json, &COLUMNS, &rows)?;
            }
        }
        Ok(())
    }
}
