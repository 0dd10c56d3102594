//! The paths from which old producers compute their keys.
use std::mem;

use alarmd::ftok;
use alarmd::sysv::Key;

use super::Visit;

/// File systems whose inodes change when what lies on them is made anew: magic numbers of linux/magic.h.
const UNSTABLE: [(i64, &str); 5] = [
    (0x0102_1994, "a tmpfs"),
    (0x8584_58F6, "a ramfs"),
    (0x794C_7630, "an overlay"),
    (0x9FA0, "/proc"),
    (0x6265_6572, "sysfs"),
];

pub fn look(visit: &mut Visit) {
    let modules = std::mem::take(&mut visit.settings.modules);
    let mut keys: Vec<(Key, String)> =
        modules.iter().map(|module| (module.key, format!("module {}", module.name))).collect();
    keys.extend([(Key::DOORBELL, "the doorbell".to_owned()), (Key::STATUS, "the status block".to_owned())]);
    for module in &modules {
        let Some(path) = &module.ftok else { continue };
        let subject = format!("ftok of module {}", module.name);
        let shown = path.as_str();
        let key = match ftok::key(path.as_c_str(), module.id) {
            Ok(key) => key,
            Err(refusal) => {
                let why = "old producers of this module are not seen by their path";
                visit.wrong(&subject, &format!("{shown}: {refusal}"), why, "name another path in ftok");
                continue;
            }
        };
        if let Some((_, whose)) = keys.iter().find(|(other, _)| *other == key) {
            let what = format!("{shown}: its key {key} is that of {whose} too");
            let why = "two different things would stand in one segment: inodes that are alike in 16 bits collide";
            visit.wrong(&subject, &what, why, "name another path in ftok, and in the old program");
            continue;
        }
        keys.push((key, subject.clone()));
        // SAFETY: `statfs` is integers only; all zeros is a value of it.
        let mut system: libc::statfs = unsafe { mem::zeroed() };
        // SAFETY: the path ends with a zero byte; the call writes one `statfs`.
        let told = unsafe { libc::statfs(path.as_c_str().as_ptr(), &mut system) } == 0;
        // The width and the sign differ between C libraries.
        let kind = system.f_type as i64 & 0xFFFF_FFFF;
        match UNSTABLE.iter().find(|(magic, _)| told && *magic == kind) {
            Some((_, name)) => visit.doubt(
                &subject,
                &format!("{shown} lies on {name}"),
                "the key changes when the image or the file is made anew",
                "name a path on flash (ext2, jffs2, ubifs) in ftok, or let producers use the fixed key",
            ),
            None => visit.good(&subject, &format!("{shown}: key {key}")),
        }
    }
}
