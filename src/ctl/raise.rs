//! `raise MODULE`: raises one alarm.
use alarmd_core::alarm::{AlarmId, Severity};

use super::call::{Call, Failure, numeric, once};
use super::modules;
use crate::console::print;
use crate::number::number;

/// The two forms of `--level`.
enum Level {
    Number(u32),
    Severity(Severity),
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    use lexopt::Arg::{Long, Value};
    let (mut module, mut alarm, mut level) = (None, AlarmId::default(), Level::Number(0));
    while let Some(argument) = call.arguments.next()? {
        match argument {
            Long("type") => alarm.alarm_type = numeric("--type", call.arguments.value()?)?,
            Long("code") => alarm.code = numeric("--code", call.arguments.value()?)?,
            Long("index") => alarm.index = numeric("--index", call.arguments.value()?)?,
            Long("level") => {
                let value = call.arguments.value()?;
                level = match value.to_str().and_then(Severity::from_word) {
                    Some(Severity::Cleared) => {
                        return Err(Failure::usage("--level cleared: to clear an alarm, use alarmctl clear"));
                    }
                    Some(severity) => Level::Severity(severity),
                    None => {
                        let text = value.to_string_lossy();
                        Level::Number(number(&text).ok_or_else(|| {
                            let severities = "critical, major, minor, warning, indeterminate";
                            Failure::usage(format!(
                                "--level: '{text}' is neither a 32-bit number nor one of {severities}"
                            ))
                        })?)
                    }
                };
            }
            Value(value) => once(&mut module, value)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let module = module.ok_or_else(|| Failure::usage("raise: MODULE is missing"))?;
    let table = modules::load(call.file.as_deref())?;
    let module = table.find(&module)?;
    let level = match level {
        Level::Number(level) => level,
        Level::Severity(severity) => module.levels.level(severity).ok_or_else(|| {
            let name = &module.name;
            Failure::failed(format!(
                "module {name}: no level has severity {severity}; add one to levels in [module {name}]"
            ))
        })?,
    };
    let mut producer = table.producer(module, module.key)?;
    producer.raise(alarm, level).map_err(|error| module.explain(module.key, error))?;
    print(&format!("raised: module {}: {alarm} level {level:#x}\n", module.name));
    table.warn_without_daemon();
    Ok(())
}
