// A profile as it is written, and the change that makes it so.

import type { Channel, ProfileView, ProfileWish, Setting } from '../../api/types';

export interface ProfileDraft {
  image: string;
  /** A channel, or a version. */
  version: string;
  args: string;
  template: string;
  /** As they are typed. */
  settings: Record<string, string>;
}

export function draftOfProfile(profile: ProfileView | null): ProfileDraft {
  return {
    image: profile?.image ?? '',
    version: profile ? (profile.version === null ? profile.channel : String(profile.version)) : 'stable',
    args: profile?.args ?? '',
    template: profile?.template ?? '',
    settings: Object.fromEntries(Object.entries(profile?.settings ?? {}).map(([name, value]) => [name, typedOf(value)])),
  };
}

/** What has to change. */
export function wishOf(draft: ProfileDraft, profile: ProfileView | null): ProfileWish {
  const wish: ProfileWish = { image: draft.image || null, args: draft.args.trim(), template: draft.template };
  if (/^\d+$/.test(draft.version)) wish.version = Number(draft.version);
  else Object.assign(wish, { version: 0, channel: draft.version as Channel });
  const settings: Record<string, Setting | null> = {};
  for (const name of Object.keys(profile?.settings ?? {})) if (!(name in draft.settings)) settings[name] = null;
  for (const [name, text] of Object.entries(draft.settings)) settings[name] = read(text);
  wish.settings = settings;
  return wish;
}

/** A setting as it is typed: `true`, `false`, a number, `[a, b]`, `"text"`, or text as it is; as the command has it. */
export function read(text: string): Setting {
  const bare = text.trim();
  const quoted = bare.match(/^"([^"]*)"$/);
  if (quoted) return quoted[1] ?? '';
  if (bare.startsWith('[') && bare.endsWith(']') && bare.length > 1)
    return bare
      .slice(1, -1)
      .split(',')
      .map((one) => one.trim().replace(/^"+|"+$/g, ''))
      .filter(Boolean);
  if (bare === 'true' || bare === 'false') return bare === 'true';
  if (/^[+-]?\d+$/.test(bare) && Number.isSafeInteger(Number(bare))) return Number(bare);
  return text;
}

/** The same back. */
export function typedOf(value: Setting): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value !== 'string') return String(value);
  return read(value) === value ? value : `"${value}"`;
}
