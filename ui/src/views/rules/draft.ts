// Rules as they are written: conditions as what is demanded and how much, and the text that the server reads.

import type { RuleDraft, RuleView } from '../../api/types';

export const KINDS = ['mac', 'arch', 'label', 'network', 'firmware', 'vendor-class', 'uuid', 'serial', 'circuit', 'memory', 'disk', 'cpu'] as const;
export type Kind = (typeof KINDS)[number];

export interface Part {
  kind: Kind;
  /** Of a label. */
  name: string;
  value: string;
}

export interface Written {
  /** The same as long as it is written; a new rule has no number yet. */
  key: string;
  id: number | null;
  parts: Part[];
  profile: string;
}

/** A draft outlives the page: its keys are none of those that come now. */
const since = Date.now().toString(36);
let next = 1;

export function written(rule: RuleView): Written {
  return { key: `r${rule.id}`, id: rule.id, parts: rule.conditions.map(part), profile: rule.profile };
}

export function fresh(profile: string): Written {
  return { key: `n${since}-${next++}`, id: null, parts: [], profile };
}

function part(text: string): Part {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  if (key.startsWith('label:')) return { kind: 'label', name: key.slice('label:'.length), value };
  return { kind: key as Kind, name: '', value };
}

export function textOf({ kind, name, value }: Part): string {
  return kind === 'label' ? `label:${name.trim()}=${value}` : `${kind}=${value}`;
}

export function asDraft(rule: Written): RuleDraft {
  return { ...(rule.id === null ? {} : { id: rule.id }), conditions: rule.parts.map(textOf), profile: rule.profile };
}

/** A rule that is gone comes back as a new one. */
export function standing(rules: readonly Written[], there: readonly RuleView[]): Written[] {
  const ids = new Set(there.map((one) => one.id));
  return rules.map((one) => (one.id === null || ids.has(one.id) ? one : { ...one, id: null }));
}

/** What two lists are compared by. */
export function same(one: readonly Written[], other: readonly Written[]): boolean {
  return JSON.stringify(one.map(asDraft)) === JSON.stringify(other.map(asDraft));
}
