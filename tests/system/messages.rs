//! docs/messages.md lists every message: each text in the source that becomes a log line or a finding is on that page.
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use alarmd_core::codes::{EventKind, LineStep, Origin, RefusalReason, SysvOp};
use alarmd_core::errno::Errno;
use alarmd_core::ftok::KeyError;
use alarmd_core::monitor::Refusal;
use alarmd_core::output::LineError;
use alarmd_core::poll::StartError;
use alarmd_core::sysv;

use crate::docs::page;

/// What writes a log line or a finding, with the character before its arguments.
const CALLS: [&str; 8] =
    ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "checks.ok(", "checks.warning(", "checks.error("];

/// The calls without a text of their own, and the file that their texts come from.
const COMPOSED: [(&str, &str, &str); 7] = [
    ("core/src/poll/rounds.rs", r#"warn!("{line}")"#, "core/src/poll/log_line.rs"),
    ("core/src/poll/rounds.rs", r#"info!("{line}")"#, "core/src/poll/log_line.rs"),
    (
        "core/src/output/channel.rs",
        r#"error!("{self}: {}", failure.of(&self.settings.target))"#,
        "core/src/output/error.rs",
    ),
    ("src/guardian/worker.rs", r#"error!("{error}")"#, "core/src/poll/error.rs"),
    // The errors of the guardian's `new` and `run`.
    ("src/daemon.rs", r#"error!("{message}")"#, "src/guardian/mod.rs"),
    // It is not written.
    ("src/logging/stderr.rs", r#"error!(target: WARM_UP, "")"#, "src/logging/stderr.rs"),
    // The kernel's release.
    ("src/ctl/doctor/kernel.rs", r#"checks.ok("kernel", &release)"#, "src/ctl/doctor/kernel.rs"),
];

/// The files and folders whose texts all become messages, or parts of messages.
const TEXTS: [&str; 15] = [
    "core/src/ftok.rs",
    "core/src/monitor/refusal.rs",
    "core/src/output/error.rs",
    "core/src/poll/error.rs",
    "core/src/poll/log_line.rs",
    "core/src/sysv/error.rs",
    "src/config",
    "src/ctl/doctor",
    "src/ctl/status_block.rs",
    "src/guardian/child.rs",
    "src/guardian/mod.rs",
    "src/guardian/pidfile.rs",
    "src/guardian/signals.rs",
    "src/logging/stderr.rs",
    "src/logging/syslog.rs",
];

/// A string literal: where it is, its escapes resolved.
struct Literal {
    at: usize,
    text: String,
}

/// A source without its tests.
struct Source {
    name: String,
    text: String,
    /// The text with blanks in place of comments and of the contents of literals; as long as the text.
    code: String,
    literals: Vec<Literal>,
}

impl Source {
    fn new(name: &str, text: &str) -> Source {
        let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text).to_owned();
        let mut source = Source { name: name.to_owned(), text, code: String::new(), literals: Vec::new() };
        let text = source.text.clone();
        while source.code.len() < text.len() {
            source.take_part(&text[source.code.len()..]);
        }
        source
    }

    /// Takes over a comment, a literal or one character from the start of the rest.
    fn take_part(&mut self, rest: &str) {
        let at = self.code.len();
        let mut characters = rest.chars();
        let first = characters.next().unwrap_or_default();
        let blanks = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            let (text, length) = literal(rest);
            self.literals.push(Literal { at, text });
            length
        } else if first == '\'' {
            // A character, or else a lifetime.
            match (characters.next(), characters.next()) {
                (Some('\\'), _) => 4 + rest[3..].find('\'').unwrap_or(0),
                (Some(one), Some('\'')) => 2 + one.len_utf8(),
                _ => 0,
            }
        } else {
            0
        };
        if blanks > 0 {
            self.code.extend(std::iter::repeat_n(' ', blanks));
        } else if first.is_ascii() {
            self.code.push(first);
        } else {
            self.code.extend(std::iter::repeat_n(' ', first.len_utf8()));
        }
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// Where its calls of [`CALLS`] are, arguments included.
    fn calls(&self) -> Vec<Range<usize>> {
        let mut calls = Vec::new();
        for call in CALLS {
            for (start, _) in self.code.match_indices(call) {
                let before = self.code[..start].chars().next_back();
                if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
                    continue;
                }
                let mut depth = 0;
                let length = self.code[start..].find(|character| {
                    depth += i32::from(character == '(') - i32::from(character == ')');
                    character == ')' && depth == 0
                });
                let length = length.unwrap_or_else(|| panic!("{}:{}: no end", self.name, self.line(start)));
                calls.push(start..start + length + 1);
            }
        }
        calls.sort_by_key(|call| call.start);
        calls
    }
}

/// The contents of the literal at the start of the text, and its length in the source.
fn literal(text: &str) -> (String, usize) {
    let mut contents = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (contents, at + 1),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                // The line continues after white space.
                Some('\n') => while characters.next_if(|(_, next)| next.is_whitespace()).is_some() {},
                Some('n') => contents.push('\n'),
                Some(other) => contents.push(other),
                None => {}
            },
            other => contents.push(other),
        }
    }
    panic!("a literal without an end: {contents}");
}

/// The parts between placeholders that have at least four letters.
fn fragments(text: &str) -> Vec<&str> {
    let parts = text.split('{').enumerate().map(|(number, part)| match number {
        0 => part,
        _ => part.split_once('}').map_or(part, |(_, after)| after),
    });
    parts.flat_map(str::lines).map(str::trim).filter(|part| has_letters(part)).collect()
}

fn has_letters(text: &str) -> bool {
    text.chars().filter(|character| character.is_alphabetic()).count() >= 4
}

/// Whether one line of the page has these fragments in this order.
fn lists(page: &str, fragments: &[&str]) -> bool {
    page.lines().any(|line| {
        let mut rest = Some(line);
        for fragment in fragments {
            rest = rest.and_then(|rest| rest.split_once(fragment)).map(|(_, after)| after);
        }
        rest.is_some()
    })
}

/// The errors of the log calls and findings of one source, and the places in [`COMPOSED`] of the calls found there.
fn check_calls(source: &Source, page: &str) -> (Vec<String>, Vec<usize>) {
    let (mut errors, mut composed) = (Vec::new(), Vec::new());
    for call in source.calls() {
        let text = &source.text[call.clone()];
        let literals = source.literals.iter().filter(|literal| call.contains(&literal.at));
        let texts: Vec<Vec<&str>> =
            literals.map(|literal| fragments(&literal.text)).filter(|found| !found.is_empty()).collect();
        let place = COMPOSED.iter().position(|(file, known, _)| (*file, *known) == (&source.name, text));
        composed.extend(place);
        // The texts of the findings are checked with their whole file.
        let is_finding = text.starts_with("checks.") && source.name.starts_with("src/ctl/doctor/");
        if texts.is_empty() && place.is_none() && !is_finding {
            errors.push(format!("{}:{}: {text} has no text: add it to COMPOSED", source.name, source.line(call.start)));
        }
        for found in texts.iter().filter(|found| !lists(page, found)) {
            errors.push(format!("{}:{}: {found:?}", source.name, source.line(call.start)));
        }
    }
    (errors, composed)
}

/// The errors of all sentences of a source: the texts of more than one word.
fn check_texts(source: &Source, page: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for Literal { at, text } in &source.literals {
        let is_sentence = text.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count() > 1;
        // The keys are in docs/configuration.md.
        let is_other =
            source.code[..*at].ends_with("KEYS: &str =\n    ") || source.code[..*at].ends_with("KEYS: &str = ");
        let found = fragments(text);
        if is_sentence && !is_other && !found.is_empty() && !lists(page, &found) {
            errors.push(format!("{}:{}: {found:?}", source.name, source.line(*at)));
        }
    }
    errors
}

/// The sources of the program, without tests.
fn sources() -> Vec<Source> {
    fn read(root: &Path, folder: &Path, into: &mut Vec<Source>) {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(root).expect("inside").to_str().expect("UTF-8").to_owned();
            if path.is_dir() {
                read(root, &path, into);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                into.push(Source::new(&name, &fs::read_to_string(&path).expect("read")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["core/src", "src"] {
        read(root, &root.join(folder), &mut sources);
    }
    sources
}

#[test]
fn every_log_call_and_finding_is_in_docs_messages() {
    let page = page("docs/messages.md");
    let mut errors = Vec::new();
    let (mut calls, mut used) = (0, Vec::new());
    for source in sources() {
        let (missing, composed) = check_calls(&source, &page);
        calls += source.calls().len();
        errors.extend(missing);
        used.extend(composed);
        if TEXTS.iter().any(|name| Path::new(&source.name).starts_with(name)) {
            errors.extend(check_texts(&source, &page));
        }
    }
    for (number, (file, call, texts)) in COMPOSED.iter().enumerate() {
        assert!(used.contains(&number), "{file} has no {call}; remove it from COMPOSED");
        assert!(TEXTS.iter().any(|name| Path::new(texts).starts_with(name)), "{texts} is not in TEXTS");
    }
    errors.sort();
    errors.dedup();
    assert!(errors.is_empty(), "not in one line of docs/messages.md:\n{}", errors.join("\n"));
    // The search finds them at all.
    assert!(calls > 90, "{calls} calls");
}

#[test]
fn a_message_that_the_page_lacks_is_found() {
    let made_up = "// warn!(\"in a comment\")\nfn f<'a>(name: &'a str) {\n    let quote = '\"';\n    \
                   warn!(\n        \"horn {name} is \\\n         burning; call {}\",\n        number(')')\n    );\n    \
                   error!(\"{name}\");\n}\n#[cfg(test)]\nmod tests {\n    info!(\"in a test\");\n}\n";
    let source = Source::new("src/made_up.rs", made_up);
    let (errors, _) = check_calls(&source, "| `horn NAME is burning` | a fire |\n| `; call NUMBER` | no |");
    let no_text = "src/made_up.rs:9: error!(\"{name}\") has no text: add it to COMPOSED".to_owned();
    assert_eq!(errors, ["src/made_up.rs:4: [\"horn\", \"is burning; call\"]".to_owned(), no_text.clone()]);
    assert_eq!(check_calls(&source, "| `horn NAME is burning; call NUMBER` | a fire |").0, [no_text]);
    // The order counts.
    assert!(!lists("burning horn", &["horn", "burning"]) && lists("horn burning", &["horn", "burning"]));
    assert_eq!(check_texts(&source, "").len(), 1);
}

/// The text with its numbers and errno names as placeholders.
fn with_placeholders(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "{}" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_reason_step_and_error_is_in_docs_messages() {
    let page = page("docs/messages.md");
    let must_list = |text: &str| {
        let text = with_placeholders(text);
        assert!(lists(&page, &fragments(&text)), "not in one line of docs/messages.md: {text}");
    };
    let errnos = [
        Errno::EACCES,
        Errno::EBUSY,
        Errno::EEXIST,
        Errno::EIDRM,
        Errno::EINVAL,
        Errno::EIO,
        Errno::ENODEV,
        Errno::ENOENT,
        Errno::ENOMEM,
        Errno::ENOSPC,
        Errno::ENOSYS,
        Errno::EPERM,
        Errno::EROFS,
        Errno::ESPIPE,
    ];
    for op in SysvOp::ALL {
        must_list(&format!("`{op}`"));
        errnos.iter().for_each(|errno| must_list(sysv::Error { op, errno: *errno }.meaning()));
    }
    for step in LineStep::ALL {
        must_list(&format!("`{step}`"));
        for (errno, is_gpio) in errnos.iter().flat_map(|errno| [(*errno, true), (*errno, false)]) {
            let error = LineError { step, errno };
            let explained = error.explained(is_gpio).to_string();
            must_list(explained.strip_prefix(&error.to_string()).expect("the step first").trim_start_matches(": "));
        }
    }
    // That of a system call is a step and a meaning, which are checked above.
    for reason in RefusalReason::ALL.into_iter().filter(|reason| *reason != RefusalReason::SystemCall) {
        must_list(&Refusal { reason, errno: Errno::ENOENT, detail: 0o666 }.to_string());
    }
    let unusable = [Errno::ENOENT, Errno::EACCES].map(KeyError::Unusable);
    for error in [KeyError::Relative, KeyError::Private, KeyError::Taken].into_iter().chain(unusable) {
        must_list(&error.to_string());
    }
    must_list("the path cannot be used: {}");
    for error in [StartError::Runs(812), StartError::TooSmall] {
        must_list(&error.to_string());
    }
    for origin in Origin::OTHERS {
        must_list(&format!("{origin}"));
    }
    for kind in EventKind::ALL {
        must_list(&format!("alarm {kind}:"));
    }
}
