//! Keys: the numbers under which segments are found.
use core::ffi::CStr;
use core::fmt;

use super::Errno;
use crate::alarm::ModuleId;
use crate::file::Inode;

/// The key of a segment. Never IPC_PRIVATE, under which nobody could be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(libc::key_t);

/// Why a path gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The path does not start with `/`: every process and every kernel would read it differently.
    Relative,
    /// `ftok` failed: the path is missing or may not be looked at.
    Unusable(Errno),
    /// `ftok` gave 0, which is IPC_PRIVATE.
    Private,
    /// Another module's segment has this key.
    Taken,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Relative => {
                f.write_str("the path is relative, so its key depends on where each process stands; name it from / on")
            }
            Refusal::Unusable(Errno::ENOENT) => f.write_str("the path is missing; make it, or name another"),
            Refusal::Unusable(Errno::EACCES) => f.write_str("the path may not be looked at; mend its permissions"),
            Refusal::Unusable(errno) => write!(f, "the path cannot be used: {errno}"),
            Refusal::Taken => f.write_str("its key is another segment's; name another path"),
            Refusal::Private => f.write_str("the key would be 0, which is IPC_PRIVATE; name another path"),
        }
    }
}

impl Key {
    /// The doorbell's key.
    pub const DOORBELL: Key = Key(0x414C_0100);
    /// The status block's key.
    pub const STATUS: Key = Key(0x414C_0101);

    /// A key by its number, unless that is 0 (IPC_PRIVATE).
    pub const fn fixed(number: u32) -> Option<Key> {
        if number == 0 { None } else { Some(Key(number as libc::key_t)) }
    }

    /// The fixed key of a module: `0x414C0000 | id`.
    pub const fn of_module(id: ModuleId) -> Key {
        Key((0x414C_0000 | id.get()) as libc::key_t)
    }

    /// The key an old producer computes with [ftok(3)] from an absolute path and its module's id: 16 bits of the inode, 8
    /// of the device, 8 of the id. Not by the C library's own, which asks with a call that old kernels lack.
    ///
    /// [ftok(3)]: https://man7.org/linux/man-pages/man3/ftok.3.html
    ///
    /// # Errors
    /// [`Refusal`]. A path that exists but may not be reached is `Unusable(EACCES)`.
    pub fn from_path(path: &CStr, id: ModuleId) -> Result<Key, Refusal> {
        if path.to_bytes().first() != Some(&b'/') {
            return Err(Refusal::Relative);
        }
        let inode = Inode::of(path).map_err(Refusal::Unusable)?;
        let key = inode.number & 0xffff | ((inode.device & 0xff) << 16) | (u64::from(id.get() & 0xff) << 24);
        Key::fixed(key as u32).ok_or(Refusal::Private)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    pub(super) const fn raw(self) -> libc::key_t {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ModuleId = ModuleId::new(31).unwrap();

    #[test]
    fn fixed_keys_are_those_of_the_wire_format() {
        assert_eq!(Key::of_module(ID).number(), 0x414C_001F);
        assert_eq!(Key::fixed(0), None);
    }

    #[test]
    fn a_path_gives_the_key_the_c_library_gives() {
        for path in [c"/", c"/proc", c"/dev/null"] {
            // SAFETY: a literal path.
            let expected = unsafe { libc::ftok(path.as_ptr(), 31) };
            assert_eq!(Key::from_path(path, ID).unwrap().raw(), expected, "{path:?}");
        }
    }

    #[test]
    fn relative_missing_and_unreadable_paths_are_refused() {
        assert_eq!(Key::from_path(c".", ID), Err(Refusal::Relative));
        assert_eq!(Key::from_path(c"", ID), Err(Refusal::Relative));
        assert_eq!(Key::from_path(c"home", ID), Err(Refusal::Relative));
        assert_eq!(Key::from_path(c"/no/such/path", ID), Err(Refusal::Unusable(Errno::ENOENT)));
        assert_eq!(Key::from_path(c"/etc/passwd/x", ID), Err(Refusal::Unusable(Errno::ENOTDIR)));
    }
}
