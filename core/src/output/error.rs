//! What failed about a line, as (step, errno), and the words for it.
use core::fmt;

use super::settings::Target;
use crate::codes::LineStep;
use crate::errno::Errno;

/// A line that cannot be set up or driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineError {
    /// Which step.
    pub step: LineStep,
    /// The kernel's errno; 0 where no system call failed.
    pub errno: Errno,
}

impl LineError {
    /// The step failed with the calling thread's errno.
    pub fn last(step: LineStep) -> LineError {
        LineError { step, errno: Errno::last() }
    }

    /// The step failed, and no system call did.
    pub const fn without_errno(step: LineStep) -> LineError {
        LineError { step, errno: Errno::from_raw(0) }
    }

    /// The error with the line's name, as a person reads it.
    pub fn of(self, target: &Target) -> ErrorWithTarget<'_> {
        ErrorWithTarget { error: self, target }
    }

    /// The error with what it means for a GPIO line, or else for a file.
    pub fn explained(self, is_gpio: bool) -> Explained {
        Explained { error: self, is_gpio }
    }

    fn meaning(self, is_gpio: bool) -> &'static str {
        match (is_gpio, self.step, self.errno) {
            (true, LineStep::Export, Errno::EBUSY) => {
                "the kernel uses this line; if it is an LED, name its brightness file under /sys/class/leds as path \
                 instead; /sys/kernel/debug/gpio lists the users of lines"
            }
            (true, LineStep::Export, Errno::EINVAL) => {
                "there is no such line; /sys/class/gpio/gpiochip*/base and ngpio show which lines exist"
            }
            (true, LineStep::Export, Errno::ENOENT) => {
                "the kernel has no /sys/class/gpio; build it with CONFIG_GPIO_SYSFS and mount sysfs"
            }
            (true, _, Errno::EPERM) => "the line is an input, or the driver cannot change it",
            (true, _, Errno::ENODEV | Errno::ENOENT) => "the line was unexported by another process",
            (_, _, Errno::EACCES) => "alarmd's user may not write this file; give the file to that user or its group",
            (_, _, Errno::EROFS) => "the file system is mounted read-only",
            (_, LineStep::Deleted, _) => "another process deleted it; alarmd creates it again",
            (_, LineStep::NotANumber, _) => "another process truncated or overwrote it; alarmd writes it again",
            (false, _, Errno::ENOENT) => "there is no such folder or device",
            (false, _, Errno::ESPIPE) => "a pipe cannot be an output; name a file",
            _ => "",
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errno.raw() {
            0 => write!(f, "{}", self.step),
            _ => write!(f, "{}: {}", self.step, self.errno),
        }
    }
}

/// A [`LineError`] with its meaning. Returned by [`LineError::explained`].
pub struct Explained {
    error: LineError,
    is_gpio: bool,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match self.error.meaning(self.is_gpio) {
            "" => Ok(()),
            meaning => write!(f, ": {meaning}"),
        }
    }
}

/// A [`LineError`] with the line's name. Returned by [`LineError::of`].
pub struct ErrorWithTarget<'a> {
    error: LineError,
    target: &'a Target,
}

impl fmt::Display for ErrorWithTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Gpio(number) => write!(f, "gpio {number}: ")?,
            Target::Path(path) => write!(f, "{}: ", path.as_str())?,
        }
        self.error.explained(matches!(self.target, Target::Gpio(_))).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_error_of_a_line_held_by_the_kernel_names_sys_class_leds() {
        let error = LineError { step: LineStep::Export, errno: Errno::EBUSY };
        let words = error.of(&Target::Gpio(2043)).to_string();
        assert!(words.starts_with("gpio 2043: export: ") && words.contains(" (EBUSY)"), "{words}");
        assert!(words.contains("/sys/class/leds"), "{words}");
    }

    #[test]
    fn the_error_of_a_missing_line_names_where_lines_are_listed() {
        let error = LineError { step: LineStep::Export, errno: Errno::EINVAL };
        assert!(error.of(&Target::Gpio(9999)).to_string().contains("gpiochip"));
    }
}
