//! A board: namespaces, a folder and a configuration of its own, and a daemon that the test starts, signals and ends.
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use alarmd_core::process::is_gone;
use tempfile::TempDir;

use super::process::wait_until_stopped;
use super::wait::{wait_for, wait_until};
use super::{Process, Program, private_namespace};

/// A board of its own. The daemon is killed when it is dropped.
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

    /// The same, where something other than a file has the name.
    pub fn replace_configuration(&self, config: &str) {
        fs::remove_file(self.path("alarmd.conf")).expect("removed");
        self.configure(config);
    }

    /// A copy of an executable under this name that every user may run: the checkout may lie in a folder that only one user
    /// may enter.
    #[track_caller]
    pub fn for_all_users(&self, program: &Program, name: &str) -> Program {
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let copy = self.path("all-users").join(name);
        fs::create_dir_all(self.path("all-users")).expect("made");
        // By a process of its own: another test that forks while the copy is open for writing here would inherit the
        // descriptor, and an executable that is open for writing cannot be started (ETXTBSY).
        assert!(Command::new("cp").arg(program.path()).arg(&copy).status().expect("cp").success());
        program.at(copy)
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

    /// Where the daemon logs to from its next start on; the test cannot read it there.
    pub fn log_to(&mut self, device: &str) {
        self.log = device.into();
    }

    /// Starts the daemon and waits until it works.
    #[track_caller]
    pub fn start(&mut self) {
        self.start_as(self.alarmd());
    }

    /// Starts the daemon with this command and waits until it works: it has published its status, and set its outputs up.
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

    /// Gives the daemon away: from now on the caller ends it.
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
        let mut daemon = self.take_daemon();
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

    /// Sends a signal to the worker. After SIGSTOP it returns when the worker has stopped.
    #[track_caller]
    pub fn signal_worker(&self, signal: libc::c_int) {
        let worker = self.worker();
        // SAFETY: no pointers; the worker is its guardian's child, which waits for it only when it has died.
        assert_eq!(unsafe { libc::kill(worker as libc::pid_t, signal) }, 0);
        if signal == libc::SIGSTOP {
            wait_until_stopped(worker);
        }
    }

    /// Stops the guardian, and then the worker if there is one, wherever they are.
    #[track_caller]
    pub fn freeze(&self) -> Option<u32> {
        self.daemon().signal(libc::SIGSTOP);
        let worker = self.living_worker();
        if let Some(worker) = worker {
            // SAFETY: no pointers; a stopped guardian does not wait for its children, so the id is still the worker's.
            unsafe { libc::kill(worker as libc::pid_t, libc::SIGSTOP) };
            wait_until_stopped(worker);
        }
        worker
    }

    /// Lets both of them continue.
    #[track_caller]
    pub fn thaw(&self) {
        self.signal_worker(libc::SIGCONT);
        self.daemon().signal(libc::SIGCONT);
    }

    /// Kills guardian and worker; neither can react to the other's end.
    #[track_caller]
    pub fn kill(&mut self) {
        let worker = self.freeze();
        worker.into_iter().for_each(alarmd_core::process::kill);
        self.take_daemon().kill();
        wait_until("the worker is gone", || worker.is_none_or(is_gone));
    }
}
