//! The file.
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use alarmd::file::Inode;
use alarmd::settings::Settings;

use super::parse::parse;
use super::problem::{Problem, Refused, message};

/// Where the configuration is looked for without `-c`.
pub const DEFAULT_FILE: &str = "/etc/alarmd.conf";

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
