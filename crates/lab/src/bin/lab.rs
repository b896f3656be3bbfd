//! The bench's own program: `lab demo [FIRMWARE]`, `lab bench-boot [PAIRS]`,
//! `lab bench-dhcp [ROUNDS] [--probe]`, `lab bench-dhcp6 [ROUNDS]`, `lab bench-dns [ROUNDS]`, `lab bench-dhcp-growth [LEASES]`, `lab bench-tftp [ROUNDS]`,
//! `lab bench-http [ROUNDS]`, `lab bench-storm [MACHINES]`, `lab bench-transfers`,
//! `lab bench-library [ROUNDS]`, `lab bench-fleet [MACHINES]`, `lab bench-reasons [ROUNDS]`, `lab soak-kill KILLS [SEED]`, `lab soak-library KILLS [SEED]`.
//! `./x` calls it.

use std::process::ExitCode;

/// That of the program: what is measured in this process is measured with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo"] => lab::demo::run(lab::rig::guest::Firmware::Ovmf),
        ["demo", name] => match lab::demo::firmware(name) {
            Some(firmware) => lab::demo::run(firmware),
            None => return usage(),
        },
        ["bench-boot"] => lab::bench_boot::run(5),
        ["bench-boot", pairs] => match pairs.parse() {
            Ok(pairs) => lab::bench_boot::run(pairs),
            Err(_) => return usage(),
        },
        ["bench-dhcp-growth"] => lab::bench_dhcp::growth::run(100_000),
        ["bench-dhcp-growth", most] => match most.parse() {
            Ok(most) => lab::bench_dhcp::growth::run(most),
            Err(_) => return usage(),
        },
        ["soak-kill", kills] => match kills.parse() {
            Ok(kills) => lab::soak::run(kills, chance()),
            Err(_) => return usage(),
        },
        ["soak-kill", kills, seed] => match (kills.parse(), seed.parse()) {
            (Ok(kills), Ok(seed)) => lab::soak::run(kills, seed),
            _ => return usage(),
        },
        ["soak-library", kills] => match kills.parse() {
            Ok(kills) => lab::soak::library::run(kills, chance()),
            Err(_) => return usage(),
        },
        ["soak-library", kills, seed] => match (kills.parse(), seed.parse()) {
            (Ok(kills), Ok(seed)) => lab::soak::library::run(kills, seed),
            _ => return usage(),
        },
        ["bench-tftp", rest @ ..] => match number(rest, 3) {
            Some(rounds) => lab::bench_files::tftp::run(rounds),
            None => return usage(),
        },
        ["bench-http", rest @ ..] => match number(rest, 3) {
            Some(rounds) => lab::bench_files::http::run(rounds),
            None => return usage(),
        },
        ["bench-storm", rest @ ..] => match number(rest, 1000) {
            Some(machines) => lab::bench_files::storm::run(machines),
            None => return usage(),
        },
        ["bench-library", rest @ ..] => match number(rest, 3) {
            Some(rounds) => lab::bench_library::run(rounds),
            None => return usage(),
        },
        ["bench-fleet", rest @ ..] => match number(rest, 100_000) {
            Some(machines) => lab::bench_fleet::run(machines),
            None => return usage(),
        },
        ["bench-reasons", rest @ ..] => match number(rest, 1_000) {
            Some(rounds) => lab::bench_reasons::run(rounds),
            None => return usage(),
        },
        ["bench-dhcp6", rest @ ..] => match number(rest, 3) {
            Some(rounds) => lab::bench_dhcp6::run(rounds),
            None => return usage(),
        },
        ["bench-dns", rest @ ..] => match number(rest, 3) {
            Some(rounds) => lab::bench_dns::run(rounds),
            None => return usage(),
        },
        ["bench-transfers"] => lab::bench_files::transfers::run(),
        ["bench-dhcp", rest @ ..] => match rounds(rest) {
            Some((rounds, probe)) => lab::bench_dhcp::run(rounds, probe),
            None => return usage(),
        },
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

/// A seed for who names none; it is printed.
fn chance() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs())
}

/// `[NUMBER]`
fn number<T: std::str::FromStr>(words: &[&str], without: T) -> Option<T> {
    match words {
        [] => Some(without),
        [number] => number.parse().ok(),
        _ => None,
    }
}

/// `[ROUNDS] [--probe]`
fn rounds(words: &[&str]) -> Option<(usize, bool)> {
    match words {
        [] => Some((3, false)),
        ["--probe"] => Some((3, true)),
        [rounds] => Some((rounds.parse().ok()?, false)),
        [rounds, "--probe"] => Some((rounds.parse().ok()?, true)),
        _ => None,
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: lab demo [uefi|bios|http|secureboot|arm64] | lab bench-boot [PAIRS] | \
         lab bench-dhcp [ROUNDS] [--probe] | lab bench-dhcp-growth [LEASES] | lab bench-dns [ROUNDS] | \
         lab bench-dhcp6 [ROUNDS] | \
         lab bench-tftp [ROUNDS] | lab bench-http [ROUNDS] | \
         lab bench-storm [MACHINES] | lab bench-transfers | lab bench-library [ROUNDS] | \
         lab bench-fleet [MACHINES] | lab bench-reasons [ROUNDS] | \
         lab soak-kill KILLS [SEED] | lab soak-library KILLS [SEED]"
    );
    ExitCode::from(2)
}
