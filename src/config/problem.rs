//! Errors and warnings about a configuration.
use std::fmt;
use std::path::{Path, PathBuf};

/// An error or a warning about one line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 for the whole file.
    pub line: u32,
    /// What was found, and what would be right.
    pub text: String,
}

impl Problem {
    /// The file, the line and the text.
    pub fn message(&self, file: &Path) -> String {
        match self.line {
            0 => format!("{}: {}", file.display(), self.text),
            line => format!("{} line {line}: {}", file.display(), self.text),
        }
    }
}

/// All errors of a file.
#[derive(Debug)]
pub struct ConfigError {
    pub file: PathBuf,
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// One message for each error. Each begins with the file's name.
    pub fn messages(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().map(|problem| problem.message(&self.file))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, message) in self.messages().enumerate() {
            write!(f, "{}configuration {message}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}
