# Run by subiquity before it looks at disks. It reads its configuration again afterwards.
(
{% include "disk.sh" %}
) || exit 1
sed -i "s|@BOOTWRIGHT_DISK@|$(cat /tmp/bootwright.disk)|" /autoinstall.yaml
