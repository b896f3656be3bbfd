//! What was dropped without a word, counted by reason.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// How often something happened that nobody was told of one by one.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct Counts {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl Counts {
            /// Name, meaning and value of each, for a metrics page.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),*).trim_ascii(), self.$name)),*].into_iter()
            }
        }

        /// The same, while it counts.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Ordering::Relaxed)),* }
            }
        }
    };
}

counters! {
    /// DHCP messages given to the owner.
    dhcp_received,
    /// What other DHCP servers and routers say, given to the owner.
    dhcp_overheard,
    /// The same that was too much on one link.
    dhcp_unheard,
    /// DHCP replies sent.
    dhcp_sent,
    /// Replies the system would not send.
    dhcp_unsent,
    /// Packets to a DHCP port that are no whole UDP datagram, or with a wrong checksum.
    dhcp_broken,
    /// Questions whether somebody uses an address that is about to be offered.
    dhcp_probed,
    /// Offers that left without that question: too many at once, or it could not be sent.
    dhcp_unprobed,
    /// Answers to it: somebody did.
    dhcp_conflicts,
    /// DHCPv6 messages given to the owner.
    dhcp6_received,
    /// DHCPv6 replies sent.
    dhcp6_sent,
    /// DHCPv6 replies the system would not send.
    dhcp6_unsent,
    /// Errors of the sockets that hear DHCPv6.
    dhcp6_unheard,
    /// DHCPv6 messages that are longer than any is.
    dhcp6_broken,
    /// DHCPv6 messages dropped because too many were waiting.
    dhcp6_dropped,
    /// TFTP requests given to the owner.
    tftp_requests,
    /// TFTP datagrams from outside the served subnets.
    tftp_outside,
    /// TFTP datagrams that are no request.
    tftp_malformed,
    /// TFTP requests without an answer because too many were waiting, or no room was left.
    tftp_busy,
    /// TFTP transfers without one ACK that had to make room.
    tftp_evicted,
    /// HTTP requests that reached the table of names.
    http_requests,
    /// HTTP requests refused by their form.
    http_refused,
    /// Bodies of HTTP requests refused because too much of others was in memory.
    http_bodies_refused,
    /// HTTP connections refused because one source had too many, or all together.
    http_connections_refused,
    /// HTTP connections closed because they were idle or slow.
    http_connections_cut,
    /// Lines of machines' logs that were told.
    syslog_lines,
    /// Syslog datagrams from outside the served subnets.
    syslog_outside,
    /// Syslog datagrams that were too many of one source, or of all together.
    syslog_too_many,
    /// Syslog datagrams that are none.
    syslog_malformed,
    /// Lines of logs from addresses that no known machine has.
    syslog_unknown,
    /// Questions for names, over UDP and TCP.
    dns_questions,
    /// Questions for names from outside the subnets where they are answered.
    dns_outside,
    /// Datagrams to the DNS port that are no question.
    dns_malformed,
    /// Questions that were too many of one neighbourhood: told to come over TCP, or dropped.
    dns_limited,
    /// Questions that others were asked.
    dns_forwarded,
    /// Questions that others were not asked because too many waited.
    dns_busy,
    /// Questions for names of others whose answer was remembered.
    dns_cache_hits,
    /// Questions for names of others whose answer was not.
    dns_cache_misses,
    /// Answers of others that were forgotten because they held no longer.
    dns_cache_ended,
    /// Answers of others that were forgotten because too many were remembered.
    dns_cache_displaced,
    /// Questions that no other server answered.
    dns_unanswered,
    /// Records of others that had nothing to do with the question: left out.
    dns_strange,
    /// Private addresses in answers of others: left out.
    dns_private,
    /// Answers the system would not send.
    dns_unsent,
    /// Connections to the DNS port that were too many.
    dns_connections_refused,
    /// Updates of names that other DNS servers answered.
    dns_publish_answers,
    /// Updates of names that other DNS servers did not answer.
    dns_publish_silent,
    /// Updates of names that came to nothing for another reason: a key, a clock.
    dns_publish_failed,
    /// Tasks that ended in a panic: each of them is a bug to report.
    panics,
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

/// Counts it when the task it lives in ends in a panic.
pub(crate) struct PanicWatch(pub(crate) std::sync::Arc<Counters>);

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panics.one();
        }
    }
}
