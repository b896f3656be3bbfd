//! The message that goes back, and where it goes.

use super::{Destination, Exchange, Outgoing, Said};
use crate::Engine;
use crate::boot::FirstFile;
use crate::quirk::{Allow, SLOW};
use model::client::{Firmware, IpxeFeatures, Stage};
use model::network::{HttpBoot, Mode, Option82, PxeReply, Route};
use model::option::only_for_systems;
use model::plan::{BootPlan, Decision, Reason, Why};
use model::{DhcpOption, Happening, Network, Now};
use quirks::Action;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::machine_uuid;
use wire::dhcp4::{Message, MessageType, code, max_message, parameter_list, pxe};

/// DHCP server, also for relays.
pub(crate) const SERVER_PORT: u16 = 67;
/// DHCP client.
pub(super) const CLIENT_PORT: u16 = 68;
/// PXE boot servers (PXE 2.1, 2.2.3).
pub(super) const BOOT_SERVER_PORT: u16 = 4011;

/// iPXE's option 175.176: do not wait for a proxyDHCP offer.
const IPXE_NO_PROXY: [u8; 3] = [176, 1, 1];

/// What a reply says about booting, and in which of the forms clients understand.
pub(crate) struct BootAnswer {
    pub(crate) form: Form,
    /// What is done for this client alone.
    pub(crate) allow: Allow,
    /// Boot file name, or URL.
    pub(crate) file: String,
    pub(crate) because: Vec<Reason>,
}

/// How clients of different kinds want boot data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Option 60 `PXEClient` and 43 "boot this file at once".
    Pxe,
    /// Option 60 without 43: the client asks again on 4011.
    PxeAskAgain,
    /// Boot file fields only.
    Plain,
    /// Option 60 `HTTPClient` and a URL.
    Http,
    /// A script's URL for iPXE.
    Ipxe,
    /// What a Raspberry Pi's ROM takes for a boot server.
    Rpi,
    /// Boot file in the header, nothing of PXE.
    Uboot,
    /// Option 209 names a configuration.
    Config,
}

impl Engine {
    /// Plan and first file for a client that boots, as its reply will carry them.
    pub(crate) fn boot_answer(
        &self,
        now: Now,
        client: &model::Client,
        network: &Network,
        beside: bool,
    ) -> (BootPlan, Result<BootAnswer, Why>) {
        let plan = self.plan(now, client);
        if client.stage == Stage::System {
            return (plan, Err(Why::NotBooting));
        }
        let allow = self.allowances(client, beside);
        let answer = self.first_file(client, &plan, beside).and_then(|first| {
            let form = form(client, network, &allow, beside);
            let path = short(&first.path, &allow, client);
            let file = self.file_for(form, client, network, path.unwrap_or(&first.path));
            let FirstFile { mut because, .. } = first;
            let decisive =
                plan.reasons.iter().filter(|r| !matches!(r, Reason::RuleMissed { .. })).cloned();
            let mut reasons: Vec<Reason> = decisive.collect();
            reasons.append(&mut because);
            reasons.extend(self.scheme(form, network));
            reasons.extend(allow.for_everybody());
            reasons.extend(path.and_then(|_| allow.reason(Action::ShortNames)));
            reasons.extend(in_reply(form, &file, client, &allow));
            if file.len() > 255 {
                return Err(Why::FileNameTooLong(file));
            }
            Ok(BootAnswer { form, allow, file, because: reasons })
        });
        // A disk is reached fastest when nobody says anything about booting, but only a BIOS
        // behaves so: UEFI would try its other network options first, minutes long.
        let answer = match answer {
            Err(Why::NoLoader(_)) if plan.decision == Decision::LocalDisk => {
                Err(Why::LocalDiskBySilence)
            }
            other => other,
        };
        (plan, answer)
    }

    fn file_for(
        &self,
        form: Form,
        client: &model::Client,
        network: &Network,
        path: &str,
    ) -> String {
        match (form, &client.stage) {
            // A build that told its features and left HTTP out can only take TFTP.
            (Form::Ipxe, Stage::Ipxe(IpxeFeatures { http: false, told: true, .. })) => {
                let path = path.split('?').next().unwrap_or(path);
                format!("tftp://{}/{path}", network.server)
            }
            (Form::Http, _) => format!("{}/{path}", self.firmware_base(network)),
            (Form::Ipxe, _) => format!("{}/{path}", self.http_base(network.server)),
            _ => path.to_owned(),
        }
    }

    /// Where firmware of HTTP Boot is sent: by `http_boot` of its network.
    fn firmware_base(&self, network: &Network) -> String {
        self.base_for(network.http_boot, network.server)
    }

    /// Why that scheme, where there is a choice.
    fn scheme(&self, form: Form, network: &Network) -> Option<Reason> {
        if form != Form::Http {
            return None;
        }
        match (network.http_boot, self.settings.tls_port) {
            (HttpBoot::Https, Some(_)) => Some(Reason::Note(
                "over HTTPS, because http_boot = \"https\" here: the firmware needs our CA enrolled, \
                 and without any CA it does not even connect"
                    .into(),
            )),
            (HttpBoot::Https, None) => Some(Reason::Note(
                "over HTTP, though http_boot = \"https\": no tls_port is served".into(),
            )),
            (HttpBoot::Http, _) => None,
        }
    }

    /// `http://10.77.0.1`, `http://10.77.0.1:8080` or `http://[fd77::1]`.
    pub(crate) fn http_base(&self, server: impl Into<IpAddr>) -> String {
        let host = model::url::host(server.into());
        match self.settings.http_port {
            80 => format!("http://{host}"),
            port => format!("http://{host}:{port}"),
        }
    }
}

fn form(client: &model::Client, network: &Network, allow: &Allow, beside: bool) -> Form {
    if matches!(client.stage, Stage::Ipxe(_)) {
        return Form::Ipxe;
    }
    match client.firmware {
        Firmware::Http => Form::Http,
        Firmware::Rpi => Form::Rpi,
        Firmware::Uboot => Form::Uboot,
        Firmware::Config => Form::Config,
        Firmware::Pxe | Firmware::None if beside => match allow.has(Action::OfferWithout43) {
            true => Form::PxeAskAgain,
            false => Form::Pxe,
        },
        Firmware::Pxe | Firmware::None => {
            match network.pxe_reply == PxeReply::Plain || allow.has(Action::PlainReply) {
                true => Form::Plain,
                false => Form::Pxe,
            }
        }
    }
}

/// The path of a bootloader without its directory, where only that is understood.
fn short<'a>(path: &'a str, allow: &Allow, client: &model::Client) -> Option<&'a str> {
    let wanted = client.stage == Stage::Firmware && allow.has(Action::ShortNames);
    path.strip_prefix("loader/").filter(|_| wanted)
}

/// The reasons of what [`put_boot`] does for one client alone.
fn in_reply(form: Form, file: &str, client: &model::Client, allow: &Allow) -> Vec<Reason> {
    let actions: &[Action] = match form {
        Form::Plain => &[Action::PlainReply],
        Form::PxeAskAgain => &[Action::OfferWithout43],
        Form::Rpi => &[Action::RaspberryPi, Action::PiWords, Action::PiServerName],
        Form::Pxe | Form::Http | Form::Ipxe | Form::Uboot | Form::Config => &[],
    };
    let header = leaves_out_67(file, allow).then_some(Action::HeaderOnly);
    let by_tftp = client.stage == Stage::Firmware && form != Form::Http;
    let small = by_tftp.then_some(Action::SmallBlocks);
    let all = actions.iter().copied().chain(header).chain(small);
    all.filter_map(|action| allow.reason(action)).collect()
}

/// Whether the name is in the header and nowhere else.
fn leaves_out_67(file: &str, allow: &Allow) -> bool {
    allow.has(Action::HeaderOnly) && file.len() <= HEADER_MAX
}

/// The longest name that the `file` field holds, with a NUL behind it.
const HEADER_MAX: usize = 127;

/// Lets a reply wait, or what it waits for anyway last as long.
fn slow_down(outgoing: &mut Outgoing, exchange: &Exchange<'_>) {
    if !exchange.allow.has(Action::SlowReply) {
        return;
    }
    match &mut outgoing.check {
        Some(check) => check.wait = check.wait.max(SLOW),
        None => outgoing.delay = Some(SLOW),
    }
}

/// Adds the reasons of what was done to the message as a whole, where it made a difference.
pub(super) fn tell(said: &mut Said, exchange: &Exchange<'_>) {
    slow_down(&mut said.outgoing, exchange);
    let Happening::Answered { answer, because, .. } = &mut said.happening else { return };
    let (message, network) = (exchange.message, exchange.network);
    let gives = network.mode == Mode::Dhcp;
    let texts = gives && network.domain.is_some() && *answer != "NAK";
    let done = [
        (gives && *answer == "OFFER", Action::HoldOffer),
        (texts, Action::TerminateTexts),
        (
            matches!(said.outgoing.to, Destination::Broadcast { .. }) && !message.broadcast(),
            Action::Broadcast,
        ),
        (
            matches!(said.outgoing.to, Destination::Link { .. }) && message.broadcast(),
            Action::Unicast,
        ),
        (true, Action::SlowReply),
    ];
    let done = done.into_iter().filter(|(done, _)| *done);
    because.extend(done.filter_map(|(_, action)| exchange.allow.reason(action)));
}

/// An empty reply of this type to what came.
pub(super) fn begin(exchange: &Exchange<'_>, kind: MessageType) -> Message {
    let mut reply = Message::reply_to(exchange.message);
    reply.options.push(code::MESSAGE_TYPE, [kind.number()]);
    reply.options.push(code::SERVER_ID, server_id(exchange).octets());
    // RFC 6842, 3: what the client identified itself by comes back.
    reply.options.echo(&exchange.message.options, code::CLIENT_ID);
    reply
}

/// Option 54: our address on the link, or what the relay wants to be asked (RFC 5107).
pub(crate) fn server_id(exchange: &Exchange<'_>) -> Ipv4Addr {
    let asked_for = exchange.client.relay.as_ref().and_then(|relay| relay.server_override);
    asked_for.unwrap_or(exchange.network.server)
}

/// Address, mask, router and the rest of a subnet. `lease` is left out for INFORM; inside, `None`
/// is for ever.
pub(super) fn put_network(
    reply: &mut Message,
    exchange: &Exchange<'_>,
    lease: Option<Option<Duration>>,
) {
    let network = exchange.network;
    let options = &mut reply.options;
    if let Some(lease) = lease {
        let seconds =
            lease.map_or(u32::MAX, |lease| u32::try_from(lease.as_secs()).unwrap_or(u32::MAX - 1));
        options.push(code::LEASE_TIME, seconds.to_be_bytes());
        if seconds != u32::MAX {
            options.push(code::RENEWAL_TIME, (seconds / 2).to_be_bytes());
            options.push(code::REBINDING_TIME, (seconds / 8 * 7).to_be_bytes());
        }
    }
    options.push(code::SUBNET_MASK, network.subnet.mask().octets());
    if let Some(router) = network.router {
        options.push(code::ROUTER, router.octets());
    }
    if !network.dns.is_empty() {
        let servers: Vec<u8> = network.dns.iter().flat_map(Ipv4Addr::octets).collect();
        options.push(code::DNS, servers);
    }
    if let Some(domain) = &network.domain {
        let mut text = domain.clone().into_bytes();
        if exchange.allow.has(Action::TerminateTexts) {
            text.push(0);
        }
        options.push(code::DOMAIN_NAME, text);
    }
    options.push(code::BROADCAST_ADDRESS, network.subnet.broadcast().octets());
}

/// What the operator added, for this machine before its network, and its promised name: what the
/// client asks for (option 55), and what it shall have anyway.
pub(super) fn put_further(
    reply: &mut Message,
    exchange: &Exchange<'_>,
    own: &[DhcpOption],
    host_name: Option<&str>,
) {
    let request = &exchange.message.options;
    let list = parameter_list(request);
    let boots = exchange.client.stage != Stage::System;
    // RFC 3011, 3: a server that heeds the option says so.
    let subnet = exchange.network.subnet;
    if request.ip(code::SUBNET_SELECTION).is_some_and(|selected| subnet.contains(selected)) {
        reply.options.echo(request, code::SUBNET_SELECTION);
    }
    if let Some(name) = host_name.filter(|_| list.contains(&code::HOST_NAME)) {
        reply.options.push(code::HOST_NAME, name.as_bytes());
    }
    put_routes(reply, exchange.network, &list);
    for option in own.iter().chain(&exchange.network.options) {
        let asked = option.always || list.contains(&option.code);
        // Whoever boots gets these from the boot decision.
        let ours = boots && only_for_systems(option.code);
        if asked && !ours && !reply.options.contains(option.code) {
            reply.options.push(option.code, option.value.clone());
        }
    }
}

/// Classless routes (RFC 3442) for who asks by either number. Who takes them no longer looks at
/// option 3, so the default route is among them.
fn put_routes(reply: &mut Message, network: &Network, list: &[u8]) {
    if network.routes.is_empty() {
        return;
    }
    let default = |route: &Route| route.prefix == 0;
    let router = network.router.filter(|_| !network.routes.iter().any(default));
    let usual = router.map(|via| Route { to: Ipv4Addr::UNSPECIFIED, prefix: 0, via });
    let routes: Vec<Route> = usual.into_iter().chain(network.routes.iter().copied()).collect();
    for code in [code::CLASSLESS_ROUTES, code::MS_CLASSLESS_ROUTES] {
        if list.contains(&code) {
            reply.options.push(code, Route::encode(&routes));
        }
    }
}

/// Boot file, next server and whatever this kind of client needs to believe them.
pub(super) fn put_boot(
    reply: &mut Message,
    exchange: &Exchange<'_>,
    answer: &BootAnswer,
    beside: bool,
) {
    let server = exchange.network.server;
    reply.siaddr = server;
    let fits = reply.set_sname(server.to_string().as_bytes());
    debug_assert!(fits, "an IPv4 address is shorter than 64 bytes");
    // Old ROMs, U-Boot and shim read the header and never option 67; EDK2 and iPXE prefer 67
    // (Q9). Longer names than the header holds go into 67 alone.
    let in_header = reply.set_file(answer.file.as_bytes());
    let options = &mut reply.options;
    if answer.form == Form::Config || (answer.form == Form::Uboot && is_config(&answer.file)) {
        // Must be sent unasked: the ROM does DHCP, not the loader (RFC 5071).
        options.remove(code::PXELINUX_CONFIG);
        options.push(code::PXELINUX_CONFIG, answer.file.as_bytes());
    }
    let mut file = answer.file.clone().into_bytes();
    // Some ROMs take option 67 for a C string and read on into the next option (Q10); those that
    // want no NUL here do not exist, but 255 bytes is all there is.
    if file.len() < 255 {
        file.push(0);
    }
    let header_only = answer.form == Form::Uboot || leaves_out_67(&answer.file, &answer.allow);
    if !header_only || !in_header {
        options.push(code::BOOT_FILE_NAME, file);
    }
    match answer.form {
        Form::Pxe => {
            options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT);
            options.push(code::VENDOR_SPECIFIC, pxe::BOOT_NOW);
        }
        Form::PxeAskAgain => options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT),
        Form::Http => options.push(code::VENDOR_CLASS, pxe::HTTP_CLIENT),
        // Beside another server iPXE looks only at offers of class PXEClient; without one, the
        // wait for such an offer would cost two seconds.
        Form::Ipxe if beside => options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT),
        Form::Ipxe => options.push(code::IPXE_ENCAPSULATED, IPXE_NO_PROXY),
        Form::Rpi => {
            options.push(code::VENDOR_CLASS, pxe::PXE_CLIENT);
            match answer.allow.has(Action::PiWords) {
                true => options.push(code::VENDOR_SPECIFIC, pxe::raspberry_pi()),
                false => options.push(code::VENDOR_SPECIFIC, pxe::BOOT_NOW),
            }
            if answer.allow.has(Action::PiServerName) {
                // After 43 and without a NUL (Q56).
                options.push(code::TFTP_SERVER_NAME, server.to_string().into_bytes());
            }
        }
        Form::Plain | Form::Uboot | Form::Config => {}
    }
    if machine_uuid(&exchange.message.options).is_some() {
        options.echo(&exchange.message.options, code::CLIENT_MACHINE_ID);
    }
}

/// Whoever is answered by unicast must be where we serve, or behind a relay of ours: nobody makes us
/// send to somebody else.
pub(super) fn check_on_link(exchange: &Exchange<'_>, to: Ipv4Addr) -> Result<(), Why> {
    let network = exchange.network;
    // Which subnets lie behind a relay is only known of those that we give addresses of.
    let behind = network.mode != Mode::Dhcp && !network.relays.is_empty();
    let near = network.subnet.contains(to) || to.is_unspecified() || behind;
    if near { Ok(()) } else { Err(Why::OutsideServedSubnets) }
}

fn is_config(file: &str) -> bool {
    file.starts_with("pxelinux.cfg/")
}

/// Option 82 back to the relay, options in order, and where it all goes.
pub(super) fn finish(mut reply: Message, exchange: &Exchange<'_>) -> Outgoing {
    let request = exchange.message;
    let trusted = exchange.network.option_82 == Option82::Trust;
    if !request.giaddr.is_unspecified() || trusted {
        reply.options.echo(&request.options, code::RELAY_AGENT);
    }
    reply.options.order(&parameter_list(&request.options));
    if exchange.allow.has(Action::PiServerName) {
        // The ROM believes whichever of 43 and 66 comes last (Q56).
        let name = reply.options.get(code::TFTP_SERVER_NAME).map(std::borrow::Cow::into_owned);
        if let Some(name) = name {
            reply.options.remove(code::TFTP_SERVER_NAME);
            reply.options.push(code::TFTP_SERVER_NAME, name);
        }
    }
    let bytes = encode(&mut reply, max_message(&request.options));
    let (to, port) = destination(&reply, exchange);
    Outgoing {
        link: exchange.datagram.link.clone(),
        from: SocketAddrV4::new(exchange.network.server, port),
        to,
        bytes,
        check: None,
        delay: None,
    }
}

/// Leaves out what may be left out until the client can take it.
fn encode(reply: &mut Message, limit: usize) -> Vec<u8> {
    loop {
        match reply.encode(limit) {
            Ok(bytes) => return bytes,
            Err(too_long) => {
                let Some(code) = too_long.codes.first() else {
                    // Nothing can be left out. A client that set a limit below what its own
                    // request needs gets the whole message; it asked for it.
                    return reply.encode(usize::MAX).unwrap_or_default();
                };
                reply.options.remove(*code);
            }
        }
    }
}

/// RFC 2131, 4.1, and for port 4011 what firmware listens to; the first case that fits.
fn destination(reply: &Message, exchange: &Exchange<'_>) -> (Destination, u16) {
    let request = exchange.message;
    let from = exchange.datagram.from;
    let broadcast = Destination::Broadcast { port: CLIENT_PORT };
    let kind = reply.options.message_type();
    let nak = kind == Some(Ok(MessageType::Nak));

    if exchange.datagram.port == BOOT_SERVER_PORT {
        // EDK2 sends from 4011 and listens only there; iPXE sends from 68.
        let to = match (from.ip().is_unspecified(), request.ciaddr.is_unspecified()) {
            (false, _) => Destination::Routed(from),
            (true, false) => Destination::Routed(SocketAddrV4::new(request.ciaddr, from.port())),
            (true, true) => broadcast,
        };
        return (to, BOOT_SERVER_PORT);
    }
    if !request.giaddr.is_unspecified() {
        // RFC 8357: a relay that asks from another port listens there.
        let relay = exchange.client.relay.as_ref();
        let port = if relay.is_some_and(|r| r.source_port) { from.port() } else { SERVER_PORT };
        return (Destination::Routed(SocketAddrV4::new(request.giaddr, port)), SERVER_PORT);
    }
    if nak {
        let off_link = !from.ip().is_unspecified() && !exchange.network.subnet.contains(*from.ip());
        let unicast = exchange.datagram.to != Ipv4Addr::BROADCAST;
        let to = if unicast && off_link { Destination::Routed(from) } else { broadcast };
        return (to, SERVER_PORT);
    }
    let offered = kind == Some(Ok(MessageType::Offer));
    // With option 50 the client asks for an address it does not have yet, whatever it left in
    // ciaddr.
    let wish = request.options.ip(code::REQUESTED_ADDRESS);
    let has_its_address = wish.is_none_or(|wish| wish == request.ciaddr);
    if !request.ciaddr.is_unspecified() && has_its_address && !offered {
        let port = if *from.ip() == request.ciaddr { from.port() } else { CLIENT_PORT };
        return (Destination::Routed(SocketAddrV4::new(request.ciaddr, port)), SERVER_PORT);
    }
    // A proxy's offer gives no address to send to. INFORM without ciaddr is answered to its source.
    if reply.yiaddr.is_unspecified() {
        let informed = request.options.message_type() == Some(Ok(MessageType::Inform));
        let to = match informed && !from.ip().is_unspecified() {
            true => Destination::Routed(from),
            false => broadcast,
        };
        return (to, SERVER_PORT);
    }
    let ethernet = exchange.client.hardware.as_mac().is_some();
    let asks = request.broadcast() && !exchange.allow.has(Action::Unicast);
    if asks || !ethernet || exchange.allow.has(Action::Broadcast) {
        return (broadcast, SERVER_PORT);
    }
    let to = Destination::Link {
        address: reply.yiaddr,
        port: CLIENT_PORT,
        hardware: exchange.client.hardware,
    };
    (to, SERVER_PORT)
}
