//! A client that sends anything at any time: the transfer neither panics, nor reads past its file,
//! nor sends without measure, nor lives for ever.

use engine::tftp::{Negotiated, Policy, Step, Transfer};
use model::Now;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use wire::tftp::{Mode, Request};

#[derive(Clone, Debug)]
enum Happening {
    Ack(u16),
    /// An ACK so far ahead of (or behind) the last one that counted.
    AckNear(i8),
    Request,
    Error(u16),
    Pass(u64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        2 => any::<u16>().prop_map(Happening::Ack),
        8 => (-3..12i8).prop_map(Happening::AckNear),
        1 => Just(Happening::Request),
        4 => (0..3000u64).prop_map(Happening::Pass),
        1 => (0..100_000u64).prop_map(Happening::Pass),
    ];
    let stop = prop_oneof![9 => Just(None), 1 => (0..10u16).prop_map(Some)];
    (proptest::collection::vec(one, 0..200), stop).prop_map(|(mut all, stop)| {
        all.extend(stop.map(Happening::Error));
        all
    })
}

fn options() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let name = prop_oneof![
        Just("blksize"),
        Just("windowsize"),
        Just("tsize"),
        Just("timeout"),
        Just("rollover"),
    ];
    let value = prop_oneof![0..70u64, 0..70_000u64, any::<u64>()];
    proptest::collection::vec(
        (name, value).prop_map(|(n, v)| (n.into(), v.to_string().into_bytes())),
        0..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_client_is_survived(
        options in options(),
        size in prop_oneof![0..5000u64, any::<u64>()],
        happenings in happenings(),
    ) {
        let request = Request { name: b"f".to_vec(), mode: Mode::Octet, options };
        let agreed = Negotiated::new(&request, size, &Policy::default()).unwrap();
        let window = u64::from(agreed.windowsize());
        let mut transfer = Transfer::new(agreed, Now(0));
        let (mut now, mut datagrams, mut occasions) = (0u64, 0u64, 1u64);
        let mut happenings = happenings.into_iter();
        let ended = loop {
            let wait = loop {
                match transfer.next(Now(now)) {
                    Step::SendOack(_) => datagrams += 1,
                    Step::SendData { offset, len, .. } => {
                        datagrams += 1;
                        prop_assert!(offset + len as u64 <= size);
                    }
                    Step::WaitUntil(at) => {
                        prop_assert!(at > Now(now));
                        break Some(at.0);
                    }
                    Step::Done(_) | Step::GiveUp(_) => break None,
                }
                prop_assert!(datagrams <= occasions * (window + 1) + 2, "{datagrams} {occasions}");
            };
            if transfer.is_half_open() {
                prop_assert!(datagrams <= 2);
            }
            let Some(wait) = wait else { break now };
            occasions += 1;
            match happenings.next() {
                Some(Happening::Ack(block)) => transfer.acknowledge(Now(now), block),
                Some(Happening::AckNear(by)) => {
                    let block = transfer.progress().block.wrapping_add_signed(by.into());
                    transfer.acknowledge(Now(now), (block % 65_536) as u16);
                }
                Some(Happening::Request) => transfer.duplicate_request(Now(now)),
                Some(Happening::Error(code)) => transfer.client_error(Now(now), code.into(), b"?"),
                // The driver may come late.
                Some(Happening::Pass(ms)) => now += ms,
                None => now = wait,
            }
            prop_assert!(now < 40_000_000, "it never ends");
        };
        let progress = transfer.progress();
        prop_assert!(progress.bytes <= size);
        prop_assert!(progress.block <= progress.blocks);
        prop_assert_eq!(transfer.next(Now(ended)), transfer.next(Now(ended + 1)));
    }
}
