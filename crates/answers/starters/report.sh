# Tells the server how far the installation is: report STAGE [WORDS]. It never fails: an
# installation does not end because nobody listens.
bw_report_url={{ deployment.report }}

report() {
  bw_words=$(printf '%s' "${2:-$1}" | tail -c 16384)
  if command -v curl >/dev/null 2>&1; then
    curl -fsS -m 30 -o /dev/null --data-binary "$bw_words" "$bw_report_url/$1" || true
    return 0
  fi
  if wget --help 2>&1 | grep -q -e --post-data; then
    wget -q -T 30 -O /dev/null --post-data="$bw_words" "$bw_report_url/$1" || true
    return 0
  fi
  # The Debian installer has neither: plain HTTP by hand.
  bw_rest=${bw_report_url#http://}
  bw_place=${bw_rest%%/*}
  # An address of IPv6 stands in brackets, for its colons: [fd77::1]:8080.
  bw_host=${bw_place%"]"*}
  bw_host=${bw_host#"["}
  case $bw_place in
    "["*"]:"*) bw_port=${bw_place##*"]:"} ;;
    "["*"]") bw_port=80 ;;
    *:*) bw_port=${bw_place##*:} bw_host=${bw_place%:*} ;;
    *) bw_port=80 ;;
  esac
  bw_length=$(printf '%s' "$bw_words" | wc -c)
  printf 'POST /%s/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n%s' \
    "${bw_rest#*/}" "$1" "$bw_place" "$bw_length" "$bw_words" |
    nc -w 30 "$bw_host" "$bw_port" >/dev/null 2>&1 || true
  return 0
}
