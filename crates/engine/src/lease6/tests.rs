//! Who gets which address, and who does not.

use super::*;

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn network(pool: &str) -> Network6 {
    let mut network = Network6::new("lan", ip("fd77::1"), "fd77::/64".parse().unwrap());
    network.pools = vec![pool.parse().unwrap()];
    network
}

fn begin(pool: &str) -> (Leases6, Network6) {
    let network = network(pool);
    (Leases6::new(std::slice::from_ref(&network)), network)
}

fn asker(duid: &[u8], iaid: u32) -> Asker<'_> {
    Asker { duid, iaid, hardware: None, uuid: None, host_name: None, known: true }
}

fn bind(leases: &mut Leases6, network: &Network6, who: &Asker<'_>) -> Option<Ipv6Addr> {
    let address = leases.choose(Now(1), network, who, None, &Planned::default())?;
    leases.put(leases.bound(Now(1), network, who, address));
    Some(address)
}

#[test]
fn a_pool_is_given_to_the_last_address_and_nobody_gets_two() {
    let (mut leases, small) = begin("fd77::-fd77::401");
    let duids: Vec<[u8; 4]> = (0..1024_u32).map(u32::to_be_bytes).collect();
    let got: BTreeSet<Ipv6Addr> =
        duids.iter().filter_map(|duid| bind(&mut leases, &small, &asker(duid, 7))).collect();
    // 1,026 addresses, of which one is any router's and one is ours.
    assert_eq!(got.len(), 1024);
    assert_eq!(bind(&mut leases, &small, &asker(&[9; 9], 7)), None);
    let again = leases.choose(Now(2), &small, &asker(&duids[3], 7), None, &Planned::default());
    assert_eq!(again, leases.held(Now(2), &small, &asker(&duids[3], 7)).map(|lease| lease.address));
    assert_eq!(bind(&mut leases, &small, &asker(&duids[3], 8)), None, "another association");
}

#[test]
fn an_association_is_given_the_same_address_again_after_it_ended() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let (a, b) = (asker(&[1; 5], 1), asker(&[2; 5], 1));
    let first = bind(&mut leases, &lan, &a).unwrap();
    let later = Now(1) + Duration::from_secs(13 * 3600);
    assert_eq!(leases.choose(later, &lan, &a, None, &Planned::default()), Some(first));
    assert_eq!(
        leases.choose(later, &lan, &b, Some(first), &Planned::default()),
        Some(first),
        "nobody has it"
    );
    assert_ne!(leases.choose(Now(2), &lan, &b, Some(first), &Planned::default()), Some(first));
    leases.put(leases.released(Now(5), &a, first).unwrap());
    assert_eq!(leases.released(Now(5), &a, first), None, "once");
    assert_eq!(leases.choose(Now(6), &lan, &b, Some(first), &Planned::default()), Some(first));
}

#[test]
fn a_reserved_address_follows_the_card_from_stage_to_stage() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let mac = HardwareAddress::mac([2, 0, 0, 0, 0, 7]);
    let of = |holder| Reservation6 {
        address: ip("fd77::7"),
        holder,
        host_name: Some("web".into()),
        since: Now(0),
    };
    leases.reserve(of(ReservedFor6::Mac(mac)));
    let stage = |duid, iaid| Asker { hardware: Some(mac), ..asker(duid, iaid) };
    for who in [stage(&[4; 18], 1), stage(&[4; 18], 2), stage(&[1; 14], 9)] {
        assert_eq!(bind(&mut leases, &lan, &who), Some(ip("fd77::7")));
    }
    assert_eq!(leases.of(ip("fd77::7")).unwrap().host_name.as_deref(), Some("web"));
    let other = asker(&[5; 5], 1);
    assert_ne!(
        leases.choose(Now(1), &lan, &other, Some(ip("fd77::7")), &Planned::default()),
        Some(ip("fd77::7"))
    );
    leases.unreserve(ip("fd77::7"));
    leases.reserve(of(ReservedFor6::Duid(vec![5; 5])));
    assert_ne!(
        leases.choose(Now(1), &lan, &other, None, &Planned::default()),
        Some(ip("fd77::7")),
        "somebody has it still"
    );
    let later = Now(1) + Duration::from_secs(13 * 3600);
    assert_eq!(leases.choose(later, &lan, &other, None, &Planned::default()), Some(ip("fd77::7")));
}

#[test]
fn what_is_refused_is_given_to_nobody_for_an_hour_and_a_flood_of_refusals_counts_no_more() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    for n in 0..6_u32 {
        let who = asker(&[1; 5], n);
        let address = bind(&mut leases, &lan, &who).unwrap();
        match leases.declined(Now(2), &lan, &who, address) {
            Some(Ok(lease)) => {
                assert!(n < 3, "three of each client");
                leases.put(lease);
                assert_ne!(
                    leases.choose(Now(3), &lan, &who, Some(address), &Planned::default()),
                    Some(address)
                );
            }
            refused => assert!(refused == Some(Err(())) && n >= 3),
        }
    }
    let mine = asker(&[1; 5], 5);
    let address = leases.held(Now(2), &lan, &mine).unwrap().address;
    assert_eq!(leases.declined(Now(2), &lan, &asker(&[2; 5], 5), address), None, "not theirs");
}

#[test]
fn a_reserved_address_that_was_refused_is_not_given_again_to_whoever_refused_it() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let (who, address) = (asker(&[4; 8], 1), ip("fd77::107"));
    let holder = ReservedFor6::Duid(vec![4; 8]);
    leases.reserve(Reservation6 { address, holder, host_name: None, since: Now(0) });
    assert_eq!(bind(&mut leases, &lan, &who), Some(address));
    leases.put(leases.declined(Now(2), &lan, &who, address).unwrap().unwrap());
    assert_ne!(leases.choose(Now(3), &lan, &who, None, &Planned::default()), Some(address));
    let later = Now(2) + QUARANTINE;
    assert_eq!(leases.choose(later, &lan, &who, None, &Planned::default()), Some(address));
}

#[test]
fn a_promise_is_not_made_shorter_by_a_reply_that_may_be_lost() {
    let (mut leases, mut lan) = begin("fd77::100-fd77::1ff");
    let who = asker(&[1; 5], 1);
    let address = bind(&mut leases, &lan, &who).unwrap();
    let until = leases.of(address).unwrap().until;
    lan.lease = Some(Duration::from_secs(60));
    assert_eq!(leases.bound(Now(5), &lan, &who, address).until, until);
}

#[test]
fn an_association_keeps_what_it_holds_whatever_it_had_before() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let who = asker(&[1; 5], 1);
    let old = leases.bound(Now(1), &lan, &who, ip("fd77::100"));
    leases.put(Lease6 { state: LeaseState::Released, until: Some(Now(2)), ..old });
    leases.put(leases.bound(Now(3), &lan, &who, ip("fd77::1f0")));
    let again = leases.choose(Now(4), &lan, &who, None, &Planned::default());
    assert_eq!(again, Some(ip("fd77::1f0")));
}

#[test]
fn two_associations_of_a_message_get_two_addresses_of_the_smallest_pool() {
    let (leases, lan) = begin("fd77::100-fd77::101");
    let mut planned = Planned::default();
    for iaid in 0..2 {
        let given = leases.choose(Now(1), &lan, &asker(&[1; 5], iaid), None, &planned);
        planned.give(given.expect("two are free"));
    }
    assert_eq!(leases.choose(Now(1), &lan, &asker(&[1; 5], 2), None, &planned), None);
}

/// So many leases of clients of their own, from an address on.
fn fill(leases: &mut Leases6, network: &Network6, from: Ipv6Addr, count: usize) {
    for n in 0..count as u128 {
        let address = Ipv6Addr::from(u128::from(from) + n);
        let duid = u128::from(address).to_be_bytes();
        leases.put(leases.bound(Now(1), network, &asker(&duid, 1), address));
    }
}

fn holder(address: Ipv6Addr) -> [u8; 16] {
    u128::from(address).to_be_bytes()
}

#[test]
fn where_all_are_kept_that_can_be_nothing_goes_that_the_same_message_was_given() {
    let (mut leases, lan) = begin("fd77::-fd77::f:ffff");
    let first = ip("fd77::1000");
    fill(&mut leases, &lan, first, LEASES_MAX);
    let new = asker(&[7; 3], 1);
    assert_eq!(leases.choose(Now(2), &lan, &new, None, &Planned::default()), None);
    leases.put(leases.released(Now(2), &asker(&holder(first), 1), first).unwrap());
    let in_the_way = |leases: &Leases6, address, planned: &Planned| {
        leases.in_the_way(Now(3), &lan, &new, address, planned)
    };
    let mut planned = Planned::default();
    assert_eq!(in_the_way(&leases, first, &planned), None, "it has its place");
    planned.give(first);
    assert_eq!(in_the_way(&leases, ip("fd77::5"), &planned), None, "it is given again");
    let mut planned = Planned::default();
    assert_eq!(in_the_way(&leases, ip("fd77::5"), &planned), Some(first));
    planned.make_room(first);
    planned.give(ip("fd77::5"));
    assert_eq!(in_the_way(&leases, ip("fd77::6"), &planned), None, "once");
    assert!(leases.is_full(&lan, &new, &planned));
    assert_eq!(leases.first_ended(Now(3), &lan, &planned), None);
}

#[test]
fn a_flood_on_one_link_leaves_the_others_their_share_and_clients_we_know_a_quarter() {
    let (lan, mut rack) = (network("fd77::-fd77::f:ffff"), network("fd78::-fd78::f:ffff"));
    rack.subnet = "fd78::/64".parse().unwrap();
    rack.server = ip("fd78::1");
    let mut leases = Leases6::new(&[lan.clone(), rack.clone()]);
    let given = |leases: &Leases6, network: &Network6, known| {
        let duid = [7; 3];
        let who = Asker { known, ..asker(&duid, 1) };
        leases.choose(Now(2), network, &who, None, &Planned::default()).is_some()
    };
    let stranger = |leases: &Leases6, network: &Network6| given(leases, network, false);
    // Three quarters of a quarter that is its own, and of the half that is common.
    let (own, common) = (LEASES_MAX / 4, LEASES_MAX / 2);
    fill(&mut leases, &lan, ip("fd77::1000"), own + common / 4 * 3 - 1);
    assert!(stranger(&leases, &lan));
    fill(&mut leases, &lan, ip("fd77::f:f000"), 1);
    assert!(!stranger(&leases, &lan) && given(&leases, &lan, true));
    assert!(stranger(&leases, &rack), "another link has its own");
    fill(&mut leases, &lan, ip("fd77::d:0000"), common / 4);
    assert!(!given(&leases, &lan, true), "all of it is gone");
    fill(&mut leases, &rack, ip("fd78::1000"), own / 4 * 3 - 1);
    assert!(stranger(&leases, &rack));
    fill(&mut leases, &rack, ip("fd78::f:f000"), 1);
    assert!(!stranger(&leases, &rack) && given(&leases, &rack, true));
    fill(&mut leases, &rack, ip("fd78::d:0000"), own / 4);
    assert!(!given(&leases, &rack, true));
    assert_eq!(leases.iter().count(), LEASES_MAX);
    // What ended makes room: of the same link, or of one that has more than its share.
    let (ours, theirs) = (ip("fd78::1000"), ip("fd77::1000"));
    leases.put(leases.released(Now(2), &asker(&holder(ours), 1), ours).unwrap());
    assert_eq!(leases.first_ended(Now(3), &lan, &Planned::default()), None, "not of its share");
    leases.put(leases.released(Now(1), &asker(&holder(theirs), 1), theirs).unwrap());
    assert_eq!(leases.first_ended(Now(3), &rack, &Planned::default()), Some(theirs));
    assert!(given(&leases, &rack, true));
    // A link that is served no more has no share.
    leases.arrange(std::slice::from_ref(&lan));
    assert_eq!(leases.first_ended(Now(3), &lan, &Planned::default()), Some(theirs));
    leases.forget(theirs);
    assert_eq!(leases.first_ended(Now(3), &lan, &Planned::default()), Some(ours));
}

#[test]
fn one_client_has_so_many_associations_and_then_its_oldest_address_goes_to_the_newest() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let mut given = Vec::new();
    for iaid in 0..room::ASSOCIATIONS_MAX as u32 {
        let who = asker(&[1; 5], iaid);
        let now = Now(10 + u64::from(iaid));
        let address = leases.choose(now, &lan, &who, None, &Planned::default()).unwrap();
        leases.put(leases.bound(now, &lan, &who, address));
        given.push(address);
    }
    let next = asker(&[1; 5], 1000);
    let planned = Planned::default();
    let weighed = leases.weigh(Now(500), &lan, &next, Some(ip("fd77::1f0")), &planned);
    assert_eq!(weighed, Some((given[0], Source6::TakenOver)));
    leases.put(leases.bound(Now(500), &lan, &next, given[0]));
    assert_eq!(leases.iter().count(), room::ASSOCIATIONS_MAX);
    let once_more = leases.choose(Now(501), &lan, &asker(&[1; 5], 1001), None, &planned);
    assert_eq!(once_more, Some(given[1]));
    // What it holds it keeps, and another client has nothing to do with it.
    let kept = leases.weigh(Now(502), &lan, &asker(&[1; 5], 9), None, &planned);
    assert_eq!(kept, Some((given[9], Source6::Leased)));
    let other = leases.choose(Now(502), &lan, &asker(&[2; 5], 1), None, &planned).unwrap();
    assert!(!given.contains(&other));
}

#[test]
fn an_address_that_its_client_may_come_back_for_is_given_to_others_last_of_all() {
    let (mut leases, lan) = begin("fd77::100-fd77::10f");
    let duids: Vec<[u8; 2]> = (0..16_u16).map(u16::to_be_bytes).collect();
    let mut had = Vec::new();
    for (n, duid) in duids.iter().enumerate().take(15) {
        let who = asker(duid, 1);
        let address = bind(&mut leases, &lan, &who).unwrap();
        let ended = Now(100 - n as u64);
        leases.put(leases.released(ended, &who, address).unwrap());
        assert!(!had.contains(&address), "client {n} is given what another had");
        had.push(address);
    }
    let planned = Planned::default();
    let last = leases.weigh(Now(200), &lan, &asker(&duids[15], 1), None, &planned).unwrap();
    assert!(last.1 == Source6::Derived && !had.contains(&last.0));
    leases.put(leases.bound(Now(200), &lan, &asker(&duids[15], 1), last.0));
    let next = leases.weigh(Now(201), &lan, &asker(&[9; 9], 1), None, &planned);
    assert_eq!(next, Some((had[14], Source6::LongEnded)), "it is free longest");
    let own = leases.weigh(Now(202), &lan, &asker(&duids[3], 1), None, &planned);
    assert_eq!(own, Some((had[3], Source6::Former)));
}

#[test]
fn after_a_restore_nobody_gets_what_may_have_been_renewed_since() {
    let (mut leases, lan) = begin("fd77::100-fd77::1ff");
    let (who, other) = (asker(&[1; 5], 1), asker(&[2; 5], 1));
    let address = bind(&mut leases, &lan, &who).unwrap();
    let length = lan.lease.unwrap();
    let restored = Now(1) + length / 2;
    leases.doubt_since(restored);
    let ended = Now(1) + length;
    let planned = Planned::default();
    assert_ne!(leases.choose(ended, &lan, &other, Some(address), &planned), Some(address));
    assert_eq!(leases.choose(ended, &lan, &who, None, &planned), Some(address));
    let over = restored + length;
    assert_eq!(leases.choose(over, &lan, &other, Some(address), &planned), Some(address));
}
