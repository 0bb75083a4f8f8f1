//! Taking a request's body: whole and bounded, or streamed to the staging place.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::call::Call;
use crate::exchange::Incoming;
use crate::ical::jcal_read::{cost, read};
use crate::ical::object::MAX_BYTES;
use crate::ical::validate::reason;
use crate::model::condition::Condition;
use crate::model::error::{Refusal, Result};
use crate::model::media_type;
use crate::model::node::Blob;
use crate::tree::quota::RemainingQuota;
use crate::tree::work::WorkSlice;
use crate::wire::calendar::{CALENDAR, JSON};
use crate::wire::encoding::to_utf8;
use crate::wire::header::text;
use crate::wire::xml;

/// So many bytes give a second of patience back: a slow telephone sends more, a letter a second wins nothing.
const BYTES_A_SECOND: u64 = 1024;

/// How long a client may still keep us waiting in the middle of a body. Waiting uses it up, what arrives gives it back.
struct ReadTimeout {
    left: Duration,
    most: Duration,
}

impl ReadTimeout {
    fn new(most: Duration) -> Self {
        Self { left: most, most }
    }

    /// The next piece; `None` at the end. 408 when the client is silent or slow too long, 400 when it breaks off.
    async fn next(&mut self, body: &mut Incoming) -> Result<Option<Bytes>> {
        loop {
            let asked = Instant::now();
            let frame = tokio::time::timeout(self.left, body.frame()).await;
            self.waited(asked.elapsed());
            match frame.map_err(|_| Refusal::of(Condition::TimedOut))? {
                None => return Ok(None),
                Some(Err(_)) => return Err(Condition::BadBody.into()),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.took(bytes.len() as u64);
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    fn took(&mut self, bytes: u64) {
        let earned = Duration::from_micros(bytes * 1_000_000 / BYTES_A_SECOND);
        self.left = self.left.saturating_add(earned).min(self.most);
    }
}

impl Call {
    fn patience(&self) -> ReadTimeout {
        ReadTimeout::new(Duration::from_secs(self.limits.body_idle_s))
    }

    /// The declared length of the body; `None` when it comes in chunks.
    pub(super) fn declared_length(&self) -> Option<u64> {
        text(&self.headers, http::header::CONTENT_LENGTH).and_then(|text| text.parse().ok())
    }

    /// The whole of a body that holds instructions, in UTF-8. 413 when it is larger than any such body.
    pub(super) async fn take_whole(&mut self) -> Result<Bytes> {
        if self.declared_length().is_some_and(|length| length > xml::MAX_BYTES as u64) {
            return Err(Condition::TooLarge.into());
        }
        let fits = |size| match size {
            size if size > xml::MAX_BYTES as u64 => Err(Refusal::of(Condition::TooLarge)),
            _ => Ok(()),
        };
        let whole = self.collect(fits).await?;
        let charset = text(&self.headers, http::header::CONTENT_TYPE).and_then(|kind| media_type::charset_of(&kind));
        to_utf8(whole.into(), charset.as_deref()).map_err(|e| Refusal::of(Condition::BadXml).text(e.0).into())
    }

    /// Is what comes said to be jCal?
    pub(super) fn is_json(&self) -> bool {
        let kind = text(&self.headers, http::header::CONTENT_TYPE).unwrap_or_default();
        media_type::essence(&kind).eq_ignore_ascii_case(JSON)
    }

    /// The whole of a calendar object, as iCalendar. What is said to be neither that nor jCal is refused.
    pub(super) async fn take_object(&mut self, room_bytes: u64) -> Result<Bytes> {
        let kind = text(&self.headers, http::header::CONTENT_TYPE).unwrap_or_default();
        let kind = media_type::essence(&kind).to_ascii_lowercase();
        if !matches!(&*kind, "" | CALENDAR | JSON | "application/octet-stream" | "text/plain") {
            return Err(Condition::SupportedCalendarData.into());
        }
        let fits = |size: u64| match size {
            size if size > MAX_BYTES as u64 => Err(Refusal::of(Condition::MaxResourceSize)),
            size if size > room_bytes => Err(Refusal::of(Condition::QuotaNotExceeded)),
            _ => Ok(()),
        };
        fits(self.declared_length().unwrap_or(0))?;
        let whole = Bytes::from(self.collect(fits).await?);
        if kind != JSON {
            return Ok(whole);
        }
        let cost = cost(&whole);
        self.request.budget.bytes(cost)?;
        let work = move |_: &WorkSlice| Some(read(&whole));
        let read = self.tree.work(self.request.actor.id, &self.request.budget, work).await?;
        self.request.budget.give_back(cost);
        let text = read.map_err(reason)?;
        fits(text.len() as u64)?;
        self.request.budget.bytes(text.len())?;
        Ok(text.into())
    }

    /// All of a body that is held in memory, as long as its size `fits`; it counts in the budget while it comes.
    async fn collect(&mut self, fits: impl Fn(u64) -> std::result::Result<(), Refusal>) -> Result<Vec<u8>> {
        let mut patience = self.patience();
        let mut whole = Vec::new();
        while let Some(bytes) = patience.next(&mut self.body).await? {
            fits((whole.len() + bytes.len()) as u64)?;
            let before = whole.capacity();
            whole.extend_from_slice(&bytes);
            self.request.budget.bytes(whole.capacity() - before)?;
        }
        Ok(whole)
    }

    /// Streams a document to the staging place, into the room that quota leaves. What arrives otherwise than announced
    /// (length, checksum) is refused, and the old content stays.
    pub(super) async fn take_document(&mut self, room: &RemainingQuota) -> Result<Blob> {
        let fits = |size: u64| {
            if size > self.limits.max_body_bytes {
                return Err(Refusal::of(Condition::TooLarge));
            }
            if size > room.most_bytes() {
                return Err(Refusal::of(Condition::QuotaNotExceeded));
            }
            Ok(())
        };
        let expected = text(&self.headers, "x-expected-entity-length").and_then(|text| text.parse::<u64>().ok());
        if let Some(announced) = self.declared_length().or(expected) {
            fits(announced)?;
        }
        let mut checksum = Checksum::announced(text(&self.headers, "oc-checksum").as_deref());
        let mut patience = self.patience();
        let mut staging = self.tree.stage();
        while let Some(bytes) = patience.next(&mut self.body).await? {
            fits(staging.size() + bytes.len() as u64)?;
            if let Some(checksum) = &mut checksum {
                checksum.update(&bytes);
            }
            staging.write(&bytes).await?;
        }
        if let Some(expected) = expected.filter(|expected| *expected != staging.size()) {
            tracing::warn!(expected, arrived = staging.size(), "a document did not arrive whole");
            return Err(Condition::LengthMismatch.into());
        }
        if checksum.is_some_and(|checksum| !checksum.matches()) {
            return Err(Condition::ChecksumMismatch.into());
        }
        if room.asks_hash(staging.size()) && !room.holds(staging.hash().await?) {
            return Err(Condition::QuotaNotExceeded.into());
        }
        crate::tree::finish(staging).await
    }
}

/// `OC-Checksum`, as rclone sends it: the checksums that we know are verified, others are left alone.
enum Checksum {
    Md5(Box<Md5>, String),
    Sha256(Box<Sha256>, String),
}

impl Checksum {
    fn announced(header: Option<&str>) -> Option<Self> {
        header?.split_whitespace().find_map(|pair| {
            let (kind, hex) = pair.split_once(':')?;
            let hex = hex.to_ascii_lowercase();
            match kind.to_ascii_uppercase().as_str() {
                "MD5" => Some(Self::Md5(Box::default(), hex)),
                "SHA256" => Some(Self::Sha256(Box::default(), hex)),
                _ => None,
            }
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hash, _) => hash.update(bytes),
            Self::Sha256(hash, _) => hash.update(bytes),
        }
    }

    fn matches(self) -> bool {
        match self {
            Self::Md5(hash, wanted) => hex::encode(hash.finalize()) == wanted,
            Self::Sha256(hash, wanted) => hex::encode(hash.finalize()) == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, ReadTimeout};

    #[test]
    fn patience_ends_for_silence_and_for_less_than_the_least_rate() {
        let second = Duration::from_secs(1);
        for (bytes, lasts) in [(0, false), (1, false), (1000, false), (1024, true), (5000, true)] {
            let mut patience = ReadTimeout::new(120 * second);
            let lasted = (0..10_000).all(|_| {
                patience.waited(second);
                let left = patience.left > Duration::ZERO;
                patience.took(bytes);
                left
            });
            assert_eq!(lasted, lasts, "{bytes} bytes a second");
        }
        // What was sent fast does not serve for hours of silence.
        let mut patience = ReadTimeout::new(120 * second);
        patience.took(u64::from(u32::MAX) * 1000);
        assert_eq!(patience.left, 120 * second);
    }
}
