// One record of an operator: it is told apart by all that it says.

import { ask } from '../../api/client';
import type { RecordView } from '../../api/types';

export const KINDS = ['A', 'AAAA', 'CNAME', 'TXT', 'SRV'];

export const id = (one: RecordView): string => `${one.name} ${one.kind} ${one.data}`;

/** What the server says of it. */
export async function remove(one: RecordView, how: { dry_run?: boolean; signal?: AbortSignal } = {}): Promise<string> {
  const { dry_run = false, signal } = how;
  const query = { kind: one.kind, data: plain(one), dry_run };
  return (await ask('DELETE /dns/records/{name}', { path: { name: one.name }, query, ...(signal ? { signal } : {}) })).data.says;
}

/** As it was. */
export async function restore(one: RecordView): Promise<void> {
  await ask('POST /dns/records', { body: { name: one.name, kind: one.kind, data: plain(one), ttl_s: one.ttl_s } });
}

/** What it says, as it is typed: a text without the quotation marks around it. */
export function plain(one: RecordView): string {
  return one.kind === 'TXT' ? one.data.replace(/^"(.*)"$/s, '$1') : one.data;
}
