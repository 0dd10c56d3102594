//! One entry of the status block's directory.
use core::sync::atomic::AtomicU32;

use crate::sysv::{Word, Words};

/// Places in the directory.
pub const SECTIONS: usize = 16;

/// One section. 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Section<W = AtomicU32> {
    /// Number of [`crate::codes::SectionType`].
    pub kind: W,
    /// Version of its layout.
    pub version: W,
    /// From the start of the segment, in bytes.
    pub offset: W,
    /// In bytes.
    pub size: W,
}

// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for Section<W> {}
