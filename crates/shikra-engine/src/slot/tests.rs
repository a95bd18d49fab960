use super::*;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Waker;

fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

struct CountsDrop(Rc<Cell<u32>>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn classes_cover_every_size_once() {
    for size in 0..=(CLASS_MIN << (CLASSES - 1)) {
        let class = class_of(Layout::from_size_align(size, 8).unwrap()).unwrap();
        assert!(class_layout(class).size() >= size);
        assert!(class == 0 || class_layout(class - 1).size() < size, "{size}");
    }
    assert_eq!(class_of(Layout::from_size_align(8193, 8).unwrap()), None);
    assert_eq!(class_of(Layout::from_size_align(8, 32).unwrap()), None);
}

#[test]
fn a_class_is_the_first_whose_blocks_are_large_enough() {
    for align in [1, 2, 4, 8, 16, 32, 64] {
        for size in 0..=2 * (CLASS_MIN << (CLASSES - 1)) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let naive = (0..CLASSES).find(|class| size <= CLASS_MIN << class && align <= ALIGN);
            assert_eq!(class_of(layout), naive, "{layout:?}");
        }
    }
}

#[test]
fn agrees_with_a_boxed_future_for_all_sizes() {
    fn check<const N: usize>() {
        let make = || async {
            let bytes = [3_u8; N];
            let mut waited = false;
            std::future::poll_fn(|_| {
                if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            bytes.iter().map(|&b| usize::from(b)).sum::<usize>()
        };
        let mut slot = SlotFuture::new(make());
        let mut twin: BoxFuture<usize> = Box::pin(make());
        assert_eq!(poll_once(&mut slot), poll_once(&mut twin));
        assert_eq!(poll_once(&mut slot), poll_once(&mut twin));
    }
    check::<0>();
    check::<1>();
    check::<63>();
    check::<500>();
    check::<8000>();
    check::<8192>();
    check::<100_000>();
}

#[test]
fn a_block_is_reused_after_drop() {
    let first = SlotFuture::new(std::future::ready([1_u64; 9]));
    let place = first.block;
    drop(first);
    let second = SlotFuture::new(std::future::ready([2_u64; 9]));
    assert_eq!(second.block, place);
}

#[test]
fn a_block_whose_future_is_never_made_goes_back() {
    let first = SlotFuture::new(std::future::ready([1_u64; 9]));
    let place = first.block;
    drop(first);
    let make = || -> std::future::Ready<[u64; 9]> { panic!("in the making") };
    assert!(catch_unwind(AssertUnwindSafe(|| SlotFuture::with(make))).is_err());
    assert_eq!(SlotFuture::new(std::future::ready([2_u64; 9])).block, place);
}

#[test]
fn a_block_is_reused_once_its_future_is_over() {
    let drops = Rc::new(Cell::new(0));
    let guard = CountsDrop(Rc::clone(&drops));
    let mut first = SlotFuture::new(std::future::poll_fn(move |_| {
        let _guard = &guard;
        Poll::Ready([1_u64; 9])
    }));
    let place = first.block;
    assert_eq!(poll_once(&mut first), Poll::Ready([1; 9]));
    assert_eq!((drops.get(), first.block), (1, None));
    let second = SlotFuture::new(std::future::ready(7_u32));
    assert_eq!(second.block, place);
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(&mut first))).is_err());
    drop(first);
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_future_that_panics_as_it_is_dropped_at_its_end_is_dropped_once() {
    struct PanicsOnDrop(CountsDrop);
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let drops = Rc::new(Cell::new(0));
    let bomb = PanicsOnDrop(CountsDrop(Rc::clone(&drops)));
    let mut future = SlotFuture::new(std::future::poll_fn(move |_| {
        let _bomb = &bomb.0;
        Poll::Ready(5)
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(&mut future))).is_err());
    assert_eq!((drops.get(), future.block), (1, None));
    drop(future);
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_forgotten_future_loses_its_block_and_harms_nobody() {
    let drops = Rc::new(Cell::new(0));
    let guard = CountsDrop(Rc::clone(&drops));
    let first = SlotFuture::new(async move { drop(guard) });
    let place = first.block;
    std::mem::forget(first);
    let second = SlotFuture::new(std::future::ready(7_u32));
    assert_ne!(second.block, place);
    assert_eq!(drops.get(), 0);
}

#[test]
fn drops_in_any_order() {
    let drops = Rc::new(Cell::new(0));
    let mut all: Vec<_> = (0..50)
        .map(|_| {
            let guard = CountsDrop(Rc::clone(&drops));
            SlotFuture::new(async move {
                std::future::pending::<()>().await;
                drop(guard);
            })
        })
        .collect();
    for future in &mut all {
        assert!(poll_once(future).is_pending());
    }
    while !all.is_empty() {
        drop(all.swap_remove(all.len() / 2));
    }
    assert_eq!(drops.get(), 50);
}

#[test]
fn survives_a_panic_in_poll_and_in_drop() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let mut first = SlotFuture::new(async { panic!("in poll") });
    let poll: Result<Poll<()>, _> = catch_unwind(AssertUnwindSafe(|| poll_once(&mut first)));
    assert!(poll.is_err());
    drop(first);

    let bomb = PanicsOnDrop;
    let second = SlotFuture::new(async move {
        std::future::pending::<()>().await;
        drop(bomb);
    });
    assert!(catch_unwind(AssertUnwindSafe(|| drop(second))).is_err());
    let mut third = SlotFuture::new(async { 5 });
    assert_eq!(poll_once(&mut third), Poll::Ready(5));
}

#[test]
fn the_pool_keeps_a_bounded_number_of_blocks() {
    let all: Vec<_> = (0..5000).map(|n: u64| SlotFuture::new(std::future::ready(n))).collect();
    drop(all);
    POOL.with(|pool| assert!(pool.0[0].len.get() <= BLOCKS_KEPT_MAX));
}
