//! Stderr.
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicI32, Ordering};

use alarmd::clock;
use alarmd::file::Inode;
use log::{Level, LevelFilter, Record};

use super::limit::{DROPPED, is_in_pace};
use crate::utc::Utc;

/// A line. Longer ones are cut off.
type Line = heapless::String<1536>;

/// The target of the record that makes env_logger allocate what it needs for this thread.
const WARM_UP: &str = "warm-up";

/// Stderr, opened once more; -1 where it cannot be.
static STDERR: AtomicI32 = AtomicI32::new(-1);

pub fn init() -> Result<(), log::SetLoggerError> {
    // A terminal that takes a byte need not take a line: so stderr is opened once more, to be written without waiting. It
    // cannot be set for the one there is, which is others' too. A file never lets wait, and its place in it is shared.
    if Inode::of(c"/proc/self/fd/2").is_ok_and(|inode| !inode.is_plain()) {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        if let Ok(file) = OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/2") {
            STDERR.store(file.into_raw_fd(), Ordering::Relaxed);
        }
    }
    env_logger::Builder::new()
        .filter_level(LevelFilter::Info)
        .parse_default_env()
        .filter_module(WARM_UP, LevelFilter::Error)
        // Past env_logger's buffer, which would grow with the longest line.
        .format(|_, record| stderr(record))
        .try_init()?;
    log::error!(target: WARM_UP, "");
    Ok(())
}

fn stderr(record: &Record<'_>) -> io::Result<()> {
    if record.target() == WARM_UP || !is_in_pace(record.level()) {
        return Ok(());
    }
    let mut line = Line::new();
    let level = word(record.level());
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    if dropped > 0 {
        let _ = writeln!(line, "{} alarmd: warning: {dropped} log lines were dropped", Utc(clock::wall()));
    }
    let _ = write!(line, "{} alarmd: {level}: {}", Utc(clock::wall()), record.args());
    line.truncate(line.floor(line.capacity() - 1));
    let _ = line.push('\n');
    // One write a line: lines of several processes on one stderr do not mix.
    if !write(line.as_bytes()) {
        DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
    }
    Ok(())
}

/// Writes all of it to stderr, if that takes it at once.
fn write(bytes: &[u8]) -> bool {
    let (data, length) = (bytes.as_ptr().cast(), bytes.len());
    let written = match STDERR.load(Ordering::Relaxed) {
        // A socket cannot be opened once more, and need not be.
        // SAFETY: the bytes are ours and their length goes with them.
        -1 => unsafe { libc::send(libc::STDERR_FILENO, data, length, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) },
        // SAFETY: the bytes are ours and their length goes with them.
        stderr => unsafe { libc::write(stderr, data, length) },
    };
    let no_socket = || io::Error::last_os_error().raw_os_error() == Some(libc::ENOTSOCK);
    if written == -1 && no_socket() && is_writable(libc::STDERR_FILENO) {
        return io::stderr().lock().write_all(bytes).is_ok();
    }
    usize::try_from(written) == Ok(length)
}

fn is_writable(fd: libc::c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one `pollfd`, as the count says.
    unsafe { libc::poll(&mut poll, 1, 0) != 0 }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// The largest place at or below `at` where a string may be cut.
trait Floor {
    fn floor(&self, at: usize) -> usize;
}

impl Floor for Line {
    fn floor(&self, at: usize) -> usize {
        (0..=at.min(self.len())).rev().find(|at| self.is_char_boundary(*at)).unwrap_or(0)
    }
}
