// What the doctor found, as sentences with what to do.

import type { Doctor } from '../../api/types';
import { t } from '../../texts';

export interface Finding {
  says: string;
  hint?: string | null;
}

/** `what happened\nhint: what to do`, as the server says it. */
function split(text: string): Finding {
  const [says = '', hint] = text.split(/\n?hint: /);
  return hint ? { says: says.trim(), hint } : { says };
}

export function findings(doctor: Doctor): Finding[] {
  const { status } = doctor;
  const words = t.operations.health;
  return [
    ...status.rogues.map(split),
    ...doctor.findings.map(split),
    ...doctor.missing.map((what) => ({ says: words.missing(what), hint: 'bootwright image verify NAME' })),
    ...doctor.unbootable.map((what) => ({ says: words.unbootable(what) })),
    ...doctor.lost.map(split),
    ...(status.tls?.findings ?? []).map((one) => ({ says: one.text, hint: one.hint })),
    ...(status.bugs ? [{ says: words.bugs(status.bugs) }] : []),
    ...(status.dropped ? [{ says: words.dropped(status.dropped) }] : []),
  ];
}
