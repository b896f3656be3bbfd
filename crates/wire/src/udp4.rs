//! udp4
