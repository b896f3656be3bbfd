# Run by Anaconda before it looks at disks. With --erroronfail, its end with an error is the end.
(
{% include "disk.sh" %}
) || exit 1
bw_disk=$(cat /tmp/bootwright.disk)
{
  echo "ignoredisk --only-use=${bw_disk#/dev/}"
  echo "clearpart --all --initlabel --drives=${bw_disk#/dev/}"
  echo "bootloader --boot-drive=${bw_disk#/dev/}"
  echo "autopart"
} >/tmp/bootwright.ks
