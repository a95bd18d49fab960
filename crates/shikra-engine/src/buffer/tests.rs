use super::*;
use crate::rt::pipe;
use proptest::prelude::*;
use std::task::{Context, Poll, Waker};

fn read_some(io: &mut impl Io, max: usize) -> Vec<u8> {
    let mut buf = vec![0; max];
    match io.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf) {
        Poll::Ready(Ok(len)) => buf[..len].to_vec(),
        _ => Vec::new(),
    }
}

/// Bytes that are not the same at other places.
fn pattern(len: usize, start: usize) -> Vec<u8> {
    (start..start + len).map(|i| u8::try_from(i % 251).unwrap_or(0)).collect()
}

/// Places in a buffer and lengths; more than one write takes are among them.
fn pieces() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0_usize..400, 0_usize..300), 0..2 * PIECES_MAX)
}

proptest! {
    /// Whatever the sizes and however slowly the peer reads: the same bytes, in order.
    #[test]
    fn keeps_every_byte_in_order(
        sends in prop::collection::vec((0_usize..300, pieces(), 0_usize..200), 1..40),
        capacity in 1_usize..128,
    ) {
        let (mut near, mut far) = pipe::pipe(capacity);
        let mut output = Output::default();
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        for (n, (fresh, mut places, reads)) in sends.into_iter().enumerate() {
            let fresh: Vec<u8> = pattern(fresh, n);
            places.iter_mut().for_each(|(at, _)| *at = (*at).min(fresh.len()));
            places.sort_unstable();
            let mut pieces = Pieces::default();
            let mut start = 0;
            for (at, len) in places {
                let bytes = Bytes::from(pattern(len, n * 3 + at));
                sent.extend_from_slice(&fresh[start..at]);
                sent.extend_from_slice(&bytes);
                start = at;
                pieces.push(Piece { at, bytes });
            }
            sent.extend_from_slice(&fresh[start..]);
            output.send(&mut near, &fresh, pieces.as_slice()).unwrap();
            if reads > 0 { got.extend(read_some(&mut far, reads)); }
        }
        while got.len() < sent.len() {
            got.extend(read_some(&mut far, 64));
            output.flush(&mut near).unwrap();
        }
        prop_assert_eq!(got, sent);
        prop_assert!(output.is_empty());
    }
}

#[test]
fn a_write_buffer_that_grew_is_not_kept() {
    let scratch = Scratch::default();
    scratch.give_write(Vec::with_capacity(WRITE_BYTES_KEPT_MAX + 1));
    assert!(scratch.take_write().capacity() <= WRITE_BYTES_KEPT_MAX);
    assert_eq!(scratch.take_read().len(), READ_BYTES);
}
