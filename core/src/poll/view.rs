//! What is published.
use super::daemon_alarms::DaemonAlarms;
use crate::alarm::Transition;
use crate::clock::Time;
use crate::monitor::{ModuleSettings, Monitor};
use crate::output::Channel;

/// What is published.
pub struct View<'a> {
    pub poll_ms: u32,
    pub rounds: u32,
    pub restarts: u32,
    pub daemon_alarms: DaemonAlarms,
    pub now: Time,
    pub modules: &'a [ModuleSettings],
    pub monitors: &'a [Monitor],
    pub channels: &'a [Channel],
    pub transitions: &'a [Transition],
}
