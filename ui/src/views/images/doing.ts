// What operators do with an image: each asks first what would happen.

import { ask } from '../../api/client';
import type { Channel } from '../../api/types';
import { t } from '../../texts';

/** Something that is shown before it is done. */
export interface Doing {
  title: string;
  submit: string;
  danger?: boolean;
  /** Has to be typed. */
  word?: string;
  /** Does it, or only says what it would do. */
  act: (dry_run: boolean, signal?: AbortSignal) => Promise<string>;
  /** The image is gone when it is done. */
  ends?: boolean;
}

const more = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

export function promote(name: string, version: number, to: Channel): Doing {
  const test = to === 'test';
  return {
    title: test ? t.images.testTitle(name, version) : t.images.promoteTitle(name, version),
    submit: test ? t.images.testSubmit : t.images.promoteSubmit,
    act: async (dry_run, signal) =>
      (await ask('POST /images/{name}/promote', { path: { name }, query: { dry_run }, body: { version, to }, ...more(signal) })).data.says,
  };
}

export function rollback(name: string): Doing {
  return {
    title: t.images.rollbackTitle(name),
    submit: t.images.rollbackSubmit,
    act: async (dry_run, signal) => (await ask('POST /images/{name}/rollback', { path: { name }, query: { dry_run }, ...more(signal) })).data.says,
  };
}

/** One version, or all of them. */
export function remove(name: string, version: number | null): Doing {
  return {
    title: version === null ? t.images.removeAllTitle(name) : t.images.removeTitle(name, version),
    submit: t.images.removeSubmit,
    danger: true,
    word: version === null ? name : `${name} ${version}`,
    ends: version === null,
    act: async (dry_run, signal) => {
      const query = version === null ? { dry_run } : { dry_run, version };
      return (await ask('DELETE /images/{name}', { path: { name }, query, ...more(signal) })).data.says;
    },
  };
}

/** What a profile boots: a channel, or a version that is pinned. Whoever changed it meanwhile is not written over. */
export function follow(profile: string, what: Channel | number, tag: () => string | null): Doing {
  const body = typeof what === 'number' ? { version: what } : { version: 0, channel: what };
  const words = typeof what === 'number' ? t.images.version(what) : t.images.channel[what];
  return {
    title: t.images.pin(profile, words),
    submit: t.images.pinSubmit,
    act: async (dry_run, signal) =>
      (await ask('PUT /profiles/{name}', { path: { name: profile }, query: { dry_run }, body, tag: tag(), ...more(signal) })).data.says,
  };
}
