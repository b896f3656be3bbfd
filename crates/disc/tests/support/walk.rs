//! What must hold for any image: shared by the ordinary tests and the fuzz target.

use disc::{Disc, DiscError, Limits, ReadAt, What};

/// Most bytes read of a file of an image that chance made.
const READ_MAX: u64 = 1 << 16;

/// Reads everything that is told of an image, and checks that it holds together.
pub fn walk(image: &Vec<u8>) -> Result<Disc, DiscError> {
    let disc = Disc::open(image, Limits::default()).inspect_err(|error| fit(&error.to_string()))?;
    let volume = disc.volume();
    assert!(volume.found.contains(&volume.used) && !volume.because.is_empty());
    for note in &volume.notes {
        fit(note);
    }
    let mut entries = 0;
    for entry in disc.walk() {
        entries += 1;
        assert!(!entry.name.is_empty() && entry.name != "." && entry.name != "..");
        assert!(!entry.name.contains(['/', '\0', '\n']), "{:?}", entry.name);
        let path = disc.path(entry.id);
        if entries < 200 {
            let found = disc.find_link(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
            assert_eq!(found.id, entry.id, "{path}");
        }
        match entry.what {
            What::File(file) => read(file, image),
            What::Directory => {
                let inside = disc.entries(entry.id);
                assert!(inside.into_iter().all(|child| disc.path(child.id).starts_with(&path)));
            }
            What::Link(_) => drop(disc.find(&path)),
            What::Special => {}
        }
    }
    assert!(entries < Limits::default().entries_max);
    for boot in disc.boot() {
        assert!(boot.offset + boot.length <= image.size());
    }
    Ok(disc)
}

fn read(file: &disc::File, image: &Vec<u8>) {
    assert_eq!(file.extents.iter().map(|extent| extent.length).sum::<u64>(), file.size);
    for extent in &file.extents {
        assert!(extent.length > 0);
        let end = extent.offset.unwrap_or_default().checked_add(extent.length).unwrap();
        assert!(extent.offset.is_none() || end <= image.size());
    }
    let length = file.size.min(READ_MAX);
    for offset in [0, file.size - length] {
        let mut buffer = vec![0xaa; usize::try_from(length).unwrap()];
        let done = file.read_at(image, &mut buffer, offset);
        assert_eq!(done.is_ok(), file.zisofs.is_none());
    }
}

/// A sentence that can be shown.
fn fit(text: &str) {
    assert!(text.len() > 20 && text.len() < 1000, "{text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
