//! What the configuration says of a module.
use crate::alarm::{Levels, ModuleId, Name};
use crate::codes::{OnLost, Severity};
use crate::path::FilePath;
use crate::sysv::Key;

/// One module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSettings {
    /// Its name.
    pub name: Name,
    /// Its id.
    pub id: ModuleId,
    /// The key of its own segment.
    pub key: Key,
    /// The path from which old producers compute another key.
    pub ftok: Option<FilePath>,
    /// Severity of `silent`, `lost` and `no producer`.
    pub beat: Severity,
    /// What becomes of its alarms when its segment is removed.
    pub on_lost: OnLost,
    /// What its levels mean.
    pub levels: Levels,
}

impl ModuleSettings {
    /// A module with this name and id, and the defaults.
    pub fn new(name: Name, id: ModuleId) -> ModuleSettings {
        ModuleSettings {
            name,
            id,
            key: Key::of_module(id),
            ftok: None,
            beat: Severity::Major,
            on_lost: OnLost::Clear,
            levels: Levels::default(),
        }
    }
}
