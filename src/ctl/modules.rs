//! The modules: from the status block of the running daemon, or without a daemon from the configuration.
use std::path::Path;

use alarmd_core::alarm::{Levels, ModuleId};
use alarmd_core::codes::SegmentRole;
use alarmd_core::ftok;
use alarmd_core::producer::{self, Options, Producer};
use alarmd_core::sysv::Key;
use alarmd_core::wire::{ModuleEntry, StatusBlock};

use super::call::Failure;
use super::status_block::{self, text};
use crate::config;
use crate::console::report_error;
use crate::number::number;

/// A module.
pub struct Module {
    pub name: String,
    pub id: ModuleId,
    /// The key of its own segment.
    pub key: Key,
    /// The path from which old producers compute another key, if the configuration has one.
    pub path: Option<String>,
    /// The keys of its other segments, which old producers use.
    pub others: Vec<Key>,
    /// The severities of its levels, if the configuration can be read.
    pub levels: Levels,
}

/// All modules.
pub struct ModuleTable {
    pub modules: Vec<Module>,
    /// How segments are created.
    pub options: Options,
    /// A daemon is running, and the modules are its own.
    pub daemon: bool,
}

/// Reads the table from the running daemon, or else from the configuration.
///
/// # Errors
/// The status block or the configuration cannot be read.
pub fn load(file: Option<&Path>) -> Result<ModuleTable, Failure> {
    let status = status_block::read()?;
    let loaded = match config::load(file) {
        Ok(loaded) => loaded.settings,
        // With a daemon, the file is needed only for mode and group, if a segment was removed at this moment.
        Err(_) if status.is_some() => Box::default(),
        Err(refused) => return Err(Failure::failed(refused)),
    };
    let options = Options { mode: loaded.poll.policy.mode, group: loaded.poll.policy.group };
    let modules: Vec<Module> = match &status {
        Some(block) => block.modules().iter().filter_map(|entry| from_entry(block, entry)).collect(),
        None => loaded
            .poll
            .modules
            .iter()
            .map(|module| Module {
                name: module.name.to_string(),
                id: module.id,
                key: module.key,
                path: None,
                levels: Levels::default(),
                others: module.ftok.iter().filter_map(|path| ftok::key(path.as_c_str(), module.id).ok()).collect(),
            })
            .collect(),
    };
    let with_settings = |mut module: Module| {
        if let Some(settings) = loaded.poll.modules.iter().find(|settings| settings.id == module.id) {
            module.path = settings.ftok.as_ref().map(|path| path.as_str().to_owned());
            module.levels = settings.levels.clone();
        }
        module
    };
    Ok(ModuleTable { modules: modules.into_iter().map(with_settings).collect(), options, daemon: status.is_some() })
}

fn from_entry(block: &StatusBlock<u32>, entry: &ModuleEntry<u32>) -> Option<Module> {
    let segments = block.segments().iter().filter(|segment| segment.module == entry.id);
    let keys = |fixed: bool| {
        let role = SegmentRole::Fixed.number();
        segments.clone().filter(move |segment| (segment.role == role) == fixed).filter_map(|s| Key::fixed(s.key))
    };
    let id = ModuleId::new(entry.id)?;
    let key = keys(true).next().unwrap_or(Key::of_module(id));
    Some(Module {
        name: text(&entry.name),
        id,
        key,
        path: None,
        others: keys(false).collect(),
        levels: Levels::default(),
    })
}

impl ModuleTable {
    /// The module with this name or id.
    ///
    /// # Errors
    /// There is no such module.
    pub fn find(&self, text: &str) -> Result<&Module, Failure> {
        let id = number(text).and_then(ModuleId::new);
        let found = self.modules.iter().find(|module| module.name == text || Some(module.id) == id);
        found.ok_or_else(|| {
            let names: Vec<String> =
                self.modules.iter().map(|module| format!("{} ({})", module.name, module.id)).collect();
            Failure::failed(format!(
                "unknown module '{text}' (known: {}); to add a module, write a [module NAME] section",
                names.join(", ")
            ))
        })
    }

    /// Attaches the module's segment with this key, or creates it.
    ///
    /// # Errors
    /// The segment can neither be attached nor created.
    pub fn producer(&self, module: &Module, key: Key) -> Result<Producer, Failure> {
        Producer::open(module.id, key, self.options).map_err(|error| module.explain(key, error))
    }

    /// Warns that no output shows what was written, if no daemon is running.
    pub fn warn_without_daemon(&self) {
        if !self.daemon {
            report_error!(
                "alarmctl: warning: alarmd is not running; the segment is written, and outputs change when alarmd starts"
            );
        }
    }
}

impl Module {
    /// The message for a failed write.
    pub fn explain(&self, key: Key, error: producer::Error) -> Failure {
        let whose = format!("module {}", self.name);
        match error {
            producer::Error::Sysv(error) => Failure::failed(error.of(&whose, key)),
            other => Failure::failed(format!("{whose}: key {key}: {other}")),
        }
    }
}
