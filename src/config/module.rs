//! The sections `[module NAME]`.
use alarmd::alarm::{ModuleId, Name};
use alarmd::settings::{ModuleSettings, OnLost, Path, Settings};
use alarmd::sysv::Key;

use super::problem::Problem;
use super::reader::{Reader, SEVERITIES, list, severity};
use super::text::{Entry, Section};
use crate::number::number;

const MODULE_KEYS: &str = "id, key, ftok, beat, on_lost, levels";

impl Reader<'_> {
    pub fn module(&mut self, section: &Section<'_>, settings: &Settings) -> Option<ModuleSettings> {
        let name = self.name(section);
        if number(section.name).is_some() {
            let text =
                format!("[module {}]: the name is a number, which would stand for an id; take a word", section.name);
            self.wrong(section.line, text);
        }
        if section.name == "alarmd" {
            self.wrong(
                section.line,
                "[module alarmd]: the daemon's own alarms have this name; take another".to_owned(),
            );
        }
        let id = match section.entries.iter().find(|entry| entry.key == "id") {
            Some(entry) => self.value(entry, "a number from 1 to 255", |text| number(text).and_then(ModuleId::new)),
            None => {
                self.wrong(section.line, format!("[module {}] has no id; add id = 1 to 255", section.name));
                None
            }
        };
        let placeholder = Name::new("x").zip(ModuleId::new(1));
        let mut module = match name.clone().zip(id).or(placeholder) {
            Some((name, id)) => ModuleSettings::new(name, id),
            None => return None,
        };
        for entry in &section.entries {
            match entry.key {
                "id" => {}
                "key" => {
                    let right = "a number other than 0, such as 0x414C001F";
                    let key = self.value(entry, right, |text| number(text).and_then(Key::fixed));
                    module.key = key.unwrap_or(module.key);
                    if [Key::DOORBELL, Key::STATUS].contains(&module.key) {
                        self.wrong(entry.line, format!("key = {}: alarmd's own segment has this key", entry.value));
                    }
                }
                "ftok" => {
                    module.ftok = self.value(entry, "a path of at most 255 bytes", Path::new);
                    if let (Some(path), Some(id)) = (&module.ftok, id) {
                        if let Err(refusal) = Key::from_path(path.as_c_str(), id) {
                            let text =
                                format!("ftok = {}: {refusal}; until then the fixed key alone serves", entry.value);
                            self.doubts.push(Problem { line: entry.line, text });
                        }
                    }
                }
                "beat" => {
                    module.beat = self.value(entry, SEVERITIES, severity).unwrap_or(module.beat);
                }
                "on_lost" => {
                    let on_lost = |text: &str| match text {
                        "clear" => Some(OnLost::Clear),
                        "hold" => Some(OnLost::Hold),
                        "raise" => Some(OnLost::Raise),
                        _ => None,
                    };
                    module.on_lost = self.value(entry, "clear, hold or raise", on_lost).unwrap_or_default();
                }
                "levels" => {
                    for word in list(entry.value) {
                        let one = Entry { value: word, ..*entry };
                        let level = |text: &str| {
                            let (level, word) = text.split_once(char::is_whitespace)?;
                            Some((number(level)?, severity(word.trim())?))
                        };
                        let right = "pairs such as '0x13 major, 0x23 minor'";
                        if let Some((level, severity)) = self.value(&one, right, level) {
                            if !module.levels.set(level, severity) {
                                let most = alarmd::alarm::LEVELS;
                                self.wrong(entry.line, format!("levels: more than {most} entries; name fewer"));
                            }
                        }
                    }
                }
                _ => self.unknown(entry, MODULE_KEYS),
            }
        }
        let (name, id) = name.zip(id)?;
        for other in &settings.modules {
            if other.id == id {
                self.wrong(
                    section.line,
                    format!("[module {name}]: id {id} is [module {}]'s; take another", other.name),
                );
            } else if other.key == module.key {
                let (key, other) = (module.key, &other.name);
                self.wrong(section.line, format!("[module {name}]: key {key} is [module {other}]'s; take another"));
            }
        }
        Some(module)
    }
}
