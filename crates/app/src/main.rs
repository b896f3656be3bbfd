//! The bootwright program: flags, configuration, wiring.
//!
//! ```text
//! argv ─ cli ─ commands ─┬─ serve ─ config ─▶ serving: site, library, serve, api, tied together
//!                        └─ all others ─▶ api::Client ─▶ a running server
//! ```
//!
//! In: what an operator typed, and the configuration file. Out: a running server, or the answer of
//! one, with an exit code. Never: a decision about machines.
#![forbid(unsafe_code)]

mod cli;
mod clock;
mod commands;
mod config;
mod declared;
mod failure;
mod links;
mod pages;
mod password;
mod say;
mod serving;
mod who;

use clap::Parser;
use std::process::ExitCode;

/// A lease is decided on one thread, kept on a second and told on a third: what one allocates another
/// frees. The C library's allocator spent a fifth of the processor's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            say::note(format!("error: cannot start: {e}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // A thread that still waits for a disk or a terminal must not keep us.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::note(format!("error: {failure}"));
            failure.code()
        }
    }
}
