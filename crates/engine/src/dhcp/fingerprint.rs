//! What a message shows of the program that wrote it.

use model::quirk::{PARAMETERS_MAX, UuidForm};
use model::text::show;
use model::{Fingerprint, HardwareAddress};
use wire::dhcp4::{Message, Options, code, network_interface, parameter_list, user_classes};
use wire::dhcp4::{architectures, vendor_class, wants_terminated_strings};

/// Option 97: a type byte, then 16 bytes.
const GUID_LENGTH: usize = 17;

/// Reads it, once.
pub(super) fn read(message: &Message, hardware: &HardwareAddress, size: usize) -> Fingerprint {
    let options = &message.options;
    let class = vendor_class(options).filter(|class| !class.is_empty());
    let users = user_classes(options);
    let whole = options.get(code::USER_CLASS).map_or(0, |value| value.len());
    let mut parameters = parameter_list(options);
    parameters.truncate(PARAMETERS_MAX);
    Fingerprint {
        vendor_class: class.map(|class| show(&class)),
        parameters,
        archs: architectures(options),
        ndi: network_interface(options),
        uuid: uuid_form(options),
        user_class: (!users.is_empty()).then(|| show(&users.join(b" ".as_slice()))),
        // A list has a byte of length for each item.
        user_class_list: users.iter().map(Vec::len).sum::<usize>() < whole,
        ipxe: options.contains(code::IPXE_ENCAPSULATED),
        oui: model::quirk::oui(hardware),
        hardware_type: message.htype,
        hardware_length: message.hlen,
        size: u16::try_from(size).unwrap_or(u16::MAX),
        max_message: options.u16(code::MAX_MESSAGE_SIZE),
        broadcast: message.broadcast(),
        terminates: wants_terminated_strings(options),
    }
}

/// A board's name is four letters and digits, as in `RPi4`; of a UUID they are chance.
fn uuid_form(options: &Options) -> UuidForm {
    let Some(value) = options.get(code::CLIENT_MACHINE_ID) else { return UuidForm::Absent };
    let name = value.get(1..5).unwrap_or_default();
    match (value.len(), name) {
        (_, [b'R', b'P', b'i', ..]) => UuidForm::Board(show(name)),
        (GUID_LENGTH, _) if value.first() == Some(&0) => UuidForm::Guid,
        (length, _) => UuidForm::Odd(length),
    }
}
