//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use wire::dns::{
    Begin, Code, Data, Name, QUERY_BYTES_MAX, Query, Record, Reply, UDP_BYTES_MAX, Updated, labels,
};

/// Reads the bytes as an answer to an update: what was signed is what came, but for the id, the count of
/// records and the signature itself.
fn walk_answer(bytes: &[u8]) {
    let Ok(Updated { tsig: Some(received), id, .. }) = Updated::parse(bytes) else { return };
    let signed = &received.message;
    assert_eq!(id.to_be_bytes(), bytes[..2]);
    assert_eq!((&signed[2..10], &signed[12..]), (&bytes[2..10], &bytes[12..signed.len()]));
    let mut again = signed.clone();
    received.fields.append(&mut again, &received.mac);
    let Ok(Updated { tsig: Some(twice), .. }) = Updated::parse(&again) else {
        panic!("what we write is read");
    };
    assert_eq!((&twice.fields, &twice.mac), (&received.fields, &received.mac));
}

/// Reads the bytes; what was read must be parts of them, and every answer to it fits, is for this
/// question, and is no question itself.
pub fn walk(bytes: &[u8]) {
    walk_answer(bytes);
    let _ = Begin::parse(bytes);
    let Ok(query) = Query::parse(bytes) else { return };
    assert!(bytes.len() <= QUERY_BYTES_MAX && query.name.len() <= 254);
    assert_eq!(labels(query.name).map(|label| label.len() + 1).sum::<usize>(), query.name.len());
    let name = Name::of_wire(query.name).expect("what was read is whole");
    let record = |data| Record { name: name.clone(), ttl_s: 60, data };
    let below = Name::parse("a.deep.name.lab.example").expect("a name");
    let records = [
        record(Data::Ptr(below.clone())),
        record(Data::Txt(vec![b'x'; 300])),
        Record { name: below, ttl_s: 1, data: Data::Cname(name.clone()) },
    ];
    let many: Vec<&Record> = records.iter().cycle().take(40).collect();
    let reply = Reply { answers: many.clone(), additional: many, ..Reply::of(Code::NxDomain) };
    let [answer, short] = [query.reply(&reply, query.room()), query.truncated()];
    assert!((512..=UDP_BYTES_MAX).contains(&query.room()) && answer.len() <= query.room());
    assert!(short.len() <= bytes.len().max(29 + query.name.len()), "it never amplifies");
    for answer in [&answer, &short] {
        assert_eq!(answer[..2], bytes[..2]);
        assert_eq!(answer[2] & 0x82, 0x82, "an answer, cut short");
        assert_eq!(answer[12..12 + query.name.len()], *query.name, "as it was written");
        assert!(Query::parse(answer).is_err());
    }
}
