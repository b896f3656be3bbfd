// Who is booting, as the server says: which boots go on, how far each has come, how those ended that ended lately.
// Events bring it further between two answers; transfers say how fast.

import { ask } from '../../api/client';
import type { Told } from '../../api/events';
import { shown } from '../../api/problem';
import type { BootStage, BootView, How, Problem, TransferNow } from '../../api/types';
import { STAGES } from '../boots/timeline';

/** Where a boot stands: at a stage, or ended as it should, or not. */
export type Group = 'trouble' | BootStage | 'ended';
export const GROUPS: readonly Group[] = ['trouble', ...STAGES, 'ended'];

export interface Boot {
  id: string;
  mac: string;
  name: string | null;
  stage: BootStage;
  how: How;
  /** How it stands, in the server's words. */
  outcome: string;
  /** What its script told it; empty if it was told nothing yet. */
  told: string;
  /** The last word about it. */
  says: string;
  from: number;
  heard: number;
  /** When it came to this stage, as far as it was seen from here. */
  since: number;
  sent: number;
  size: number;
  rate: number;
  waiting: boolean;
  diagnosis: string;
}

export function groupOf(boot: Boot): Group {
  if (boot.how === 'goes-on') return boot.stage;
  return boot.how === 'stopped' || boot.how === 'installation-failed' ? 'trouble' : 'ended';
}

/** The table is told this often at most. */
const TELL_MS = 250;
const TRANSFERS_MS = 1_000;
/** How often the server is asked who boots, when few do, and when many. */
const FEW = 200;
const ASK_FEW_MS = 4_000;
const ASK_MANY_MS = 10_000;
const ASK_HIDDEN_MS = 30_000;
const LIMIT = 1_000;
/** Boots that ended are shown so long after their last word; those that did not arrive longer. */
const ENDED_MS = 90_000;
const TROUBLE_MS = 15 * 60_000;
const BOOTS_MAX = 5_000;

export class Boots {
  all = $state.raw<readonly Boot[]>([]);
  problem = $state.raw<Problem | null>(null);
  /** Whether the server has answered once. */
  known = $state(false);
  private readonly of = new Map<string, Boot>();
  private readonly newest = new Map<string, string>();
  private due: ReturnType<typeof setTimeout> | undefined;
  private carrying: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  /** How far the server's clock is before ours, as far as events tell. */
  private ahead = 0;

  open(): () => void {
    this.closed = false;
    void this.transfers();
    void this.look();
    return () => {
      this.closed = true;
      for (const timer of [this.due, this.carrying, this.asking]) clearTimeout(timer);
    };
  }

  heard(events: Told[]): void {
    let news = false;
    for (const event of events) news = this.take(event) || news;
    if (events.length) this.tell();
    // A boot that begins, or is judged, is worth a question.
    if (news) this.lookSoon(1_000);
  }

  /** Takes an event; whether more should be asked. */
  private take(event: Told): boolean {
    const { boot: id, furthest, machine: mac } = event;
    if (!id || !furthest || !mac) return false;
    this.ahead = event.at - Date.now();
    const was = this.of.get(id);
    const moved = was?.stage !== furthest;
    const boot: Boot = was
      ? { ...was }
      : { id, mac, name: null, stage: furthest, how: 'goes-on', outcome: '', told: '', says: '', from: event.at, heard: event.at, since: event.at, sent: 0, size: 0, rate: 0, waiting: false, diagnosis: '' };
    boot.stage = furthest;
    boot.says = event.words;
    boot.heard = event.at;
    if (moved) Object.assign(boot, { since: event.at, sent: 0, size: 0, rate: 0, waiting: false });
    if (event.event === 'script') boot.told = event.decision;
    if (event.event === 'transfer-progress') {
      boot.sent = event.sent;
      boot.size = event.size;
      boot.rate = (event.sent * 1_000) / Math.max(1, event.took_ms);
    }
    if (event.event === 'transfer-done') Object.assign(boot, { sent: 0, size: 0, rate: 0, waiting: false });
    // A machine that speaks moves to the end, so that the oldest is first to go.
    this.of.delete(id);
    this.of.set(id, boot);
    this.newest.set(mac, id);
    if (this.of.size > BOOTS_MAX) this.forget(this.of.keys().next().value ?? '');
    return !was || event.event === 'diagnosis' || event.event === 'deployment';
  }

  private forget(id: string): void {
    const boot = this.of.get(id);
    this.of.delete(id);
    if (boot && this.newest.get(boot.mac) === id) this.newest.delete(boot.mac);
  }

  /** Asks who boots, and how those ended that were there lately. */
  private async look(): Promise<void> {
    clearTimeout(this.asking);
    this.asking = undefined;
    const began = Date.now() + this.ahead;
    const since = new Date(began - TROUBLE_MS).toISOString().replace(/\.\d+Z$/, 'Z');
    try {
      const [on, lately] = await Promise.all([
        ask('GET /boots', { query: { ending: 'goes-on', limit: LIMIT } }),
        ask('GET /boots', { query: { since, limit: LIMIT } }),
      ]);
      const whole = on.data.length < LIMIT;
      const answered = new Set<string>();
      for (const boot of [...lately.data, ...on.data]) {
        answered.add(boot.id);
        this.put(boot);
      }
      for (const [id, boot] of this.of) {
        const gone = !answered.has(id) && boot.heard < began - 2_000;
        if (gone && (whole || boot.how !== 'goes-on')) this.forget(id);
      }
      this.problem = null;
      this.known = true;
    } catch (error) {
      this.problem = shown(error);
    }
    this.tell();
    const every = document.hidden ? ASK_HIDDEN_MS : this.of.size > FEW ? ASK_MANY_MS : ASK_FEW_MS;
    this.lookSoon(every);
  }

  private lookSoon(after: number): void {
    if (this.closed) return;
    if (after < ASK_FEW_MS && this.of.size > FEW) return;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => void this.look(), after);
  }

  private put(view: BootView): void {
    const was = this.of.get(view.id);
    const moved = was?.stage !== view.furthest;
    const over = view.ending.how !== 'goes-on';
    this.of.set(view.id, {
      id: view.id,
      mac: view.machine,
      name: view.name,
      stage: view.furthest,
      how: view.ending.how,
      outcome: view.outcome,
      told: view.told ?? '',
      says: was?.says ?? '',
      from: view.from,
      heard: view.until,
      since: moved ? view.until : was.since,
      sent: over ? 0 : (was?.sent ?? 0),
      size: over ? 0 : (was?.size ?? 0),
      rate: over ? 0 : (was?.rate ?? 0),
      waiting: !over && (was?.waiting ?? false),
      diagnosis: view.diagnosis?.verdict ?? '',
    });
    const newest = this.of.get(this.newest.get(view.machine) ?? '');
    if (!newest || newest.from <= view.from) this.newest.set(view.machine, view.id);
  }

  /** Asks how fast files go out, as long as somebody looks. */
  private async transfers(): Promise<void> {
    try {
      const { data } = await ask('GET /transfers');
      for (const one of data.now) this.carry(one);
      if (data.now.length) this.tell();
    } catch {
      // The stream of events says that the server is away.
    }
    if (!this.closed) this.carrying = setTimeout(() => void this.transfers(), document.hidden ? 10_000 : TRANSFERS_MS);
  }

  private carry(one: TransferNow): void {
    const boot = one.machine ? this.of.get(this.newest.get(one.machine) ?? '') : undefined;
    if (!boot) return;
    // Of several files the largest is the one that is waited for.
    if (boot.size > one.size && boot.sent < boot.size) return;
    const { sent, size, waiting, bytes_per_s: rate } = one;
    this.of.set(boot.id, { ...boot, sent, size, rate, waiting });
  }

  private tell(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      const now = Date.now() + this.ahead;
      const shown = [...this.of.values()].filter((boot) => {
        const group = groupOf(boot);
        return group === 'trouble' ? now - boot.heard < TROUBLE_MS : group !== 'ended' || now - boot.heard < ENDED_MS;
      });
      // By stage, in each the newest first: nobody moves who does not come further.
      const place = new Map(GROUPS.map((group, at) => [group, at]));
      const order = (a: Boot, b: Boot) =>
        (place.get(groupOf(a)) ?? 0) - (place.get(groupOf(b)) ?? 0) || b.since - a.since || (a.id < b.id ? -1 : 1);
      this.all = shown.sort(order);
    }, TELL_MS);
  }
}
