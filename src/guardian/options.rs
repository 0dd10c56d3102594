//! What the command line says.
use std::path::PathBuf;

const HELP: &str = "\
alarmd, an alarm annunciator: System V shared memory in, lamps, relays and horns out

usage: alarmd [-c FILE] [--check] [--syslog] [--pidfile FILE]

  -c FILE         configuration (default /etc/alarmd.conf, which need not exist)
  --check         read the configuration, tell every error, and exit
  --syslog        log to the system log instead of stderr
  --pidfile FILE  lock FILE while running; the process id stands there once the daemon works
  -h, --help      this text
  -V, --version   the version

It runs in the foreground. SIGTERM and SIGINT end it in order, SIGHUP reads the configuration again.
Exit: 0 done, 1 failed, 2 usage. See also alarmctl --help.
";

/// The options of alarmd.
#[derive(Default)]
pub struct Options {
    pub file: Option<PathBuf>,
    pub check: bool,
    pub syslog: bool,
    pub pidfile: Option<PathBuf>,
}

/// `None` if the question was answered.
pub fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::Arg::{Long, Short};
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('c') | Long("config") => options.file = Some(parser.value()?.into()),
            Long("check") => options.check = true,
            Long("syslog") => options.syslog = true,
            Long("pidfile") => options.pidfile = Some(parser.value()?.into()),
            Short('h') | Long("help") => {
                crate::print(HELP);
                return Ok(None);
            }
            Short('V') | Long("version") => {
                crate::print(concat!("alarmd ", env!("CARGO_PKG_VERSION"), "\n"));
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}
