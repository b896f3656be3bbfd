//! TFTP transfers
