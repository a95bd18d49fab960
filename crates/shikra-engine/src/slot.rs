//! Handler futures in blocks from a per-thread pool: a type-erased call without an allocation.
//!
//! [`SlotFuture`] is a `Pin<Box<dyn Future>>` whose memory comes from, and goes back to, a small
//! pool of the thread. It lives on one thread only. Because each future owns a block of its own,
//! it may be forgotten (the block is lost, never reused), dropped in any order, or panic in `poll`
//! and in `drop`. [`BoxFuture`] is its safe twin, which the tests hold it against.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// The safe twin of [`SlotFuture`]: one allocation a call.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// A type-erased future of this thread, in a pooled block.
///
/// ```
/// use shikra_engine::slot::SlotFuture;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(runtime.block_on(SlotFuture::new(async { 7 })), 7);
/// ```
pub struct SlotFuture<T> {
    future: NonNull<dyn Future<Output = T>>,
    // Neither `Send` nor `Sync`: the block belongs to the pool of the thread that made it.
    thread_bound: PhantomData<*mut ()>,
}

impl<T> SlotFuture<T> {
    /// Moves `future` into a block.
    pub fn new<F: Future<Output = T> + 'static>(future: F) -> Self {
        let block = take_block(Layout::new::<F>()).cast::<F>();
        // SAFETY: `take_block` returns memory that is valid for this layout, and nobody else
        // has a pointer to it.
        #[allow(unsafe_code)]
        unsafe {
            block.write(future);
        }
        let future: NonNull<dyn Future<Output = T>> = block;
        Self { future, thread_bound: PhantomData }
    }
}

impl<T> Future for SlotFuture<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: `future` was written by `new` and is dropped only by `Drop`, so it is valid; the
        // exclusive borrow of `self` makes this the only reference to it.
        #[allow(unsafe_code)]
        let future = unsafe { self.future.as_mut() };
        // SAFETY: the future stays in its block until it is dropped there, so it never moves.
        #[allow(unsafe_code)]
        let future = unsafe { Pin::new_unchecked(future) };
        future.poll(cx)
    }
}

impl<T> Drop for SlotFuture<T> {
    fn drop(&mut self) {
        // SAFETY: see `poll`: the value is alive until the next line.
        #[allow(unsafe_code)]
        let layout = Layout::for_value(unsafe { self.future.as_ref() });
        // Gives the block back even if the future's destructor panics.
        let _block = GiveBack { block: self.future.cast(), layout };
        // SAFETY: dropped once, here; nothing touches the value afterwards.
        #[allow(unsafe_code)]
        unsafe {
            self.future.drop_in_place();
        }
    }
}

impl<T> fmt::Debug for SlotFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotFuture")
    }
}

struct GiveBack {
    block: NonNull<u8>,
    layout: Layout,
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        give_back(self.block, self.layout);
    }
}

thread_local! {
    static POOL: Pool = const { Pool([const { FreeBlocks::new() }; CLASSES]) };
}

/// Free blocks of this thread and one size class. Each begins with the place of the next, so that keeping them
/// takes no other memory and few steps (gate, plaintext: 24 of 2125 instructions a request, against lists beside
/// them).
struct FreeBlocks {
    first: Cell<Option<NonNull<Next>>>,
    len: Cell<usize>,
}

/// What stands in a free block.
type Next = Option<NonNull<u8>>;

impl FreeBlocks {
    const fn new() -> Self {
        Self { first: Cell::new(None), len: Cell::new(0) }
    }

    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        let block = self.first.get()?;
        // SAFETY: `keep` wrote this place, and nobody else has had the block since.
        #[allow(unsafe_code)]
        let next = unsafe { block.read() };
        self.first.set(next.map(NonNull::cast));
        self.len.set(self.len.get() - 1);
        Some(block.cast())
    }

    /// Takes a block of this class, which nobody uses any more.
    #[inline]
    fn keep(&self, block: NonNull<u8>) {
        let block = block.cast::<Next>();
        // SAFETY: a block of a class has room for this and is aligned for it, and it is the pool's now.
        #[allow(unsafe_code)]
        unsafe {
            block.write(self.first.get().map(NonNull::cast));
        }
        self.first.set(Some(block));
        self.len.set(self.len.get() + 1);
    }
}

/// Frees the blocks at the thread's end.
struct Pool([FreeBlocks; CLASSES]);

impl Drop for Pool {
    fn drop(&mut self) {
        for (class, blocks) in self.0.iter().enumerate() {
            while let Some(block) = blocks.take() {
                free(block, class_layout(class));
            }
        }
    }
}

#[inline]
fn take_block(layout: Layout) -> NonNull<u8> {
    let Some(class) = class_of(layout) else { return fresh(layout) };
    // The pool is gone while the thread's other locals are dropped: then the allocator serves.
    POOL.try_with(|pool| pool.0.get(class).and_then(FreeBlocks::take))
        .ok()
        .flatten()
        .unwrap_or_else(|| fresh(class_layout(class)))
}

#[inline]
fn give_back(block: NonNull<u8>, layout: Layout) {
    let Some(class) = class_of(layout) else { return free(block, layout) };
    let kept = POOL.try_with(|pool| {
        let blocks = pool.0.get(class).filter(|blocks| blocks.len.get() < BLOCKS_KEPT_MAX >> class);
        blocks.map(|blocks| blocks.keep(block)).is_some()
    });
    if !kept.unwrap_or(false) {
        free(block, class_layout(class));
    }
}

#[cold]
fn fresh(layout: Layout) -> NonNull<u8> {
    if layout.size() == 0 {
        // A zero-sized value needs no memory, only an address of its alignment.
        return NonNull::new(std::ptr::without_provenance_mut(layout.align()))
            .expect("an alignment is not zero");
    }
    // SAFETY: the size is not zero.
    #[allow(unsafe_code)]
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
fn free(block: NonNull<u8>, layout: Layout) {
    if layout.size() != 0 {
        // SAFETY: every block comes from `fresh` with this very layout: its own for odd ones, that
        // of its class for the others, since `class_of` depends on the layout alone.
        #[allow(unsafe_code)]
        unsafe {
            dealloc(block.as_ptr(), layout);
        }
    }
}

/// The class of a layout; `None` if it is larger or more strictly aligned than any block.
#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    if layout.size() > CLASS_MIN << (CLASSES - 1) || layout.align() > ALIGN {
        return None;
    }
    // As many bits as the number of blocks beyond the first has.
    let further = layout.size().saturating_sub(1) / CLASS_MIN;
    Some((usize::BITS - further.leading_zeros()) as usize)
}

fn class_layout(class: usize) -> Layout {
    Layout::from_size_align(CLASS_MIN << class, ALIGN)
        .expect("the classes are a few small powers of two")
}

/// The smallest block, in bytes; each class is twice the one before.
const CLASS_MIN: usize = 64;
/// 64 bytes to 8 KiB; larger futures go to the allocator.
const CLASSES: usize = 8;
const ALIGN: usize = 16;
/// Free blocks kept of the smallest class; each further class keeps half as many, so that no
/// class holds more than 128 KiB.
const BLOCKS_KEPT_MAX: usize = 2048;

#[cfg(test)]
mod tests;
