//! A path in a fixed size, for the loop, which cannot allocate.
use core::ffi::CStr;

use heapless::String;

use crate::limits::PATH_MAX;

/// A path, with the zero byte that system calls want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(String<{ PATH_MAX + 1 }>);

impl FilePath {
    /// The path, if it is not empty, has at most 255 bytes and no zero byte.
    pub fn new(text: &str) -> Option<FilePath> {
        if text.is_empty() || text.len() > PATH_MAX || text.contains('\0') {
            return None;
        }
        let mut path: String<{ PATH_MAX + 1 }> = text.parse().ok()?;
        path.push('\0').ok()?;
        Some(FilePath(path))
    }

    /// For std.
    pub fn as_str(&self) -> &str {
        self.0.trim_end_matches('\0')
    }

    /// For system calls.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(self.0.as_bytes()).unwrap_or(c"")
    }
}
