//! `--help` in the language of the terminal. The English texts stand beside the commands and their arguments; the
//! French ones in `locales/fr/help.ftl`, each under the path of its command and the name of its argument.

use clap::Command;

use crate::message::{Language, text};

/// The heading over commands; those over arguments and options are the same words in both languages.
const COMMANDS: &str = "Commandes";

/// The same command with its help in a language.
#[must_use]
pub fn localized(mut command: Command, language: Language) -> Command {
    if language == Language::English {
        return command;
    }
    // What clap adds by itself (`--help`, the command `help`) is there only then.
    command.build();
    translated(command, language, "help")
}

fn translated(command: Command, language: Language, key: &str) -> Command {
    let about = text(language, key, &[]);
    let command = command.about(about).subcommand_help_heading(COMMANDS).mut_args(|argument| {
        let help = text(language, &of_argument(key, argument.get_id().as_str()), &[]);
        argument.help(help)
    });
    command.mut_subcommands(|inner| {
        let key = of_command(key, inner.get_name());
        translated(inner, language, &key)
    })
}

/// What clap adds to each command is the same everywhere.
fn of_argument(key: &str, argument: &str) -> String {
    match argument {
        "help" | "version" | "data" | "config" | "json" => format!("help--{argument}"),
        _ => format!("{key}--{}", argument.replace('_', "-")),
    }
}

fn of_command(key: &str, name: &str) -> String {
    if name == "help" { "help-help".to_owned() } else { format!("{key}-{name}") }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::{localized, of_argument, of_command};
    use crate::cli::Arguments;
    use crate::message::Language;

    fn keys(command: &Command, key: &str, out: &mut Vec<(String, String)>) {
        out.push((key.to_owned(), command.get_about().map(ToString::to_string).unwrap_or_default()));
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            out.push((of_argument(key, argument.get_id().as_str()), help));
        }
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            keys(inner, &of_command(key, inner.get_name()), out);
        }
    }

    #[test]
    fn every_command_and_argument_is_described_in_french() {
        let mut command = Arguments::command();
        command.build();
        let mut wanted = Vec::new();
        keys(&command, "help", &mut wanted);
        let french = include_str!("../locales/fr/help.ftl");
        let known: Vec<&str> = french.lines().filter_map(|line| line.split_once(" =").map(|(key, _)| key)).collect();
        let missing: Vec<_> = wanted.iter().filter(|(key, _)| !known.contains(&key.as_str())).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        let stale = known.iter().filter(|known| **known != "help-help" && wanted.iter().all(|(key, _)| key != *known));
        assert_eq!(stale.collect::<Vec<_>>(), [""; 0].iter().collect::<Vec<_>>());
    }

    #[test]
    fn help_speaks_the_language_of_the_terminal() {
        let french = localized(Arguments::command(), Language::French).render_help().to_string();
        assert!(french.contains("Commandes") && french.contains("Mots de passe d’appareil"), "{french}");
        let english = localized(Arguments::command(), Language::English).render_help().to_string();
        assert!(english.contains("Device passwords"), "{english}");
    }
}
