//! The system log.
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::Ordering;

use alarmd::process;
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::limit::{DROPPED, is_in_pace};

/// A line. Longer ones are cut off.
type Line = heapless::String<1536>;

pub fn init() -> Result<(), log::SetLoggerError> {
    log::set_logger(&Syslog)?;
    log::set_max_level(LevelFilter::Info);
    if !Syslog::is_heard() {
        let _ = writeln!(io::stderr(), "alarmd: nobody reads /dev/log; lines are lost until somebody does");
    }
    Ok(())
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
        if !is_in_pace(record.level()) {
            return;
        }
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
