//! Any bytes as the report of a machine's hardware: read or refused, and what is kept is bounded.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = engine::files::read_report(bytes) {
        assert!(report.weight() < 1 << 20);
        assert!(!report.says().chars().any(char::is_control));
        let written = serde_json::to_vec(&report).expect("plain values");
        let read: model::Hardware = serde_json::from_slice(&written).expect("we wrote it");
        assert_eq!(read, report);
    }
});
