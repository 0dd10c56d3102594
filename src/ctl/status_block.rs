//! The status block of the running daemon.
use alarmd::clock;
use alarmd::process::Mark;
use alarmd::sysv::{Access, Errno, Error, Key, Segment};
use alarmd::wire::{StatusBlock, unpack_text};

use super::call::Failure;

/// A copy of the status block of the daemon that runs; `None` if none does.
///
/// # Errors
/// A daemon runs, but its status block cannot be read.
pub fn read() -> Result<Option<Box<StatusBlock<u32>>>, Failure> {
    let explain = |error: Error| Failure::failed(error.of("status block", Key::STATUS));
    let segment = match Segment::attach(Key::STATUS, 0, Access::ReadOnly) {
        Ok(segment) => segment,
        Err(Error { errno: Errno::ENOENT | Errno::EIDRM, .. }) => return Ok(None),
        Err(error) => return Err(explain(error)),
    };
    let mut block = Box::new(StatusBlock::EMPTY);
    // It writes for microseconds; a daemon that writes all the time does not exist, a stopped one does.
    for _ in 0..200 {
        if block.copy(&segment) {
            return Ok(Some(block).filter(|block| Mark::from_word(block.daemon).is_alive()));
        }
        if !Mark::from_word(StatusBlock::daemon_of(&segment)).is_alive() {
            return Ok(None);
        }
        clock::sleep(5 * clock::MS);
    }
    Err(Failure::failed("the daemon is of another version, or stopped while it wrote; restart alarmd"))
}

/// The text in a status block's words.
pub fn text(words: &[u32]) -> String {
    unpack_text(words, &mut [0; 128]).to_owned()
}
