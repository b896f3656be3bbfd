// How spans of a boot are written: fine where it is fast, as the server writes them.

import type { BootStage } from '../../api/types';
import { t } from '../../texts';
import type { Kind } from './timeline';

/** `40 ms`, `3.1 s`, `42 s`, `3 min 20 s`, `2 h 5 min`. */
export function time(ms: number): string {
  const s = Math.max(0, ms) / 1_000;
  if (s === 0) return '0 s';
  if (s < 0.1) return `${Math.round(s * 1_000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3_600)} h ${Math.round((s % 3_600) / 60)} min`;
}

/** When something began, after the first: `+27.3 s`. */
export function offset(ms: number): string {
  const s = ms / 1_000;
  return s >= 10 && s < 100 && ms % 1_000 ? `+${s.toFixed(1)} s` : `+${time(ms)}`;
}

/** The lane's name; a newer server may know others. */
export function laneName(kind: Kind): string {
  return t.boots.lane[kind] ?? kind;
}

/** The stage's name; a newer server may know others. */
export function stageName(stage: BootStage): string {
  return t.boots.stage[stage] ?? stage;
}
