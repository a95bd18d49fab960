use super::*;

fn seen(cell: &BodyCell) -> String {
    format!("{cell:?} {:?} {}", cell.announced_len(), cell.received_len())
}

#[test]
fn a_whole_body_is_as_one_that_came_in_steps() {
    for len in [1, 2, 1000] {
        let (short, naive) = (BodyCell::default(), BodyCell::default());
        let bytes = Bytes::from(vec![b'x'; len]);
        short.open_whole(&bytes);
        naive.open(Some(len as u64));
        assert!(naive.push(bytes.clone()));
        naive.complete(FieldLines::new());
        assert_eq!(outside(&short), outside(&naive));
        let mut cx = Context::from_waker(Waker::noop());
        for cell in [&short, &naive] {
            assert_eq!(cell.poll_chunk(&mut cx), Poll::Ready(Some(Ok(bytes.clone()))));
        }
        assert_eq!(outside(&short), outside(&naive));
        for cell in [&short, &naive] {
            assert_eq!(cell.poll_chunk(&mut cx), Poll::Ready(None));
        }
    }
}

/// What readers see of a body without taking any of it.
fn outside(cell: &BodyCell) -> String {
    let flags = (cell.is_at_end(), cell.is_complete(), cell.is_paused(), cell.is_aborted());
    format!("{:?} {} {flags:?}", cell.announced_len(), cell.received_len())
}

#[test]
fn a_body_that_was_read_in_place_stays_as_a_collected_one_does() {
    let mut cx = Context::from_waker(Waker::noop());
    let (read, unread) = (BodyCell::default(), BodyCell::default());
    read.open_whole(b"body");
    unread.open_whole(b"body");
    for _ in 0..2 {
        assert_eq!(read.whole_in_place().as_deref(), Some(&b"body"[..]));
    }
    assert!(read.is_shared() && !unread.is_shared());
    read.end();
    unread.end();
    assert_eq!(read.whole_in_place().as_deref(), Some(&b"body"[..]));
    assert!(unread.whole_in_place().is_none());
    assert_eq!(read.poll_chunk(&mut cx), Poll::Ready(Some(Ok(Bytes::from_static(b"body")))));
    assert_eq!(unread.poll_chunk(&mut cx), Poll::Ready(Some(Err(BodyError::Over))));
    assert!(read.whole_in_place().is_none());
}

#[test]
fn a_whole_body_over_its_limit_is_refused() {
    let cell = BodyCell::default();
    cell.open_whole(b"body");
    cell.set_max(3, Oversize::Respond);
    assert!(cell.whole_in_place().is_none());
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(cell.poll_chunk(&mut cx), Poll::Ready(Some(Err(BodyError::TooLarge(3)))));
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
    cell.open_whole(&[b'x'; WHOLE_BYTES_KEPT_MAX + 1]);
    assert!(cell.whole_in_place().is_some());
    cell.reset();
    assert_eq!(cell.state.borrow().whole.capacity(), 0);
    assert_eq!(seen(&cell), seen(&BodyCell::default()));
    assert!(cell.state.borrow().chunks.capacity() <= CHUNKS_KEPT_MAX);
}
