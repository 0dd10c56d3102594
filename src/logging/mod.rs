//! The log: lines on stderr through env_logger, or datagrams to syslogd. After the first line no line allocates.
//!
//! Hazards: a reader of stderr or /dev/log that does not read, and a producer that raises and clears alarms without end. A relay
//! must not wait for the log, and the log must not fill the flash. So a line that would block is dropped and counted, and so are
//! lines beyond the rate limit.
mod limit;
mod stderr;
mod syslog;

use alarmd_core::rate_limiter::RateLimiter;

/// Sets up the log with this limit on the rate of lines. On stderr, `RUST_LOG` sets the level as in env_logger; the default is
/// `info`.
///
/// # Errors
/// The program already has a logger.
pub fn init(use_syslog: bool, rate: RateLimiter) -> Result<(), log::SetLoggerError> {
    limit::set(rate);
    if use_syslog { syslog::init() } else { stderr::init() }
}
