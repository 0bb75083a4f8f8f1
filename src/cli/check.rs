//! `beffroi check`.

use std::process::ExitCode;

use super::output::Terminal;
use crate::tree::Tree;

/// A line of progress each so many bodies.
const EVERY: u64 = 5_000;

pub(super) async fn run(tree: &Tree, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let mut told = 0;
    let report = tree
        .check(|bodies| {
            if bodies >= told + EVERY {
                told = bodies;
                terminal.note("progress-check", &[("bodies", &bodies.to_string())]);
            }
        })
        .await?;
    if report.damage.is_empty() {
        terminal.say("check-sound", &[("bodies", &report.bodies.to_string())]);
        return Ok(ExitCode::SUCCESS);
    }
    for damage in &report.damage {
        terminal.say("check-damage", &[("what", &damage.what), ("at", &damage.at)]);
    }
    terminal.note("check-damaged", &[]);
    Ok(ExitCode::FAILURE)
}
