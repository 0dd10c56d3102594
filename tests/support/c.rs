//! Programs in C, built once a run from tests/c and examples.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use super::program::{Program, words};

static BUILT: LazyLock<Mutex<HashMap<String, Program>>> = LazyLock::new(Mutex::default);

/// The executable of `tests/c/NAME.c`.
#[track_caller]
pub fn program(name: &str) -> Program {
    build_once("tests/c", name, &[])
}

/// The executable of `examples/NAME.c`.
#[track_caller]
pub fn example(name: &str) -> Program {
    build_once("examples", name, &[])
}

/// The shared library of `tests/c/NAME.c`, to be preloaded.
#[track_caller]
pub fn library(name: &str) -> PathBuf {
    build_once("tests/c", name, &["-shared", "-fPIC"]).path().to_owned()
}

#[track_caller]
fn build_once(folder: &str, name: &str, flags: &[&str]) -> Program {
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let build = || {
        let mut cc = compiler();
        cc.args(flags);
        Program::in_c(build_from(folder, cc, name))
    };
    built.entry(name.to_owned()).or_insert_with(build).clone()
}

/// Builds `tests/c/NAME.c` with this compiler, and gives the path of what was built.
#[track_caller]
pub fn build(cc: Command, name: &str) -> PathBuf {
    build_from("tests/c", cc, name)
}

#[track_caller]
fn build_from(folder: &str, mut cc: Command, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Of this process alone: two runs at once do not write over each other's executable.
    let executable = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    cc.args(["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"]).arg(root.join("include"));
    cc.arg("-o").arg(&executable).arg(root.join(format!("{folder}/{name}.c")));
    let output = cc.output().expect("a C compiler");
    assert!(output.status.success(), "{name}.c: {}", String::from_utf8_lossy(&output.stderr));
    executable
}

/// The C compiler's command.
pub fn compiler() -> Command {
    let words = words("CC").unwrap_or_else(|| vec!["cc".to_owned()]);
    let mut cc = Command::new(&words[0]);
    cc.args(&words[1..]);
    cc
}
