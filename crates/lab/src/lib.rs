//! Proof: what stands beside the house and tries it.
//!
//! In: the rooms of the house, and the real programs of others. Out: what happened. Never: a part
//! of the server.

pub mod bench_boot;
pub mod bench_dhcp;
pub mod bench_dhcp6;
pub mod bench_dns;
pub mod bench_files;
pub mod bench_fleet;
pub mod bench_library;
pub mod bench_reasons;
pub mod demo;
pub mod fetch;
pub mod load;
pub mod rig;
pub mod sim;
pub mod soak;
pub mod storm;
pub mod trace;
