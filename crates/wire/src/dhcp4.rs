//! DHCPv4 and BOOTP messages (RFC 951, RFC 2131, RFC 2132).
//!
//! In: one UDP payload from anybody. Out: a [`Message`] with typed fixed fields and its options
//! raw, in order, and readers which turn one option at a time into meaning. Back out: exactly the
//! bytes of a reply. Never: a decision about whom to answer, and never the loss of a whole message
//! because one option in it is odd.
//!
//! ```text
//! bytes ── Message::parse ──▶ Message ── options.get(code), architectures(), … ──▶ meaning
//! bytes ◀─ Message::encode ── Message ◀─ reply_to(), options.push(code, value)
//! ```

pub mod code;
mod encapsulated;
mod message;
mod options;
mod peek;
pub mod pxe;
mod readers;

pub use encapsulated::{SubOptions, relay_sub_options, sub_option, sub_options};
pub use message::{MIN_LENGTH, Malformed, Message, Op, TooLong};
pub use options::{MessageType, OPTIONS_MAX, Options};
pub use peek::peek_message_type;
pub use readers::{
    DEFAULT_PAYLOAD_MAX, PAYLOAD_MAX, arch_in_vendor_class, architectures, client_id, host_name,
    machine_uuid, max_message, network_interface, parameter_list, relay_agent, user_classes,
    vendor_class, wants_terminated_strings,
};
