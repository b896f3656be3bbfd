// Short words about what was done, with a way back where there is one.

import { t } from '../texts';

export interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'bad';
  undo: (() => Promise<void>) | null;
}

/** Long enough to read, and to change one's mind. */
const SHOWN_MS = 8_000;
const SHOWN_MAX = 4;

class Toasts {
  all = $state<Toast[]>([]);
  private next = 1;
  private held = false;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

  done(text: string, undo: (() => Promise<void>) | null = null): void {
    this.add({ id: this.next++, text, kind: 'done', undo });
  }

  bad(text: string): void {
    this.add({ id: this.next++, text, kind: 'bad', undo: null });
  }

  async undo(toast: Toast): Promise<void> {
    this.close(toast.id);
    try {
      await toast.undo?.();
      this.done(t.toasts.undone);
    } catch (error) {
      this.bad(error instanceof Error ? error.message : String(error));
    }
  }

  close(id: number): void {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.all = this.all.filter((toast) => toast.id !== id);
    // What is gone is pointed at no more, which the browser does not say.
    if (this.held) this.hold(false);
  }

  /** Whoever points at one, or has the focus in it, has time. */
  hold(held: boolean): void {
    this.held = held;
    for (const toast of this.all) this.await(toast.id);
  }

  private add(toast: Toast): void {
    this.all = [...this.all, toast].slice(-SHOWN_MAX);
    this.await(toast.id);
  }

  private await(id: number): void {
    clearTimeout(this.timers.get(id));
    if (!this.held) this.timers.set(id, setTimeout(() => this.close(id), SHOWN_MS));
  }
}

export const toasts = new Toasts();
