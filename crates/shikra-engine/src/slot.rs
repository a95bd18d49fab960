//! Handler futures in blocks from a per-thread pool: a type-erased call without an allocation.
//!
//! [`SlotFuture`] is a `Pin<Box<dyn Future>>` whose memory comes from, and goes back to, a small
//! pool of the thread. It lives on one thread only. Because each future owns a block of its own,
//! it may be forgotten (the block is lost, never reused), dropped in any order, or panic in `poll`
//! and in `drop`. A future that is over is dropped at once, and its block goes back. [`BoxFuture`]
//! is its safe twin, which the tests hold it against.

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
pub struct SlotFuture<T: 'static> {
    /// Where the future is; `None` when it is over, and gone.
    block: Option<NonNull<u8>>,
    calls: &'static Calls<T>,
    // Neither `Send` nor `Sync`: the block belongs to the pool of the thread that made it.
    thread_bound: PhantomData<*mut ()>,
}

/// What can be done with a future whose type is forgotten.
///
/// A `dyn Future` has as much, but would have to be asked for its size, and dropped by a second call.
struct Calls<T> {
    /// Polls the future in the block; when it is over, drops it, gives the block back and takes it away.
    ///
    /// The block must be one that a future of the type of these calls was written into.
    poll: unsafe fn(&mut Option<NonNull<u8>>, &mut Context<'_>, &mut Poll<T>),
    /// Drops the future in the block and gives that back. It must be such a block, and not be used again.
    drop: unsafe fn(NonNull<u8>),
}

struct CallsOf<F>(PhantomData<F>);

impl<F: Future + 'static> CallsOf<F> {
    const CALLS: &'static Calls<F::Output> = &Calls { poll: poll::<F>, drop: drop_in::<F> };
}

impl<T: 'static> SlotFuture<T> {
    /// Moves `future` into a block.
    #[inline]
    pub fn new<F: Future<Output = T> + 'static>(future: F) -> Self {
        Self::with(move || future)
    }

    /// Makes a future in a block. What is small is written there at once, instead of first elsewhere.
    #[inline]
    pub fn with<F: Future<Output = T> + 'static>(make: impl FnOnce() -> F) -> Self {
        let block = take_block(Layout::new::<F>());
        // Gives the block back if `make` panics.
        let guard = GiveBack { block, layout: Layout::new::<F>() };
        // SAFETY: `take_block` returns memory that is valid for this layout, and nobody else
        // has a pointer to it.
        #[allow(unsafe_code)]
        unsafe {
            block.cast::<F>().write(make());
        }
        std::mem::forget(guard);
        Self { block: Some(block), calls: CallsOf::<F>::CALLS, thread_bound: PhantomData }
    }

    /// Polls the future, and puts what it says into `place`, whose own value is forgotten. A large value is moved less
    /// often than if it was returned.
    ///
    /// # Panics
    /// When the future is over.
    #[inline]
    pub fn poll_into(&mut self, cx: &mut Context<'_>, place: &mut Poll<T>) {
        // SAFETY: the block is the one that `new` wrote a future of this type into.
        #[allow(unsafe_code)]
        unsafe {
            (self.calls.poll)(&mut self.block, cx, place);
        }
    }
}

impl<T: 'static> Future for SlotFuture<T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut place = Poll::Pending;
        self.poll_into(cx, &mut place);
        place
    }
}

impl<T: 'static> Drop for SlotFuture<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: as in `poll`; the block is still there, so the future is too, and nobody uses it afterwards.
            #[allow(unsafe_code)]
            unsafe {
                (self.calls.drop)(block);
            }
        }
    }
}

/// [`Calls::poll`] of `F`.
#[allow(unsafe_code)]
unsafe fn poll<F: Future>(
    block: &mut Option<NonNull<u8>>,
    cx: &mut Context<'_>,
    place: &mut Poll<F::Output>,
) {
    let Some(future) = *block else { panic!("a future is polled after its end") };
    // SAFETY: the caller says that an `F` was written there; it is dropped only when the block is taken away. The
    // borrow of the block makes this the only reference to it.
    let pinned = unsafe { future.cast::<F>().as_mut() };
    // SAFETY: the future stays in its block until it is dropped there, so it never moves.
    let pinned = unsafe { Pin::new_unchecked(pinned) };
    std::mem::forget(std::mem::replace(place, pinned.poll(cx)));
    if place.is_ready() {
        *block = None;
        // SAFETY: as above; from the line before on nobody finds it any more.
        unsafe {
            drop_in::<F>(future);
        }
    }
}

/// [`Calls::drop`] of `F`.
#[allow(unsafe_code)]
unsafe fn drop_in<F>(block: NonNull<u8>) {
    // Gives the block back even if the future's destructor panics.
    let _block = GiveBack { block, layout: Layout::new::<F>() };
    // SAFETY: the caller says that an `F` is there, and does not use it again.
    unsafe {
        block.cast::<F>().drop_in_place();
    }
}

impl<T: 'static> fmt::Debug for SlotFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotFuture")
    }
}

struct GiveBack {
    block: NonNull<u8>,
    layout: Layout,
}

impl Drop for GiveBack {
    #[inline]
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
