//! The system log: datagrams to /dev/log as [RFC 3164] describes them, without the time, which syslogd adds.
//!
//! The C library's `syslog` is not used: it blocks where syslogd does not read, and gets the time by a call that old kernels lack.
//!
//! [RFC 3164]: https://www.rfc-editor.org/rfc/rfc3164
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;

use alarmd_core::process;
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::limit::{self, LogLine};

const SOCKET: &str = "/dev/log";

/// The logger.
struct Syslog;

/// Makes the system log the log.
pub fn init() -> Result<(), log::SetLoggerError> {
    log::set_logger(&Syslog)?;
    log::set_max_level(LevelFilter::Info);
    if UnixDatagram::unbound().and_then(|socket| socket.connect(SOCKET)).is_err() {
        let _ = writeln!(io::stderr(), "alarmd: {SOCKET}: no reader; log lines are dropped until syslogd starts");
    }
    Ok(())
}

/// Sends a datagram, without blocking. Each line has a new socket, because syslogd may have been restarted.
fn send(line: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to(line.as_bytes(), SOCKET).map(|_| ())
}

impl Log for Syslog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !limit::permits(record.level()) {
            return;
        }
        let severity = match record.level() {
            Level::Error => libc::LOG_ERR,
            Level::Warn => libc::LOG_WARNING,
            Level::Info => libc::LOG_INFO,
            Level::Debug | Level::Trace => libc::LOG_DEBUG,
        };
        let mut line = LogLine::new();
        let _ = write!(line, "<{}>alarmd[{}]: ", libc::LOG_DAEMON | severity, process::me());
        let dropped = limit::take_dropped();
        if dropped > 0 {
            let _ = write!(line, "(log: {dropped} lines dropped before this one) ");
        }
        let _ = write!(line, "{}", record.args());
        if send(&line).is_err() {
            limit::add_dropped(dropped + 1);
        }
    }

    fn flush(&self) {}
}
