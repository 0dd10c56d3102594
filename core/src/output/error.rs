//! What failed about a line, as (step, errno), and the words for it.
use core::fmt;

use crate::codes::Step;
use crate::errno::Errno;
use crate::settings::Target;

/// A line that cannot be set up or driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineError {
    /// Which step.
    pub step: Step,
    /// What the kernel said.
    pub errno: Errno,
}

impl LineError {
    /// The error with the line's name, as a person reads it.
    pub fn of(self, target: &Target) -> Explained<'_> {
        Explained { error: self, target }
    }

    fn meaning(self, target: &Target) -> &'static str {
        match (target, self.step, self.errno) {
            (Target::Gpio(_), Step::Export, Errno::EBUSY) => {
                "the kernel holds this line; if it is an LED, name its brightness file under /sys/class/leds as path \
                 instead; /sys/kernel/debug/gpio tells who holds it"
            }
            (Target::Gpio(_), Step::Export, Errno::EINVAL) => {
                "there is no such line; /sys/class/gpio/gpiochip*/base and ngpio tell which there are"
            }
            (Target::Gpio(_), Step::Export, Errno::ENOENT) => {
                "the kernel has no /sys/class/gpio; build it with CONFIG_GPIO_SYSFS and mount sysfs"
            }
            (Target::Gpio(_), _, Errno::EPERM) => "the line is an input, or the driver cannot change it",
            (Target::Gpio(_), _, Errno::ENODEV | Errno::ENOENT) => "somebody unexported the line",
            (_, _, Errno::EACCES) => "the daemon's user may not write this file; give it to the user or its group",
            (_, _, Errno::EROFS) => "the file system is mounted read-only",
            (Target::Path(_), Step::Read, Errno::ENOENT) => "somebody deleted the file",
            (Target::Path(_), Step::Read, Errno::EIO) => "somebody emptied the file, or wrote no number into it",
            (Target::Path(_), _, Errno::ENOENT) => "there is no such folder or device",
            (Target::Path(_), _, Errno::ESPIPE) => "a pipe cannot be an output; name a file",
            _ => "",
        }
    }
}

/// A [`LineError`] with the line's name. Made by [`LineError::of`].
pub struct Explained<'a> {
    error: LineError,
    target: &'a Target,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Gpio(number) => write!(f, "gpio {number}: ")?,
            Target::Path(path) => write!(f, "{}: ", path.as_str())?,
        }
        write!(f, "{}: {}", self.error.step.word(), self.error.errno)?;
        match self.error.meaning(self.target) {
            "" => Ok(()),
            meaning => write!(f, ": {meaning}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_line_the_kernel_holds_points_to_the_leds() {
        let error = LineError { step: Step::Export, errno: Errno::EBUSY };
        let words = error.of(&Target::Gpio(2043)).to_string();
        assert!(words.starts_with("gpio 2043: export: ") && words.contains(" (EBUSY)"), "{words}");
        assert!(words.contains("/sys/class/leds"), "{words}");
    }

    #[test]
    fn an_absent_line_says_where_lines_are_listed() {
        let error = LineError { step: Step::Export, errno: Errno::EINVAL };
        assert!(error.of(&Target::Gpio(9999)).to_string().contains("gpiochip"));
    }
}
