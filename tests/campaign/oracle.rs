//! The oracle: a board, its producers, and a check that the board shows what they have raised.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::codes::Command;
use alarmd_core::codes::Indication;
use alarmd_core::limits::EVENTS;
use alarmd_core::sysv::{Access, Key, Segment, words};
use alarmd_core::wire::{
    AlarmEntry, Doorbell, EventEntry, ModuleSegment, OutputEntry, StatusBlock, copy_module, unpack_text,
};

use crate::producers::{Forked, Style, Up};
use crate::support::{BOUND, Board, Random, status_block, wait_or_explain, wait_until};

/// The first module's id.
const FIRST: u32 = 41;
/// How many modules; the last is an old producer's.
pub const MODULES: u32 = 4;

/// How often each thing happened.
pub type Counts = BTreeMap<&'static str, u64>;

/// The state at the last check: the last event, and the slots that were up.
#[derive(Default)]
struct Checked {
    count: u32,
    /// The last of them, as words.
    last: Vec<u32>,
    up: BTreeSet<(u32, u32)>,
    /// What stood in each slot: its alarm, and how many times it was raised.
    raised: BTreeMap<(u32, u32), Raised>,
}

/// An alarm, and how many times it was raised.
type Raised = (AlarmId, u32);

pub struct Oracle {
    pub board: Board,
    pub producers: Vec<Forked>,
    pub random: Random,
    pub counts: Counts,
    /// Status blocks are removed: the history may be lost with one.
    pub may_forget: bool,
    /// Alarms are acknowledged by others too.
    pub is_operated: bool,
    checked: Checked,
}

pub fn module(number: u32) -> ModuleId {
    ModuleId::new(FIRST + number).expect("an id")
}

/// `daemon` are more lines of its section; `{place}` in `place` is the output's name.
pub fn configuration(daemon: &str, place: impl Fn(usize) -> String) -> String {
    let mut text = format!("[daemon]\npoll_ms = 5\nrestart_s = 0\n{daemon}\n");
    for number in 0..MODULES {
        text += &format!("[module m{number}]\nid = {}\n", FIRST + number);
    }
    // Relays: a lamp test, which random bytes in the doorbell may ask for, does not move them.
    let output = |name: &str, number: u32| format!("[relay {name}]\nfail_safe = no\n{}", place(number as usize));
    for number in 0..MODULES {
        text += &format!("{}\nmodules = m{number}\n", output(&format!("m{number}"), number));
    }
    let all = (0..MODULES).map(|number| format!("m{number}")).collect::<Vec<_>>().join(", ");
    text += &format!("{}\nseverity = critical\nmodules = {all}\n", output("critical", MODULES));
    text + &format!("[relay office]\n{}\nmodules = {all}\n", place(MODULES as usize + 1))
}

/// A configuration whose outputs are files; and a lamp that keeps what came and went.
pub fn files(daemon: &str) -> String {
    let text = configuration(daemon, |number| format!("path = {{dir}}/{number}"));
    let all = (0..MODULES).map(|number| format!("m{number}")).collect::<Vec<_>>().join(", ");
    format!("{text}[lamp kept]\npath = {{dir}}/kept\nsequence = A\nmodules = {all}\n")
}

impl Oracle {
    /// A board that works, with two producers a module.
    pub fn new(board: Board) -> Oracle {
        let mut random = Random::new();
        let seed = random.next();
        let styles = (0..MODULES).flat_map(|number| {
            let last = number + 1 == MODULES;
            std::iter::repeat_n((number, if last { Style::Old } else { Style::New }), if last { 1 } else { 2 })
        });
        let producers: Vec<Forked> = styles
            .zip(1..)
            .map(|((module_number, style), number)| Forked::new(module(module_number), style, number, seed))
            .collect();
        let mut oracle = Oracle {
            board,
            producers,
            random,
            counts: Counts::new(),
            may_forget: false,
            is_operated: false,
            checked: Checked::default(),
        };
        oracle.producers.iter_mut().for_each(Forked::start);
        oracle
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Lets producers write for some microseconds.
    pub fn work(&mut self) {
        for producer in &mut self.producers {
            producer.start();
            producer.allow(self.random.below(4));
        }
        // The campaign is about the instructions at which they are when this wait ends.
        for _ in 0..self.random.below(20_000) {
            std::hint::spin_loop();
        }
    }

    /// Lets each producer write all its alarms again.
    pub fn again(&self) {
        self.producers.iter().for_each(Forked::again);
    }

    /// What must be up: module, and the alarm.
    fn expected(&self) -> BTreeSet<(u32, Up)> {
        self.producers.iter().flat_map(|producer| producer.up().map(|up| (producer.module.get(), up))).collect()
    }

    /// Waits until every producer is done, and the board shows exactly what it must; then looks through the history.
    #[track_caller]
    pub fn check(&mut self, levels: impl Fn(&Board) -> Vec<bool>) {
        self.producers.iter_mut().for_each(Forked::start);
        let producers = &self.producers;
        wait_until("every producer is done", || producers.iter().all(Forked::is_done));
        let expected = self.expected();
        let any = |number: u32| expected.iter().any(|(module, _)| *module == FIRST + number);
        let mut outputs: Vec<bool> = (0..MODULES).map(any).collect();
        outputs.push(expected.iter().any(|(_, (_, _, level))| *level == 1 || *level == 5));
        outputs.push(expected.is_empty());
        let (block, raised) = wait_for_or(&self.board, || {
            let block = status_block().ok_or("there is no status block")?;
            let shown = (active(&block), levels(&self.board));
            if shown != (expected.clone(), outputs.clone()) {
                return Err(format!("wanted {expected:?} {outputs:?}; there is {shown:?}"));
            }
            let raised = raised();
            match self.missing_event(&block, &raised) {
                Some(slot) => Err(format!("{:?} in {slot:?} is not in the history", raised[&slot])),
                None => Ok((block, raised)),
            }
        });
        let up_now: BTreeSet<_> = block.alarms().iter().filter(|alarm| is_slot(alarm)).map(place).collect();
        let news = self.news(&block);
        let is_known =
            news.is_some() || self.may_forget || block.event_count.wrapping_sub(self.checked.count) >= EVENTS as u32;
        assert!(is_known, "the history was lost\n{}", self.board.log());
        if let Some(news) = news {
            let mut up = std::mem::take(&mut self.checked.up);
            for event in news.iter().filter(|event| is_slot(&event.alarm)) {
                let place = place(&event.alarm);
                let fits = match event.what {
                    0 => up.insert(place),
                    1 | 3 => up.contains(&place),
                    _ => up.remove(&place),
                };
                assert!(fits, "an event was lost or doubled: {event:?}\n{}", self.board.log());
            }
            assert_eq!(up, up_now, "an event was lost or doubled\n{}", self.board.log());
            // What was raised since the last acknowledgement flashes, whichever process was killed in the meantime.
            let is_news = news.iter().any(|event| event.what == 0 && is_slot(&event.alarm));
            let kept = kept(&block).filter(|_| is_news && !self.is_operated);
            assert!(
                kept.is_none_or(|shows| shows == Indication::Flash),
                "a latched alarm was lost: {kept:?}\n{}",
                self.board.log()
            );
            *self.counts.entry("events").or_default() += news.len() as u64;
        }
        let block = self.acknowledge(block, !expected.is_empty());
        // The current state: the daemon may have moved to other segments in the meantime.
        let up_now = block.alarms().iter().filter(|alarm| is_slot(alarm)).map(place).collect();
        self.checked = Checked { count: block.event_count, last: last(block.events().last()), up: up_now, raised };
        self.count("checks");
    }

    /// Acknowledges until that is shown: a command may be lost when a worker is killed, and an operator would repeat it.
    fn acknowledge(&mut self, block: Box<StatusBlock<u32>>, active: bool) -> Box<StatusBlock<u32>> {
        if kept(&block).is_none() {
            return block;
        }
        self.count("acknowledged");
        let wanted = if active { Indication::Alarm } else { Indication::Nothing };
        wait_for_or(&self.board, || {
            let doorbell = Segment::attach(Key::DOORBELL, Access::ReadWrite).map_err(|error| error.to_string())?;
            let doorbell = doorbell.view::<Doorbell>().ok_or("the doorbell is too small")?;
            // A command that is handled later would acknowledge the next alarms.
            if doorbell.is_pending(Command::Acknowledge) {
                return Err("the command is not taken".to_owned());
            }
            let block = status_block().ok_or("there is no status block")?;
            let is_seen = block.alarms().iter().all(|alarm| !is_slot(alarm) || alarm.acknowledged == 1);
            let shown = kept(&block);
            if is_seen && shown == Some(wanted) {
                return Ok(block);
            }
            doorbell.order(Command::Acknowledge);
            Err(format!("acknowledged in vain: {shown:?}"))
        })
    }

    /// The events since the last check; `None` if they are more than are kept, or the history was restarted: where the status
    /// block was removed and the daemon killed before it was recreated.
    fn news<'b>(&self, block: &'b StatusBlock<u32>) -> Option<Vec<&'b EventEntry<u32>>> {
        let kept: Vec<_> = block.events().collect();
        let before = kept.len().checked_sub(block.event_count.wrapping_sub(self.checked.count) as usize)?;
        let continues = match before.checked_sub(1) {
            Some(at) => last(kept.get(at).copied()) == self.checked.last,
            // Before the first check it may have been restarted too.
            None => self.checked.count == 0 && !self.may_forget,
        };
        continues.then(|| kept[before..].to_vec())
    }

    /// A slot whose last alarm, even one raised for a moment only, is not among the events since the last check.
    fn missing_event(&self, block: &StatusBlock<u32>, raised: &BTreeMap<(u32, u32), Raised>) -> Option<(u32, u32)> {
        let news = self.news(block)?;
        // An alarm that is up in a removed segment and in the new one has no new event.
        let stayed_up = |slot: &(u32, u32), id: &AlarmId| {
            let before = self.checked.raised.get(slot);
            self.may_forget && self.checked.up.contains(slot) && before.is_some_and(|(before, _)| before == id)
        };
        let changed = raised.iter().filter(|(slot, now)| self.checked.raised.get(slot) != Some(now));
        let changed = changed.filter(|(slot, (id, _))| !stayed_up(slot, id));
        let has_event = |slot: &(u32, u32), id: &AlarmId| {
            news.iter().any(|event| {
                let AlarmEntry { alarm_type, code, index, .. } = event.alarm;
                place(&event.alarm) == *slot && AlarmId { alarm_type, code, index } == *id
            })
        };
        changed.filter(|(slot, (id, _))| !has_event(slot, id)).map(|(slot, _)| *slot).next()
    }

    /// Reports what the campaign has done, not through the test harness, which hides the output of tests that pass.
    pub fn report(&self, name: &str) {
        use std::io::Write as _;
        let counts: Vec<String> = self.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        let text =
            format!("campaign {name}: seed {}: {}; lost 0, wrong 0, hung 0\n", self.random.seed(), counts.join(", "));
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// Waits until `look` succeeds. The reason of its last failure is the campaign's.
#[track_caller]
fn wait_for_or<T>(board: &Board, mut look: impl FnMut() -> Result<T, String>) -> T {
    let why = RefCell::new(String::new());
    let found = || look().map_err(|error| *why.borrow_mut() = error).ok();
    wait_or_explain(2 * BOUND, found, || format!("lost, wrong or hung: {}\n{}", why.borrow(), board.log()))
}

/// An event as words, to be compared.
fn last(event: Option<&EventEntry<u32>>) -> Vec<u32> {
    event.map_or(Vec::new(), |event| words::<u32, _>(event).to_vec())
}

/// What was raised last in each slot of each module.
fn raised() -> BTreeMap<(u32, u32), Raised> {
    let mut all = BTreeMap::new();
    for number in 0..MODULES {
        let Ok(segment) = Segment::attach(Key::of_module(module(number)), Access::ReadWrite) else { continue };
        let Some(segment) = segment.view::<ModuleSegment>() else { continue };
        let mut copy = ModuleSegment::EMPTY;
        // Every producer is done.
        if copy_module(segment, &mut copy) {
            let slots = copy.slots.iter().zip(1..).filter(|(slot, _)| slot.count != 0);
            all.extend(slots.map(|(slot, place)| ((FIRST + number, place), (slot.id(), slot.count))));
        }
    }
    all
}

/// What the lamp `kept` shows, if there is one.
fn kept(block: &StatusBlock<u32>) -> Option<Indication> {
    let is_it = |output: &&OutputEntry<u32>| unpack_text(&output.name, &mut [0; 32]) == "kept";
    block.outputs().iter().find(is_it).and_then(|output| Indication::ALL.get(output.shows as usize).copied())
}

/// True for what a producer raised; not for what alarmd says of a producer that has left.
pub fn is_slot(alarm: &AlarmEntry<u32>) -> bool {
    alarm.origin <= 32
}

fn place(alarm: &AlarmEntry<u32>) -> (u32, u32) {
    (alarm.module, alarm.origin)
}

fn active(block: &StatusBlock<u32>) -> BTreeSet<(u32, Up)> {
    let slots = block.alarms().iter().filter(|alarm| is_slot(alarm));
    slots.map(|alarm| (alarm.module, (alarm.alarm_type, alarm.code, alarm.level))).collect()
}
