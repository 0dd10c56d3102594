//! Log lines on stderr through env_logger, or in the system log. No line costs an allocation after the first.
//!
//! What can bite: a reader of stderr that does not read. A line that would block is dropped and counted: a relay must
//! not wait for a log.
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd::{clock, process};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::utc::Utc;

/// A line. Longer ones are cut off.
type Line = heapless::String<1536>;

/// The target of the record that makes env_logger allocate what it needs for this thread.
const WARM_UP: &str = "warm-up";

/// Sets the logger. `RUST_LOG` chooses the level as env_logger has it; the default is `info`.
///
/// # Errors
/// A logger is set already.
pub fn init(syslog: bool) -> Result<(), log::SetLoggerError> {
    if syslog {
        log::set_logger(&Syslog)?;
        log::set_max_level(LevelFilter::Info);
        if !Syslog::is_heard() {
            let _ = writeln!(io::stderr(), "alarmd: nobody reads /dev/log; lines are lost until somebody does");
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

/// The system log, in the words of [RFC 3164] without its time, which the reader adds. Not through the C library: its
/// `syslog` waits where the reader does not read, and asks for the time with a call that old kernels lack.
///
/// [RFC 3164]: https://www.rfc-editor.org/rfc/rfc3164
struct Syslog;

impl Syslog {
    /// Sends a datagram, if somebody takes it at once. A socket a line: the reader may have been started anew.
    fn send(line: &str) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(line.as_bytes(), "/dev/log").map(|_| ())
    }

    /// True if somebody listens.
    fn is_heard() -> bool {
        UnixDatagram::unbound().and_then(|socket| socket.connect("/dev/log")).is_ok()
    }
}

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
        let mut line = Line::new();
        let _ = write!(line, "<{}>alarmd[{}]: ", libc::LOG_DAEMON | priority, process::me());
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let _ = write!(line, "({dropped} lines were dropped before this one) ");
        }
        let _ = write!(line, "{}", record.args());
        if Syslog::send(&line).is_err() {
            DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
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
