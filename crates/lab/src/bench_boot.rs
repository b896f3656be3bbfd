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

/// A way to boot, and by whom.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// PXE, shim and GRUB, all by TFTP, from us.
    OursGrub,
    /// The same files from dnsmasq.
    TheirsGrub,
    /// HTTP Boot, iPXE, all by HTTP, from us.
    OursIpxe,
    /// PXE, the same iPXE, all by TFTP, from dnsmasq: it has no HTTP.
    TheirsIpxe,
}

const WAYS: [Way; 4] = [Way::OursGrub, Way::TheirsGrub, Way::OursIpxe, Way::TheirsIpxe];

/// Boots `rounds` times each way and prints seconds and ratios.
///
/// # Errors
/// When a machine does not reach its kernel.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    println!("OVMF under QEMU (tcg), power-on to \"{KERNEL}\", in seconds; a line is a round");
    println!("      GRUB over TFTP           iPXE, ours over HTTP, theirs over TFTP");
    println!("round   ours dnsmasq   ratio   ours dnsmasq   ratio");
    let mut all = Vec::new();
    for n in 1..=rounds {
        let mut took = [0.0; 4];
        // The order turns, so that a machine that grows slower is nobody's fault.
        for at in (0..4).map(|at| (at + n) % 4) {
            took[at] = match WAYS[at] {
                Way::OursGrub => ours(Firmware::Ovmf)?,
                Way::TheirsGrub => theirs(false)?,
                Way::OursIpxe => ours(Firmware::OvmfHttp)?,
                Way::TheirsIpxe => theirs(true)?,
            };
        }
        let [og, tg, oi, ti] = took;
        let (grub, ipxe) = (og / tg, oi / ti);
        println!("{n:>5} {og:>6.1} {tg:>7.1} {grub:>7.3} {oi:>6.1} {ti:>7.1} {ipxe:>7.3}");
        all.push((grub, ipxe));
    }
    println!(
        "median ratio: GRUB {:.3} (goal: 1.05 or less), iPXE with HTTP {:.3} (goal: below 1.0)",
        median(all.iter().map(|r| r.0).collect()),
        median(all.iter().map(|r| r.1).collect())
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

fn theirs(ipxe: bool) -> Result<f64, Trouble> {
    let link = Link::new()?;
    let root = tempfile::tempdir().map_err(io("making a directory for dnsmasq's files"))?;
    let grub = root.path().join("debian-installer/amd64/grub");
    std::fs::create_dir_all(&grub).map_err(io("making dnsmasq's GRUB directory"))?;
    for file in ["linux", "initrd.gz", "bootnetx64.efi", "grubx64.efi"] {
        copy(&Path::new(TREE).join(file), &root.path().join(file))?;
    }
    copy(Path::new("/usr/lib/ipxe/snponly.efi"), &root.path().join("snponly.efi"))?;
    let args = "console=ttyS0 earlyprintk=ttyS0";
    let config = format!("linux /linux {args}\ninitrd /initrd.gz\nboot\n");
    std::fs::write(grub.join("grub.cfg"), config).map_err(io("writing dnsmasq's grub.cfg"))?;
    let script = format!("#!ipxe\nkernel linux {args} initrd=initrd.gz\ninitrd initrd.gz\nboot\n");
    std::fs::write(root.path().join("boot.ipxe"), script).map_err(io("writing a script"))?;
    let file = if ipxe { "snponly.efi" } else { "bootnetx64.efi" };
    let _server = Dnsmasq::boots(&link, root.path(), file)?;
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
        trusts: None,
        date: None,
        own: Vec::new(),
        reboots: false,
    };
    let begun = Instant::now();
    let mut guest = Guest::start(&spec)?;
    guest.wait_for(KERNEL, PATIENCE)?;
    Ok(begun.elapsed().as_secs_f64())
}
