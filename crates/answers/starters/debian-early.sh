# Run by the Debian installer before it partitions. Where it ends with an error, the installer would
# go on: so it waits for somebody instead.
(
{% include "disk.sh" %}
) || while :; do sleep 3600; done
debconf-set partman-auto/disk "$(cat /tmp/bootwright.disk)"
debconf-set grub-installer/bootdev "$(cat /tmp/bootwright.disk)"
