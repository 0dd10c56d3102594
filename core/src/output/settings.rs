//! What the configuration says of an output.
use core::fmt;

use crate::alarm::Name;
use crate::annunciator::Rule;
use crate::codes::OnStop;
use crate::path::FilePath;

/// Where an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // there is no heap to put the path on
pub enum Target {
    /// A line of /sys/class/gpio.
    Gpio(u32),
    /// A file: 1 or 0 is written to it, or max_brightness or 0 where it is the `brightness` of an LED.
    Path(FilePath),
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// Its name.
    pub name: Name,
    /// What it is, which alarms it shows, and how.
    pub rule: Rule,
    /// Where it is.
    pub target: Target,
    /// The low level is the active one.
    pub active_low: bool,
    /// It is energised while there is no alarm.
    pub fail_safe: bool,
    /// What it shows after an orderly stop.
    pub on_stop: OnStop,
}

impl fmt::Display for OutputSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule.kind, self.name)
    }
}
