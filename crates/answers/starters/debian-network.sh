# Run by the Debian installer as soon as it has its answers. Where nobody gives addresses of IPv4 it has ended
# every DHCP client, the one of IPv6 included, which gave its address back: here it is asked for again.
bw_conf=/var/lib/netcfg/dhcp6c.conf
bw_card=$(sed -n 's/^interface \([^ ]*\) .*/\1/p' "$bw_conf" 2>/dev/null)
bw_global() { ip -6 addr show dev "$bw_card" scope global | grep inet6; }
if [ -n "$bw_card" ] && ! pidof dhcp6c >/dev/null && ! bw_global | grep -q .; then
  dhcp6c -c "$bw_conf" "$bw_card"
  for bw_second in $(seq 20); do
    bw_global | grep -qv tentative && break
    sleep 1
  done
fi
