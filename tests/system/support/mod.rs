//! What the tests stand on: a private IPC and mount namespace for each test, a daemon, its tool, producers in C, and
//! waiting on a condition with a bound.
pub mod c;
pub mod gpio_fs;
mod gpio_lines;
mod program;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use alarmd::process::is_gone;
use alarmd::sysv::{Access, Key, Segment};
use alarmd::wire::StatusBlock;
use serde_json::Value;
use tempfile::TempDir;

pub use program::Program;

/// Long enough for a loaded machine, short enough to end.
const BOUND: Duration = Duration::from_secs(20);

/// Waits until `condition` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Says aloud that a test cannot run here. CI sets `ALARMD_SKIP_FAILS`, under which that is a failure.
#[track_caller]
pub fn skip(reason: &str) {
    assert!(std::env::var_os("ALARMD_SKIP_FAILS").is_none(), "skipped where skipping fails: {reason}");
    // Past the test harness, which would swallow it.
    let _ = std::io::stderr().write_all(format!("SKIPPED: {reason}\n").as_bytes());
}

/// Gives this test's thread, and all it starts, an IPC namespace and a mount namespace of its own. Without the right to,
/// the test is skipped: `scripts/test` runs the tests as root or under `unshare -r`.
#[track_caller]
pub fn private_namespace() -> bool {
    let flags = libc::CLONE_NEWIPC | libc::CLONE_NEWNS | libc::CLONE_FS;
    // SAFETY: no pointers. Only this thread is moved.
    if unsafe { libc::unshare(flags) } == -1 {
        skip(&format!("no private namespace: {}; run as root, or under unshare -r", std::io::Error::last_os_error()));
        return false;
    }
    // SAFETY: C strings and no data. Mounts made from now on stay in this namespace.
    let made_private = unsafe {
        libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            std::ptr::null(),
        )
    };
    assert_eq!(made_private, 0, "{}", std::io::Error::last_os_error());
    true
}

/// Gives the test's mount namespace a /dev of its own, with the null device alone in it.
#[track_caller]
pub fn private_dev(board: &Board) {
    let mount = |arguments: &[&str]| assert!(Command::new("mount").args(arguments).status().expect("mount").success());
    let null = board.path("null");
    fs::write(&null, "").expect("made");
    let null = null.to_str().expect("UTF-8");
    mount(&["--bind", "/dev/null", null]);
    mount(&["-t", "tmpfs", "none", "/dev"]);
    fs::write("/dev/null", "").expect("made");
    mount(&["--bind", null, "/dev/null"]);
}

/// Random numbers (xorshift) from a seed that a failing test shows. `ALARMD_SEED` repeats a run.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub fn new() -> Random {
        let given = std::env::var("ALARMD_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let seed = given.unwrap_or(now.as_nanos() as u64 | 1);
        println!("ALARMD_SEED={seed}");
        Random { seed, state: seed }
    }

    /// What repeats it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn next(&mut self) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as u32
    }

    /// From 0 to one below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }
}

fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Or it has been killed meanwhile.
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
}

/// A process that is killed and waited for when it is dropped.
pub struct Process(pub Child);

impl Process {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: no pointers; the process is ours and not waited for yet.
        assert_eq!(unsafe { libc::kill(self.0.id() as libc::pid_t, signal) }, 0);
    }

    /// Waits for its end and gives its exit code.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for("the process ends", || self.0.try_wait().expect("our child")).code()
    }

    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A board of its own: namespaces, a folder, a configuration, and perhaps a daemon.
pub struct Board {
    pub folder: TempDir,
    daemon: Option<Process>,
    log: PathBuf,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Board {
    /// A board without a daemon; `None` if the test must be skipped. `{dir}` in the configuration is the folder.
    #[track_caller]
    pub fn bare(config: &str) -> Option<Board> {
        if !private_namespace() {
            return None;
        }
        let folder = TempDir::new().expect("a temporary folder");
        let log = folder.path().join("log");
        let board = Board { folder, daemon: None, log, environment: Vec::new() };
        symlink(Program::tool().path(), board.path("alarmctl")).expect("the second name");
        board.configure(config);
        Some(board)
    }

    /// A board with a daemon that works.
    #[track_caller]
    pub fn new(config: &str) -> Option<Board> {
        let mut board = Board::bare(config)?;
        board.start();
        Some(board)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn configure(&self, config: &str) {
        let folder = self.folder.path().to_str().expect("a UTF-8 folder");
        fs::write(self.path("alarmd.conf"), config.replace("{dir}", folder)).expect("written");
    }

    /// The same, where something else than a file has the name.
    pub fn configure_anew(&self, config: &str) {
        fs::remove_file(self.path("alarmd.conf")).expect("removed");
        self.configure(config);
    }

    /// The daemon's command, not started.
    pub fn alarmd(&self) -> Command {
        let mut command = Program::daemon().command();
        command.arg("-c").arg(self.path("alarmd.conf")).current_dir(self.folder.path());
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// From its next start on the daemon has this variable.
    pub fn set(&mut self, name: &'static str, value: PathBuf) {
        self.environment.push((name, value));
    }

    /// Starts the daemon and waits until it works.
    #[track_caller]
    pub fn start(&mut self) {
        self.start_as(self.alarmd());
    }

    /// Starts the daemon with this command and waits until it works.
    #[track_caller]
    pub fn start_as(&mut self, mut command: Command) {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        let pidfile = self.path("alarmd.pid");
        let child = command.arg("--pidfile").arg(&pidfile).stderr(log).spawn().expect("started");
        let mut daemon = Process(child);
        wait_until("the daemon works", || {
            if let Some(status) = daemon.0.try_wait().expect("our child") {
                panic!("the daemon ended: {status}\n{}", self.log());
            }
            fs::read_to_string(&pidfile).is_ok_and(|pid| pid.trim() == daemon.id().to_string())
        });
        self.daemon = Some(daemon);
    }

    /// The daemon, which is nobody's any more.
    #[track_caller]
    pub fn take_daemon(&mut self) -> Process {
        self.daemon.take().expect("the daemon runs")
    }

    #[track_caller]
    pub fn daemon(&self) -> &Process {
        self.daemon.as_ref().expect("the daemon runs")
    }

    /// Ends the daemon in order.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut daemon = self.daemon.take().expect("the daemon runs");
        daemon.signal(libc::SIGTERM);
        assert_eq!(daemon.exit_code(), Some(0), "{}", self.log());
    }

    /// The daemon's worker.
    #[track_caller]
    pub fn worker(&self) -> u32 {
        wait_for("a worker", || self.living_worker())
    }

    /// The daemon's worker, if there is one at this moment.
    fn living_worker(&self) -> Option<u32> {
        let guardian = self.daemon().id();
        let children = fs::read_to_string(format!("/proc/{guardian}/task/{guardian}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).find(|child| !is_gone(*child))
    }

    /// Sends a signal to the worker.
    #[track_caller]
    pub fn signal_worker(&self, signal: libc::c_int) {
        // SAFETY: no pointers; the worker is its guardian's child, who waits for it only when it has died.
        assert_eq!(unsafe { libc::kill(self.worker() as libc::pid_t, signal) }, 0);
    }

    /// Stops the guardian, and then the worker if there is one: where they are.
    #[track_caller]
    pub fn freeze(&self) -> Option<u32> {
        let stop = |process: u32| {
            // SAFETY: no pointers; the guardian is our child, and who is stopped waits for no child of its own.
            unsafe { libc::kill(process as libc::pid_t, libc::SIGSTOP) };
            wait_until("it is stopped", || is_stopped(process));
        };
        stop(self.daemon().id());
        let worker = self.living_worker();
        worker.into_iter().for_each(stop);
        worker
    }

    /// Lets them go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.signal_worker(libc::SIGCONT);
        self.daemon().signal(libc::SIGCONT);
    }

    /// Kills guardian and worker, neither of whom can do anything about it.
    #[track_caller]
    pub fn kill(&mut self) {
        let worker = self.freeze();
        worker.into_iter().for_each(alarmd::process::kill);
        self.daemon.take().expect("the daemon runs").kill();
        wait_until("the worker is gone", || worker.is_none_or(is_gone));
    }

    /// All that the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Where the daemon logs to from its next start on; nothing of it can be read then.
    pub fn log_to(&mut self, device: &str) {
        self.log = device.into();
    }

    #[track_caller]
    pub fn wait_for_log(&self, words: &str) {
        let deadline = Instant::now() + BOUND;
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "{words:?} is not in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// alarmctl's command, not started.
    pub fn alarmctl(&self, arguments: &[&str]) -> Command {
        let mut command = Program::tool().at(self.path("alarmctl")).command();
        command.arg("-c").arg(self.path("alarmd.conf")).args(arguments).stdin(Stdio::null());
        command.current_dir(self.folder.path());
        command
    }

    /// Runs alarmctl to its end: exit code, stdout, stderr.
    pub fn ctl(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.alarmctl(arguments).output().expect("alarmctl runs"))
    }

    /// Runs alarmctl, which must succeed, and gives its stdout.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        let ran = self.ctl(arguments);
        assert_eq!(ran.code, 0, "alarmctl {arguments:?}: {}", ran.err);
        ran.out
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.done(&["status", "--json"])).expect("JSON")
    }

    /// All events that are kept, oldest first, as `raised sdhmgt slot 1 type 7`.
    #[track_caller]
    pub fn events(&self) -> Vec<String> {
        let status = self.status();
        let events = status["events"].as_array().expect("events").iter().map(|event| {
            let text = |name: &str| event[name].as_str().expect("text").to_owned();
            format!("{} {} {} type {}", text("what"), text("module"), text("origin"), event["type"])
        });
        events.collect()
    }

    /// Waits until the daemon has made so many more health checks.
    #[track_caller]
    pub fn wait_for_checks(&self, count: u32) {
        let ago = || self.status()["daemon"]["checked_ms_ago"].as_u64().expect("a number");
        for _ in 0..count {
            let mut last = ago();
            wait_until("a health check", || {
                let now = ago();
                std::mem::replace(&mut last, now) > now
            });
        }
    }

    /// The segment of a module in status: by its role.
    #[track_caller]
    pub fn segment(&self, module: &str, role: &str) -> Option<Value> {
        let status = self.status();
        let modules = status["modules"].as_array().expect("modules").clone();
        let module = modules.into_iter().find(|entry| entry["name"] == module).expect("the module");
        module["segments"].as_array()?.iter().find(|segment| segment["role"] == role).cloned()
    }

    /// A copy of an executable under this name where every user may run it: the checkout may lie in a folder that is one
    /// user's own.
    #[track_caller]
    pub fn for_everybody(&self, program: &Program, name: &str) -> Program {
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let copy = self.path("everybody").join(name);
        fs::create_dir_all(self.path("everybody")).expect("made");
        // By a process of its own: a test beside this one that forks while the copy is open for writing here would hold it
        // open, and an executable that is open for writing cannot be started (ETXTBSY).
        assert!(Command::new("cp").arg(program.path()).arg(&copy).status().expect("cp").success());
        program.at(copy)
    }

    /// What stands in an output's file.
    pub fn output(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_for_output(&self, name: &str, level: &str) {
        let deadline = Instant::now() + BOUND;
        while self.output(name) != level {
            let found = self.output(name);
            assert!(Instant::now() < deadline, "{name} is {found:?} and not {level:?}; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// An original-style producer in C under this key.
    #[track_caller]
    pub fn old_producer(&self, arguments: &[&str]) -> Producer {
        Producer::start(self.folder.path(), "old_producer", arguments)
    }

    /// A producer in C through include/alarm.h.
    #[track_caller]
    pub fn new_producer(&self, module: u32) -> Producer {
        Producer::start(self.folder.path(), "new_producer", &[&module.to_string()])
    }
}

/// What the daemon publishes, as it stands there.
#[track_caller]
pub fn status_words() -> Box<StatusBlock<u32>> {
    let segment = Segment::attach(Key::STATUS, 0, Access::ReadOnly).expect("a status block");
    let mut block = Box::new(StatusBlock::EMPTY);
    wait_until("it is published whole", || block.copy(&segment));
    block
}

/// What a finished command said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A producer in C, told what to do word by word.
pub struct Producer {
    pub process: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Producer {
    #[track_caller]
    fn start(folder: &Path, program: &str, arguments: &[&str]) -> Producer {
        let mut command = c::program(program).command();
        command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut producer = Producer { process: Process(child), stdin, stdout: BufReader::new(stdout) };
        assert!(producer.answer().starts_with("attached"));
        producer
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("an answer");
        line
    }

    /// Tells it something without waiting for the answer.
    pub fn order(&mut self, words: &str) {
        writeln!(self.stdin, "{words}").expect("told");
    }

    /// Tells it something; gives its answer when it is done.
    pub fn tell(&mut self, words: &str) -> String {
        self.order(words);
        self.answer()
    }

    /// An old producer raises its alarm.
    pub fn raise(&mut self) {
        assert_eq!(self.tell("1"), "done 1\n");
    }

    /// An old producer clears its alarm.
    pub fn clear(&mut self) {
        assert_eq!(self.tell("0"), "done 0\n");
    }

    /// An old producer leaves as the original did: detaches and removes the segment.
    pub fn leave(mut self) {
        assert_eq!(self.tell("2"), "left\n");
        assert_eq!(self.process.exit_code(), Some(0));
    }
}
