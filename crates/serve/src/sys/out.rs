//! How far the bytes of a connection have come.
use std::io;
use std::os::fd::AsRawFd;

/// Bytes of a TCP connection that the other end has not acknowledged (SIOCOUTQ). A connection that
/// we have finished counts one more until that is acknowledged too.
pub(crate) fn unacknowledged(socket: &impl AsRawFd) -> io::Result<u32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the pointer is to a live int, which is what SIOCOUTQ (TIOCOUTQ) writes.
    let said = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if said != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u32::try_from(bytes).unwrap_or(0))
}

/// Whether a TCP connection is over for the kernel, so that what was not acknowledged never will be.
/// Neither read(2) (after a FIN it says "ended", whatever came later) nor SIOCOUTQ tells.
pub(crate) fn is_over(socket: &impl AsRawFd) -> bool {
    /// TCP_CLOSE of linux/tcp.h; the state is the first byte of struct tcp_info.
    const CLOSED: u8 = 7;
    let mut state = 0_u8;
    let mut length: libc::socklen_t = 1;
    // SAFETY: the pointers are to live memory of the length that is given; a short buffer gets the
    // beginning of the structure (tcp(7)).
    let said = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut state).cast(),
            &raw mut length,
        )
    };
    said == 0 && state == CLOSED
}
