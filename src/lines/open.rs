//! What all lines have in common.
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use alarmd::file::Inode;
use alarmd::output::{Line, LineError, Step};
use alarmd::sysv::Errno;

/// Not by std, which asks with a call that some old kernels use for something else.
pub fn inode(path: &Path) -> Option<Inode> {
    CString::new(path.as_os_str().as_bytes()).ok().and_then(|path| Inode::of(&path).ok())
}

pub fn open(path: &Path, active_low: bool, full: u32, create: bool) -> Result<Line, LineError> {
    let open = |read| OpenOptions::new().read(read).write(true).create(create).mode(0o644).open(path);
    // What may be written but not read is driven without being read back.
    let file = open(true).or_else(|_| open(false)).map_err(|error| io_failed(Step::Open, &error))?;
    Ok(Line::new(file.into_raw_fd(), active_low, full))
}

pub fn io_failed(step: Step, error: &io::Error) -> LineError {
    LineError { step, errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)) }
}
