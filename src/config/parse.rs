//! From the text of a configuration to settings.
use alarmd_core::alarm::{ModuleId, Name};
use alarmd_core::codes::OutputKind;
use alarmd_core::limits::{MODULES, OUTPUTS};
use alarmd_core::monitor::ModuleSettings;

use super::problem::Problem;
use super::reader::Reader;
use super::settings::Settings;
use super::text::{self, Section};
use super::{daemon, module, output};

/// The modules that are watched if none is configured: those of the original programs.
const DEFAULT_MODULES: [(&str, u32); 2] = [("sdhmgt", 31), ("alarm", 32)];

/// Returns the settings and the warnings.
///
/// # Errors
/// All errors of the text, in the order of its lines.
pub fn parse(text: &str) -> Result<(Box<Settings>, Vec<Problem>), Vec<Problem>> {
    let mut reader = Reader::default();
    let sections = text::sections(text, &mut reader.errors);
    let mut settings = read(&sections, &mut reader);
    if settings.poll.modules.is_empty() {
        for (name, id) in DEFAULT_MODULES {
            let (Some(name), Some(id)) = (Name::new(name), ModuleId::new(id)) else { continue };
            // The list is empty, so there is room.
            let _ = settings.poll.modules.push(ModuleSettings::new(name, id));
        }
    }
    settings.poll.longest_wait = settings.longest_wait();
    if reader.errors.is_empty() {
        Ok((settings, reader.warnings))
    } else {
        reader.errors.sort_by_key(|problem| problem.line);
        Err(reader.errors)
    }
}

fn read(sections: &[Section<'_>], reader: &mut Reader) -> Box<Settings> {
    let mut settings = Box::<Settings>::default();
    let mut outputs = Vec::new();
    for section in sections.iter().filter(|section| !section.kind.is_empty()) {
        let Section { line, kind, name, .. } = *section;
        let first = sections.iter().find(|other| (other.kind, other.name) == (kind, name));
        if let Some(first) = first.map(|first| first.line).filter(|first| *first != line) {
            let title = format!("{kind} {name}");
            reader.error(line, format!("duplicate section [{}] (first defined in line {first})", title.trim()));
            continue;
        }
        match (kind, OutputKind::from_word(kind)) {
            ("daemon", _) => daemon::read(reader, section, &mut settings),
            ("module", _) => {
                let module = module::read(reader, section, &settings.poll);
                if module.is_some_and(|module| settings.poll.modules.push(module).is_err()) {
                    reader.error(line, format!("more than {MODULES} modules; remove some"));
                }
            }
            (_, Some(kind)) => outputs.push((section, kind)),
            (_, None) => {
                let known = "[daemon], [module NAME], [lamp NAME], [relay NAME], [horn NAME]";
                reader.error(line, format!("unknown section [{kind}]; known: {known}"));
            }
        }
    }
    // An output may name modules whose sections follow it.
    for (section, kind) in outputs {
        let output = output::read(reader, section, kind, &settings.poll);
        if output.is_some_and(|output| settings.poll.outputs.push(output).is_err()) {
            reader.error(section.line, format!("more than {OUTPUTS} outputs; remove some"));
        }
    }
    settings
}
