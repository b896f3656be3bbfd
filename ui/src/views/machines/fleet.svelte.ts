// All machines, as short rows: loaded page by page, the first of which is shown at once, then kept fresh by what
// the stream of events says.

import { ask } from '../../api/client';
import { shown } from '../../api/problem';
import type { Told } from '../../api/events';
import type { Life, MachineView, Problem } from '../../api/types';

export interface Row {
  mac: string;
  name: string | null;
  state: Life;
  arch: string;
  address: string;
  profile: string;
  labels: string;
  serial: string;
  seen: string;
  /** Everything that is searched, in small letters. */
  text: string;
}

/** The first page is small, so that it is there at once. */
const FIRST = 200;
const PAGE = 1_000;
/** Machines that are asked about again at once, at most, after events about them. */
const FRESH_MAX = 12;
const FRESH_MS = 1_000;

export function row(machine: MachineView): Row {
  const labels = Object.entries(machine.labels).map(([key, value]) => `${key}=${value}`);
  const text = [
    machine.name,
    machine.mac,
    ...(machine.macs ?? []),
    machine.uuid,
    machine.serial,
    machine.address,
    machine.arch,
    machine.firmware,
    machine.vendor_class,
    machine.profile,
    machine.network,
    machine.notes,
    ...labels,
  ];
  return {
    mac: machine.mac,
    name: machine.name,
    state: machine.state,
    arch: machine.arch ?? '',
    address: machine.address ?? '',
    profile: machine.profile ?? '',
    labels: labels.join(', '),
    serial: machine.serial ?? '',
    seen: machine.last_seen,
    text: text.filter(Boolean).join('\n').toLowerCase(),
  };
}

export class Fleet {
  rows = $state.raw<readonly Row[]>([]);
  /** Whether all of them are there. */
  whole = $state(false);
  problem = $state.raw<Problem | null>(null);
  private at = new Map<string, number>();
  private stale = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gone = new AbortController();

  /** Loads all pages, each in its turn. */
  async load(): Promise<void> {
    this.gone.abort();
    this.gone = new AbortController();
    const { signal } = this.gone;
    this.problem = null;
    this.whole = false;
    const rows: Row[] = [];
    try {
      let after: string | null = null;
      do {
        const query: { limit: number; after?: string } = { limit: rows.length ? PAGE : FIRST };
        if (after) query.after = after;
        const page: { data: MachineView[]; next: string | null } = await ask('GET /machines', { query, signal });
        for (const machine of page.data) rows.push(row(machine));
        after = page.next;
        // The table is told of ten pages at a time: each telling sorts and searches all that is there.
        if (rows.length <= FIRST || !after || rows.length % (10 * PAGE) < PAGE) this.take(rows);
      } while (after);
      this.take(rows);
      this.whole = true;
    } catch (error) {
      if (!signal.aborted) this.problem = shown(error);
    }
  }

  close(): void {
    this.gone.abort();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Machines of which something was told are asked about again, those that can be seen then. */
  heard(events: Told[], visible: () => ReadonlySet<string>): void {
    for (const event of events) if (event.machine) this.stale.add(event.machine);
    if (this.stale.size) this.timer ??= setTimeout(() => void this.freshen(visible), FRESH_MS);
  }

  /** Asks about these machines again. */
  async refresh(...macs: string[]): Promise<void> {
    const { signal } = this.gone;
    const fresh: Row[] = [];
    const one = async (mac: string): Promise<void> => {
      try {
        fresh.push(row((await ask('GET /machines/{machine}', { path: { machine: mac }, signal })).data));
      } catch {
        // It is gone, or the server is: the next load says which.
      }
    };
    await Promise.all(macs.map(one));
    if (fresh.length) this.put(fresh);
  }

  private async freshen(visible: () => ReadonlySet<string>): Promise<void> {
    const { signal } = this.gone;
    const now = visible();
    const stale = [...this.stale];
    const seen = stale.filter((mac) => now.has(mac));
    const wanted = [...seen, ...stale.filter((mac) => !this.at.has(mac))].slice(0, FRESH_MAX);
    // What nobody sees is fresh enough when the view is opened again.
    this.stale = new Set(seen.slice(FRESH_MAX));
    await this.refresh(...wanted);
    if (signal.aborted) return;
    this.timer = undefined;
    // What was told meanwhile.
    this.heard([], visible);
  }

  private take(rows: Row[]): void {
    this.rows = rows.slice();
    this.at = new Map(rows.map((one, index) => [one.mac, index]));
  }

  private put(fresh: readonly Row[]): void {
    const rows = this.rows.slice();
    for (const one of fresh) {
      const index = this.at.get(one.mac) ?? rows.length;
      this.at.set(one.mac, index);
      rows[index] = one;
    }
    this.rows = rows;
  }
}
