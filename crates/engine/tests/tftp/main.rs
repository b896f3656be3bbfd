//! TFTP as firmware does it, against our side of it: no sockets, no waiting.
//!
//! `world` is the network and the server's driver, `client` the other side with the habits of the
//! loaders we know, `quirks` the scenarios by their number in our list of firmware quirks, `chaos`
//! the same under loss, copies and disorder, `pace` a way with a short queue, `sessions` the table.

mod chaos;
mod client;
mod negotiation;
mod nonsense;
mod pace;
mod quirks;
mod sessions;
mod transfer;
mod world;
