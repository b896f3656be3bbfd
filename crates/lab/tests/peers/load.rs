//! Under load: kills that may not lose a promise, and the order of sync and ACK as strace sees it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use lab::bench_dhcp::subject;
use lab::load::{self, Play};
use lab::rig::need::{self, need};
use lab::rig::ns::Pair;
use lab::rig::{Process, Trouble};
use lab::trace::{CALLS, Reader, STRING_LENGTH, Told};

use super::world::{Tried, trouble};

/// Exchanges under strace; `TRACE_EXCHANGES` names another number.
const EXCHANGES: u32 = 10_000;
const SEED: u64 = 77;
const IN_FLIGHT: u16 = 64;
/// Ten times what it takes on two busy cores.
const AT_MOST: Duration = Duration::from_secs(240);

#[test]
#[ignore = "a server killed under load, as root: `./x test` runs it"]
fn twenty_kills_under_load_break_no_promise() -> Tried {
    let outcome = lab::soak::kill(20, SEED)?;
    let s = outcome.lasted.as_secs_f64();
    println!("{} ACKs and {} REPLYs in {s:.0} s", outcome.acked, outcome.acked6);
    assert!(outcome.broken.is_empty(), "seed {SEED}:\n{}", outcome.broken.join("\n"));
    assert!(outcome.settled, "clients were still without an answer at the end");
    assert!(outcome.acked > 2000, "that was no load: {} ACKs", outcome.acked);
    assert!(outcome.acked6 > 1000, "that was no load over IPv6: {} REPLYs", outcome.acked6);
    Ok(())
}

#[test]
#[ignore = "a server killed under load, as root: `./x test` runs it"]
fn twenty_kills_while_the_library_changes_break_no_promise() -> Tried {
    let outcome = lab::soak::library::kill(20, SEED)?;
    println!("{outcome:?}");
    assert!(outcome.broken.is_none(), "seed {SEED}:\n{}", outcome.broken.unwrap_or_default());
    let cut = outcome.cut_and_done + outcome.cut_and_undone;
    assert!(cut >= 3, "the kills came when nothing was going on: {cut} of 20 cut an act short");
    assert!(outcome.compared > 8 << 20, "{} bytes are hardly a comparison", outcome.compared);
    Ok(())
}

#[test]
#[ignore = "a server under strace, as root: `./x test` runs it"]
fn no_ack_leaves_before_the_sync_that_covers_it() -> Tried {
    need(need::LINK)?;
    need(&["strace"])?;
    let exchanges = match std::env::var("TRACE_EXCHANGES") {
        Ok(number) => number.parse().unwrap_or_else(|e| panic!("TRACE_EXCHANGES: {e}")),
        Err(_) => EXCHANGES,
    };
    let pair = Pair::new(subject::SERVER, subject::CLIENT)?;
    let directory = subject::new_directory()?;
    let server = subject::ours(&pair.server(), directory.path(), subject::plan(false))?;
    let trace = directory.path().join("trace");
    let mut strace = attach(&pair, server.id(), &trace)?;

    // Everybody twice: a new lease, then one that is given again.
    let each = Play::each_once(exchanges / 2, SEED, IN_FLIGHT, AT_MOST);
    let tally = load::play(&pair.client(), &Play { most: exchanges.into(), ..each })?;
    // Detached first, or the server would wait for a tracer that does not go on.
    strace.stop();
    drop(server);
    let told = told(&trace, &directory.path().join("state"))?;
    println!(
        "{} completed of {} in {:.1} s; {} REQUESTs, {} ACKs, {} syncs",
        tally.completed_in_all(),
        tally.begun,
        tally.lasted.as_secs_f64(),
        told.requests,
        told.acks,
        told.syncs
    );
    let first: Vec<_> = told.uncovered.iter().take(10).collect();
    assert!(first.is_empty(), "{} ACKs left too early:\n{first:#?}", told.uncovered.len());
    assert!(tally.loss() < 0.05, "{} of {} lost", tally.begun - tally.in_time, tally.begun);
    assert!(told.acks as u64 >= tally.completed_in_all(), "the trace has every ACK: {told:?}");
    Ok(())
}

/// strace, once it holds every thread of the server.
fn attach(pair: &Pair, server: u32, to: &Path) -> Result<Process, Trouble> {
    let mut command = pair.server().command("strace");
    command.args(["-f", "-y", "-v", "-xx", "-s", STRING_LENGTH, "-e", CALLS, "-o"]).arg(to);
    command.args(["-p", &server.to_string()]);
    let mut strace = Process::start(command, to.with_extension("log"))?;
    strace.wait_for("attached", Duration::from_secs(20))?;
    Ok(strace)
}

fn told(trace: &Path, state: &Path) -> Result<Told, Trouble> {
    let cannot = |e| trouble(format!("reading {}", trace.display()), e);
    let mut reader = Reader::new(&state.display().to_string());
    for line in BufReader::new(File::open(trace).map_err(cannot)?).lines() {
        reader.read(&line.map_err(cannot)?);
    }
    Ok(reader.told())
}
