//! The command line: one file a command group. All that people read comes from `message`.

mod address;
mod calendar;
mod check;
mod delegate;
mod demo;
mod device;
mod directory;
mod feed;
mod files;
mod freebusy;
mod grant;
mod group;
mod help;
mod holidays;
mod imip;
mod jobs;
mod output;
mod past;
mod person;
mod project;
mod room;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::output::Terminal;
use crate::app;
use crate::config::Config;
use crate::message::Language;
use crate::tree::Tree;

/// Documents, calendars and meetings of public projects, over WebDAV and CalDAV.
#[derive(Parser)]
#[command(name = "beffroi", version, arg_required_else_help = true)]
struct Arguments {
    /// Data directory [default: $BEFFROI_DATA, else ./beffroi-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings [default: beffroi.toml in the data directory, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a temporary server with people, projects and documents, and print how to connect
    Demo(demo::Demo),
    /// Serve until SIGTERM; prints `ready: URL` on standard output once connections are accepted
    Serve(serve::Serve),
    /// People
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Device passwords
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Projects and their members
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Groups of people, and of groups
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Rooms and other things that are booked
    #[command(subcommand)]
    Room(room::RoomCommand),
    /// Roles on a single calendar or folder
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// Who reads or keeps a person's calendars for them
    #[command(subcommand)]
    Delegate(delegate::DelegateCommand),
    /// Addresses that show a calendar to programs that can only subscribe
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Addresses at which Outlook looks up when people and rooms are busy
    #[command(subcommand, name = "freebusy")]
    FreeBusy(freebusy::FreeBusyCommand),
    /// Calendars of holidays to offer
    #[command(subcommand)]
    Holidays(holidays::HolidaysCommand),
    /// Import documents or calendars
    #[command(subcommand)]
    Import(files::ImportCommand),
    /// Export documents or calendars
    #[command(subcommand)]
    Export(files::ExportCommand),
    /// List the versions of a document
    Versions(past::Versions),
    /// Bring a version of a document back, as a new one
    RestoreVersion(past::RestoreVersion),
    /// Bring a folder back to a former moment, as new changes: nothing is lost by it
    Rewind(past::Rewind),
    /// What the server has to do, and what it gave up
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Take one received e-mail from standard input; exit status 1 if it is refused
    Imip(imip::Imip),
    /// Verify every document and reference; exit status 1 if there is damage
    Check(check::Check),
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let terminal = Terminal::of_environment();
    let asked = help::localized(Arguments::command(), Language::of_environment()).get_matches();
    let arguments = Arguments::from_arg_matches(&asked).unwrap_or_else(|wrong| wrong.exit());
    // Two providers of cryptography in one process would make TLS fail when it is first used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return terminal.fail(&anyhow::Error::from(error)),
    };
    match runtime.block_on(run(arguments, &terminal)) {
        Ok(code) => code,
        Err(error) => terminal.fail(&error),
    }
}

async fn run(arguments: Arguments, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let named = arguments.data.or_else(|| std::env::var_os("BEFFROI_DATA").map(PathBuf::from));
    let data = named.clone().unwrap_or_else(|| PathBuf::from("beffroi-data"));
    let file = arguments.config.or_else(|| Some(data.join("beffroi.toml")).filter(|path| path.exists()));
    let config = Config::load(file.as_deref(), std::env::vars())?;
    match arguments.command {
        Command::Demo(demo) => return demo.run(named, config, terminal).await,
        Command::Serve(serve) => return serve.run(&data, config).await,
        _ => {}
    }
    let tree = app::open_tree(&data, &config.store).await?.in_mail_domain(config.mail.domain.clone());
    if tree.tightened() {
        terminal.note("data-tightened", &[("path", &data.display().to_string())]);
    }
    let code = administer(arguments.command, &tree, &config, terminal).await;
    tree.close().await;
    code
}

async fn administer(command: Command, tree: &Tree, config: &Config, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    match command {
        Command::Person(person) => person.run(tree, terminal).await?,
        Command::Device(device) => device.run(tree, terminal).await?,
        Command::Project(project) => project.run(tree, terminal).await?,
        Command::Group(group) => group.run(tree, terminal).await?,
        Command::Room(room) => room.run(tree, terminal).await?,
        Command::Delegate(delegate) => delegate.run(tree, terminal).await?,
        Command::Grant(grant) => grant.run(tree, terminal).await?,
        Command::Feed(feed) => feed.run(tree, terminal, config.server.public_url.as_deref()).await?,
        Command::FreeBusy(freebusy) => freebusy.run(tree, terminal, config.server.public_url.as_deref()).await?,
        Command::Holidays(holidays) => holidays.run(tree, terminal).await?,
        Command::Import(import) => import.run(tree, terminal).await?,
        Command::Export(export) => export.run(tree, terminal).await?,
        Command::Versions(versions) => versions.run(tree, terminal).await?,
        Command::RestoreVersion(restore) => restore.run(tree, terminal).await?,
        Command::Rewind(rewind) => rewind.run(tree, terminal).await?,
        Command::Jobs(jobs) => jobs.run(tree, terminal).await?,
        Command::Imip(imip) => return imip.run(tree, config, terminal).await,
        Command::Check(check) => return check.run(tree, terminal).await,
        Command::Demo(_) | Command::Serve(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
