//! What forms send: `application/x-www-form-urlencoded` (URL standard section 5), as queries have it, too.

use std::time::Duration;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;

use crate::exchange::Incoming;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::wire::header::text;

/// The largest form, bytes.
const MAX_BYTES: usize = 32 * 1024;
/// How long one may take to come.
const LONGEST: Duration = Duration::from_secs(30);
const KIND: &str = "application/x-www-form-urlencoded";

/// The fields of a form or a query.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a text. What is no UTF-8 is shown as unreadable.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let field = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (plain(name), plain(value))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(field).collect())
    }

    /// Takes the form that a request brings.
    pub async fn take(headers: &HeaderMap, body: Incoming) -> Result<Self> {
        let kind = text(headers, CONTENT_TYPE).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(KIND)) {
            return Err(Condition::UnsupportedMediaType.into());
        }
        let whole = tokio::time::timeout(LONGEST, Limited::new(body, MAX_BYTES).collect()).await;
        let whole = whole.map_err(|_| Refusal::of(Condition::TimedOut))?;
        let whole = whole.map_err(|error| match error.is::<LengthLimitError>() {
            true => Refusal::of(Condition::TooLarge),
            false => Refusal::of(Condition::BadBody),
        })?;
        Ok(Self::read(&String::from_utf8_lossy(&whole.to_bytes())))
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let fields = Fields::read("a=1&b=caf%C3%A9+noir&&c&=x&a=2&d=%&e=%FF&f=1=2&g%20=h");
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("café noir")),
            ("c", Some("")),
            ("", Some("x")),
            ("d", Some("%")),
            ("e", Some("\u{fffd}")),
            ("f", Some("1=2")),
            ("g ", Some("h")),
            ("z", None),
        ] {
            assert_eq!(fields.get(name), value, "{name}");
        }
        assert_eq!(Fields::read(""), Fields::default());
    }
}
