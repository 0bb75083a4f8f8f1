//! `beffroi project`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::grant::{COLUMNS, row};
use super::output::{Terminal, fault, instant, line, size, until};
use crate::model::principal::PrincipalKind;
use crate::model::privilege::Role;
use crate::model::version::EVERY;
use crate::tree::Tree;
use crate::tree::administration::AdministrationError;

#[derive(Subcommand)]
pub(super) enum ProjectCommand {
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
    /// Roles of people and groups
    #[command(subcommand)]
    Member(MemberCommand),
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
    /// Set what a project keeps, and how much one person may delete in a minute
    Retention(RetentionCommand),
    /// Let held deletions go on, of one person or of all
    Release {
        /// In which project
        name: String,
        /// Whose
        person: Option<String>,
    },
    /// Say whether each meeting of a project has a folder among its documents
    Meetings {
        /// Which
        name: String,
        /// Make a folder with each new meeting, and link both
        #[arg(long, value_parser = PossibleValuesParser::new(["yes", "no"]))]
        folders: String,
    },
    /// Close a project: it is read from now on, no longer changed
    Close {
        /// Which
        name: String,
    },
    /// Open a closed project again: roles are what they were
    Reopen {
        /// Which
        name: String,
    },
}

#[derive(Args)]
pub(super) struct RetentionCommand {
    /// Which
    name: String,
    /// Keep all versions of so many days (`all`: for ever)
    #[arg(long, value_name = "DAYS|all")]
    versions: Option<String>,
    /// Of older ones keep the last of each
    #[arg(long, value_parser = PossibleValuesParser::new(["day", "week", "month"]))]
    every: Option<String>,
    /// Empty the trash after so many days
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36500))]
    trash_days: Option<i64>,
    /// Keep synchronization tokens good for so many days
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36500))]
    sync_days: Option<i64>,
    /// Hold deletions of who deleted more than this share of the documents within a minute (100: never)
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i64).range(1..=100))]
    brake: Option<i64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub(super) enum MemberCommand {
    /// Give a person or a group a role, in place of the one held before
    Add {
        /// In which project
        project: String,
        /// Whom
        principal: String,
        /// Which
        #[arg(long, value_parser = PossibleValuesParser::new(["lead", "member", "partner", "reader"]))]
        role: String,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Who answers for a partner
        #[arg(long, value_name = "PERSON")]
        sponsor: Option<String>,
    },
    /// Take someone's role
    Remove {
        /// In which project
        project: String,
        /// Whose
        principal: String,
    },
}

impl ProjectCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { name, display_name, quota } => {
                let quota = quota.as_deref().map(size).transpose()?;
                let project = tree.add_project(&name, &display_name, quota).await?;
                terminal.say("done-project", &[("name", &project.name)]);
            }
            Self::Member(MemberCommand::Add { project, principal, role, until: end, sponsor }) => {
                let until = end.as_deref().map(until).transpose()?;
                match (Role::from_code(&role).unwrap_or(Role::Reader), sponsor.as_deref(), until) {
                    (Role::Partner, Some(sponsor), Some(until)) => {
                        tree.add_partner(&project, &principal, sponsor, until).await?;
                    }
                    (Role::Partner, ..) => return Err(AdministrationError::Partner.into()),
                    (_, Some(_), _) => return Err(AdministrationError::Sponsor.into()),
                    (role, None, until) => tree.add_member(&project, &principal, role, until).await?,
                }
                let role = terminal.text(&format!("role-{role}"), &[]);
                terminal.say("done-member", &[("name", &principal), ("project", &project), ("role", &role)]);
            }
            Self::Member(MemberCommand::Remove { project, principal }) => {
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
            Self::Retention(retention) => retention.run(tree, terminal).await?,
            Self::Release { name, person } => {
                let released = tree.release(&name, person.as_deref()).await?;
                terminal.say("done-release", &[("name", &name), ("number", &released.to_string())]);
            }
            Self::Meetings { name, folders } => {
                let folders = folders == "yes";
                tree.set_meeting_folders(&name, folders).await?;
                terminal.say(if folders { "done-folders" } else { "done-no-folders" }, &[("name", &name)]);
            }
            Self::Close { name } => {
                tree.close_project(&name).await?;
                terminal.say("done-closed", &[("name", &name)]);
            }
            Self::Reopen { name } => {
                tree.reopen_project(&name).await?;
                terminal.say("done-reopened", &[("name", &name)]);
            }
        }
        Ok(())
    }
}

impl RetentionCommand {
    async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        let mut kept = tree.retention(&self.name).await?;
        match self.versions.as_deref() {
            None => {}
            Some("all") => kept.versions_days = None,
            Some(text) => {
                let days = text.parse().ok().filter(|days| (0..=36_500).contains(days));
                kept.versions_days = Some(days.ok_or_else(|| fault("fault-days", &[("text", text)]))?);
            }
        }
        if let Some((every, _)) = self.every.and_then(|every| EVERY.iter().find(|(_, text)| *text == every)) {
            kept.every = *every;
        }
        kept.trash_days = self.trash_days.unwrap_or(kept.trash_days);
        kept.sync_days = self.sync_days.unwrap_or(kept.sync_days);
        kept.brake_percent = self.brake.unwrap_or(kept.brake_percent);
        tree.set_retention(&self.name, &kept).await?;
        let every = EVERY.iter().find(|(every, _)| *every == kept.every).map_or("day", |(_, text)| *text);
        let row = vec![
            kept.versions_days.map_or(json!("all"), |days| json!(days)),
            json!(every),
            json!(kept.trash_days),
            json!(kept.sync_days),
            json!(kept.brake_percent),
        ];
        let columns = ["versions_days", "every", "trash_days", "sync_days", "brake_percent"];
        terminal.table(self.json, &columns, &[row])
    }
}

async fn show(tree: &Tree, terminal: &Terminal, name: &str, json: bool) -> anyhow::Result<()> {
    let summary = tree.summary(PrincipalKind::Project, name).await?;
    let closed_at = summary.principal.closed_at.map_or(Value::Null, instant);
    let members: Vec<Vec<Value>> = summary.grants.iter().map(row).collect();
    let holds = tree.holds(name).await?;
    let meeting_folders = tree.has_meeting_folders(name).await?;
    if json {
        let members: Vec<Value> =
            members.into_iter().map(|row| COLUMNS.iter().map(|name| (*name).to_owned()).zip(row).collect()).collect();
        let held = holds.iter().map(|hold| json!({"name": hold.principal, "since": instant(hold.since_at)}));
        let held: Vec<_> = held.collect();
        let object = json!({
            "name": summary.principal.name,
            "display_name": summary.principal.display_name,
            "closed_at": closed_at,
            "used_bytes": summary.used_bytes,
            "quota_bytes": summary.quota_bytes,
            "meeting_folders": meeting_folders,
            "members": members,
            "held": held,
        });
        line(&serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    let head = vec![
        json!(summary.principal.name),
        json!(summary.principal.display_name),
        json!(summary.used_bytes),
        json!(summary.quota_bytes),
        closed_at,
        json!(meeting_folders),
    ];
    let columns = ["name", "display_name", "used_bytes", "quota_bytes", "closed_at", "meeting_folders"];
    terminal.table(false, &columns, &[head])?;
    terminal.table(false, &COLUMNS, &members)?;
    for hold in holds {
        terminal.note("held", &[("name", &hold.principal), ("project", name)]);
    }
    Ok(())
}
