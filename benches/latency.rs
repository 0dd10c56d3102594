//! Measures the time from `raise` to the written line, and that of a bare futex wake between two C processes in the same run.
//! Prints both medians and their ratio; exits 1 if the ratio is above the budget. `benches/budgets` runs it in a private IPC
//! namespace. Its arguments: the alarmd executable and the futex_wake executable.
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use alarmd_core::alarm::{AlarmId, ModuleId};
use alarmd_core::producer::{Options, Producer};
use alarmd_core::sysv::Key;

/// The budget, in multiples of a bare futex wake.
const BUDGET: f64 = 2.0;
const BATCHES: usize = 8;
const SAMPLES: usize = 250;

/// Kills the daemon at the end of the bench.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [alarmd, futex_wake] = &arguments[..] else {
        eprintln!("latency: run by benches/budgets only");
        return ExitCode::SUCCESS;
    };
    let folder = tempfile::Builder::new().tempdir_in("/dev/shm").expect("a folder in memory");
    let lamp = folder.path().join("lamp");
    let config = folder.path().join("alarmd.conf");
    // No poll is due: the doorbell is what is measured.
    fs::write(&config, format!("[daemon]\npoll_ms = 60000\n[lamp bench]\npath = {}\n", lamp.display()))
        .expect("written");
    let pidfile = folder.path().join("pid");
    let mut command = Command::new(alarmd);
    command.arg("-c").arg(&config).arg("--pidfile").arg(&pidfile).stderr(Stdio::null());
    let daemon = Daemon(command.spawn().expect("started"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::read_to_string(&pidfile).map_or(true, |pid| pid.is_empty()) {
        assert!(Instant::now() < deadline, "the daemon does not start");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Each side has its own processor, as in futex_wake, which must inherit the whole set.
    let allowed = processors(0);
    pin(daemon.0.id() as libc::pid_t, allowed.get(1));
    let level = watch(&File::open(&lamp).expect("the lamp"));
    let module = ModuleId::new(31).expect("an id");
    let mut producer = Producer::open(module, Key::of_module(module), Options::default()).expect("opened");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        pin(0, allowed.iter());
        let output = Command::new(futex_wake).arg(SAMPLES.to_string()).output().expect("futex_wake runs");
        bare.extend(String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse::<u64>().ok()));
        pin(0, allowed.first());
        ours.extend((0..SAMPLES).map(|_| sample(&mut producer, level)));
    }
    let (ours, bare) = (median(ours), median(bare));
    let ratio = ours as f64 / bare as f64;
    println!("raise to line written: {ours} ns; bare futex wake: {bare} ns; ratio {ratio:.2} (budget {BUDGET:.2})");
    if ratio <= BUDGET { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The processors that a process may use.
fn processors(process: libc::pid_t) -> Vec<usize> {
    // SAFETY: `cpu_set_t` is a bit set; all zeros is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is ours and its size is passed.
    unsafe { libc::sched_getaffinity(process, size_of_val(&set), &mut set) };
    // SAFETY: the numbers are below the set's size.
    (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Restricts a process (0: this one) to these processors, if there are any.
fn pin<'a>(process: libc::pid_t, processors: impl IntoIterator<Item = &'a usize>) {
    // SAFETY: as above.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the numbers came from such a set.
    processors.into_iter().for_each(|cpu| unsafe { libc::CPU_SET(*cpu, &mut set) });
    // SAFETY: the set is ours and its size is passed. The kernel refuses an empty set and changes nothing.
    unsafe { libc::sched_setaffinity(process, size_of_val(&set), &set) };
}

/// Maps the lamp's file: a write by the daemon is visible without a system call.
fn watch(file: &File) -> &'static AtomicU8 {
    let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 1, read, shared, file.as_raw_fd(), 0) };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: the file has at least one byte, is never truncated, and stays mapped to the end; it is only loaded from.
    unsafe { AtomicU8::from_ptr(page.cast()) }
}

fn sample(producer: &mut Producer, level: &AtomicU8) -> u64 {
    let until = |wanted: u8| while level.load(Ordering::Acquire) != wanted {};
    // Then the daemon sleeps, and its rate limit has recovered.
    std::thread::sleep(Duration::from_millis(3));
    let start = Instant::now();
    producer.raise(AlarmId::default(), 1).expect("raised");
    until(b'1');
    let taken = start.elapsed();
    producer.clear(AlarmId::default()).expect("cleared");
    until(b'0');
    taken.as_nanos() as u64
}

fn median(mut samples: Vec<u64>) -> u64 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}
