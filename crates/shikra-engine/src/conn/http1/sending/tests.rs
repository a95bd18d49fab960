use super::{Long, TURN_BYTES, TURN_BYTES_MIN, turn_bytes};

#[test]
fn long_streams_share_a_round() {
    assert_eq!(turn_bytes(), TURN_BYTES);
    let mut streams = Vec::new();
    for count in 1..=100 {
        streams.push(Long::new());
        assert!(turn_bytes() >= TURN_BYTES_MIN);
        assert!(turn_bytes() * count <= TURN_BYTES.max(TURN_BYTES_MIN * count), "{count} streams");
    }
    assert_eq!(turn_bytes(), TURN_BYTES_MIN);
    streams.clear();
    assert_eq!(turn_bytes(), TURN_BYTES);
}
