//! `beffroi group`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{Terminal, line};
use crate::model::principal::{Principal, PrincipalKind};
use crate::tree::Tree;

#[derive(Subcommand)]
pub(super) enum GroupCommand {
    /// Add a group that nobody is in yet
    Add {
        /// Its name, also in addresses
        name: String,
        /// Name shown to people
        #[arg(long)]
        display_name: String,
    },
    /// Who is in a group
    #[command(subcommand)]
    Member(GroupMemberCommand),
    /// List groups
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a group, who is in it, and the groups that it is in
    Show {
        /// Which
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a group: what was granted to it ends at once
    Remove {
        /// Which
        name: String,
    },
}

#[derive(Subcommand)]
pub(super) enum GroupMemberCommand {
    /// Add a person or a group to a group
    Add {
        /// To which group
        group: String,
        /// Whom
        principal: String,
    },
    /// Take a person or a group out of a group
    Remove {
        /// Out of which group
        group: String,
        /// Whom
        principal: String,
    },
}

const COLUMNS: [&str; 2] = ["name", "display_name"];
const MEMBER_COLUMNS: [&str; 3] = ["name", "display_name", "kind"];

fn member(member: &Principal) -> Vec<Value> {
    vec![json!(member.name), json!(member.display_name), json!(member.kind.code())]
}

impl GroupCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { name, display_name } => {
                let group = tree.add_group(&name, &display_name).await?;
                terminal.say("done-group", &[("name", &group.name)]);
            }
            Self::Member(GroupMemberCommand::Add { group, principal }) => {
                tree.join_group(&group, &principal).await?;
                terminal.say("done-joined", &[("name", &principal), ("group", &group)]);
            }
            Self::Member(GroupMemberCommand::Remove { group, principal }) => {
                tree.leave_group(&group, &principal).await?;
                terminal.say("done-left", &[("name", &principal), ("group", &group)]);
            }
            Self::List { json } => {
                let groups = tree.list_principals(PrincipalKind::Group).await?;
                let rows: Vec<Vec<Value>> =
                    groups.iter().map(|group| vec![json!(group.name), json!(group.display_name)]).collect();
                terminal.table(json, &COLUMNS, &rows)?;
            }
            Self::Show { name, json } => show(tree, terminal, &name, json).await?,
            Self::Remove { name } => {
                tree.remove_group(&name).await?;
                terminal.say("done-group-removed", &[("name", &name)]);
            }
        }
        Ok(())
    }
}

async fn show(tree: &Tree, terminal: &Terminal, name: &str, json: bool) -> anyhow::Result<()> {
    let shown = tree.group(name).await?;
    if json {
        let names = MEMBER_COLUMNS.map(str::to_owned);
        let object = |principal: &Principal| -> Value { names.iter().cloned().zip(member(principal)).collect() };
        let members: Vec<Value> = shown.members.iter().map(object).collect();
        let groups: Vec<&String> = shown.groups.iter().map(|group| &group.name).collect();
        let object = json!({
            "name": shown.group.name,
            "display_name": shown.group.display_name,
            "members": members,
            "groups": groups,
        });
        line(&serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    let groups: Vec<&str> = shown.groups.iter().map(|group| group.name.as_str()).collect();
    let head = vec![json!(shown.group.name), json!(shown.group.display_name), json!(groups)];
    terminal.table(false, &["name", "display_name", "groups"], &[head])?;
    let members: Vec<_> = shown.members.iter().map(member).collect();
    terminal.table(false, &MEMBER_COLUMNS, &members)
}
