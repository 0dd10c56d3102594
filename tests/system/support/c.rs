//! Programs in C, built once a run from tests/c.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

static BUILT: LazyLock<Mutex<HashMap<String, PathBuf>>> = LazyLock::new(Mutex::default);

/// The executable of `tests/c/NAME.c`.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let build = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Of this process alone: two runs at once do not write over each other's executable.
        let executable = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        cc.args(["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"]).arg(root.join("include"));
        cc.arg("-o").arg(&executable).arg(root.join(format!("tests/c/{name}.c")));
        let output = cc.output().expect("a C compiler");
        assert!(output.status.success(), "{name}.c: {}", String::from_utf8_lossy(&output.stderr));
        executable
    };
    built.entry(name.to_owned()).or_insert_with(build).clone()
}
