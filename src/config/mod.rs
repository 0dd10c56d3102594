//! The configuration: an INI file, read whole, every error told at once with its line.
//!
//! What can bite: a half-read configuration that leaves a relay undriven. So nothing is guessed: unknown sections and
//! keys, doubled names, bad numbers and two outputs on one line are errors, each with what would be right.
mod accounts;
mod interpret;
mod text;

use std::ffi::CString;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use alarmd::alarm::{ModuleId, Name};
use alarmd::file::Inode;
use alarmd::settings::{ModuleSettings, Settings};

/// Where the configuration is looked for without `-c`.
pub const DEFAULT_FILE: &str = "/etc/alarmd.conf";

/// The modules of the original trio, watched where no module is configured.
const DEFAULT_MODULES: [(&str, u32); 2] = [("sdhmgt", 31), ("alarm", 32)];

/// Something wrong, or doubtful, in a line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1 on; 0 for the file as a whole.
    pub line: u32,
    /// What was found and what would be right.
    pub text: String,
}

/// Why there are no settings: everything that is wrong with the file.
#[derive(Debug)]
pub struct Refused {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl Refused {
    /// One message an error.
    pub fn messages(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().map(|problem| message(&self.file, problem))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, message) in self.messages().enumerate() {
            write!(f, "{}{message}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

fn message(file: &Path, problem: &Problem) -> String {
    match problem.line {
        0 => format!("{}: {}", file.display(), problem.text),
        line => format!("{}:{line}: {}", file.display(), problem.text),
    }
}

/// Settings, and what is allowed but doubtful in the file they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings. On the heap: they are 30 KB, and what is handed up by value is left behind on the stack of every caller.
    pub settings: Box<Settings>,
    /// One message a doubt.
    pub doubts: Vec<String>,
}

/// Reads the file; without one named, [`DEFAULT_FILE`], which need not exist.
///
/// # Errors
/// Everything that is wrong.
pub fn load(file: Option<&Path>) -> Result<Loaded, Refused> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let refused = |problems| Refused { file: path.to_path_buf(), problems };
    let bytes = match read(path) {
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let text = format!("{error}; name a file that can be read with -c FILE");
            return Err(refused(vec![Problem { line: 0, text }]));
        }
        Ok(bytes) => bytes,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let text = "not UTF-8; save the file as UTF-8".to_owned();
        refused(vec![Problem { line: line as u32 + 1, text }])
    })?;
    let (settings, doubts) = parse(&text).map_err(refused)?;
    Ok(Loaded { settings, doubts: doubts.iter().map(|doubt| message(path, doubt)).collect() })
}

/// The whole file. Through `take`, because a bare `File` asks for its size with a newer call first. Who reads it watches
/// over relays, and must not wait: not for the other end of a pipe.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let inode = CString::new(path.as_os_str().as_bytes()).ok().and_then(|path| Inode::of(&path).ok());
    if inode.is_some_and(|inode| inode.is_pipe()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a pipe"));
    }
    let mut bytes = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    file.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The settings in a text, and the doubts.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(text: &str) -> Result<(Box<Settings>, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let sections = text::sections(text, &mut problems);
    let (mut settings, doubts) = interpret::settings(&sections, &mut problems);
    if settings.modules.is_empty() {
        for (name, id) in DEFAULT_MODULES {
            let (Some(name), Some(id)) = (Name::new(name), ModuleId::new(id)) else { continue };
            // There is room: nothing else is in it.
            let _ = settings.modules.push(ModuleSettings::new(name, id));
        }
    }
    if problems.is_empty() {
        Ok((settings, doubts))
    } else {
        problems.sort_unstable_by_key(|problem| problem.line);
        Err(problems)
    }
}

#[cfg(test)]
mod tests;
