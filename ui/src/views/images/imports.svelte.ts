// Imports that the server has under way: they go on without us, so they are asked about as long as somebody looks.

import { ask } from '../../api/client';
import { shown } from '../../api/problem';
import type { ImportView, ImportWish, Problem } from '../../api/types';
import { Turns } from '../../lib/turns';

const RUNNING_MS = 700;
const IDLE_MS = 10_000;

class Imports {
  all = $state.raw<readonly ImportView[]>([]);
  problem = $state.raw<Problem | null>(null);
  /** Bytes a second, by import. */
  rates = $state.raw<Readonly<Record<string, number>>>({});
  private timer: ReturnType<typeof setTimeout> | undefined;
  private open = false;
  private readonly turns = new Turns();
  private last = new Map<string, { at: number; done: number; file: string }>();
  private running = new Set<string>();
  private readonly finished = new Set<string>();
  private ended: (one: ImportView) => void = () => undefined;

  /** Looks as long as a view is open; `ended` is told of each import that ends meanwhile. */
  watch(ended: (one: ImportView) => void): () => void {
    this.ended = ended;
    this.open = true;
    void this.look();
    return () => {
      this.open = false;
      this.ended = () => undefined;
      clearTimeout(this.timer);
    };
  }

  /** Begins one; it goes on whoever looks. */
  async begin(body: ImportWish): Promise<void> {
    const { id } = (await ask('POST /imports', { body })).data;
    // It may have ended before it is first asked about.
    this.running.add(id);
    if (this.open) await this.look();
  }

  /** What is worth a look: those that run, those that ended otherwise, and those that were seen to end well. */
  get shown(): readonly ImportView[] {
    return this.all.filter((one) => one.state !== 'done' || this.finished.has(one.id));
  }

  /** Whether one that runs takes this upload. */
  takes(upload: string): boolean {
    return this.all.some((one) => one.upload === upload && isRunning(one));
  }

  /** Whether one of this upload is listed, however it stands. */
  knows(upload: string): boolean {
    return this.all.some((one) => one.upload === upload);
  }

  async look(): Promise<void> {
    clearTimeout(this.timer);
    const isNew = this.turns.ask();
    try {
      const all = (await ask('GET /imports')).data;
      if (!isNew()) return;
      this.problem = null;
      this.measure(all);
      const ended = all.filter((one) => !isRunning(one) && this.running.delete(one.id));
      for (const one of all) if (isRunning(one)) this.running.add(one.id);
      for (const one of ended) this.finished.add(one.id);
      this.all = all;
      for (const one of ended) this.ended(one);
    } catch (error) {
      if (!isNew()) return;
      this.problem = shown(error);
    }
    clearTimeout(this.timer);
    if (this.open) this.timer = setTimeout(() => void this.look(), this.all.some(isRunning) ? RUNNING_MS : IDLE_MS);
  }

  private measure(all: readonly ImportView[]): void {
    const at = performance.now();
    const rates: Record<string, number> = {};
    for (const one of all.filter(isRunning)) {
      const before = this.last.get(one.id);
      // Another file is read now: what was said before is of another one.
      if (before && before.file === one.file && at > before.at) {
        const now = ((one.done - before.done) / (at - before.at)) * 1_000;
        const was = this.rates[one.id];
        rates[one.id] = Math.max(0, was === undefined ? now : was * 0.7 + now * 0.3);
      }
      this.last.set(one.id, { at, done: one.done, file: one.file });
    }
    this.rates = rates;
  }
}

export const imports = new Imports();

export function isRunning(one: ImportView): boolean {
  return one.state === 'running' || one.state === 'stopping';
}
