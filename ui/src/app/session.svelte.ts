// Who is signed in, and what he may.

import { ask, keep, whenSignedOut } from '../api/client';
import { Refused, shown } from '../api/problem';
import type { Problem, Role, SessionView } from '../api/types';
import { draftsFor, forgetDrafts } from '../lib/drafts';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

class Session {
  /** Who; null is nobody, undefined is not known yet. */
  who = $state.raw<SessionView | null | undefined>(undefined);
  /** Why it is not known. */
  problem = $state.raw<Problem | null>(null);

  /** Asks the server who we are. */
  async find(): Promise<void> {
    this.problem = null;
    try {
      this.set((await ask('GET /session')).data);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.set(null);
      else this.problem = shown(error);
    }
  }

  async signIn(name: string, password: string): Promise<void> {
    this.set((await ask('POST /session', { body: { name, password } })).data);
  }

  async signOut(): Promise<void> {
    await ask('DELETE /session');
    this.set(null);
    forgetDrafts();
  }

  /** Whether he has this role, or a higher one. */
  may(role: Role): boolean {
    return !!this.who && RANK[this.who.role] >= RANK[role];
  }

  /** Whether he sees everything, not only machines with some labels. */
  get seesAll(): boolean {
    return !!this.who && this.who.scope.length === 0;
  }

  private set(who: SessionView | null): void {
    keep(who);
    if (who) draftsFor(who.name);
    this.who = who;
  }

  constructor() {
    whenSignedOut(() => {
      // Only what was open ends: who is not known yet is found out first.
      if (this.who) this.set(null);
    });
  }
}

export const session = new Session();
