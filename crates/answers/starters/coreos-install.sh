#!/bin/sh
# Run once in the live system: the disk is checked, then written.
(
{% include "disk.sh" %}
) || exit 1
{% include "report.sh" %}
{% include "mark.sh" %}
bw_answers={{ deployment.answers }}
bw_image={{ settings.coreos_image }}
bw_log=$(coreos-installer install "$(cat /tmp/bootwright.disk)" --image-url "$bw_image" --insecure \
  --ignition-url "$bw_answers/installed.ign" --insecure-ignition 2>&1) || {
  report failed "coreos-installer gave up: $bw_log"
  exit 1
}
report done "$(bw_done)"
systemctl reboot
