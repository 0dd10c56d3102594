//! The promises of the documentation.
use std::fs;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};

use alarmd_core::limits::{ALARMS, EVENT_PLACES, EVENTS};
use alarmd_core::wire::{StatusBlock, StatusSegment};

use crate::support::{Board, Program, Ran, c, wait_until};

pub fn page(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a page that hold a configuration.
fn configurations(page: &str) -> Vec<String> {
    let blocks = page.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').map_or("", |(_, text)| text));
    blocks.filter(|block| block.starts_with('[')).map(str::to_owned).collect()
}

#[test]
fn the_configurations_in_the_documentation_are_valid() {
    let Some(board) = Board::bare("") else { return };
    for name in ["README.md", "docs/configuration.md"] {
        let found = configurations(&page(name));
        assert!(!found.is_empty(), "{name}");
        for config in found {
            board.configure(&config);
            let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
            assert_eq!(ran.code, 0, "{name}: {ran:?}");
        }
    }
}

#[test]
fn the_configurations_of_the_boards_are_valid() {
    let Some(board) = Board::bare("") else { return };
    for name in ["qemu-virt", "example-3.0"] {
        board.configure(&page(&format!("board/{name}/etc/alarmd.conf")));
        let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
        assert!(ran.code == 0 && ran.out.contains("2 modules, 4 outputs"), "{name}: {ran:?}");
    }
}

#[test]
fn every_configuration_key_is_in_the_documentation_and_the_manual() {
    let pages = [page("docs/configuration.md"), page("docs/man/alarmd.conf.5")];
    for (section, unknown) in [("daemon", "[daemon]"), ("module", "[module a]\nid = 1"), ("lamp", "[lamp a]\ngpio = 1")]
    {
        let Some(board) = Board::bare(&format!("{unknown}\nno_such_key = 1\n")) else { return };
        let ran = Ran::from(board.alarmd().arg("--check").output().expect("run"));
        let known = ran.err.trim().rsplit_once("known here: ").expect("the known keys").1.to_owned();
        for key in known.split(", ") {
            assert!(pages[0].contains(&format!("\n| {key} |")), "[{section}] {key} is not in docs/configuration.md");
            assert!(pages[1].contains(&format!("\n.It Cm {key}\n")), "[{section}] {key} is not in alarmd.conf.5");
        }
    }
}

#[test]
fn the_wire_format_page_has_the_offsets_of_the_status_block() {
    let page = page("docs/wire-format.md").replace(',', "");
    type Block = StatusBlock<u32>;
    let rows = [
        (offset_of!(Block, modules), "32 × 16 | modules".to_owned()),
        (offset_of!(Block, segments), "96 × 12 | segments".to_owned()),
        (offset_of!(Block, outputs), "32 × 50 | outputs".to_owned()),
        (offset_of!(Block, alarms), format!("{ALARMS} × 10 | active alarms")),
        (offset_of!(Block, events), format!("{EVENT_PLACES} × 12 | events: a ring of which the last {EVENTS} count")),
        (offset_of!(StatusSegment<u32>, saved), "| the saved state".to_owned()),
    ];
    for (offset, what) in rows {
        assert!(page.contains(&format!("| {offset} | {what}")), "{offset} {what}");
    }
    assert!(page.contains(&format!("| {} | 0644 |", size_of::<StatusSegment<u32>>())));
}

#[test]
fn the_c_examples_in_the_documentation_compile_and_raise_alarms() {
    let Some(board) = Board::new("[daemon]\npoll_ms = 60000\n[module fan]\nid = 31\n") else { return };
    for (turn, name) in ["README.md", "docs/producers.md"].into_iter().enumerate() {
        let page = page(name);
        let code = page.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a C block");
        fs::write(board.path("fan.c"), code).expect("written");
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        for dialect in [&["-std=gnu99"][..], &["-std=c99", "-D_GNU_SOURCE"], &["-std=gnu17"]] {
            let mut cc = c::compiler();
            cc.args(dialect).args(["-Wall", "-Wextra", "-Werror", "-I"]).arg(&include);
            let built = cc.arg("-o").arg(board.path("fan")).arg(board.path("fan.c")).status().expect("a C compiler");
            assert!(built.success(), "{name} {dialect:?}");
        }
        assert!(Program::in_c(board.path("fan")).command().status().expect("run").success());
        wait_until("seen", || {
            board.log().matches("module fan: alarm raised: type 0x1 code 0x7 index 0x2 level 0x2 (major)").count()
                > turn
        });
        board.done(&["clear", "fan", "--all"]);
        // Both lines of this page are in the log before the next page's program runs.
        board.wait_for_alarms(0);
    }
}

/// The source of all tests.
pub fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).expect("read"));
        }
    }
}

#[test]
fn every_claim_of_the_threat_model_has_its_test() {
    let mut tests = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut tests);
    let page = page("docs/threat-model.md");
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 3).collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        assert!(
            tests.contains(&format!("#[test]\nfn {name}()")),
            "{name} is named in docs/threat-model.md, and no test"
        );
    }
    // Each row of a table names one.
    for row in page.lines().filter(|line| line.starts_with("| ") && line.split('|').count() >= 4) {
        let is_head = row.contains("shown by")
            || row.contains("---")
            || page.find(row) < page.find("## A member of the group can");
        assert!(is_head || row.trim_end_matches(" |").ends_with('`'), "no test: {row}");
    }
}

#[test]
fn every_test_that_a_page_names_exists() {
    let mut tests = String::new();
    for folder in ["tests", "core", "src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut tests);
    }
    let pages =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/configuration.md", "docs/design.md"];
    let more = ["docs/porting.md", "docs/producers.md", "docs/threat-model.md", "docs/wire-format.md"];
    for name in pages.into_iter().chain(more) {
        let page = page(name);
        let words = page.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() > 3);
        for word in words
            .filter(|word| word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        {
            assert!(tests.contains(&format!("fn {word}()")), "{name} names {word}, and there is no such test");
        }
    }
}
