//! Writes pcapng: one section, its interfaces with their names, packets with comments.

use crate::{Interface, Packet};
use std::io::{self, Write};

const OPT_END: u16 = 0;
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
/// Nanoseconds, as [`Packet::at_ns`].
const NANOSECONDS: [u8; 1] = [9];
/// The option `shb_userappl`.
const APPLICATION: u16 = 4;
/// The longest value of an option that is written: what is longer is cut.
const VALUE_MAX: usize = 32 * 1024;

/// A pcapng file on its way out, little-endian as most are.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    interfaces: u32,
}

impl<W: Write> Writer<W> {
    /// Begins a file. `application` is who writes it.
    ///
    /// # Errors
    /// Of writing.
    pub fn new(out: W, application: &str) -> io::Result<Self> {
        let mut writer = Self { out, interfaces: 0 };
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // Its length is not said: -1.
        body.extend([0xff; 8]);
        put(&mut body, APPLICATION, application.as_bytes());
        put(&mut body, OPT_END, &[]);
        writer.block(0x0a0d_0d0a, &body)?;
        Ok(writer)
    }

    /// Describes the next interface; packets name it by the number given.
    ///
    /// # Errors
    /// Of writing.
    pub fn interface(&mut self, interface: &Interface) -> io::Result<usize> {
        let mut body = Vec::new();
        body.extend(interface.link.number().to_le_bytes());
        body.extend([0; 2]);
        // Frames are not cut.
        body.extend([0; 4]);
        if let Some(name) = &interface.name {
            put(&mut body, IF_NAME, name.as_bytes());
        }
        put(&mut body, IF_TSRESOL, &NANOSECONDS);
        put(&mut body, OPT_END, &[]);
        self.block(1, &body)?;
        let number = self.interfaces as usize;
        self.interfaces = self.interfaces.saturating_add(1);
        Ok(number)
    }

    /// Writes a packet of an interface that was described.
    ///
    /// # Errors
    /// Of writing; when its interface was not described.
    pub fn packet(&mut self, packet: &Packet) -> io::Result<()> {
        let known = u32::try_from(packet.interface).ok().filter(|n| *n < self.interfaces);
        let number = known.ok_or_else(|| io::Error::other("its interface was not described"))?;
        let held = u32::try_from(packet.bytes.len()).map_err(io::Error::other)?;
        let [h0, h1, h2, h3, l0, l1, l2, l3] = packet.at_ns.to_be_bytes();
        let mut body = Vec::with_capacity(packet.bytes.len() + 64);
        body.extend(number.to_le_bytes());
        body.extend([h3, h2, h1, h0, l3, l2, l1, l0]);
        body.extend(held.to_le_bytes());
        body.extend(packet.wire_len.max(held).to_le_bytes());
        body.extend(&packet.bytes);
        pad(&mut body);
        for comment in &packet.comments {
            put(&mut body, COMMENT, comment.as_bytes());
        }
        if !packet.comments.is_empty() {
            put(&mut body, OPT_END, &[]);
        }
        self.block(6, &body)
    }

    /// The file, complete.
    ///
    /// # Errors
    /// Of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 12).map_err(io::Error::other)?.to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(body)?;
        self.out.write_all(&length)
    }
}

fn put(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..VALUE_MAX).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    body.extend(value);
    pad(body);
}

/// To 32 bits. A body's fixed part always ends on them.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
