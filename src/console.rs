//! What both programs share on the command line: exit codes, standard output, standard error.
use std::io::{self, Write};

use alarmd_core::codes::ExitStatus;

/// Exit code: the command failed; the reason is on standard error.
pub const FAILED: u8 = ExitStatus::Failed.number() as u8;
/// Exit code: the command line is wrong.
pub const USAGE: u8 = ExitStatus::Usage.number() as u8;
/// Exit code: no daemon is running.
pub const NO_DAEMON: u8 = ExitStatus::NoDaemon.number() as u8;
/// Exit code of the worker: another daemon is running.
pub const REPLACED: u8 = ExitStatus::Replaced.number() as u8;

/// Writes a line to standard error. A line that cannot be written is lost, where `eprintln!` would panic: a full disk behind a
/// redirected standard error must not stop the annunciator.
macro_rules! report_error {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}
pub(crate) use report_error;

/// Writes to standard output. A reader that closed the pipe early, as `head` does, is not an error.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What is wrong with a command line. The text of lexopt prints values for debugging, which the small executable cannot.
pub fn usage_error(error: &lexopt::Error) -> String {
    match error {
        lexopt::Error::UnexpectedArgument(value) => format!("unexpected argument '{}'", value.to_string_lossy()),
        lexopt::Error::UnexpectedValue { option, value } => {
            format!("option '{option}' takes no value, and has '{}'", value.to_string_lossy())
        }
        other => other.to_string(),
    }
}
