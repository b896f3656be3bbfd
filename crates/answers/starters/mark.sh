# What a disk is known by when the next installation asks whether it is ours.
#
# BOOTWRIGHT_ROOT is for tests: what stands before /sys, /dev, /run and /tmp.
bw_root=${BOOTWRIGHT_ROOT:-}

# The first line of a file, without the spaces around it.
bw_line() {
  [ -r "$1" ] || return 1
  bw_text=
  # A last line without an end is a line, too.
  read -r bw_text <"$1" || [ -n "$bw_text" ] || return 1
  printf '%s' "$bw_text"
}

# What a disk is known by: the GUID of its GPT, or the signature of its MBR, in base64.
bw_mark() {
  bw_block=$(bw_line "$bw_root/sys/block/$1/queue/logical_block_size") || bw_block=512
  bw_magic=$(dd if="$2" bs=1 skip="$bw_block" count=8 2>/dev/null | tr -d '\000')
  if [ "$bw_magic" = "EFI PART" ]; then
    dd if="$2" bs=1 skip=$((bw_block + 56)) count=16 2>/dev/null | base64
  else
    dd if="$2" bs=1 skip=440 count=4 2>/dev/null | base64
  fi
}

# To be reported with `done`.
bw_done() {
  bw_disk=$(bw_line "$bw_root/tmp/bootwright.disk") || bw_disk=
  bw_name=$(printf '%s' "${bw_disk#/dev/}" | tr '/' '!')
  [ -n "$bw_disk" ] || return 0
  bw_own=$(bw_mark "$bw_name" "$bw_root$bw_disk")
  printf 'disk %s mark %s' "$bw_disk" "$bw_own"
}
