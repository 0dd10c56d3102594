//! What guardian and worker tell each other, in memory that only the two of them have: that rounds are made, and which lines
//! must show an alarm when no more are.
use std::io;
use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd::alarm::Name;
use alarmd::limits::OUTPUTS;
use alarmd::settings::{Kind, OnStop, OutputSettings, Path, Target};
use alarmd::sysv::{Words, words};
use alarmd::wire::{NO_GPIO, Sequence, pack_text, unpack_text};

/// How far the worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It sets up: lines may take their time.
    Starting = 0,
    /// It makes rounds.
    Working = 1,
}

/// The shared memory. All zeros at the start.
#[repr(C)]
pub struct Heart {
    rounds: AtomicU32,
    state: AtomicU32,
    restarts: AtomicU32,
    cause: AtomicU32,
    /// How many times a worker has gone over to a configuration that was read again.
    reloads: AtomicU32,
    /// Goes up when a line was set up anew: descriptors from before may be dead.
    renewed: AtomicU32,
    sequence: AtomicU32,
    writer: AtomicU32,
    count: AtomicU32,
    lines: [LineEntry; LINES],
}

/// While a configuration is read again: the old lines and the new ones.
const LINES: usize = 2 * OUTPUTS;

/// A fail-safe output's line.
#[repr(C)]
struct LineEntry {
    gpio: AtomicU32,
    active_low: AtomicU32,
    path: [AtomicU32; 64],
}

// SAFETY: `repr(C)`, and nothing but `AtomicU32`.
unsafe impl Words<AtomicU32> for LineEntry {}

impl Heart {
    /// Memory that this process and those it forks share; it stays mapped to their end.
    ///
    /// # Errors
    /// ENOMEM
    pub fn share() -> io::Result<&'static Heart> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), size_of::<Heart>(), protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is page-aligned, large enough, zeroed, never unmapped, and `Heart` is atomic words only.
        Ok(unsafe { &*base.cast::<Heart>() })
    }

    /// How far the worker is.
    pub fn state(&self) -> State {
        if self.state.load(Ordering::Acquire) == 1 { State::Working } else { State::Starting }
    }

    /// The worker, or the guardian before there is one, says how far it is.
    pub fn set_state(&self, state: State) {
        self.state.store(state as u32, Ordering::Release);
    }

    /// Another number after each completed turn of the loop.
    pub fn rounds(&self) -> &AtomicU32 {
        &self.rounds
    }

    /// That number.
    pub fn round(&self) -> u32 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// The worker has gone over to a configuration that was read again.
    pub fn note_reload(&self) {
        self.reloads.fetch_add(1, Ordering::Release);
    }

    /// How many times that was so.
    pub fn reloads(&self) -> u32 {
        self.reloads.load(Ordering::Acquire)
    }

    /// Goes up when a line was set up anew.
    pub fn renewed(&self) -> &AtomicU32 {
        &self.renewed
    }

    /// How many workers were started before this one.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// What the last of them died of: a signal, or 0 where it hung.
    pub fn cause(&self) -> u32 {
        self.cause.load(Ordering::Relaxed)
    }

    /// Another worker is about to start, for the last one died of this.
    pub fn note_restart(&self, cause: u32) {
        self.cause.store(cause, Ordering::Relaxed);
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Lays down which lines the fail-safe ones of these outputs have.
    pub fn lay<'a>(&self, outputs: impl IntoIterator<Item = &'a OutputSettings>) {
        // There is one worker at a time; one that was killed in here left the sequence odd, and leaving makes it even.
        let writer = AtomicU32::new(0);
        let Ok(_inside) = Sequence::new(&self.sequence, &writer).enter(1, |_| true) else { return };
        let fail_safe = outputs.into_iter().filter(|output| output.fail_safe);
        let mut count = 0;
        for (output, entry) in fail_safe.zip(&self.lines) {
            let (gpio, path) = match &output.target {
                Target::Gpio(number) => (*number, [0; 64]),
                Target::Path(path) => (NO_GPIO, pack_text(path.as_str())),
            };
            let from = [gpio, output.active_low.into()].into_iter().chain(path);
            words(entry).iter().zip(from).for_each(|(to, word)| to.store(word, Ordering::Relaxed));
            count += 1;
        }
        self.count.store(count, Ordering::Relaxed);
    }

    /// What changes when [`Heart::lines`] would give other lines, or they must be opened again.
    pub fn version(&self) -> (u32, u32) {
        (self.sequence.load(Ordering::Acquire), self.renewed.load(Ordering::Acquire))
    }

    /// The lines that were laid down, as outputs; `None` while they are being laid, and for ever if the worker died in it.
    pub fn lines(&self) -> Option<Vec<OutputSettings>> {
        let mut found = Vec::new();
        let writer = AtomicU32::new(0);
        let whole = Sequence::new(&self.sequence, &writer).read(|| {
            let count = LINES.min(self.count.load(Ordering::Relaxed) as usize);
            found = self.lines[..count].iter().filter_map(LineEntry::output).collect();
        });
        whole.then_some(found)
    }
}

impl LineEntry {
    fn output(&self) -> Option<OutputSettings> {
        let target = match self.gpio.load(Ordering::Relaxed) {
            NO_GPIO => {
                let path = self.path.each_ref().map(|word| word.load(Ordering::Relaxed));
                Target::Path(Path::new(unpack_text(&path, &mut [0; 256]))?)
            }
            number => Target::Gpio(number),
        };
        Some(OutputSettings {
            kind: Kind::Relay,
            name: Name::new("fail-safe")?,
            target,
            active_low: self.active_low.load(Ordering::Relaxed) != 0,
            fail_safe: true,
            sequence: Default::default(),
            on_stop: OnStop::Alarm,
            severity: None,
            modules: heapless::Vec::new(),
        })
    }
}
