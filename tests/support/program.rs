//! What the tests start: the executables that cargo and cc built here, or others, for another processor and under an
//! emulator. So an ARM daemon can be tried with native producers, and the other way round.
//!
//! | variable | |
//! | --- | --- |
//! | `ALARMD_TEST_DAEMON`, `ALARMD_TEST_TOOL` | the words that start alarmd as daemon and as alarmctl |
//! | `CC`, `ALARMD_TEST_C_RUNNER` | the words that compile a C program, and those before its name that run it |
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An executable, and the words before it that run it: none, or an emulator's.
#[derive(Clone)]
pub struct Program {
    runner: Vec<String>,
    path: PathBuf,
}

impl Program {
    /// The daemon.
    pub fn daemon() -> Program {
        Program::from_words("ALARMD_TEST_DAEMON")
    }

    /// What alarmctl is a link to.
    pub fn tool() -> Program {
        Program::from_words("ALARMD_TEST_TOOL")
    }

    fn from_words(variable: &str) -> Program {
        let Some(mut runner) = words(variable) else {
            return Program::built_by_cargo(PathBuf::from(env!("CARGO_BIN_EXE_alarmd")));
        };
        let path = runner.pop().unwrap_or_else(|| panic!("{variable} names no executable")).into();
        Program { runner, path }
    }

    /// A program that cargo built at this path, for the same processor as the tests.
    pub fn built_by_cargo(path: PathBuf) -> Program {
        Program { runner: runner_of(&path), path }
    }

    /// A program in C that was built at this path.
    pub fn in_c(path: PathBuf) -> Program {
        Program { runner: words("ALARMD_TEST_C_RUNNER").unwrap_or_default(), path }
    }

    /// The same under another name.
    pub fn at(&self, path: PathBuf) -> Program {
        Program { runner: self.runner.clone(), path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its command, without arguments.
    pub fn command(&self) -> Command {
        let mut words = self.runner.iter().map(AsRef::as_ref).chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().expect("at least the path"));
        command.args(words);
        command
    }
}

/// The words of a variable, if it has any.
pub fn words(variable: &str) -> Option<Vec<String>> {
    let text = env::var(variable).ok()?;
    let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

/// Tests that were built for another processor run under cargo's runner for it; what they start needs it too.
fn runner_of(executable: &Path) -> Vec<String> {
    let targets = executable.components().filter_map(|folder| folder.as_os_str().to_str());
    let runner = |target: &str| words(&format!("CARGO_TARGET_{}_RUNNER", target.to_uppercase().replace('-', "_")));
    if cfg!(target_arch = "arm") { targets.rev().find_map(runner).unwrap_or_default() } else { Vec::new() }
}
