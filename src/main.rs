//! One executable with two names: `alarmd`, the daemon, and `alarmctl`, its tool. Flash is small.
mod ctl;
mod daemon;
mod utc;

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit code: failed, with the reason on stderr.
const FAILED: u8 = 1;
/// Exit code: the command line is wrong.
const USAGE: u8 = 2;

/// A line on stderr. One that cannot be written there is lost, where `eprintln!` would panic: a full disk under a log keeps
/// no annunciator off.
macro_rules! complain {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}
pub(crate) use complain;

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "alarmctl") { ctl::main() } else { daemon::main() }
}

/// A number as people write it, in decimal or with 0x.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    digits.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
}

/// Prints to stdout. A reader who has seen enough and left is no error.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_decimal_or_0x_and_fit_a_word() {
        assert_eq!(number("31"), Some(31));
        assert_eq!(number("0x1F"), Some(31));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for bad in ["", "0x", "4294967296", "+1", "-1", "1f", "0x1g", " 1"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }
}
