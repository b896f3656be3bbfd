//! The discovery boot on a machine of known parts: what arrives at the server says exactly that.
//!
//! The machine starts the image's kernel and initrd by itself, so that the program is tried alone:
//! DHCP by the real server, and a listener that takes the report.

use super::{Mode, PATIENCE, Tried, config, fetched_package};
use lab::rig::Trouble;
use lab::rig::need::{self, need};
use lab::rig::ns::Link;
use lab::rig::process::Process;
use lab::rig::server::{Server, binary};
use model::Hardware;
use model::hardware::{Enforced, FirmwareKind, Tpm};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the listener waits in the server's namespace; port 80 is the server's own.
const LISTENER: &str = "10.77.0.1:8099";
const MAC: &str = "52:54:00:77:00:01";
const OTHER_MAC: &str = "52:54:00:77:00:02";

/// Takes one report and writes its first line and its body to files.
const LISTEN: &str = "
import http.server, sys
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        open(sys.argv[2] + '/path', 'w').write(self.path)
        open(sys.argv[2] + '/partial', 'wb').write(body)
        import os; os.rename(sys.argv[2] + '/partial', sys.argv[2] + '/report')
        self.send_response(204); self.end_headers()
host, port = sys.argv[1].split(':')
http.server.HTTPServer((host, int(port)), Taker).serve_forever()
";

#[test]
#[ignore = "a machine under QEMU, as root: `./x test` runs it"]
fn a_machine_tells_exactly_what_is_in_it() -> Tried {
    for packages in [need::LINK, need::X86, &["python3", "curl"]] {
        need(packages)?;
    }
    let mut link = Link::new()?;
    let server = Server::start(&binary()?, &link, &config(Mode::Dhcp, "menu"))?;
    let directory = tempfile::tempdir().map_err(io("making a directory for a test"))?;
    let image = image(&server, &link, directory.path())?;

    let mut listener = link.server().command("python3");
    listener.args(["-c", LISTEN, LISTENER]).arg(directory.path());
    let _listener = Process::start(listener, directory.path().join("listener.log"))?;

    let serial = directory.path().join("serial.log");
    let taps = [link.tap()?, link.tap()?];
    let mut qemu = taps[0].namespace.command("qemu-system-x86_64");
    qemu.args(["-machine", "q35", "-accel", "tcg", "-m", "512", "-smp", "2"])
        .args(["-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none"])
        .args(["-serial", &format!("file:{}", serial.display())])
        .args(["-smbios", "type=1,manufacturer=Lab,product=Bench,serial=BENCH-1"])
        .arg("-kernel")
        .arg(image.join("linux"))
        .arg("-initrd")
        .arg(image.join("discovery.img"))
        .arg("-append")
        .arg(format!(
            "console=ttyS0 quiet rdinit=/init panic=60 bootwright.server=http://{LISTENER} \
             BOOTIF=01-{} bootwright.then=poweroff",
            MAC.replace(':', "-")
        ));
    for (number, (tap, card)) in
        taps.iter().zip([("virtio-net-pci", MAC), ("e1000e", OTHER_MAC)]).enumerate()
    {
        let (driver, mac) = card;
        let tap = format!("tap,id=net{number},ifname={},script=no,downscript=no", tap.interface);
        qemu.args(["-netdev", &tap])
            .args(["-device", &format!("{driver},netdev=net{number},mac={mac}")]);
    }
    for (number, size, device) in [
        (0, 1_u64 << 30, "virtio-blk-pci,serial=VIRTIO-1"),
        (1, 3 << 30, "ide-hd,bus=ide.0,serial=SATA-2"),
    ] {
        let path = directory.path().join(format!("disk{number}.img"));
        let file = std::fs::File::create(&path).map_err(io("making a disk"))?;
        file.set_len(size).map_err(io("making a disk"))?;
        qemu.args([
            "-drive",
            &format!("if=none,id=disk{number},format=raw,file={}", path.display()),
        ])
        .args(["-device", &format!("{device},drive=disk{number}")]);
    }
    let mut guest = Process::start(qemu, directory.path().join("qemu.log"))?;

    let report = directory.path().join("report");
    let until = Instant::now() + PATIENCE;
    while !report.exists() && Instant::now() < until && guest.ended().is_none() {
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = std::fs::read_to_string(&serial).unwrap_or_default();
    println!("--- serial\n{said}\n--- server\n{}", server.log().tail());
    let body = std::fs::read(&report).map_err(io("reading the report that came"))?;
    let path = std::fs::read_to_string(directory.path().join("path")).unwrap_or_default();
    assert_eq!(path, format!("/inventory?mac={MAC}"));
    let hardware = engine::files::read_report(&body).expect("a report that our server takes");
    check(&hardware);

    // It says on its screen what it did and what follows, and does it.
    let until = Instant::now() + PATIENCE;
    while guest.ended().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(guest.ended().is_some(), "it switches itself off");
    let said = std::fs::read_to_string(&serial).unwrap_or_default();
    for words in ["Sent to http://10.77.0.1:8099", "This machine switches itself off in 10 s."] {
        assert!(said.contains(words), "the machine does not say {words:?}");
    }
    Ok(())
}

/// What stands on QEMU's command line above.
fn check(hardware: &Hardware) {
    assert_eq!(hardware.memory_mib, Some(512));
    assert_eq!(hardware.cpu.threads, Some(2));
    let disks: Vec<_> = hardware
        .disks
        .iter()
        .map(|disk| (disk.serial.as_deref(), disk.size_bytes, disk.transport.as_deref()))
        .collect();
    let wanted = [
        (Some("SATA-2"), Some(3 << 30), Some("sata")),
        (Some("VIRTIO-1"), Some(1 << 30), Some("virtio")),
    ];
    assert_eq!(disks, wanted);
    let mut cards: Vec<_> = hardware
        .nics
        .iter()
        .map(|nic| (nic.mac.map(|mac| mac.to_string()), nic.driver.as_deref(), nic.link))
        .collect();
    cards.sort();
    let wanted = [
        (Some(MAC.to_owned()), Some("virtio_net"), Some(true)),
        (Some(OTHER_MAC.to_owned()), Some("e1000e"), Some(true)),
    ];
    assert_eq!(cards, wanted);
    assert_eq!(hardware.system.serial.as_deref(), Some("BENCH-1"));
    assert_eq!(hardware.system.product.as_deref(), Some("Bench"));
    assert_eq!(hardware.firmware.kind, Some(FirmwareKind::Bios));
    assert_eq!((hardware.tpm, hardware.secure_boot), (Some(Tpm::None), Enforced::Unknown));
}

/// The image as an operator makes it, its files fetched as a loader does.
fn image(server: &Server, link: &Link, directory: &Path) -> Result<PathBuf, Trouble> {
    let package = fetched_package("linux-image-")?.display().to_string();
    let said = server.cli(&["image", "import", "--discovery", &package])?;
    assert!(said.contains("Hardware discovery") && said.contains("row discovery"), "{said}");
    let image = directory.join("image");
    std::fs::create_dir(&image).map_err(io("making a folder for the image"))?;
    for name in ["linux", "discovery.img"] {
        let mut curl = link.server().command("curl");
        curl.args(["--silent", "--show-error", "--fail", "--output"]).arg(image.join(name));
        curl.arg(format!("http://10.77.0.1/image/discovery/1/{name}"));
        let ended = curl.status().map_err(io("starting curl"))?;
        assert!(ended.success(), "{name} is not served");
    }
    Ok(image)
}

fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Trouble {
    move |cause| Trouble::Io { doing: doing.to_owned(), cause }
}
