//! `clear MODULE`: one alarm, or all, wherever in the module's segments it stands.
use alarmd::alarm::AlarmId;
use alarmd::sysv::Segment;

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
                    "type" => &mut alarm.kind,
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
        return Err(Failure::usage("clear: --all goes without --type, --code and --index"));
    }
    let module = module.ok_or_else(|| Failure::usage("clear: which MODULE?"))?;
    let known = modules::known(call.file.as_deref())?;
    let module = known.find(&module)?;
    let mut cleared = false;
    // The module's own segment is made where there is none, as `raise` does; the others only if they are there.
    let others = module.others.iter().copied().filter(|key| Segment::find(*key).is_ok());
    for key in [module.key].into_iter().chain(others) {
        let mut producer = known.producer(module, key)?;
        let done = if all { producer.clear_all() } else { producer.clear(alarm) };
        cleared |= done.map_err(|error| module.explain(key, error))?;
    }
    let what = if all { "all alarms".to_owned() } else { alarm.to_string() };
    match cleared {
        true => print(&format!("cleared: module {}: {what}\n", module.name)),
        false => print(&format!("nothing to clear: module {}: {what}: not raised\n", module.name)),
    }
    known.warn_without_daemon();
    Ok(())
}
