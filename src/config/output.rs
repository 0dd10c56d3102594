//! The sections of outputs.
use alarmd::settings::{Kind, OnStop, OutputSettings, Path, Sequence, Settings, Target};

use super::reader::{Reader, SEVERITIES, YES_OR_NO, list, severity, yes_or_no};
use super::text::{Entry, Section};
use crate::number::number;

const OUTPUT_KEYS: &str = "gpio, path, active_low, fail_safe, severity, modules, sequence, on_stop";

impl Reader<'_> {
    pub fn output(&mut self, section: &Section<'_>, kind: Kind, settings: &Settings) -> Option<OutputSettings> {
        let name = self.name(section);
        let (mut gpio, mut path) = (None, None);
        let mut active_low = false;
        let mut fail_safe = kind == Kind::Relay;
        let mut on_stop = OnStop::of(kind);
        let mut sequence = Sequence::default();
        let mut least = None;
        let problems_before = self.problems.len();
        for entry in &section.entries {
            match entry.key {
                "gpio" => {
                    let right = "the number of a line, as under /sys/class/gpio";
                    gpio = self.value(entry, right, |text| number(text).filter(|gpio| *gpio < u32::MAX));
                }
                "path" => {
                    let right = "an absolute path of at most 255 bytes without '..'; a GPIO line is gpio = NUMBER";
                    path = self.value(entry, right, line_path);
                }
                "active_low" => active_low = self.value(entry, YES_OR_NO, yes_or_no).unwrap_or_default(),
                "fail_safe" => {
                    fail_safe = self.value(entry, YES_OR_NO, yes_or_no).unwrap_or_default();
                    if kind != Kind::Relay {
                        self.wrong(entry.line, format!("fail_safe is for relays; a {} has none", kind.word()));
                    }
                }
                "severity" => least = self.value(entry, SEVERITIES, severity),
                "modules" => {} // when all modules are known
                "sequence" => {
                    let read = |text: &str| Sequence::ALL.into_iter().find(|sequence| sequence.word() == text);
                    sequence = self.value(entry, "follow, A or M", read).unwrap_or_default();
                }
                "on_stop" => {
                    let read = |text: &str| match text {
                        "alarm" => Some(OnStop::Alarm),
                        "clear" => Some(OnStop::Clear),
                        "hold" => Some(OnStop::Hold),
                        _ => None,
                    };
                    on_stop = self.value(entry, "alarm, clear or hold", read).unwrap_or(on_stop);
                }
                _ => self.unknown(entry, OUTPUT_KEYS),
            }
        }
        let kind_word = kind.word();
        let target = match (gpio, path) {
            (Some(gpio), None) => Target::Gpio(gpio),
            (None, Some(path)) => Target::Path(path),
            (Some(_), Some(_)) => {
                self.wrong(section.line, format!("[{kind_word} {}] has both gpio and path; keep one", section.name));
                return None;
            }
            (None, None) => {
                // One that was given and is wrong has been told already.
                if self.problems.len() == problems_before {
                    let text = format!("[{kind_word} {}] has no line; add gpio = NUMBER or path = FILE", section.name);
                    self.wrong(section.line, text);
                }
                return None;
            }
        };
        let name = name?;
        if let Some(other) = settings.outputs.iter().find(|other| other.target == target) {
            let (other, line) = (format!("[{} {}]", other.kind.word(), other.name), describe(&target));
            self.wrong(section.line, format!("[{kind_word} {name}]: {line} is {other}'s line; name another"));
        }
        let severity = least;
        let modules = heapless::Vec::new();
        Some(OutputSettings { kind, name, target, active_low, fail_safe, sequence, on_stop, severity, modules })
    }

    /// Fills in `modules` of every output, which may name modules that stand further down.
    pub fn module_filters(&mut self, sections: &[Section<'_>], settings: &mut Settings) {
        let Settings { modules, outputs, .. } = settings;
        for section in sections {
            let of_section = |output: &&mut OutputSettings| {
                output.kind.word() == section.kind && output.name.as_str() == section.name
            };
            let Some(entry) = section.entries.iter().find(|entry| entry.key == "modules") else { continue };
            let Some(output) = outputs.iter_mut().find(of_section) else { continue };
            for word in list(entry.value) {
                let one = Entry { value: word, ..*entry };
                let id = |text: &str| match text {
                    "alarmd" => Some(0),
                    name => Some(modules.iter().find(|module| module.name.as_str() == name)?.id.get()),
                };
                if let Some(id) = self.value(&one, "names of modules of this file, or alarmd", id) {
                    if output.modules.push(id).is_err() {
                        self.wrong(entry.line, "modules: too many names; leave it out for all".to_owned());
                    }
                }
            }
        }
    }
}

/// The path in its plainest form, so that one file is one line whatever it is called.
fn line_path(text: &str) -> Option<Path> {
    let path = std::path::Path::new(text);
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    if !path.is_absolute() || climbs || text.ends_with('/') {
        return None;
    }
    let plain = path.components().collect::<std::path::PathBuf>();
    if plain.starts_with("/sys/class/gpio") { None } else { Path::new(plain.to_str()?) }
}

fn describe(target: &Target) -> String {
    match target {
        Target::Gpio(number) => format!("gpio {number}"),
        Target::Path(path) => path.as_str().to_owned(),
    }
}
