//! One segment: created or found, attached, looked at, removed. Detached on drop.
use core::ffi::c_int;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{Error, Key, SysvOp, Words};
use crate::errno::Errno;

/// The kernel's number of a segment. Unlike a key it is never given twice in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(c_int);

impl Id {
    /// The segment with this number; `None` for -1, which stands for none.
    pub fn known(raw: i32) -> Option<Id> {
        (raw >= 0).then_some(Id(raw))
    }

    /// The number, as `ipcs -m` shows it under shmid.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// Looks at the segment without attaching it.
    ///
    /// # Errors
    /// EIDRM or EINVAL: removed meanwhile. EACCES: the mode forbids reading.
    pub fn stat(self) -> Result<Stat, Error> {
        // SAFETY: `shmid_ds` is integers only; all zeros is a value of it.
        let mut ds: libc::shmid_ds = unsafe { mem::zeroed() };
        // SAFETY: IPC_STAT writes one `shmid_ds`, which `ds` is.
        if unsafe { libc::shmctl(self.0, libc::IPC_STAT, &mut ds) } == -1 {
            return Err(Error { op: SysvOp::Stat, errno: Errno::last() });
        }
        Ok(Stat::from(&ds))
    }

    /// Marks the segment destroyed: the key is free at once, the memory goes with the last who is attached.
    ///
    /// # Errors
    /// EPERM: neither owner nor creator nor root. EIDRM or EINVAL: another process did it.
    pub fn remove(self) -> Result<(), Error> {
        // SAFETY: IPC_RMID takes no pointer.
        match unsafe { libc::shmctl(self.0, libc::IPC_RMID, ptr::null_mut()) } {
            -1 => Err(Error { op: SysvOp::Remove, errno: Errno::last() }),
            _ => Ok(()),
        }
    }

    /// Sets its permissions and, if given, its group.
    ///
    /// # Errors
    /// EPERM: neither owner nor creator nor root.
    pub fn set_permissions(self, mode: u32, group: Option<u32>) -> Result<(), Error> {
        // SAFETY: as in `stat`.
        let mut ds: libc::shmid_ds = unsafe { mem::zeroed() };
        // SAFETY: IPC_STAT writes one `shmid_ds`.
        if unsafe { libc::shmctl(self.0, libc::IPC_STAT, &mut ds) } == -1 {
            return Err(Error { op: SysvOp::Set, errno: Errno::last() });
        }
        ds.shm_perm.mode = (mode & 0o777) as _;
        if let Some(group) = group {
            ds.shm_perm.gid = group;
        }
        // SAFETY: IPC_SET reads one `shmid_ds`.
        match unsafe { libc::shmctl(self.0, libc::IPC_SET, &mut ds) } {
            -1 => Err(Error { op: SysvOp::Set, errno: Errno::last() }),
            _ => Ok(()),
        }
    }
}

/// What the kernel knows of a segment ([shmctl(2)], IPC_STAT).
///
/// [shmctl(2)]: https://man7.org/linux/man-pages/man2/shmctl.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// In bytes.
    pub size: usize,
    /// How many times it is attached, by us too.
    pub attached: u32,
    /// Owner's user id.
    pub uid: u32,
    /// Owner's group id.
    pub gid: u32,
    /// Creator's user id: the creator, too, may set and remove.
    pub creator: u32,
    /// The permissions, 0 to 0o777.
    pub mode: u32,
    /// Marked destroyed: the key does not lead here any more.
    pub destroyed: bool,
}

/// `SHM_DEST` of linux/shm.h, in the mode.
const DESTROYED: u32 = 0o1000;

impl From<&libc::shmid_ds> for Stat {
    #[allow(clippy::unnecessary_cast)] // the widths differ between C libraries
    fn from(ds: &libc::shmid_ds) -> Stat {
        let mode = ds.shm_perm.mode as u32;
        Stat {
            size: ds.shm_segsz as usize,
            attached: ds.shm_nattch as u32,
            uid: ds.shm_perm.uid,
            gid: ds.shm_perm.gid,
            creator: ds.shm_perm.cuid,
            mode: mode & 0o777,
            destroyed: mode & DESTROYED != 0,
        }
    }
}

/// How a segment is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Loads only: stores would fault, so there is no [`Segment::view`].
    ReadOnly,
    /// Loads and stores.
    ReadWrite,
}

/// An attached segment. It stays readable after its removal, until it is dropped.
#[derive(Debug)]
pub struct Segment {
    id: Id,
    base: NonNull<AtomicU32>,
    words: usize,
    /// How many bytes may be stored to: all, or none.
    writable: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and gives out atomics only.
unsafe impl Send for Segment {}

impl Segment {
    /// The segment that has this key now.
    ///
    /// # Errors
    /// ENOENT: none has.
    pub fn find(key: Key) -> Result<Id, Error> {
        // SAFETY: shmget takes no pointer. Size 0 asks for a segment of any size, mode 0 for no permission.
        match unsafe { libc::shmget(key.raw(), 0, 0) } {
            -1 => Err(Error { op: SysvOp::Get, errno: Errno::last() }),
            id => Ok(Id(id)),
        }
    }

    /// Creates a segment of zeros and attaches it, read-write. It fails where the key is used, so that the
    /// segment of another user is never taken for one's own.
    ///
    /// # Errors
    /// EEXIST: the key is taken. ENOSPC: SHMMNI or SHMALL. EINVAL: above SHMMAX. ENOMEM.
    pub fn create(key: Key, size: usize, mode: u32) -> Result<Segment, Error> {
        let flags = libc::IPC_CREAT | libc::IPC_EXCL | (mode & 0o777) as c_int;
        // SAFETY: shmget takes no pointer.
        match unsafe { libc::shmget(key.raw(), size, flags) } {
            -1 => Err(Error { op: SysvOp::Create, errno: Errno::last() }),
            id => Segment::attach_id(Id(id), Access::ReadWrite),
        }
    }

    /// Creates a segment that no key leads to, not attached.
    ///
    /// # Errors
    /// ENOSYS: the kernel has no System V memory. ENOSPC, ENOMEM.
    pub fn private(size: usize) -> Result<Id, Error> {
        // SAFETY: shmget takes no pointer.
        match unsafe { libc::shmget(libc::IPC_PRIVATE, size, 0o600) } {
            -1 => Err(Error { op: SysvOp::Create, errno: Errno::last() }),
            id => Ok(Id(id)),
        }
    }

    /// Attaches the segment with this key, whatever its size.
    ///
    /// # Errors
    /// ENOENT; EACCES; EIDRM: removed meanwhile; ENOMEM.
    pub fn attach(key: Key, access: Access) -> Result<Segment, Error> {
        Segment::attach_id(Segment::find(key)?, access)
    }

    /// Attaches this segment, whatever its size. See [`Segment::attach`].
    pub fn attach_id(id: Id, access: Access) -> Result<Segment, Error> {
        let found = id.stat()?.size;
        let flags = match access {
            Access::ReadOnly => libc::SHM_RDONLY,
            Access::ReadWrite => 0,
        };
        // SAFETY: with a null address the kernel chooses one, so nothing of ours is covered. (A fixed one is EINVAL
        // under qemu-user.)
        let address = unsafe { libc::shmat(id.0, ptr::null(), flags) };
        // -1 stands for failure; shmat gives page-aligned addresses, and never null.
        match NonNull::new(address.cast::<AtomicU32>()) {
            Some(base) if address as isize != -1 => {
                let writable = if access == Access::ReadWrite { found } else { 0 };
                Ok(Segment { id, base, words: found / mem::size_of::<u32>(), writable })
            }
            _ => Err(Error { op: SysvOp::Attach, errno: Errno::last() }),
        }
    }

    /// Attaches the segment with this key, read-write and whatever its size, or creates it with `size` bytes. Gives whether it
    /// created it.
    ///
    /// # Errors
    /// Those of [`Segment::attach`] and [`Segment::create`].
    pub fn open_or_create(key: Key, size: usize, mode: u32) -> Result<(Segment, bool), Error> {
        // Another process may create or remove it between the two calls; a storm of that is an error, not a loop.
        let mut tries = 8;
        loop {
            tries -= 1;
            let error = match Segment::attach(key, Access::ReadWrite) {
                Ok(segment) => return Ok((segment, false)),
                Err(Error { op: SysvOp::Get, errno: Errno::ENOENT }) => match Segment::create(key, size, mode) {
                    Ok(segment) => return Ok((segment, true)),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let gone = error.op != SysvOp::Get && matches!(error.errno, Errno::EIDRM | Errno::EINVAL);
            if tries == 0 || !(gone || error.errno == Errno::EEXIST) {
                return Err(error);
            }
        }
    }

    /// The kernel's number of it.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.words * mem::size_of::<u32>()
    }

    /// See [`Id::stat`].
    ///
    /// # Errors
    /// Those of [`Id::stat`].
    pub fn stat(&self) -> Result<Stat, Error> {
        self.id.stat()
    }

    /// The segment as a structure of atomic words; `None` if it is smaller than the structure, or attached read-only, where
    /// a store would fault.
    pub fn view<T: Words<AtomicU32>>(&self) -> Option<&T> {
        // One comparison, for this is most of what an idle round does.
        if mem::size_of::<T>() > self.writable {
            return None;
        }
        // SAFETY: the mapping is page-aligned, large enough (checked), lives as long as `self`, and `Words` promises
        // that `T` is atomic words only, which others may write at any time.
        Some(unsafe { self.base.cast().as_ref() })
    }

    /// One word, relaxed, also of a read-only attachment; `None` past the end.
    pub fn load(&self, word: usize) -> Option<u32> {
        self.word(word).map(|word| word.load(Ordering::Relaxed))
    }

    /// One word, for a call that only loads it, such as a futex wake; `None` past the end. Not to be stored to: a store into
    /// a read-only attachment faults.
    pub fn word(&self, word: usize) -> Option<&AtomicU32> {
        self.words().get(word)
    }

    /// Not to be stored to: see [`Segment::word`].
    fn words(&self) -> &[AtomicU32] {
        // SAFETY: the mapping holds `words` words as long as `self` lives.
        unsafe { slice::from_raw_parts(self.base.as_ptr(), self.words) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: `base` came from shmat and is detached only here; every view borrowed `self`.
        unsafe { libc::shmdt(self.base.as_ptr().cast()) };
    }
}
