//! The sections `[module NAME]`.
use alarmd_core::alarm::{ModuleId, Name, Severity};
use alarmd_core::codes::OnLost;
use alarmd_core::ftok;
use alarmd_core::monitor::ModuleSettings;
use alarmd_core::path::FilePath;
use alarmd_core::poll::Settings;
use alarmd_core::sysv::Key;

use super::reader::{Reader, severity};
use super::text::Section;
use crate::number::number;

const KEYS: &str = "id, key, ftok, beat, on_lost, levels";

/// Reads a section. `settings` hold the modules of the sections before it.
pub fn read(reader: &mut Reader, section: &Section<'_>, settings: &Settings) -> Option<ModuleSettings> {
    let (line, title) = (section.line, format!("[module {}]", section.name));
    let name = reader.name(section);
    if number(section.name).is_some() {
        reader.error(line, format!("{title}: the name is a number, which commands take for an id; use a word"));
    }
    if section.name == "alarmd" {
        reader.error(line, format!("{title}: the daemon's own alarms have this name; use another"));
    }
    let id = match section.entries.iter().find(|entry| entry.key == "id") {
        Some(entry) => reader.value(entry, "a number from 1 to 255", |text| number(text).and_then(ModuleId::new)),
        None => {
            reader.error(line, format!("{title} has no id; add id = 1 to 255"));
            None
        }
    };
    // Without a name or an id the other keys are checked all the same.
    let (any_name, any_id) = Name::new("x").zip(ModuleId::new(1))?;
    let mut module = ModuleSettings::new(name.clone().unwrap_or(any_name), id.unwrap_or(any_id));
    for entry in &section.entries {
        match entry.key {
            "id" => {}
            "key" => {
                let expected = "a number other than 0, such as 0x414C001F";
                let key = reader.value(entry, expected, |text| number(text).and_then(Key::fixed));
                module.key = key.unwrap_or(module.key);
                if [Key::DOORBELL, Key::STATUS].contains(&module.key) {
                    reader.error(entry.line, format!("key = {}: alarmd's own segment has this key", entry.value));
                }
            }
            "ftok" => {
                module.ftok = reader.value(entry, "a path of at most 255 bytes", FilePath::new);
                let key = module.ftok.as_ref().zip(id).map(|(path, id)| ftok::key(path.as_c_str(), id));
                if let Some(Err(error)) = key {
                    let text = format!("ftok = {}: {error}; until then only the fixed key is watched", entry.value);
                    reader.warning(entry.line, text);
                }
            }
            "beat" => module.beat = reader.severity(entry).unwrap_or(module.beat),
            "on_lost" => {
                module.on_lost = reader.value(entry, "clear, hold or raise", OnLost::from_word).unwrap_or_default();
            }
            "levels" => reader.list(entry, "pairs such as '0x13 major, 0x23 minor'", level, |(level, severity)| {
                module.levels.set(level, severity)
            }),
            _ => reader.unknown_key(entry, KEYS),
        }
    }
    if name.is_none() || id.is_none() {
        return None;
    }
    for other in &settings.modules {
        if other.id == module.id {
            let id = module.id;
            reader.error(line, format!("{title}: id {id} is already used by [module {}]; use another", other.name));
        } else if other.key == module.key {
            let key = module.key;
            reader.error(line, format!("{title}: key {key} is already used by [module {}]; use another", other.name));
        }
    }
    Some(module)
}

fn level(text: &str) -> Option<(u32, Severity)> {
    let (level, word) = text.split_once(char::is_whitespace)?;
    Some((number(level)?, severity(word.trim())?))
}
