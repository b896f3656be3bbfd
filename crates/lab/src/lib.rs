//! lab

pub mod rig;
