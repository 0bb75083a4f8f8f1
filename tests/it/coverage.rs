//! `conformance/COVERAGE.md` is written from the tables, and from what the probes say that they show; this fails when
//! the page is stale.

use std::fmt::Write as _;

use beffroi::front::answer::DAV_HEADER;
use beffroi::front::dav::property;
use beffroi::front::dav::report::REPORTS;
use beffroi::model::condition::CONDITIONS;
use beffroi::model::effect::EFFECTS;
use beffroi::model::kind::{KINDS, Kind};
use beffroi::model::method::METHODS;
use beffroi::model::name::{CALDAV, QName};
use beffroi::model::privilege::{PRIVILEGES, ROLES};
use beffroi::model::version::SUCCESSIONS;
use beffroi::model::view::{Traits, View};

fn page() -> String {
    let mut page = format!(
        "# RewindAction is covered\n\nWritten from the tables of the code by `tests/it/coverage.rs`.\n\n\
         | `DAV:` |\n|---|\n| {DAV_HEADER} |\n\n## Kinds and methods\n\n\
         | kind | methods | PUT makes | MKCOL makes | sync |\n|---|---|---|---|---|\n"
    );
    let code = |kind: Option<Kind>| kind.map_or("", |kind| kind.row().code);
    for row in &KINDS {
        let sync = if row.sync { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {sync} |",
            row.code,
            row.methods.allow(),
            code(row.put),
            code(row.mkcol)
        );
    }
    page.push_str(
        "\n## RewindAction may be done with what is stored, as it is looked at\n\n| kind | looked at | methods \
                   |\n|---|---|---|\n",
    );
    for row in &KINDS {
        for view in View::ALL.into_iter().skip(1).filter(|view| view.shows(row.kind)) {
            let methods = Traits::of(row.kind, view).methods.allow();
            let _ = writeln!(page, "| {} | {view:?} | {methods} |", row.code);
        }
    }
    page.push_str("\n## Effects\n\n| method | on what is there | on a free name |\n|---|---|---|\n");
    for (method, name) in METHODS {
        let row = EFFECTS.iter().find(|row| row.method == method).unwrap();
        let _ = writeln!(page, "| {name} | {} | {} |", effects(row.mapped), effects(row.unmapped));
    }
    page.push_str("\n## Roles and privileges\n\n| privilege |");
    for role in &ROLES {
        let _ = write!(page, " {} |", role.code);
    }
    let _ = writeln!(page, "\n|---|{}", "---|".repeat(ROLES.len()));
    for row in &PRIVILEGES {
        let _ = write!(page, "| {} |", row.element.local);
        for role in &ROLES {
            page.push_str(if role.grants.includes(row.parts) { " yes |" } else { " |" });
        }
        page.push('\n');
    }
    page.push_str("\n## Live properties\n\n| property | allprop | source |\n|---|---|---|\n");
    for row in property::all() {
        let all = if row.in_allprop { "yes" } else { "" };
        let _ = writeln!(page, "| `{}` | {all} | {} |", spelled(&row.name), row.source);
    }
    page.push_str("\n## Reports\n\n| report | source |\n|---|---|\n");
    for row in &REPORTS {
        let _ = writeln!(page, "| {} | {} |", row.name.local, row.source);
    }
    page.push_str("\n## Shown from outside\n\n| of | what | probe |\n|---|---|---|\n");
    for (source, rule, probe) in probes() {
        let _ = writeln!(page, "| {source} | {rule} | `{probe}` |");
    }
    page.push_str("\n## Meetings, row by row\n\n| of | what | shown by, or why not |\n|---|---|---|\n");
    for (source, row, shown) in super::scheduling_rows::ROWS {
        let shown = shown.map_or_else(str::to_owned, |test| format!("`{test}`"));
        let _ = writeln!(page, "| {source} | {row} | {shown} |");
    }
    page.push_str("\n## Succession\n\n| it left | it lands | the next version? |\n|---|---|---|\n");
    for (left, landing, carries) in SUCCESSIONS {
        let _ = writeln!(page, "| {left:?} | {landing:?} | {} |", if carries { "yes" } else { "" });
    }
    page.push_str("\n## Conditions\n\n| condition | status | element | source |\n|---|---|---|---|\n");
    for row in &CONDITIONS {
        let element = row.element.as_ref().map_or(String::new(), |e| format!("`{}`", spelled(e)));
        let _ = writeln!(page, "| {:?} | {} | {element} | {} |", row.condition, row.status, row.source);
    }
    page
}

/// What each probe of `conformance/` shows, of which standard: `@probe("SOURCE", "RULE"` stands before its function.
fn probes() -> Vec<(String, String, String)> {
    let conformance = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut found = Vec::new();
    for folder in ["field", "hostile"] {
        for file in std::fs::read_dir(conformance.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.extension().is_none_or(|ending| ending != "py") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for block in text.split("@probe(").skip(1) {
                let (source, rest) = python_text(block);
                let (rule, _) = python_text(rest);
                let name = block.split_once("\ndef ").unwrap().1.split('(').next().unwrap();
                found.push((source, rule, format!("{folder}/{stem}.{name}")));
            }
        }
    }
    found.sort_by(|one, other| one.2.cmp(&other.2));
    found
}

/// The first text in a piece of Python, whose parts may stand on several lines, and what follows it.
fn python_text(code: &str) -> (String, &str) {
    let (mut text, mut rest) = (String::new(), code.split_once('"').unwrap().1);
    loop {
        let (part, after) = rest.split_once('"').unwrap();
        text.push_str(part);
        match after.trim_start().strip_prefix('"') {
            Some(next) => rest = next,
            None => return (text, after),
        }
    }
}

fn effects(effects: &[(beffroi::model::effect::Effect, beffroi::model::effect::EffectPlace)]) -> String {
    effects.iter().map(|(effect, place)| format!("{effect:?}({place:?})")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_says_what_the_tables_say() {
    let written = include_str!("../../conformance/COVERAGE.md");
    let page = page();
    if page != written {
        let place = std::env::temp_dir().join("COVERAGE.md");
        std::fs::write(&place, &page).unwrap();
        panic!("conformance/COVERAGE.md is stale; as it should be: {}", place.display());
    }
}

fn spelled(name: &QName) -> String {
    let namespace = if name.namespace == CALDAV { "CALDAV:" } else { &name.namespace };
    format!("{namespace}{}", name.local)
}
