//! `allocations`: for each case the allocations of one render and their bytes. A program of its
//! own, because counting takes time.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use templates::cases;

#[global_allocator]
static COUNTER: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    for case in cases() {
        let mut render = case.prepare();
        // What is made once, at the first page, is not counted.
        for _ in 0..WARM_UP {
            drop(render());
        }
        let region = Region::new(COUNTER);
        for _ in 0..RENDERS {
            drop(render());
        }
        let stats = region.change();
        let count = (stats.allocations + stats.reallocations) / RENDERS;
        let bytes = stats.bytes_allocated / RENDERS;
        println!("{} {} {} {count} {bytes}", case.engine, case.page, case.data);
    }
}

const WARM_UP: usize = 3;
const RENDERS: usize = 100;
