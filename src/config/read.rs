//! Reading a whole file with the oldest calls, without waiting.
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use alarmd_core::file::Inode;

/// The whole file. `take` is there because a bare `File` asks for its size with a newer system call first. The process that
/// reads it also monitors relays and must not wait, not even for the other end of a pipe.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let inode = CString::new(path.as_os_str().as_bytes()).ok().and_then(|path| Inode::of(&path).ok());
    if inode.is_some_and(|inode| inode.is_pipe()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file is a pipe"));
    }
    let mut bytes = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    file.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
