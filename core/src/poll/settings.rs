//! What the configuration says to the loop.
use heapless::Vec;

use crate::clock::{MS, Nanos};
use crate::limits::{MODULES, OUTPUTS};
use crate::monitor::ModuleSettings;
use crate::output::OutputSettings;
use crate::policy::Policy;

/// The settings of the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an alarm of an old producer may wait until it is seen, in milliseconds.
    pub poll_ms: u32,
    /// The longest time between two rounds: guardian and watchdog expect one.
    pub longest_wait: Nanos,
    /// Who may write the segments.
    pub policy: Policy,
    /// The modules.
    pub modules: Vec<ModuleSettings, MODULES>,
    /// The outputs.
    pub outputs: Vec<OutputSettings, OUTPUTS>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            poll_ms: 50,
            longest_wait: 500 * MS,
            policy: Policy::default(),
            modules: Vec::new(),
            outputs: Vec::new(),
        }
    }
}
