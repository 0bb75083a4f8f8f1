//! Header blocks of HTTP/2, read for one question: does an address hold a `#`?
//!
//! The HTTP library drops what follows it, and says nothing. A block is read as RFC 7541 has it, with the table that
//! both sides keep, of which only sizes and the answer are kept here.

use std::collections::VecDeque;
use std::sync::LazyLock;

/// The name of the field that holds the address.
const PATH: &[u8] = b":path";
/// The most that our side allows the table to hold: what is so where nothing is said (RFC 9113 section 6.5.2).
const TABLE_BYTES: usize = 4096;
/// What an entry counts besides its name and value (RFC 7541 section 4.1).
const ENTRY_BYTES: usize = 32;

/// Lengths of the names of the static table (RFC 7541 appendix A).
const STATIC_NAMES: [usize; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4,
    4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];
/// Which of them are addresses.
const STATIC_PATHS: [usize; 2] = [4, 5];

/// How many bits each byte takes, and last the end of a string; the codes follow from it (RFC 7541 appendix B).
const CODE_BITS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];
const END: u16 = 256;
const MOST_BITS: usize = 30;

/// The codes of one length: the first, and what they stand for.
#[derive(Default)]
struct Codes {
    first: u32,
    symbols: Vec<u16>,
}

static CODES: LazyLock<Vec<Codes>> = LazyLock::new(|| {
    let mut next = 0;
    (0..=MOST_BITS)
        .map(|bits| {
            let of_length = CODE_BITS.iter().zip(0..).filter(|(length, _)| usize::from(**length) == bits);
            let symbols: Vec<u16> = of_length.map(|(_, symbol)| symbol).collect();
            let first = next << 1;
            next = first + symbols.len() as u32;
            Codes { first, symbols }
        })
        .collect()
});

/// What is known of a field: the length of its name, its size, whether it is an address, and one with a `#`.
#[derive(Clone, Copy)]
struct Field {
    name: usize,
    size: usize,
    path: bool,
    cut: bool,
}

/// The table of a connection.
pub struct DynamicTable {
    fields: VecDeque<Field>,
    size: usize,
    most: usize,
}

impl Default for DynamicTable {
    fn default() -> Self {
        Self { fields: VecDeque::new(), size: 0, most: TABLE_BYTES }
    }
}

/// A name: its length, and whether it is that of the address.
type Name = (usize, bool);

impl DynamicTable {
    /// Reads a block: does it hold an address with a `#`? `None`: it cannot be read.
    pub fn read(&mut self, block: &[u8]) -> Option<bool> {
        let mut rest = block;
        let mut cut = false;
        while let Some(first) = rest.first().copied() {
            match first {
                0x80.. => cut |= self.field(integer(&mut rest, 7)?)?.cut,
                0x40.. => {
                    let field = self.literal(&mut rest, 6)?;
                    cut |= field.cut;
                    self.keep(field);
                }
                0x20.. => {
                    let most = integer(&mut rest, 5)?;
                    if most > TABLE_BYTES {
                        return None;
                    }
                    self.most = most;
                    self.shrink(0);
                }
                _ => cut |= self.literal(&mut rest, 4)?.cut,
            }
        }
        Some(cut)
    }

    /// The field of an index, which counts from 1: those of the standard, then ours, the newest first.
    fn field(&self, index: usize) -> Option<Field> {
        let at = index.checked_sub(1)?;
        match STATIC_NAMES.get(at) {
            Some(name) => Some(Field { name: *name, size: 0, path: STATIC_PATHS.contains(&index), cut: false }),
            None => self.fields.get(at - STATIC_NAMES.len()).copied(),
        }
    }

    fn literal(&self, rest: &mut &[u8], prefix: u8) -> Option<Field> {
        let (name, path): Name = match integer(rest, prefix)? {
            0 => {
                let name = string(rest)?;
                (name.len(), name == PATH)
            }
            index => self.field(index).map(|field| (field.name, field.path))?,
        };
        let value = string(rest)?;
        Some(Field { name, size: name + value.len() + ENTRY_BYTES, path, cut: path && value.contains(&b'#') })
    }

    fn keep(&mut self, field: Field) {
        self.shrink(field.size);
        if field.size <= self.most {
            self.size += field.size;
            self.fields.push_front(field);
        }
    }

    /// Drops the oldest until there is room for so much.
    fn shrink(&mut self, wanted: usize) {
        while self.size + wanted > self.most
            && let Some(oldest) = self.fields.pop_back()
        {
            self.size -= oldest.size;
        }
    }
}

/// An integer (RFC 7541 section 5.1).
fn integer(rest: &mut &[u8], prefix: u8) -> Option<usize> {
    let mask = (1_u8 << prefix) - 1;
    let mut value = usize::from(take(rest)? & mask);
    if value < usize::from(mask) {
        return Some(value);
    }
    for shift in (0..28).step_by(7) {
        let byte = take(rest)?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

/// A string (RFC 7541 section 5.2).
fn string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let coded = rest.first()? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    if coded { decode(text) } else { Some(text.to_vec()) }
}

fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(coded.len() * 8 / 5);
    let (mut code, mut bits) = (0_u32, 0_usize);
    for bit in coded.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        (code, bits) = (code << 1 | u32::from(bit), bits + 1);
        let codes = CODES.get(bits)?;
        let symbol = code.checked_sub(codes.first).and_then(|at| codes.symbols.get(at as usize));
        if let Some(symbol) = symbol.filter(|_| bits > 0) {
            text.push(u8::try_from(*symbol).ok().filter(|_| *symbol < END)?);
            (code, bits) = (0, 0);
        }
    }
    // What is left of the last byte is the beginning of the end's code: ones.
    (bits < 8 && code + 1 == 1 << bits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{DynamicTable, decode};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("text"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect(pair)).collect()
    }

    #[test]
    fn strings_of_the_standard() {
        // RFC 7541 sections C.4 and C.6.
        for (hex, text) in [
            ("f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"),
            ("a8eb 1064 9cbf", "no-cache"),
            ("25a8 49e9 5ba9 7d7f", "custom-key"),
            ("25a8 49e9 5bb8 e8b4 bf", "custom-value"),
            ("d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3", "https://www.example.com"),
        ] {
            assert_eq!(decode(&bytes(hex)).as_deref(), Some(text.as_bytes()), "{text}");
        }
        for wrong in ["ffff ffff", "f1ff ff", "00"] {
            assert_eq!(decode(&bytes(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn the_requests_of_the_standard() {
        // RFC 7541 section C.4: three requests of one connection, with what the table holds after each.
        let mut table = DynamicTable::default();
        for (hex, fields, size) in [
            ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", 1, 57),
            ("8286 84be 5886 a8eb 1064 9cbf", 2, 110),
            ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", 3, 164),
        ] {
            assert_eq!(table.read(&bytes(hex)), Some(false));
            assert_eq!((table.fields.len(), table.size), (fields, size));
        }
    }

    #[test]
    fn a_fragment_is_found_however_it_is_written() {
        let plain = |first: &[u8], value: &str| [first, &[value.len() as u8], value.as_bytes()].concat();
        for (block, cut) in [
            (plain(&[0x04], "/a#b"), true),
            (plain(&[0x14], "/a#b"), true),
            (plain(&[0x45], "/a#b"), true),
            (plain(&[0x05], "/a%23b"), false),
            (plain(b"\x00\x05:path", "/#"), true),
            (plain(b"\x40\x05:path", "/#"), true),
            (plain(b"\x00\x07referer", "/#"), false),
            // `:path` and `/#`, both in the code of bytes.
            (bytes("00 84 b9ac 9f 00"), false),
            ([vec![0x82, 0x86], plain(&[0x04], "/a#b"), vec![0x84]].concat(), true),
        ] {
            assert_eq!(DynamicTable::default().read(&block).unwrap_or(false), cut, "{block:02x?}");
        }
        // It stays found when it is named by its index in the table, until it is dropped from there.
        let mut table = DynamicTable::default();
        assert_eq!(table.read(&plain(&[0x44], "/a#b")), Some(true));
        assert_eq!(table.read(&plain(b"\x40\x01x", "y")), Some(false));
        assert_eq!((table.read(&[0xbe]), table.read(&[0xbf])), (Some(false), Some(true)));
        assert_eq!(table.read(&plain(&[0x0f, 0x30], "/b")), Some(false), "the name alone is taken from the table");
        assert_eq!(table.read(&[0x20]), Some(false));
        assert_eq!((table.read(&[0xbf]), table.size), (None, 0));
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_so() {
        for wrong in ["80", "ff", "be", "ffff ffff ffff 7f", "4405", "3fff 7f", "04ff ffff ff0f", "00"] {
            assert_eq!(DynamicTable::default().read(&bytes(wrong)), None, "{wrong}");
        }
    }
}
