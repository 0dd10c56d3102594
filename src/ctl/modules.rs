//! Which modules there are: from the running daemon's status block, without a daemon from the configuration.
use std::path::Path;

use alarmd::alarm::{Levels, ModuleId};
use alarmd::monitor::Role;
use alarmd::producer::{self, Options, Producer};
use alarmd::sysv::Key;
use alarmd::wire::{ModuleEntry, StatusBlock};

use super::call::Failure;
use super::status_block::{self, text};
use crate::console::report_error;
use crate::daemon::config;
use crate::number::number;

/// A module as the tool knows it.
pub struct Module {
    pub name: String,
    pub id: ModuleId,
    /// The key of its own segment.
    pub key: Key,
    /// The path from which old producers compute another key, where the configuration tells.
    pub path: Option<String>,
    /// Its other segments: what old producers reach it by.
    pub others: Vec<Key>,
    /// What its levels mean, where the configuration tells.
    pub levels: Levels,
}

/// All of them.
pub struct Known {
    pub modules: Vec<Module>,
    /// How segments are made.
    pub options: Options,
    /// A daemon runs, and told them.
    pub daemon: bool,
}

/// Asks the daemon, or else reads the configuration.
///
/// # Errors
/// The configuration is refused.
pub fn known(file: Option<&Path>) -> Result<Known, Failure> {
    let status = status_block::read()?;
    let loaded = match config::load(file) {
        Ok(loaded) => loaded.settings,
        // With a daemon, the file only tells mode and group, for a segment removed this very moment.
        Err(_) if status.is_some() => Box::default(),
        Err(refused) => return Err(Failure::failed(refused)),
    };
    let options = Options { mode: loaded.mode, group: loaded.group };
    let modules: Vec<Module> = match &status {
        Some(block) => {
            block.modules().iter().enumerate().filter_map(|(at, entry)| from_entry(block, at, entry)).collect()
        }
        None => loaded
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
        if let Some(settings) = loaded.modules.iter().find(|settings| settings.id == module.id) {
            module.path = settings.ftok.as_ref().map(|path| path.as_str().to_owned());
            module.levels = settings.levels.clone();
        }
        module
    };
    Ok(Known { modules: modules.into_iter().map(with_settings).collect(), options, daemon: status.is_some() })
}

fn from_entry(block: &StatusBlock<u32>, at: usize, entry: &ModuleEntry<u32>) -> Option<Module> {
    let segments = block.segments().iter().filter(|segment| segment.module as usize == at);
    let keys = |fixed: bool| {
        let role = Role::Fixed as u32;
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

impl Known {
    /// The module with this name or id.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, text: &str) -> Result<&Module, Failure> {
        let id = number(text).and_then(ModuleId::new);
        let found = self.modules.iter().find(|module| module.name == text || Some(module.id) == id);
        found.ok_or_else(|| {
            let names: Vec<String> =
                self.modules.iter().map(|module| format!("{} ({})", module.name, module.id)).collect();
            let remedy = "add a [module NAME] section to the configuration for another";
            Failure::failed(format!("unknown module '{text}'; known: {}; {remedy}", names.join(", ")))
        })
    }

    /// Attaches the module's segment under this key, or makes it.
    ///
    /// # Errors
    /// Why not.
    pub fn producer(&self, module: &Module, key: Key) -> Result<Producer, Failure> {
        Producer::open(module.id, key, self.options).map_err(|error| module.explain(key, error))
    }

    /// Says so where nobody will show what was written.
    pub fn warn_without_daemon(&self) {
        if !self.daemon {
            report_error!("alarmctl: no daemon runs to show it; start alarmd");
        }
    }
}

impl Module {
    /// A failed write, in words.
    pub fn explain(&self, key: Key, error: producer::Error) -> Failure {
        let whose = format!("module {}", self.name);
        match error {
            producer::Error::Sysv(error) => Failure::failed(error.of(&whose, key)),
            other => Failure::failed(format!("{whose}: key {key}: {other}")),
        }
    }
}
