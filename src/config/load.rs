//! Loading the file.
use std::io;
use std::path::Path;

use super::parse::parse;
use super::problem::{ConfigError, Problem};
use super::read::read;
use super::settings::Settings;

/// The configuration that is used without `-c`.
pub const DEFAULT_FILE: &str = "/etc/alarmd.conf";

/// The settings, and the warnings about the file.
#[derive(Debug)]
pub struct Loaded {
    /// The settings. They are boxed: returning 30 KB by value would leave a copy on the stack of each caller.
    pub settings: Box<Settings>,
    /// The warnings. Each begins with the file's name.
    pub warnings: Vec<String>,
}

/// Loads this file, or [`DEFAULT_FILE`], which need not exist.
///
/// # Errors
/// All errors of the file.
pub fn load(file: Option<&Path>) -> Result<Loaded, ConfigError> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let refuse = |problems| ConfigError { file: path.to_path_buf(), problems };
    let bytes = match read(path) {
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let text = format!("{error}; name a readable file with -c FILE");
            return Err(refuse(vec![Problem { line: 0, text }]));
        }
        Ok(bytes) => bytes,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let text = "invalid UTF-8; save the file as UTF-8".to_owned();
        refuse(vec![Problem { line: line as u32 + 1, text }])
    })?;
    let (settings, warnings) = parse(&text).map_err(refuse)?;
    Ok(Loaded { settings, warnings: warnings.iter().map(|warning| warning.message(path)).collect() })
}
