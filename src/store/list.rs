//! Many texts as one argument of a statement, which reads them as a table (`db::text::listed`).

/// Texts as one argument.
pub fn list(texts: &[impl AsRef<str>]) -> String {
    listed_parts(texts.iter().map(|text| [text.as_ref()]))
}

/// Texts as one argument, each given in parts.
pub fn listed_parts<'a, const PARTS: usize>(texts: impl IntoIterator<Item = [&'a str; PARTS]>) -> String {
    let mut list = String::from("[");
    for text in texts {
        list.push_str(if list.len() > 1 { ",\"" } else { "\"" });
        for part in text {
            // Nearly all are names without anything that must be escaped: looked at without a branch, in a few
            // instructions.
            let plain = |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\');
            if part.bytes().fold(true, plain) {
                list.push_str(part);
            } else {
                let quoted = serde_json::Value::from(part).to_string();
                list.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
        }
        list.push('"');
    }
    list.push(']');
    list
}

#[cfg(test)]
mod tests {
    use super::{list, listed_parts};

    #[test]
    fn every_text_is_read_back() {
        let texts = ["", "a", "\u{e9}t\u{e9}", "\"", "\\", "a\nb\u{1}\u{7f}", "x".repeat(100).as_str(), "],[\""]
            .map(str::to_owned);
        let read: Vec<String> = serde_json::from_str(&list(&texts)).expect("JSON");
        assert_eq!(read, texts);
        let read: Vec<String> = serde_json::from_str(&listed_parts([["a", "\"", "b"], ["", "", ""]])).expect("JSON");
        assert_eq!(read, ["a\"b", ""]);
        assert_eq!(list(&[""; 0]), "[]");
    }
}
