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
