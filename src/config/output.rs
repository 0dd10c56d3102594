//! The sections of outputs: `[lamp NAME]`, `[relay NAME]`, `[horn NAME]`.
use alarmd_core::annunciator::Rule;
use alarmd_core::codes::{OnStop, OutputKind, Sequence};
use alarmd_core::output::{OutputSettings, Target};
use alarmd_core::path::FilePath;
use alarmd_core::poll::Settings;

use super::reader::Reader;
use super::text::Section;
use crate::number::number;

const KEYS: &str = "gpio, path, active_low, fail_safe, severity, modules, sequence, on_stop";

/// Reads a section. `settings` hold all modules, and the outputs of the sections before it.
pub fn read(
    reader: &mut Reader,
    section: &Section<'_>,
    kind: OutputKind,
    settings: &Settings,
) -> Option<OutputSettings> {
    let (line, kind_word) = (section.line, kind.word());
    let title = format!("[{kind_word} {}]", section.name);
    let name = reader.name(section);
    let (mut gpio, mut path) = (None, None);
    let mut active_low = false;
    let mut fail_safe = kind == OutputKind::Relay;
    let mut on_stop = OnStop::of(kind);
    let mut sequence = Sequence::default();
    let mut severity = None;
    let mut modules = heapless::Vec::new();
    let errors_before = reader.errors.len();
    for entry in &section.entries {
        match entry.key {
            "gpio" => {
                let expected = "the number of a line, as under /sys/class/gpio";
                gpio = reader.value(entry, expected, |text| number(text).filter(|gpio| *gpio < u32::MAX));
            }
            "path" => {
                let expected = "an absolute path of at most 255 bytes without '..'; a GPIO line is gpio = NUMBER";
                path = reader.value(entry, expected, plain_path);
            }
            "active_low" => active_low = reader.yes_or_no(entry).unwrap_or_default(),
            "fail_safe" => {
                fail_safe = reader.yes_or_no(entry).unwrap_or_default();
                if kind != OutputKind::Relay {
                    reader.error(entry.line, format!("fail_safe is only for relays; remove it from this {kind_word}"));
                }
            }
            "severity" => severity = reader.severity(entry),
            "modules" => {
                let id = |text: &str| match text {
                    "alarmd" => Some(0),
                    name => Some(settings.modules.iter().find(|module| module.name.as_str() == name)?.id.get()),
                };
                reader.list(entry, "names of modules of this file, or alarmd", id, |id| modules.push(id).is_ok());
            }
            "sequence" => {
                sequence = reader.value(entry, "follow, A or M", Sequence::from_word).unwrap_or_default();
            }
            "on_stop" => {
                on_stop = reader.value(entry, "alarm, clear or hold", OnStop::from_word).unwrap_or(on_stop);
            }
            _ => reader.unknown_key(entry, KEYS),
        }
    }
    let target = match (gpio, path) {
        (Some(gpio), None) => Target::Gpio(gpio),
        (None, Some(path)) => Target::Path(path),
        (Some(_), Some(_)) => {
            reader.error(line, format!("{title} has both gpio and path; remove one"));
            return None;
        }
        (None, None) => {
            // A gpio or path with a wrong value has an error already.
            if reader.errors.len() == errors_before {
                reader.error(line, format!("{title} has no line; add gpio = NUMBER or path = FILE"));
            }
            return None;
        }
    };
    if let Some(other) = settings.outputs.iter().find(|other| other.target == target) {
        let (what, other) = (describe(&target), format!("[{other}]"));
        reader.error(line, format!("{title}: {what} is already used by {other}; use another"));
    }
    let rule = Rule { severity, modules, kind, sequence };
    Some(OutputSettings { name: name?, rule, target, active_low, fail_safe, on_stop })
}

/// The path without `.` and double slashes, so that each file has one path only.
fn plain_path(text: &str) -> Option<FilePath> {
    let path = std::path::Path::new(text);
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    if !path.is_absolute() || climbs || text.ends_with('/') {
        return None;
    }
    let plain = path.components().collect::<std::path::PathBuf>();
    if plain.starts_with("/sys/class/gpio") { None } else { FilePath::new(plain.to_str()?) }
}

fn describe(target: &Target) -> String {
    match target {
        Target::Gpio(number) => format!("gpio {number}"),
        Target::Path(path) => path.as_str().to_owned(),
    }
}
