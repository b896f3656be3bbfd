// Moments and spans, in the viewer's own zone.

import { language } from '../texts';

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });

/** Steps of a relative time: below so many seconds, in this unit of so many seconds. */
const STEPS: [number, Intl.RelativeTimeFormatUnit, number][] = [
  [60, 'second', 1],
  [3_600, 'minute', 60],
  [86_400, 'hour', 3_600],
  [30 * 86_400, 'day', 86_400],
  [365 * 86_400, 'month', 30 * 86_400],
  [Infinity, 'year', 365 * 86_400],
];

class Clock {
  /** Goes on every few seconds: often enough for "a minute ago". */
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 5_000);
    document.addEventListener('visibilitychange', () => (this.now = Date.now()));
  }
}

export const clock = new Clock();

/** Milliseconds of a text or a number; NaN if it is none. */
export function millis(moment: string | number): number {
  return typeof moment === 'number' ? moment : Date.parse(moment);
}

export function absolute(moment: string | number): string {
  const at = millis(moment);
  return Number.isNaN(at) ? String(moment) : full.format(at);
}

/** `3 min. ago`. */
export function ago(moment: string | number, now: number): string {
  const at = millis(moment);
  if (Number.isNaN(at)) return String(moment);
  // Our clock may be a little behind the server's.
  const seconds = Math.abs(at - now) < 5_000 ? 0 : (at - now) / 1_000;
  const [, unit, size] = STEPS.find(([below]) => Math.abs(seconds) < below) ?? STEPS[0]!;
  return relative.format(Math.trunc(seconds / size), unit);
}

/** `2 min 5 s`. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  const minutes = Math.round((s % 3_600) / 60);
  return minutes ? `${Math.floor(s / 3_600)} h ${minutes} min` : `${Math.floor(s / 3_600)} h`;
}

/** `37.4 MiB`. */
export function bytes(count: number): string {
  let [size, unit] = [count, 'B'];
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (size < 1_024) break;
    [size, unit] = [size / 1_024, next];
  }
  return `${unit === 'B' ? size : size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}

/** A text of the server's with its moments (RFC 3339, UTC) in the viewer's zone. */
export function localized(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, absolute);
}
