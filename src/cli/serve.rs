//! `beffroi serve`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::app::{Running, open_tree, start_logging, stop_signal};
use crate::config::Config;

#[derive(Args)]
pub(super) struct Serve {
    /// Address to listen on, more than once for several [default: 127.0.0.1:8008]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
}

impl Serve {
    pub(super) async fn run(self, data: &Path, mut config: Config) -> anyhow::Result<ExitCode> {
        start_logging(&config.log)?;
        if !self.listen.is_empty() {
            config.server.listen = self.listen;
        }
        let tree = open_tree(data, &config.store).await?;
        let running = Running::open(tree, config).await?;
        for address in &running.addresses {
            println!("ready: {}://{address}/", running.scheme);
        }
        std::io::stdout().flush()?;
        running.serve(stop_signal()).await;
        Ok(ExitCode::SUCCESS)
    }
}
