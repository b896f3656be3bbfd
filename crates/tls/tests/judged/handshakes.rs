//! What clients of every age get, with OpenSSL as the client over loopback.

use super::openssl::Openssl;
use model::Now;
use rustls::ServerConnection;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;
use tls::{Ask, Keys, Store};

struct Served {
    openssl: Openssl,
    keys: Keys,
}

impl Served {
    fn new() -> Self {
        let openssl = Openssl::new();
        let ask = Ask {
            host: "lab".to_owned(),
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            ..Ask::default()
        };
        Store::new(openssl.at()).init(&ask, Now(1_795_651_200_000), false).unwrap();
        let keys = Keys::own(openssl.at()).unwrap();
        Self { openssl, keys }
    }

    /// One connection by `s_client` with these flags; what it says of it.
    fn client(&self, flags: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let setting = self.keys.setting();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut connection = ServerConnection::new(setting).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            // Until the client goes: it sends nothing.
            let _ended = stream.read(&mut [0; 16]);
        });
        let said = self.openssl.try_to(&format!(
            "s_client -connect 127.0.0.1:{port} -CAfile keys/ca.pem -verify_return_error \
             -verify_ip 127.0.0.1 {flags}"
        ));
        server.join().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr)
    }
}

#[test]
fn clients_of_every_age_get_what_they_can_take() {
    let served = Served::new();
    for (flags, words) in [
        ("-tls1_3", vec!["TLSv1.3", "Verify return code: 0 (ok)", "3072 bit"]),
        ("-tls1_2", vec!["ECDHE-RSA-AES256-GCM-SHA384", "Verify return code: 0 (ok)"]),
        // iPXE since 2024, as far as the exchange goes.
        (
            "-tls1_2 -groups X25519 -cipher ECDHE-RSA-AES128-GCM-SHA256",
            vec!["ECDHE-RSA-AES128", "X25519"],
        ),
        // EDK2 2022.11: no curve at all.
        (
            "-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:AES256-GCM-SHA384",
            vec!["DHE-RSA-AES256-GCM-SHA384", "DH, 3072 bits", "Verify return code: 0 (ok)"],
        ),
        ("-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", vec!["DHE-RSA-AES128-GCM-SHA256"]),
        // Curves before the finite field, though the client would have it the other way round.
        (
            "-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
            vec!["Cipher is ECDHE-RSA-AES256-GCM-SHA384"],
        ),
        // Whoever takes both kinds of keys gets RSA, and ECDSA only who takes no RSA.
        ("-tls1_3 -sigalgs ECDSA+SHA256:RSA-PSS+SHA256", vec!["Peer signature type: RSA-PSS"]),
        ("-tls1_3 -sigalgs ECDSA+SHA256", vec!["Peer signature type: ECDSA"]),
    ] {
        let said = served.client(flags);
        for word in words {
            assert!(said.contains(word), "{flags}: no {word:?} in\n{said}");
        }
    }
}

#[test]
fn what_is_too_old_is_refused() {
    let served = Served::new();
    for flags in [
        "-tls1_1 -cipher ALL:@SECLEVEL=0",
        // iPXE before 2022: the server's key carries the secret, so nothing is forward-secret.
        "-tls1_2 -cipher AES128-GCM-SHA256:AES256-SHA256",
        "-tls1_2 -cipher DHE-RSA-AES256-SHA256",
    ] {
        let said = served.client(flags);
        assert!(said.contains("alert") && said.contains("Cipher is (NONE)"), "{flags}\n{said}");
    }
}
