//! What objects hold, read by us and by another library: those that clients sent in the recorded conversations, and
//! generated ones. Components, properties, parameters and values are the same, in the same order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::Path;

use beffroi::ical::object::{Component, fold_into, parse};
use icalendar::parser;
use proptest::prelude::*;

/// A line: the components it stands in, its name, its parameters; its value as it stands, and as a text.
#[derive(PartialEq, Debug)]
struct Line {
    at: String,
    name: String,
    parameters: Vec<(String, String)>,
    values: [String; 2],
}

fn ours(component: &Component, above: &str, out: &mut Vec<Line>) {
    let at = format!("{above}/{}", component.name);
    out.extend(component.properties.iter().map(|property| Line {
        at: at.clone(),
        name: property.name.clone(),
        parameters: property.parameters().collect(),
        values: [property.value().to_owned(), property.text()],
    }));
    component.components.iter().for_each(|inner| ours(inner, &at, out));
}

fn theirs(component: &parser::Component<'_>, above: &str, out: &mut Vec<Line>) {
    let at = format!("{above}/{}", component.name);
    out.extend(component.properties.iter().map(|property| Line {
        at: at.clone(),
        name: property.name.to_string().to_ascii_uppercase(),
        parameters: property.params.iter().map(parameter).collect(),
        values: [property.val.to_string(), property.val.to_string()],
    }));
    component.components.iter().for_each(|inner| theirs(inner, &at, out));
}

/// The library leaves RFC 6868 to others.
fn parameter(parameter: &parser::Parameter<'_>) -> (String, String) {
    let value = parameter.val.as_ref().map(ToString::to_string).unwrap_or_default();
    let decoded = value.replace("^n", "\n").replace("^'", "\"").replace("^^", "^");
    (parameter.key.to_string().to_ascii_uppercase(), decoded)
}

/// Differs anything? The library undoes the escapes of the texts that it knows, and leaves other values as they stand.
fn compare(text: &str) {
    let mut read = (Vec::new(), Vec::new());
    ours(&parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why:?} {text}")), "", &mut read.0);
    let unfolded = parser::unfold(text);
    for component in parser::read_components(&unfolded).unwrap_or_else(|why| panic!("{why} {text}")) {
        theirs(&component, "", &mut read.1);
    }
    assert_eq!(read.0.len(), read.1.len(), "{text}");
    for (ours, theirs) in read.0.iter().zip(&read.1) {
        assert_eq!((&ours.at, &ours.name, &ours.parameters), (&theirs.at, &theirs.name, &theirs.parameters), "{text}");
        assert!(ours.values.contains(&theirs.values[0]), "{ours:?} {theirs:?} {text}");
    }
}

#[test]
fn what_clients_sent_holds_the_same_for_both() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conversations");
    let mut objects = 0;
    for file in fs::read_dir(folder).unwrap() {
        let conversation = fs::read_to_string(file.unwrap().path()).unwrap();
        for rest in conversation.split("\nBEGIN:VCALENDAR\n").skip(1) {
            let Some((inner, _)) = rest.split_once("\nEND:VCALENDAR") else { continue };
            compare(&format!("BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n", inner.replace('\n', "\r\n")));
            objects += 1;
        }
    }
    assert!(objects > 30, "{objects}");
}

fn line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        proptest::sample::select(vec!["SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CONTACT"])
            .prop_map(str::to_owned),
        "X-[A-Z]{1,8}",
    ];
    let parameter = ("X-[A-Z]{1,5}", prop_oneof!["[a-zé ]{0,9}", "\"[a-z:;,é ]{1,9}\""]);
    let value = "([a-zA-Zé0-9 :=+\"'.-]|\\\\n|\\\\,|\\\\;|\\\\\\\\){0,120}";
    (name, proptest::collection::vec(parameter, 0..3), value).prop_map(|(name, parameters, value)| {
        let parameters: String = parameters.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("{name}{parameters}:{value}")
    })
}

proptest! {
    #[test]
    fn generated_objects_hold_the_same_for_both(lines in proptest::collection::vec(line(), 0..12)) {
        let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:u\r\n");
        lines.iter().for_each(|line| fold_into(&mut text, line));
        text.push_str("BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        compare(&text);
    }
}
