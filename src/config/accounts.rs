//! Users and groups by name, as the C library knows them.
use std::ffi::CString;

/// The group's id, from its name or number.
pub fn group(text: &str) -> Option<u32> {
    id(text, |name| {
        // SAFETY: the name ends with a zero byte; the answer is read before anybody asks again (one thread).
        unsafe { libc::getgrnam(name).as_ref().map(|group| group.gr_gid) }
    })
}

/// The user's id, from its name or number.
pub fn user(text: &str) -> Option<u32> {
    id(text, |name| {
        // SAFETY: as for groups.
        unsafe { libc::getpwnam(name).as_ref().map(|user| user.pw_uid) }
    })
}

fn id(text: &str, look_up: impl Fn(*const libc::c_char) -> Option<u32>) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Some(number),
        _ => CString::new(text).ok().and_then(|name| look_up(name.as_ptr())),
    }
}
