// Something that is written as a draft over what the server has: begun, saved, discarded, taken back. What is typed
// while a request is under way is no part of it, and stays; what ends after the view was left is told to whoever shows
// the same thing then.

import { shown } from '../api/problem';
import type { Problem } from '../api/types';
import { toasts } from '../app/toasts.svelte';
import { draftOf, keepDraft } from './drafts';

interface How<T> {
  /** What it is, among all drafts: by this it is found again when the view was left. */
  key: string;
  /** Asks what is there now, and gives its tag. */
  load: () => Promise<string | null>;
  /** What is there, as it is written here; undefined as long as nobody knows. */
  kept: () => T | undefined;
  /** Nobody has it yet: it is new. */
  fresh?: () => boolean;
  same?: (one: T, other: T) => boolean;
}

/** What the server said of it, and the way back if there is one. */
export interface Saved {
  says: string;
  back: (() => Promise<unknown>) | null;
}

/** Of something that was not there when it was written, and is now: it fits nothing, so saving it is refused. */
const OF_NOTHING = '"nothing"';

/** Those that are shown. */
const open = new Map<string, Draft<any>>();

export class Draft<T> {
  value: T;
  /** Of what it is written upon. */
  tag = $state.raw<string | null>(null);
  /** Why it could not be loaded, and why it could not be saved. */
  problem = $state.raw<Problem | null>(null);
  refused = $state.raw<Problem | null>(null);
  /** It is from before, and was found again. */
  restored = $state(false);
  /** What is written here is what is there, or was: only then it is kept. */
  begun = $state(false);
  busy = $state(false);
  /** Nobody finds it again, whoever leaves meanwhile. */
  private discarding = $state(false);
  /** What there was before anything was written; undefined of what was found again. */
  private first = $state.raw<T | undefined>(undefined);
  private readonly how: How<T>;

  constructor(start: T, how: How<T>) {
    this.value = $state.raw(start);
    this.how = how;
    $effect(() => {
      open.set(how.key, this);
      return () => {
        if (open.get(how.key) === this) open.delete(how.key);
      };
    });
    $effect(() => this.keep());
  }

  get dirty(): boolean {
    const kept = this.how.kept();
    return this.begun && kept !== undefined && (!!this.how.fresh?.() || !this.same(this.value, kept));
  }

  /** What is there now; what was written before and not saved, over it. `start` may add to either. */
  async begin(start: (value: T, restored: boolean) => T | Promise<T> = (value) => value): Promise<void> {
    await this.load();
    const kept = this.how.kept();
    if (this.problem || kept === undefined) return;
    const fresh = !!this.how.fresh?.();
    let before = draftOf<T>(this.how.key);
    // Saved after all, when nobody looked any more.
    if (before && !fresh && this.same(before.value, kept)) before = undefined;
    if (before) this.tag = before.tag ?? (this.tag && OF_NOTHING);
    this.restored = !!before && !fresh;
    this.value = await start(before ? before.value : kept, !!before);
    this.first = before ? undefined : this.value;
    this.begun = true;
  }

  change(value: T): void {
    this.value = value;
    this.refused = null;
  }

  /** Changes what is shown by now, or found again later: for a way back, which outlives the view. */
  amend(how: (value: T) => T): void {
    const now = this.now() ?? this;
    now.change(how(now.value));
    now.keep();
  }

  /** Whether it is saved. */
  async save(send: (value: T) => Promise<Saved>): Promise<boolean> {
    if (this.busy || !this.dirty) return false;
    this.busy = true;
    this.refused = null;
    const sent = this.value;
    try {
      const { says, back } = await send(sent);
      const now = this.now() ?? this;
      await now.again(sent);
      now.restored = false;
      now.keep();
      toasts.done(says, back && (() => this.back(back)));
      return true;
    } catch (error) {
      this.refused = shown(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /**
   * All that is written here until what is there now is known: only that is shown then, and not first what was there
   * before, on which nobody could write without writing over what he never saw.
   */
  async discard(): Promise<void> {
    if (this.busy) return;
    [this.busy, this.discarding] = [true, true];
    await this.load();
    const kept = this.how.kept();
    if (kept !== undefined) [this.value, this.first] = [kept, kept];
    [this.refused, this.restored] = [null, false];
    [this.busy, this.discarding] = [false, false];
  }

  /** It is nothing any more: nobody finds it again. */
  drop(): void {
    this.begun = false;
    keepDraft(this.how.key, null);
  }

  private async back(back: () => Promise<unknown>): Promise<void> {
    await back();
    const now = this.now();
    if (now) await now.again(now.dirty ? undefined : now.value);
  }

  /** The one that is shown: the view may have been left, and opened again. */
  private now(): Draft<T> | undefined {
    return open.get(this.how.key) as Draft<T> | undefined;
  }

  /** Shows what is there now, in place of what was `seen`: what was written since stays. */
  private async again(seen: T | undefined): Promise<void> {
    await this.load();
    const kept = this.how.kept();
    if (this.problem || kept === undefined) return;
    this.first = kept;
    if (this.value === seen) this.value = kept;
  }

  private async load(): Promise<void> {
    try {
      [this.tag, this.problem] = [await this.how.load(), null];
    } catch (error) {
      this.problem = shown(error);
    }
  }

  private keep(): void {
    if (!this.begun) return;
    const written = this.dirty && !this.discarding && (this.first === undefined || !this.same(this.value, this.first));
    keepDraft(this.how.key, written ? { value: this.value, tag: this.tag } : null);
  }

  private same(one: T, other: T): boolean {
    return one === other || (this.how.same?.(one, other) ?? JSON.stringify(one) === JSON.stringify(other));
  }
}
