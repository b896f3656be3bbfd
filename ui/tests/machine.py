"""A machine that asks for an address by PXE, from the other end of the server's link."""

import socket
import struct
import sys
import time

LINK = "br1"
MAC = bytes.fromhex("525400770001")
VENDOR = b"PXEClient:Arch:00007:<img src=x onerror=executed++>"


def option(code, value):
    return bytes([code, len(value)]) + value


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def discover():
    options = b"".join(
        [
            option(53, b"\1"),
            option(55, bytes([1, 3, 6, 43, 60, 66, 67, 97])),
            option(60, VENDOR),
            option(12, b"<b>host</b>"),
            option(93, b"\0\7"),
            option(94, b"\1\3\x10"),
            option(97, b"\0" + bytes(range(16))),
            b"\xff",
        ]
    )
    fixed = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x77000001, 4, 0x8000) + bytes(16)
    return fixed + MAC + bytes(10) + bytes(192) + bytes.fromhex("63825363") + options


def frame(payload):
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\xff" * 6 + MAC + b"\x08\x00" + head + udp + payload


def main():
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((LINK, 0))
    for _ in range(3):
        link.send(frame(discover()))
        time.sleep(0.4)


if __name__ == "__main__":
    sys.exit(main())
