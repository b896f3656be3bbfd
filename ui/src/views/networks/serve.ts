// How a network is served: the server writes it into its configuration, and says beforehand what changes.

import { ask } from '../../api/client';
import type { ConfigAnswer, Network6Wish, NetworkWish } from '../../api/types';

export type Family = 'ipv4' | 'ipv6';
/** As each family is written. */
export type Wish = { family: 'ipv4'; network: NetworkWish } | { family: 'ipv6'; network: Network6Wish };

export interface Proposal extends ConfigAnswer {
  /** What stands in the file now. */
  before: string;
}

/** What would be written, what is wrong with it, and what would change; nothing is written. */
export async function propose(wish: Wish, signal: AbortSignal): Promise<Proposal> {
  const [now, { data }] = await Promise.all([
    ask('GET /config', { signal }),
    wish.family === 'ipv6'
      ? ask('POST /config/network6', { body: wish.network, signal })
      : ask('POST /config/network', { body: wish.network, signal }),
  ]);
  return { ...data, before: now.data.text };
}

/** Writes it, if the file still is what was seen. */
export async function write(proposal: Proposal): Promise<ConfigAnswer> {
  const body = { text: proposal.text ?? '', seen: proposal.seen ?? null };
  return (await ask('PUT /config', { body })).data;
}
