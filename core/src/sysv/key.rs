//! Keys: the numbers under which segments are found.
use core::fmt;

use crate::alarm::ModuleId;

/// The key of a segment. Never IPC_PRIVATE, which no other process can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(libc::key_t);

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
}
