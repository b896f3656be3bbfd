#!/bin/sh
# Run by Agama when it has read its profile. It would go on after an error: so this waits instead.
(
{% include "disk.sh" %}
) || while :; do sleep 3600; done
ln -sf "$(cat /tmp/bootwright.disk)" /dev/bootwright-disk
