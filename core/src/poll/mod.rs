//! The loop: read, decide, drive, publish, wait.
//!
//! A round in which nothing changed costs a few loads a segment and one system call, the wait. The wait's deadline is an
//! absolute time, so a timeout also gives the time: an idle round needs no clock call. A round drives first what it changed,
//! and logs and publishes afterwards: an alarm reaches its relay before the log line is written.
//!
//! Hazards: a member of the group can ring the doorbell without limit. Rounds are limited to 100 at once and 900 a second
//! after that, so never more than 1000 in any second.
mod commands;
mod conditions;
mod daemon_alarms;
mod doorbell;
mod entries;
mod error;
mod health;
mod log_line;
mod publisher;
mod reconfigure;
mod restore;
mod rounds;
mod saving;
mod settings;
mod view;
mod wait;

pub use error::StartError;
pub use rounds::Poll;
pub use settings::Settings;
