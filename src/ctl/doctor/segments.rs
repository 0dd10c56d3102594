//! Whose segments stand under our keys.
use alarmd::errno::Errno;
use alarmd::ftok;
use alarmd::limits::LARGEST;
use alarmd::settings::Settings;
use alarmd::sysv::{Access, Key, Segment};
use alarmd::wire::{DOORBELL_MAGIC, Doorbell, ModuleSegment, STATUS_MAGIC, StatusBlock};

use super::Visit;

pub fn look(visit: &mut Visit) {
    let mut keys = vec![
        ("doorbell".to_owned(), Key::DOORBELL, size_of::<Doorbell>(), Some(DOORBELL_MAGIC)),
        ("status block".to_owned(), Key::STATUS, StatusBlock::SIZE, Some(STATUS_MAGIC)),
    ];
    for module in &visit.settings.modules {
        let size = size_of::<ModuleSegment>();
        keys.push((format!("module {}", module.name), module.key, size, None));
        let path = module.ftok.as_ref().and_then(|path| ftok::key(path.as_c_str(), module.id).ok());
        keys.extend(path.map(|key| (format!("module {}, ftok", module.name), key, size, None)));
    }
    for (subject, key, size, magic) in keys {
        match foreign(&visit.settings, key, size, magic) {
            Ok(Some(id)) => visit.good(&subject, &format!("key {key}: segment {id}")),
            Ok(None) => visit.good(&subject, &format!("key {key}: none yet")),
            Err(what) => {
                let mend = format!("ipcs -m -p; ipcrm -M {key}");
                visit.wrong(&subject, &format!("key {key}: {what}"), "alarmd cannot use it, or must not", &mend);
            }
        }
    }
}

/// The segment with this key, if there is one and it can be ours; else what is wrong with it.
fn foreign(settings: &Settings, key: Key, size: usize, magic: Option<u32>) -> Result<Option<i32>, String> {
    let id = match Segment::find(key) {
        Ok(id) => id,
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let stat = match id.stat() {
        Ok(stat) => stat,
        // Its mode shuts this user out, who is not the daemon's.
        Err(error) if error.errno == Errno::EACCES => return Ok(Some(id.raw())),
        Err(error) => return Err(error.to_string()),
    };
    if stat.size < size {
        return Err(format!("segment {} has {} bytes of {size}", id.raw(), stat.size));
    }
    if stat.size > size.max(LARGEST) {
        return Err(format!("segment {} has {} bytes: another program's", id.raw(), stat.size));
    }
    if let Some(stranger) = settings.stranger(&stat) {
        return Err(format!("segment {} belongs to user {stranger}, who is not trusted", id.raw()));
    }
    let found = Segment::attach_id(id, size, Access::ReadOnly).ok().and_then(|segment| segment.load(0));
    match (magic, found) {
        (Some(magic), Some(found)) if found != magic && found != 0 => {
            Err(format!("segment {} is another program's: it begins with {found:#010x}", id.raw()))
        }
        _ => Ok(Some(id.raw())),
    }
}
