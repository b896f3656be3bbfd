// A story as entries on lanes: each step and each silence is one, in the order in which they began. A lane is a
// protocol at a stage, silences have one of their own.

import type { BootShown, BootStage, Gap, Step } from '../../api/types';

export const STAGES: readonly BootStage[] = ['firmware', 'loader', 'script', 'kernel', 'installer', 'system'];

export type Kind = 'dhcp' | 'tftp' | 'http' | 'script' | 'report' | 'log' | 'told' | 'silence';

export interface Entry {
  /** Its place among all. */
  at: number;
  kind: Kind;
  stage: BootStage;
  lane: string;
  from: number;
  until: number;
  /** How long a file was waited for before it began, in ms. */
  waited: number;
  says: string;
  /** Something went wrong in it; or so long a silence is not usual there. */
  trouble: boolean;
  /** It is not over. */
  open: boolean;
  step: Step | null;
  gap: Gap | null;
}

export interface Lane {
  key: string;
  kind: Kind;
  stage: BootStage | null;
  entries: Entry[];
}

function kindOf(step: Step): Kind {
  const { what } = step;
  switch (what.kind) {
    case 'dhcp':
    case 'offer-taken':
      return 'dhcp';
    case 'transfer':
    case 'missed':
      return what.by;
    case 'handshake':
      return 'http';
    case 'script':
    case 'log':
      return what.kind;
    case 'deployment':
      return 'report';
    default:
      return 'told';
  }
}

/** All of a boot, in order; `now` is until when what is not over is drawn. */
export function entriesOf(boot: BootShown, now: number): Entry[] {
  const { story } = boot;
  const trouble = new Set(boot.trouble);
  const steps = story.steps.map((step, at): Omit<Entry, 'at'> => {
    const kind = kindOf(step);
    const file = step.what.kind === 'transfer' ? step.what : null;
    const open = file?.state === 'runs';
    return {
      kind,
      stage: step.stage,
      lane: `${step.stage} ${kind}`,
      from: step.at,
      until: open ? Math.max(now, step.until) : step.until,
      waited: file?.waited_ms ?? 0,
      says: step.says,
      trouble: trouble.has(at),
      open,
      step,
      gap: null,
    };
  });
  const gaps = story.gaps.map((gap): Omit<Entry, 'at'> => ({
    kind: 'silence',
    stage: gap.after,
    lane: 'silence',
    from: gap.from,
    until: gap.until,
    waited: 0,
    says: gap.means,
    trouble: !gap.usual,
    open: gap.before === null,
    step: null,
    gap,
  }));
  return [...steps, ...gaps].sort((a, b) => a.from - b.from || (a.gap ? 1 : -1)).map((one, at) => ({ ...one, at }));
}

/** The lanes, those of a stage together, silences last. */
export function lanesOf(entries: readonly Entry[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const entry of entries) {
    const lane = lanes.get(entry.lane) ?? {
      key: entry.lane,
      kind: entry.kind,
      stage: entry.gap ? null : entry.stage,
      entries: [],
    };
    lane.entries.push(entry);
    lanes.set(entry.lane, lane);
  }
  const place = (lane: Lane) => (lane.stage ? STAGES.indexOf(lane.stage) : STAGES.length);
  return [...lanes.values()].sort((a, b) => place(a) - place(b));
}

/** From a moment to its place, 0 to 1; and the moments at which long silences were shortened. */
export interface Scale {
  place: (at: number) => number;
  cuts: readonly { from: number; until: number }[];
  ticks: readonly { at: number; place: number }[];
}

/** A silence takes no more than this share of the whole, unless it is drawn true to time. */
const SILENCE_SHARE = 0.25;

export function scaleOf(entries: readonly Entry[], [from, until]: readonly [number, number], true_to_time: boolean, ticks = 6): Scale {
  const whole = Math.max(1, until - from);
  const silences = entries.filter((entry) => entry.gap).map(({ from, until }) => ({ from, until }));
  const silent = silences.reduce((sum, one) => sum + one.until - one.from, 0);
  const busy = Math.max(whole - silent, whole * 0.02, 1);
  const most = true_to_time ? Infinity : Math.max(busy * SILENCE_SHARE, 1);
  const cuts = silences.filter((one) => one.until - one.from > most * 1.5);
  const drawn = whole - cuts.reduce((sum, one) => sum + one.until - one.from - most, 0);
  const place = (at: number): number => {
    let reached = Math.min(Math.max(at, from), until) - from;
    for (const cut of cuts) {
      if (at <= cut.from) break;
      const inside = Math.min(at, cut.until) - cut.from;
      reached -= inside - (inside / (cut.until - cut.from)) * most;
    }
    return reached / drawn;
  };
  return { place, cuts, ticks: ticksOf([from, until], place, ticks) };
}

const STEPS_MS = [1, 2, 5].flatMap((n) => [n, n * 10, n * 100, n * 1_000]).concat([10_000, 15_000, 30_000]);
const LONG_MS = [1, 2, 5, 10, 15, 30, 60, 120, 360].map((minutes) => minutes * 60_000);

/** Round moments that are far enough from each other. */
function ticksOf([from, until]: readonly [number, number], place: (at: number) => number, count: number): Scale['ticks'] {
  const all = [...STEPS_MS, ...LONG_MS].sort((a, b) => a - b);
  const found: { at: number; place: number }[] = [{ at: 0, place: 0 }];
  // Where silences are shortened, what lies between them needs finer steps than the whole.
  for (let wanted = 1; wanted < count; wanted += 1) {
    let [low, high] = [from, until];
    for (let n = 0; n < 40; n += 1) {
      const middle = (low + high) / 2;
      if (place(middle) < wanted / count) low = middle;
      else high = middle;
    }
    const near = low - from;
    const unit = all.filter((step) => step <= Math.max(1, near / 4)).at(-1) ?? 1;
    const round = Math.round(near / unit) * unit;
    const at = place(from + round);
    if (at - (found.at(-1)?.place ?? 0) > 0.6 / count && at < 0.97) found.push({ at: round, place: at });
  }
  return found;
}
