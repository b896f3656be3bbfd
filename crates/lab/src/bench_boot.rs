//! `./x bench boot`: one machine booted by us and by dnsmasq, in turns.
//!
//! The same firmware, the same loaders, kernel and initrd; the clock runs from power-on to the
//! kernel's first line. Machines here are noisy, so what counts is the ratio within a round.

use crate::rig::dnsmasq::Dnsmasq;
use crate::rig::guest::{Firmware, Guest, Spec};
use crate::rig::ns::Link;
use crate::rig::server::{Server, binary};
use crate::rig::{Trouble, io};
use std::path::Path;
use std::time::{Duration, Instant};

/// The kernel's first line.
const KERNEL: &str = "Linux version";
const PATIENCE: Duration = Duration::from_secs(300);
const TREE: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

/// Seconds from power-on to the kernel, for each way of one round.
struct Round {
    ours_tftp: f64,
    ours_http: f64,
    dnsmasq: f64,
}

/// Boots `rounds` times each way and prints seconds and ratios.
///
/// # Errors
/// When a machine does not reach its kernel.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    println!("OVMF under QEMU (tcg), power-on to \"{KERNEL}\", seconds; one line is one round");
    println!(
        "{:>5} {:>12} {:>12} {:>12} {:>8} {:>8}",
        "round", "ours TFTP", "ours HTTP", "dnsmasq TFTP", "TFTP", "HTTP"
    );
    let mut all = Vec::new();
    for n in 1..=rounds {
        // The order turns, so that a machine that grows slower is nobody's fault.
        let mut round = Round { ours_tftp: 0.0, ours_http: 0.0, dnsmasq: 0.0 };
        for way in 0..3 {
            match (way + n) % 3 {
                0 => round.ours_tftp = ours(Firmware::Ovmf)?,
                1 => round.ours_http = ours(Firmware::OvmfHttp)?,
                _ => round.dnsmasq = theirs()?,
            }
        }
        println!(
            "{n:>5} {:>12.1} {:>12.1} {:>12.1} {:>8.3} {:>8.3}",
            round.ours_tftp,
            round.ours_http,
            round.dnsmasq,
            round.ours_tftp / round.dnsmasq,
            round.ours_http / round.dnsmasq,
        );
        all.push(round);
    }
    let ratio = |of: fn(&Round) -> f64| median(all.iter().map(|r| of(r) / r.dnsmasq).collect());
    println!(
        "median ratio to dnsmasq: TFTP {:.3} (goal 1.05 or less), HTTP {:.3} (goal below 1.0)",
        ratio(|r| r.ours_tftp),
        ratio(|r| r.ours_http)
    );
    Ok(())
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

fn ours(firmware: Firmware) -> Result<f64, Trouble> {
    let link = Link::new()?;
    let config = format!(
        "[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\nsubnet = \"10.77.0.0/24\"\n\
         pool = [\"10.77.0.100-10.77.0.199\"]\n",
        Link::INTERFACE
    );
    let server = Server::start(&binary()?, &link, &config)?;
    server.cli(&["image", "import", TREE, "--name", "debian"])?;
    let args = "console=ttyS0 earlyprintk=ttyS0";
    server.cli(&["profile", "add", "debian", "--image", "debian", "--args", args])?;
    server.cli(&["rule", "add", "--profile", "debian"])?;
    boot(link, firmware)
}

fn theirs() -> Result<f64, Trouble> {
    let link = Link::new()?;
    let root = tempfile::tempdir().map_err(io("making a directory for dnsmasq's files"))?;
    let grub = root.path().join("debian-installer/amd64/grub");
    std::fs::create_dir_all(&grub).map_err(io("making dnsmasq's GRUB directory"))?;
    for file in ["linux", "initrd.gz", "bootnetx64.efi", "grubx64.efi"] {
        copy(&Path::new(TREE).join(file), &root.path().join(file))?;
    }
    let config = "linux /linux console=ttyS0 earlyprintk=ttyS0\ninitrd /initrd.gz\nboot\n";
    std::fs::write(grub.join("grub.cfg"), config).map_err(io("writing dnsmasq's grub.cfg"))?;
    let _server = Dnsmasq::boots(&link, root.path(), "bootnetx64.efi")?;
    boot(link, Firmware::Ovmf)
}

fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    std::fs::copy(from, to).map(drop).map_err(io(format!("copying {}", from.display())))
}

fn boot(mut link: Link, firmware: Firmware) -> Result<f64, Trouble> {
    let spec = Spec {
        firmware,
        mac: "52:54:00:77:00:01".to_owned(),
        tap: link.tap()?,
        memory_mib: 1024,
        disk: None,
    };
    let begun = Instant::now();
    let mut guest = Guest::start(&spec)?;
    guest.wait_for(KERNEL, PATIENCE)?;
    Ok(begun.elapsed().as_secs_f64())
}
