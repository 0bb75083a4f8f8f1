//! `beffroi check`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::output::Terminal;
use crate::message;
use crate::tree::Tree;

/// A line of progress each so many bodies.
const EVERY: u64 = 5_000;

#[derive(Args)]
pub(super) struct Check {
    /// List the calendar objects that would be refused today, too, each with the reason; they are served as they are
    #[arg(long)]
    calendars: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Only damage makes it fail: what was taken in former days is no damage.
    pub(super) async fn run(self, tree: &Tree, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut reported = 0;
        let report = tree
            .check(|bodies| {
                if bodies >= reported + EVERY {
                    reported = bodies;
                    terminal.note("progress-check", &[("bodies", &bodies.to_string())]);
                }
            })
            .await?;
        let judged = report.judged.iter().filter(|_| self.calendars);
        if self.json {
            let damage = report.damage.iter().map(|found| vec![json!(found.at), json!("damage"), json!(found.what)]);
            let judged = judged.map(|found| {
                let why = message::reason(terminal.language, &found.reason);
                vec![json!(found.address), json!(found.reason.code()), json!(why)]
            });
            let rows: Vec<Vec<Value>> = damage.chain(judged).collect();
            terminal.table(true, &["address", "reason", "text"], &rows)?;
        } else {
            for found in judged {
                let why = message::reason(terminal.language, &found.reason);
                terminal.say("check-judged", &[("address", &found.address), ("why", &why)]);
            }
            for damage in &report.damage {
                terminal.say("check-damage", &[("what", &damage.what), ("at", &damage.at)]);
            }
        }
        if !report.damage.is_empty() {
            terminal.note("check-damaged", &[]);
            return Ok(ExitCode::FAILURE);
        }
        if !self.json {
            terminal.say("check-sound", &[("bodies", &report.bodies.to_string())]);
        }
        Ok(ExitCode::SUCCESS)
    }
}
