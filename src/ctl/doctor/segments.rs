//! The segments with alarmd's keys: whether alarmd can use them.
use alarmd_core::errno::Errno;
use alarmd_core::ftok;
use alarmd_core::limits::LARGEST;
use alarmd_core::policy::Policy;
use alarmd_core::sysv::{Access, Key, Segment, Stat};
use alarmd_core::wire::{DOORBELL_MAGIC, Doorbell, ModuleSegment, STATUS_MAGIC, StatusBlock};

use super::attached;
use super::finding::Checks;

/// Why a segment cannot be used, and what to do.
struct Fault {
    what: String,
    fix: String,
}

pub fn check(checks: &mut Checks) {
    let mut keys = vec![
        ("doorbell".to_owned(), Key::DOORBELL, size_of::<Doorbell>(), Some(DOORBELL_MAGIC)),
        ("status block".to_owned(), Key::STATUS, StatusBlock::SIZE, Some(STATUS_MAGIC)),
    ];
    for module in &checks.settings.poll.modules {
        let size = size_of::<ModuleSegment>();
        keys.push((format!("module {}", module.name), module.key, size, None));
        let path = module.ftok.as_ref().and_then(|path| ftok::key(path.as_c_str(), module.id).ok());
        keys.extend(path.map(|key| (format!("module {}, ftok", module.name), key, size, None)));
    }
    for (subject, key, size, magic) in keys {
        // What the running daemon says of it: the same text as in its log and in alarmctl status.
        let modules = checks.report.iter().flat_map(|report| &report.modules);
        let refusal = modules.flat_map(|module| &module.segments).find(|segment| segment.key == key.number());
        let refusal = refusal.and_then(|segment| segment.failure.clone());
        let examined = match (examine(&checks.settings.poll.policy, key, size, magic, refusal.is_some()), refusal) {
            (Err(fault), Some(what)) => Err(Fault { what, ..fault }),
            (examined, _) => examined,
        };
        match examined {
            Ok(Some(id)) => checks.ok(&subject, &format!("key {key}: segment {id}")),
            Ok(None) => checks.ok(&subject, &format!("key {key}: no segment yet")),
            Err(fault) => {
                checks.error(
                    &subject,
                    &format!("key {key}: {}", fault.what),
                    "alarmd does not use this segment",
                    &fault.fix,
                );
            }
        }
    }
}

/// The shmid of the segment with this key if alarmd can use it; `None` if there is no such segment. `refused`: a running daemon
/// refuses it.
fn examine(policy: &Policy, key: Key, size: usize, magic: Option<u32>, refused: bool) -> Result<Option<i32>, Fault> {
    let unreadable = |error: alarmd_core::sysv::Error| Fault {
        what: format!("the segment cannot be examined: {error}"),
        fix: "run alarmctl doctor as root".to_owned(),
    };
    let id = match Segment::find(key) {
        Ok(id) => id,
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let stat = match id.stat() {
        Ok(stat) => stat,
        // This user may not read it. alarmd's user may.
        Err(error) if error.errno == Errno::EACCES => return Ok(Some(id.raw())),
        Err(error) => return Err(unreadable(error)),
    };
    let id = id.raw();
    let fault = |what: String, before: &str| Err(Fault { what, fix: format!("{before}{}", removal(id, &stat)) });
    if stat.size < size {
        return fault(format!("segment {id} is too small ({} bytes, {size} needed)", stat.size), "");
    }
    if let Some(uid) = policy.untrusted_uid(&stat) {
        let what = format!("segment {id} belongs to untrusted user {uid}");
        return fault(what, &format!("add user {uid} to trust in [daemon]; or "));
    }
    const FOREIGN: &str = "let one of the two programs use another key; then ";
    if stat.size > size.max(LARGEST) {
        return fault(
            format!("segment {id} belongs to another program (it is too large: {} bytes)", stat.size),
            FOREIGN,
        );
    }
    let segment = Segment::find(key).and_then(|id| Segment::attach_id(id, Access::ReadOnly));
    match (magic, segment.ok().and_then(|segment| segment.load(0))) {
        (Some(magic), Some(found)) if found != magic && found != 0 => {
            fault(format!("segment {id} belongs to another program (its first word is {found:#010x})"), FOREIGN)
        }
        _ if refused && policy.is_too_wide(stat.mode) => {
            let mode = stat.mode;
            let what = format!(
                "segment {id} has mode {mode:04o}, which permits untrusted users to write, and alarmd may not change it"
            );
            fault(what, &format!("set mode = {mode:04o} in [daemon] if all these users may raise alarms; or "))
        }
        _ if refused => {
            let fix = "find the reason in the system log".to_owned();
            Err(Fault { what: format!("alarmd refuses segment {id}"), fix })
        }
        _ => Ok(Some(id)),
    }
}

/// How to remove the segment. While a process is attached, removing it would separate that process from alarmd: the process
/// would keep the old segment and alarmd would create a new one.
fn removal(id: i32, stat: &Stat) -> String {
    if stat.attached == 0 {
        return format!("ipcrm -m {id} (no process is attached)");
    }
    let processes = attached::processes(id);
    let processes = match processes.is_empty() {
        true => format!("the programs that have it attached ({}, see ipcs -m -p)", stat.attached),
        false => processes.join(" and "),
    };
    format!("stop {processes}; then ipcrm -m {id}, and start the program again")
}
