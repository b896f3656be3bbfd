// Addresses of IPv6 and the prefixes they lie in. A subnet has more of them than can be drawn: what is known of it is a
// list of those that somebody has.

import type { LeaseView, NetworkView, ReservationView } from '../../api/types';
import { isIpv6, order } from '../leases/order';

const BITS = 128;

function number(address: string): bigint | null {
  const digits = isIpv6(address) ? order(address).slice(1) : '';
  return /^[0-9a-f]{32}$/i.test(digits) ? BigInt(`0x${digits}`) : null;
}

/** Whether an address lies in a subnet such as `fd77::/64`. */
export function inside(subnet: string, address: string): boolean {
  const [first = '', length = ''] = subnet.split('/');
  const [from, at, rest] = [number(first), number(address), BigInt(BITS - Math.min(BITS, Number(length) || 0))];
  return from !== null && at !== null && from >> rest === at >> rest;
}

/** Somebody's address: leased, kept for him, or refused by who got it. */
export interface Held {
  address: string;
  kind: 'leased' | 'reserved' | 'quarantined';
  lease: LeaseView | undefined;
  reservation: ReservationView | undefined;
}

const KIND: Record<string, Held['kind']> = { bound: 'leased', declined: 'quarantined', conflict: 'quarantined' };

/** All that somebody has in a network, by address. */
export function held(network: NetworkView, leases: readonly LeaseView[], reservations: readonly ReservationView[]): Held[] {
  const all = new Map<string, Held>();
  for (const reservation of reservations) {
    if (inside(network.subnet, reservation.address))
      all.set(reservation.address, { address: reservation.address, kind: 'reserved', lease: undefined, reservation });
  }
  for (const lease of leases) {
    const kind = KIND[lease.state];
    if (kind && inside(network.subnet, lease.address))
      all.set(lease.address, { address: lease.address, kind, lease, reservation: all.get(lease.address)?.reservation });
  }
  return [...all.values()].sort((a, b) => (order(a.address) < order(b.address) ? -1 : 1));
}
