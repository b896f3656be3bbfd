# Run by the Debian installer when the system stands in /target.
{% include "report.sh" %}
{% include "mark.sh" %}
bw_user={{ settings.user }}
bw_keys={{ settings.ssh_keys | join("\n") }}
mkdir -p "/target/home/$bw_user/.ssh"
printf '%s\n' "$bw_keys" >"/target/home/$bw_user/.ssh/authorized_keys"
chmod 700 "/target/home/$bw_user/.ssh"
chmod 600 "/target/home/$bw_user/.ssh/authorized_keys"
in-target chown -R "$bw_user:" "/home/$bw_user/.ssh"
sync
report done "$(bw_done)"
