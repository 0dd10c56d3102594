//! An emulated board for one test: scripts/board, scripts/deploy, and the pins as QEMU's device sees them.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::{Ran, c, wait_or_explain};

/// Long enough for a loaded machine, short enough to end.
const BOUND: Duration = Duration::from_secs(60);

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The executable that scripts/build made for this target.
pub fn executable(target: &str) -> PathBuf {
    let path = root().join("target/firmware").join(target).join("alarmd");
    assert!(path.exists(), "{} is not there; run scripts/build", path.display());
    path
}

/// A change of a line's level, seen from outside the board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Seconds.
    pub at: f64,
    pub gpio: u32,
    pub level: u32,
}

/// A board that runs. It is switched off on drop.
pub struct Board {
    name: String,
    /// How many of its edges a test has looked at.
    seen: usize,
}

impl Board {
    /// Boots one, under a name of its own.
    #[track_caller]
    pub fn up(name: &str) -> Board {
        let board = Board { name: format!("{name}-{}", std::process::id()), seen: 0 };
        let ran = Ran::from(board.script("up", &[]));
        assert_eq!(ran.code, 0, "{ran:?}");
        board
    }

    fn script(&self, command: &str, arguments: &[&str]) -> Output {
        let mut script = Command::new(root().join("scripts/board"));
        script.args([command, "--name", &self.name]).args(arguments).output().expect("scripts/board")
    }

    fn ssh_config(&self) -> PathBuf {
        root().join("target/boards").join(&self.name).join("ssh_config")
    }

    /// Runs a line of shell on the board.
    pub fn shell(&self, line: &str) -> Ran {
        Ran::from(self.script("run", &[line]))
    }

    /// Runs a line of shell on the board, which must succeed; gives its stdout.
    #[track_caller]
    pub fn run(&self, line: &str) -> String {
        let ran = self.shell(line);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran.out
    }

    /// Copies a file there.
    #[track_caller]
    pub fn copy(&self, file: &Path, to: &str) {
        let mut scp = Command::new("scp");
        let status = scp.arg("-q").arg("-F").arg(self.ssh_config()).arg(file).arg(format!("board:{to}")).status();
        assert!(status.is_ok_and(|status| status.success()), "{}", file.display());
    }

    /// scripts/deploy to it.
    pub fn deploy(&self, arguments: &[&str]) -> Ran {
        let mut deploy = Command::new(root().join("scripts/deploy"));
        deploy.args(["root@127.0.0.1", "-F"]).arg(self.ssh_config()).args(arguments);
        Ran::from(deploy.output().expect("scripts/deploy"))
    }

    /// Deploys what scripts/build made for the board's processor, with the files of board/qemu-virt.
    #[track_caller]
    pub fn deploy_well(&self) {
        let executable = executable("armv7-unknown-linux-musleabihf");
        let ran = self.deploy(&["--board", "qemu-virt", "--executable", executable.to_str().expect("UTF-8")]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("works on this board"), "{ran:?}");
    }

    fn edges(&self) -> Vec<Edge> {
        let ran = Ran::from(self.script("pins", &[]));
        let edge = |line: &str| {
            let mut words = line.split(' ');
            let at = words.next()?.parse().ok()?;
            words.next()?;
            Some(Edge { at, gpio: words.next()?.parse().ok()?, level: words.next()?.parse().ok()? })
        };
        ran.out.lines().filter_map(edge).collect()
    }

    /// The lines have changed in just this way since the last look; gives the edges.
    #[track_caller]
    pub fn expect_edges(&mut self, expected: &[(u32, u32)]) -> Vec<Edge> {
        let pairs = |edges: &[Edge]| edges.iter().map(|edge| (edge.gpio, edge.level)).collect::<Vec<_>>();
        let new = || self.edges().split_off(self.seen);
        // All of them have come, or one that is wrong.
        let is_enough = |edges: &Vec<Edge>| {
            let found = pairs(edges);
            found == expected || !expected.starts_with(&found)
        };
        let explain = || format!("{expected:?}; there is {:?}; the system log:\n{}", pairs(&new()), self.log());
        let edges = wait_or_explain(BOUND, || Some(new()).filter(is_enough), explain);
        assert_eq!(pairs(&edges), expected, "edges of (gpio, level); the system log:\n{}", self.log());
        self.seen += edges.len();
        edges
    }

    /// The edges since the last look, whatever they are.
    pub fn take_edges(&mut self) -> Vec<Edge> {
        let edges = self.edges().split_off(self.seen);
        self.seen += edges.len();
        edges
    }

    /// Gives the edges since the last look, again and again, until that is enough.
    #[track_caller]
    pub fn wait_for_edges(&mut self, what: &str, mut enough: impl FnMut(&[Edge]) -> bool) {
        let mut seen = self.seen;
        let is_enough = || {
            let edges = self.edges().split_off(seen);
            seen += edges.len();
            enough(&edges).then_some(())
        };
        wait_or_explain(BOUND, is_enough, || format!("{what}; the system log:\n{}", self.log()));
        self.seen = seen;
    }

    /// The level of a line that is an output; `None` of an input.
    pub fn pin(&self, gpio: u32) -> Option<u32> {
        let ran = Ran::from(self.script("pins", &[]));
        let start = format!("gpio {gpio}  out  ");
        ran.out.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
    }

    /// The board's system log.
    pub fn log(&self) -> String {
        self.shell("cat /var/log/messages").out
    }

    #[track_caller]
    pub fn wait_for(&self, what: &str, mut condition: impl FnMut(&Board) -> bool) {
        let is_met = || condition(self).then_some(());
        wait_or_explain(BOUND, is_met, || format!("{what}; the system log:\n{}", self.log()));
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.script("down", &[]);
    }
}

/// Builds a program of tests/c for the board.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let mut cc = Command::new("arm-linux-gnueabihf-gcc");
    cc.arg("-static");
    c::build(cc, name)
}
