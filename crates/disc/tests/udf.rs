//! UDF in the forms that no tool at hand writes, by the tests' own writer; and what mkudffs writes.

mod support;

use disc::{Disc, Format, Limits, ReadAt, What};
use std::collections::BTreeSet;
use support::udf::{Ads, Anchor, Form, Named, Piece, Writer, directory, named};
use support::walk::walk;
use support::{able, content, paths, run};
use tempfile::TempDir;

fn refused(image: &[u8]) -> String {
    match Disc::open(&image.to_vec(), Limits::default()) {
        Ok(disc) => panic!("opened: {:?}", paths(&disc)),
        Err(error) => error.to_string(),
    }
}

/// One directory in which `fill` writes, and nothing else.
fn disc_of(
    mut writer: Writer,
    anchor: Anchor,
    fill: impl FnOnce(&mut Writer, u32) -> Vec<Named<'static>>,
) -> Vec<u8> {
    let root = writer.reserve();
    let entries = fill(&mut writer, root);
    writer.directory(root, root, Form::directory(), &entries);
    writer.finish(root, anchor)
}

fn file(writer: &mut Writer, form: Form, pieces: &[Piece<'_>]) -> u32 {
    let icb = writer.reserve();
    writer.icb(icb, form, pieces);
    icb
}

#[test]
fn every_form_of_allocation_in_every_revision_and_block_size() {
    let pieces: Vec<Vec<u8>> = (0..5).map(|n| support::Chance::new(n).bytes(4096)).collect();
    let forms = [Ads::Short, Ads::Long, Ads::Extended, Ads::Embedded];
    for (block, revision, metadata) in [
        (2048, 0x102, false),
        (512, 0x102, false),
        (2048, 0x150, false),
        (4096, 0x200, false),
        (2048, 0x201, false),
        (1024, 0x201, false),
        (2048, 0x250, true),
        (2048, 0x260, true),
        (512, 0x260, true),
    ] {
        for (number, ads) in forms.into_iter().enumerate() {
            for extended in [false, true] {
                let embedded = ads == Ads::Embedded;
                let take = if embedded { 100 } else { 4096 };
                let parts: Vec<Piece<'_>> = match embedded {
                    true => vec![Piece::Bytes(&pieces[0][..take])],
                    false => vec![
                        Piece::Bytes(&pieces[0]),
                        Piece::Unwritten(8192),
                        Piece::Bytes(&pieces[1]),
                        Piece::Hole(4096),
                        Piece::Bytes(&pieces[2]),
                        Piece::Bytes(&pieces[3][..1234]),
                    ],
                };
                let whole: Vec<u8> = parts
                    .iter()
                    .flat_map(|piece| match piece {
                        Piece::Bytes(bytes) => bytes.to_vec(),
                        Piece::Unwritten(length) | Piece::Hole(length) => vec![0; *length as usize],
                    })
                    .collect();
                let split_after = (number % 2 == 0 && !embedded).then_some(2);
                let form = Form { extended, split_after, ..Form::file(ads) };
                let writer = Writer::new(block, revision, metadata);
                let image = disc_of(writer, Anchor::Last, |writer, _| {
                    vec![named(b"\x08file", file(writer, form, &parts))]
                });
                let what = format!("{block} {revision:x} {ads:?} extended {extended}");
                let disc = walk(&image).unwrap_or_else(|error| panic!("{what}: {error}"));
                let What::File(file) = disc.find("FILE").unwrap().what else { panic!("{what}") };
                assert!(content(&image, file) == whole, "{what}");
                assert_eq!(disc.volume().used, Format::Udf(revision));
                assert_eq!(disc.volume().ids().volume, "FIXTURE");
                assert!(disc.volume().ids().created.is_some() && file.modified.is_some());
            }
        }
    }
}

#[test]
fn the_anchor_is_found_in_each_of_its_places() {
    for anchor in [Anchor::At256, Anchor::Last256, Anchor::Last, Anchor::Both] {
        for (block, metadata) in [(2048, false), (512, false), (2048, true), (512, true)] {
            let writer = Writer::new(block, 0x201, metadata);
            let image = disc_of(writer, anchor, |writer, _| {
                vec![named(
                    b"\x08f",
                    file(writer, Form::file(Ads::Embedded), &[Piece::Bytes(b"hi")]),
                )]
            });
            let disc = walk(&image).unwrap_or_else(|error| panic!("{anchor:?} {block}: {error}"));
            assert_eq!(paths(&disc), BTreeSet::from(["/f".to_owned()]));
        }
    }
}

#[test]
fn names_of_both_widths_hidden_and_deleted_entries_links_and_directories() {
    let image = disc_of(Writer::new(2048, 0x201, false), Anchor::Last, |writer, root| {
        let plain = file(writer, Form::file(Ads::Embedded), &[Piece::Bytes(b"content")]);
        let target = b"\x03\0\0\0\x05\x05\0\0\x08dir2\x05\x02\0\0\x08f";
        let link = Form { kind: 12, ..Form::file(Ads::Embedded) };
        let link = file(writer, link, &[Piece::Bytes(target)]);
        let device = Form { kind: 6, ..Form::file(Ads::Embedded) };
        let device = file(writer, device, &[]);
        let (dir, dir2) = (writer.reserve(), writer.reserve());
        let embedded = Form { ads: Ads::Embedded, ..Form::directory() };
        writer.directory(dir, root, embedded, &[named(b"\x08link", link)]);
        writer.directory(dir2, root, Form::directory(), &[named(b"\x08f", plain)]);
        vec![
            named(b"\x08sm\xf8r", plain),
            named(b"\x10\x65\xe5\x67\x2c\xd8\x3d\xdc\xbf", plain),
            Named { name: b"\x08hidden", icb: plain, characteristics: 1 },
            // Its ICB is long gone.
            Named { name: b"\xfe\0\0", icb: 3, characteristics: 4 },
            directory(b"\x08dir", dir),
            directory(b"\x08dir2", dir2),
            named(b"\x08device", device),
            named(b"\x08a/b\n", plain),
        ]
    });
    let disc = walk(&image).unwrap_or_else(|error| panic!("{error}"));
    let expected = [
        "/a_b_",
        "/device",
        "/dir",
        "/dir/link",
        "/dir2",
        "/dir2/f",
        "/hidden",
        "/smør",
        "/日本💿",
    ];
    assert_eq!(paths(&disc), expected.map(str::to_owned).into());
    assert!(disc.find("hidden").unwrap().hidden && !disc.find("smør").unwrap().hidden);
    assert!(matches!(disc.find_link("dir/link").unwrap().what, What::Link("../dir2/f")));
    let What::File(file) = disc.find("DIR\\LINK").unwrap().what else { panic!("no file") };
    assert_eq!(content(&image, file), b"content");
    assert!(matches!(disc.find("device").unwrap().what, What::Special));
    assert!(disc.volume().notes.iter().any(|note| note.contains("`a_b_`")));
}

#[test]
fn what_is_not_read_is_refused_in_words() {
    let plain = |writer: &mut Writer, form: Form| {
        vec![named(b"\x08f", file(writer, form, &[Piece::Bytes(b"x")]))]
    };
    let form = Form::file(Ads::Embedded);
    for (name, words) in [
        (
            "*UDF Virtual Partition",
            "a virtual partition of UDF (a CD-R or DVD-R written in packets)",
        ),
        ("*UDF Sparable Partition", "a sparable partition of UDF (a CD-RW or DVD-RW"),
        ("*Somebody's", "a partition of UDF that is called `*Somebody\\'s"),
    ] {
        let mut writer = Writer::new(2048, 0x150, true);
        writer.strange_map = Some(name);
        let error = refused(&disc_of(writer, Anchor::Last, |writer, _| plain(writer, form)));
        assert!(
            error.starts_with(words) && error.contains("is not read by this program"),
            "{error}"
        );
    }
    let writer = Writer::new(2048, 0x102, false);
    let form = Form { strategy: 4096, ..form };
    let error = refused(&disc_of(writer, Anchor::Last, |writer, _| plain(writer, form)));
    assert!(error.starts_with("strategy 4096 of UDF's ICBs"), "{error}");
}

#[test]
fn circles_are_found() {
    let image = disc_of(Writer::new(2048, 0x102, false), Anchor::Last, |writer, root| {
        let dir = writer.reserve();
        writer.directory(dir, root, Form::directory(), &[directory(b"\x08up", root)]);
        vec![directory(b"\x08dir", dir)]
    });
    let error = refused(&image);
    assert!(
        error.contains("it holds the directory at byte") && error.contains("in itself")
            || error.contains("in which it is itself"),
        "{error}"
    );
}

#[test]
fn allocation_descriptors_that_go_on_for_ever_end_at_a_limit() {
    let mut image = disc_of(Writer::new(2048, 0x102, false), Anchor::Last, |writer, _| {
        let form = Form { split_after: Some(1), ..Form::file(Ads::Long) };
        let icb = file(writer, form, &[Piece::Bytes(&[7; 10]), Piece::Bytes(&[8; 10])]);
        vec![named(b"\x08f", icb)]
    });
    // The allocation extent descriptor then names itself.
    let at = (0..image.len()).step_by(2048).find(|at| image[*at..*at + 2] == [2, 1]).unwrap();
    let block = image[at + 12..at + 16].to_vec();
    image[at + 24..at + 28].copy_from_slice(&(3_u32 << 30 | 2048).to_le_bytes());
    image[at + 28..at + 32].copy_from_slice(&block);
    assert!(refused(&image).contains("its CRC over"), "{}", refused(&image));
    support::tags::seal(&mut image[at..at + 2048]);
    assert!(refused(&image).contains("more than 8192 of `allocation_hops_max`"));
}

#[test]
fn a_damaged_main_sequence_leaves_the_reserve_and_a_damaged_metadata_file_its_mirror() {
    let fill = |writer: &mut Writer, _| {
        vec![named(b"\x08f", file(writer, Form::file(Ads::Embedded), &[Piece::Bytes(b"hi")]))]
    };
    let image = disc_of(Writer::new(2048, 0x250, true), Anchor::Last, fill);
    let entry = |image: &[u8], kind: u8| {
        let there = |at: &usize| image[*at..*at + 2] == [10, 1] && image[*at + 27] == kind;
        (0..image.len()).step_by(2048).find(there).unwrap()
    };
    let mut bent = image.clone();
    bent[entry(&image, 250) + 60] ^= 1;
    assert!(walk(&bent).is_ok());
    bent[entry(&image, 251) + 60] ^= 1;
    assert!(refused(&bent).contains("a file entry of UDF"));

    let mut bent = image;
    let anchor = bent.len() - 2048;
    // The main sequence in zeros: the reserve is the same place, so that one is kept.
    bent[anchor + 20..anchor + 24].copy_from_slice(&30_u32.to_le_bytes());
    bent[30 * 2048] = 9;
    support::tags::seal(&mut bent[anchor..anchor + 512]);
    assert!(walk(&bent).is_ok());
}

/// Linux leaves the last descriptor as it was when a file grows within its last block.
#[test]
fn descriptors_may_end_anywhere_in_the_last_block_of_a_file_but_not_before_it() {
    let mut image = disc_of(Writer::new(2048, 0x102, false), Anchor::Last, |writer, _| {
        vec![named(b"\x08f", file(writer, Form::file(Ads::Short), &[Piece::Bytes(&[7; 10])]))]
    });
    let there = |at: &usize| image[*at..*at + 2] == [5, 1] && image[*at + 27] == 5;
    let at = (0..image.len()).step_by(2048).find(there).unwrap();
    for (size, readable) in [(11_u16, true), (2048, true), (2049, false), (4096, false)] {
        image[at + 56..at + 58].copy_from_slice(&size.to_le_bytes());
        support::tags::seal(&mut image[at..at + 2048]);
        if readable {
            let disc = walk(&image).unwrap_or_else(|error| panic!("{error}"));
            let What::File(file) = disc.find("f").unwrap().what else { panic!("no file") };
            assert_eq!(content(&image, file)[..11], [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0]);
        } else {
            let error = refused(&image);
            assert!(error.contains(&format!("they cover 10 of {size} bytes")), "{error}");
        }
    }
}

/// Another reader judges the tests' writer, and so what we read of it. Debian's 7z knows no
/// holes and no metadata partitions: Linux judges those, in `guest.rs`.
#[test]
fn seven_zip_reads_the_written_discs_as_we_do() {
    if !able(&["7z"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let bytes = support::Chance::new(1).bytes(5000);
    for revision in [0x102, 0x150, 0x200, 0x201] {
        let writer = Writer::new(2048, revision, false);
        let image = disc_of(writer, Anchor::Both, |writer, root| {
            let pieces = [Piece::Bytes(&bytes[..4096]), Piece::Bytes(&bytes)];
            let short = file(writer, Form::file(Ads::Short), &pieces);
            let extended = revision >= 0x200;
            let long = file(writer, Form { extended, ..Form::file(Ads::Long) }, &pieces);
            let embedded = file(writer, Form::file(Ads::Embedded), &[Piece::Bytes(b"hi")]);
            let dir = writer.reserve();
            let form = Form { ads: Ads::Embedded, ..Form::directory() };
            writer.directory(dir, root, form, &[named(b"\x10\0l\0o", long)]);
            vec![named(b"\x08s", short), named(b"\x08e", embedded), directory(b"\x08d", dir)]
        });
        std::fs::write(dir.path().join("disc.udf"), &image).unwrap();
        let disc = walk(&image).unwrap_or_else(|error| panic!("{error}"));
        run("7z", &["x", "-y", "-tudf", "-oout", "disc.udf"], dir.path());
        let out = dir.path().join("out");
        same_names_and_bytes(&disc, &image, &out);
        std::fs::remove_dir_all(out).unwrap();
    }
}

fn same_names_and_bytes(disc: &Disc, image: &dyn ReadAt, out: &std::path::Path) {
    let theirs = support::on_disk(out);
    assert_eq!(paths(disc), theirs.keys().cloned().collect());
    assert_eq!(theirs.len(), 4);
    for entry in disc.walk() {
        if let What::File(file) = entry.what {
            let path = disc.path(entry.id);
            assert!(content(image, file) == std::fs::read(&theirs[&path]).unwrap(), "{path}");
        }
    }
}

/// Empty file systems, as mkudffs makes them; the kernel fills them in `guest.rs`.
#[test]
fn what_mkudffs_makes_is_read_in_every_revision() {
    if !able(&["mkudffs"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    for (revision, media, block) in [
        ("1.02", "hd", "512"),
        ("1.02", "dvd", "2048"),
        ("1.50", "hd", "2048"),
        ("2.00", "hd", "4096"),
        ("2.01", "hd", "512"),
        ("2.01", "dvdram", "2048"),
    ] {
        let what = format!("{revision} {media} {block}");
        let args =
            ["--new-file", "-l", "ÜDF disc", "-b", block, "-m", media, "-r", revision, "disc.udf"];
        let blocks = ((8 << 20) / block.parse::<u32>().unwrap()).to_string();
        let _ = std::fs::remove_file(dir.path().join("disc.udf"));
        run("mkudffs", &[&args[..], &[&blocks]].concat(), dir.path());
        let image = std::fs::read(dir.path().join("disc.udf")).unwrap();
        let disc = walk(&image).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(disc.volume().used.to_string(), format!("UDF {revision}"), "{what}");
        assert_eq!(disc.volume().ids().volume, "ÜDF disc", "{what}");
        assert!(
            paths(&disc).iter().all(|path| path == "/lost+found"),
            "{what}: {:?}",
            paths(&disc)
        );
    }
    // What it makes for media written in packets is refused in words. Of 2.50 it makes nothing else.
    for (media, revision, words) in [
        ("cdr", "2.01", "a virtual partition"),
        ("cdrw", "2.01", "a sparable partition"),
        ("bdr", "2.50", "a virtual partition"),
    ] {
        let _ = std::fs::remove_file(dir.path().join("disc.udf"));
        let args = ["--new-file", "-m", media, "-r", revision, "disc.udf", "4096"];
        run("mkudffs", &args, dir.path());
        let image = std::fs::read(dir.path().join("disc.udf")).unwrap();
        assert!(refused(&image).starts_with(words), "{media}: {}", refused(&image));
    }
}
