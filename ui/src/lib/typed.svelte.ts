// What is typed into a field and stands in the address a moment later, so that a link says it, too; and the words that
// are searched for in it.

import { router } from '../app/router.svelte';

const WAIT_MS = 250;

export class Typed {
  text = $state('');
  /** Each in small letters. */
  readonly words = $derived(this.text.trim().toLowerCase().split(/\s+/).filter(Boolean));
  /** What was said last in the address: whatever else stands there was chosen by a link. */
  private written: string;

  constructor(private readonly name: string) {
    this.text = this.written = this.said;
    $effect(() => {
      const text = this.text.trim();
      if (text === this.written) return;
      const timer = setTimeout(() => this.write(text), WAIT_MS);
      return () => clearTimeout(timer);
    });
    $effect(() => {
      const { said } = this;
      if (said !== this.written) this.text = this.written = said;
    });
  }

  /** Whether every word stands in a text of small letters. */
  finds(text: string): boolean {
    return this.words.every((word) => text.includes(word));
  }

  clear(): void {
    this.text = '';
    this.write('');
  }

  private get said(): string {
    return router.query.get(this.name) ?? '';
  }

  private write(text: string): void {
    this.written = text;
    router.choose({ [this.name]: text });
  }
}
