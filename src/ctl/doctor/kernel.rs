//! The kernel: its version, changes by its vendor, and its limits on shared memory.
use std::ffi::CStr;
use std::mem;

use alarmd_core::errno::Errno;
use alarmd_core::futex;
use alarmd_core::sysv::{Access, Error, Id, Segment};
use alarmd_core::wire::{Doorbell, ModuleSegment, StatusBlock};

use super::files::text;
use super::finding::Checks;

const MEMORY: &str = "shared memory";
const NO_SEGMENTS: &str = "alarmd cannot create its segments, so alarms are not detected";

pub fn check(checks: &mut Checks) {
    version(checks);
    reused_calls(checks);
    let segment = Segment::private(4096);
    match segment {
        Ok(id) => futex(checks, id),
        Err(Error { errno: Errno::ENOSYS, .. }) => {
            let what = "the kernel has no System V shared memory";
            return checks.error(MEMORY, what, NO_SEGMENTS, "build the kernel with CONFIG_SYSVIPC");
        }
        // A limit, as a rule.
        Err(_) => {}
    }
    let all_within = limits(checks);
    match segment {
        Err(error) if all_within => {
            let fix = "free memory, or segments that no process has attached (ipcs -m)";
            checks.error(MEMORY, &format!("no segment can be created: {error}"), NO_SEGMENTS, fix);
        }
        _ => {}
    }
}

fn version(checks: &mut Checks) {
    // SAFETY: `utsname` is bytes; all zeros is a value of it.
    let mut names: libc::utsname = unsafe { mem::zeroed() };
    // SAFETY: the call writes one `utsname`.
    unsafe { libc::uname(&mut names) };
    // SAFETY: the kernel ends the text with a zero byte.
    let release = unsafe { CStr::from_ptr(names.release.as_ptr()) }.to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse::<u32>().unwrap_or(0));
    let number = [0; 3].map(|_: u32| numbers.next().unwrap_or(0));
    if number < [2, 6, 25] {
        checks.error("kernel", &release, "alarmd needs futex operations of Linux 2.6.25", "use Linux 2.6.25 or later");
    } else {
        checks.ok("kernel", &release);
    }
}

/// Vendors of ARM kernels have used these numbers for system calls of their own. Other processors have other numbers.
#[cfg(target_arch = "arm")]
fn reused_calls(checks: &mut Checks) {
    let mut time = [0u64; 2];
    let null = std::ptr::null::<u8>();
    // SAFETY: `statx` with a null path reads and writes nothing.
    let statx = unsafe { libc::syscall(397, -1, null, 0, 0, null) };
    let statx = if statx == -1 { Some(Errno::last()) } else { None };
    // SAFETY: `clock_gettime64` writes 16 bytes, which `time` has.
    let clock = unsafe { libc::syscall(403, libc::CLOCK_MONOTONIC, &raw mut time) };
    let clock = if clock == -1 { Some(Errno::last()) } else { None };
    for (number, name, kept) in [
        (397, "statx", matches!(statx, Some(Errno::ENOSYS | Errno::EFAULT | Errno::EBADF))),
        (403, "clock_gettime64", matches!(clock, None | Some(Errno::ENOSYS))),
    ] {
        let subject = format!("system call {number}");
        if kept {
            checks.ok(&subject, &format!("{name}, or not implemented"));
        } else {
            checks.warning(
                &subject,
                &format!("not {name}: another system call has this number"),
                "programs that use a newer C library fail; alarmd does not use this call",
                "build other programs with an older C library, or fix the kernel's system call table",
            );
        }
    }
}

/// Vendors of ARM kernels have used these numbers for system calls of their own. Other processors have other numbers.
#[cfg(not(target_arch = "arm"))]
fn reused_calls(checks: &mut Checks) {
    checks.ok("system calls 397, 403", "not checked: vendors reuse these numbers on ARM only");
}

fn futex(checks: &mut Checks, id: Id) {
    const SUBJECT: &str = "futex";
    let attached = Segment::attach_id(id, Access::ReadOnly);
    // The test segment is removed whatever the result.
    let _ = id.remove();
    match attached.map(|segment| segment.word(0).map_or(Err(Errno::EINVAL), futex::wake)) {
        Ok(Ok(())) => checks.ok(SUBJECT, "works, also on memory that is attached read-only"),
        Ok(Err(Errno::ENOSYS)) => checks.warning(
            SUBJECT,
            "not implemented by this kernel",
            "producers cannot wake alarmd; alarms are detected by polling, within poll_ms",
            "build the kernel with CONFIG_FUTEX",
        ),
        Ok(Err(errno)) => checks.warning(
            SUBJECT,
            &format!("fails on memory that is attached read-only: {errno}"),
            "programs that wait for changes of the status block use all CPU time; alarmd attaches read-write",
            "use Linux 3.0.8 or later",
        ),
        Err(error) => checks.error(
            SUBJECT,
            &format!("not tested: the test segment cannot be attached: {error}"),
            "alarmd cannot attach its segments",
            "free memory, or raise the limit on the address space (ulimit -v)",
        ),
    }
}

/// Returns whether all limits are high enough.
fn limits(checks: &mut Checks) -> bool {
    let number = |name: &str| text(&format!("/proc/sys/kernel/{name}")).and_then(|text| text.parse::<u64>().ok());
    let Some(table) = text("/proc/sysvipc/shm") else {
        let why = "the limits cannot be checked, and alarmd cannot identify processes";
        checks.error(MEMORY, "/proc/sysvipc/shm cannot be read", why, "mount -t proc proc /proc");
        return true;
    };
    // The columns are key, shmid, perms, size and others.
    let sizes: Vec<u64> =
        table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(3)?.parse().ok()).collect();
    let pages = |bytes: u64| bytes.div_ceil(4096);
    let segments: u64 =
        checks.settings.poll.modules.iter().map(|module| 1 + u64::from(module.ftok.is_some())).sum::<u64>() + 2;
    let needed_pages = pages(StatusBlock::SIZE as u64)
        + pages(size_of::<Doorbell>() as u64)
        + (segments - 2) * pages(size_of::<ModuleSegment>() as u64);
    let used_pages: u64 = sizes.iter().map(|size| pages(*size)).sum();
    // A running alarmd has its segments already.
    let (segments, needed_pages) = if checks.report.is_some() { (0, 0) } else { (segments, needed_pages) };
    let mut all_within = true;
    for (subject, name, needed, used) in [
        ("SHMMAX", "shmmax", StatusBlock::SIZE as u64, 0),
        ("SHMMNI", "shmmni", segments, sizes.len() as u64),
        ("SHMALL", "shmall", needed_pages, used_pages),
    ] {
        match number(name) {
            None => checks.ok(subject, &format!("/proc/sys/kernel/{name} is not readable")),
            Some(limit) if limit < used.saturating_add(needed) => {
                all_within = false;
                let what = format!("limit {limit}, in use {used}, needed by alarmd {needed}");
                checks.error(subject, &what, NO_SEGMENTS, &format!("echo {} >/proc/sys/kernel/{name}", used + needed));
            }
            Some(limit) => checks.ok(subject, &format!("limit {limit}, in use {used}")),
        }
    }
    all_within
}
