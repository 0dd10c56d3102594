//! `key [MODULE | PATH ID]`: the keys of segments, how they are computed and what changes them.
use std::ffi::CString;

use alarmd_core::alarm::ModuleId;
use alarmd_core::file::Inode;
use alarmd_core::ftok;
use alarmd_core::sysv::{Key, Segment};
use serde::Serialize;

use super::call::{Call, Failure, once};
use super::modules::{self, Module, ModuleTable};
use super::report::print_json;
use crate::console::{print, report_error};
use crate::number::number;

/// One key: what it belongs to, how it is computed, what changes it.
#[derive(Serialize)]
struct KeyReport {
    of: String,
    key: u32,
    from: String,
    changes: String,
    /// The shmid of the segment that has this key now.
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
    let keys = match (what, id) {
        (Some(path), Some(id)) => {
            let id = number(&id)
                .and_then(ModuleId::new)
                .ok_or_else(|| Failure::usage(format!("key: '{id}' is not a module id (1 to 255)")))?;
            vec![of_path(path.clone(), &path, id)?]
        }
        (Some(module), None) => {
            let table = modules::load(call.file.as_deref())?;
            of_module(table.find(&module)?)
        }
        _ => of_all(&modules::load(call.file.as_deref())?),
    };
    if json {
        return print_json(&keys);
    }
    for KeyReport { of, key, from, changes, segment } in keys {
        let segment = segment.map_or("none".to_owned(), |id| id.to_string());
        print(&format!("{of}: {key:#010x}\n  from     {from}\n  changes  {changes}\n  segment  {segment}\n"));
    }
    Ok(())
}

fn of_all(table: &ModuleTable) -> Vec<KeyReport> {
    let own = [("doorbell", Key::DOORBELL), ("status block", Key::STATUS)];
    let own = own.map(|(of, key)| report(of, key, "fixed by the wire format", "never"));
    table.modules.iter().flat_map(of_module).chain(own).collect()
}

fn of_module(module: &Module) -> Vec<KeyReport> {
    let (id, of) = (module.id, format!("module {}", module.name));
    let from = if module.key == Key::of_module(id) {
        format!("fixed: 0x414C0000 | id {id}")
    } else {
        format!("fixed: key = in the configuration, module id {id}")
    };
    let mut all = vec![report(&of, module.key, &from, "when id or key is changed in the configuration")];
    match &module.path {
        Some(path) => match of_path(format!("{of}, for old producers"), path, id) {
            Ok(key) => all.push(key),
            Err(failure) => report_error!("alarmctl: {of}: {}; only the fixed key is used", failure.message),
        },
        None => all.extend(module.others.iter().map(|key| {
            report(
                &format!("{of}, for old producers"),
                *key,
                "ftok, computed by alarmd",
                "when the path gets another inode or device",
            )
        })),
    }
    all
}

fn of_path(of: String, path: &str, id: ModuleId) -> Result<KeyReport, Failure> {
    let refused = |why: String| Failure::failed(format!("ftok path {path}: {why}"));
    let c_path = CString::new(path).map_err(|_| refused("it contains a zero byte".to_owned()))?;
    let key = ftok::key(&c_path, id).map_err(|refusal| refused(refusal.to_string()))?;
    let Inode { device, number: inode, .. } = Inode::of(&c_path).map_err(|error| refused(error.to_string()))?;
    let from = format!(
        "ftok({path}, {id}): id {id}, low 8 bits ({:#x}) of device {device:#x}, low 16 bits ({:#x}) of inode {inode}",
        device & 0xff,
        inode & 0xffff,
    );
    let changes = "when the path is deleted and recreated, or its file system is mounted from another device; another \
                   path with the same 24 bits has the same key";
    Ok(report(&of, key, &from, changes))
}

fn report(of: &str, key: Key, from: &str, changes: &str) -> KeyReport {
    KeyReport {
        of: of.to_owned(),
        key: key.number(),
        from: from.to_owned(),
        changes: changes.to_owned(),
        segment: Segment::find(key).ok().map(|id| id.raw()),
    }
}
