//! The bytes of HTTP/2 connections, followed for the one thing that the HTTP library loses: what follows a `#` in an
//! address.
//!
//! A request without it would be about another resource than the client meant. To the header block of one that has it a
//! field is added that says so; all other bytes pass as they are.

use super::hpack::DynamicTable;

/// The field that is added; what a client says in it harms nobody but itself.
pub const CUT: &str = "x-beffroi-cut";
/// What an HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The head of a frame, and the longest frame that we allow (RFC 9113 sections 4.1 and 4.2).
const HEAD_BYTES: usize = 9;
const MAX_FRAME_BYTES: usize = 16 * 1024;
/// The longest header block followed: the library refuses what is larger when it is decoded.
const MAX_BLOCK_BYTES: usize = 64 * 1024;

const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;

/// Where in the frames of a connection the input stands.
#[derive(Default)]
pub struct Frames {
    /// How much of the preface has come.
    preface: usize,
    /// The frame being collected: its head, and of a header block the rest.
    frame: Vec<u8>,
    /// How much of a frame of another kind is still to come.
    passing: usize,
    /// The header block so far.
    block: Vec<u8>,
    table: DynamicTable,
}

impl Frames {
    /// Follows bytes and passes on what may be. `false`: they cannot be read, and the connection has to end.
    pub fn follow(&mut self, mut bytes: &[u8], passed: &mut Vec<u8>) -> bool {
        while let Some(first) = bytes.first() {
            if let Some(expected) = PREFACE.get(self.preface) {
                if first != expected {
                    return false;
                }
                self.preface += 1;
                passed.push(*first);
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            if self.passing > 0 {
                let (now, later) = bytes.split_at(self.passing.min(bytes.len()));
                passed.extend_from_slice(now);
                self.passing -= now.len();
                bytes = later;
                continue;
            }
            let (kind, length) = self.head().unwrap_or_default();
            let whole = HEAD_BYTES + if is_of_block(kind) { length } else { 0 };
            let (now, later) = bytes.split_at((whole - self.frame.len()).min(bytes.len()));
            self.frame.extend_from_slice(now);
            bytes = later;
            let Some((kind, length)) = self.head() else { continue };
            if !is_of_block(kind) {
                passed.append(&mut self.frame);
                self.passing = length;
            } else if length > MAX_FRAME_BYTES
                || (self.frame.len() == HEAD_BYTES + length && !self.end_frame(kind, passed))
            {
                return false;
            }
        }
        true
    }

    /// Kind and length of the frame, when its head is there.
    fn head(&self) -> Option<(u8, usize)> {
        match *self.frame.as_slice() {
            [a, b, c, kind, _, _, _, _, _, ..] => {
                Some((kind, usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)))
            }
            _ => None,
        }
    }

    /// A frame of a header block is whole.
    fn end_frame(&mut self, kind: u8, passed: &mut Vec<u8>) -> bool {
        let flags = self.frame.get(4).copied().unwrap_or_default();
        if kind == HEADERS {
            self.block.clear();
        }
        let Some(part) = self.frame.get(HEAD_BYTES..).and_then(|payload| fragment(kind, flags, payload)) else {
            return false;
        };
        self.block.extend_from_slice(part);
        if self.block.len() > MAX_BLOCK_BYTES {
            return false;
        }
        if flags & END_HEADERS == 0 {
            passed.append(&mut self.frame);
            return true;
        }
        let Some(cut) = self.table.read(&std::mem::take(&mut self.block)) else { return false };
        let stream: [u8; 4] = self.frame.get(5..HEAD_BYTES).and_then(|id| id.try_into().ok()).unwrap_or_default();
        if cut && let Some(flags) = self.frame.get_mut(4) {
            *flags &= !END_HEADERS;
        }
        passed.append(&mut self.frame);
        if cut {
            // A field that enters no table, with a name and an empty value.
            let field = [&[0, CUT.len() as u8], CUT.as_bytes(), &[0]].concat();
            passed.extend_from_slice(&[0, 0, field.len() as u8, CONTINUATION, END_HEADERS]);
            passed.extend_from_slice(&stream);
            passed.extend_from_slice(&field);
        }
        true
    }
}

fn is_of_block(kind: u8) -> bool {
    matches!(kind, HEADERS | CONTINUATION)
}

/// The part of a header block that a frame holds, without padding and priority (RFC 9113 section 6.2).
fn fragment(kind: u8, flags: u8, payload: &[u8]) -> Option<&[u8]> {
    if kind != HEADERS {
        return Some(payload);
    }
    let (padding, rest) =
        if flags & PADDED == 0 { (0, payload) } else { payload.split_first().map(|(n, rest)| (*n, rest))? };
    let from = if flags & PRIORITY == 0 { 0 } else { PRIORITY_BYTES };
    rest.get(from..rest.len().checked_sub(usize::from(padding))?)
}

#[cfg(test)]
mod tests {
    use super::{CONTINUATION, CUT, END_HEADERS, Frames, HEADERS, PADDED, PREFACE, PRIORITY};

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, (payload.len() >> 8) as u8, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    fn follow(input: &[u8], step: usize) -> Option<Vec<u8>> {
        let (mut frames, mut passed) = (Frames::default(), Vec::new());
        input.chunks(step).all(|piece| frames.follow(piece, &mut passed)).then_some(passed)
    }

    #[test]
    fn a_cut_address_is_marked_and_all_else_passes_as_it_is() {
        let path = |text: &str| [&[0x44, text.len() as u8], text.as_bytes()].concat();
        let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
        let data = frame(0, 1, 1, &[b'#'; 300]);
        let good = frame(HEADERS, END_HEADERS, 1, &path("/a?b"));
        let bad = frame(HEADERS, END_HEADERS, 3, &path("/a#b"));
        let padded = [&[3, 0, 0, 0, 0, 16][..], &path("/a#b"), &[0; 3]].concat();
        let padded = frame(HEADERS, END_HEADERS | PADDED | PRIORITY, 3, &padded);
        let (one, two) =
            (frame(HEADERS, 0, 3, &path("/a#b")[..4]), frame(CONTINUATION, END_HEADERS, 3, &path("/a#b")[4..]));
        // The same address again, by its place in the table.
        let again = frame(HEADERS, END_HEADERS, 5, &[0xbe]);
        let field = [&[0, CUT.len() as u8], CUT.as_bytes(), &[0]].concat();
        let marked = |frame: &[u8], stream: u8| {
            let mut open = frame.to_vec();
            open[4] &= !END_HEADERS;
            [open, super::tests::frame(CONTINUATION, END_HEADERS, stream, &field)].concat()
        };
        for step in [1, 2, 7, 10_000] {
            let pass = [PREFACE, &settings, &good, &data, &settings, &data].concat();
            assert_eq!(follow(&pass, step).as_ref(), Some(&pass), "{step}");
            for (sent, expected) in [
                (vec![&bad], marked(&bad, 3)),
                (vec![&padded], marked(&padded, 3)),
                (vec![&one, &two], [one.clone(), marked(&two, 3)].concat()),
                (vec![&bad, &data, &again], [marked(&bad, 3), data.clone(), marked(&again, 5)].concat()),
            ] {
                let sent = [pass.clone(), sent.into_iter().flatten().copied().collect(), data.clone()].concat();
                let expected = [pass.clone(), expected, data.clone()].concat();
                assert_eq!(follow(&sent, step), Some(expected), "{step}");
            }
            for wrong in [b"PRI * HTTP/2.0\r\n\r\nGET".to_vec(), [PREFACE, &frame(HEADERS, 4, 1, &[0xbe])].concat()] {
                assert_eq!(follow(&wrong, step), None);
            }
        }
    }
}
