//! From sections and entries to settings.
use alarmd::alarm::{ModuleId, Name, Severity};
use alarmd::ftok;
use alarmd::limits::{MODULES, OUTPUTS, TRUSTED};
use alarmd::settings::{Kind, ModuleSettings, OnLost, OnStop, OutputSettings, Path, Sequence, Settings, Target};
use alarmd::sysv::Key;

use super::text::{Entry, Section};
use super::{Problem, accounts};
use crate::number;

const DAEMON_KEYS: &str =
    "poll_ms, mode, group, trust, hang_ms, restart_s, watchdog, watchdog_s, lock_memory, oom_score_adj, priority";
const MODULE_KEYS: &str = "id, key, ftok, beat, on_lost, levels";
const OUTPUT_KEYS: &str = "gpio, path, active_low, fail_safe, severity, modules, sequence, on_stop";

/// Reads all sections; tells what is wrong and gives the doubts.
pub fn settings(sections: &[Section<'_>], problems: &mut Vec<Problem>) -> (Box<Settings>, Vec<Problem>) {
    let mut reader = Reader { problems, doubts: Vec::new() };
    let mut settings = Box::<Settings>::default();
    for section in sections.iter().filter(|section| !section.kind.is_empty()) {
        let same = |other: &&Section<'_>| (other.kind, other.name) == (section.kind, section.name);
        if let Some(first) = sections.iter().find(same).map(|first| first.line).filter(|line| *line != section.line) {
            let [kind, name] = [section.kind, section.name];
            let title = format!("{kind} {name}");
            reader.wrong(section.line, format!("[{}] stands a second time, first in line {first}", title.trim()));
            continue;
        }
        match section.kind {
            "daemon" => reader.daemon(section, &mut settings),
            "module" => {
                if let Some(module) = reader.module(section, &settings) {
                    if settings.modules.push(module).is_err() {
                        reader.wrong(section.line, format!("more than {MODULES} modules; alarmd watches no more"));
                    }
                }
            }
            kind => match Kind::ALL.into_iter().find(|known| known.word() == kind) {
                Some(kind) => {
                    if let Some(output) = reader.output(section, kind, &settings) {
                        if settings.outputs.push(output).is_err() {
                            reader.wrong(section.line, format!("more than {OUTPUTS} outputs; alarmd drives no more"));
                        }
                    }
                }
                None => reader.wrong(
                    section.line,
                    format!("unknown section [{kind}]; known: [daemon], [module NAME], [lamp NAME], [relay NAME], [horn NAME]"),
                ),
            },
        }
    }
    reader.module_filters(sections, &mut settings);
    let doubts = reader.doubts;
    (settings, doubts)
}

struct Reader<'p> {
    problems: &'p mut Vec<Problem>,
    doubts: Vec<Problem>,
}

impl Reader<'_> {
    fn wrong(&mut self, line: u32, text: String) {
        self.problems.push(Problem { line, text });
    }

    /// The value if `read` understands it; else `right` is told to be right.
    fn value<T>(&mut self, entry: &Entry<'_>, right: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(entry.value);
        if value.is_none() {
            self.wrong(entry.line, format!("{} = {}: must be {right}", entry.key, entry.value));
        }
        value
    }

    fn ranged(&mut self, entry: &Entry<'_>, least: u32, most: u32) -> Option<u32> {
        let read = |text: &str| number(text).filter(|number| (least..=most).contains(number));
        self.value(entry, &format!("a number from {least} to {most}"), read)
    }

    fn unknown(&mut self, entry: &Entry<'_>, known: &str) {
        self.wrong(entry.line, format!("unknown key '{}'; known here: {known}", entry.key));
    }

    fn name(&mut self, section: &Section<'_>) -> Option<Name> {
        let name = Name::new(section.name);
        if name.is_none() {
            let (kind, found) = (section.kind, section.name);
            let right = "1 to 31 letters, digits, '_', '-' or '.'";
            self.wrong(section.line, format!("[{kind} {found}]: the name must be {right}, as in [{kind} office]"));
        }
        name
    }

    fn daemon(&mut self, section: &Section<'_>, settings: &mut Settings) {
        if !section.name.is_empty() {
            self.wrong(section.line, format!("[daemon {}]: [daemon] takes no name", section.name));
        }
        for entry in &section.entries {
            match entry.key {
                "poll_ms" => settings.poll_ms = self.ranged(entry, 1, 60_000).unwrap_or(settings.poll_ms),
                "mode" => {
                    let octal = |text: &str| {
                        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                        u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
                    };
                    let right = "octal permissions such as 0660, at most 0777";
                    if let Some(mode) = self.value(entry, right, octal) {
                        settings.mode = mode;
                        if mode & 0o600 != 0o600 {
                            let text =
                                format!("mode = {}: without 0600 the owner's producers are shut out", entry.value);
                            self.doubts.push(Problem { line: entry.line, text });
                        }
                    }
                }
                "group" => {
                    let right = "a group of this machine (/etc/group), by name or number";
                    settings.group = self.value(entry, right, accounts::group);
                }
                "trust" => {
                    for word in list(entry.value) {
                        let one = Entry { value: word, ..*entry };
                        let right = "users of this machine (/etc/passwd), by name or number";
                        if let Some(user) = self.value(&one, right, accounts::user) {
                            if settings.trust.push(user).is_err() {
                                self.wrong(entry.line, format!("trust: more than {TRUSTED} users; name fewer"));
                            }
                        }
                    }
                }
                "hang_ms" => settings.hang_ms = self.ranged(entry, 100, 60_000).unwrap_or(settings.hang_ms),
                "restart_s" => settings.restart_s = self.ranged(entry, 0, 3600).unwrap_or(settings.restart_s),
                "watchdog" => {
                    let right = "the absolute path of a watchdog, such as /dev/watchdog";
                    let absolute = |text: &str| Path::new(text).filter(|_| text.starts_with('/'));
                    settings.watchdog = self.value(entry, right, absolute);
                }
                "watchdog_s" => settings.watchdog_s = self.ranged(entry, 1, 3600).unwrap_or(settings.watchdog_s),
                "lock_memory" => settings.lock_memory = self.value(entry, YES_OR_NO, yes_or_no).unwrap_or_default(),
                "oom_score_adj" => {
                    let score = |text: &str| match text.strip_prefix('-') {
                        Some(digits) => number(digits).filter(|score| *score <= 1000).map(|score| -(score as i32)),
                        None => number(text).filter(|score| *score <= 1000).map(|score| score as i32),
                    };
                    settings.oom_score_adj = self.value(entry, "a number from -1000 to 1000", score);
                }
                "priority" => settings.priority = self.ranged(entry, 1, 99),
                _ => self.unknown(entry, DAEMON_KEYS),
            }
        }
    }

    fn module(&mut self, section: &Section<'_>, settings: &Settings) -> Option<ModuleSettings> {
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
                        if let Err(refusal) = ftok::key(path.as_c_str(), id) {
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
                                let most = alarmd::limits::LEVELS;
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

    fn output(&mut self, section: &Section<'_>, kind: Kind, settings: &Settings) -> Option<OutputSettings> {
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
    fn module_filters(&mut self, sections: &[Section<'_>], settings: &mut Settings) {
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

const SEVERITIES: &str = "critical, major, minor, warning or indeterminate";
const YES_OR_NO: &str = "yes or no";

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

fn severity(text: &str) -> Option<Severity> {
    Severity::from_word(text).filter(|severity| *severity != Severity::Cleared)
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn describe(target: &Target) -> String {
    match target {
        Target::Gpio(number) => format!("gpio {number}"),
        Target::Path(path) => path.as_str().to_owned(),
    }
}
