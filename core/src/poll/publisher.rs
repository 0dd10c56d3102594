//! The status block, the writing end. Whoever writes it is the one daemon of this IPC namespace.
use core::array;
use core::sync::atomic::{AtomicU32, Ordering};

use log::warn;

use super::StartError;
use super::own::Owns;
use crate::alarm::{Alarm, Transition};
use crate::annunciator::{Annunciator, Shows};
use crate::clock::{self, MS, Nanos, S, Time};
use crate::limits::{ALARMS, EVENT_PLACES};
use crate::monitor::{Monitor, State};
use crate::output::{Order, Output};
use crate::process::{self, Mark};
use crate::settings::{ModuleSettings, OutputSettings, Target};
use crate::sysv::{Access, Key, Segment, Words, words};
use crate::wire::{
    AlarmEntry, EventEntry, Memory, ModuleEntry, NO_GPIO, OutputEntry, STATUS_MAGIC, STATUS_VERSION, SavedOutput,
    SegmentEntry, Sequence, StatusBlock, StatusSegment, pack_text,
};

/// What is published.
pub struct View<'a> {
    pub poll_ms: u32,
    pub rounds: u32,
    pub restarts: u32,
    pub owns: Owns,
    pub now: Time,
    pub modules: &'a [ModuleSettings],
    pub monitors: &'a [Monitor],
    pub outputs: &'a [OutputSettings],
    pub lines: &'a [Output],
    pub annunciator: &'a Annunciator,
    pub transitions: &'a [Transition],
}

/// The attached status block, which is ours.
pub struct Publisher {
    segment: Segment,
}

/// How long an orphaned worker may take to end before it is killed: it may be stopped.
const ORPHAN: Nanos = 2 * S;

impl Publisher {
    /// Takes the status block for this process and its guardian, unless a living daemon has it. What stands in it is kept, if it
    /// has our layout and is whole.
    ///
    /// # Errors
    /// [`StartError::Runs`], or why the block could not be made.
    pub fn claim(guardian: Mark) -> Result<Publisher, StartError> {
        let mut publisher = Publisher { segment: open()? };
        publisher.take_from_others(guardian)?;
        if !publisher.is_whole() {
            // Not mended: readers may have it attached.
            warn!(
                "the status block, segment {}, is of another version or damaged; set aside, and rebuilt from the modules",
                publisher.segment.id().raw()
            );
            publisher.segment.id().remove().map_err(StartError::Status)?;
            publisher = Publisher { segment: open()? };
            publisher.take_from_others(guardian)?;
        }
        publisher.segment.set_permissions(0o644, None).map_err(StartError::Status)?;
        publisher.write(|StatusSegment { status, memory }| {
            let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
            put(&status.worker, Mark::me().word());
            put(&status.started_at, clock::wall());
            put(&status.version, STATUS_VERSION);
            put(&status.size, StatusBlock::SIZE as u32);
            put(&status.magic, STATUS_MAGIC);
            // A daemon killed before it published may have counted more than the readers were told.
            put(&status.event_count, memory.kept().map_or(0, |kept| kept.event_count.load(Ordering::Relaxed)));
        });
        Ok(publisher)
    }

    /// Takes the block from whoever has it and does not live.
    fn take_from_others(&self, guardian: Mark) -> Result<(), StartError> {
        let status = &self.block().status;
        let mut holder = status.daemon.load(Ordering::Relaxed);
        loop {
            let mark = Mark::from_word(holder);
            if mark != guardian && mark.is_alive() {
                return Err(StartError::Runs(mark.pid()));
            }
            match status.daemon.compare_exchange(holder, guardian.word(), Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => holder = other,
            }
        }
        // Its guardian has died, and it is on its way out; or it cannot be, where somebody stopped it.
        let orphan = Mark::from_word(status.worker.load(Ordering::Relaxed));
        let mut deadline = clock::now() + ORPHAN;
        // Of our name: a damaged block may say anything, and somebody will be killed for it.
        while orphan != Mark::me() && orphan.is_alike() {
            if clock::now() >= deadline {
                warn!("the worker of the daemon before, process {}, does not end; killed", orphan.pid());
                process::kill(orphan.pid());
                // The kernel may hold it for a while.
                deadline = clock::now() + ORPHAN;
            }
            clock::sleep(MS);
        }
        Ok(())
    }

    /// True for a new block, and for one of our layout whose memory is whole.
    fn is_whole(&self) -> bool {
        let StatusSegment { status, memory } = self.block();
        let is_new = words::<AtomicU32, _>(status)[..3].iter().all(|word| word.load(Ordering::Relaxed) == 0);
        is_new || status.is_ours() && memory.kept().is_some()
    }

    /// What the daemon before has left.
    pub fn memory(&self) -> &Memory {
        &self.block().memory
    }

    /// If somebody removed the block, makes it again with all that was in it.
    ///
    /// # Errors
    /// [`StartError::Runs`]: another daemon has taken its place. Else why it could not be made; the old one serves on.
    pub fn check(&mut self) -> Result<(), StartError> {
        if Segment::find(Key::STATUS).is_ok_and(|id| id == self.segment.id()) {
            return Ok(());
        }
        let guardian = Mark::from_word(self.block().status.daemon.load(Ordering::Relaxed));
        if let Some(other) = other_daemon(guardian) {
            return Err(StartError::Runs(other.pid()));
        }
        let fresh = Publisher::claim(guardian)?;
        warn!("the status block was removed; made segment {} under key {}", fresh.segment.id().raw(), Key::STATUS);
        fresh.write(|block| {
            // The sequence is under way in the new block; all else is as it was.
            let sequence = block.status.sequence.load(Ordering::Relaxed);
            copy(block, |word| words::<AtomicU32, _>(self.block())[word].load(Ordering::Relaxed));
            block.status.sequence.store(sequence, Ordering::Relaxed);
        });
        *self = fresh;
        Ok(())
    }

    /// Writes everything.
    pub fn publish(&self, view: &View<'_>) {
        self.write(|StatusSegment { status: block, memory }| {
            let put = |word: &AtomicU32, value: usize| word.store(value as u32, Ordering::Relaxed);
            let at = clock::wall();
            let mut event_count = block.event_count.load(Ordering::Relaxed);
            for transition in view.transitions {
                let event = EventEntry { at, what: transition.kind().number(), alarm: alarm_entry(transition.alarm()) };
                store(&block.events[event_count as usize % EVENT_PLACES], &event);
                event_count = event_count.wrapping_add(1);
            }
            remember(memory, view, event_count);
            // From here on nothing is lost. The rest is for readers, and made anew by whoever comes next.
            block.event_count.store(event_count, Ordering::Relaxed);
            put(&block.checked_ms, view.now.millis() as usize);
            put(&block.rounds, view.rounds as usize);
            put(&block.restarts, view.restarts as usize);
            put(&block.poll_ms, view.poll_ms as usize);
            let mut count = 0;
            let mut add = |alarm: Alarm| {
                if count < ALARMS {
                    store(&block.alarms[count], &alarm_entry(&alarm));
                    count += 1;
                }
            };
            let mut active = [0u32; crate::limits::MODULES];
            for (monitor, entry) in view.monitors.iter().zip(&block.segments) {
                store(entry, &segment_entry(monitor));
                monitor.each_active(&view.modules[monitor.module], &mut |alarm| {
                    active[monitor.module] += u32::from(alarm.module != 0);
                    add(alarm);
                });
            }
            for (number, (settings, line)) in view.outputs.iter().zip(view.lines).enumerate() {
                let shows = view.annunciator.shows(number);
                let order = Order { number, settings, alarm: shows != Shows::Nothing, now: view.now };
                store(&block.outputs[number], &output_entry(&order, shows, line));
                line.alarm(&order).into_iter().for_each(&mut add);
            }
            view.owns.each_active(&mut add);
            for ((settings, active), entry) in view.modules.iter().zip(active).zip(&block.modules) {
                let name = pack_text(settings.name.as_str());
                store(entry, &ModuleEntry { id: settings.id.get(), active, spare: [0; 6], name });
            }
            put(&block.alarm_count, count);
            put(&block.module_count, view.modules.len());
            put(&block.segment_count, view.monitors.len());
            put(&block.output_count, view.lines.len().min(view.outputs.len()));
        });
    }

    /// Says that no daemon runs any more.
    pub fn leave(&self) {
        self.write(|block| {
            block.status.daemon.store(0, Ordering::Relaxed);
            block.status.worker.store(0, Ordering::Relaxed);
        });
    }

    fn block(&self) -> &StatusSegment {
        // It was attached read-write at its full size.
        self.segment.view().expect("the status block is attached whole")
    }

    fn write(&self, act: impl FnOnce(&StatusSegment)) {
        let block = self.block();
        // There is one writer, so who it is need not stand in shared memory. A daemon killed in here left the sequence
        // odd; leaving makes it even.
        let writer = AtomicU32::new(0);
        if let Ok(_inside) = Sequence::new(&block.status.sequence, &writer).enter(1, |_| true) {
            act(block);
        }
    }
}

/// Writes what the next daemon must know, beside what the last one knew, and makes it count.
fn remember(memory: &Memory, view: &View<'_>, event_count: u32) {
    let draft = memory.draft();
    let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
    put(&draft.event_count, event_count);
    put(&draft.own, view.owns.active);
    put(&draft.own_acknowledged, view.owns.acknowledged);
    // Fewer lines than settings, while other settings are being gone over to.
    put(&draft.output_count, view.lines.len().min(view.outputs.len()) as u32);
    put(&draft.segment_count, view.monitors.len() as u32);
    for (number, ((settings, line), to)) in view.outputs.iter().zip(view.lines).zip(&draft.outputs).enumerate() {
        let order = Order { number, settings, alarm: false, now: view.now };
        let failure = line.failure();
        let saved = SavedOutput {
            kind: settings.kind as u32,
            failed: failure.map_or(0, |failure| failure.step.number()),
            errno: failure.map_or(0, |failure| failure.errno.raw() as u32),
            writes: line.writes(),
            latched: view.annunciator.latched(number).word(),
            failure_acknowledged: line.alarm(&order).is_some_and(|alarm| alarm.acknowledged).into(),
            name: pack_text(settings.name.as_str()),
        };
        store(to, &saved);
    }
    for (monitor, to) in view.monitors.iter().zip(&draft.segments) {
        monitor.save(view.modules[monitor.module].id, to);
    }
    memory.commit();
}

/// The daemon that has taken the key of the status block since this one had it: root's, which may take it from anybody, or one of
/// our own user.
fn other_daemon(ours: Mark) -> Option<Mark> {
    let segment = Segment::attach(Key::STATUS, 0, Access::ReadOnly).ok()?;
    let believed = segment.stat().is_ok_and(|stat| [0, process::user()].contains(&stat.uid));
    Some(Mark::from_word(StatusBlock::daemon_of(&segment))).filter(|mark| believed && *mark != ours && mark.is_alike())
}

/// A segment under our key that is of another size, or another user's, is replaced: what stands in it is told as the daemon's word.
fn open() -> Result<Segment, StartError> {
    let open = || Segment::open_or_create(Key::STATUS, StatusBlock::SIZE, 0o644).map(|(segment, _)| segment);
    if let Ok((id, stat)) = Segment::find(Key::STATUS).and_then(|id| id.stat().map(|stat| (id, stat))) {
        let stranger = [stat.uid, stat.creator] != [process::user(); 2];
        if !stranger && stat.size != StatusBlock::SIZE {
            // Another version's, and perhaps one that runs.
            let daemon = Segment::attach_id(id, 0, Access::ReadOnly).map(|segment| StatusBlock::daemon_of(&segment));
            if let Some(mark) = daemon.ok().map(Mark::from_word).filter(|mark| mark.is_alive()) {
                return Err(StartError::Runs(mark.pid()));
            }
        }
        if stranger || stat.size != StatusBlock::SIZE {
            id.remove().map_err(StartError::Status)?;
            let (id, user) = (id.raw(), stat.uid);
            if stranger {
                warn!("status block: segment {id} of user {user} is not ours; replaced");
            } else {
                warn!("status block: segment {id} is of another version; set aside, and rebuilt from the modules");
            }
        }
    }
    open().map_err(StartError::Status)
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
        acknowledged: alarm.acknowledged.into(),
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

fn output_entry(order: &Order<'_>, shows: Shows, line: &Output) -> OutputEntry<u32> {
    let settings = order.settings;
    let (gpio, path) = match &settings.target {
        Target::Gpio(number) => (*number, array::from_fn(|_| 0)),
        Target::Path(path) => (NO_GPIO, pack_text(path.as_str())),
    };
    OutputEntry {
        kind: settings.kind as u32,
        gpio,
        active_low: settings.active_low.into(),
        sequence: settings.sequence as u32,
        shows: shows as u32,
        alarm: order.alarm.into(),
        energised: line.is_energised().into(),
        failed: line.failure().is_some().into(),
        errno: line.failure().map_or(0, |failure| failure.errno.raw() as u32),
        writes: line.writes(),
        name: pack_text(settings.name.as_str()),
        path,
    }
}
