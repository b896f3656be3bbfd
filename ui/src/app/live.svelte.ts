// The stream of events, as views use it: `$effect(() => live.listen((events) => …))`.

import { Stream, type Standing, type Told } from '../api/events';
import { ask } from '../api/client';
import { Refused } from '../api/problem';

class Live {
  standing = $state<Standing>('off');
  private readonly stream = new Stream(
    (standing) => (this.standing = standing),
    () => this.mayGoOn(),
  );

  start(): void {
    this.stream.start();
  }

  stop(): void {
    this.stream.stop();
  }

  listen(listener: (events: Told[], missed: number) => void): () => void {
    return this.stream.listen(listener);
  }

  /** A stream that breaks off says no status: whether we are still known is asked apart. */
  private async mayGoOn(): Promise<boolean> {
    try {
      await ask('GET /session');
      return true;
    } catch (error) {
      return !(error instanceof Refused && error.status === 401);
    }
  }
}

export const live = new Live();
