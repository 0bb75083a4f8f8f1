//! What commands print: sentences in the reader's language, tables, JSON; and errors.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::message::{self, Language};
use crate::model::error::{Cause, Error, Failure, ForeignOwner};
use crate::model::secret_address::SecretAddress;
use crate::tree::administration::AdministrationError;

/// The reader.
pub struct Terminal {
    /// Their language.
    pub language: Language,
}

/// A fault of the command itself, by its key in `message`.
#[derive(Debug, thiserror::Error)]
#[error("{key}")]
pub struct CommandError {
    key: &'static str,
    places: Vec<(&'static str, String)>,
}

/// A fault by its key.
pub fn fault(key: &'static str, places: &[(&'static str, &str)]) -> anyhow::Error {
    CommandError { key, places: places.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }.into()
}

/// What stands at the places of a sentence.
type Places<'a> = Vec<(&'static str, &'a str)>;

impl Terminal {
    /// Speaks the language of the environment.
    pub fn of_environment() -> Self {
        Self { language: Language::of_environment() }
    }

    /// A sentence.
    pub fn text(&self, key: &str, places: &[(&'static str, &str)]) -> String {
        let places: Vec<(&'static str, String)> =
            places.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        message::text(self.language, key, &places)
    }

    /// Prints a sentence.
    pub fn say(&self, key: &str, places: &[(&'static str, &str)]) {
        line(&self.text(key, places));
    }

    /// Prints a sentence beside the output: progress, hints.
    pub fn note(&self, key: &str, places: &[(&'static str, &str)]) {
        eprintln!("{}", self.text(key, places));
    }

    /// Prints rows: as JSON objects, or in columns. `names` are the keys, and the columns.
    pub fn table(&self, json: bool, names: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<()> {
        if json {
            let objects: Vec<Value> = rows
                .iter()
                .map(|row| names.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect())
                .collect();
            line(&serde_json::to_string_pretty(&objects)?);
            return Ok(());
        }
        let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let width = |column: usize| {
            cells.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        for row in &cells {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            line(cells.join("  ").trim_end());
        }
        Ok(())
    }

    /// One clear line on standard error.
    pub fn fail(&self, error: &anyhow::Error) -> ExitCode {
        eprintln!("beffroi: {}", self.explain(error));
        ExitCode::FAILURE
    }

    /// What happened and what to do.
    pub fn explain(&self, error: &anyhow::Error) -> String {
        if let Some(own) = error.downcast_ref::<CommandError>() {
            return message::text(self.language, own.key, &own.places);
        }
        if let Some(fault) = error.downcast_ref::<AdministrationError>() {
            return self.fault(fault);
        }
        match error.downcast_ref::<Error>() {
            Some(Error::Refused(refusal)) => message::refusal(self.language, refusal),
            Some(Error::Failed(failure)) => self.failure(failure),
            None => self.text("fault-failed", &[("why", &format!("{error:#}"))]),
        }
    }

    fn fault(&self, fault: &AdministrationError) -> String {
        use AdministrationError as E;
        fn name(name: &str) -> Places<'_> {
            vec![("name", name)]
        }
        fn address(address: &str) -> Places<'_> {
            vec![("address", address)]
        }
        let language = self.language;
        let (key, places): (&str, Places<'_>) = match fault {
            E::Name(name, why) => {
                let why = message::name_error(language, why);
                return self.text("fault-name", &[("name", name), ("why", &why)]);
            }
            E::Password(lacks) => {
                return self.text("fault-password-weak", &[("what", &message::lacks(language, lacks))]);
            }
            E::Capacity(number) => return self.text("fault-capacity", &[("number", &number.to_string())]),
            E::Failed(failure) => return self.failure(failure),
            E::NameTaken(taken) => ("fault-name-taken", name(taken)),
            E::Address(text) => ("fault-address", address(text)),
            E::AddressTaken(text, holder) => ("fault-address-taken", vec![("address", text), ("holder", holder)]),
            E::Unknown(unknown) => ("fault-unknown", name(unknown)),
            E::OtherKind(name, kind) => ("fault-other-kind", vec![("name", name), ("kind", kind)]),
            E::DeviceTaken(name, label) => ("fault-device-taken", vec![("name", name), ("label", label)]),
            E::DigestDevices(name) => ("fault-digest-devices", vec![("name", name)]),
            E::NoDevice(name, label) => ("fault-no-device", vec![("name", name), ("label", label)]),
            E::NoRole(name, project) => ("fault-no-role", vec![("name", name), ("project", project)]),
            E::NoCollection(text) => ("fault-no-collection", address(text)),
            E::NoCalendar(text) => ("fault-no-calendar", address(text)),
            E::FeedTaken(name, text) => ("fault-feed-taken", vec![("name", name), ("address", text)]),
            E::NoFeed(name, text) => ("fault-no-feed", vec![("name", name), ("address", text)]),
            E::FreeBusyTaken(label) => ("fault-freebusy-taken", vec![("label", label)]),
            E::NoFreeBusy(label) => ("fault-no-freebusy", vec![("label", label)]),
            E::NoJob(key) => ("fault-no-job", name(key)),
            E::Circle(group, member) => ("fault-circle", vec![("group", group), ("name", member)]),
            E::NoMember(name, group) => ("fault-no-member", vec![("group", group), ("name", name)]),
            E::Everyone => ("fault-everyone", Vec::new()),
            E::NoProject(text) => ("fault-no-project", address(text)),
            E::Partner => ("fault-partner", Vec::new()),
            E::Sponsor => ("fault-sponsor", Vec::new()),
            E::Hours(text) => ("fault-hours", vec![("text", text)]),
            E::Manager(room) => ("fault-manager", name(room)),
            E::OwnDelegate(person) => ("fault-own-delegate", name(person)),
            E::NoDelegate(delegate, person) => ("fault-no-delegate", vec![("delegate", delegate), ("name", person)]),
            E::Closed(project) => ("fault-closed", name(project)),
        };
        self.text(key, &places)
    }

    fn failure(&self, failure: &Failure) -> String {
        if let Some(ForeignOwner { path, owner }) = failure.source.downcast_ref() {
            return self.text("fault-foreign", &[("path", path), ("name", owner)]);
        }
        let key = match failure.cause {
            Cause::Fault => "fault-failed",
            Cause::Full => "fault-disk-full",
            Cause::Busy => "fault-busy",
        };
        self.text(key, &[("why", &failure.to_string())])
    }
}

/// Prints a line. Whoever reads the output may have seen enough and gone: that is no fault.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// A moment for people and programs.
pub fn instant(at: i64) -> Value {
    jiff::Timestamp::from_second(at).map_or(Value::Null, |instant| Value::String(instant.to_string()))
}

/// The columns of an address that is a secret.
pub const SECRET_ADDRESS_COLUMNS: [&str; 4] = ["created_at", "expires_at", "fetched_at", "client"];

/// What stands in them.
pub fn secret_address(kept: &SecretAddress) -> [Value; 4] {
    let moment = |at: Option<i64>| at.map_or(Value::Null, instant);
    [instant(kept.created_at), moment(kept.expires_at), moment(kept.fetched_at), json!(kept.client)]
}

/// The address of a path, by which clients know the server, where the settings say it.
pub fn url_of(public_url: Option<&str>, path: &str) -> String {
    format!("{}{path}", public_url.unwrap_or_default().trim_end_matches('/'))
}

/// Reads `--until`: an instant, or a date, whose end in the server's zone is meant.
pub fn until(text: &str) -> anyhow::Result<i64> {
    /// Of 2026-12-31.
    const DATE_CHARS: usize = 10;
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.as_second());
    }
    // Of a time without a zone the day alone would be read.
    let date = if text.len() == DATE_CHARS { text } else { "" };
    let end = date
        .parse::<jiff::civil::Date>()
        .and_then(|date| date.tomorrow())
        .and_then(|next| next.to_zoned_datetime(jiff::tz::TimeZone::system()));
    match end {
        Ok(end) => Ok(end.timestamp().as_second()),
        Err(_) => Err(fault("fault-date", &[("text", text)])),
    }
}

/// Reads a size: a number with a binary unit.
pub fn size(text: &str) -> anyhow::Result<i64> {
    const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
    let wrong = || fault("fault-size", &[("text", text)]);
    let (number, shift) = UNITS
        .iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, *shift)))
        .unwrap_or((text, 0));
    let number: i64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes >= 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::{size, until};

    #[test]
    fn sizes_and_dates() {
        for (text, bytes) in [("10GiB", 10 << 30), ("5 KiB", 5 << 10), ("7", 7), ("1TiB", 1 << 40)] {
            assert_eq!(size(text).expect(text), bytes);
        }
        for text in ["x", "-1", "99999999999TiB", "10GB"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(until("2026-12-31T18:00:00Z").expect("an instant"), 1_798_740_000);
        let next = until("2026-12-31").expect("a date") - until("2026-12-30").expect("a date");
        assert_eq!(next, 86_400);
        // What is neither is not read as the date in it: a right would last until midnight.
        for text in [
            "tomorrow",
            "20261231",
            "2026-12-31T18:00",
            "2026-12-31T18:00:00",
            "2026-12-31 18:00:00",
            "2026-12-31T18:00:00[Europe/Paris]",
        ] {
            assert!(until(text).is_err(), "{text}");
        }
    }
}
