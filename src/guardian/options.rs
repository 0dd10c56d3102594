//! The command line of alarmd.
use crate::console::print;
use std::path::PathBuf;

const HELP: &str = "\
alarmd, an alarm annunciator: System V shared memory in, lamps, relays and horns out

usage: alarmd [-c FILE] [--check] [--syslog] [--pidfile FILE]

  -c FILE         configuration (default /etc/alarmd.conf, which need not exist)
  --check         check the configuration, report all errors, and exit
  --syslog        log to the system log instead of stderr
  --pidfile FILE  lock FILE while running, and write the process id to it after the start
  -h, --help      print this text
  -V, --version   print the version

alarmd runs in the foreground. SIGTERM and SIGINT stop it, SIGHUP reloads the configuration.
Exit: 0 done, 1 failed, 2 usage. See also alarmctl --help.
";

/// The options.
#[derive(Default)]
pub struct Options {
    /// The configuration, if it is named.
    pub file: Option<PathBuf>,
    /// Check the configuration and exit.
    pub check: bool,
    /// Log to the system log.
    pub syslog: bool,
    /// The pidfile.
    pub pidfile: Option<PathBuf>,
}

impl Options {
    /// Reads the command line. `None` after `--help` or `--version`, which this function answers.
    pub fn from_command_line() -> Result<Option<Options>, lexopt::Error> {
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
                    print(HELP);
                    return Ok(None);
                }
                Short('V') | Long("version") => {
                    print(concat!("alarmd ", env!("CARGO_PKG_VERSION"), "\n"));
                    return Ok(None);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
