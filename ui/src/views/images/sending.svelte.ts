// Files on their way to the server. They go on while other views are open; after a reload or a lost connection the
// server is asked how far each is, and the rest is sent. A reloaded page no longer has the file: it is chosen again.

import { ask, sendPiece } from '../../api/client';
import { Refused, shown } from '../../api/problem';
import type { Problem, UploadView } from '../../api/types';
import { t } from '../../texts';
import { imports } from './imports.svelte';

/** `away`: this page has no file of it. `lost`: no answer came, it is tried again. */
export type Standing = 'sending' | 'paused' | 'lost' | 'failed' | 'away' | 'whole' | 'importing';

/** Bytes of one request: what of it came is safe even if it breaks off, and with its end all of it is. */
const PIECE_BYTES = 32 * 1024 * 1024;
const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 15_000;
/** Over so long the rate is measured. */
const RATE_MS = 4_000;
const KEPT = 'bootwright.uploads';

/** What only this browser knows of an upload. */
interface Note {
  image: string;
  /** When the file was last changed: another one is not sent in its place. */
  modified: number;
}

export class Sending {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  image = $state('');
  /** Bytes that are safe with the server. */
  offset = $state(0);
  /** Those, and what is on its way. */
  sent = $state(0);
  standing = $state<Standing>('away');
  problem = $state.raw<Problem | null>(null);
  /** Bytes a second. */
  rate = $state(0);
  file: File | null = null;
  modified: number | null = null;
  private stopped: AbortController | null = null;
  private marks: { at: number; sent: number }[] = [];

  constructor(upload: UploadView, image: string) {
    this.id = upload.id;
    this.name = upload.name;
    this.size = upload.size;
    this.image = image;
    this.stands(upload);
  }

  get left(): number | null {
    return this.rate > 0 ? (this.size - this.sent) / this.rate : null;
  }

  stands(upload: UploadView): void {
    this.offset = upload.offset;
    this.sent = Math.max(upload.offset, this.standing === 'sending' ? this.sent : 0);
    if (upload.whole && this.standing !== 'importing') this.standing = 'whole';
  }

  /** Why this file is not the rest of it; null if it may be. */
  unlike(file: File): string | null {
    if (file.name !== this.name) return t.images.sending.otherName(this.name);
    if (file.size !== this.size) return t.images.sending.otherSize(this.name);
    if (this.modified !== null && file.lastModified !== this.modified) return t.images.sending.otherTime(this.name);
    return null;
  }

  /** Sends what is missing, however often the line breaks. */
  async go(): Promise<void> {
    if (!this.file || this.standing === 'sending' || this.standing === 'importing') return;
    const stopped = new AbortController();
    this.stopped = stopped;
    this.problem = null;
    this.standing = 'sending';
    let wait = WAIT_MIN_MS;
    while (!stopped.signal.aborted) {
      try {
        this.stands((await ask('GET /uploads/{id}', { path: { id: this.id }, signal: stopped.signal })).data);
        if (this.offset >= this.size) return;
        this.standing = 'sending';
        this.marks = [{ at: performance.now(), sent: this.offset }];
        while (this.offset < this.size) {
          await this.piece(this.file, stopped.signal);
          wait = WAIT_MIN_MS;
        }
        return;
      } catch (error) {
        if (stopped.signal.aborted) return;
        const status = error instanceof Refused ? error.status : -1;
        // Another request of it is being written, or where to go on was another place: ask again.
        const passes = status === 0 || status === 409 || status === 429 || status >= 502;
        this.rate = 0;
        if (!passes) {
          this.problem = shown(error);
          this.standing = 'failed';
          return;
        }
        if (status !== 409) this.standing = 'lost';
        await later(wait * (0.75 + Math.random() / 2), stopped.signal);
        wait = Math.min(wait * 2, WAIT_MAX_MS);
      }
    }
  }

  pause(): void {
    this.stopped?.abort();
    this.rate = 0;
    this.sent = this.offset;
    if (this.standing === 'sending' || this.standing === 'lost') this.standing = 'paused';
  }

  /** Stops and has the server throw away what came. */
  async giveUp(): Promise<void> {
    this.pause();
    for (let tries = 0; ; tries += 1) {
      try {
        await ask('DELETE /uploads/{id}', { path: { id: this.id } });
        return;
      } catch (error) {
        // What was on its way is still being made safe; or it is gone already.
        if (error instanceof Refused && error.status === 404) return;
        if (!(error instanceof Refused && error.status === 409) || tries >= 20) throw error;
        await later(250, new AbortController().signal);
      }
    }
  }

  private async piece(file: File, signal: AbortSignal): Promise<void> {
    const offset = this.offset;
    const bytes = file.slice(offset, Math.min(offset + PIECE_BYTES, this.size));
    const sent = (count: number) => this.count(offset + Math.min(count, bytes.size));
    this.stands(await sendPiece({ id: this.id, offset, bytes, sent, signal }));
    this.count(this.offset);
  }

  private count(sent: number): void {
    const at = performance.now();
    this.sent = sent;
    this.marks.push({ at, sent });
    while (this.marks.length > 2 && at - this.marks[0]!.at > RATE_MS) this.marks.shift();
    const [first] = this.marks;
    if (first && at - first.at > 300) this.rate = ((sent - first.sent) / (at - first.at)) * 1_000;
  }
}

/** Waits; sooner over when the browser is back on a network. */
function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((then) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener('online', over);
      signal.removeEventListener('abort', over);
      then();
    };
    const timer = setTimeout(over, ms);
    addEventListener('online', over);
    signal.addEventListener('abort', over);
  });
}

class All {
  all = $state<Sending[]>([]);
  /** What was given up: the server may have been asked before which there are. */
  private readonly gone = new Set<string>();

  /** Asks the server which there are. */
  async load(): Promise<void> {
    const before = new Set(this.all.map((one) => one.id));
    const uploads = (await ask('GET /uploads')).data.filter((one) => !this.gone.has(one.id));
    const notes = read();
    const known = new Map(this.all.map((one) => [one.id, one]));
    // What was begun since was not there when the server was asked.
    const since = this.all.filter((one) => !before.has(one.id) && !uploads.some((upload) => upload.id === one.id));
    const there = uploads.map((upload) => {
      const one = known.get(upload.id) ?? new Sending(upload, notes[upload.id]?.image ?? '');
      one.modified = notes[upload.id]?.modified ?? null;
      // Its import has ended, and did not take it.
      if (one.standing === 'importing' && !imports.takes(one.id)) one.standing = 'whole';
      if (one.standing === 'away' || one.standing === 'paused') one.stands(upload);
      return one;
    });
    this.all = [...there, ...since];
    // What is gone from the server needs no note.
    write(Object.fromEntries(Object.entries(notes).filter(([id]) => this.all.some((one) => one.id === id))));
  }

  /** Announces a file, and begins to send it. */
  async begin(file: File, image: string, sha256: string): Promise<void> {
    const body = { name: file.name, size: file.size, ...(sha256 ? { sha256 } : {}) };
    const upload = (await ask('POST /uploads', { body })).data;
    write({ ...read(), [upload.id]: { image, modified: file.lastModified } });
    const one = new Sending(upload, image);
    this.all = [...this.all, one];
    this.goOn(this.all.at(-1)!, file);
  }

  /** Goes on with a file that was chosen again. */
  goOn(one: Sending, file: File): void {
    one.file = file;
    one.modified = file.lastModified;
    write({ ...read(), [one.id]: { image: one.image, modified: file.lastModified } });
    void this.send(one);
  }

  /** Sends what is missing, and has it imported when all is there. */
  async send(one: Sending): Promise<void> {
    if (one.standing !== 'whole') await one.go();
    if (one.standing === 'whole' && one.image) await this.take(one);
  }

  /** Has the server import what came. */
  async take(one: Sending): Promise<void> {
    one.problem = null;
    one.standing = 'importing';
    try {
      await imports.begin({ name: one.image, upload: one.id });
    } catch (error) {
      one.standing = 'whole';
      one.problem = shown(error);
    }
  }

  async giveUp(one: Sending): Promise<void> {
    await one.giveUp();
    this.gone.add(one.id);
    this.all = this.all.filter((other) => other !== one);
  }

  /** The upload that this file is the rest of. */
  awaiting(file: File): Sending | undefined {
    return this.all.find((one) => !one.file && one.standing === 'away' && one.unlike(file) === null);
  }
}

function read(): Record<string, Note> {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Record<string, Note>;
  } catch {
    return {};
  }
}

function write(notes: Record<string, Note>): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(notes));
  } catch {
    // Without it the file has to be chosen by its name alone.
  }
}

export const sendings = new All();
