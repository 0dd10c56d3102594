//! Settings for tests that run the daemon's loop in their own process.
use std::path::Path;

use alarmd_core::alarm::{ModuleId, Name};
use alarmd_core::codes::{OnStop, OutputKind, Sequence};
use alarmd_core::monitor::ModuleSettings;
use alarmd_core::output::{OutputSettings, Target};
use alarmd_core::settings::{self};

/// A module with everything else at its default.
pub fn module(name: &str, id: ModuleId) -> ModuleSettings {
    ModuleSettings::new(Name::new(name).expect("a name"), id)
}

/// An output at a file that follows the alarms of all modules.
pub fn output(kind: OutputKind, name: &str, path: &Path) -> OutputSettings {
    OutputSettings {
        kind,
        name: Name::new(name).expect("a name"),
        target: Target::Path(settings::Path::new(path.to_str().expect("UTF-8")).expect("short")),
        active_low: false,
        fail_safe: false,
        sequence: Sequence::Follow,
        on_stop: OnStop::of(kind),
        severity: None,
        modules: heapless::Vec::new(),
    }
}
