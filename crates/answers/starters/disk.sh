{% include "report.sh" %}
{% include "mark.sh" %}

# Finds the one disk that may be written to, before anything is. Its name goes to
# /tmp/bootwright.disk. Where none or two fit, or where it holds something that is not ours, it
# reports `failed` and ends with 1; whoever runs this must stop then.
bw_deployment={{ deployment.id }}
bw_by={{ deployment.disk.by }}
bw_wanted={{ deployment.disk.wanted }}
bw_min={{ deployment.disk.min_bytes }}
bw_max={{ deployment.disk.max_bytes }}
bw_ours={{ deployment.disk.ours | join(" ") }}

bw_refuse() {
  echo "bootwright: $1" >&2
  report failed "$1"
  exit 1
}

# What udev knows of a disk: bw_udev NAME KEY.
bw_udev() {
  bw_number=$(bw_line "$bw_root/sys/block/$1/dev") || return 1
  [ -r "$bw_root/run/udev/data/b$bw_number" ] || return 1
  sed -n "s/^E:$2=//p" "$bw_root/run/udev/data/b$bw_number" | head -n 1
}

bw_serials() {
  bw_line "$bw_root/sys/block/$1/serial" && echo
  bw_line "$bw_root/sys/block/$1/device/serial" && echo
  # Page 0x80 of SCSI: four bytes, then the number.
  if [ -r "$bw_root/sys/block/$1/device/vpd_pg80" ]; then
    dd if="$bw_root/sys/block/$1/device/vpd_pg80" bs=1 skip=4 2>/dev/null | tr -d '\000'
    echo
  fi
  bw_udev "$1" ID_SERIAL_SHORT
  bw_udev "$1" SCSI_IDENT_SERIAL
}

bw_wwns() {
  {
    bw_line "$bw_root/sys/block/$1/wwid" && echo
    bw_line "$bw_root/sys/block/$1/device/wwid" && echo
    bw_udev "$1" ID_WWN
    bw_udev "$1" ID_WWN_WITH_EXTENSION
  } | tr 'A-F' 'a-f' | sed 's/^0x//; s/^naa\.//; s/^eui\.//'
}

bw_bytes() {
  bw_sectors=$(bw_line "$bw_root/sys/block/$1/size") || bw_sectors=0
  echo $((bw_sectors * 512))
}

# Whole disks one can install onto: no loops, no memory, no CDs, nothing made of other disks.
bw_is_disk() {
  case $1 in
    loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd* | mtdblock* | *boot0 | *boot1 | *rpmb) return 1 ;;
  esac
  bw_size=$(bw_bytes "$1")
  bw_ro=$(bw_line "$bw_root/sys/block/$1/ro") || bw_ro=0
  bw_hidden=$(bw_line "$bw_root/sys/block/$1/hidden") || bw_hidden=0
  [ "$bw_size" -gt 0 ] && [ "$bw_ro" != 1 ] && [ "$bw_hidden" != 1 ]
}

bw_fits() {
  case $bw_by in
    serial) bw_serials "$1" | sed 's/^ *//; s/ *$//' | grep -qxF -e "$bw_wanted" ;;
    wwn) bw_wwns "$1" | grep -qxF -e "$bw_wanted" ;;
    size)
      bw_size=$(bw_bytes "$1")
      [ "$bw_size" -ge "$bw_min" ] && [ "$bw_size" -le "$bw_max" ]
      ;;
    *) return 1 ;;
  esac
}

# Why a disk is in use, if it is: mounted, swapped to, or a part of something.
bw_use() {
  for bw_part in "$1" $(cd "$bw_root/sys/block/$1" && ls -d "$1"* 2>/dev/null); do
    if grep -q "^/dev/$bw_part " "$bw_root/proc/mounts" 2>/dev/null; then echo "it is mounted"; return; fi
    if grep -q "^/dev/$bw_part " "$bw_root/proc/swaps" 2>/dev/null; then echo "it is swapped to"; return; fi
    for bw_dir in "$bw_root/sys/block/$1/holders" "$bw_root/sys/block/$1/$bw_part/holders"; do
      [ -d "$bw_dir" ] || continue
      bw_holder=$(ls "$bw_dir" | head -n 1)
      if [ -n "$bw_holder" ]; then echo "it is a part of $bw_holder"; return; fi
    done
  done
}

# How many bytes other than zero are in so many sectors: bw_data DEVICE FIRST COUNT. Where they
# cannot all be read, it fails: what was not seen is not empty.
bw_data() {
  bw_some=$(dd if="$1" bs=512 skip="$2" count="$3" 2>/dev/null | wc -c)
  [ "$bw_some" -eq $(($3 * 512)) ] || return 1
  dd if="$1" bs=512 skip="$2" count="$3" 2>/dev/null | tr -d '\000' | wc -c
}

# A disk without a byte in its first and last mebibyte is empty: no partition table, file system,
# RAID, LVM or ZFS label that is in use leaves both alone.
bw_check() {
  # Where the kernel names a disk with a slash, sysfs has `!`.
  bw_device=$bw_root/dev/$(printf '%s' "$1" | tr '!' '/')
  bw_sectors=$(($(bw_bytes "$1") / 512))
  [ -r "$bw_device" ] || bw_refuse "the disk $1 cannot be read: $bw_device is not there"
  bw_why=$(bw_use "$1")
  [ -z "$bw_why" ] || bw_refuse "the disk $1 fits, but $bw_why; nothing was written"
  bw_many=2048
  [ "$bw_sectors" -ge 2048 ] || bw_many=$bw_sectors
  bw_end=$((bw_sectors - bw_many))
  bw_first=$(bw_data "$bw_device" 0 "$bw_many") || bw_refuse "the beginning of the disk $1 cannot be read"
  bw_last=$(bw_data "$bw_device" "$bw_end" "$bw_many") || bw_refuse "the end of the disk $1 cannot be read"
  bw_why=
  [ "$bw_first" = 0 ] || bw_why="data in its first mebibyte"
  [ "$bw_last" = 0 ] || bw_why="${bw_why:-data in its last mebibyte}"
  for bw_part in "$bw_root/sys/block/$1/$1"*; do
    [ ! -e "$bw_part" ] || bw_why="a partition (${bw_part##*/})"
  done
  [ -n "$bw_why" ] || return 0
  bw_own=$(bw_mark "$1" "$bw_device")
  for bw_known in $bw_ours; do
    if [ "$bw_known" = "$bw_own" ] && [ "$bw_own" != "AAAAAA==" ]; then return 0; fi
  done
  bw_refuse "the disk $1 is not empty: it has $bw_why, and was not installed by us. Nothing was written. To use it, wipe it first: blkdiscard -f /dev/$1, or dd if=/dev/zero of=/dev/$1"
}

report started "deployment $bw_deployment"
bw_found=
bw_seen=
for bw_path in "$bw_root"/sys/block/*; do
  bw_name=${bw_path##*/}
  [ -e "$bw_path" ] && bw_is_disk "$bw_name" || continue
  bw_seen="$bw_seen $bw_name"
  if bw_fits "$bw_name"; then bw_found="$bw_found $bw_name"; fi
done
bw_text="with $bw_by $bw_wanted"
[ "$bw_by" != size ] || bw_text="of $bw_min to $bw_max bytes"
set -- $bw_found
case $# in
  1) ;;
  0) bw_refuse "no disk $bw_text is here; these are:${bw_seen:- none}. Nothing was written" ;;
  *) bw_refuse "$# disks $bw_text are here, and one is wanted:$bw_found. Nothing was written" ;;
esac
bw_check "$1"
bw_node=/dev/$(printf '%s' "$1" | tr '!' '/')
printf '%s\n' "$bw_node" >"$bw_root/tmp/bootwright.disk"
report progress "installing onto $bw_node"
