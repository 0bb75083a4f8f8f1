//! The bytes of HTTP/1 connections, followed where the HTTP library is more lenient than we may be.
//!
//! Heads are held back until they are whole and judged: `Content-Length` beside `Transfer-Encoding` (request smuggling)
//! and a fragment in the address (a client that did not encode `#` would have another resource deleted than it meant)
//! are turned into a head that is refused with 400.

/// The largest head watched; the HTTP library refuses larger ones.
pub const MAX_HEAD: usize = 64 * 1024;
/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2";
/// A head that no server takes: no method begins with a bracket.
pub const REFUSED: &[u8] = b"[ / HTTP/1.1\r\n\r\n";

/// Where in its sequence of requests the input stands.
pub enum Messages {
    /// Collecting a head.
    Head(Vec<u8>),
    /// Inside a body of known length.
    Length(u64),
    /// Inside a chunked body.
    Chunked(Chunk),
}

/// What comes of bytes that were followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Followed {
    /// So many were taken, up to the end of a message at most.
    Taken(usize),
    /// They are HTTP/2; none of them was passed on.
    Http2,
    /// A head was refused: nothing after it counts.
    Refused,
    /// The library will refuse what they hold: nothing need be followed any more.
    Unknown(usize),
}

/// Where in a chunked body.
#[derive(Clone, Copy)]
pub enum Chunk {
    /// In a size line, with the size read so far, and whether its digits have ended.
    Size(u64, bool),
    /// In data, this much left, then a line end.
    Data(u64),
    /// In the line end after data.
    DataEnd,
    /// In the trailer; is the present line empty so far?
    Trailer(bool),
}

impl Default for Messages {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Messages {
    /// Is one message over, and the next one not begun?
    pub fn is_between(&self) -> bool {
        matches!(self, Self::Head(head) if head.is_empty())
    }

    /// Follows bytes, no further than to the end of the message, and passes on what may be: bodies at once, heads when
    /// they are whole and good.
    pub fn follow(&mut self, bytes: &[u8], passed: &mut Vec<u8>) -> Followed {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self {
                Self::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    passed.extend_from_slice(rest.get(..taken).unwrap_or_default());
                    at += taken;
                    *left -= taken as u64;
                    if *left == 0 {
                        *self = Self::default();
                        break;
                    }
                }
                Self::Chunked(state) => {
                    let (next, after) = chunked(*state, rest);
                    let taken = rest.len() - after.len();
                    passed.extend_from_slice(rest.get(..taken).unwrap_or_default());
                    at += taken;
                    let Some(next) = next else {
                        *self = Self::default();
                        break;
                    };
                    *state = next;
                }
                Self::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(rest);
                    if head.starts_with(PREFACE) {
                        return Followed::Http2;
                    }
                    let Some(end) = head_end(head, before) else {
                        if head.len() > MAX_HEAD {
                            return refuse(passed);
                        }
                        return Followed::Taken(bytes.len());
                    };
                    head.truncate(end);
                    at += end - before;
                    let framing = framing(head);
                    if !matches!(framing, Framing::Refused) {
                        passed.append(head);
                    }
                    *self = match framing {
                        Framing::Refused => return refuse(passed),
                        Framing::Unknown => return Followed::Unknown(at),
                        Framing::Length(0) => {
                            *self = Self::default();
                            break;
                        }
                        Framing::Length(length) => Self::Length(length),
                        Framing::Chunked => Self::Chunked(Chunk::Size(0, false)),
                    };
                }
            }
        }
        Followed::Taken(at)
    }

    /// The bytes of a head that is not whole yet.
    pub fn unfinished(&mut self) -> Vec<u8> {
        match self {
            Self::Head(head) => std::mem::take(head),
            Self::Length(_) | Self::Chunked(_) => Vec::new(),
        }
    }
}

fn refuse(passed: &mut Vec<u8>) -> Followed {
    passed.extend_from_slice(REFUSED);
    Followed::Refused
}

/// Position after the empty line that ends a head, looked for near what was added after `before`.
fn head_end(head: &[u8], before: usize) -> Option<usize> {
    let mut at = before.saturating_sub(3);
    loop {
        at += head.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
        // Mixed line ends are taken by the library, so they are known here, too.
        match head.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

enum Framing {
    Refused,
    Length(u64),
    Chunked,
    Unknown,
}

/// How the body after this head is framed (RFC 9112 section 6).
fn framing(head: &[u8]) -> Framing {
    let mut lines = head.split(|byte| *byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
    if lines.next().unwrap_or_default().contains(&b'#') {
        return Framing::Refused;
    }
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        if let Some(value) = value_of(line, b"content-length") {
            length = Some(str::from_utf8(value).ok().and_then(|value| value.trim().parse::<u64>().ok()));
        } else if value_of(line, b"transfer-encoding").is_some() {
            chunked = true;
        }
    }
    match (length, chunked) {
        (Some(_), true) => Framing::Refused,
        (None, true) => Framing::Chunked,
        (Some(Some(length)), false) => Framing::Length(length),
        // The library refuses a length that is no number.
        (Some(None), false) => Framing::Unknown,
        (None, false) => Framing::Length(0),
    }
}

/// What a line says of this name.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    rest.strip_prefix(b":").filter(|_| found.eq_ignore_ascii_case(name))
}

/// Follows a chunked body (RFC 9112 section 7.1); `None` when it has ended, and the bytes after it.
fn chunked(mut state: Chunk, mut bytes: &[u8]) -> (Option<Chunk>, &[u8]) {
    while let Some((byte, rest)) = bytes.split_first() {
        if let Chunk::Data(left) = state {
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            bytes = bytes.get(taken..).unwrap_or_default();
            let left = left - taken as u64;
            state = if left == 0 { Chunk::DataEnd } else { Chunk::Data(left) };
            continue;
        }
        bytes = rest;
        state = match (state, byte) {
            (Chunk::Size(0, _), b'\n') => Chunk::Trailer(true),
            (Chunk::Size(size, _), b'\n') => Chunk::Data(size),
            (Chunk::Size(size, false), byte) => match char::from(*byte).to_digit(16) {
                Some(digit) => Chunk::Size(size.saturating_mul(16).saturating_add(u64::from(digit)), false),
                None => Chunk::Size(size, true),
            },
            (Chunk::Size(size, true), _) => Chunk::Size(size, true),
            (Chunk::DataEnd, b'\n') => Chunk::Size(0, false),
            (Chunk::DataEnd, _) => Chunk::DataEnd,
            (Chunk::Trailer(true), b'\n') => return (None, bytes),
            (Chunk::Trailer(_), b'\n') => Chunk::Trailer(true),
            (Chunk::Trailer(empty), b'\r') => Chunk::Trailer(empty),
            (Chunk::Trailer(_) | Chunk::Data(_), _) => Chunk::Trailer(false),
        };
    }
    (Some(state), bytes)
}

#[cfg(test)]
mod tests {
    use super::{Followed, MAX_HEAD, Messages, REFUSED};

    /// Feeds a conversation in pieces of `step` bytes: what the library would read.
    fn read(input: &str, step: usize) -> String {
        let mut messages = Messages::default();
        let mut passed = Vec::new();
        for piece in input.as_bytes().chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                match messages.follow(rest, &mut passed) {
                    Followed::Taken(taken) => rest = &rest[taken..],
                    _ => return String::from_utf8(passed).expect("text"),
                }
            }
        }
        String::from_utf8(passed).expect("text")
    }

    #[test]
    fn smuggling_is_seen_wherever_it_hides() {
        let put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n";
        let bad = "PUT /a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        // What looks like a head inside a body is content.
        let quoted = format!("PUT /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{bad}", bad.len());
        let refused = std::str::from_utf8(REFUSED).expect("text");
        let mixed = "DELETE /a#b HTTP/1.1\nHost: h\n\r\n";
        let upgraded = bad.replace("HTTP/1.1", "HTTP/1.1\r\nUpgrade: x");
        for step in [1, 2, 3, 7, 1000] {
            for good in [put, chunked, &quoted, &format!("{put}{chunked}{quoted}{put}\r\n{put}")] {
                assert_eq!(read(good, step), good, "{step}");
            }
            for before in ["", put, chunked, &quoted] {
                for bad in [bad, mixed, &upgraded, "DELETE /a/#b HTTP/1.1\r\nHost: h\r\n\r\n"] {
                    assert_eq!(read(&format!("{before}{bad}{put}"), step), format!("{before}{refused}"), "{step}");
                }
            }
        }
        let endless = format!("GET /a HTTP/1.1\r\nA: {}", "x".repeat(MAX_HEAD));
        assert_eq!(read(&endless, 1000), refused);
    }

    #[test]
    fn a_message_is_followed_to_its_end_and_no_further() {
        let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
        let put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
        for first in [get, put] {
            let mut messages = Messages::default();
            let mut passed = Vec::new();
            let both = format!("{first}{get}");
            assert_eq!(messages.follow(both.as_bytes(), &mut passed), Followed::Taken(first.len()));
            assert!(messages.is_between() && passed == first.as_bytes());
        }
    }
}
