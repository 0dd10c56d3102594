//! `remove MODULE | --all`: removes segments.
use alarmd_core::alarm::ModuleId;
use alarmd_core::errno::Errno;
use alarmd_core::sysv::{Key, Segment};

use super::call::{Call, Failure, once};
use super::modules;
use crate::console::{print, report_error};
use crate::number::number;

pub fn run(mut call: Call) -> Result<(), Failure> {
    use lexopt::Arg::{Long, Value};
    let (mut module, mut all) = (None, false);
    while let Some(argument) = call.arguments.next()? {
        match argument {
            Long("all") => all = true,
            Value(value) => once(&mut module, value)?,
            other => return Err(other.unexpected().into()),
        }
    }
    if module.is_some() == all {
        return Err(Failure::usage("remove: give either MODULE or --all"));
    }
    let table = modules::load(call.file.as_deref())?;
    let mut keys: Vec<(String, Key)> = Vec::new();
    let chosen = match &module {
        None => &table.modules[..],
        Some(module) => match (table.find(module), number(module).and_then(ModuleId::new)) {
            (Ok(module), _) => std::slice::from_ref(module),
            // A module that was deleted from the configuration may have left its segment behind.
            (Err(_), Some(id)) => {
                keys.push((format!("module {id}"), Key::of_module(id)));
                &[]
            }
            (Err(failure), None) => return Err(failure),
        },
    };
    for module in chosen {
        let whose = format!("module {}", module.name);
        keys.extend([module.key].iter().chain(&module.others).map(|key| (whose.clone(), *key)));
    }
    if all && !table.daemon {
        keys.extend([("doorbell", Key::DOORBELL), ("status block", Key::STATUS)].map(|(of, key)| (of.to_owned(), key)));
    }
    let mut removed = 0;
    let mut missing = None;
    for (whose, key) in &keys {
        match Segment::find(*key).and_then(|id| id.remove().map(|()| id)) {
            Ok(id) => {
                removed += 1;
                print(&format!("removed: {whose}: key {key}, segment {}\n", id.raw()));
            }
            Err(error) if matches!(error.errno, Errno::ENOENT | Errno::EIDRM | Errno::EINVAL) => {
                missing = missing.or(Some(error.of(whose, *key)));
            }
            Err(error) => return Err(Failure::failed(error.of(whose, *key))),
        }
    }
    // The caller named a module, and so expects its segment to exist.
    if let (0, Some(missing), false) = (removed, missing, all) {
        return Err(Failure::failed(missing));
    }
    if removed == 0 {
        print("nothing to remove\n");
    } else if table.daemon {
        report_error!("alarmctl: alarmd is running and creates its segments again, empty");
    }
    Ok(())
}
