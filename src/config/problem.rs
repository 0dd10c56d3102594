//! What is wrong, or doubtful, in the configuration.
use std::fmt;
use std::path::{Path, PathBuf};

/// Something wrong, or doubtful, in a line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1 on; 0 for the file as a whole.
    pub line: u32,
    /// What was found and what would be right.
    pub text: String,
}

/// Why there are no settings: everything that is wrong with the file.
#[derive(Debug)]
pub struct Refused {
    pub file: PathBuf,
    pub problems: Vec<Problem>,
}

impl Refused {
    /// One message an error.
    pub fn messages(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().map(|problem| message(&self.file, problem))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, message) in self.messages().enumerate() {
            write!(f, "{}{message}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

pub fn message(file: &Path, problem: &Problem) -> String {
    match problem.line {
        0 => format!("{}: {}", file.display(), problem.text),
        line => format!("{}:{line}: {}", file.display(), problem.text),
    }
}
