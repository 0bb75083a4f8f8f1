//! `beffroi device`.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::output::{Terminal, instant, until};
use crate::model::principal::DeviceScope;
use crate::tree::Tree;
use crate::tree::administration::devices::NewDevice;

#[derive(Subcommand)]
pub(super) enum DeviceCommand {
    /// Make a device password; it is printed alone on one line, this once
    Add {
        /// Whose
        person: String,
        /// What the person calls the device
        #[arg(long)]
        label: String,
        /// What it opens
        #[arg(long, default_value = "all", value_parser = PossibleValuesParser::new(["all", "calendars", "files"]))]
        scope: String,
        /// The one project that it opens, and nothing else
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// It only reads
        #[arg(long)]
        read_only: bool,
        /// It logs in by HTTP Digest, too, if `[login] dav_digest = true`; the database then holds the password itself
        #[arg(long)]
        digest: bool,
        /// When it ends: an RFC 3339 instant, or a date (its end)
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// List a person's devices
    List {
        /// Whose
        person: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a device password at once
    Revoke {
        /// Whose
        person: String,
        /// Which
        label: String,
    },
}

impl DeviceCommand {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::Add { person, label, scope, project, read_only, digest, until: end } => {
                let expires_at = end.as_deref().map(until).transpose()?;
                let scope = DeviceScope::from_name(&scope).unwrap_or(DeviceScope::All);
                let opens = NewDevice { scope, project: project.as_deref(), digest };
                let password = tree.add_device(&person, &label, opens, read_only, expires_at).await?;
                println!("{password}");
                terminal.note("device-hint", &[("label", &label), ("name", &person)]);
            }
            Self::List { person, json } => {
                let devices = tree.devices(&person).await?;
                let moment = |at: Option<i64>| at.map_or(Value::Null, instant);
                let rows: Vec<Vec<Value>> = devices
                    .iter()
                    .map(|device| {
                        vec![
                            json!(device.label),
                            json!(device.scope.name()),
                            json!(device.project.as_ref().map(|(_, name)| name)),
                            json!(device.read_only),
                            json!(device.digest),
                            instant(device.created_at),
                            moment(device.used_at),
                            json!(device.used_from),
                            json!(device.used_by),
                            moment(device.expires_at),
                        ]
                    })
                    .collect();
                let columns = [
                    "label",
                    "scope",
                    "project",
                    "read_only",
                    "digest",
                    "created_at",
                    "used_at",
                    "used_from",
                    "used_by",
                    "expires_at",
                ];
                terminal.table(json, &columns, &rows)?;
            }
            Self::Revoke { person, label } => {
                tree.revoke_device(&person, &label).await?;
                terminal.say("done-revoked", &[("name", &person), ("label", &label)]);
            }
        }
        Ok(())
    }
}
