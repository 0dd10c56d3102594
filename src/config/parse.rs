//! From the text to settings.
use alarmd::alarm::{ModuleId, Name};
use alarmd::settings::{Kind, ModuleSettings, Settings};
use alarmd::wire::{MODULES, OUTPUTS};

use super::problem::Problem;
use super::reader::Reader;
use super::text::{self, Section};

/// The modules of the original trio, watched where no module is configured.
const DEFAULT_MODULES: [(&str, u32); 2] = [("sdhmgt", 31), ("alarm", 32)];

/// The settings in a text, and the doubts.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(text: &str) -> Result<(Box<Settings>, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let sections = text::sections(text, &mut problems);
    let (mut settings, doubts) = settings(&sections, &mut problems);
    if settings.modules.is_empty() {
        for (name, id) in DEFAULT_MODULES {
            let (Some(name), Some(id)) = (Name::new(name), ModuleId::new(id)) else { continue };
            // There is room: nothing else is in it.
            let _ = settings.modules.push(ModuleSettings::new(name, id));
        }
    }
    if problems.is_empty() {
        Ok((settings, doubts))
    } else {
        problems.sort_unstable_by_key(|problem| problem.line);
        Err(problems)
    }
}

/// Reads all sections; tells what is wrong and gives the doubts.
fn settings(sections: &[Section<'_>], problems: &mut Vec<Problem>) -> (Box<Settings>, Vec<Problem>) {
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
