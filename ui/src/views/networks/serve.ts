// How a network is served: the server writes it into its configuration, and says beforehand what changes.

import { ask } from '../../api/client';
import type { ConfigAnswer, NetworkWish } from '../../api/types';

export interface Proposal extends ConfigAnswer {
  /** What stands in the file now. */
  before: string;
}

/** What would be written, what is wrong with it, and what would change; nothing is written. */
export async function propose(wish: NetworkWish, signal: AbortSignal): Promise<Proposal> {
  const [now, { data }] = await Promise.all([
    ask('GET /config', { signal }),
    ask('POST /config/network', { body: wish, signal }),
  ]);
  return { ...data, before: now.data.text };
}

/** Writes it, if the file still is what was seen. */
export async function write(proposal: Proposal): Promise<ConfigAnswer> {
  const body = { text: proposal.text ?? '', seen: proposal.seen ?? null };
  return (await ask('PUT /config', { body })).data;
}
