//! Images and bootloaders, and their bytes: found, recognised, hashed, kept, read.
//!
//! ```text
//! folder, file ──import──▶ blobs + Image          (version 0: the engine numbers it)
//!                 └─recognise: which recipe, for which machines, and why we think so
//! /usr/lib, .deb ──loaders──▶ FoundLoader ──publish──▶ blobs + Loader
//! blobs ──open──▶ BlobFile, read at any place by many at once, and checked
//!       └─scrub──▶ what the disk no longer gives back as it took it
//! piece after piece ──upload──▶ a whole file below incoming/, which an import may take
//! ```
//!
//! In: paths an operator named, and the state directory. Out: values of `model`, and bytes. Never:
//! a socket, a clock (the moment comes in), `async` (callers run it where blocking is allowed), a
//! decision about who may boot what. Files are believed to be hostile: whatever is read from them
//! is bounded, and nothing here panics over their content.
#![forbid(unsafe_code)]

pub mod audit;
mod bytes;
pub mod compare;
mod deb;
pub mod discovery;
mod dpkg;
mod efi;
mod identify;
pub mod import;
pub mod loaders;
pub mod scrub;
pub mod store;
mod tree;
pub mod upload;

pub use audit::Audit;
pub use catalogue::{Recognised, recognise};
pub use import::{ImportError, Progress};
pub use loaders::{FoundLoader, LoaderError};
pub use scrub::Scrub;
pub use store::{BlobFile, Blobs, Damage, StoreError, damage_of, is_damage};
pub use upload::{Announced, Upload, UploadError, Uploads};
