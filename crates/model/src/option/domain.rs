//! Domain names as DNS writes them (RFC 1035, 3.1), without compression: RFC 3397 allows it, no
//! client needs it, and a name that is split over two instances of an option cannot point wrong.

/// The longest name, as text.
const NAME_MAX: usize = 253;

/// `lab.example` as length-prefixed labels and a zero.
pub(super) fn encode(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > NAME_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').map(str::as_bytes) {
        let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let ends = [label.first()?, label.last()?];
        if label.len() > 63 || !label.iter().all(good) || ends.contains(&&b'-') {
            return None;
        }
        bytes.push(u8::try_from(label.len()).ok()?);
        bytes.extend(label);
    }
    bytes.push(0);
    Some(bytes)
}

/// All names in `bytes`, if that is all there is in them.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !bytes.is_empty() {
        let mut labels = Vec::new();
        loop {
            let (length, rest) = bytes.split_first()?;
            let (label, rest) = rest.split_at_checked((*length).into())?;
            bytes = rest;
            if label.is_empty() {
                break;
            }
            labels.push(std::str::from_utf8(label).ok()?);
        }
        names.push(labels.join("."));
    }
    Some(names)
}
