//! One look at a message, without reading it: enough to sort what waits.

use super::code;

/// Where the options begin: after the fixed fields and the magic cookie (RFC 2131, 3).
const OPTIONS_AT: usize = 240;

/// The number of a message's type (option 53), if it is found among the options proper. What hides
/// in an overloaded field, or is no message at all, has none here; only [`super::Message::parse`]
/// tells what is what.
#[must_use]
pub fn peek_message_type(bytes: &[u8]) -> Option<u8> {
    let mut rest = bytes.get(OPTIONS_AT..)?;
    loop {
        rest = match *rest {
            [code::PAD, ref more @ ..] => more,
            [code::MESSAGE_TYPE, 1, number, ..] => return Some(number),
            [code::END, ..] => return None,
            [_, length, ref more @ ..] => more.get(usize::from(length)..)?,
            [_] | [] => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &[u8]) -> Vec<u8> {
        [&[0; OPTIONS_AT], options].concat()
    }

    #[test]
    fn the_type_is_found_wherever_it_stands_among_the_options() {
        assert_eq!(peek_message_type(&message(&[53, 1, 3, 255])), Some(3));
        assert_eq!(peek_message_type(&message(&[0, 0, 12, 2, 53, 1, 53, 1, 1])), Some(1));
    }

    #[test]
    fn what_has_no_type_or_ends_in_the_middle_has_none() {
        for options in [&[][..], &[255, 53, 1, 3], &[53], &[53, 1], &[53, 2, 1, 1], &[12, 9, 1]] {
            assert_eq!(peek_message_type(&message(options)), None, "{options:?}");
        }
        assert_eq!(peek_message_type(b"default send string"), None);
    }
}
