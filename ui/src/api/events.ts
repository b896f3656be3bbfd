// Events as they happen: one stream for the whole page, which goes on where it was cut off.
//
// Views are told at most once a frame, with all that came since: a thousand events a second are sixty calls.

import { BASE } from './client';
import type { Event, Line } from './types';

/** An event, with the sentence that the command would show. */
export type Told = Event & { words: string };
export type Standing = 'off' | 'connecting' | 'live' | 'waiting';
type Listener = (events: Told[], missed: number) => void;

/** More than this between two frames and the oldest are counted instead of told. */
const QUEUE_MAX = 5_000;
const WAIT_MIN = 500;
const WAIT_MAX = 15_000;
/** How often who cannot see the page is told. */
const HIDDEN_MS = 1_000;

export class Stream {
  private source: EventSource | null = null;
  private readonly listeners = new Set<Listener>();
  private queue: Told[] = [];
  private missed = 0;
  private due = false;
  private last: string | null = null;
  private wait = WAIT_MIN;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `onRefused` is called when the stream was ended rather than cut off. */
  constructor(
    private readonly onStanding: (standing: Standing) => void,
    private readonly onRefused: () => Promise<boolean>,
  ) {}

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (!this.source && this.timer === undefined) this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.source?.close();
    this.source = null;
    this.last = null;
    this.queue = [];
    this.onStanding('off');
  }

  private connect(): void {
    this.timer = undefined;
    this.onStanding('connecting');
    const after = this.last ? `&after=${encodeURIComponent(this.last)}` : '';
    const source = new EventSource(`${BASE}/events?words=true${after}`);
    this.source = source;
    source.onopen = () => {
      this.wait = WAIT_MIN;
      this.onStanding('live');
    };
    source.onmessage = (message) => this.take(message);
    source.onerror = () => {
      source.close();
      if (this.source === source) void this.again();
    };
  }

  /** Waits, longer each time, and goes on after the last event that came. */
  private async again(): Promise<void> {
    this.source = null;
    this.onStanding('waiting');
    const wait = this.wait * (0.75 + Math.random() / 2);
    this.wait = Math.min(this.wait * 2, WAIT_MAX);
    this.timer = setTimeout(async () => {
      this.timer = undefined;
      if (await this.onRefused()) this.connect();
      else this.stop();
    }, wait);
  }

  private take(message: MessageEvent<string>): void {
    if (message.lastEventId) this.last = message.lastEventId;
    let line: Line;
    try {
      line = JSON.parse(message.data) as Line;
    } catch {
      return;
    }
    if ('missed' in line && !('event' in line)) this.missed += line.missed;
    else this.queue.push(line as Told);
    if (this.queue.length > QUEUE_MAX) {
      this.missed += this.queue.length - QUEUE_MAX;
      this.queue = this.queue.slice(-QUEUE_MAX);
    }
    if (this.due) return;
    this.due = true;
    if (document.hidden) setTimeout(() => this.tell(), HIDDEN_MS);
    else requestAnimationFrame(() => this.tell());
  }

  private tell(): void {
    this.due = false;
    const [events, missed] = [this.queue, this.missed];
    this.queue = [];
    this.missed = 0;
    for (const listener of this.listeners) listener(events, missed);
  }
}
