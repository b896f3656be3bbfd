//! Router advertisements as routers send them, and as nobody should.

mod corpus;
#[path = "ndp_support/mod.rs"]
mod support;

use proptest::{prelude::any, proptest};
use support::walk;

/// A packet may be cut anywhere on its way, and any byte of it may be anything.
#[test]
fn every_corpus_file_is_walked_cut_and_bent() {
    corpus::walk_all("ndp", &[0, 1, 3, 4, 25, 0x40, 0x7f, 0x80, 0xff], walk);
}

proptest! {
    #[test]
    fn anything_is_walked(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        walk(&bytes);
        walk(&[&[134, 0, 0, 0][..], &bytes].concat());
    }
}
