//! The table: new, repeated, replaced, too many, and strangers.

use engine::tftp::{Caps, Door, Opening, Route, SessionId, Sessions};
use model::Now;
use std::net::SocketAddr;
use wire::tftp::{Packet, Request, error, read_request};

fn request(name: &str, options: &[(&str, &str)]) -> Request {
    match Packet::parse(&read_request(name.as_bytes(), "octet", options)).unwrap() {
        Packet::ReadRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

fn client(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], port))
}

fn new(opening: Opening) -> SessionId {
    match opening {
        Opening::New { id, evicted: None } => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeated_request_belongs_to_the_transfer_there_is() {
    let mut table = Sessions::new(Caps::default());
    let id = new(table.request(Now(0), client(1, 2070), &request("a", &[])));
    let again = table.request(Now(4000), client(1, 2070), &request("a", &[]));
    assert_eq!(again, Opening::Duplicate(id));
    assert_eq!(table.len(), 1);
}

#[test]
fn a_copy_of_the_request_that_comes_late_does_not_end_the_transfer() {
    let mut table = Sessions::new(Caps::default());
    let id = new(table.request(Now(0), client(1, 2070), &request("a", &[])));
    table.established(Now(2), id);
    let copy = table.request(Now(30), client(1, 2070), &request("a", &[]));
    assert_eq!(copy, Opening::Late(id));
    let restart = table.request(Now(5000), client(1, 2070), &request("a", &[]));
    assert!(matches!(restart, Opening::Replace { old, .. } if old == id), "{restart:?}");
}

#[test]
fn one_port_for_all_files_means_that_the_new_one_replaces_the_old() {
    let mut table = Sessions::new(Caps::default());
    let old = new(table.request(Now(0), client(1, 49152), &request("start4.elf", &[])));
    let opening = table.request(Now(1), client(1, 49152), &request("config.txt", &[]));
    let Opening::Replace { id, old: replaced, evicted: None } = opening else {
        panic!("{opening:?}");
    };
    assert_eq!(replaced, old);
    assert_eq!(table.at_port(Now(2), id, client(1, 49152)), Route::Ours(id));
    assert_eq!(table.len(), 1);
}

#[test]
fn quirk_30_the_request_after_the_probe_differs_in_its_options() {
    let mut table = Sessions::new(Caps::default());
    let probe = request("a", &[("tsize", "0"), ("blksize", "1468")]);
    let old = new(table.request(Now(0), client(1, 1500), &probe));
    // The ERROR that ended the probe was lost.
    let real = table.request(Now(5), client(1, 1500), &request("a", &[("blksize", "1468")]));
    assert!(matches!(real, Opening::Replace { old: o, .. } if o == old), "{real:?}");
}

#[test]
fn the_same_port_after_the_end_is_a_new_transfer() {
    let mut table = Sessions::new(Caps::default());
    let id = new(table.request(Now(0), client(1, 49152), &request("a", &[])));
    table.finished(Now(10), id);
    assert_eq!(table.at_port(Now(11), id, client(1, 49152)), Route::Finished);
    assert_eq!(table.at_shared_port(Now(11), client(1, 49152)), Route::Finished);
    let next = new(table.request(Now(12), client(1, 49152), &request("a", &[])));
    assert_eq!(table.at_shared_port(Now(13), client(1, 49152)), Route::Ours(next));
    table.tidy(Now(5000));
    assert!(matches!(table.at_port(Now(5001), id, client(1, 49152)), Route::Stranger(_)));
}

#[test]
fn one_source_has_eight_half_open_transfers_and_the_oldest_goes() {
    let mut table = Sessions::new(Caps::default());
    let ids: Vec<_> = (0..8u16)
        .map(|n| new(table.request(Now(n.into()), client(1, 3000 + n), &request("a", &[]))))
        .collect();
    table.established(Now(9), ids[0]);
    new(table.request(Now(9), client(1, 4000), &request("a", &[])));
    let ninth = table.request(Now(10), client(1, 4001), &request("a", &[]));
    assert!(
        matches!(ninth, Opening::New { evicted: Some(id), .. } if id == ids[1]),
        "the one that answered stays: {ninth:?}"
    );
    new(table.request(Now(11), client(2, 4001), &request("a", &[])));
    assert_eq!(table.half_open(), 9);
    assert_eq!(table.len(), 10);
}

#[test]
fn a_flood_from_many_addresses_keeps_the_table_small_and_spares_those_who_answer() {
    let mut table = Sessions::new(Caps { transfers: 1100, ..Caps::default() });
    let loading = new(table.request(Now(0), client(1, 1), &request("kernel", &[])));
    table.established(Now(1), loading);
    for n in 0..100_000u32 {
        let [_, b, c, d] = n.to_be_bytes();
        let from = SocketAddr::from(([172, b, c, d], 69));
        let opening = table.request(Now(2), from, &request("a", &[]));
        assert!(!matches!(opening, Opening::Refused(_)));
    }
    assert_eq!(table.half_open(), 1024);
    assert_eq!(table.len(), 1025);
    assert_eq!(table.at_port(Now(3), loading, client(1, 1)), Route::Ours(loading));
}

#[test]
fn when_all_places_are_taken_by_clients_that_load_the_next_one_hears_nothing() {
    let mut table = Sessions::new(Caps { transfers: 3, ..Caps::default() });
    for host in 1..=3 {
        let id = new(table.request(Now(0), client(host, 1), &request("a", &[])));
        table.established(Now(1), id);
    }
    let refused = table.request(Now(2), client(4, 1), &request("a", &[]));
    let Opening::Refused(busy) = refused else { panic!("{refused:?}") };
    assert_eq!(busy.to_string(), "all 3 transfers are taken by clients that are loading");
    let own = table.request(Now(5000), client(3, 1), &request("b", &[]));
    assert!(matches!(own, Opening::Replace { .. }), "but its own place is its own: {own:?}");
}

#[test]
fn a_stranger_gets_error_5_once_a_second_and_changes_nothing() {
    let mut table = Sessions::new(Caps::default());
    let id = new(table.request(Now(0), client(1, 2070), &request("a", &[])));
    let told = Some(error(5.into(), "Unknown transfer ID"));
    assert_eq!(table.at_port(Now(1), id, client(7, 7)), Route::Stranger(told.clone()));
    assert_eq!(table.at_port(Now(2), id, client(7, 7)), Route::Stranger(None));
    assert_eq!(table.at_port(Now(3), id, client(7, 8)), Route::Stranger(None));
    assert_eq!(table.at_port(Now(1100), id, client(7, 7)), Route::Stranger(told));
    assert_eq!(table.at_port(Now(1101), id, client(1, 2070)), Route::Ours(id));
}

#[test]
fn strangers_together_get_no_more_than_twenty_errors_a_second() {
    let mut table = Sessions::new(Caps::default());
    let mut told = 0;
    for n in 0..10_000u32 {
        let from = SocketAddr::from(((0x0a00_0000 + n).to_be_bytes(), 9));
        let route = table.at_shared_port(Now(u64::from(n) / 5), from);
        told += u32::from(matches!(route, Route::Stranger(Some(_))));
    }
    assert_eq!(told, 40, "two seconds");
}

#[test]
fn one_address_has_sixty_four_transfers_and_what_does_not_answer_goes_first() {
    let caps = Caps { half_open_per_source: 100, ..Caps::default() };
    let mut table = Sessions::new(caps);
    for n in 0..63u16 {
        let id = new(table.request(Now(0), client(1, 3000 + n), &request("a", &[])));
        table.established(Now(1), id);
    }
    let silent = new(table.request(Now(2), client(1, 4000), &request("a", &[])));
    let next = table.request(Now(3), client(1, 4001), &request("a", &[]));
    let Opening::New { id, evicted: Some(gone) } = next else { panic!("{next:?}") };
    assert_eq!(gone, silent);
    assert_eq!(table.at_port(Now(4), silent, client(1, 4000)), Route::Finished, "not a word");
    table.established(Now(4), id);
    let refused = table.request(Now(5), client(1, 4002), &request("a", &[]));
    let Opening::Refused(busy) = refused else { panic!("{refused:?}") };
    assert_eq!(
        busy.to_string(),
        "10.0.0.1 is loading 64 files already, as many as one address may; behind NAT raise that \
         limit"
    );
    new(table.request(Now(6), client(2, 4002), &request("a", &[])));
    table.finished(Now(7), id);
    new(table.request(Now(8), client(1, 4003), &request("a", &[])));
}

#[test]
fn a_client_at_the_wrong_one_of_the_shared_ports_is_a_stranger() {
    let mut table = Sessions::new(Caps::default());
    let id = new(table.request(Now(0), client(1, 2070), &request("a", &[])));
    table.placed(id, Door(3));
    assert_eq!(table.at_door(Now(1), Door(3), client(1, 2070)), Route::Ours(id));
    assert!(matches!(table.at_door(Now(1), Door(4), client(1, 2070)), Route::Stranger(Some(_))));
    table.finished(Now(2), id);
    assert!(table.was_at(Door(3), client(1, 2070)) && !table.was_at(Door(4), client(1, 2070)));
    // The next transfer goes out elsewhere, and late packets of the first are not taken for its.
    let next = new(table.request(Now(3), client(1, 2070), &request("a", &[])));
    table.placed(next, Door(4));
    assert_eq!(table.at_door(Now(4), Door(3), client(1, 2070)), Route::Finished);
    assert_eq!(table.at_door(Now(4), Door(4), client(1, 2070)), Route::Ours(next));
    table.tidy(Now(5000));
    assert!(!table.was_at(Door(3), client(1, 2070)));
    assert!(matches!(table.at_door(Now(5001), Door(3), client(1, 2070)), Route::Stranger(_)));
}

#[test]
fn a_repeated_request_is_known_before_anybody_is_asked() {
    let mut table = Sessions::new(Caps::default());
    assert_eq!(table.repeated(Now(0), client(1, 2070), &request("a", &[])), None);
    let id = new(table.request(Now(0), client(1, 2070), &request("a", &[])));
    let again = table.repeated(Now(1), client(1, 2070), &request("a", &[]));
    assert_eq!(again, Some(Opening::Duplicate(id)));
    assert_eq!(table.repeated(Now(1), client(1, 2070), &request("b", &[])), None);
}

#[test]
fn a_crowd_behind_one_address_waits_until_one_is_confirmed_or_has_had_its_time() {
    let mut table = Sessions::new(Caps::default());
    let address = client(1, 0).ip();
    let ids: Vec<_> = (0..8u16)
        .map(|n| {
            assert_eq!(table.crowded(Now(n.into()), address), None);
            new(table.request(Now(n.into()), client(1, 3000 + n), &request("a", &[])))
        })
        .collect();
    assert_eq!(table.crowded(Now(10), address), Some(Now(400)));
    assert_eq!(table.crowded(Now(10), client(2, 0).ip()), None);
    table.established(Now(20), ids[3]);
    assert_eq!(table.crowded(Now(20), address), None);
    new(table.request(Now(20), client(1, 4000), &request("a", &[])));
    assert_eq!(table.crowded(Now(30), address), Some(Now(400)));
    assert_eq!(table.crowded(Now(400), address), None, "the oldest has not used its time");
}
