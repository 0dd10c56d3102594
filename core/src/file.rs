//! What the oldest system calls know of a file.
//!
//! Hazards: C libraries and std ask for a file's inode with `statx` (397) first. Kernels before 4.11 do not have it,
//! and some vendors' kernels use that number for a call of their own and answer EINVAL: then every file seems missing.
use core::ffi::{CStr, c_int};
use core::fmt::Write;

use crate::errno::Errno;

/// Which file a path leads to ([stat(2)]).
///
/// [stat(2)]: https://man7.org/linux/man-pages/man2/stat.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    /// The device as the kernel numbers it: its low 8 bits are those of the minor number.
    pub device: u64,
    /// The number on that device.
    pub number: u64,
    /// OutputKind and permissions.
    pub mode: u32,
}

impl Inode {
    /// The file at the end of the path; links are followed.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR; EACCES: a folder on the way may not be searched.
    #[cfg(target_arch = "arm")]
    pub fn of(path: &CStr) -> Result<Inode, Errno> {
        /// `struct stat64` of arch/arm/include/asm/stat.h, in words.
        #[repr(C, align(8))]
        struct Stat64([u32; 26]);
        let mut stat = Stat64([0; 26]);
        // SAFETY: the path ends with a zero byte; the call writes one `stat64`, 104 bytes, which `stat` is.
        if unsafe { libc::syscall(libc::SYS_stat64, path.as_ptr(), &raw mut stat) } == -1 {
            return Err(Errno::last());
        }
        let long = |at: usize| u64::from(stat.0[at]) | (u64::from(stat.0[at + 1]) << 32);
        Ok(Inode { device: long(0), number: long(24), mode: stat.0[4] })
    }

    /// The file at the end of the path; links are followed.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR; EACCES: a folder on the way may not be searched.
    #[cfg(not(target_arch = "arm"))]
    pub fn of(path: &CStr) -> Result<Inode, Errno> {
        // SAFETY: `stat` is integers only; all zeros is a value of it.
        let mut stat: libc::stat = unsafe { core::mem::zeroed() };
        // SAFETY: the path ends with a zero byte; the call writes one `stat`.
        if unsafe { libc::stat(path.as_ptr(), &mut stat) } == -1 {
            return Err(Errno::last());
        }
        Ok(Inode { device: stat.st_dev, number: stat.st_ino, mode: stat.st_mode })
    }

    /// True for a named pipe: reading it waits for a writer.
    pub fn is_pipe(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFIFO
    }

    /// True for a regular file, which another process may delete or truncate.
    pub fn is_plain(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }
}

/// True if the open file has no name any more. /proc shows that, by an old system call.
pub fn is_deleted(fd: c_int) -> bool {
    let mut path = heapless::String::<32>::new();
    let mut target = [0u8; 512];
    if write!(path, "/proc/self/fd/{fd}\0").is_err() {
        return false;
    }
    // SAFETY: the path ends with a zero byte; the buffer is ours and its length goes with it.
    let count = unsafe { libc::readlink(path.as_ptr().cast(), target.as_mut_ptr().cast(), target.len()) };
    usize::try_from(count).is_ok_and(|count| target[..count].ends_with(b" (deleted)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_inode_number_equals_that_of_std() {
        for path in [c"/", c"/proc/self/exe", c"/dev/null"] {
            let inode = Inode::of(path).unwrap();
            let meta = std::fs::metadata(path.to_str().unwrap()).unwrap();
            assert_eq!((inode.device, inode.number, inode.mode), (meta.dev(), meta.ino(), meta.mode()));
        }
        assert!(!Inode::of(c"/").unwrap().is_plain());
        assert_eq!(Inode::of(c"/no/such/file"), Err(Errno::ENOENT));
    }

    #[test]
    fn an_open_file_without_a_name_counts_as_deleted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = std::ffi::CString::new(file.path().as_os_str().as_bytes()).unwrap();
        assert!(Inode::of(&path).unwrap().is_plain());
        assert!(!is_deleted(file.as_file().as_raw_fd()));
        let (open, path) = file.into_parts();
        path.close().unwrap();
        assert!(is_deleted(open.as_raw_fd()));
    }
}
