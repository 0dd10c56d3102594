//! `clear MODULE`: clears one alarm, or all, in every segment of the module.
use alarmd_core::alarm::AlarmId;
use alarmd_core::sysv::Segment;

use super::call::{Call, Failure, numeric, once};
use super::modules;
use crate::console::print;

pub fn run(mut call: Call) -> Result<(), Failure> {
    use lexopt::Arg::{Long, Value};
    let (mut module, mut alarm, mut one, mut all) = (None, AlarmId::default(), false, false);
    while let Some(argument) = call.arguments.next()? {
        match argument {
            Long("all") => all = true,
            Value(value) => once(&mut module, value)?,
            Long(option @ ("type" | "code" | "index")) => {
                let place = match option {
                    "type" => &mut alarm.alarm_type,
                    "code" => &mut alarm.code,
                    _ => &mut alarm.index,
                };
                let option = format!("--{option}");
                *place = numeric(&option, call.arguments.value()?)?;
                one = true;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if one && all {
        return Err(Failure::usage("clear: --all cannot be combined with --type, --code or --index"));
    }
    let module = module.ok_or_else(|| Failure::usage("clear: MODULE is missing"))?;
    let table = modules::load(call.file.as_deref())?;
    let module = table.find(&module)?;
    let mut cleared = false;
    // The module's own segment is created if it is missing, as `raise` does. The others are used only if they exist.
    let others = module.others.iter().copied().filter(|key| Segment::find(*key).is_ok());
    for key in [module.key].into_iter().chain(others) {
        let mut producer = table.producer(module, key)?;
        let done = if all { producer.clear_all() } else { producer.clear(alarm) };
        cleared |= done.map_err(|error| module.explain(key, error))?;
    }
    let name = &module.name;
    print(&match (cleared, all) {
        (true, true) => format!("cleared: module {name}: all alarms\n"),
        (true, false) => format!("cleared: module {name}: {alarm}\n"),
        (false, true) => format!("nothing to clear: module {name} has no active alarm\n"),
        (false, false) => format!("nothing to clear: module {name}: {alarm} is not active\n"),
    });
    table.warn_without_daemon();
    Ok(())
}
