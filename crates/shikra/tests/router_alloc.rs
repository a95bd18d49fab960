//! The router allocates nothing once its buffers have grown. A binary of its own, since it has an
//! allocator of its own.
#![expect(unsafe_code, reason = "an allocator that counts can only be written with it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use http::Method;
use shikra::router::{
    Params, PathCase, PathView, Pattern, Prefix, PrefixSet, RouterBuilder, Settings,
};

/// Counts the allocations of the thread that asks, since the test harness has threads too.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to `System` as it came; the count is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same for `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `System`, see `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const ROUTES: [&str; 6] =
    ["/", "/users", "/users/:id", "/users/:id/books/:book?", "/m/:t.mp4", "/files/*"];

/// Plain, encoded, decomposed, missing and malformed ones.
const PATHS: [&str; 12] = [
    "/",
    "/users",
    "/USERS",
    "/users/7",
    "/users/7/books",
    "/users/7/books/t",
    "/users/J%C3%BCrgen/books/cafe%CC%81",
    "/%75sers/7",
    "/m/a.b.mp4",
    "/files/a/b%2Fc/d",
    "/none/of/these",
    "/users/%ff",
];

#[test]
fn finds_without_allocating() {
    for case in [PathCase::Sensitive, PathCase::Insensitive] {
        let mut builder = RouterBuilder::new(Settings::new().with_path_case(case));
        for route in ROUTES {
            builder.insert(Method::GET.into(), Pattern::parse(route).unwrap(), ()).unwrap();
        }
        let router = builder.build();
        let mut bases = PrefixSet::new(case);
        bases.insert(&Prefix::parse("/users/:id").unwrap(), ());
        let mut params = Params::new();
        let mut visit = |path: &str| {
            for method in [&Method::DELETE, &Method::HEAD, &Method::GET] {
                router.find(method, PathView::new(path), &mut params);
            }
            let values = params.named(&router, path).iter().map(|(_, value)| value.len());
            values.sum::<usize>() + bases.matches(&params, path).count()
        };
        // Lower case beyond ASCII depends on its surroundings and is the one thing that allocates.
        let counted = |path: &&&str| case == PathCase::Sensitive || !path.contains("%C");
        let all = |visit: &mut dyn FnMut(&str) -> usize| -> usize {
            PATHS.iter().filter(counted).map(|path| visit(path)).sum()
        };
        let once = all(&mut visit);
        let before = COUNT.get();
        for _ in 0..100 {
            assert_eq!(all(&mut visit), once);
        }
        assert_eq!(COUNT.get(), before, "{case:?}");
        assert!(before > 0 && once > 0, "the warm-up allocates, and values are found");
    }
}
