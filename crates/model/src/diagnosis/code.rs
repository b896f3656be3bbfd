//! The names of diagnoses. They are stable: scripts and webhooks rest on them.

use crate::client::named;
use serde::{Deserialize, Serialize};

named! {
    /// What a boot died of, in the order in which a machine could meet it.
    Code: "diagnosis" {
        /// No network is configured on the interface where it asks.
        NetworkNotServed = "network-not-served",
        /// It asks through a relay that is not ours to serve.
        RelayNotServed = "relay-not-served",
        /// All addresses are leased.
        PoolExhausted = "pool-exhausted",
        /// Its request is broken.
        MalformedRequest = "malformed-request",
        /// It asks so often that it is not answered any more.
        AskedTooOften = "asked-too-often",
        /// What an answer promises could not be kept on disk.
        StoreFailed = "store-failed",
        /// It does not say which architecture it is.
        ArchitectureNotTold = "architecture-not-told",
        /// Nobody has a bootloader for its architecture.
        ArchitectureUnserved = "architecture-unserved",
        /// No bootloader for its architecture was imported.
        BootloaderMissing = "bootloader-missing",
        /// It is refused the address that it asks for, again and again.
        AddressRefused = "address-refused",
        /// It was offered an address and never asked for it.
        OfferNotTaken = "offer-not-taken",
        /// It took the offer of another DHCP server.
        OtherDhcpServer = "other-dhcp-server",
        /// It took the boot file of another server.
        OtherBootServer = "other-boot-server",
        /// Beside us nobody gives it an address.
        NoAddressServer = "no-address-server",
        /// Our answers on port 4011 do not reach it, or its questions do not reach us.
        NoAnswerOn4011 = "no-answer-on-4011",
        /// It has an address of another server and ignores our offer of a boot file.
        ProxyOfferIgnored = "proxy-offer-ignored",
        /// It was told its boot file and never asked for it.
        BootFileNotAsked = "boot-file-not-asked",
        /// Its firmware boots by HTTP and refuses `http://`.
        HttpBootRefusesHttp = "http-boot-refuses-http",
        /// Sent to HTTPS it does not even connect.
        HttpsNoCa = "https-no-ca",
        /// It does not trust our certificate authority.
        HttpsUntrusted = "https-untrusted",
        /// Our certificate does not name what its URL names.
        HttpsWrongName = "https-wrong-name",
        /// Our certificate is over, or its clock is wrong.
        HttpsTime = "https-time",
        /// It speaks no TLS that is spoken here.
        HttpsOldTls = "https-old-tls",
        /// It cannot use our kind of key.
        HttpsKeyType = "https-key-type",
        /// It speaks plain HTTP to the port for HTTPS.
        HttpsPlainHttp = "https-plain-http",
        /// Its TFTP requests arrive and our answers do not.
        TftpAnswersBlocked = "tftp-answers-blocked",
        /// Its TFTP requests come through address translation.
        TftpThroughNat = "tftp-through-nat",
        /// Short TFTP answers arrive and long ones do not.
        TftpBlocksTooLarge = "tftp-blocks-too-large",
        /// A TFTP transfer stopped in its middle.
        TftpStalled = "tftp-stalled",
        /// It stopped a transfer itself.
        TransferRefused = "transfer-refused",
        /// A transfer by HTTP was cut.
        TransferCut = "transfer-cut",
        /// A file of ours is damaged or cannot be read.
        FileDamaged = "file-damaged",
        /// It asks for a boot file that we do not have.
        BootFileMissing = "boot-file-missing",
        /// It asks from an address outside the subnets we serve.
        OutsideSubnets = "outside-subnets",
        /// Its firmware refuses the bootloader: Secure Boot.
        LoaderRefused = "loader-refused",
        /// iPXE has no driver for its network card.
        IpxeWithoutDriver = "ipxe-without-driver",
        /// Its bootloader was started, or not, and says nothing.
        LoaderSilent = "loader-silent",
        /// It fetches its bootloader again and again.
        LoaderLoops = "loader-loops",
        /// Its bootloader does not get its next stage.
        SecondStageMissing = "second-stage-missing",
        /// iPXE was told its script and never fetched it.
        ScriptNotFetched = "script-not-fetched",
        /// Its profile cannot be booted on it.
        ProfileCannotBoot = "profile-cannot-boot",
        /// It was told to start its own disk and comes back each time.
        LocalDiskDoesNotStart = "local-disk-does-not-start",
        /// Its kernel is not there.
        KernelMissing = "kernel-missing",
        /// A file that is loaded with its kernel is not there.
        InitrdMissing = "initrd-missing",
        /// It has too little memory for what it is given.
        TooLittleMemory = "too-little-memory",
        /// Its bootloader has the kernel and goes no further.
        KernelRefused = "kernel-refused",
        /// Its kernel was started and is silent.
        KernelSilent = "kernel-silent",
        /// Its installer or live system asks for a file that we do not have.
        InstallerFileMissing = "installer-file-missing",
        /// Its installer is not given its answers.
        AnswersRefused = "answers-refused",
        /// Its installer does not trust our certificate.
        InstallerUntrusted = "installer-untrusted",
        /// Its installation says that it failed.
        InstallationFailed = "installation-failed",
        /// Somebody else asked for what was armed for it.
        DeploymentFrozen = "deployment-frozen",
        /// It starts the same installer again and again.
        InstallerLoop = "installer-loop",
        /// It boots the same thing again and again.
        BootLoops = "boot-loops",
    }
}
