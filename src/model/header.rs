//! Request headers as values: those of RFC 4918 section 10, preferences, lists with weights, names of programs.

/// `Depth`, RFC 4918 section 10.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// The resource alone.
    Zero,
    /// And its members.
    One,
    /// And everything below.
    Infinity,
}

/// What `Prefer` and `Brief` ask for, RFC 8144.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Preferences {
    /// Leave out what was not found, and what merely confirms.
    pub minimal: bool,
    /// Answer a change with what is there now.
    pub representation: bool,
    /// List the members alone, not the resource itself.
    pub rootless: bool,
}

/// The longest name of a program that is kept.
const MAX_PROGRAM_CHARS: usize = 200;

/// What a program calls itself (`User-Agent`), so that it can be kept and printed: of bounded length, and without
/// anything that moves a cursor, turns the direction of writing or is not seen.
#[must_use]
pub fn program_name(user_agent: &str) -> String {
    let shown = |c: &char| c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ';
    user_agent.chars().filter(shown).take(MAX_PROGRAM_CHARS).collect()
}

/// The members of a list with weights, each with its own in thousandths (RFC 9110 section 12.4.2): all of it where none
/// is said.
pub fn weighted(list: &str) -> impl Iterator<Item = (&str, u32)> {
    list.split(',').map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
        (name, (weight.clamp(0.0, 1.0) * 1000.0) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::program_name;

    #[test]
    fn names_of_programs_are_safe_to_print() {
        for (named, kept) in [
            ("Microsoft-WebDAV-MiniRedir/10.0.22631", "Microsoft-WebDAV-MiniRedir/10.0.22631"),
            ("Agenda d\u{e9}t\u{e9}/2 (x; y)", "Agenda d\u{e9}t\u{e9}/2 (x; y)"),
            ("a\u{1b}[31mb\tc\r\nd", "a[31mbcd"),
            ("a\u{202e}b\u{200b}c\u{feff}d\u{2028}e\u{e0041}", "abcde"),
            ("", ""),
        ] {
            assert_eq!(program_name(named), kept);
        }
        assert_eq!(program_name(&"x".repeat(10_000)).len(), 200);
    }
}
