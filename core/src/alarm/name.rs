//! Names and ids of modules and outputs.
use core::fmt;
use core::num::NonZeroU8;

use crate::limits::NAME_MAX;

/// The id of a module, 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(NonZeroU8);

impl ModuleId {
    /// The id, if it is 1 to 255.
    pub const fn new(id: u32) -> Option<ModuleId> {
        if id > u8::MAX as u32 {
            return None;
        }
        match NonZeroU8::new(id as u8) {
            Some(id) => Some(ModuleId(id)),
            None => None,
        }
    }

    /// The number, 1 to 255.
    pub const fn get(self) -> u32 {
        self.0.get() as u32
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name of a module or an output: 1 to 31 letters, digits, `_`, `-` or `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(heapless::String<NAME_MAX>);

impl Name {
    /// The name, if it is one.
    pub fn new(text: &str) -> Option<Name> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if text.is_empty() || !text.chars().all(fits) {
            return None;
        }
        text.parse().ok().map(Name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_ids_are_1_to_255() {
        assert_eq!(ModuleId::new(0), None);
        assert_eq!(ModuleId::new(256), None);
        assert_eq!(ModuleId::new(257), None);
        assert_eq!(ModuleId::new(255).map(ModuleId::get), Some(255));
    }

    #[test]
    fn names_that_would_break_a_table_or_a_path_are_refused() {
        for bad in ["", "a b", "a/b", "ü", "a\n", "0123456789012345678901234567890x"] {
            assert_eq!(Name::new(bad), None, "{bad:?}");
        }
        assert!(Name::new("0123456789012345678901234567890").is_some());
    }
}
