//! The status block of the running daemon.
use alarmd_core::clock;
use alarmd_core::errno::Errno;
use alarmd_core::process::ProcessIdentity;
use alarmd_core::sysv::{Access, Error, Key, Segment};
use alarmd_core::wire::{StatusBlock, unpack_text};

use super::call::Failure;

/// A copy of the status block; `None` if no daemon is running.
///
/// # Errors
/// A daemon is running, but its status block cannot be read.
pub fn read() -> Result<Option<Box<StatusBlock<u32>>>, Failure> {
    let explain = |error: Error| Failure::failed(error.of("status block", Key::STATUS));
    let segment = match Segment::attach(Key::STATUS, Access::ReadOnly) {
        Ok(segment) => segment,
        Err(Error { errno: Errno::ENOENT | Errno::EIDRM, .. }) => return Ok(None),
        Err(error) => return Err(explain(error)),
    };
    let mut block = Box::new(StatusBlock::EMPTY);
    // The daemon writes for microseconds at a time. Only one that was stopped while writing keeps the block locked.
    for _ in 0..200 {
        if block.copy(&segment) {
            return Ok(Some(block).filter(|block| ProcessIdentity::from_word(block.daemon).is_alive()));
        }
        if !ProcessIdentity::from_word(StatusBlock::daemon_of(&segment)).is_alive() {
            return Ok(None);
        }
        clock::sleep(5 * clock::MS);
    }
    Err(Failure::failed(
        "status block: unreadable (alarmd has another version, or was stopped while it was writing); restart alarmd",
    ))
}

/// The text that is stored in words of the status block.
pub fn text(words: &[u32]) -> String {
    unpack_text(words, &mut [0; 128]).to_owned()
}
