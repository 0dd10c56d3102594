//! Log lines on stderr through env_logger, or in the system log. No line costs an allocation after the first.
//!
//! What can bite: a reader of stderr that does not read, and somebody who raises and clears alarms without end. A line that would
//! block is dropped and counted, for a relay must not wait for a log; so are lines beyond the pace, for a flash must not fill up.
mod limit;
mod stderr;
mod syslog;

use alarmd::pace::Pace;

use limit::PACE;

/// Sets the logger: so many lines, and no more. `RUST_LOG` chooses the level as env_logger has it; the default is `info`.
///
/// # Errors
/// A logger is set already.
pub fn init(syslog: bool, pace: Pace) -> Result<(), log::SetLoggerError> {
    if let Ok(mut place) = PACE.lock() {
        *place = Some(pace);
    }
    if syslog { syslog::init() } else { stderr::init() }
}
