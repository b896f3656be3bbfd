# Run by AutoYaST before it looks at disks. It would go on after an error: so this waits instead.
(
{% include "disk.sh" %}
) || while :; do sleep 3600; done
sed "s|@BOOTWRIGHT_DISK@|$(cat /tmp/bootwright.disk)|" /tmp/profile/autoinst.xml >/tmp/profile/modified.xml
