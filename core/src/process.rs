//! Is the process that left its id in shared memory still there?
//!
//! Hazards: `kill(pid, 0)` succeeds for a zombie, which holds nothing any more, and an id is given again to another process.
//! So /proc is read too, and where it matters an id goes with its start time: [`ProcessIdentity`].
use core::ffi::CStr;
use core::fmt::Write;

use libc::c_int;

use crate::errno::Errno;

/// This process's id.
pub fn me() -> u32 {
    // SAFETY: getpid takes nothing and cannot fail.
    unsafe { libc::getpid() as u32 }
}

/// The user this process acts as.
pub fn user() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Ends the process, whatever it does: SIGKILL.
pub fn kill(pid: u32) {
    // 0 and negative numbers would name groups of processes.
    if let Some(pid) = c_int::try_from(pid).ok().filter(|pid| *pid > 0) {
        // SAFETY: kill takes no pointer.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

/// True if no process has this id, or only a zombie.
pub fn is_gone(pid: u32) -> bool {
    // 0 and negative numbers would name groups of processes.
    let Some(pid) = c_int::try_from(pid).ok().filter(|pid| *pid > 0) else {
        return true;
    };
    // SAFETY: signal 0 is not delivered.
    if unsafe { libc::kill(pid, 0) } == -1 && Errno::last() == Errno::ESRCH {
        return true;
    }
    ProcStat::read(pid as u32).is_some_and(|stat| matches!(stat.state, b'Z' | b'X'))
}

/// A process id (22 bits, the kernel's maximum) and ten bits of when it started, in one word: the id given again to
/// another process is not taken for the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessIdentity(u32);

const PID_BITS: u32 = 22;

impl ProcessIdentity {
    /// This process.
    pub fn me() -> ProcessIdentity {
        ProcessIdentity::of(me())
    }

    /// The process that has this id now.
    pub fn of(pid: u32) -> ProcessIdentity {
        ProcessIdentity::started(pid, ProcStat::read(pid).map_or(0, |stat| stat.start_time))
    }

    const fn started(pid: u32, start_time: u32) -> ProcessIdentity {
        ProcessIdentity(pid | (start_time << PID_BITS))
    }

    /// The mark in this word.
    pub const fn from_word(word: u32) -> ProcessIdentity {
        ProcessIdentity(word)
    }

    /// The word.
    pub const fn word(self) -> u32 {
        self.0
    }

    /// The process id.
    pub const fn pid(self) -> u32 {
        self.0 & ((1 << PID_BITS) - 1)
    }

    /// True while that very process lives and runs a program of our name.
    pub fn runs_same_program(self) -> bool {
        let mut buffers = [[0; 512]; 2];
        let [ours, theirs] = &mut buffers;
        let ours = read_stat(me(), ours).and_then(name);
        self.is_alive() && ours.is_some() && ours == read_stat(self.pid(), theirs).and_then(name)
    }

    /// True while that very process lives.
    pub fn is_alive(self) -> bool {
        // A /proc that hides other users' processes says nothing against it.
        let same = |stat: ProcStat| ProcessIdentity::started(self.pid(), stat.start_time) == self;
        self.pid() != 0 && !is_gone(self.pid()) && ProcStat::read(self.pid()).is_none_or(same)
    }
}

/// Two fields of /proc/PID/stat ([proc(5)]).
///
/// [proc(5)]: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
struct ProcStat {
    /// Field 3.
    state: u8,
    /// Field 22, in clock ticks after boot.
    start_time: u32,
}

impl ProcStat {
    /// `None` where /proc does not show it.
    fn read(pid: u32) -> Option<ProcStat> {
        let mut buffer = [0u8; 512];
        let text = read_stat(pid, &mut buffer)?;
        // The name, field 2, stands in parentheses and may hold anything, also spaces and parentheses.
        let after_name = text.iter().rposition(|byte| *byte == b')')? + 2;
        let mut fields = text.get(after_name..)?.split(|byte| *byte == b' ');
        let state = *fields.next()?.first()?;
        let start_time = core::str::from_utf8(fields.nth(18)?).ok()?.parse::<u64>().ok()? as u32;
        Some(ProcStat { state, start_time })
    }
}

fn read_stat(pid: u32, buffer: &mut [u8]) -> Option<&[u8]> {
    let mut path = heapless::String::<40>::new();
    // The first thread's own file, which says the same. QEMU's emulator of a single program makes up the other one.
    write!(path, "/proc/{pid}/task/{pid}/stat\0").ok()?;
    read_file(CStr::from_bytes_with_nul(path.as_bytes()).ok()?, buffer)
}

/// Field 2, with its parentheses.
fn name(stat: &[u8]) -> Option<&[u8]> {
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(begin..=end)
}

/// The beginning of a small file. Without std, whose `File` asks for more than the old calls.
fn read_file<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    // SAFETY: the path ends with a zero byte.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd == -1 {
        return None;
    }
    // SAFETY: the buffer is ours and its length goes with it.
    let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    // SAFETY: the descriptor was opened above and is closed once.
    unsafe { libc::close(fd) };
    buffer.get(..usize::try_from(count).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_exists_and_invalid_ids_do_not() {
        assert!(!is_gone(me()));
        assert!(ProcessIdentity::me().is_alive() && ProcessIdentity::me().runs_same_program());
        assert!(!ProcessIdentity::of(1).runs_same_program());
        for pid in [0, u32::MAX, 1 << 31, (1 << PID_BITS) - 1] {
            assert!(is_gone(pid), "{pid}");
        }
    }

    #[test]
    fn a_zombie_counts_as_ended() {
        // `true` ends at once. No process waits for it, so it stays a zombie.
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let deadline = crate::clock::now() + 10 * crate::clock::S;
        while !is_gone(child.id()) {
            assert!(crate::clock::now() < deadline, "the zombie was taken for alive");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let other_birth = ProcessIdentity::from_word(ProcessIdentity::me().word() ^ (1 << PID_BITS));
        assert_eq!(other_birth.pid(), me());
        assert!(!other_birth.is_alive());
    }
}
