//! The kernel: its version, what its vendor made of it, and its limits.
use std::ffi::CStr;
use std::mem;

use alarmd::errno::Errno;
use alarmd::futex;
use alarmd::sysv::{Access, Segment};
use alarmd::wire::{Doorbell, ModuleSegment, StatusBlock};

use super::{Visit, text};

pub fn look(visit: &mut Visit) {
    version(visit);
    reused_calls(visit);
    futex(visit);
    limits(visit);
}

fn version(visit: &mut Visit) {
    // SAFETY: `utsname` is bytes; all zeros is a value of it.
    let mut names: libc::utsname = unsafe { mem::zeroed() };
    // SAFETY: the call writes one `utsname`.
    unsafe { libc::uname(&mut names) };
    // SAFETY: the kernel ends it with a zero byte.
    let release = unsafe { CStr::from_ptr(names.release.as_ptr()) }.to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse::<u32>().unwrap_or(0));
    let number = [0; 3].map(|_: u32| numbers.next().unwrap_or(0));
    if number < [2, 6, 25] {
        visit.wrong("kernel", &release, "alarmd waits with a futex call of 2.6.25", "take a newer kernel");
    } else {
        visit.good("kernel", &release);
    }
}

/// Numbers that vendors have used for calls of their own. Other processors number calls in another way.
#[cfg(target_arch = "arm")]
fn reused_calls(visit: &mut Visit) {
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
            visit.good(&subject, &format!("{name}, or none"));
        } else {
            visit.doubt(
                &subject,
                &format!("something else than {name}"),
                "programs of newer C libraries fail; alarmd itself makes no such call",
                "build other programs against an older C library, or mend the kernel's table",
            );
        }
    }
}

/// Numbers that vendors have used for calls of their own. Other processors number calls in another way.
#[cfg(not(target_arch = "arm"))]
fn reused_calls(visit: &mut Visit) {
    visit.good("system calls 397, 403", "vendors reuse them on ARM only");
}

fn futex(visit: &mut Visit) {
    const SUBJECT: &str = "futex";
    let woken = Segment::private(4096).and_then(|id| {
        let segment = Segment::attach_id(id, 4096, Access::ReadOnly);
        // Whatever the answer, it is not left behind.
        let _ = id.remove();
        segment.map(|segment| segment.word(0).map_or(Err(Errno::EINVAL), futex::wake))
    });
    match woken {
        Ok(Ok(())) => visit.good(SUBJECT, "works, also where memory is attached read-only"),
        Ok(Err(Errno::ENOSYS)) => visit.doubt(
            SUBJECT,
            "this kernel has none",
            "nobody can ring: alarms are seen within poll_ms",
            "build the kernel with CONFIG_FUTEX",
        ),
        Ok(Err(errno)) => visit.doubt(
            SUBJECT,
            &format!("fails where memory is attached read-only: {errno}"),
            "programs that wait on alarmd's status would spin; alarmd itself attaches read-write",
            "take a kernel of 3.0.8 or later",
        ),
        Err(error) => visit.wrong(
            SUBJECT,
            &format!("no segment could be made to try it: {error}"),
            "alarmd needs segments of its own",
            "build the kernel with CONFIG_SYSVIPC; see the limits below",
        ),
    }
}

fn limits(visit: &mut Visit) {
    let number = |name: &str| text(&format!("/proc/sys/kernel/{name}")).and_then(|text| text.parse::<u64>().ok());
    let Some(table) = text("/proc/sysvipc/shm") else {
        let mend = "build the kernel with CONFIG_SYSVIPC, mount /proc";
        return visit.wrong("shared memory", "there is no /proc/sysvipc/shm", "alarms are reported in it", mend);
    };
    // key shmid perms size ...
    let sizes: Vec<u64> =
        table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(3)?.parse().ok()).collect();
    let pages = |bytes: u64| bytes.div_ceil(4096);
    let segments: u64 =
        visit.settings.modules.iter().map(|module| 1 + u64::from(module.ftok.is_some())).sum::<u64>() + 2;
    let needed_pages = pages(StatusBlock::SIZE as u64)
        + pages(size_of::<Doorbell>() as u64)
        + (segments - 2) * pages(size_of::<ModuleSegment>() as u64);
    let used_pages: u64 = sizes.iter().map(|size| pages(*size)).sum();
    // Where alarmd runs already it has what it needs.
    let (segments, needed_pages) = if visit.status.is_some() { (0, 0) } else { (segments, needed_pages) };
    for (subject, name, needed, used) in [
        ("SHMMAX", "shmmax", StatusBlock::SIZE as u64, 0),
        ("SHMMNI", "shmmni", segments, sizes.len() as u64),
        ("SHMALL", "shmall", needed_pages, used_pages),
    ] {
        match number(name) {
            None => visit.good(subject, "the kernel does not tell"),
            Some(limit) if limit < used.saturating_add(needed) => visit.wrong(
                subject,
                &format!("{limit}, of which {used} are used and alarmd needs {needed}"),
                "segments cannot be made: alarms are not seen",
                &format!("echo {} >/proc/sys/kernel/{name}", used + needed),
            ),
            Some(limit) => visit.good(subject, &format!("{limit}, {used} used")),
        }
    }
}
