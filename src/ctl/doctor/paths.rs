//! The paths from which old producers compute their keys.
use std::mem;

use alarmd_core::ftok::{self, KeyError};
use alarmd_core::sysv::Key;

use super::finding::Checks;

/// File systems whose inode numbers change when their files are recreated, by the magic numbers of linux/magic.h.
const UNSTABLE: [(i64, &str); 5] = [
    (0x0102_1994, "a tmpfs"),
    (0x8584_58F6, "a ramfs"),
    (0x794C_7630, "an overlay"),
    (0x9FA0, "/proc"),
    (0x6265_6572, "sysfs"),
];

pub fn check(checks: &mut Checks) {
    let modules = std::mem::take(&mut checks.settings.poll.modules);
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
                let why = "old producers that use this path are not detected";
                let fix = "set ftok to the absolute path that the old program passes to ftok(), and create that path";
                checks.error(&subject, &format!("{shown}: {refusal}"), why, fix);
                continue;
            }
        };
        if let Some((_, whose)) = keys.iter().find(|(other, _)| *other == key) {
            let what = format!("{shown}: {}; key {key} is also the key of {whose}", KeyError::Taken);
            let why = "two modules would share one segment; ftok uses only 16 bits of the inode number";
            checks.error(&subject, &what, why, "use another path, in ftok and in the old program");
            continue;
        }
        keys.push((key, subject.clone()));
        // SAFETY: `statfs` is integers only; all zeros is a value of it.
        let mut system: libc::statfs = unsafe { mem::zeroed() };
        // SAFETY: the path ends with a zero byte; the call writes one `statfs`.
        let known = unsafe { libc::statfs(path.as_c_str().as_ptr(), &mut system) } == 0;
        // Width and sign of this field differ between C libraries.
        let kind = system.f_type as i64 & 0xFFFF_FFFF;
        match UNSTABLE.iter().find(|(magic, _)| known && *magic == kind) {
            Some((_, name)) => checks.warning(
                &subject,
                &format!("{shown} is on {name}"),
                "the key changes when the image or the file is recreated",
                "use a path on flash (ext2, jffs2, ubifs), in ftok and in the old program, or let the producers use the fixed key",
            ),
            None => checks.ok(&subject, &format!("{shown}: key {key}")),
        }
    }
}
