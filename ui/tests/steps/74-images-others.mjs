// Images for others: a viewer looks and changes nothing, names that are hostile stay text, and a long list is quick.

import { check } from '../world.mjs';
import { payloads } from './70-hostile.mjs';

const KEPT = new Set(['channel', 'channels', 'confidence', 'state', 'what', 'id', 'begun', 'ended', 'imported', 'sha256', 'role', 'csrf', 'changed']);

export default async function (world) {
  const { page } = world;
  let next = 0;
  const poisoned = (value, key) => {
    if (typeof value === 'string') return KEPT.has(key) ? value : payloads[next++ % payloads.length];
    if (Array.isArray(value)) return KEPT.has(key) ? value : value.map((one) => poisoned(one, key));
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]));
    return value;
  };
  const [image] = await world.api('GET', '/images');
  const like = (name, version, more = {}) => ({ ...image, name, version, kernel: 'k', initrds: ['a', 'b'], args: 'x', notes: ['n', 'm'], memory_mib: 512, memory_because: ['b'], secure_boot: { verdict: ['v'], files: [{ path: 'p', machine: 'm', signers: ['s'], verdict: ['w'], sbat: ['l'] }] }, ...more });
  const bad = (make) => (route) => (route.request().method() === 'GET' ? route.fulfill({ json: poisoned(make(), '') }) : route.continue());
  const one = { id: '1', name: 'n', source: 's', by: 'b', dry_run: false, begun: new Date().toISOString(), done: 5, total: 9, file: 'f' };
  const refused = { type: 't', title: 't', status: 409, detail: 'd', hint: 'h' };
  await page.route('**/api/v1/images', bad(() => Array.from({ length: 40 }, (_, at) => like(`n${at}`, 1))));
  await page.route('**/api/v1/profiles', bad(() => [{ name: 'p', image: 'n', version: 1, channel: 'stable', args: '', rules: [1], machines: ['m'], settings: {} }]));
  await page.route('**/api/v1/imports', bad(() => [{ ...one, state: 'running' }, { ...one, id: '2', state: 'failed', problem: refused }, { ...one, id: '3', state: 'done', says: 's' }]));
  await page.route('**/api/v1/uploads', bad(() => [{ id: '0'.repeat(32), name: 'n', size: 9, offset: 4, whole: false, begun: one.begun, changed: one.begun }]));
  for (let round = 0; round < 3; round += 1) {
    await world.goto('/images');
    await page.getByRole('grid').waitFor();
    await page.getByRole('progressbar').first().waitFor();
    await world.quiet();
    await world.fits(`images, round ${round}`);
    await world.settled();
  }
  await world.look('hostile-images', { moving: '.card, .table' });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  const named = payloads[0];
  await page.route('**/api/v1/images**', (route) => route.fulfill({ json: [like(named, 1, { title: payloads[20] }), like(named, 2, { title: payloads[20] })] }));
  await page.route('**/api/v1/images/**', (route) =>
    route.request().url().includes('/compare')
      ? route.fulfill({ json: poisoned({ name: 'n', from: 1, to: 2, facts: [{ what: 'title', from: ['a'], to: ['b'] }], added: 1, removed: 0, changed: 0, alike: 1, same: 1, files: [{ path: 'p', what: 'added', to: 5 }], more: 0 }, '') })
      : route.fulfill({ json: { ...poisoned(like('n', 2, { assets: [{ path: 'p', sha256: null, size: 4 }] }), ''), version: 2 } }),
  );
  await page.route('**/api/v1/profiles', (route) => route.fulfill({ json: payloads.slice(0, 24).map((name) => ({ name, image: named, version: null, channel: 'stable', args: '', rules: [], machines: [name], settings: {} })) }));
  await world.goto(`/images/${encodeURIComponent(named.replaceAll('/', '-'))}?compare=1`);
  await page.getByRole('heading', { name: 'What differs' }).waitFor();
  await page.locator('table').first().waitFor();
  await world.quiet();
  await world.fits('hostile image');
  await world.settled();
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // A thousand images are a table like another.
  await page.route('**/api/v1/images', (route) => route.fulfill({ json: Array.from({ length: 3000 }, (_, at) => ({ ...image, name: `image-${at % 1000}`, version: 1 + Math.floor(at / 1000) })) }));
  await world.goto('/images');
  await page.getByText('1,000 images').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  await page.route('**/api/v1/session', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), role: 'viewer' } });
  });
  await world.goto('/images');
  await page.getByRole('grid').waitFor();
  await world.quiet();
  check((await page.getByRole('button', { name: 'Add image' }).count()) === 0, 'a viewer can add an image');
  await world.goto('/images/debian-12');
  await page.getByRole('heading', { name: 'Used by' }).waitFor();
  await world.quiet();
  check((await page.getByRole('button', { name: /Verify|Promote|Remove|Roll back/ }).count()) === 0, 'a viewer can change an image');
  await world.look('image-viewer');
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // No image at all: what to do.
  await page.route('**/api/v1/images', (route) => route.fulfill({ json: [] }));
  await world.goto('/images');
  await page.getByText('There is no image yet').waitFor();
  await world.look('images-empty');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}
