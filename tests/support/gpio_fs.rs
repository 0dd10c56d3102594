//! A stand-in for /sys/class/gpio that answers as a real kernel's does (tests/gpio-recording.txt), seen only in the
//! test's own mount namespace. The test holds the hardware side: levels, edges, and what may go wrong.
use std::ffi::{CString, OsStr};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    FileAttr, FileType, Filesystem, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, TimeOrNow,
};
use libc::{EACCES, EINVAL, ENOENT, O_ACCMODE, O_RDONLY, O_WRONLY};

use super::gpio_lines::{FILES, File, Hardware, Line};
use super::{Board, skip};

/// What an inode number stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    Root,
    Export,
    Unexport,
    Folder(u32),
    File(u32, File),
}

impl Node {
    fn number(self) -> u64 {
        let folder = |number: u32| (u64::from(number) + 1) * 8;
        match self {
            Node::Root => 1,
            Node::Export => 2,
            Node::Unexport => 3,
            Node::Folder(number) => folder(number),
            Node::File(number, file) => folder(number) + 1 + file as u64,
        }
    }

    fn from_number(number: u64) -> Option<Node> {
        match number {
            1 => Some(Node::Root),
            2 => Some(Node::Export),
            3 => Some(Node::Unexport),
            _ => {
                let line = u32::try_from((number / 8).checked_sub(1)?).ok()?;
                match number % 8 {
                    0 => Some(Node::Folder(line)),
                    file => FILES.get(file as usize - 1).map(|(_, file)| Node::File(line, *file)),
                }
            }
        }
    }
}

/// The file system over the hardware.
struct BoardLines(Arc<Mutex<Hardware>>);

impl BoardLines {
    fn hardware(&self) -> MutexGuard<'_, Hardware> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The node, if it is there now.
    fn node(&self, inode: u64) -> Result<Node, i32> {
        let node = Node::from_number(inode).ok_or(ENOENT)?;
        match node {
            Node::Folder(number) | Node::File(number, _) => {
                let exported = self.hardware().lines.get(&number).is_some_and(|line| line.exported);
                if exported { Ok(node) } else { Err(ENOENT) }
            }
            _ => Ok(node),
        }
    }

    fn find(&self, parent: u64, name: &OsStr) -> Result<Node, i32> {
        let name = name.to_str().ok_or(ENOENT)?;
        let node = match (self.node(parent)?, name) {
            (Node::Root, "export") => Node::Export,
            (Node::Root, "unexport") => Node::Unexport,
            (Node::Root, name) => {
                let number = name.strip_prefix("gpio").and_then(|number| number.parse().ok()).ok_or(ENOENT)?;
                Node::Folder(number)
            }
            (Node::Folder(number), name) => {
                Node::File(number, FILES.iter().find(|(known, _)| *known == name).ok_or(ENOENT)?.1)
            }
            _ => return Err(ENOENT),
        };
        self.node(node.number())
    }

    fn take(&self, node: Node, handle: u64, data: &[u8]) -> Result<(), i32> {
        let text = std::str::from_utf8(data).map_err(|_| EINVAL)?;
        let mut hardware = self.hardware();
        match node {
            Node::Export => hardware.export(text),
            Node::Unexport => hardware.unexport(text),
            Node::File(number, file) => {
                hardware.alive(number, handle)?;
                hardware.write(number, file, text)
            }
            _ => Err(EINVAL),
        }
    }
}

/// The kernel caches nothing: exported lines come and go.
const TTL: Duration = Duration::ZERO;

fn attributes(node: Node) -> FileAttr {
    let (kind, perm) = match node {
        Node::Root | Node::Folder(_) => (FileType::Directory, 0o755),
        Node::Export | Node::Unexport => (FileType::RegularFile, 0o200),
        Node::File(..) => (FileType::RegularFile, 0o644),
    };
    FileAttr {
        ino: node.number(),
        size: 4096,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Filesystem for BoardLines {
    fn lookup(&mut self, _: &Request<'_>, parent: u64, name: &OsStr, reply: ReplyEntry) {
        match self.find(parent, name) {
            Ok(node) => reply.entry(&TTL, &attributes(node), 0),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&mut self, _: &Request<'_>, inode: u64, _: Option<u64>, reply: ReplyAttr) {
        match self.node(inode) {
            Ok(node) => reply.attr(&TTL, &attributes(node)),
            Err(errno) => reply.error(errno),
        }
    }

    /// Truncation is allowed and does nothing, as in sysfs.
    #[allow(clippy::too_many_arguments)]
    fn setattr(
        &mut self,
        request: &Request<'_>,
        inode: u64,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        handle: Option<u64>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<u32>,
        reply: ReplyAttr,
    ) {
        self.getattr(request, inode, handle, reply);
    }

    fn open(&mut self, request: &Request<'_>, inode: u64, flags: i32, reply: ReplyOpen) {
        let (reads, writes) = (flags & O_ACCMODE != O_WRONLY, flags & O_ACCMODE != O_RDONLY);
        let owner = self.hardware().owner;
        match self.node(inode) {
            // Files of mode 0644 that udev gave to a user.
            Ok(_) if writes && ![0, owner].contains(&request.uid()) => reply.error(EACCES),
            // Even root may not read what has no reading side.
            Ok(Node::Export | Node::Unexport) if reads => reply.error(EACCES),
            Ok(Node::File(number, _)) => {
                let mut hardware = self.hardware();
                let line = hardware.lines.get_mut(&number).expect("a line");
                if writes && line.locked {
                    line.refused += 1;
                    return reply.error(EACCES);
                }
                reply.opened(line.export, fuser::consts::FOPEN_DIRECT_IO);
            }
            Ok(_) => reply.opened(0, fuser::consts::FOPEN_DIRECT_IO),
            Err(errno) => reply.error(errno),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn read(
        &mut self,
        _: &Request<'_>,
        inode: u64,
        handle: u64,
        offset: i64,
        size: u32,
        _: i32,
        _: Option<u64>,
        reply: ReplyData,
    ) {
        let Some(Node::File(number, file)) = Node::from_number(inode) else { return reply.error(EINVAL) };
        let hardware = self.hardware();
        match hardware.alive(number, handle) {
            Err(errno) => reply.error(errno),
            Ok(()) => {
                let text = format!("{}\n", hardware.read(number, file));
                let rest = text.as_bytes().get(offset as usize..).unwrap_or_default();
                reply.data(&rest[..rest.len().min(size as usize)]);
            }
        }
    }

    /// The offset is ignored, as in sysfs.
    #[allow(clippy::too_many_arguments)]
    fn write(
        &mut self,
        _: &Request<'_>,
        inode: u64,
        handle: u64,
        _: i64,
        data: &[u8],
        _: u32,
        _: i32,
        _: Option<u64>,
        reply: ReplyWrite,
    ) {
        let done = Node::from_number(inode).ok_or(ENOENT).and_then(|node| self.take(node, handle, data));
        match done {
            Ok(()) => reply.written(data.len() as u32),
            Err(errno) => reply.error(errno),
        }
    }

    fn create(&mut self, _: &Request<'_>, _: u64, _: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        reply.error(EACCES);
    }

    fn readdir(&mut self, _: &Request<'_>, inode: u64, _: u64, offset: i64, mut reply: ReplyDirectory) {
        let exported: Vec<u32> =
            self.hardware().lines.iter().filter(|(_, line)| line.exported).map(|(number, _)| *number).collect();
        let entries: Vec<(Node, String)> = match self.node(inode) {
            Ok(Node::Root) => [(Node::Export, "export".to_owned()), (Node::Unexport, "unexport".to_owned())]
                .into_iter()
                .chain(exported.into_iter().map(|number| (Node::Folder(number), format!("gpio{number}"))))
                .collect(),
            Ok(Node::Folder(number)) => {
                FILES.iter().map(|(name, file)| (Node::File(number, *file), (*name).to_owned())).collect()
            }
            Ok(_) => return reply.error(libc::ENOTDIR),
            Err(errno) => return reply.error(errno),
        };
        for (position, (node, name)) in entries.into_iter().enumerate().skip(offset as usize) {
            if reply.add(node.number(), position as i64 + 1, attributes(node).kind, name) {
                break;
            }
        }
        reply.ok();
    }
}

/// The hardware side, which the test controls.
pub struct Gpio(Arc<Mutex<Hardware>>);

impl Gpio {
    /// Puts the stand-in in place of /sys/class/gpio for this test. `None` if the test must be skipped.
    #[track_caller]
    pub fn mount(board: &Board, lines: &[u32]) -> Option<Gpio> {
        if let Err(error) = fs::File::options().read(true).write(true).open("/dev/fuse") {
            skip(&format!("/dev/fuse cannot be opened: {error}"));
            return None;
        }
        let hardware = Arc::new(Mutex::new(Hardware::default()));
        hardware.lock().expect("new").lines.extend(lines.iter().map(|number| (*number, Line::default())));
        let [tmpfs, served] = ["tmpfs", "served"].map(|name| board.path(name));
        for folder in [&tmpfs, &served] {
            fs::create_dir(folder).expect("made");
        }
        // No folder can be made in /sys/class: an overlay adds an empty `gpio`, and the stand-in is bound there.
        mount("tmpfs", &tmpfs, "tmpfs", 0, "");
        let [upper, work] = ["upper/gpio", "work"].map(|name| tmpfs.join(name));
        fs::create_dir_all(&upper).expect("made");
        fs::create_dir(&work).expect("made");
        let options =
            format!("lowerdir=/sys/class,upperdir={},workdir={}", tmpfs.join("upper").display(), work.display());
        mount("overlay", Path::new("/sys/class"), "overlay", 0, &options);
        let session = fuser::spawn_mount2(BoardLines(hardware.clone()), &served, &[fuser::MountOption::AllowOther])
            .expect("FUSE");
        // It serves until the test's process ends, and its mounts go with the namespace.
        std::mem::forget(session);
        mount(served.to_str().expect("UTF-8"), Path::new("/sys/class/gpio"), "", libc::MS_BIND, "");
        Some(Gpio(hardware))
    }

    pub fn hardware(&self) -> MutexGuard<'_, Hardware> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn line(&self, number: u32) -> Line {
        self.hardware().lines[&number].clone()
    }

    /// The levels a line has gone through since it was made: its edges.
    pub fn edges(&self, number: u32) -> Vec<bool> {
        let of_line = |(line, level): &(u32, bool)| (*line == number).then_some(*level);
        self.hardware().edges.iter().filter_map(of_line).collect()
    }
}

fn mount(source: &str, target: &Path, kind: &str, flags: libc::c_ulong, options: &str) {
    let [source, kind, options] = [source, kind, options].map(|text| CString::new(text).expect("no zero byte"));
    let path = CString::new(target.to_str().expect("UTF-8")).expect("no zero byte");
    // SAFETY: C strings that live through the call.
    let done = unsafe { libc::mount(source.as_ptr(), path.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    assert_eq!(done, 0, "mount {}: {}", target.display(), std::io::Error::last_os_error());
}
