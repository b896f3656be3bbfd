// What operators do with machines, as functions: each asks first what would happen, where that is wanted.

import { ask } from '../../api/client';
import { Refused } from '../../api/problem';
import type { DeployWish, Life } from '../../api/types';
import { toasts } from '../../app/toasts.svelte';
import { t } from '../../texts';

export type Wanted = 'approved' | 'blocked' | 'retired';

/** Requests at the same time. */
const AT_ONCE = 6;
/** So many machines are asked about before; of more, the first. */
const PREVIEWED_MAX = 200;
const LISTED_MAX = 50;

export interface Named {
  mac: string;
  name: string | null;
}

export function shownName(machine: Named): string {
  return machine.name ?? machine.mac;
}

/**
 * Sets one machine's life, and says so when that is shown, too (`then`). Where it was something that can be asked for
 * again, there is a way back.
 */
export async function setLife(machine: Named & { state: Life }, to: Wanted, then: () => Promise<void>): Promise<void> {
  const before = machine.state;
  const set = async (state: Life) => {
    await ask('PUT /machines/{machine}/state', { path: { machine: machine.mac }, body: { state } });
    await then();
  };
  await set(to);
  const back = before !== to && (before === 'approved' || before === 'blocked');
  toasts.done(t.machines.changed[to](shownName(machine)), back ? () => set(before) : null);
}

/** Does something for each, a few at a time; what is refused stands beside. */
async function each<T>(
  all: readonly T[],
  work: (one: T) => Promise<string>,
  signal?: AbortSignal,
): Promise<{ says: string[]; refused: string[] }> {
  // In their order, whoever is answered first.
  const says: (string | null)[] = all.map(() => null);
  const refused: (string | null)[] = all.map(() => null);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < all.length && !signal?.aborted; at = next++) {
      try {
        says[at] = await work(all[at]!);
      } catch (error) {
        if (!(error instanceof Refused) || error.status === 0 || error.status === 401) throw error;
        refused[at] = error.message;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, worker));
  const told = (all: (string | null)[]) => all.filter((one) => one !== null);
  return { says: told(says), refused: told(refused) };
}

function short(lines: string[], more: number): string[] {
  const rest = lines.length - LISTED_MAX + more;
  return lines.length > LISTED_MAX || more > 0
    ? [...lines.slice(0, LISTED_MAX), ...(rest > 0 ? [t.machines.bulk.more(rest)] : [])]
    : lines;
}

/** Something that is done to one machine, or only asked about; gives what the server says. */
export type Deed = (machine: Named, dry_run: boolean, signal?: { signal: AbortSignal }) => Promise<string>;

/** What would happen to them. */
export async function previewAll(machines: readonly Named[], deed: Deed, signal: AbortSignal) {
  const asked = machines.slice(0, PREVIEWED_MAX);
  const { says, refused } = await each(asked, (machine) => deed(machine, true, { signal }), signal);
  const more = machines.length - asked.length;
  return { says: [...short(says, more), ...(more ? [t.machines.bulk.few] : [])], refused: short(refused, 0) };
}

/** Does it to all of them. */
export async function doAll(machines: readonly Named[], deed: Deed): Promise<void> {
  const { says, refused } = await each(machines, (machine) => deed(machine, false));
  if (says.length === 1 && says[0]) toasts.done(says[0]);
  else if (says.length) toasts.done(t.machines.changed.many(says.length));
  if (refused.length) toasts.bad(`${t.machines.bulk.refused(refused.length)} ${refused[0]}`);
}

const become =
  (state: Wanted): Deed =>
  async (machine, dry_run, signal) =>
    (await ask('PUT /machines/{machine}/state', { path: { machine: machine.mac }, query: { dry_run }, body: { state }, ...signal })).data.says;

export const wake: Deed = async (machine, dry_run, signal) =>
  (await ask('POST /machines/{machine}/wake', { path: { machine: machine.mac }, query: { dry_run }, ...signal })).data.says;

/** What would happen to them. */
export const previewLives = (machines: readonly Named[], to: Wanted, signal: AbortSignal) => previewAll(machines, become(to), signal);

/** Does it to all of them. */
export const setLives = (machines: readonly Named[], to: Wanted) => doAll(machines, become(to));

/** Arms one machine, or several in turns; a dry run only says what would happen. */
export async function deploy(
  machines: readonly Named[],
  wish: DeployWish,
  dry_run: boolean,
  signal?: AbortSignal,
): Promise<string> {
  const [only] = machines;
  const query = { dry_run };
  const more = signal ? { signal } : {};
  if (machines.length === 1 && only) {
    const path = { machine: only.mac };
    return (await ask('POST /machines/{machine}/deploy', { path, query, body: wish, ...more })).data.says;
  }
  const body = { machines: machines.map((machine) => machine.mac), deploy: wish };
  return (await ask('POST /deployments', { query, body, ...more })).data.says;
}
