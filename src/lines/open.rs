//! Opening the file of a line.
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use alarmd_core::codes::LineStep;
use alarmd_core::errno::Errno;
use alarmd_core::file::Inode;
use alarmd_core::output::{Line, LineError};

/// The file's inode, if the file exists. std would call statx, whose number some old kernels use for another call.
pub fn inode(path: &Path) -> Option<Inode> {
    CString::new(path.as_os_str().as_bytes()).ok().and_then(|path| Inode::of(&path).ok())
}

/// Opens the file for reading and writing. One that may only be written is driven, but not read back.
pub fn open(path: &Path, active_low: bool, high_level: u32, create: bool) -> Result<Line, LineError> {
    let try_open = |read| OpenOptions::new().read(read).write(true).create(create).mode(0o644).open(path);
    let file = try_open(true).or_else(|_| try_open(false)).map_err(|error| line_error(LineStep::Open, &error))?;
    Ok(Line::new(file.into_raw_fd(), active_low, high_level))
}

/// The error of a step that std performed.
pub fn line_error(step: LineStep, error: &io::Error) -> LineError {
    LineError { step, errno: Errno::from_raw(error.raw_os_error().unwrap_or(0)) }
}
