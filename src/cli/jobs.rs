//! `beffroi jobs`: what the server has to do, and what it gave up.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Terminal, instant};
use crate::tree::Tree;

#[derive(Subcommand)]
pub(super) enum Jobs {
    /// List what is to be done: its key, its kind, how it stands, when it is due, how often it was tried, why it failed
    List {
        /// Only what was given up
        #[arg(long)]
        failed: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have a job done now, as if it had not been tried
    Retry(Retry),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Retry {
    /// Which, by its key
    key: Option<String>,
    /// All that failed: what was given up, and what waits for its next try
    #[arg(long)]
    all: bool,
}

impl Jobs {
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<()> {
        match self {
            Self::List { failed, json } => {
                let rows: Vec<Vec<Value>> = tree
                    .jobs()
                    .await?
                    .iter()
                    .filter(|job| !failed || job.failed_at.is_some())
                    .map(|job| {
                        vec![
                            json!(job.key),
                            json!(job.kind),
                            json!(job.state()),
                            instant(job.due_at),
                            json!(job.tries),
                            json!(job.error),
                        ]
                    })
                    .collect();
                terminal.table(json, &["key", "kind", "state", "due_at", "tries", "error"], &rows)?;
            }
            Self::Retry(Retry { key, .. }) => {
                let number = tree.retry_jobs(key.as_deref()).await?;
                terminal.say("done-jobs-retried", &[("number", &number.to_string())]);
            }
        }
        Ok(())
    }
}
