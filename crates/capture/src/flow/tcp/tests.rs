use super::*;

fn way(port: u16) -> Way {
    let at = |n, port| SocketAddr::from(([10, 0, 0, n], port));
    Way { from: at(1, port), to: at(2, 80) }
}

fn data(number: u32, payload: &[u8]) -> Segment<'_> {
    let way = way(1);
    Segment { way, number, syn: false, fin: false, reset: false, payload, cut: 0 }
}

fn syn(number: u32) -> Segment<'static> {
    Segment { syn: true, ..data(number, b"") }
}

fn bytes(stretch: Option<Stretch>) -> Vec<u8> {
    let pieces = stretch.map(|s| s.pieces).unwrap_or_default();
    let of = |piece| match piece {
        Piece::Bytes(bytes) => bytes,
        Piece::Lost(n) => format!("<{n}>").into_bytes(),
    };
    pieces.into_iter().flat_map(of).collect()
}

#[test]
fn segments_come_in_any_order_twice_and_over_the_wrap() {
    let start = u32::MAX - 3;
    let mut all = Streams::default();
    assert!(all.take(syn(start)).unwrap().begins);
    assert!(all.take(syn(start)).is_none(), "sent again");
    let first = start.wrapping_add(1);
    assert_eq!(bytes(all.take(data(first.wrapping_add(4), b"efgh"))), b"");
    assert_eq!(bytes(all.take(data(first.wrapping_add(2), b"cdef"))), b"");
    assert_eq!(bytes(all.take(data(first, b"abcd"))), b"abcdefgh");
    assert_eq!(bytes(all.take(data(first, b"abcd"))), b"", "seen");
    assert_eq!(bytes(all.take(data(first.wrapping_add(6), b"ghi"))), b"i");
    let end = all.take(Segment { fin: true, ..data(first.wrapping_add(9), b"j") }).unwrap();
    assert!(end.ends && !end.begins);
    assert!(all.ways.is_empty() && all.spoke.is_empty() && all.ahead == 0);
}

#[test]
fn an_end_before_the_rest_waits_for_it() {
    let mut all = Streams::default();
    let _ = all.take(syn(0));
    assert!(all.take(Segment { fin: true, ..data(4, b"def") }).is_none());
    let all_of_it = all.take(data(1, b"abc")).unwrap();
    assert!(all_of_it.ends);
    assert_eq!(bytes(Some(all_of_it)), b"abcdef");
}

#[test]
fn what_is_in_the_middle_says_so() {
    let mut all = Streams::default();
    assert!(all.take(data(100, b"")).is_none());
    let first = all.take(data(100, b"abc")).unwrap();
    assert!(first.begins && first.midway);
    let again = all.take(syn(7)).unwrap();
    assert!(again.begins && !again.midway, "the same ports, another connection");
}

#[test]
fn a_lost_segment_is_lost_when_too_much_waits_for_it() {
    let mut all = Streams::default();
    let _ = all.take(syn(0));
    let mut told = Vec::new();
    let payload = [b'x'; 1000];
    for n in 1..600_u32 {
        told.extend(all.take(data(1 + n * 1000, &payload)).map(|s| s.pieces).unwrap_or_default());
        assert!(all.ahead <= AHEAD_BYTES_MAX + 1000);
    }
    assert_eq!(told.first(), Some(&Piece::Lost(1000)));
    let cut = Segment { cut: 500, ..data(1 + 600_000, b"abc") };
    assert_eq!(bytes(all.take(cut)), b"abc<500>");
}

#[test]
fn many_streams_and_much_that_waits_are_bounded() {
    let mut all = Streams::default();
    let payload = [b'x'; 60_000];
    for n in 0..6_000_u32 {
        let port = u16::try_from(n % 60_000).unwrap();
        let of = |number, payload| Segment { way: way(port), ..data(number, payload) };
        let _ = all.take(Segment { syn: true, ..of(0, b"") });
        for k in 0..3 {
            let _ = all.take(of(1000 + k * 60_000, &payload));
        }
        assert!(all.ways.len() <= STREAMS_MAX && all.spoke.len() == all.ways.len());
        assert!(all.ahead <= AHEAD_BYTES_OF_ALL_MAX + 3 * payload.len());
        let held: usize =
            if n % 1000 == 0 { all.ways.values().map(|s| s.ahead_bytes).sum() } else { all.ahead };
        assert_eq!(held, all.ahead);
    }
}

#[test]
fn a_reset_ends_both_directions() {
    let mut all = Streams::default();
    let _ = all.take(syn(0));
    let _ = all.take(Segment { way: way(1).back(), ..syn(9) });
    assert!(all.take(Segment { reset: true, ..data(1, b"") }).unwrap().ends);
    assert!(all.ways.is_empty());
    assert!(all.take(Segment { reset: true, ..data(1, b"") }).is_none());
}
