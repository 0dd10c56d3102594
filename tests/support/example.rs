//! The examples in Rust. cargo builds them for `cargo test`, but not for `cargo test --test system`, and it passes no path
//! to the tests. So the tests run cargo, which builds the example only if it has changed.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::program::Program;

/// The executable of `examples/producer.rs`.
#[track_caller]
pub fn producer() -> Program {
    static BUILT: OnceLock<Program> = OnceLock::new();
    BUILT.get_or_init(|| build("producer")).clone()
}

#[track_caller]
fn build(name: &str) -> Program {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--offline",
        "--message-format=json-render-diagnostics",
        "--example",
        name,
    ]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if let Some(target) = target() {
        cargo.args(["--target", &target]);
    }
    let output = cargo.output().expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut found = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    Program::built_by_cargo(found.next().expect("cargo names the executable"))
}

/// The target for which these tests were built, if it was named: cargo then puts them into a folder of its name.
fn target() -> Option<String> {
    let folders = Path::new(env!("CARGO_BIN_EXE_alarmd")).components();
    let mut names = folders.filter_map(|folder| folder.as_os_str().to_str());
    let target = names.rfind(|name| name.contains("-linux-"));
    target.filter(|_| cfg!(target_arch = "arm")).map(str::to_owned)
}
