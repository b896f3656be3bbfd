//! Certificates and handshakes, with OpenSSL as the outside judge.

mod given;
mod handshakes;
mod openssl;
mod own;
