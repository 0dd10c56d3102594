//! An errno is a number; the names here are those we speak about.
use core::ffi::CStr;
use core::fmt;

/// An error number of the kernel, known or unknown ([errno(3)]).
///
/// [errno(3)]: https://man7.org/linux/man-pages/man3/errno.3.html
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

macro_rules! names {
    ($($name:ident)*) => {
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Errno = Errno(libc::$name);)*

            fn name(self) -> Option<&'static str> {
                match self.0 {
                    $(libc::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

names! { E2BIG EACCES EAGAIN EBADF EBUSY EEXIST EFAULT EIDRM EINTR EINVAL EIO ENODEV ENOENT ENOMEM ENOSPC ENOSYS ENOTDIR EPERM EROFS
ESPIPE ESRCH ETIMEDOUT }

impl Errno {
    /// The calling thread's errno.
    pub fn last() -> Errno {
        // SAFETY: the C library gives every thread its own errno at a valid address.
        Errno(unsafe { *libc::__errno_location() })
    }

    /// Any number the kernel may give.
    pub const fn from_raw(number: i32) -> Errno {
        Errno(number)
    }

    /// The number.
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errno {
    /// `No such file or directory (ENOENT)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0u8; 96];
        // SAFETY: the buffer is ours and its length goes with it; strerror_r leaves room for the end.
        unsafe { libc::strerror_r(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
        let text = CStr::from_bytes_until_nul(&buffer).ok().and_then(|text| text.to_str().ok());
        f.write_str(text.unwrap_or("unknown error"))?;
        match self.name() {
            Some(name) => write!(f, " ({name})"),
            None => write!(f, " ({})", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn known_and_unknown_error_numbers_have_a_text() {
        assert_eq!(format!("{}", Errno::EIDRM), "Identifier removed (EIDRM)");
        assert_eq!(format!("{:?}", Errno::from_raw(libc::ENOSPC)), "ENOSPC");
        assert!(format!("{}", Errno::from_raw(4095)).ends_with("(4095)"));
    }
}
