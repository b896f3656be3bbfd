//! Every decision, pure.
#![forbid(unsafe_code)]

pub mod tftp;
