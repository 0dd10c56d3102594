//! What failed, as (operation, errno), and the words for it.
use core::fmt;

use super::Key;
use crate::errno::Errno;

/// The System V call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `shmget` on a key that must exist
    Get,
    /// `shmget` with IPC_CREAT
    Create,
    /// `shmat`
    Attach,
    /// `shmctl` with IPC_STAT
    Stat,
    /// `shmctl` with IPC_SET
    Set,
    /// `shmctl` with IPC_RMID
    Remove,
}

impl Op {
    const fn call(self) -> &'static str {
        match self {
            Op::Get => "shmget",
            Op::Create => "shmget(IPC_CREAT)",
            Op::Attach => "shmat",
            Op::Stat => "shmctl(IPC_STAT)",
            Op::Set => "shmctl(IPC_SET)",
            Op::Remove => "shmctl(IPC_RMID)",
        }
    }
}

/// A System V call that failed: comparable, open to unknown numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    /// Which call.
    pub op: Op,
    /// What it said.
    pub errno: Errno,
}

impl Error {
    /// The error with the key and the owner of the key, as a person reads it: what, where, and what to do.
    pub fn of(self, whose: &str, key: Key) -> Explained<'_> {
        Explained { error: self, whose, key }
    }

    /// True if the kernel has no more to give: segments, pages, memory, or a segment of that size.
    pub fn is_limit(self) -> bool {
        matches!((self.op, self.errno), (_, Errno::ENOSPC | Errno::ENOMEM) | (Op::Create, Errno::EINVAL))
    }

    /// What it means and what mends it. The limits are the kernel's own files.
    const fn meaning(self) -> &'static str {
        match (self.op, self.errno) {
            (Op::Get | Op::Create, Errno::EINVAL) => {
                "the existing segment is too small, or the size is below SHMMIN or above SHMMAX \
                 (/proc/sys/kernel/shmmax); a foreign segment: see ipcs -m, remove it with ipcrm -M KEY"
            }
            (_, Errno::EEXIST) => "somebody created it meanwhile; try again",
            (_, Errno::EIDRM | Errno::EINVAL) => "the segment was removed meanwhile; try again",
            (_, Errno::ENOSPC) => {
                "the table of segments is full (SHMMNI, /proc/sys/kernel/shmmni) or all pages are used (SHMALL, \
                 /proc/sys/kernel/shmall); see ipcs -m for segments nobody needs, or raise the limit"
            }
            (_, Errno::ENOENT) => "no segment has this key; start alarmd, or raise an alarm, to make it",
            (_, Errno::EACCES) => {
                "permission denied by the segment's mode; join its group, or set mode and group in alarmd.conf"
            }
            (_, Errno::EPERM) => "only the segment's owner, its creator or root may do this",
            (_, Errno::ENOMEM) => "no memory is left for the segment or its page tables",
            _ => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op.call(), self.errno)
    }
}

impl core::error::Error for Error {}

/// An [`Error`] with the key and whose key it is. Made by [`Error::of`].
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    error: Error,
    whose: &'a str,
    key: Key,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: key {}: {}", self.whose, self.key, self.error)?;
        match self.error.meaning() {
            "" => Ok(()),
            meaning => write!(f, ": {meaning}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn words(op: Op, errno: Errno) -> std::string::String {
        Error { op, errno }.of("module sdhmgt", Key::fixed(0x414C_001F).unwrap()).to_string()
    }

    #[test]
    fn every_message_names_the_module_the_key_and_the_limit() {
        let full = words(Op::Create, Errno::ENOSPC);
        assert!(full.starts_with("module sdhmgt: key 0x414c001f: shmget(IPC_CREAT): No space left"), "{full}");
        assert!(full.contains("/proc/sys/kernel/shmmni") && full.contains("/proc/sys/kernel/shmall"), "{full}");
        assert!(words(Op::Get, Errno::EINVAL).contains("/proc/sys/kernel/shmmax"));
        assert!(words(Op::Attach, Errno::EIDRM).contains("removed meanwhile"));
        assert!(words(Op::Get, Errno::ENOENT).contains("no segment has this key"));
        assert!(words(Op::Get, Errno::EACCES).contains("permission"));
        assert!(words(Op::Attach, Errno::ENOMEM).contains("memory"));
        assert!(words(Op::Create, Errno::EEXIST).contains("meanwhile"));
    }

    #[test]
    fn an_unknown_number_is_told_as_it_is() {
        assert!(words(Op::Attach, Errno::from_raw(4095)).ends_with("(4095)"));
    }
}
