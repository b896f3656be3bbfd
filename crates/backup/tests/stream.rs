//! What goes in comes out; what was touched does not.

use backup::{About, Entry, Fault, Passphrase, Reader, Sent, Work, Writer, is_safe};
use proptest::prelude::*;
use std::io::{self, Read};

/// Quick: what a try costs is measured elsewhere.
const WORK: Work = Work { memory_kib: 8, passes: 1, lanes: 1 };
const SALT: [u8; 32] = [7; 32];

fn words(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn about() -> About {
    About { made_ms: 5, server: "lab".into(), with_images: true, ..About::default() }
}

/// A backup of these files and blobs.
fn made(files: &[(&str, Vec<u8>)], blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &words("open"), WORK, &SALT, &about()).unwrap();
    for (name, bytes) in files {
        writer.file(name, bytes.len() as u64, &mut &bytes[..]).unwrap();
    }
    for (n, bytes) in blobs.iter().enumerate() {
        let sent = writer.blob(&[n as u8; 32], bytes.len() as u64, &mut &bytes[..]).unwrap();
        assert_eq!(sent, Sent::Whole);
    }
    writer.finish().unwrap()
}

/// Everything in it, with its bytes.
fn read(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, Fault> {
    let mut reader = Reader::open(bytes, &words("open"))?;
    let mut all = Vec::new();
    while let Some(entry) = reader.next()? {
        let mut body = Vec::new();
        reader.body()?.read_to_end(&mut body)?;
        all.push((entry, body));
    }
    assert_eq!(reader.next().unwrap(), None, "the end stays the end");
    Ok(all)
}

fn small() -> Vec<u8> {
    made(&[("bootwright.db", vec![1; 5000]), ("keys/a", b"key".to_vec())], &[b"kernel".to_vec()])
}

#[test]
fn what_goes_in_comes_out() {
    let all = read(&small()).unwrap();
    let (db, key, blob) = (&all[0], &all[1], &all[2]);
    assert_eq!(db.0, Entry::File { name: "bootwright.db".into(), size: 5000 });
    assert_eq!((&db.1, &key.1[..], &blob.1[..]), (&vec![1; 5000], &b"key"[..], &b"kernel"[..]));
    assert_eq!(blob.0, Entry::Blob { sha256: [0; 32], size: 6 });
    assert_eq!(Reader::open(&small()[..], &words("open")).unwrap().about(), &about());
    assert!(small().len() < 600, "a file is compressed: {}", small().len());
}

#[test]
fn bodies_may_be_passed_over_in_whole_or_in_part() {
    let bytes = made(&[("a", vec![3; 200_000])], &[vec![4; 200_000], vec![5; 10]]);
    let mut reader = Reader::open(&bytes[..], &words("open")).unwrap();
    let mut seen = 0;
    while reader.next().unwrap().is_some() {
        seen += 1;
        if seen == 2 {
            reader.body().unwrap().read_exact(&mut [0; 70_000]).unwrap();
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn every_cut_is_noticed() {
    let bytes = small();
    for length in 0..bytes.len() {
        let fault = read(&bytes[..length]).unwrap_err();
        let cut = matches!(fault, Fault::NoBackup | Fault::CutOff { .. } | Fault::End { .. });
        assert!(cut, "{length}: {fault}");
    }
    // Between two chunks, too, where every chunk that is left is whole.
    let long = made(&[], &[(0..200_000).map(|n: u32| n as u8).collect()]);
    let head = 70;
    for chunks in 1..3 {
        let at = head + chunks * (65_536 + 16);
        let fault = read(&long[..at]).unwrap_err();
        assert!(matches!(fault, Fault::CutOff { at: told } if told == at as u64), "{fault}");
    }
    assert!(read(&[&bytes[..], b"x"].concat()).is_err(), "nor may anything follow");
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = small();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        assert!(read(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn chunks_cannot_change_places() {
    let bytes = made(&[], &[(0..300_000).map(|n: u32| n as u8).collect()]);
    let chunk = |n: usize| 70 + n * 65_552..70 + (n + 1) * 65_552;
    let mut swapped = bytes.clone();
    swapped[chunk(1)].copy_from_slice(&bytes[chunk(2)]);
    swapped[chunk(2)].copy_from_slice(&bytes[chunk(1)]);
    let fault = read(&swapped).unwrap_err();
    assert!(matches!(fault, Fault::Damaged { at } if at == 70 + 65_552), "{fault}");
    // Nor come from another backup with the same passphrase.
    let salt = [8; 32];
    let other = Writer::new(Vec::new(), &words("open"), WORK, &salt, &about()).unwrap();
    let other = other.finish().unwrap();
    let mixed = [&bytes[..70], &other[70..]].concat();
    assert!(read(&mixed).is_err());
}

#[test]
fn a_wrong_passphrase_is_told_from_damage() {
    let bytes = small();
    let wrong = Reader::open(&bytes[..], &words("Open")).err().unwrap();
    assert!(matches!(wrong, Fault::Passphrase), "{wrong}");
    let mut damaged = bytes;
    damaged[100] ^= 1;
    assert!(matches!(read(&damaged).unwrap_err(), Fault::Damaged { .. } | Fault::End { .. }));
    assert_eq!(format!("{:?}", words("open")), "***");
}

#[test]
fn a_head_cannot_ask_for_much() {
    for (place, value) in [(10, u32::MAX), (14, 1000), (18, 1000), (10, 0), (14, 0), (18, 0)] {
        let mut bytes = small();
        bytes[place..place + 4].copy_from_slice(&value.to_be_bytes());
        assert!(matches!(read(&bytes).unwrap_err(), Fault::Work { .. }), "{place} {value}");
    }
    let mut later = small();
    later[9] = 2;
    assert!(matches!(read(&later).unwrap_err(), Fault::Later(2)));
    assert!(matches!(read(b"PK\x03\x04 and so on").unwrap_err(), Fault::NoBackup));
}

/// Gives some bytes, then fails.
struct Rotten(usize);

impl Read for Rotten {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the disk is rotten"));
        }
        let most = self.0.min(buffer.len());
        self.0 -= most;
        Ok(most)
    }
}

#[test]
fn a_blob_that_cannot_be_read_costs_itself() {
    let mut writer = Writer::new(Vec::new(), &words("open"), WORK, &SALT, &about()).unwrap();
    let sent = writer.blob(&[1; 32], 200_000, &mut Rotten(100_000)).unwrap();
    assert_eq!(sent, Sent::BrokenOff("the disk is rotten".into()));
    let short = writer.blob(&[2; 32], 10, &mut &b"short"[..]).unwrap();
    assert!(matches!(short, Sent::BrokenOff(_)));
    writer.lost(&[3; 32], "it is in quarantine").unwrap();
    let _ = writer.blob(&[4; 32], 3, &mut &b"yes"[..]).unwrap();
    let bytes = writer.finish().unwrap();

    let mut reader = Reader::open(&bytes[..], &words("open")).unwrap();
    assert!(matches!(reader.next().unwrap(), Some(Entry::Blob { size: 200_000, .. })));
    let failed = reader.body().unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(Fault::from(failed), Fault::BrokenOff(why) if why == "the disk is rotten"));
    assert!(matches!(reader.next().unwrap(), Some(Entry::Blob { size: 10, .. })));
    let lost = Entry::Lost { sha256: [3; 32], why: "it is in quarantine".into() };
    assert_eq!(reader.next().unwrap(), Some(lost));
    reader.next().unwrap();
    let mut body = Vec::new();
    reader.body().unwrap().read_to_end(&mut body).unwrap();
    assert_eq!((body, reader.next().unwrap()), (b"yes".to_vec(), None));
}

#[test]
fn names_lead_nowhere_else() {
    let good = ["bootwright.db", "keys/tls/server.pem", "keyrings/a b.gpg"];
    assert!(good.iter().all(|name| is_safe(name)));
    let long = "x".repeat(600);
    let bad =
        ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\\b", "a\0b", "a\nb", &long];
    for name in bad {
        assert!(!is_safe(name), "{name}");
        let mut writer = Writer::new(Vec::new(), &words("open"), WORK, &SALT, &about()).unwrap();
        assert!(writer.file(name, 0, &mut io::empty()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_it_holds_comes_back(
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..4),
        sizes in prop::collection::vec(0_usize..200_000, 0..4),
    ) {
        let names = ["a", "b/c", "d.e", "f"];
        let files: Vec<(&str, Vec<u8>)> = names.into_iter().zip(files).collect();
        let blobs: Vec<Vec<u8>> = sizes.iter().map(|size| vec![*size as u8; *size]).collect();
        let all = read(&made(&files, &blobs)).unwrap();
        let came: Vec<&Vec<u8>> = all.iter().map(|(_, body)| body).collect();
        let went: Vec<&Vec<u8>> = files.iter().map(|(_, body)| body).chain(&blobs).collect();
        prop_assert_eq!(came, went);
    }

    #[test]
    fn noise_is_refused_in_words(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!read(&noise).unwrap_err().to_string().is_empty());
        let with_head = [&small()[..70], &noise].concat();
        prop_assert!(!read(&with_head).unwrap_err().to_string().is_empty());
    }
}
