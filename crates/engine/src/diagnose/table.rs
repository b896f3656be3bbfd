//! Every diagnosis: whose fault it is, how far a boot is that may have died of it, what it means, and
//! what is looked for.

use super::trail::Trail;
use super::{Finding, again, asking, fetching, https, loader, script, system};
use model::Fault::{self, Ours, Peer, Settings, Surroundings};
use model::diagnosis::Code;
use model::story::BootStage;

/// One diagnosis.
pub struct Row {
    /// Its name.
    pub code: Code,
    /// Who has to change something.
    pub fault: Fault,
    /// What happened, for somebody who meets it for the first time.
    pub means: &'static str,
    /// What to do about it.
    pub to_do: &'static str,
    /// A boot that came further did not die of it.
    until: BootStage,
    pub(super) look: fn(&Trail<'_>) -> Option<Finding>,
}

impl Row {
    /// Whether a boot that came so far may have died of it.
    pub(super) fn applies(&self, furthest: BootStage) -> bool {
        furthest <= self.until
    }
}

/// The row of a diagnosis.
#[must_use]
pub fn row(code: Code) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.code == code)
}

macro_rules! rows {
    ($($code:ident $fault:ident $until:ident $look:path: $means:literal => $to_do:literal;)+) => {
        /// All of them, in the order in which a machine could meet them.
        pub const ROWS: &[Row] = &[$(Row {
            code: Code::$code,
            fault: $fault,
            means: $means,
            to_do: $to_do,
            until: BootStage::$until,
            look: $look,
        },)+];
    };
}

rows! {
    NetworkNotServed Settings Loader asking::network_not_served:
        "The machine asks on an interface for which no [[network]] stands in the configuration."
        => "Add a [[network]] for that interface.";
    RelayNotServed Settings Loader asking::relay_not_served:
        "A relay carries its requests here, and no network names that relay."
        => "Add the relay to `relays` of the network whose addresses the machine should get.";
    PoolExhausted Settings System asking::pool_exhausted:
        "All addresses of the pool are leased. The machine hears nothing and tries again."
        => "Widen `pool` or shorten `lease`.";
    MalformedRequest Peer Loader asking::malformed_request:
        "The request is broken, or an option that decides is."
        => "Update the firmware of the machine or of its network card; look at what is between.";
    AskedTooOften Peer System asking::asked_too_often:
        "It, or somebody in its name, sends so much that it is not answered for a while."
        => "Look for a loop on the link or a machine that repeats its messages.";
    StoreFailed Surroundings System asking::store_failed:
        "The answer promises something that has to be on disk first, and it could not be written."
        => "Make room on the disk of the state directory, or mend it.";
    ArchitectureNotTold Peer Loader asking::architecture_not_told:
        "It wants to boot and does not say for which processor (option 93)."
        => "Update its firmware, or start it from an iPXE on a USB stick.";
    ArchitectureUnserved Surroundings Loader asking::architecture_unserved:
        "It is of an architecture for which nobody has a bootloader."
        => "Such machines cannot be booted from here.";
    BootloaderMissing Settings Loader asking::bootloader_missing:
        "There are bootloaders for its architecture, and none was imported."
        => "Import one: `bootwright bootloader import FILE|DEB`.";
    AddressRefused Surroundings Loader asking::address_refused:
        "It insists on an address that is not its own and is refused each time: another server gave it \
         that address, or its firmware keeps an old one."
        => "Find the other server with `bootwright doctor`.";
    OfferNotTaken Surroundings Loader asking::offer_not_taken:
        "It asks again and again and never takes what it is offered: our offers do not reach it (DHCP \
         snooping, a filter, a relay that does not carry them back), or its firmware does not accept them."
        => "Let UDP from port 67 of the server through to the machine.";
    OtherDhcpServer Surroundings Loader asking::other_dhcp_server:
        "Two servers give addresses on its link, and it took the other's."
        => "Switch one of the two off for this link; DHCP snooping keeps strangers out.";
    OtherBootServer Surroundings Loader asking::other_boot_server:
        "The server that gives addresses names a boot file of its own, and the machine takes that one."
        => "Take the boot file out of that server's settings.";
    NoAddressServer Surroundings Loader asking::no_address_server:
        "Here we only say what to boot; the server that should give addresses does not answer."
        => "Start that server, or set mode = \"dhcp\".";
    NoAnswerOn4011 Surroundings Firmware asking::no_answer_on_4011:
        "PXE firmware asks a second time, on port 4011. Its question does not reach us, or our answer \
         does not reach it. On its screen stands PXE-E55 or PXE-E18."
        => "Let UDP 4011 through in both directions.";
    ProxyOfferIgnored Surroundings Loader asking::proxy_offer_ignored:
        "It has an address of the other server and does not ask for the boot file that we offer beside it."
        => "Let our offers (UDP from port 67) through; else name this server in the other one's settings.";
    BootFileNotAsked Surroundings Firmware fetching::boot_file_not_asked:
        "It has an address, was told its boot file, and its request for it does not arrive."
        => "Let UDP 69 through to the server; else look at the machine's screen.";
    HttpBootRefusesHttp Surroundings Firmware fetching::http_boot_refuses_http:
        "UEFI HTTP Boot of many machines accepts https:// only and says nothing about it."
        => "Serve it over HTTPS, or allow HTTP connections in its set-up.";
    HttpsNoCa Surroundings Firmware fetching::https_no_ca:
        "Firmware without an enrolled CA does not even connect to an https:// URL."
        => "Enrol the CA: `bootwright tls show` says how.";
    HttpsUntrusted Surroundings Loader https::untrusted:
        "It connects and leaves when it has seen our certificate: it trusts another CA, or none."
        => "Enrol the CA: `bootwright tls show` says how.";
    HttpsWrongName Settings Loader https::wrong_name:
        "The certificate does not name the address or name that stands in the URL."
        => "Make a certificate that does: `bootwright tls init --address` or `--name`.";
    HttpsTime Surroundings Loader https::time:
        "The certificate is over or not yet valid, or the machine's clock is years off."
        => "Make a new certificate (`bootwright tls init`), or set the machine's clock.";
    HttpsOldTls Peer Loader https::old_tls:
        "It speaks only TLS 1.0 or 1.1, which are not safe."
        => "Give it an http:// URL, or update its firmware or its iPXE.";
    HttpsKeyType Peer Loader https::key_type:
        "It has no cipher, curve or signature in common with our key: old iPXE knows RSA only, new EDK2 \
         no RSA below 3072 bits."
        => "Use an RSA key of 3072 bits or more, or update the client.";
    HttpsPlainHttp Settings Loader https::plain_http:
        "It was given an http:// URL with the port for HTTPS."
        => "Write https:// in that URL, or the port for HTTP.";
    TftpAnswersBlocked Surroundings Loader fetching::tftp_answers_blocked:
        "Its request arrives on port 69 and our answers, which come from another port, do not reach it: \
         the firewall between does not know TFTP. On its screen stands PXE-E32 or PXE-E23."
        => "Set single_port = true in [tftp], or let UDP from every port of the server through.";
    TftpThroughNat Surroundings Loader fetching::tftp_through_nat:
        "Its requests come from the address of a router that translates addresses."
        => "Switch translation off on that way, or set single_port = true in [tftp].";
    TftpBlocksTooLarge Surroundings Loader fetching::tftp_blocks_too_large:
        "Small packets come through and full blocks do not: somewhere on the way the MTU is smaller, or \
         fragments are dropped."
        => "Set blksize_max in [tftp] to less, then find that link.";
    TftpStalled Surroundings Kernel fetching::tftp_stalled:
        "A transfer stopped in its middle and nothing more came."
        => "Look at the machine and its cable.";
    TransferRefused Peer Kernel fetching::transfer_refused:
        "It stopped a transfer itself and said so by a TFTP error."
        => "Read what it said; error 3 is want of memory.";
    TransferCut Surroundings Kernel fetching::transfer_cut:
        "A connection ended in the middle of a file and the machine did not ask again."
        => "Look at its screen and at how much memory it has.";
    FileDamaged Surroundings Kernel fetching::file_damaged:
        "A file is gone, or not as it was when it was imported. What is damaged is not sent."
        => "Import the image again, and check the disk.";
    BootFileMissing Settings Loader fetching::boot_file_missing:
        "It asks for a boot file that does not exist here; often another server named it."
        => "Find who names it, or import the file.";
    OutsideSubnets Settings Firmware fetching::outside_subnets:
        "It has an address of a network that we do not serve, and is not given files."
        => "Set `subnet` of the network, or mend the other server's addresses.";
    LoaderRefused Surroundings Loader loader::loader_refused:
        "The firmware fetched the bootloader whole and did not start it. With Secure Boot on, that is what \
         happens to a file whose signer it does not trust."
        => "Give it a chain that its firmware trusts: a distribution's shim and GRUB, or an image with its own.";
    IpxeWithoutDriver Ours Loader loader::ipxe_without_driver:
        "This build of iPXE has its own network drivers and none for the card of this machine."
        => "Import snponly.efi, which uses the firmware's driver.";
    LoaderSilent Surroundings Loader loader::loader_silent:
        "The bootloader was fetched whole and nothing was heard of it."
        => "Read its screen; look for a switch port that comes up slowly.";
    LoaderLoops Surroundings Loader loader::loader_loops:
        "iPXE is told a bootloader by somebody, and loads itself for ever."
        => "Take that boot file out of the other server's settings for clients of user class iPXE.";
    SecondStageMissing Settings Loader loader::second_stage_missing:
        "shim looks for its next stage beside itself and does not find it, or does not trust it."
        => "Import shim and GRUB of the same distribution.";
    ScriptNotFetched Surroundings Loader loader::script_not_fetched:
        "The bootloader came by TFTP; the script comes by HTTP, and no request for it arrives."
        => "Let TCP to the HTTP port through.";
    ProfileCannotBoot Settings Script script::profile_cannot_boot:
        "The profile that a rule or an operator gave it is for other machines, or its image is not there: \
         it goes on to its own disk."
        => "Give it a profile for its architecture.";
    LocalDiskDoesNotStart Surroundings Script again::local_disk_does_not_start:
        "It is told to start its own disk and comes back at once, each time."
        => "Install it, or mend the boot order in its set-up.";
    KernelMissing Settings Kernel script::kernel_missing:
        "Its script names a kernel that is not there any more."
        => "Import the image again.";
    InitrdMissing Settings Kernel script::initrd_missing:
        "A file that is loaded with the kernel is not there."
        => "Import the image again.";
    TooLittleMemory Surroundings System script::too_little_memory:
        "It said how much memory it has, and what it is given needs more before it does anything."
        => "More memory, or something smaller.";
    KernelRefused Surroundings Kernel script::kernel_refused:
        "The bootloader fetched the kernel and did not go on: with Secure Boot, GRUB starts only what its \
         shim trusts."
        => "Boot an image that brings its own signed chain.";
    KernelSilent Surroundings System system::kernel_silent:
        "Kernel and initrd went out, and the system does not ask for what it cannot do without."
        => "Look at its screen; try other kernel arguments.";
    InstallerFileMissing Settings System system::installer_file_missing:
        "The installer or live system runs and asks for a file that we do not have."
        => "Import the whole disc, or mend the arguments that name the file.";
    AnswersRefused Settings System system::answers_refused:
        "The installer asks for its answer file and is not the one whom it was armed for, or asks in a way \
         that is not allowed."
        => "`bootwright deployment show` says what is allowed.";
    InstallerUntrusted Surroundings System https::installer_untrusted:
        "The installer runs and does not accept our certificate."
        => "Give its answers over plain HTTP (`--plain-http`), or an image that trusts our CA.";
    InstallationFailed Surroundings System system::installation_failed:
        "The installer reported that it failed."
        => "`bootwright machine show M --log` shows what it said.";
    DeploymentFrozen Surroundings System system::deployment_frozen:
        "Somebody else asked for what was armed for this machine, so nobody gets it any more."
        => "Find out who, then arm the machine anew.";
    InstallerLoop Settings System again::installer_loop:
        "A rule or a profile leads it to the same installer at every boot."
        => "Install by `bootwright machine deploy`, which gives the installer once.";
    BootLoops Surroundings Kernel again::boot_loops:
        "Its kernel starts and the machine begins anew, again and again."
        => "Read its screen; try another kernel or other arguments.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_diagnosis_has_one_row_in_the_order_of_its_names() {
        let codes: Vec<Code> = ROWS.iter().map(|row| row.code).collect();
        assert_eq!(codes, Code::ALL);
    }
}
