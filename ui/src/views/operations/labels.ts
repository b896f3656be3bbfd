// Labels as lines, one each: `room=3`.

import { Mistyped } from '../../api/problem';
import { t } from '../../texts';

/** The labels of a text; thrown is which of its lines is none. */
export function labelsOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  for (const line of lines) if (line.indexOf('=') < 1 || line.endsWith('=')) throw new Mistyped(t.operations.users.form.badLabel(line));
  return lines;
}

export function scopeShown(scope: readonly string[]): string {
  return scope.length ? scope.join(', ') : t.operations.everything;
}
