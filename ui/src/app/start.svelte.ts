// Whether the first steps are still to be offered: until a machine and an image are there, or somebody who took them
// says that they are over.

import { ask } from '../api/client';
import { session } from './session.svelte';

const KEY = 'bootwright-start';

class First {
  /** Whether the room offers them. */
  offered = $state(false);

  /** Asks once whether there is something to offer, of somebody who could take the steps. */
  async look(): Promise<void> {
    if (!session.may('admin') || !session.seesAll || over()) return;
    try {
      const { data } = await ask('GET /status');
      this.offered = data.machines === 0 || data.images === 0;
    } catch {
      // Whoever cannot see the server is told elsewhere.
    }
  }

  /** They are over, here and for good. */
  end(): void {
    this.offered = false;
    try {
      localStorage.setItem(KEY, 'over');
    } catch {
      // Without a place to keep it, they are offered until a machine and an image are there.
    }
  }
}

function over(): boolean {
  try {
    return localStorage.getItem(KEY) === 'over';
  } catch {
    return false;
  }
}

export const first = new First();
