//! `key [MODULE | PATH ID]`: which key, from what, and what would change it.
use std::ffi::CString;

use alarmd::alarm::ModuleId;
use alarmd::file::Inode;
use alarmd::ftok;
use alarmd::sysv::{Key, Segment};
use serde::Serialize;

use super::call::{Call, Failure, once};
use super::modules::{self, Known, Module};
use super::report;
use crate::console::{print, report_error};
use crate::number::number;

/// One key and what is known of it.
#[derive(Serialize)]
struct Told {
    of: String,
    key: u32,
    from: String,
    changes: String,
    /// The kernel's id of the segment that has the key now.
    segment: Option<i32>,
}

pub fn run(mut call: Call) -> Result<(), Failure> {
    use lexopt::Arg::{Long, Value};
    let (mut what, mut id, mut json) = (None, None, false);
    while let Some(argument) = call.arguments.next()? {
        match argument {
            Long("json") => json = true,
            Value(value) if what.is_none() => once(&mut what, value)?,
            Value(value) => once(&mut id, value)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let told = match (what, id) {
        (Some(path), Some(id)) => {
            let id = number(&id)
                .and_then(ModuleId::new)
                .ok_or_else(|| Failure::usage(format!("key: '{id}' is no id; 1 to 255")))?;
            vec![of_path(path.clone(), &path, id)?]
        }
        (Some(module), None) => {
            let known = modules::known(call.file.as_deref())?;
            of_module(known.find(&module)?)
        }
        _ => of_all(&modules::known(call.file.as_deref())?),
    };
    if json {
        return report::print_json(&told);
    }
    for Told { of, key, from, changes, segment } in told {
        let segment = segment.map_or("none".to_owned(), |id| id.to_string());
        print(&format!("{of}: {key:#010x}\n  from     {from}\n  changes  {changes}\n  segment  {segment}\n"));
    }
    Ok(())
}

fn of_all(known: &Known) -> Vec<Told> {
    let own = [("doorbell", Key::DOORBELL), ("status block", Key::STATUS)];
    let own = own.map(|(of, key)| told(of, key, "fixed by the wire format", "never"));
    known.modules.iter().flat_map(of_module).chain(own).collect()
}

fn of_module(module: &Module) -> Vec<Told> {
    let (id, of) = (module.id, format!("module {}", module.name));
    let from = if module.key == Key::of_module(id) {
        format!("fixed: 0x414C0000 | id {id}")
    } else {
        format!("fixed: key = in the configuration of id {id}")
    };
    let mut all = vec![told(&of, module.key, &from, "only with id or key in the configuration")];
    match &module.path {
        Some(path) => match of_path(format!("{of}, for old producers"), path, id) {
            Ok(told) => all.push(told),
            Err(failure) => report_error!("alarmctl: {of}: {}; the fixed key alone serves", failure.message),
        },
        None => all.extend(module.others.iter().map(|key| {
            told(&format!("{of}, for old producers"), *key, "ftok, as the daemon computed it", "with its path")
        })),
    }
    all
}

fn of_path(of: String, path: &str, id: ModuleId) -> Result<Told, Failure> {
    let refused = |why: String| Failure::failed(format!("ftok = {path}: {why}"));
    let c_path = CString::new(path).map_err(|_| refused("a zero byte in the path".to_owned()))?;
    let key = ftok::key(&c_path, id).map_err(|refusal| refused(refusal.to_string()))?;
    let Inode { device, number: inode, .. } = Inode::of(&c_path).map_err(|error| refused(error.to_string()))?;
    let from = format!(
        "ftok({path}, {id}): id {id}, 8 bits {:#x} of device {device:#x}, 16 bits {:#x} of inode {inode}",
        device & 0xff,
        inode & 0xffff,
    );
    let changes = "when the path is deleted and made anew, or its file system is mounted from another device; another \
                   path with the same 24 bits has the same key";
    Ok(told(&of, key, &from, changes))
}

fn told(of: &str, key: Key, from: &str, changes: &str) -> Told {
    Told {
        of: of.to_owned(),
        key: key.number(),
        from: from.to_owned(),
        changes: changes.to_owned(),
        segment: Segment::find(key).ok().map(|id| id.raw()),
    }
}
