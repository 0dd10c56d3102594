//! Log lines on stderr through env_logger, or in the system log. No line costs an allocation after the first.
//!
//! What can bite: a reader of stderr that does not read, and somebody who raises and clears alarms without end. A line that would
//! block is dropped and counted, for a relay must not wait for a log; so are lines beyond the pace, for a flash must not fill up.
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use alarmd::file::Inode;
use alarmd::pace::Pace;
use alarmd::{clock, process};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::utc::Utc;

/// A line. Longer ones are cut off.
type Line = heapless::String<1536>;

/// The target of the record that makes env_logger allocate what it needs for this thread.
const WARM_UP: &str = "warm-up";

/// Sets the logger: so many lines, and no more. `RUST_LOG` chooses the level as env_logger has it; the default is `info`.
///
/// # Errors
/// A logger is set already.
pub fn init(syslog: bool, pace: Pace) -> Result<(), log::SetLoggerError> {
    if let Ok(mut place) = PACE.lock() {
        *place = Some(pace);
    }
    if syslog {
        log::set_logger(&Syslog)?;
        log::set_max_level(LevelFilter::Info);
        if !Syslog::is_heard() {
            let _ = writeln!(io::stderr(), "alarmd: nobody reads /dev/log; lines are lost until somebody does");
        }
    } else {
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
    }
    Ok(())
}

/// How many lines were dropped since the last that was written.
static DROPPED: AtomicU32 = AtomicU32::new(0);

static PACE: Mutex<Option<Pace>> = Mutex::new(None);

/// Errors have a pace of their own: no flood of alarms hides that a line cannot be driven.
static ERRORS: Mutex<Option<Pace>> = Mutex::new(Some(Pace::new(100, 1)));

/// Stderr, opened once more; -1 where it cannot be.
static STDERR: AtomicI32 = AtomicI32::new(-1);

/// True if another line may be written now; else it is counted.
fn is_in_pace(level: Level) -> bool {
    let now = clock::now();
    let pace = if level == Level::Error { &ERRORS } else { &PACE };
    let mut pace = pace.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(pace) = pace.as_mut() else { return true };
    let in_pace = pace.wait(now) == 0;
    if in_pace {
        pace.count(now);
    } else {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
    in_pace
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

/// The largest place at or below `at` where a string may be cut.
trait Floor {
    fn floor(&self, at: usize) -> usize;
}

impl Floor for Line {
    fn floor(&self, at: usize) -> usize {
        (0..=at.min(self.len())).rev().find(|at| self.is_char_boundary(*at)).unwrap_or(0)
    }
}
