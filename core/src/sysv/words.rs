//! Structures that are nothing but 32-bit words, so that memory that other processes write can be copied word by word.
use core::mem;
use core::slice;
use core::sync::atomic::AtomicU32;

/// A 32-bit word: `u32`, or `AtomicU32` where other processes write.
pub trait Word: sealed::Sealed {}
impl Word for u32 {}
impl Word for AtomicU32 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for super::AtomicU32 {}
}

/// A structure that is nothing but words `W`.
///
/// # Safety
/// The type is `repr(C)`, and every byte of it belongs to a `W`.
pub unsafe trait Words<W: Word>: Sized {}

/// The structure as its words.
pub fn words<W: Word, T: Words<W>>(structure: &T) -> &[W] {
    let count = mem::size_of::<T>() / mem::size_of::<W>();
    // SAFETY: `Words` promises that the structure is an unbroken row of `W`, borrowed as long as the slice.
    unsafe { slice::from_raw_parts((structure as *const T).cast(), count) }
}

/// The structure as its words, to fill it.
pub fn words_mut<T: Words<u32>>(structure: &mut T) -> &mut [u32] {
    let count = mem::size_of::<T>() / mem::size_of::<u32>();
    // SAFETY: as in `words`; any `u32` is a valid one, and the borrow is unique.
    unsafe { slice::from_raw_parts_mut((structure as *mut T).cast(), count) }
}
