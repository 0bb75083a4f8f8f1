//! Holds the imports of `src/` against the layers of `ARCHITECTURE.md`: who may import whom, and who alone may name
//! what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module, what of ours it may import. Front ends are modules of their own, and know nothing of each other.
const LAYERS: [(&str, &[&str]); 24] = [
    ("model", &[]),
    ("message", &["model"]),
    ("wire", &["model"]),
    ("ical", &["model"]),
    ("wording", &["model", "message", "ical"]),
    ("store", &["model"]),
    ("tree", &["model", "ical", "store"]),
    ("exchange", &["model", "tree", "message"]),
    ("front", &[]),
    ("front::answer", &["model", "wire", "exchange", "message"]),
    ("front::content", &["model", "wire", "tree", "exchange", "front::answer"]),
    ("front::dav", &["model", "wire", "ical", "tree", "exchange", "message", "front::answer", "front::content"]),
    ("front::attachment", &["model", "wire", "tree", "exchange", "front::answer", "front::content"]),
    ("front::feed", &["model", "wire", "ical", "tree", "exchange", "message", "front::answer"]),
    ("front::page", &["model", "wire", "exchange", "message", "front::answer"]),
    (
        "front::answer_page",
        &["model", "wire", "ical", "tree", "exchange", "message", "wording", "front::answer", "front::page"],
    ),
    ("front::freebusy", &["model", "wire", "ical", "tree", "exchange", "front::answer"]),
    ("front::timezones", &["model", "wire", "ical", "tree", "exchange", "front::answer"]),
    ("config", &["model"]),
    ("mail", &["model", "message", "ical", "tree", "wording", "config"]),
    (
        "server",
        &[
            "model",
            "wire",
            "tree",
            "exchange",
            "message",
            "front::answer",
            "front::answer_page",
            "front::page",
            "front::attachment",
            "front::dav",
            "front::feed",
            "front::freebusy",
            "front::timezones",
            "config",
        ],
    ),
    ("app", &["model", "tree", "server", "config", "mail"]),
    ("service", &["model", "ical", "tree"]),
    ("cli", &["model", "tree", "service", "message", "app", "config", "mail"]),
];

/// A crate or path, and the modules that alone may name it.
const ALONE: [(&str, &[&str]); 16] = [
    ("icalendar::", &["service"]),
    ("windows_timezones::", &["ical"]),
    ("quick_xml::", &["wire"]),
    ("tokio::fs", &["store", "cli"]),
    ("std::fs", &["store", "server", "config", "mail"]),
    ("hyper::", &["server"]),
    ("hyper_util::", &["server"]),
    ("rustls::", &["server", "cli", "mail"]),
    ("base64::", &["server"]),
    ("askama", &["front::page", "front::answer_page"]),
    ("md5::", &["front::dav", "model"]),
    ("clap::", &["cli"]),
    ("tokio::net", &["server", "app", "mail"]),
    ("fluent_bundle", &["message"]),
    ("lettre::", &["mail"]),
    ("mail_parser::", &["mail"]),
];

/// Where a database is known, and the words that say which.
const ADAPTERS: &str = "store/db/sqlite";
const OF_ONE_DATABASE: [&str; 8] =
    ["sqlx::", "sqlite", "json_each", "json_group_array", "group_concat", "savepoint", "pragma", "-shm"];

/// What may follow rules, the files above `ical` that may call it, and how each does it in a turn of work
/// (`tree/work.rs`).
const FOLLOW: [&str; 5] = ["Zones::new(", "Zone::of_text(", "bounds(", "validate(", "sound("];
const FOLLOWERS: [(&str, &str); 10] = [
    ("tree/attachment.rs", "in the work of `Tree::plan_attachment`"),
    ("tree/busy.rs", "in what `LongRead::work` is given"),
    ("tree/scheduling/rooms.rs", "in the work of `Tree::plan_schedule`"),
    ("tree/scheduling/invitations.rs", "in what `Tree::work` is given"),
    ("tree/calendar.rs", "in `Tree::prepare` and `Tree::zone_of_text`; opening a store indexes, too"),
    ("tree/check.rs", "only the check does, for which nobody waits"),
    ("front/dav/calendar.rs", "in what `Visit::work` is given"),
    ("front/dav/property/caldav.rs", "for parts of objects, which only reports that work ask for"),
    ("front/dav/get.rs", "in what `Tree::work` is given"),
    ("front/feed.rs", "in what `Visit::work` is given"),
];

const MAX_LINES: usize = 600;
const MAX_COLUMNS: usize = 120;
const MAX_FUNCTION_LINES: usize = 60;

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

/// What templates are given is shown as text, and a page runs and styles nothing that is not an asset.
#[test]
fn templates_escape_all_and_run_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for entry in fs::read_dir(root).expect("templates") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a template").replace(' ', "");
        for name in ["|safe", "|escape", "<script", "<style", "style=\"", "onclick", "javascript:", "http:", "//"] {
            assert!(!text.contains(name), "{} has {name}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 0);
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

/// Without the tests beside it, and without comments.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths that are named after a prefix such as `super::`, a group of names in braces one by one.
fn named<'a>(rest: &'a str, before: &[&'a str], out: &mut Vec<Vec<String>>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            inner = inner.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if inner.is_empty() || inner.starts_with('}') {
                return inner.get(1..).unwrap_or_default();
            }
            inner = named(inner, before, out);
            inner = &inner[inner.find([',', '}']).unwrap_or(inner.len())..];
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, tail) = rest.split_at(end);
    let path = [before, &[name]].concat();
    match tail.strip_prefix("::") {
        Some(tail) if end > 0 => named(tail, &path, out),
        _ => {
            out.push(path.iter().map(|name| (*name).to_owned()).collect());
            tail
        }
    }
}

/// The files that a file imports, or names by a path.
fn imports(module: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = &code[..at];
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut base: Vec<&str> = if root == "crate::" { Vec::new() } else { module.split('/').collect() };
            let mut rest = &code[at..];
            rest = rest.strip_prefix("crate::").or(rest.strip_prefix("self::")).unwrap_or(rest);
            while let Some(above) = rest.strip_prefix("super::") {
                base.pop();
                rest = above;
            }
            let mut paths = Vec::new();
            named(rest, &base, &mut paths);
            for path in paths {
                let prefixes = (1..=path.len()).rev().map(|count| path[..count].join("/"));
                found.extend(prefixes.into_iter().find(|name| modules.contains(name)).filter(|name| name != module));
            }
        }
    }
    found
}

/// What a file leads to by imports that stay within a folder; itself, where that is in a circle.
fn reached<'a>(
    from: &'a str,
    imported: &'a BTreeMap<String, BTreeSet<String>>,
    inside: &BTreeSet<&'a String>,
) -> BTreeSet<&'a String> {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(next) = waiting.pop() {
        for name in imported[next].iter().filter(|name| inside.contains(name)) {
            if seen.insert(name) {
                waiting.push(name);
            }
        }
    }
    seen
}

#[test]
fn files_of_a_folder_import_each_other_in_no_circle() {
    let sources = sources();
    let name_of = |file: &str| file.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
    let modules: BTreeSet<String> = sources.iter().map(|(file, ..)| name_of(file)).collect();
    let imported: BTreeMap<String, BTreeSet<String>> = sources
        .iter()
        .map(|(file, _, text)| (name_of(file), imports(&name_of(file), &code_of(text), &modules)))
        .collect();
    let folder_of = |module: &str| module.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let folders: BTreeSet<String> = modules.iter().map(|module| folder_of(module)).collect();
    let mut circles = BTreeSet::new();
    for folder in folders {
        let inside: BTreeSet<&String> =
            modules.iter().filter(|module| folder_of(module) == folder || **module == folder).collect();
        let all: BTreeMap<&String, _> =
            inside.iter().map(|module| (*module, reached(module, &imported, &inside))).collect();
        for (module, reach) in all.iter().filter(|(module, reach)| reach.contains(**module)) {
            circles.insert(
                reach
                    .iter()
                    .filter(|other| all[**other].contains(*module))
                    .map(|name| (*name).clone())
                    .collect::<Vec<_>>(),
            );
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// A text up to what closes the bracket that it begins with.
fn bracketed(text: &str) -> &str {
    let mut depth = 0;
    let end = text.char_indices().find(|(_, c)| {
        depth += i32::from(matches!(c, '(' | '[' | '{')) - i32::from(matches!(c, ')' | ']' | '}'));
        depth == 0
    });
    &text[..=end.map_or(text.len() - 1, |(at, _)| at)]
}

/// The name of each function that can be called from another file, and its arguments without spaces.
fn public_functions(code: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].rsplit('\n').next().unwrap_or_default();
        let (name, rest) = code[at + 3..].split_at(code[at + 3..].find(['<', '(']).unwrap_or(0));
        // What is generic may be a function.
        let mut depth = 0;
        let opens = rest.char_indices().find(|(at, c)| {
            depth += i32::from(*c == '<') - i32::from(*c == '>' && !rest[..*at].ends_with('-'));
            *c == '(' && depth == 0
        });
        if let Some((opens, _)) = opens.filter(|_| before.trim_start().starts_with("pub")) {
            // Brackets also hold a trait together with its bounds.
            let arguments = bracketed(&rest[opens..]).replace("(dyn ", "dyn ").replace("(impl ", "impl ");
            found.push((name, arguments.replace("mut ", "").replace(['&', ' ', '\n'], "")));
        }
    }
    found
}

/// Whoever reads a call sees what each argument is: it has a name and a type of its own.
#[test]
fn no_public_function_takes_a_tuple() {
    let mut wrong = Vec::new();
    for (file, _, text) in sources() {
        let code = code_of(&text);
        let functions = public_functions(&code).into_iter().filter(|(_, arguments)| arguments.contains(":("));
        wrong.extend(functions.map(|(name, arguments)| format!("{file}: {name}{arguments}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn functions_are_short() {
    let mut wrong = Vec::new();
    for (file, _, text) in sources() {
        // Tables of examples are as long as they are.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines: Vec<&str> = if file.ends_with("/examples.rs") { Vec::new() } else { code.lines().collect() };
        for (at, line) in lines.iter().enumerate() {
            let plain = line.trim_start();
            let Some((before, name)) = plain.split_once("fn ") else { continue };
            let heads = |word: &str| word.starts_with("pub") || ["const", "async"].contains(&word);
            if !before.split_whitespace().all(heads) || plain.ends_with('}') {
                continue;
            }
            let opens = lines[at..].iter().find(|line| line.ends_with(['{', ';']));
            if opens.is_none_or(|line| line.ends_with(';')) {
                continue;
            }
            let end = format!("{}}}", &line[..line.len() - plain.len()]);
            let length = lines[at..].iter().position(|line| *line == end).map_or(0, |length| length + 1);
            if length > MAX_FUNCTION_LINES {
                wrong.push(format!("{file}: {}", name.split(['<', '(']).next().unwrap_or_default()));
            }
        }
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

/// Where lines are as long as they are, and why.
const ANY_LENGTH: [(&str, &str); 7] = [
    ("Cargo.lock", "cargo writes it"),
    ("LICENSE", "the licence as its authors published it"),
    ("schema/", "a step that was taken is known by the hash of its text"),
    ("src/locales/", "Fluent keeps line breaks: a sentence is one line"),
    ("tests/it/conversations/", "what clients sent, as they sent it"),
    ("conformance/bench/plots/", "drawn by the bench"),
    ("conformance/bench/results.json", "written by the bench"),
];

/// All files of the repository, but for what is made in it.
fn every_file(directory: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if [".git", "target", "work", "beffroi-data", "__pycache__"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() { every_file(&path, out) } else { out.push(path) }
    }
}

/// Lines of every kind of text end at 120, but for addresses and rows of tables.
#[test]
fn lines_end_at_120() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    every_file(root, &mut paths);
    let mut wrong = Vec::new();
    for path in &paths {
        let relative = path.strip_prefix(root).expect("below the root").to_string_lossy();
        let Ok(text) = fs::read_to_string(path) else { continue };
        if ANY_LENGTH.iter().any(|(known, _)| relative.starts_with(known)) {
            continue;
        }
        let is_row = |line: &str| line.starts_with("//! |") || relative.ends_with(".md") && line.starts_with('|');
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.chars().count() > MAX_COLUMNS) {
            if !line.contains("://") && !is_row(line) {
                wrong.push(format!("{relative}:{}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unused = ANY_LENGTH.iter().filter(|(known, _)| !paths.iter().any(|path| path.starts_with(root.join(known))));
    assert_eq!(unused.count(), 0, "an exception of what is not there");
}

/// Words that once stood for many things here, and the plain ones that say which is meant.
const PRIVATE_WORDS: [(&str, &str); 6] = [
    ("told", "sent, listed, reported, notified, shown, named"),
    ("tell", "send, list, report, notify, show, name"),
    ("tells", "says, shows, lists, states"),
    ("telling", "sending, listing, reporting"),
    ("deed", "change, request"),
    ("glance", "read, cache hit"),
];

/// Names, comments and documents say the plain word; sentences for people (`src/locales`) are no part of it.
#[test]
fn private_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("ARCHITECTURE.md"), root.join("README.md")];
    files(&root.join("src"), &mut paths);
    files(&root.join("tests"), &mut paths);
    let mut wrong = Vec::new();
    for path in paths.iter().filter(|path| !path.ends_with("tests/layers.rs")) {
        let text = fs::read_to_string(path).expect("a text").to_lowercase();
        for (number, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_alphanumeric());
            for (word, plain) in words.filter_map(|word| PRIVATE_WORDS.iter().find(|(private, _)| *private == word)) {
                wrong.push(format!("{}:{}: {word}; say {plain}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Names of types that are declared twice all the same, and why.
const NAMED_TWICE: [(&str, &str); 2] = [
    ("Database", "the adapter's, and the seam's alias of the adapter that is in use: in tests with a double before it"),
    ("Revision", "the same"),
];

/// One name, one meaning: a type is named once in the whole crate. An indented `type` is one that a trait asks for.
#[test]
fn no_two_types_bear_one_name() {
    let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, _, text) in sources() {
        for line in text.lines() {
            let plain = line.trim_start();
            let item = match plain.strip_prefix("pub") {
                Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or("", |(_, item)| item),
                Some(rest) => rest.trim_start(),
                None => plain,
            };
            let Some((kind, rest)) = item.split_once(' ') else { continue };
            if ["struct", "enum", "trait"].contains(&kind) || (kind == "type" && plain.len() == line.len()) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                declared.entry(name).or_default().insert(file.clone());
            }
        }
    }
    declared.retain(|name, files| files.len() > 1 && NAMED_TWICE.iter().all(|(known, _)| *known != name));
    assert!(declared.is_empty(), "{declared:#?}");
}

/// Each file that the map names is there.
#[test]
fn the_map_names_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "conformance"] {
        files(&root.join(folder), &mut paths);
    }
    let there: Vec<String> = paths.iter().map(|path| format!("/{}", path.to_string_lossy())).collect();
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the map");
    let names = map.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") && !name.contains('*'));
    let missing: Vec<&str> =
        names.filter(|name| !there.iter().any(|path| path.ends_with(&format!("/{name}")))).collect();
    assert!(missing.is_empty(), "the map names files that are not there: {missing:?}");
}
