//! Which image, menu or screen a machine gets, and which bootloader carries it there.
