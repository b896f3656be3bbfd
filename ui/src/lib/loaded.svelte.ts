// What a view shows of the server: asked when the view opens, and anew whenever something was changed. What was there
// stays until the next answer is.

import { untrack } from 'svelte';
import type { Told } from '../api/events';
import { shown } from '../api/problem';
import type { Problem } from '../api/types';
import { live } from '../app/live.svelte';
import { Turns } from './turns';

const AGAIN_MS = 2_000;
/** Of the time, asking anew takes so little at most, however much there is. */
const SHARE = 10;

export class Loaded<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  private readonly turns = new Turns();
  private took = 0;

  constructor(private readonly question: () => Promise<T>) {
    $effect(() => void untrack(() => this.load()));
  }

  async load(): Promise<void> {
    const isNew = this.turns.ask();
    const began = performance.now();
    try {
      const data = await this.question();
      if (isNew()) [this.data, this.problem] = [data, null];
    } catch (error) {
      if (isNew()) this.problem = shown(error);
    }
    this.took = performance.now() - began;
  }

  /** Anew a moment after an event that changes it. */
  follow(changes: (event: Told) => boolean, again_ms = AGAIN_MS): this {
    $effect(() => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const again = () => {
        timer = undefined;
        void this.load();
      };
      const end = live.listen((events, missed) => {
        if (missed > 0 || events.some(changes)) timer ??= setTimeout(again, Math.max(again_ms, this.took * SHARE));
      });
      return () => {
        clearTimeout(timer);
        end();
      };
    });
    return this;
  }

  /** Anew so often, as long as somebody looks. */
  every(ms: number): this {
    $effect(() => {
      const timer = setInterval(() => !document.hidden && void this.load(), ms);
      return () => clearInterval(timer);
    });
    return this;
  }
}
