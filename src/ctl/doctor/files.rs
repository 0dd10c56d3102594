//! Questions about files that open no device: opening a watchdog would start it.
use std::ffi::CString;
use std::fs::File;
use std::io::Read;

/// True if the path exists.
pub fn exists(path: &str) -> bool {
    access(path, libc::F_OK)
}

/// True if this user may write to the file.
pub fn is_writable(path: &str) -> bool {
    access(path, libc::W_OK)
}

fn access(path: &str, mode: libc::c_int) -> bool {
    let path = CString::new(path).unwrap_or_default();
    // SAFETY: the path ends with a zero byte.
    unsafe { libc::access(path.as_ptr(), mode) == 0 }
}

/// The contents of a small file of the kernel, without white space at the ends; `None` if it cannot be read.
pub fn text(path: &str) -> Option<String> {
    let mut text = String::new();
    // Through `take`: for a plain `File`, std first asks for the size with a newer system call.
    File::open(path).ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}
