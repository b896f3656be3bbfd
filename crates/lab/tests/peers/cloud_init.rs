//! cloud-init's own reader fetches the answers of an autoinstall image over HTTP, and takes them.

use std::fs;
use std::path::Path;
use std::process::Command;

use lab::rig::iso;
use lab::rig::need::need;
use serde_json::Value;

use super::web::{api, exchange, get};
use super::world::{
    INSTALLER, Tried, World, giving, json, list, new_directory, ran, trouble, write,
};

const MAC: &str = "52:54:00:77:07:01";
const ADDRESS: &str = "10.77.0.31";
/// What it needs besides itself.
const PYTHON: &[&str] = &[
    "python3-yaml",
    "python3-jsonschema",
    "python3-jinja2",
    "python3-configobj",
    "python3-oauthlib",
    "python3-requests",
    "python3-jsonpatch",
    "python3-netifaces",
    "squashfs-tools",
];
/// Debian's own, which sees Debian's packages.
const PYTHON3: &str = "/usr/bin/python3";
/// Unpacked from Debian's package by `./x`.
const CLOUD_INIT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/peers/cloud-init/usr/lib/python3/dist-packages"
);

/// The data source for a kernel's line, as cloud-init uses it when it starts. What this version does not
/// fetch from a URL, newer ones do: the network's configuration, by the same means.
const READER: &str = r#"
import json, os, sys
from cloudinit import helpers, settings, url_helper, util
from cloudinit.distros import debian
from cloudinit.net import network_state
from cloudinit.sources import DataSourceNoCloud as nocloud

line, work = sys.argv[1], sys.argv[2]
os.environ["DEBUG_PROC_CMDLINE"] = line
util.find_devs_with = lambda *args, **more: []
paths = helpers.Paths({"cloud_dir": work, "run_dir": work})
distro = debian.Distro("debian", {}, paths)
source = nocloud.DataSourceNoCloudNet(settings.CFG_BUILTIN, distro, paths)
taken = source.get_data()
seed = next(word for word in line.split() if word.startswith("ds=nocloud")).split(";s=")[1]
network = util.load_yaml(url_helper.read_file_or_url(seed + "network-config").contents)
state = network_state.parse_net_config_data(network)
print(json.dumps({
    "taken": taken,
    "metadata": {name: source.metadata[name] for name in ["instance-id", "local-hostname"]},
    "user": util.load_yaml(source.userdata_raw),
    "vendor": source.vendordata_raw.decode(),
    "cards": [[card["name"], card.get("mac_address"), [s["type"] for s in card["subnets"]]]
              for card in state.iter_interfaces()],
}))
"#;

#[test]
#[ignore = "cloud-init on a link, as root: `./x test` runs it"]
fn cloud_init_takes_every_file_once() -> Tried {
    need(PYTHON)?;
    need(iso::PACKAGES)?;
    assert!(
        Path::new(CLOUD_INIT).exists(),
        "cloud-init is not unpacked in target/peers: `./x test` does that"
    );
    let mut world = World::alone(&giving("10.77.0.100-10.77.0.199"))?;
    let there = world.client_at(MAC, &format!("{ADDRESS}/24"))?;
    let files = new_directory()?;
    armed(&world, files.path())?;

    let from = ADDRESS.parse().expect("an address");
    let script = there.inside(|| exchange(from, &get(&format!("/boot.ipxe?mac={MAC}"))))?;
    let script = script.map_err(|e| trouble("asking for the script", e))?;
    let script = String::from_utf8_lossy(&script).into_owned();
    let line = script.lines().find(|line| line.contains("ds=nocloud;s=http://"));
    let line = line.unwrap_or_else(|| panic!("the kernel is told no seed: {script}"));
    assert!(line.contains("autoinstall "), "{line}");

    let reader = files.path().join("reader.py");
    write(&reader, READER)?;
    let work = files.path().join("cloud").display().to_string();
    let mut python = there.command("env");
    python.arg(format!("PYTHONPATH={CLOUD_INIT}"));
    python.arg(PYTHON3).arg(&reader).args([line, &work]);
    let read = ran(&python)?;
    assert_eq!(read.code, Some(0), "{}", read.said());
    let read = json(read.out.lines().last().unwrap_or_default());
    assert_eq!(read["taken"], true);
    assert_eq!(read["metadata"]["instance-id"], "bootwright-d1");
    assert_eq!(read["metadata"]["local-hostname"], "lab-01");
    let install = &read["user"]["autoinstall"];
    assert_eq!(install["identity"]["hostname"], "lab-01", "{read}");
    let password = install["identity"]["password"].as_str().unwrap_or_default();
    assert!(password.starts_with("$6$") || password.starts_with("$y$"), "{read}");
    assert!(
        install["early-commands"][0].as_str().is_some_and(|c| c.contains("bw_wanted")),
        "{read}"
    );
    assert!(
        read["vendor"].as_str().is_some_and(|text| text.starts_with("#cloud-config")),
        "{read}"
    );
    // Found by its MAC.
    assert_eq!(read["cards"], serde_json::json!([["eth0", MAC, ["dhcp4"]]]), "{read}");

    // All four, each one time; the disc's place is not among them.
    let of = world.json(&["deployment", "show", "d1"])?;
    let mut taken: Vec<&str> = list(&of["files"]).iter().filter_map(first_word).collect();
    taken.sort_unstable();
    assert_eq!(taken, ["meta-data", "network-config", "user-data", "vendor-data"]);
    let log = world.server.log().text();
    assert_eq!(log.matches("deployment d1: fetched").count(), 4);
    assert_eq!(log.matches("deployment d1: repeated").count(), 0);
    world.leaves_nothing()
}

fn first_word(file: &Value) -> Option<&str> {
    file.as_str()?.split_whitespace().next()
}

/// A disc in the style of Ubuntu's server, and a machine that is armed with it.
fn armed(world: &World, files: &Path) -> Tried {
    let disc = disc(files)?;
    let secret = files.join("secret");
    write(&secret, "correct horse: \"battery\" 'staple'")?;
    let [disc, secret] = [disc, secret].map(|path| path.display().to_string());
    for command in [
        &["image", "import", &disc, "--name", "ubuntu"][..],
        &["profile", "add", "ubuntu", "--image", "ubuntu", "--template", "ubuntu"],
        &["secret", "set", "user_password", "--file", &secret],
        &["machine", "set", MAC, "--name", "lab-01"],
        &["machine", "approve", MAC],
    ] {
        world.server.cli(command)?;
    }
    let wish = serde_json::json!({"profile": "ubuntu", "disk": "serial:S1", "plain_http": true,
                                  "within_s": 3600, "confirm_code": false});
    let (status, said) =
        api(&world.server.state(), "POST", "/machines/lab-01/deploy", Some(&wish))?;
    assert_eq!(status, 200, "{said}");
    Ok(())
}

fn disc(files: &Path) -> Result<std::path::PathBuf, lab::rig::Trouble> {
    let tree = files.join("tree");
    for folder in ["casper", ".disk"] {
        let path = tree.join(folder);
        fs::create_dir_all(&path).map_err(|e| trouble(format!("making {}", path.display()), e))?;
    }
    write(
        tree.join(".disk/info"),
        "Ubuntu-Server 24.04 LTS \"Noble Numbat\" - lab amd64 (20260101)\n",
    )?;
    write(tree.join("casper/install-sources.yaml"), "- id: ubuntu-server\n")?;
    for (from, to) in [("linux", "casper/vmlinuz"), ("initrd.gz", "casper/initrd")] {
        let from = Path::new(INSTALLER).join(from);
        fs::copy(&from, tree.join(to))
            .map_err(|e| trouble(format!("copying {}", from.display()), e))?;
    }
    let packed = ran(Command::new("mksquashfs")
        .arg(tree.join(".disk"))
        .arg(tree.join("casper/ubuntu-server-minimal.squashfs"))
        .args(["-quiet", "-no-progress"]))?;
    assert_eq!(packed.code, Some(0), "{}", packed.said());
    let path = files.join("ubuntu.iso");
    iso::write(&tree, "Ubuntu-Server 24.04 LTS amd64", &path)?;
    Ok(path)
}
