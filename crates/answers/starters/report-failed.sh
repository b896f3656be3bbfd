# The installer gave up: the end of its log goes to the server.
{% include "report.sh" %}
bw_log=
for bw_file in /var/log/installer/subiquity-server-debug.log /tmp/anaconda.log /var/log/YaST2/y2log /var/log/syslog; do
  [ ! -r "$bw_file" ] || bw_log=$(tail -n 40 "$bw_file")
done
report failed "the installer gave up
$bw_log"
