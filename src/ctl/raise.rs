//! `raise MODULE`: one alarm.
use alarmd::alarm::{AlarmId, Severity};

use super::call::{self, Call, Failure, numeric, once};
use super::modules;
use crate::console::print;

/// What `--level` was given as.
enum Level {
    Number(u32),
    Severity(Severity),
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    use lexopt::Arg::{Long, Value};
    let (mut module, mut alarm, mut level) = (None, AlarmId::default(), Level::Number(0));
    while let Some(argument) = call.arguments.next()? {
        match argument {
            Long("type") => alarm.kind = numeric("--type", call.arguments.value()?)?,
            Long("code") => alarm.code = numeric("--code", call.arguments.value()?)?,
            Long("index") => alarm.index = numeric("--index", call.arguments.value()?)?,
            Long("level") => {
                let value = call.arguments.value()?;
                level = match value.to_str().and_then(Severity::from_word) {
                    Some(Severity::Cleared) => return Err(Failure::usage("--level cleared: use alarmctl clear")),
                    Some(severity) => Level::Severity(severity),
                    None => Level::Number(numeric("--level", value).map_err(|failure| {
                        let words = "nor one of critical, major, minor, warning, indeterminate";
                        Failure::usage(format!("{}, {words}", failure.message.trim_end_matches(call::SEE_HELP)))
                    })?),
                };
            }
            Value(value) => once(&mut module, value)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let module = module.ok_or_else(|| Failure::usage("raise: which MODULE?"))?;
    let known = modules::known(call.file.as_deref())?;
    let module = known.find(&module)?;
    let level = match level {
        Level::Number(level) => level,
        Level::Severity(severity) => module.levels.level(severity).ok_or_else(|| {
            Failure::failed(format!("module {}: no level means {severity}; mend levels in alarmd.conf", module.name))
        })?,
    };
    let mut producer = known.producer(module, module.key)?;
    producer.raise(alarm, level).map_err(|error| module.explain(module.key, error))?;
    print(&format!("raised: module {}: {alarm} level {level:#x}\n", module.name));
    known.warn_without_daemon();
    Ok(())
}
