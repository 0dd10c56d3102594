//! System V shared memory: the only code that computes keys and calls `shmget`, `shmat`, `shmdt` and `shmctl`.
//!
//! What can bite: a key is not a name but a number anybody may take; a segment may be removed under its users, who then
//! share memory that nobody else will ever find; `shmget` with a size larger than the segment's says EINVAL; a plain
//! 'open or create' hides who made the segment. So [`Segment::open_or_create`] says whether it created, [`Segment::stat`]
//! says whether the segment is marked destroyed, and every error is an operation and an errno.
//!
//! ```
//! use alarmd_core::errno::Errno;
//! use alarmd_core::sysv::{Key, SysvOp, Segment};
//!
//! let nobody = Key::fixed(0x414C_7F01).unwrap();
//! let error = Segment::find(nobody).unwrap_err();
//! assert_eq!((error.op, error.errno), (SysvOp::Get, Errno::ENOENT));
//! ```
mod error;
mod key;
mod segment;
mod words;

pub use error::{Error, ErrorWithKey};
pub use key::Key;

pub use segment::{Access, Id, Segment, Stat};
pub use words::{Word, Words, words, words_mut};

pub use crate::codes::SysvOp;
