// A request that the server names itself: what mends what it found. It goes through the one door.

import { ask } from './client';
import type { Done, Mend, Routes } from './types';

/** Sends it, or asks what it would do; gives what the server says. */
export async function send(mend: Mend, dry_run: boolean, signal?: AbortSignal): Promise<string> {
  const wish = { query: { dry_run }, body: mend.body ?? undefined, ...(signal ? { signal } : {}) };
  // Which route it is, only the server knows.
  const route = `${mend.method} ${mend.path}` as keyof Routes;
  const { data } = await (ask as (route: keyof Routes, wish: unknown) => Promise<{ data: unknown }>)(route, wish);
  return (data as Done).says;
}
