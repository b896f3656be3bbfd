// What a view shows of the server: asked when the view opens, and anew whenever something was changed. What was there
// stays until the next answer is.

import { untrack } from 'svelte';
import { shown } from '../api/problem';
import type { Problem } from '../api/types';

export class Loaded<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  private turn = 0;

  constructor(private readonly question: () => Promise<T>) {
    $effect(() => void untrack(() => this.load()));
  }

  /** Of two questions the later one counts, whichever is answered first. */
  async load(): Promise<void> {
    const turn = ++this.turn;
    try {
      const data = await this.question();
      if (turn === this.turn) [this.data, this.problem] = [data, null];
    } catch (error) {
      if (turn === this.turn) this.problem = shown(error);
    }
  }
}
