//! What CONTRIBUTING.md names is there: a newcomer follows it word by word.
use std::fs;
use std::path::Path;

use crate::docs::{page, sources};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backquotes in a line of text.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_file_that_the_page_names_is_there() {
    for name in ["CONTRIBUTING.md", "SECURITY.md"] {
        let page = page(name);
        let is_path = |word: &&str| word.contains('/') && !word.contains([' ', '*']) && !word.starts_with("target/");
        let paths: Vec<&str> = quoted(&page).filter(is_path).collect();
        assert!(!paths.is_empty(), "{name}");
        for path in paths {
            assert!(root().join(path).exists(), "{name} names {path}");
        }
    }
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let mut tests = String::new();
    for folder in ["tests", "core", "src"] {
        sources(&root().join(folder), &mut tests);
    }
    let page = page("CONTRIBUTING.md");
    let named: Vec<&str> = quoted(&page).filter(|name| name.matches('_').count() > 3 && !name.contains(' ')).collect();
    assert!(named.len() > 6, "{named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}()")), "CONTRIBUTING.md names {name}");
    }
}

#[test]
fn the_page_names_the_oldest_rust_of_the_manifest_and_no_file_fixes_another() {
    let manifest = page("Cargo.toml");
    let rust = manifest.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    assert!(page("CONTRIBUTING.md").contains(&format!("Rust {rust} or later")), "{rust}");
    let entries = fs::read_dir(root()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let fixed: Vec<_> = entries.filter(|name| name.to_string_lossy().starts_with("rust-toolchain")).collect();
    assert!(fixed.is_empty(), "{fixed:?}");
}
