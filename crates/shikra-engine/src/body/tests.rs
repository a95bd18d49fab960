use super::*;

fn seen(cell: &BodyCell) -> String {
    format!("{cell:?} {:?} {}", cell.announced_len(), cell.received_len())
}

#[test]
fn a_whole_body_is_as_one_that_came_in_steps() {
    for len in [1, 2, 1000] {
        let (short, naive) = (BodyCell::default(), BodyCell::default());
        let bytes = Bytes::from(vec![b'x'; len]);
        short.open_whole(bytes.clone());
        naive.open(Some(len as u64));
        assert!(naive.push(bytes));
        naive.complete(FieldLines::new());
        assert_eq!(seen(&short), seen(&naive));
    }
}

#[test]
fn a_reset_body_is_as_new() {
    let mut cell = BodyCell::default();
    cell.open(None);
    cell.set_max(3, Oversize::Abort);
    cell.set_connection(Waker::noop());
    assert!(cell.poll_chunk(&mut Context::from_waker(Waker::noop())).is_pending());
    cell.on_complete(|_| ());
    for _ in 0..100 {
        cell.push(Bytes::new());
    }
    assert!(!cell.push(Bytes::from_static(b"long")));
    let mut trailers = FieldLines::new();
    trailers.try_append("x", b"y").unwrap();
    cell.complete(trailers);
    cell.reset();
    assert_eq!(seen(&cell), seen(&BodyCell::default()));
    assert!(cell.state.borrow().chunks.capacity() <= CHUNKS_KEPT_MAX);
}
