//! Holds the imports of `src/` against the layers of `ARCHITECTURE.md`: who may import whom, and who alone may name what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Module, what of ours it may import. Front ends are modules of their own, and know nothing of each other.
const LAYERS: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("message", &["model"]),
    ("wire", &["model"]),
    ("ical", &["model"]),
    ("store", &["model"]),
    ("tree", &["model", "ical", "store"]),
    ("exchange", &["model", "tree", "message"]),
    ("front", &[]),
    ("front::answer", &["model", "wire", "exchange", "message"]),
    ("front::dav", &["model", "wire", "ical", "tree", "exchange", "message", "front::answer"]),
    ("front::feed", &["model", "wire", "ical", "tree", "exchange", "message", "front::answer"]),
    ("front::timezones", &["model", "wire", "ical", "tree", "exchange", "front::answer"]),
    ("config", &[]),
    (
        "server",
        &[
            "model",
            "wire",
            "tree",
            "exchange",
            "message",
            "front::answer",
            "front::dav",
            "front::feed",
            "front::timezones",
            "config",
        ],
    ),
    ("app", &["model", "tree", "server", "config"]),
    ("service", &["model", "ical", "tree"]),
    ("cli", &["model", "tree", "service", "message", "app", "config"]),
];

/// A crate or path, and the modules that alone may name it.
const ALONE: [(&str, &[&str]); 13] = [
    ("icalendar::", &["service"]),
    ("windows_timezones::", &["ical"]),
    ("quick_xml::", &["wire"]),
    ("tokio::fs", &["store", "cli"]),
    ("std::fs", &["store", "server", "config"]),
    ("hyper::", &["server"]),
    ("hyper_util::", &["server"]),
    ("rustls::", &["server", "cli"]),
    ("base64::", &["server"]),
    ("md5::", &["front::dav"]),
    ("clap::", &["cli"]),
    ("tokio::net", &["server", "app"]),
    ("fluent_bundle", &["message"]),
];

/// Where a database is known, and the words that tell which.
const ADAPTERS: &str = "store/db/sqlite";
const OF_ONE_DATABASE: [&str; 8] =
    ["sqlx::", "sqlite", "json_each", "json_group_array", "group_concat", "savepoint", "pragma", "-shm"];

/// What may follow rules, the files above `ical` that may call it, and how each does it in a turn of work (`tree/work.rs`).
const FOLLOW: [&str; 5] = ["Zones::new(", "Zone::of_text(", "bounds(", "judge(", "sound("];
const FOLLOWERS: [(&str, &str); 6] = [
    ("tree/calendar.rs", "in `Tree::prepare` and `Tree::zone_of_text`; opening a store indexes, too"),
    ("tree/check.rs", "only the check does, for which nobody waits"),
    ("front/dav/calendar.rs", "in what `Visit::work` is given"),
    ("front/dav/property/caldav.rs", "for parts of objects, which only reports that work ask for"),
    ("front/dav/get.rs", "in what `Tree::work` is given"),
    ("front/feed.rs", "in what `Visit::work` is given"),
];

const MAX_LINES: usize = 600;

fn files(directory: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The module of a path's names: the first, and below `front` the second as well.
fn module_of<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let first = names.next().unwrap_or_default();
    match names.next() {
        Some(second) if first == "front" => format!("{first}::{second}"),
        _ => first.to_owned(),
    }
}

fn sources() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
            let module = module_of(relative.trim_end_matches("/mod.rs").trim_end_matches(".rs").split('/'));
            (relative, module, fs::read_to_string(&path).expect("a source file"))
        })
        .collect()
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = LAYERS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("{file}: the module {module} has no layer"));
        // Tests beside the code are held to the layers, too.
        for (at, _) in text.match_indices("crate::") {
            let path: String =
                text[at + 7..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            let name = module_of(path.split("::"));
            let ours = LAYERS.iter().any(|(known, _)| *known == name) || name.starts_with("front::");
            if name != module && !allowed.contains(&name.as_str()) && ours {
                wrong.push(format!("{file} imports {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_outside_name_has_its_module() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        for (name, modules) in ALONE {
            if text.contains(name) && !modules.contains(&module.as_str()) {
                wrong.push(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The write transaction is named by the store, and above it by the edit: nothing is written past the verbs.
#[test]
fn nothing_is_written_past_the_edit() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        if module == "store" || file.starts_with("tree/edit/") {
            continue;
        }
        for name in ["Txn", "store.write()", "store.begin("] {
            if text.contains(name) {
                wrong.push(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_its_adapter_knows_a_database() {
    let mut wrong = Vec::new();
    for (file, _, text) in sources().into_iter().filter(|(file, ..)| !file.starts_with(ADAPTERS)) {
        let text = text.to_lowercase();
        let words = OF_ONE_DATABASE.iter().filter(|word| text.contains(**word));
        wrong.extend(words.map(|word| format!("{file} knows {word}")));
    }
    // The one place that names the adapters.
    wrong.retain(|line| line != "store/db/mod.rs knows sqlite");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rules_are_followed_where_work_is_done() {
    let mut wrong = Vec::new();
    for (file, module, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let calls = |name: &str| {
            let mut before = code.match_indices(name).map(|(at, _)| &code[..at]);
            before.any(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let may = module == "ical" || FOLLOWERS.iter().any(|(known, _)| *known == file);
        wrong.extend(FOLLOW.iter().filter(|name| !may && calls(name)).map(|name| format!("{file} calls {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for_and_is_small() {
    let mut wrong = Vec::new();
    for (file, _, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{file} does not open with what it is for"));
        }
        if text.lines().count() > MAX_LINES {
            wrong.push(format!("{file} has more than {MAX_LINES} lines"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.replace("VTODO", "").contains("TODO") || line.contains("FIXME") {
                wrong.push(format!("{file}:{} is unfinished", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
