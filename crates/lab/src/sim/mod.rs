//! A world in one thread: our decisions, firmware that takes them, and a network between.
//!
//! ```text
//! scenario ─ text in, timeline out ───────────── given / at / expect / because
//!    world ─ one clock, jumps to the next moment
//!      ├ server ── engine and TFTP as the server drives them, without sockets
//!      ├ twin ──── an engine that gives no reasons, beside it
//!      ├ tap ───── what it hears and says, as a capture
//!      ├ foreign ─ other DHCP servers on the link
//!      ├ net ───── frames on their way: lost, late, doubled, overtaken
//!      ├ way ───── firewalls and address translation between
//!      └ firmware ─ ROMs and loaders, as strict as the real ones
//! ```
//!
//! In: a seed, settings, when which machine is switched on. Out: what was said and done, moment by
//! moment. Never: a socket, a clock, a thread. What happens follows from the seed alone.

pub mod chance;
pub mod content;
pub mod firmware;
pub mod foreign;
pub mod host;
pub mod net;
pub mod scenario;
pub mod server;
pub mod tap;
pub mod twin;
pub mod way;
pub mod world;
