//! The processes that have a segment attached.
use std::fs;

use super::files::text;

/// The processes that have this segment attached, as `NAME (process ID)`. Those that this user may not look into are missing.
///
/// The kernel lists an attachment in /proc/PID/maps as the file `/SYSV` and the key, with the shmid as the inode number.
pub fn processes(shmid: i32) -> Vec<String> {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/ipc")).ok();
    let ours = namespace("self");
    let shmid = shmid.to_string();
    let is_attached = |pid: &String| {
        let maps = text(&format!("/proc/{pid}/maps")).unwrap_or_default();
        let here = maps.lines().any(|line| line.contains(" /SYSV") && line.split_whitespace().nth(4) == Some(&shmid));
        // Another namespace may have another segment with this shmid.
        here && namespace(pid) == ours
    };
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    pids.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(is_attached)
        .map(|pid| {
            let name = text(&format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("{name} (process {pid})")
        })
        .collect()
}
