//! Log lines on stderr through env_logger, or in the system log. No line costs an allocation after the first.
//!
//! What can bite: a reader of stderr that does not read. A line that would block is dropped and counted: a relay must
//! not wait for a log.
use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd::clock;
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::utc::Utc;

/// A line and the zero byte that the C library wants. Longer ones are cut off.
type Line = heapless::String<1536>;

/// The target of the record that makes env_logger allocate what it needs for this thread.
const WARM_UP: &str = "warm-up";

/// Sets the logger. `RUST_LOG` chooses the level as env_logger has it; the default is `info`.
///
/// # Errors
/// A logger is set already.
pub fn init(syslog: bool) -> Result<(), log::SetLoggerError> {
    if syslog {
        // SAFETY: the name is a literal, which the C library keeps; the constants are its own.
        unsafe { libc::openlog(c"alarmd".as_ptr(), libc::LOG_PID | libc::LOG_NDELAY, libc::LOG_DAEMON) };
        log::set_logger(&Syslog)?;
        log::set_max_level(LevelFilter::Info);
        if !syslog_takes_lines() {
            eprintln!("alarmd: nobody reads /dev/log; lines are lost until somebody does");
        }
    } else {
        env_logger::Builder::new()
            .filter_level(LevelFilter::Info)
            .parse_default_env()
            .filter_module(WARM_UP, LevelFilter::Error)
            // Past env_logger's buffer, which would grow with the longest line.
            .format(|_, record| stderr(record))
            .try_init()?;
        log::error!(target: WARM_UP, "");
    }
    Ok(())
}

/// How many lines were dropped since the last that was written.
static DROPPED: AtomicU32 = AtomicU32::new(0);

fn stderr(record: &Record<'_>) -> io::Result<()> {
    if record.target() == WARM_UP {
        return Ok(());
    }
    if !is_writable(libc::STDERR_FILENO) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    let mut line = Line::new();
    let level = word(record.level());
    match DROPPED.swap(0, Ordering::Relaxed) {
        0 => {}
        dropped => {
            let _ = writeln!(line, "{} alarmd: warning: {dropped} log lines were dropped", Utc(clock::wall()));
        }
    }
    let _ = write!(line, "{} alarmd: {level}: {}", Utc(clock::wall()), record.args());
    line.truncate(line.floor(line.capacity() - 1));
    let _ = line.push('\n');
    // One write a line: lines of several processes on one stderr do not mix.
    io::stderr().lock().write_all(line.as_bytes())
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

/// The C library's syslog waits where the reader does not read, and cannot be asked: a socket of our own can.
fn syslog_takes_lines() -> bool {
    let connected = UnixDatagram::unbound().and_then(|socket| socket.connect("/dev/log").map(|()| socket));
    connected.is_ok_and(|socket| is_writable(socket.as_raw_fd()))
}

struct Syslog;

impl Log for Syslog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let priority = match record.level() {
            Level::Error => libc::LOG_ERR,
            Level::Warn => libc::LOG_WARNING,
            Level::Info => libc::LOG_INFO,
            Level::Debug | Level::Trace => libc::LOG_DEBUG,
        };
        if !syslog_takes_lines() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut line = Line::new();
        match DROPPED.swap(0, Ordering::Relaxed) {
            0 => {}
            dropped => {
                let _ = write!(line, "({dropped} lines were dropped before this one) ");
            }
        }
        let _ = write!(line, "{}", record.args());
        line.truncate(line.floor(line.capacity() - 1));
        let _ = line.push('\0');
        if let Ok(line) = CStr::from_bytes_until_nul(line.as_bytes()) {
            // SAFETY: format and argument are C strings that live through the call.
            unsafe { libc::syslog(priority, c"%s".as_ptr(), line.as_ptr()) };
        }
    }

    fn flush(&self) {}
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
