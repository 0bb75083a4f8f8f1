//! Is a piece of XML that was stored still whole? One damaged byte of it would break all of the answer that holds it.

/// Does it stand for itself between the elements of an answer: do its tags match, are its prefixes declared in it or
/// among
/// `bound`, its references known, and is there nothing that XML cannot carry? It is asked of what we wrote: what we
/// never write is damage, too.
#[must_use]
pub fn is_whole(xml: &str, bound: &[&str]) -> bool {
    // The elements that are open, with how many prefixes were declared outside of each.
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut scope: Vec<&str> = bound.to_vec();
    let mut rest = xml;
    while let Some((text, markup)) = rest.split_once('<') {
        if !is_text(text) {
            return false;
        }
        if let Some(end) = markup.strip_prefix('/') {
            let (Some((name, after)), Some((opened, outside))) = (end.split_once('>'), open.pop()) else {
                return false;
            };
            if name != opened {
                return false;
            }
            scope.truncate(outside);
            rest = after;
            continue;
        }
        let outside = scope.len();
        let Some((name, after)) = start(markup, &mut scope) else { return false };
        if let Some(after) = after.strip_prefix("/>") {
            scope.truncate(outside);
            rest = after;
        } else if let Some(after) = after.strip_prefix('>') {
            open.push((name, outside));
            rest = after;
        } else {
            return false;
        }
    }
    open.is_empty() && is_text(rest)
}

/// The name of an element, and what follows its attributes; what it declares goes into the scope.
fn start<'a>(markup: &'a str, scope: &mut Vec<&'a str>) -> Option<(&'a str, &'a str)> {
    let (name, mut rest) = markup.split_at_checked(markup.find([' ', '/', '>'])?)?;
    let mut used = is_name(name).then(|| prefix(name))?.into_iter().collect::<Vec<_>>();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let (key, value) = attribute.split_once("=\"")?;
        let (value, after) = value.split_once('"')?;
        if !is_name(key) || !is_text(value) || value.contains('<') {
            return None;
        }
        match key.split_once(':') {
            Some(("xmlns", declared)) => scope.push(declared),
            _ => used.extend(prefix(key)),
        }
        rest = after;
    }
    used.iter().all(|prefix| *prefix == "xml" || scope.contains(prefix)).then_some((name, rest))
}

fn prefix(name: &str) -> Option<&str> {
    name.split_once(':').map(|(prefix, _)| prefix)
}

/// Is it the name of an element, with or without a prefix?
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = |part: &str| {
        let plain = |c: char| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}') || (c > '\u{7f}' && !c.is_control())
        };
        part.chars().next().is_some_and(|c| plain(c) && !c.is_ascii_digit() && !matches!(c, '-' | '.'))
            && part.chars().all(plain)
    };
    match name.split_once(':') {
        Some((prefix, local)) => fits(prefix) && fits(local),
        None => fits(name),
    }
}

/// Is it text without markup, all of it such as XML can carry?
fn is_text(text: &str) -> bool {
    const REFERENCES: [&str; 6] = ["amp;", "lt;", "gt;", "quot;", "apos;", "#13;"];
    let carried = |byte: u8| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r');
    text.bytes().all(carried)
        && !text.contains(['\u{fffe}', '\u{ffff}'])
        && text.split('&').skip(1).all(|after| REFERENCES.iter().any(|reference| after.starts_with(reference)))
}

#[cfg(test)]
mod tests {
    use super::{is_name, is_whole};

    #[test]
    fn what_is_whole() {
        for xml in [
            "",
            "text &amp; &#13;\n > more",
            "<x:a xmlns:x=\"urn:x\" xml:lang=\"fr\" x:b=\"1\" c=\"&lt;\">t<ns0:d \
             xmlns:ns0=\"urn:d\"><e/></ns0:d></x:a>",
            "<D:href>me</D:href> and <b>é</b>",
        ] {
            assert!(is_whole(xml, &["D"]), "{xml}");
        }
        for xml in [
            "<a>",
            "</a>",
            "<a></b>",
            "<a><b></a></b>",
            "<",
            "a < b",
            "<a b=\"1/>",
            "<a b=\"<\"/>",
            "<a b/>",
            "<x:a/>",
            "<a xmlns:x=\"u\"/><x:b/>",
            "<a x:b=\"1\"/>",
            "&",
            "&nbsp;",
            "a\u{1}b",
            "\u{ffff}",
            "<1/>",
            "<a b=\"\u{0}\"/>",
            "<!-- -->",
            "<?a?>",
            "<![CDATA[a]]>",
            "< a/>",
            "<a/ >",
            "<:a/>",
            "<a:b:c/>",
        ] {
            assert!(!is_whole(xml, &["D"]), "{xml}");
        }
        assert!(is_name("x:a-1.é") && !["", ":", "1a", "a b", "a<", "-a"].into_iter().any(is_name));
    }
}
