//! What every subcommand gets, and how it ends.
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use lexopt::Parser;

use crate::console::{FAILED, NO_DAEMON, USAGE};
use crate::number::number;

/// Ends every message about a wrong command line.
pub const SEE_HELP: &str = "; see alarmctl --help";

/// Why a subcommand ends without success.
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    /// It did not work.
    pub fn failed(message: impl fmt::Display) -> Failure {
        Failure { code: FAILED, message: message.to_string() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl fmt::Display) -> Failure {
        Failure { code: USAGE, message: format!("{message}{SEE_HELP}") }
    }

    /// There is nobody to ask.
    pub fn no_daemon() -> Failure {
        Failure { code: NO_DAEMON, message: "no daemon runs; start alarmd".to_owned() }
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::usage(error)
    }
}

/// What a subcommand gets: the rest of the command line, and the configuration's file if one was named.
pub struct Call {
    pub arguments: Parser,
    pub file: Option<PathBuf>,
}

impl Call {
    /// Reads a command line that may hold --json and nothing else.
    ///
    /// # Errors
    /// It holds something else.
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

/// The value of an option that takes a number.
pub fn numeric(option: &str, value: OsString) -> Result<u32, Failure> {
    let text = value.to_string_lossy();
    number(&text).ok_or_else(|| Failure::usage(format!("{option}: '{text}' is no number of 32 bits, decimal or 0x")))
}

/// One more word of the command line; a second one in the same place is an error.
pub fn once(place: &mut Option<String>, value: OsString) -> Result<(), Failure> {
    if place.is_some() {
        return Err(lexopt::Arg::Value(value).unexpected().into());
    }
    *place = Some(value.to_string_lossy().into_owned());
    Ok(())
}
