//! The key that an old producer computes from a path ([ftok(3)]).
//!
//! Hazards: two paths can give the same key, and a path that is recreated gives another one. So the daemon computes the key
//! again at each health check.
//!
//! [ftok(3)]: https://man7.org/linux/man-pages/man3/ftok.3.html
use core::ffi::CStr;
use core::fmt;

use crate::alarm::ModuleId;
use crate::errno::Errno;
use crate::file::Inode;
use crate::sysv::Key;

/// Why a path gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The path does not start with `/`: each process would read it differently.
    Relative,
    /// `ftok` failed: the path does not exist or may not be searched.
    Unusable(Errno),
    /// `ftok` gave 0, which is IPC_PRIVATE.
    Private,
    /// Another module's segment has this key.
    Taken,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Relative => f.write_str(
                "the path is relative, so its key depends on each process's working directory; use an absolute path",
            ),
            KeyError::Unusable(Errno::ENOENT) => f.write_str("the path does not exist; create it, or use another path"),
            KeyError::Unusable(Errno::EACCES) => {
                f.write_str("permission denied for a directory of the path; fix its permissions")
            }
            KeyError::Unusable(errno) => write!(f, "the path cannot be used: {errno}"),
            KeyError::Taken => f.write_str("its key is used by another segment; use another path"),
            KeyError::Private => f.write_str("the key would be 0, which is IPC_PRIVATE; use another path"),
        }
    }
}

/// The key of an absolute path and a module's id: 16 bits of the inode, 8 of the device, 8 of the id. It does not call the
/// C library's `ftok`, which uses a system call that old kernels lack.
///
/// # Errors
/// [`KeyError`]. A path that exists but cannot be reached is `Unusable(EACCES)`.
pub fn key(path: &CStr, id: ModuleId) -> Result<Key, KeyError> {
    if path.to_bytes().first() != Some(&b'/') {
        return Err(KeyError::Relative);
    }
    let inode = Inode::of(path).map_err(KeyError::Unusable)?;
    let key = inode.number & 0xffff | ((inode.device & 0xff) << 16) | (u64::from(id.get() & 0xff) << 24);
    Key::fixed(key as u32).ok_or(KeyError::Private)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ModuleId = ModuleId::new(31).unwrap();

    #[test]
    fn a_path_gives_the_same_key_as_ftok_of_the_c_library() {
        for path in [c"/", c"/proc", c"/dev/null"] {
            // SAFETY: a literal path.
            let expected = unsafe { libc::ftok(path.as_ptr(), 31) };
            assert_eq!(key(path, ID).unwrap().number(), expected as u32, "{path:?}");
        }
    }

    #[test]
    fn relative_missing_and_unreadable_paths_are_refused() {
        assert_eq!(key(c".", ID), Err(KeyError::Relative));
        assert_eq!(key(c"", ID), Err(KeyError::Relative));
        assert_eq!(key(c"home", ID), Err(KeyError::Relative));
        assert_eq!(key(c"/no/such/path", ID), Err(KeyError::Unusable(Errno::ENOENT)));
        assert_eq!(key(c"/etc/passwd/x", ID), Err(KeyError::Unusable(Errno::ENOTDIR)));
    }
}
