//! Puts the built web UI (`ui/dist`, made by `./x ui`) into the program. It runs nothing and fetches
//! nothing: where there is no built UI, the list is empty and the server says how to build one.

#![expect(clippy::expect_used, reason = "a build that cannot write its own folder has failed")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    println!("cargo::rerun-if-changed=build.rs");
    // The folder is kept in git, empty: one that is not there would be a change at each build.
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    // Only what was finished is whole: the list is the last thing that the UI's build writes.
    if let Ok(list) = std::fs::read_to_string(dist.join("files.txt")) {
        files.extend(list.lines().map(str::to_owned));
    }
    let mut made = String::from("&[\n");
    for path in &files {
        let bytes = |form: &str| {
            let file: PathBuf = dist.join(format!("{path}{form}"));
            file.is_file().then(|| format!("include_bytes!({:?})", file.display().to_string()))
        };
        let plain = bytes("").expect("a file that is listed is there");
        let packed = |form| bytes(form).map_or("None".to_owned(), |bytes| format!("Some({bytes})"));
        writeln!(
            made,
            "    Page {{ path: {path:?}, plain: {plain}, gzip: {}, brotli: {} }},",
            packed(".gz"),
            packed(".br")
        )
        .expect("a text takes more text");
    }
    made.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").expect("cargo says where");
    std::fs::write(Path::new(&out).join("pages.rs"), made).expect("cargo's folder can be written");
}
