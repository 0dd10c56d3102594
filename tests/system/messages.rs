//! docs/messages.md lists every message: each text in the source that a user can read in the log or in a finding of doctor.
use std::fs;
use std::path::{Path, PathBuf};

use super::docs::page;

/// The files all of whose texts are messages, beside the calls of the log.
const COMPOSED: [&str; 9] = [
    "core/src/ftok.rs",
    "core/src/monitor/refusal.rs",
    "core/src/output/error.rs",
    "core/src/poll/error.rs",
    "core/src/poll/log_line.rs",
    "core/src/sysv/error.rs",
    "src/ctl/doctor",
    "src/guardian/child.rs",
    "src/guardian/mod.rs",
];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The string literals of some source, with their escapes resolved.
fn literals(source: &str) -> Vec<String> {
    let (mut found, mut text) = (Vec::new(), source);
    while let Some(start) = text.find('"') {
        // A character literal, or a lifetime's neighbour.
        if text[..start].ends_with('\'') {
            text = &text[start + 1..];
            continue;
        }
        let mut literal = String::new();
        let mut rest = text[start + 1..].char_indices();
        let end = loop {
            match rest.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => match rest.next() {
                    Some((_, '\n')) => {
                        while rest.as_str().starts_with(char::is_whitespace) {
                            let _ = rest.next();
                        }
                    }
                    Some((_, other)) => literal.push(if other == 'n' { ' ' } else { other }),
                    None => return found,
                },
                Some((_, other)) => literal.push(other),
                None => return found,
            }
        };
        found.push(literal);
        text = &text[start + 1 + end + 1..];
    }
    found
}

/// The parts of a format string between its placeholders.
fn fragments(literal: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in literal.replace("{{", "\u{1}").replace("}}", "\u{2}").chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                parts.push(String::new());
            }
            _ if depth > 0 => {}
            '\u{1}' => parts.last_mut().expect("one").push('{'),
            '\u{2}' => parts.last_mut().expect("one").push('}'),
            c => parts.last_mut().expect("one").push(c),
        }
    }
    parts.retain(|part| part.chars().filter(|c| c.is_alphabetic()).count() >= 4);
    parts
}

/// True if one line of the page has all parts, in this order.
fn is_listed(page: &str, parts: &[String]) -> bool {
    page.lines().any(|line| {
        let mut rest = line;
        parts.iter().all(|part| {
            let found = rest.find(part.trim());
            if let Some(at) = found {
                rest = &rest[at + part.trim().len()..];
            }
            found.is_some()
        })
    })
}

/// The source without its tests and comments.
fn code(path: &Path) -> String {
    let source = fs::read_to_string(path).expect("read");
    let source = source.split("#[cfg(test)]").next().expect("a part");
    source.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The calls of the log in some source.
fn calls(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for name in ["error!(", "warn!(", "info!("] {
        for (at, _) in source.match_indices(name) {
            if source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let mut depth = 0;
            let end = source[at..].find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                c == ')' && depth == 0
            });
            found.push(&source[at..at + end.expect("a closed call")]);
        }
    }
    found
}

/// The texts of one file that are not on the page.
fn missing(page: &str, path: &Path) -> Vec<String> {
    let source = code(path);
    let is_composed = COMPOSED.iter().any(|composed| path.to_string_lossy().contains(composed));
    let texts: Vec<String> = match is_composed {
        true => literals(&source).into_iter().filter(|text| text.len() > 11 && text.contains(' ')).collect(),
        false => calls(&source).into_iter().flat_map(literals).collect(),
    };
    texts.into_iter().filter(|text| !is_listed(page, &fragments(text))).collect()
}

#[test]
fn every_message_is_on_its_page() {
    let (page, mut files) = (page("docs/messages.md"), Vec::new());
    for folder in ["core/src", "src"] {
        rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    let missing: Vec<String> = files
        .iter()
        .flat_map(|path| missing(&page, path).into_iter().map(move |text| format!("{}: {text}", path.display())))
        .collect();
    assert!(missing.is_empty(), "not in docs/messages.md:\n{}", missing.join("\n"));
}

#[test]
fn a_message_that_is_not_listed_is_found() {
    let page = "| `module NAME: segment ID created (key KEY)` | | |\n";
    let source = "info!(\"module {name}: segment {id} created (key {key})\");\nwarn!(\"module {name}: made up\");";
    let listed: Vec<bool> =
        calls(source).into_iter().flat_map(literals).map(|text| is_listed(page, &fragments(&text))).collect();
    assert_eq!(listed, [false, true]);
    // In this order.
    assert!(!is_listed(page, &fragments("created {} segment")));
}
