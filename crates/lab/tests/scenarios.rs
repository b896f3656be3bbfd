//! Every scenario, and what they cover together.

use std::path::Path;

#[test]
fn scenarios_come_out_as_written() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let _ = lab::sim::scenario::check(&dir);
}
