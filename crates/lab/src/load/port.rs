//! A packet socket that sends and receives many frames at one go.
//!
//! In: frames of ours. Out: every IPv4 frame that comes in (or simply every frame), whatever MAC it is for.
//! Never: a look into a frame; an `unsafe`, since nix has these calls.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockProtocol, SockType, bind, recvmmsg,
    sendmmsg, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;

use crate::rig::{Trouble, io};

/// So many frames in one system call.
pub const BATCH: usize = 64;
/// A longer frame is cut, and none of ours is.
const FRAME_MAX: usize = 1536;
/// Room for some thousand replies: a loss has to be the server's, not ours.
const ROOM: usize = 16 * 1024 * 1024;

/// A packet socket on one interface of the namespace it was opened in.
pub struct Port {
    socket: OwnedFd,
    rooms: Vec<[u8; FRAME_MAX]>,
}

/// What a port hears.
#[derive(Clone, Copy, Debug)]
pub enum Hears {
    /// IPv4 that comes in.
    Ip,
    /// Everything, our own frames as well.
    All,
    /// Nothing: it only sends.
    Nothing,
}

impl Port {
    /// Opens it on `interface`.
    ///
    /// # Errors
    /// When the interface is not there, or we are not root.
    pub fn open(interface: &str, hears: Hears) -> Result<Self, Trouble> {
        let cannot = |e: Errno| io(format!("opening a packet socket on {interface}"))(e.into());
        let protocol = match hears {
            Hears::Ip => Some(SockProtocol::EthIp),
            Hears::All => Some(SockProtocol::EthAll),
            Hears::Nothing => None,
        };
        let all = getifaddrs().map_err(cannot)?;
        // Its protocol is 0 there, which leaves the socket the one it was made with.
        let place = all
            .filter(|one| one.interface_name == interface)
            .find_map(|one| one.address.and_then(|address| address.as_link_addr().copied()))
            .ok_or_else(|| cannot(Errno::ENODEV))?;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket =
            socket(AddressFamily::Packet, SockType::Raw, flags, protocol).map_err(cannot)?;
        setsockopt(&socket, sockopt::RcvBufForce, &ROOM).map_err(cannot)?;
        setsockopt(&socket, sockopt::SndBufForce, &ROOM).map_err(cannot)?;
        bind(socket.as_raw_fd(), &place).map_err(cannot)?;
        Ok(Self { socket, rooms: vec![[0; FRAME_MAX]; BATCH] })
    }

    /// Sends up to [`BATCH`] of these; how many went.
    ///
    /// # Errors
    /// When the interface is gone. A full queue is none: then nothing went.
    pub fn send<F: AsRef<[u8]>>(&self, frames: &[F]) -> Result<usize, Trouble> {
        if frames.is_empty() {
            return Ok(0);
        }
        let parts: Vec<[IoSlice<'_>; 1]> =
            frames.iter().take(BATCH).map(|frame| [IoSlice::new(frame.as_ref())]).collect();
        let to: [Option<()>; BATCH] = [None; BATCH];
        let mut heads = MultiHeaders::<()>::preallocate(parts.len(), None);
        let flags = MsgFlags::MSG_DONTWAIT;
        match sendmmsg(self.socket.as_raw_fd(), &mut heads, &parts, to, [], flags) {
            Ok(sent) => Ok(sent.count()),
            Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => Ok(0),
            Err(e) => Err(io("sending frames")(e.into())),
        }
    }

    /// Gives what came to `take`, up to [`BATCH`] frames; how many there were.
    ///
    /// # Errors
    /// When the interface is gone.
    pub fn receive(&mut self, mut take: impl FnMut(&[u8])) -> Result<usize, Trouble> {
        let mut lengths = [0; BATCH];
        let mut count = 0;
        {
            let mut parts: Vec<[IoSliceMut<'_>; 1]> =
                self.rooms.iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
            let mut heads = MultiHeaders::<()>::preallocate(BATCH, None);
            let flags = MsgFlags::MSG_DONTWAIT;
            let got = recvmmsg(self.socket.as_raw_fd(), &mut heads, parts.iter_mut(), flags, None);
            match got {
                Ok(got) => {
                    for (length, one) in lengths.iter_mut().zip(got) {
                        *length = one.bytes;
                        count += 1;
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
                Err(e) => return Err(io("receiving frames")(e.into())),
            }
        }
        for (room, length) in self.rooms.iter().zip(lengths).take(count) {
            take(room.get(..length).unwrap_or_default());
        }
        Ok(count)
    }

    /// Waits until a frame came, or for so long.
    pub fn wait(&self, at_most: Duration) {
        let mut asked = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let _interrupted = ppoll(&mut asked, Some(TimeSpec::from_duration(at_most)), None);
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
