//! Work on the bytes of images and bootloaders, on threads that may wait for a disk.

mod audit;
mod backup;
pub mod checkpoint;
pub mod config;
pub mod deploy;
mod import;
pub mod imports;
mod loaders;
pub mod power;
mod provenance;
mod scrub;
mod source;
mod sweep;
mod tidy;
mod verify;

pub use audit::audit;
pub use backup::{Sending, backup};
pub use import::Wanted;
pub use loaders::publish;
pub use scrub::{scrub, scrub_telling};
pub use sweep::sweep;
pub use tidy::tidy;
pub use verify::verify;

use crate::Problem;

/// Runs what waits for a disk where waiting is allowed.
pub async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::failed(format!("a bug in the server stopped this request: {e}")))
}
