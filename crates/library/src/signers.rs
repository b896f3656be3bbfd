//! Who is named in a signature (PKCS #7 SignedData, RFC 2315 and 5652), read and not verified.
//!
//! In: the bytes of one signature. Out: "signer, issued by issuer" for each signer. Read by hand
//! because a listing needs two names of it, and must show something for odd certificates too.

use crate::bytes::slice;

/// Certificates and signers that are looked at.
const ITEMS_MAX: usize = 64;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;
/// 2.5.4.3, commonName; 2.5.4.11, organizationalUnitName; 2.5.4.10, organizationName.
const NAME_OIDS: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 11], &[0x55, 4, 10]];

/// The signers of one signature, in words. A signature that cannot be read says so.
pub(crate) fn of(signature: &[u8]) -> Vec<String> {
    match read(signature) {
        Some(names) if !names.is_empty() => names,
        _ => vec!["somebody (a signature that we cannot read)".to_owned()],
    }
}

struct Certificate<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
}

fn read(signature: &[u8]) -> Option<Vec<String>> {
    let mut content_info = Der(Der(signature).take(SEQUENCE)?);
    content_info.take(OID)?;
    let mut signed_data = Der(Der(content_info.take(CONTEXT_0)?).take(SEQUENCE)?);
    signed_data.take(INTEGER)?; // version
    signed_data.take(SET)?; // digest algorithms
    signed_data.take(SEQUENCE)?; // what was signed
    let certificates: Vec<Certificate<'_>> =
        Der(signed_data.take(CONTEXT_0)?).all(SEQUENCE).filter_map(certificate).collect();
    signed_data.skip(0xa1); // revocation lists
    let signers = Der(signed_data.take(SET)?).all(SEQUENCE);
    Some(signers.filter_map(|info| signer(info, &certificates)).collect())
}

/// Certificate, RFC 5280, 4.1: the fields up to the subject.
fn certificate(body: &[u8]) -> Option<Certificate<'_>> {
    let mut fields = Der(Der(body).take(SEQUENCE)?);
    fields.skip(CONTEXT_0); // version
    let serial = fields.take(INTEGER)?;
    fields.take(SEQUENCE)?; // algorithm
    let issuer = fields.take(SEQUENCE)?;
    fields.take(SEQUENCE)?; // validity
    Some(Certificate { serial, issuer, subject: fields.take(SEQUENCE)? })
}

/// SignerInfo names its certificate by issuer and serial number.
fn signer(info: &[u8], certificates: &[Certificate<'_>]) -> Option<String> {
    let mut fields = Der(info);
    fields.take(INTEGER)?; // version
    let mut named = Der(fields.take(SEQUENCE)?);
    let (issuer, serial) = (named.take(SEQUENCE)?, named.take(INTEGER)?);
    let own = certificates.iter().find(|c| c.issuer == issuer && c.serial == serial);
    let subject = own.and_then(|own| name(own.subject)).unwrap_or_else(|| "somebody".to_owned());
    let issuer = name(issuer).unwrap_or_else(|| "an issuer without a name".to_owned());
    Some(format!("{subject}, issued by {issuer}"))
}

/// The common name, else the unit, else the organisation.
fn name(body: &[u8]) -> Option<String> {
    let parts: Vec<(&[u8], String)> = Der(body)
        .all(SET)
        .flat_map(|set| Der(set).all(SEQUENCE))
        .filter_map(|pair| {
            let mut pair = Der(pair);
            let kind = pair.take(OID)?;
            let (tag, value) = pair.next()?;
            Some((kind, string(tag, value)))
        })
        .collect();
    NAME_OIDS
        .iter()
        .find_map(|oid| parts.iter().find(|(kind, _)| kind == oid))
        .map(|(_, text)| text.clone())
        .filter(|text| !text.is_empty())
}

fn string(tag: u8, value: &[u8]) -> String {
    // BMPString: UTF-16, high byte first.
    if tag == 0x1e {
        let units = value.chunks_exact(2).map(|pair| match pair {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        });
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return model::text::show(text.as_bytes());
    }
    model::text::show(value)
}

/// DER values, one after another. Lengths are checked; nothing is nested by itself.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, &first) = (self.0.first()?, self.0.get(1)?);
        let (len, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            // Up to four bytes of length; 0x80 (length not told) is BER and not taken.
            0x81..=0x84 => {
                let digits = slice(self.0, 2, usize::from(first & 0x7f))?;
                let len = digits.iter().fold(0_usize, |sum, b| (sum << 8) | usize::from(*b));
                (len, 2 + digits.len())
            }
            _ => return None,
        };
        let value = slice(self.0, header, len)?;
        self.0 = self.0.get(header.checked_add(len)?..)?;
        Some((tag, value))
    }

    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, value) = self.next()?;
        (tag == wanted).then_some(value)
    }

    fn skip(&mut self, unwanted: u8) {
        if self.0.first() == Some(&unwanted) {
            self.next();
        }
    }

    fn all(mut self, wanted: u8) -> impl Iterator<Item = &'a [u8]> {
        std::iter::from_fn(move || self.next())
            .take(ITEMS_MAX)
            .filter_map(move |(tag, value)| (tag == wanted).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let len = u16::try_from(body.len()).expect("short");
        [&[tag, 0x82], &len.to_be_bytes()[..], &body].concat()
    }

    fn rdn(text: &str) -> Vec<u8> {
        let pair = der(SEQUENCE, &[&der(OID, &[&[0x55, 4, 3]]), &der(0x0c, &[text.as_bytes()])]);
        der(SEQUENCE, &[&der(SET, &[&pair])])
    }

    fn signature() -> Vec<u8> {
        let serial = der(INTEGER, &[&[7]]);
        let (issuer, subject) = (rdn("Example CA"), rdn("Example Signer"));
        let empty = der(SEQUENCE, &[]);
        let tbs = der(SEQUENCE, &[&serial, &empty, &issuer, &empty, &subject]);
        let certificates = der(CONTEXT_0, &[&der(SEQUENCE, &[&tbs])]);
        let named = der(SEQUENCE, &[&issuer, &serial]);
        let infos = der(SET, &[&der(SEQUENCE, &[&der(INTEGER, &[&[1]]), &named])]);
        let version = der(INTEGER, &[&[1]]);
        let algorithms = der(SET, &[]);
        let data = [&version, &algorithms, &empty, &certificates, &infos].map(Vec::as_slice);
        let oid = der(OID, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]]);
        der(SEQUENCE, &[&oid, &der(CONTEXT_0, &[&der(SEQUENCE, &data)])])
    }

    #[test]
    fn the_signer_and_who_vouches_for_it_are_named() {
        assert_eq!(of(&signature()), ["Example Signer, issued by Example CA"]);
    }

    #[test]
    fn what_cannot_be_read_is_still_said_to_be_signed() {
        assert_eq!(of(&[0x30, 0x80, 0, 0]), ["somebody (a signature that we cannot read)"]);
    }

    proptest! {
        #[test]
        fn damaged_signatures_are_read_without_panic(at in 0_usize..200, value: u8, cut in 0_usize..400) {
            let mut bytes = signature();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(cut);
            prop_assert!(!of(&bytes).is_empty());
        }

        #[test]
        fn noise_is_read_without_panic(noise: Vec<u8>) {
            prop_assert!(!of(&noise).is_empty());
        }
    }
}
