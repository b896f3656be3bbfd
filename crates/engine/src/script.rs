//! What loaders read: iPXE scripts, GRUB configurations, pxelinux.cfg.
