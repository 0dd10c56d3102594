//! What failed, as (operation, errno), and the words for it.
use core::fmt;

use super::Key;
use crate::codes::SysvOp;
use crate::errno::Errno;

/// A System V call that failed: comparable, open to unknown numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    /// Which call.
    pub op: SysvOp,
    /// What it said.
    pub errno: Errno,
}

impl Error {
    /// The error with the key and the owner of the key, as a person reads it: what, where, and what to do.
    pub fn of(self, whose: &str, key: Key) -> ErrorWithKey<'_> {
        ErrorWithKey { error: self, whose, key }
    }

    /// True if the kernel has no more to give: segments, pages, memory, or a segment of that size.
    pub fn is_limit(self) -> bool {
        matches!((self.op, self.errno), (_, Errno::ENOSPC | Errno::ENOMEM) | (SysvOp::Create, Errno::EINVAL))
    }

    /// What it means and what to do.
    pub const fn meaning(self) -> &'static str {
        match (self.op, self.errno) {
            (SysvOp::Create, Errno::EINVAL) => {
                "the size is below SHMMIN or above SHMMAX (/proc/sys/kernel/shmmax); raise the limit"
            }
            (_, Errno::EEXIST) => "another process created it meanwhile; try again",
            (_, Errno::EIDRM | Errno::EINVAL) => "the segment was removed meanwhile; try again",
            (_, Errno::ENOSPC) => {
                "the table of segments is full (SHMMNI, /proc/sys/kernel/shmmni) or all pages are used (SHMALL, \
                 /proc/sys/kernel/shmall); remove segments that no program uses (/proc/sysvipc/shm lists them), or raise \
                 the limit"
            }
            (_, Errno::ENOENT) => "no segment has this key; start alarmd, or raise an alarm, to create it",
            (_, Errno::EACCES) => {
                "the segment's mode denies permission to this user; join its group, or set mode and group in alarmd.conf"
            }
            (_, Errno::EPERM) => "only the segment's owner, its creator or root may do this",
            (_, Errno::ENOMEM) => "no memory is left for the segment or its page tables",
            (_, Errno::ENOSYS) => "the kernel has no System V shared memory; build it with CONFIG_SYSVIPC",
            _ => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.errno)
    }
}

impl core::error::Error for Error {}

/// An [`Error`] with the key and whose key it is. Made by [`Error::of`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorWithKey<'a> {
    error: Error,
    whose: &'a str,
    key: Key,
}

impl fmt::Display for ErrorWithKey<'_> {
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

    fn words(op: SysvOp, errno: Errno) -> std::string::String {
        Error { op, errno }.of("module sdhmgt", Key::fixed(0x414C_001F).unwrap()).to_string()
    }

    #[test]
    fn every_message_names_the_module_the_key_and_the_limit() {
        let full = words(SysvOp::Create, Errno::ENOSPC);
        assert!(full.starts_with("module sdhmgt: key 0x414c001f: shmget(IPC_CREAT): No space left"), "{full}");
        assert!(full.contains("/proc/sys/kernel/shmmni") && full.contains("/proc/sys/kernel/shmall"), "{full}");
        assert!(words(SysvOp::Create, Errno::EINVAL).contains("/proc/sys/kernel/shmmax"));
        assert!(words(SysvOp::Attach, Errno::EIDRM).contains("removed meanwhile"));
        assert!(words(SysvOp::Get, Errno::ENOENT).contains("no segment has this key"));
        assert!(words(SysvOp::Get, Errno::EACCES).contains("denies permission"));
        assert!(words(SysvOp::Attach, Errno::ENOMEM).contains("memory"));
        assert!(words(SysvOp::Create, Errno::EEXIST).contains("meanwhile"));
    }

    #[test]
    fn an_unknown_error_number_is_printed_as_a_number() {
        assert!(words(SysvOp::Attach, Errno::from_raw(4095)).ends_with("(4095)"));
    }
}
