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
  }

  /** Machines of which something was told are asked about again, those that can be seen first. */
  heard(events: Told[], visible: ReadonlySet<string>): void {
    for (const event of events) if (event.machine) this.stale.add(event.machine);
    if (this.stale.size && this.timer === undefined) this.timer = setTimeout(() => void this.freshen(visible), FRESH_MS);
  }

  /** Asks about one machine again. */
  async refresh(mac: string): Promise<void> {
    try {
      const { data } = await ask('GET /machines/{machine}', { path: { machine: mac }, signal: this.gone.signal });
      this.put(row(data));
    } catch {
      // It is gone, or the server is: the next load says which.
    }
  }

  private async freshen(visible: ReadonlySet<string>): Promise<void> {
    const wanted = [...this.stale].filter((mac) => visible.has(mac) || !this.at.has(mac)).slice(0, FRESH_MAX);
    // What nobody sees is fresh enough when the view is opened again.
    this.stale.clear();
    await Promise.all(wanted.map((mac) => this.refresh(mac)));
    this.timer = undefined;
  }

  private take(rows: Row[]): void {
    this.rows = rows.slice();
    this.at = new Map(rows.map((one, index) => [one.mac, index]));
  }

  private put(fresh: Row): void {
    const index = this.at.get(fresh.mac);
    const rows = this.rows.slice();
    if (index === undefined) {
      this.at.set(fresh.mac, rows.length);
      rows.push(fresh);
    } else rows[index] = fresh;
    this.rows = rows;
  }
}
