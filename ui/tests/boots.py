"""A machine that boots by PXE from the other end of the server's link, as far as it is told.

python3 boots.py MAC [STOP]: it asks for an address, takes it, asks for its script, and fetches what that names.
STOP is `address`, `script` or `kernel`: it goes no further.

Both ends of the link are on this host: what it fetches, it fetches from the address that it was given.
"""

import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request

from machine import checksum, option

LINK = "br1"
SERVER = "10.77.0.1"
WAIT_S = 8


def message(mac, kind, more=b""):
    options = b"".join(
        [
            option(53, bytes([kind])),
            option(55, bytes([1, 3, 6, 43, 60, 66, 67, 97])),
            option(60, b"PXEClient:Arch:00000:UNDI:002001"),
            option(77, b"iPXE"),
            option(93, b"\0\0"),
            option(94, b"\1\2\1"),
            option(97, b"\0" + bytes(10) + mac),
            more,
            b"\xff",
        ]
    )
    exchange = struct.unpack("!I", mac[2:])[0]
    fixed = struct.pack("!BBBBIHH", 1, 1, 6, 0, exchange, 4, 0x8000) + bytes(16)
    return fixed + mac + bytes(10) + bytes(192) + bytes.fromhex("63825363") + options


def frame(mac, payload):
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\xff" * 6 + mac + b"\x08\x00" + head + udp + payload


def exchange(link, mac, kind, wanted, more=b""):
    """Sends it until it is answered; the address given."""
    end = time.time() + WAIT_S
    while time.time() < end:
        link.send(frame(mac, message(mac, kind, more)))
        again = time.time() + 2
        while time.time() < again:
            link.settimeout(max(0.01, again - time.time()))
            try:
                got = link.recv(2048)
            except TimeoutError:
                break
            dhcp = got[42:]
            if got[23:24] != b"\x11" or got[34:36] != b"\0\x43" or dhcp[28:34] != mac:
                continue
            if bytes([53, 1, wanted]) in dhcp[240:]:
                return dhcp[16:20]
    sys.exit(f"no answer to message {kind}")


def fetch(url, address):
    """The bytes of a URL, asked for from this address."""
    import http.client

    parts = urllib.request.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, source_address=(address, 0), timeout=20)
    connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers={"User-Agent": "iPXE/1.21.1"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        sys.exit(f"{url}: {response.status}")
    return body


def main():
    shown, stop = sys.argv[1], (sys.argv[2:] or [""])[0]
    mac = bytes.fromhex(shown.replace(":", ""))
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    link.bind((LINK, 0))
    offered = exchange(link, mac, 1, 2)
    if stop == "address":
        return
    server = option(54, socket.inet_aton(SERVER))
    given = exchange(link, mac, 3, 5, server + option(50, offered))
    address = socket.inet_ntoa(given)
    subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    try:
        script = fetch(f"http://{SERVER}/boot.ipxe?mac={shown}&arch=i386&platform=pcbios", address).decode()
        if stop == "script":
            return
        names = re.findall(r"^(?:kernel|initrd)\b.*?((?:http://|/)[^ ]*image/[^ \n]*|image/[^ \n]*)", script, re.M)
        for name in names[: 1 if stop == "kernel" else None]:
            fetch(name if name.startswith("http") else f"http://{SERVER}/{name.lstrip('/')}", address)
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=False)


if __name__ == "__main__":
    main()
