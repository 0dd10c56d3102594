//! Settings for tests that run the daemon's loop in their own process.
use std::path::Path;

use alarmd_core::alarm::{ModuleId, Name};
use alarmd_core::annunciator::Rule;
use alarmd_core::codes::{OnStop, OutputKind};
use alarmd_core::monitor::ModuleSettings;
use alarmd_core::output::{OutputSettings, Target};
use alarmd_core::path::FilePath;

/// A module with everything else at its default.
pub fn module(name: &str, id: ModuleId) -> ModuleSettings {
    ModuleSettings::new(Name::new(name).expect("a name"), id)
}

/// An output at a file that follows the alarms of all modules.
pub fn output(kind: OutputKind, name: &str, path: &Path) -> OutputSettings {
    OutputSettings {
        rule: Rule { kind, ..Rule::default() },
        name: Name::new(name).expect("a name"),
        target: Target::Path(FilePath::new(path.to_str().expect("UTF-8")).expect("short")),
        active_low: false,
        fail_safe: false,
        on_stop: OnStop::of(kind),
    }
}
