# Run in the new system: all SSH keys of the user. Kickstart's `sshkey` and older Agama take one.
bw_user={{ settings.user }}
bw_keys={{ settings.ssh_keys | join("\n") }}
mkdir -p "/home/$bw_user/.ssh"
printf '%s\n' "$bw_keys" >"/home/$bw_user/.ssh/authorized_keys"
chmod 700 "/home/$bw_user/.ssh"
chmod 600 "/home/$bw_user/.ssh/authorized_keys"
chown -R "$bw_user:" "/home/$bw_user/.ssh"
restorecon -R "/home/$bw_user/.ssh" || true
