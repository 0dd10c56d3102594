//! The status block, the writing end. Whoever writes it is the one daemon of this IPC namespace.
use core::array;
use core::sync::atomic::{AtomicU32, Ordering};

use log::warn;

use super::StartError;
use crate::alarm::{Alarm, Transition};
use crate::clock::{self, Time};
use crate::monitor::{Monitor, State};
use crate::output::{Order, Output};
use crate::process::{self, Mark};
use crate::settings::{ModuleSettings, OutputSettings, Target};
use crate::sysv::{Error, Key, Segment, Words, words};
use crate::wire::{
    ALARMS, AlarmEntry, EVENTS, EventEntry, ModuleEntry, NO_GPIO, OutputEntry, STATUS_MAGIC, STATUS_VERSION,
    SegmentEntry, Sequence, StatusBlock, pack_text,
};

/// What is published.
pub struct View<'a> {
    pub poll_ms: u32,
    pub rounds: u32,
    pub now: Time,
    pub modules: &'a [ModuleSettings],
    pub monitors: &'a [Monitor],
    pub outputs: &'a [OutputSettings],
    pub lines: &'a [Output],
    pub shows: &'a dyn Fn(usize) -> bool,
    pub transitions: &'a [Transition],
}

/// The attached status block, which is ours.
pub struct Publisher {
    segment: Segment,
}

impl Publisher {
    /// Takes the status block, unless a living daemon has it. Its events are kept if it has our layout.
    ///
    /// # Errors
    /// [`StartError::Runs`], or why the block could not be made.
    pub fn claim() -> Result<Publisher, StartError> {
        let publisher = Publisher { segment: open().map_err(StartError::Status)? };
        let block = publisher.block();
        let me = Mark::me().word();
        let mut holder = block.daemon.load(Ordering::Relaxed);
        loop {
            let mark = Mark::from_word(holder);
            if holder != me && mark.is_alive() {
                return Err(StartError::Runs(mark.pid()));
            }
            match block.daemon.compare_exchange(holder, me, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => holder = other,
            }
        }
        publisher.segment.set_permissions(0o644, None).map_err(StartError::Status)?;
        publisher.write(|block| {
            if !block.is_ours() {
                block.event_count.store(0, Ordering::Relaxed);
            }
            block.started_at.store(clock::wall(), Ordering::Relaxed);
            block.version.store(STATUS_VERSION, Ordering::Relaxed);
            block.size.store(StatusBlock::SIZE as u32, Ordering::Relaxed);
            block.magic.store(STATUS_MAGIC, Ordering::Relaxed);
        });
        Ok(publisher)
    }

    /// If somebody removed the block, makes it again with all that was in it.
    ///
    /// # Errors
    /// [`StartError::Runs`]: another daemon has taken its place. Else why it could not be made; the old one serves on.
    pub fn check(&mut self) -> Result<(), StartError> {
        if Segment::find(Key::STATUS).is_ok_and(|id| id == self.segment.id()) {
            return Ok(());
        }
        let fresh = Publisher::claim()?;
        warn!("the status block was removed; made segment {} under key {}", fresh.segment.id().raw(), Key::STATUS);
        fresh.write(|block| {
            // The sequence is under way in the new block; all else is as it was.
            let sequence = block.sequence.load(Ordering::Relaxed);
            copy(block, |word| words::<AtomicU32, _>(self.block())[word].load(Ordering::Relaxed));
            block.sequence.store(sequence, Ordering::Relaxed);
        });
        *self = fresh;
        Ok(())
    }

    /// Writes everything.
    pub fn publish(&self, view: &View<'_>) {
        self.write(|block| {
            let put = |word: &AtomicU32, value: usize| word.store(value as u32, Ordering::Relaxed);
            put(&block.checked_ms, view.now.millis() as usize);
            put(&block.rounds, view.rounds as usize);
            put(&block.poll_ms, view.poll_ms as usize);
            let at = clock::wall();
            for transition in view.transitions {
                let count = block.event_count.load(Ordering::Relaxed);
                let event = EventEntry { at, what: transition.number(), alarm: alarm_entry(transition.alarm()) };
                store(&block.events[count as usize % EVENTS], &event);
                block.event_count.store(count.wrapping_add(1), Ordering::Relaxed);
            }
            let mut count = 0;
            let mut add = |alarm: Alarm| {
                if count < ALARMS {
                    store(&block.alarms[count], &alarm_entry(&alarm));
                    count += 1;
                }
            };
            let mut active = [0u32; crate::wire::MODULES];
            for (monitor, entry) in view.monitors.iter().zip(&block.segments) {
                store(entry, &segment_entry(monitor));
                monitor.each_active(&view.modules[monitor.module], &mut |alarm| {
                    active[monitor.module] += u32::from(alarm.module != 0);
                    add(alarm);
                });
            }
            for (number, (settings, line)) in view.outputs.iter().zip(view.lines).enumerate() {
                let order = Order { number, settings, alarm: (view.shows)(number), now: view.now };
                store(&block.outputs[number], &output_entry(&order, line));
                line.failure().map(|_| order.failed()).into_iter().for_each(&mut add);
            }
            for ((settings, active), entry) in view.modules.iter().zip(active).zip(&block.modules) {
                let name = pack_text(settings.name.as_str());
                store(entry, &ModuleEntry { id: settings.id.get(), active, spare: [0; 6], name });
            }
            put(&block.alarm_count, count);
            put(&block.module_count, view.modules.len());
            put(&block.segment_count, view.monitors.len());
            put(&block.output_count, view.outputs.len());
        });
    }

    /// Says that no daemon runs any more.
    pub fn leave(&self) {
        self.write(|block| block.daemon.store(0, Ordering::Relaxed));
    }

    fn block(&self) -> &StatusBlock {
        // It was attached read-write at its full size.
        self.segment.view().expect("the status block is attached whole")
    }

    fn write(&self, act: impl FnOnce(&StatusBlock)) {
        let block = self.block();
        // There is one writer, so who it is need not stand in shared memory. A daemon killed in here left the sequence
        // odd; leaving makes it even.
        let writer = AtomicU32::new(0);
        if let Ok(_inside) = Sequence::new(&block.sequence, &writer).enter(1, |_| true) {
            act(block);
        }
    }
}

/// A segment under our key that is too small, or another user's, is replaced: what stands in it is told as the daemon's word.
fn open() -> Result<Segment, Error> {
    let open = || Segment::open_or_create(Key::STATUS, StatusBlock::SIZE, 0o644).map(|(segment, _)| segment);
    match Segment::find(Key::STATUS).and_then(|id| id.stat().map(|stat| (id, stat))) {
        Ok((id, stat)) if stat.size < StatusBlock::SIZE || [stat.uid, stat.creator] != [process::user(); 2] => {
            warn!("status block: segment {} of user {} is not ours; replaced", id.raw(), stat.uid);
            id.remove()?;
            open()
        }
        _ => open(),
    }
}

fn copy<T: Words<AtomicU32>>(to: &T, from: impl Fn(usize) -> u32) {
    for (index, word) in words(to).iter().enumerate() {
        word.store(from(index), Ordering::Relaxed);
    }
}

fn store<T: Words<AtomicU32>, F: Words<u32>>(to: &T, from: &F) {
    let from = words(from);
    copy(to, |word| from[word]);
}

fn alarm_entry(alarm: &Alarm) -> AlarmEntry<u32> {
    AlarmEntry {
        module: alarm.module,
        origin: alarm.origin.number(),
        kind: alarm.id.kind,
        code: alarm.id.code,
        index: alarm.id.index,
        level: alarm.level,
        severity: alarm.severity as u32,
        raised_at: alarm.raised_at,
        count: alarm.count,
    }
}

fn segment_entry(monitor: &Monitor) -> SegmentEntry<u32> {
    let stat = monitor.stat();
    SegmentEntry {
        module: monitor.module as u32,
        role: monitor.role() as u32,
        key: monitor.key().map_or(0, Key::number),
        shmid: monitor.id().map_or(u32::MAX, |id| id.raw() as u32),
        state: monitor.state() as u32,
        errno: monitor.errno().map_or(0, |errno| errno.raw() as u32),
        producers: if monitor.state() == State::Refused { 0 } else { monitor.producers() },
        uid: stat.map_or(0, |stat| stat.uid),
        owner: monitor.owner(),
        size: stat.map_or(0, |stat| stat.size as u32),
    }
}

fn output_entry(order: &Order<'_>, line: &Output) -> OutputEntry<u32> {
    let settings = order.settings;
    let (gpio, path) = match &settings.target {
        Target::Gpio(number) => (*number, array::from_fn(|_| 0)),
        Target::Path(path) => (NO_GPIO, pack_text(path.as_str())),
    };
    OutputEntry {
        kind: settings.kind as u32,
        gpio,
        active_low: settings.active_low.into(),
        alarm: order.alarm.into(),
        energised: line.is_energised().into(),
        failed: line.failure().is_some().into(),
        errno: line.failure().map_or(0, |failure| failure.errno.raw() as u32),
        writes: line.writes(),
        name: pack_text(settings.name.as_str()),
        path,
    }
}
