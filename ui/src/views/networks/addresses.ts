// Addresses as numbers, and what each of a subnet is: who has it, for whom it is kept, or why nobody gets it.

import type { LeaseView, NetworkView, ReservationView } from '../../api/types';

export type Kind = 'free' | 'leased' | 'reserved' | 'quarantined' | 'static' | 'outside';
export const KINDS: Kind[] = ['leased', 'reserved', 'quarantined', 'static', 'free', 'outside'];

/** So many are drawn one by one; of a larger block its parts are. */
export const SINGLE_MAX = 1_024;

export interface Block {
  first: number;
  /** Length of its prefix. */
  prefix: number;
}

export interface Address {
  at: number;
  kind: Kind;
  lease: LeaseView | undefined;
  reservation: ReservationView | undefined;
  /** Which of ours or of the subnet it is. */
  fixed: 'network' | 'broadcast' | 'ours' | 'router' | 'dns' | undefined;
}

export interface Part extends Block {
  pool: number;
  taken: number;
}

export function toNumber(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toText(at: number): string {
  return [at / 2 ** 24, at / 2 ** 16, at / 2 ** 8, at].map((part) => Math.floor(part) & 255).join('.');
}

export function size(block: Block): number {
  return 2 ** (32 - block.prefix);
}

export function toBlock(text: string): Block | null {
  const [address = '', length = ''] = text.split('/');
  const prefix = Number(length);
  if (!/^\d+(\.\d+){3}$/.test(address) || !Number.isInteger(prefix) || prefix < 1 || prefix > 32) return null;
  const first = toNumber(address);
  return { first: first - (first % 2 ** (32 - prefix)), prefix };
}

export function blockText(block: Block): string {
  return `${toText(block.first)}/${block.prefix}`;
}

/** What is known of a network's addresses, found by address. */
export class Book {
  readonly subnet: Block | null;
  private readonly leases = new Map<number, LeaseView>();
  private readonly reservations = new Map<number, ReservationView>();
  private readonly pools: [number, number][];
  private readonly fixed = new Map<number, Address['fixed']>();
  /** Addresses that somebody has or is kept from all, in order. */
  private readonly taken: number[];

  constructor(network: NetworkView, leases: readonly LeaseView[], reservations: readonly ReservationView[]) {
    this.subnet = toBlock(network.subnet);
    const inside = (at: number) => this.subnet !== null && at >= this.subnet.first && at < this.subnet.first + size(this.subnet);
    for (const one of leases) {
      const at = toNumber(one.address);
      if (inside(at) && (one.state === 'bound' || one.state === 'declined' || one.state === 'conflict')) this.leases.set(at, one);
    }
    for (const one of reservations) if (inside(toNumber(one.address))) this.reservations.set(toNumber(one.address), one);
    this.pools = network.pools.map((pool) => {
      const [first = '', last = first] = pool.split('-').map((part) => part.trim());
      return [toNumber(first), toNumber(last)];
    });
    for (const dns of network.dns) this.fixed.set(toNumber(dns), 'dns');
    if (network.router) this.fixed.set(toNumber(network.router), 'router');
    this.fixed.set(toNumber(network.server), 'ours');
    if (this.subnet) {
      this.fixed.set(this.subnet.first, 'network');
      this.fixed.set(this.subnet.first + size(this.subnet) - 1, 'broadcast');
    }
    this.taken = [...new Set([...this.leases.keys(), ...this.reservations.keys()])].sort((a, b) => a - b);
  }

  at(at: number): Address {
    const [lease, reservation, fixed] = [this.leases.get(at), this.reservations.get(at), this.fixed.get(at)];
    return { at, kind: this.kind(at, lease, reservation, fixed), lease, reservation, fixed };
  }

  private kind(at: number, lease?: LeaseView, reservation?: ReservationView, fixed?: Address['fixed']): Kind {
    if (lease && lease.state !== 'bound') return 'quarantined';
    if (lease) return 'leased';
    if (reservation) return 'reserved';
    if (fixed) return 'static';
    return this.pools.some(([first, last]) => at >= first && at <= last) ? 'free' : 'outside';
  }

  /** The parts of a block that is too large to be drawn address by address. */
  parts(block: Block): Part[] {
    const prefix = Math.min(24, block.prefix + 8);
    const each = 2 ** (32 - prefix);
    return Array.from({ length: size(block) / each }, (_, at) => this.part({ first: block.first + at * each, prefix }));
  }

  private part(block: Block): Part {
    const end = block.first + size(block) - 1;
    const pool = this.pools.reduce(
      (sum, [first, last]) => sum + Math.max(0, Math.min(last, end) - Math.max(first, block.first) + 1),
      0,
    );
    return { ...block, pool, taken: below(this.taken, end + 1) - below(this.taken, block.first) };
  }
}

/** How many of these, which are in order, are less. */
function below(all: readonly number[], than: number): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]! < than) low = middle + 1;
    else high = middle;
  }
  return low;
}
