//! System V shared memory: the only code that computes keys and calls `shmget`, `shmat`, `shmdt` and `shmctl`.
//!
//! Hazards: a key is not a name but a number that any program may use. A segment may be removed while processes have it
//! attached; they then share memory that no other process finds. A plain 'open or create' hides who created the segment. So
//! [`Segment::open_or_create`] reports whether it created it, [`Segment::stat`] whether it is marked destroyed, and every error is
//! an operation and an errno.
//!
//! ```
//! use alarmd_core::errno::Errno;
//! use alarmd_core::sysv::{Key, SysvOp, Segment};
//!
//! let unused = Key::fixed(0x414C_7F01).unwrap();
//! let error = Segment::find(unused).unwrap_err();
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
