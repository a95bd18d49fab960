//! A sort for few things.

/// Sorts, stably, what a program has few of: little code, where std's sort is much, for each type anew. Not for
/// what a peer sends, since it takes the square of the length.
pub(crate) fn sort_few<T>(items: &mut [T], is_before: impl Fn(&T, &T) -> bool) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && is_before(&items[at], &items[at - 1]) {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}
