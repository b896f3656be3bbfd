// Who is booting, made of events: each machine once, with the stage it has come to. Transfers say how fast.

import { ask } from '../../api/client';
import type { Told } from '../../api/events';
import type { TransferNow } from '../../api/types';

export const STAGES = ['trouble', 'address', 'loader', 'told', 'loading', 'installing', 'done'] as const;
export type Stage = (typeof STAGES)[number];

export interface Boot {
  mac: string;
  stage: Stage;
  /** The last word about it. */
  says: string;
  heard: number;
  /** When it came to this stage. */
  since: number;
  sent: number;
  size: number;
  rate: number;
  waiting: boolean;
}

/** Who was not heard for so long is no longer booting, by stage. */
const QUIET_MS: Record<Stage, number> = {
  trouble: 15 * 60_000,
  address: 5 * 60_000,
  loader: 5 * 60_000,
  told: 5 * 60_000,
  loading: 10 * 60_000,
  installing: 3 * 3_600_000,
  done: 60_000,
};
/** The table is told this often at most. */
const TELL_MS = 250;
const TRANSFERS_MS = 1_000;
const BOOTS_MAX = 20_000;

/** What an event says of the machine's stage; null is nothing. */
export function stageOf(event: Told, before: Stage | undefined): Stage | null {
  switch (event.event) {
    case 'machine-appeared':
      return before ?? 'address';
    case 'answered':
      // Whoever renews a lease has booted long ago; a boot file goes to those who ask for one.
      return event.file ? 'address' : (before ?? null);
    case 'script':
      return /local disk/.test(event.decision) ? 'done' : 'told';
    case 'transfer-started':
    case 'transfer-progress':
    case 'transfer-done':
      if (before === 'installing') return before;
      if (event.file.includes('image/')) return 'loading';
      return event.file.includes('loader/') || /\.(efi|[ku]?pxe|0)$/.test(event.file) ? 'loader' : (before ?? null);
    case 'deployment':
      if (['begun', 'progress'].includes(event.step)) return 'installing';
      if (['failed', 'frozen', 'expired'].includes(event.step)) return 'trouble';
      return event.step === 'done' ? 'done' : (before ?? null);
    case 'transfer-failed':
    case 'handshake-failed':
      return 'trouble';
    case 'silent':
      return before && before !== 'done' ? 'trouble' : null;
    default:
      return null;
  }
}

export class Boots {
  all = $state.raw<readonly Boot[]>([]);
  private readonly of = new Map<string, Boot>();
  private due: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  open(): () => void {
    void this.transfers();
    return () => {
      this.closed = true;
      clearTimeout(this.due);
      clearTimeout(this.asking);
    };
  }

  heard(events: Told[]): void {
    for (const event of events) this.take(event);
    this.tell();
  }

  private take(event: Told): void {
    const mac = event.machine;
    if (!mac) return;
    const was = this.of.get(mac);
    const stage = stageOf(event, was?.stage);
    if (stage === null) return;
    const moved = was?.stage !== stage;
    const boot: Boot = {
      mac,
      stage,
      says: event.words,
      heard: event.at,
      since: moved ? event.at : was.since,
      sent: moved ? 0 : was.sent,
      size: moved ? 0 : was.size,
      rate: moved ? 0 : was.rate,
      waiting: false,
    };
    if (event.event === 'transfer-progress') {
      boot.sent = event.sent;
      boot.size = event.size;
      boot.rate = (event.sent * 1_000) / Math.max(1, event.took_ms);
    }
    // A machine that speaks moves to the end, so that the oldest is first to go.
    this.of.delete(mac);
    this.of.set(mac, boot);
    if (this.of.size > BOOTS_MAX) this.of.delete(this.of.keys().next().value ?? '');
  }

  /** Asks how fast files go out, as long as somebody looks. */
  private async transfers(): Promise<void> {
    try {
      const { data } = await ask('GET /transfers');
      for (const one of data.now) this.carry(one);
    } catch {
      // The stream of events says that the server is away.
    }
    this.tell();
    if (!this.closed) this.asking = setTimeout(() => void this.transfers(), document.hidden ? 10_000 : TRANSFERS_MS);
  }

  private carry(one: TransferNow): void {
    if (!one.machine) return;
    const was = this.of.get(one.machine);
    const stage = was?.stage ?? (one.file.includes('image/') ? 'loading' : 'loader');
    // Of several files the largest is the one that is waited for.
    if (was && was.size > one.size && was.sent < was.size) return;
    this.of.set(one.machine, {
      mac: one.machine,
      stage: stage === 'address' || stage === 'told' ? (one.file.includes('image/') ? 'loading' : 'loader') : stage,
      says: was?.says ?? one.file,
      heard: Date.now(),
      since: was?.since ?? Date.now(),
      sent: one.sent,
      size: one.size,
      rate: one.bytes_per_s,
      waiting: one.waiting,
    });
  }

  private tell(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      const now = Date.now();
      for (const [mac, boot] of this.of) if (now - boot.heard > QUIET_MS[boot.stage]) this.of.delete(mac);
      // By stage, in each the newest first: nobody moves who does not come further.
      const order = (a: Boot, b: Boot) =>
        STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || b.since - a.since || (a.mac < b.mac ? -1 : 1);
      this.all = [...this.of.values()].sort(order);
    }, TELL_MS);
  }
}
