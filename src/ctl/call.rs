//! What every subcommand receives, and how it fails.
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use lexopt::Parser;

use crate::console::{FAILED, NO_DAEMON, USAGE, usage_error};
use crate::number::number;

/// The end of every message about a wrong command line.
const SEE_HELP: &str = "; see alarmctl --help";

/// Why a subcommand failed: the exit code and the message.
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    /// The subcommand failed.
    pub fn failed(message: impl fmt::Display) -> Failure {
        Failure { code: FAILED, message: message.to_string() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl fmt::Display) -> Failure {
        Failure { code: USAGE, message: format!("{message}{SEE_HELP}") }
    }

    /// The subcommand needs a running daemon.
    pub fn no_daemon() -> Failure {
        Failure { code: NO_DAEMON, message: "alarmd is not running; start it".to_owned() }
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::usage(usage_error(&error))
    }
}

/// The rest of the command line, and the configuration file if `-c` named one.
pub struct Call {
    pub arguments: Parser,
    pub file: Option<PathBuf>,
}

impl Call {
    /// Reads a command line on which only --json is allowed, and returns whether it is present.
    ///
    /// # Errors
    /// There is any other argument.
    pub fn only_json(&mut self) -> Result<bool, Failure> {
        let mut json = false;
        while let Some(argument) = self.arguments.next()? {
            match argument {
                lexopt::Arg::Long("json") => json = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(json)
    }
}

/// Reads the value of an option that takes a number.
pub fn numeric(option: &str, value: OsString) -> Result<u32, Failure> {
    let text = value.to_string_lossy();
    number(&text).ok_or_else(|| {
        Failure::usage(format!("{option}: '{text}' is not a 32-bit number (decimal, or hexadecimal with 0x)"))
    })
}

/// Stores a word of the command line; a second word for the same place is an error.
pub fn once(place: &mut Option<String>, value: OsString) -> Result<(), Failure> {
    if place.is_some() {
        return Err(lexopt::Arg::Value(value).unexpected().into());
    }
    *place = Some(value.to_string_lossy().into_owned());
    Ok(())
}
