//! `remove MODULE | --all`: segments that nobody needs.
use alarmd::sysv::{Errno, Error, Key, Segment};

use super::{Call, Failure, modules, once};

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
        return Err(Failure::usage("remove: either MODULE or --all"));
    }
    let known = modules::known(call.file.as_deref())?;
    let chosen = match &module {
        Some(module) => std::slice::from_ref(known.find(module)?),
        None => &known.modules[..],
    };
    let mut keys: Vec<(String, Key)> = Vec::new();
    for module in chosen {
        let whose = format!("module {}", module.name);
        keys.extend([module.key].iter().chain(&module.others).map(|key| (whose.clone(), *key)));
    }
    if all && !known.daemon {
        keys.extend([("doorbell", Key::DOORBELL), ("status block", Key::STATUS)].map(|(of, key)| (of.to_owned(), key)));
    }
    let mut removed = 0;
    for (whose, key) in &keys {
        let explain = |error: Error| Failure::failed(error.of(whose, *key));
        match Segment::find(*key).and_then(|id| id.remove().map(|()| id)) {
            Ok(id) => {
                removed += 1;
                crate::print(&format!("removed: {whose}: key {key}, segment {}\n", id.raw()));
            }
            // Of one that was named, the caller believed that it is there.
            Err(Error { errno: Errno::ENOENT | Errno::EIDRM, .. }) if all || removed > 0 => {}
            Err(error) => return Err(explain(error)),
        }
    }
    if removed == 0 {
        crate::print("nothing to remove\n");
    } else if known.daemon {
        eprintln!("alarmctl: alarmd runs and makes its segments again, empty");
    }
    Ok(())
}
