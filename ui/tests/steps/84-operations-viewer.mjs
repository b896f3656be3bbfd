// A viewer sees how the server is, and nothing of operators; texts of others run nothing in any of these views.

import { check } from '../world.mjs';
import { payloads } from './70-hostile.mjs';
import { ADMIN } from './10-first.mjs';

const KEPT = new Set(['at', 'since', 'until', 'first', 'last', 'address', 'mac', 'state', 'subnet', 'server', 'mode', 'fits', 'started', 'role', 'via', 'outcome', 'standing', 'expires', 'changed', 'csrf', 'not_after', 'from', 'furthest', 'how']);

export default async function (world) {
  let next = 0;
  const poisoned = (value, key) => {
    if (typeof value === 'string') return KEPT.has(key) ? value : payloads[next++ % payloads.length];
    if (Array.isArray(value)) return key === 'pools' || key === 'dns' ? value : value.map((one) => poisoned(one, key));
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]));
    return value;
  };
  const { page } = world;
  for (const what of ['networks', 'links', 'leases', 'reservations', 'doctor', 'users', 'tokens', 'audit?**', 'boots**', 'images', 'config'])
    await page.route(`**/api/v1/${what}`, async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const response = await route.fetch();
      await route.fulfill({ response, json: poisoned(await response.json(), '') });
    });
  for (const [path, seen] of [
    ['/networks', '.map'],
    ['/leases', '[role=gridcell]'],
    ['/leases?show=reservations', '[role=gridcell]'],
    ['/operations/health', '.counts'],
    ['/operations/users', 'li.card'],
    ['/operations/audit', '[role=gridcell]'],
    ['/operations/settings', 'textarea'],
    ['/start', '.links'],
    ['/start?step=machine', '.boots'],
  ]) {
    await world.goto(path);
    await page.locator(seen).first().waitFor();
    await world.quiet();
    await world.fits(`hostile ${path}`);
    await page.setViewportSize({ width: 360, height: 740 });
    await world.fits(`hostile ${path}, 360 px`);
    await page.setViewportSize({ width: 1280, height: 800 });
    await world.settled();
  }
  check(next > 200, `only ${next} texts were changed`);
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  const password = 'a long enough password';
  await world.api('POST', '/users', { name: 'vito', role: 'viewer', password });
  await world.enter();
  await world.goto('/operations');
  await world.signIn('vito', password);
  const parts = world.page.getByRole('navigation', { name: 'Parts of operations' });
  await parts.getByText('Numbers').waitFor();
  await world.waitFor(async () => (await parts.getByRole('link').count()) === 3, 'there are health, numbers and his tokens');
  await world.goto('/operations/users');
  await world.page.getByRole('heading', { name: 'Operations' }).waitFor();
  await world.page.getByText('There is no such view').waitFor();
  await world.goto('/leases');
  await world.page.getByRole('grid').waitFor();
  check((await world.page.getByRole('button', { name: 'Reserve an address …' }).count()) === 0, 'he reserves nothing');
  await world.enter();
  await world.goto('/');
  await world.signIn(ADMIN.name, ADMIN.password);
  await world.api('DELETE', '/users/vito');
}
