//! What the command line says.
use std::path::PathBuf;

/// The options of alarmd.
#[derive(Default)]
pub struct Options {
    pub file: Option<PathBuf>,
    pub check: bool,
    pub syslog: bool,
    pub pidfile: Option<PathBuf>,
}
