//! `beffroi project`.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{Terminal, instant, size, until};
use crate::model::principal::PrincipalKind;
use crate::model::privilege::Role;
use crate::tree::Tree;

#[derive(Subcommand)]
pub(super) enum Project {
    /// Add a project with a home
    Add {
        /// Its name, also in addresses
        name: String,
        /// Name shown to people
        #[arg(long)]
        display_name: String,
        /// The most it may hold, such as 10GiB
        #[arg(long)]
        quota: Option<String>,
    },
    /// Roles of people
    #[command(subcommand)]
    Member(Member),
    /// List projects
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a project, what it holds and who has which role
    Show {
        /// Which
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Close a project: it is read from now on, no longer changed
    Close {
        /// Which
        name: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Member {
    /// Give someone a role, in place of the one held before
    Add {
        /// In which project
        project: String,
        /// Whom
        principal: String,
        /// Which
        #[arg(long, value_parser = PossibleValuesParser::new(["lead", "member", "reader"]))]
        role: String,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Take someone's role
    Remove {
        /// In which project
        project: String,
        /// Whose
        principal: String,
    },
}

impl Project {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { name, display_name, quota } => {
                let quota = quota.as_deref().map(size).transpose()?;
                let project = tree.add_project(&name, &display_name, quota).await?;
                terminal.say("done-project", &[("name", &project.name)]);
            }
            Self::Member(Member::Add { project, principal, role, until: end }) => {
                let until = end.as_deref().map(until).transpose()?;
                let granted = Role::from_code(&role).unwrap_or(Role::Reader);
                tree.add_member(&project, &principal, granted, until).await?;
                let role = terminal.text(&format!("role-{role}"), &[]);
                terminal.say("done-member", &[("name", &principal), ("project", &project), ("role", &role)]);
            }
            Self::Member(Member::Remove { project, principal }) => {
                tree.remove_member(&project, &principal).await?;
                terminal.say("done-member-removed", &[("name", &principal), ("project", &project)]);
            }
            Self::List { json } => {
                let projects = tree.list_principals(PrincipalKind::Project).await?;
                let rows: Vec<Vec<Value>> = projects
                    .iter()
                    .map(|p| vec![json!(p.name), json!(p.display_name), p.closed_at.map_or(Value::Null, instant)])
                    .collect();
                terminal.table(json, &["name", "display_name", "closed_at"], &rows)?;
            }
            Self::Show { name, json } => show(tree, terminal, &name, json).await?,
            Self::Close { name } => {
                tree.close_project(&name).await?;
                terminal.say("done-closed", &[("name", &name)]);
            }
        }
        Ok(())
    }
}

async fn show(tree: &Tree, terminal: &Terminal, name: &str, json: bool) -> anyhow::Result<()> {
    let summary = tree.summary(PrincipalKind::Project, name).await?;
    let closed_at = summary.principal.closed_at.map_or(Value::Null, instant);
    let members: Vec<Vec<Value>> = summary
        .grants
        .iter()
        .map(|grant| {
            vec![
                json!(grant.principal),
                json!(grant.display_name),
                json!(grant.role.code()),
                grant.until_at.map_or(Value::Null, instant),
            ]
        })
        .collect();
    let columns = ["name", "display_name", "role", "until"];
    if json {
        let members: Vec<Value> =
            members.into_iter().map(|row| columns.iter().map(|name| (*name).to_owned()).zip(row).collect()).collect();
        let object = json!({
            "name": summary.principal.name,
            "display_name": summary.principal.display_name,
            "closed_at": closed_at,
            "used_bytes": summary.used_bytes,
            "quota_bytes": summary.quota_bytes,
            "members": members,
        });
        println!("{}", serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    let head = vec![
        json!(summary.principal.name),
        json!(summary.principal.display_name),
        json!(summary.used_bytes),
        json!(summary.quota_bytes),
        closed_at,
    ];
    terminal.table(false, &["name", "display_name", "used_bytes", "quota_bytes", "closed_at"], &[head])?;
    terminal.table(false, &columns, &members)
}
