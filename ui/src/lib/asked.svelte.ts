// What the server says of something that is being written: asked a moment after the last letter, the older question
// given up. What was said last stays until the next answer is there, so that nothing flickers.

import { untrack } from 'svelte';
import { shown } from '../api/problem';
import type { Problem } from '../api/types';

const WAIT_MS = 300;

export class Asked<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** A question is open, or will be in a moment. */
  busy = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gone: AbortController | undefined;

  /** Asks in a moment, or at once if nothing was said yet. */
  ask(question: (signal: AbortSignal) => Promise<T>): void {
    this.close();
    this.busy = true;
    const gone = (this.gone = new AbortController());
    this.timer = setTimeout(
      async () => {
        try {
          const data = await question(gone.signal);
          if (!gone.signal.aborted) [this.data, this.problem] = [data, null];
        } catch (error) {
          if (!gone.signal.aborted) this.problem = shown(error);
        } finally {
          if (!gone.signal.aborted) this.busy = false;
        }
      },
      // Whoever asks in an effect asks for what he reads, not for what was answered.
      untrack(() => this.data) === null ? 0 : WAIT_MS,
    );
  }

  close(): void {
    clearTimeout(this.timer);
    this.gone?.abort();
    this.busy = false;
  }
}
