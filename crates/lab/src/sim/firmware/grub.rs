//! shim, which loads its second stage from where it believes to come from, and GRUB, which looks
//! for its configuration under many names.

use super::grub_script::Config;
use super::{Board, Env, Outcome, get_url, tftp};
use crate::sim::content::Label;
use crate::sim::host::Host;
use std::net::Ipv4Addr;

/// The second stage of a shim.
pub async fn shim(host: Host, board: Board, env: Env, label: Label) -> Outcome {
    let suffix = board.arch.efi_suffix().unwrap_or("x64");
    let second = match label.kind.as_str() {
        // iPXE's shim asks for ipxe.efi, whatever it is called itself.
        "ipxe-shim" => "ipxe.efi".to_owned(),
        _ => format!("grub{suffix}.efi"),
    };
    let dir = directory(&env);
    for optional in ["revocations.efi", "shim_certificate.efi"] {
        if let Err(why) = load(&host, &env, &format!("{dir}{optional}")).await
            && why != "not found"
        {
            return format!("stops: shim: {optional}: {why}");
        }
    }
    // Some firmware hides the directory from it.
    let dir = if board.has("hides-directory") { String::new() } else { dir };
    if let Some(junk) = board.habits.get("load-options")
        && let Err(why) = load(&host, &env, &format!("{dir}{junk}")).await
        && why != "not found"
    {
        return format!("stops: shim: {junk}: {why}");
    }
    let name = format!("{dir}{second}");
    let bytes = match load(&host, &env, &name).await {
        Ok(bytes) => bytes,
        Err(why) => return format!("stops: shim: {name}: {why}; tries its next boot option"),
    };
    match tftp::label(&bytes) {
        Ok(label) => {
            let env = Env { file: name, ..env };
            let mut board = board;
            // What a shim starts, it has verified.
            board.habits.remove("secure-boot");
            super::start(host, board, env, label).await
        }
        Err(why) => format!("stops: shim: {name}: {why}"),
    }
}

/// From the header of the ACK, or of the proxy's message; never from option 67.
fn directory(env: &Env) -> String {
    if env.http {
        // It leaves a double slash behind.
        let dir = env.file.rsplit_once('/').map_or("", |(dir, _)| dir);
        return format!("{dir}//");
    }
    let header = |reply: &Option<super::dhcp::Reply>| {
        reply.as_ref().map(|r| String::from_utf8_lossy(&r.file).into_owned())
    };
    let file = header(&env.ack).filter(|f| !f.is_empty()).or(header(&env.proxy));
    let file = file.unwrap_or_default();
    file.rsplit_once('/').map(|(dir, _)| format!("{dir}/")).unwrap_or_default()
}

async fn load(host: &Host, env: &Env, name: &str) -> Result<Vec<u8>, String> {
    let server = env.server.unwrap_or(Ipv4Addr::UNSPECIFIED);
    if env.http {
        return match get_url(host, &format!("http://{server}{name}"), "UefiHttpBoot/1.0").await {
            Err(why) if why == "HTTP 404" => Err("not found".into()),
            other => other,
        };
    }
    let got = tftp::get(host, server, name.as_bytes(), &tftp::SHIM).await;
    got.map_err(|failed| failed.to_string())
}

/// GRUB, signed: its prefix is built in, its modules too.
pub async fn run(host: Host, board: Board, env: Env) -> Outcome {
    let server = match &env.ack {
        Some(ack) if !ack.siaddr.is_unspecified() => ack.siaddr,
        _ => env.server.unwrap_or(Ipv4Addr::UNSPECIFIED),
    };
    // A GRUB that sees only the cached ACK of another server asks there, where nobody is.
    let server = match (&env.proxy, board.has("reads-proxy")) {
        (Some(proxy), _) => proxy.siaddr,
        _ => server,
    };
    let prefix = board.habits.get("prefix").cloned().unwrap_or("/grub".into());
    for list in ["command.lst", "fs.lst", "crypto.lst", "terminal.lst"] {
        let name = format!("{prefix}/x86_64-efi/{list}");
        match tftp::get(&host, server, name.as_bytes(), &tftp::GRUB).await {
            Ok(_) | Err(tftp::Failed::NotFound) => {}
            Err(why) => return format!("stops: GRUB: {name}: {why}"),
        }
    }
    let mac = board.mac.map(|byte| format!("{byte:02x}")).join("-");
    let uuid = model::Uuid::from_option_97(board.uuid);
    let address = format!("{:08X}", u32::from(host.ip()));
    let mut names = vec![format!("grub.cfg-{uuid}"), format!("grub.cfg-01-{mac}")];
    names.extend((1..=8).rev().map(|digits| format!("grub.cfg-{}", &address[..digits])));
    names.push("grub.cfg".into());
    for name in names {
        let name = format!("{prefix}/{name}");
        match tftp::get(&host, server, name.as_bytes(), &tftp::GRUB).await {
            Ok(bytes) => {
                host.say(format!("GRUB reads {name}"));
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Config::new(&host, &board, server).run(text).await;
            }
            Err(tftp::Failed::NotFound) => {}
            Err(why) => return format!("stops: GRUB: {name}: {why}"),
        }
    }
    "stops: GRUB shows its rescue shell".into()
}
