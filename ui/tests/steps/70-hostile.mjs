// Whatever machines, files and other servers say is text: two hundred payloads, in every text of every answer, run
// nothing and break no layout.

import { SLOW } from '../slow.mjs';
import { check } from '../world.mjs';

const RUN = 'window.executed++';
const seeds = [
  `<script>${RUN}</script>`,
  `<img src=x onerror=${RUN}>`,
  `"><svg onload=${RUN}>`,
  `'><iframe srcdoc="<script>parent.executed++</script>">`,
  `javascript:${RUN}`,
  `</textarea><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `--></style><script>${RUN}</script>`,
  `{{constructor.constructor('${RUN}')()}}`,
  '${window.executed++}',
  `" autofocus onfocus=${RUN} x="`,
  `<a href="javascript:${RUN}">x</a>`,
  `<math><mtext><style><img src onerror=${RUN}>`,
  `data:text/html,<script>${RUN}</script>`,
  `<base href=//outside.invalid/>`,
  `<meta http-equiv=refresh content="0;url=//outside.invalid">`,
  `<form action=//outside.invalid><button>`,
  `<link rel=stylesheet href=//outside.invalid>`,
  '\u202Egnp.exe\u202C',
  '\u0000\u001b[31m\u0007',
  'W'.repeat(3000),
  'ﷺ'.repeat(200),
  'a\u0301'.repeat(400),
  '../../../../etc/passwd',
  "'; DROP TABLE machines; --",
  '__proto__',
  'constructor',
  '%00%0d%0aSet-Cookie: x=1',
];
const wraps = [(x) => x, (x) => `${x}${x}`, (x) => encodeURIComponent(x), (x) => `"${x}`, (x) => `\`${x}\``, (x) => `&lt;${x}&gt;`, (x) => ` \n${x}\t`, (x) => `lab-${x}`];
export const payloads = wraps.flatMap((wrap) => seeds.map((seed) => wrap(seed)));

/** Keys whose values are of a fixed set, a moment, or an address. */
const KEPT = new Set(['state', 'mac', 'event', 'role', 'via', 'csrf', 'at', 'now', 'first_seen', 'last_seen', 'armed', 'hardware_reported', 'until', 'started', 'stage', 'furthest', 'how', 'kind', 'id']);

export default async function (world) {
  const { page } = world;
  check(payloads.length >= 200, `${payloads.length} payloads`);
  let next = 0;
  let put = 0;
  const poisoned = (value, key) => {
    if (typeof value === 'string') {
      if (KEPT.has(key)) return value;
      put += 1;
      return payloads[next++ % payloads.length];
    }
    if (Array.isArray(value)) return value.map((one) => poisoned(one, key));
    if (value && typeof value === 'object') {
      const entries = Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]);
      if (key === 'labels') for (let at = 0; at < 3; at += 1) entries.push([payloads[next++ % payloads.length], payloads[next++ % payloads.length]]);
      return Object.fromEntries(entries);
    }
    return key === 'name' || key === 'vendor_class' || key === 'serial' || key === 'profile' ? payloads[next++ % payloads.length] : value;
  };
  const bad = async (route) => {
    if (route.request().method() !== 'GET') return route.continue();
    const response = await route.fetch();
    const json = await response.json();
    await route.fulfill({ response, json: poisoned(json, '') });
  };
  for (const what of ['machines**', 'explain**', 'deployments**', 'doctor', 'profiles', 'transfers', 'boots**']) await page.route(`**/api/v1/${what}`, bad);

  // Slowed it is about when, not about what.
  for (let round = 0; round < (SLOW ? 1 : 4); round += 1) {
    await world.goto('/machines');
    await page.getByRole('grid').waitFor();
    await world.quiet();
    await world.fits(`machines, round ${round}`);
    await world.settled();
    await world.goto('/machines/lab-010');
    await page.getByText(/^It would /).waitFor();
    await world.quiet();
    await world.fits(`machine, round ${round}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('dialog').waitFor();
    await world.quiet();
    await world.fits(`machine edit, round ${round}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Deploy …' }).click();
    await page.getByRole('dialog').waitFor();
    await world.quiet();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await world.settled();
    await world.goto('/now');
    await page.getByRole('heading', { name: 'What is wrong' }).waitFor();
    await world.quiet();
    await world.fits(`now, round ${round}`);
    await world.settled();
    await world.goto('/boots');
    await page.getByRole('grid').waitFor();
    await world.quiet();
    await world.fits(`boots, round ${round}`);
    await page.getByRole('grid').locator('a').first().click();
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    await world.quiet();
    await world.fits(`boot, round ${round}`);
    await world.settled();
  }
  check(put > (SLOW ? 500 : 1000), `only ${put} texts were changed`);
  await world.goto('/machines/lab-010');
  await page.getByText(/^It would /).waitFor();
  // Which text comes where follows the order of the answers.
  await world.look('hostile-machine', { moving: 'main' });
  await world.goto('/machines');
  await page.getByRole('grid').waitFor();
  await world.look('hostile-machines', { moving: 'main' });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  // And by the API itself, where the server takes it.
  for (const [at, payload] of seeds.slice(0, 6).entries())
    await world.api('PATCH', `/machines/lab-0${20 + at}`, { notes: payload, labels: { evil: payload.slice(0, 60) } }).catch(() => undefined);
  await world.goto('/machines/lab-020');
  await page.getByText(seeds[0], { exact: false }).first().waitFor();
  await world.settled();
}
