// Boots: none yet, then machines that boot while the page is open. They are found by machine, ending, stage and time;
// one is followed step by step, by keys and as a table, and leads on to its machine and its picture.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../world.mjs';

const script = fileURLToPath(new URL('../boots.py', import.meta.url));

/** A machine boots, as far as that. */
export function boot(mac, stop = '') {
  const done = spawnSync('python3', [script, mac, stop], { encoding: 'utf8' });
  check(done.status === 0, `the machine did not come: ${done.stdout}${done.stderr}`);
}

/** The machine that boots here, and is known to the steps that follow. */
export const BOOTED = { mac: '52:54:00:bb:00:01', name: 'render-01' };

export default async function (world) {
  const { page } = world;
  await page.route('**/api/v1/boots?**', (route) => route.fulfill({ json: [] }));
  await world.goto('/boots');
  await page.getByText('No boot was heard yet').waitFor();
  await world.look('boots-empty');
  await page.unroute('**/api/v1/boots?**');
  // Whoever is not told yet does not hear of it.
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });

  await world.api('POST', '/machines', {
    machines: [
      { ...BOOTED, labels: { room: '2' }, profile: 'debian' },
      { mac: '52:54:00:bb:00:02', name: 'render-02', labels: { room: '2' } },
    ],
  });
  await world.api('PUT', `/machines/${BOOTED.name}/state`, { state: 'approved' });
  boot(BOOTED.mac);
  boot('52:54:00:bb:00:02', 'address');
  // It appears by itself.
  const grid = page.getByRole('grid');
  await grid.getByText('render-01').waitFor();
  await grid.getByText('render-02').waitFor();
  await world.look('boots');

  await page.getByLabel('How far it came').selectOption('kernel');
  await page.waitForURL(/furthest=kernel/);
  await grid.getByText('render-02').waitFor({ state: 'detached' });
  await grid.getByText('render-01').waitFor();
  await page.reload();
  await grid.getByText('render-01').waitFor();
  check((await grid.getByText('render-02').count()) === 0, 'only those that came so far');
  await world.waitFor(async () => (await page.getByLabel('How far it came').inputValue()) === 'kernel', 'the address says what was chosen');
  await page.getByLabel('How it ended').selectOption('installed');
  await page.getByText('No boot is like that').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByRole('searchbox').fill('render-02');
  await page.waitForURL(/machine=render-02/);
  await grid.getByText('render-01').waitFor({ state: 'detached' });
  await grid.getByText('render-02').waitFor();
  await page.getByRole('searchbox').fill('nobody-at-all');
  await page.getByRole('alert').waitFor();
  await page.getByRole('searchbox').fill('');
  await grid.getByText('render-01').waitFor();

  // By the keyboard: into the list, to the machine that came furthest, in.
  await grid.getByText('render-01').click();
  await page.getByRole('heading', { name: /^Boot b/ }).waitFor();
  const id = new URL(page.url()).pathname.split('/').at(-1);
  const steps = page.getByRole('table');
  await steps.getByText(/DISCOVER → OFFER 10\.77\.0\.1/).waitFor();
  await steps.getByText(/linux/).first().waitFor();
  const lanes = page.getByRole('listbox', { name: 'Timeline' });
  await world.waitFor(async () => {
    const options = await lanes.getByRole('option').count();
    return options >= 5 && options === (await steps.locator('tbody tr').count());
  }, 'the table has what the lanes have, five things at least');
  await lanes.focus();
  const chosen = () => lanes.evaluate((one) => document.getElementById(one.getAttribute('aria-activedescendant'))?.getAttribute('aria-label'));
  await page.keyboard.press('Home');
  await world.waitFor(async () => /DISCOVER/.test(await chosen()), 'the first is chosen');
  const first = await chosen();
  await page.keyboard.press('ArrowRight');
  await world.waitFor(async () => (await chosen()) !== first, 'an arrow goes on');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.waitForURL(/step=/);
  // How long each thing took depends on how quick this host is.
  await world.look('boot', { moving: '.timeline' });
  const svg = await page.evaluate(async (id) => {
    const response = await fetch(`/api/v1/boots/${id}.svg`);
    return [response.headers.get('content-type'), await response.text()];
  }, id);
  check(svg[0] === 'image/svg+xml' && svg[1].startsWith('<svg'), 'there is a picture of it');
  check((await page.getByRole('link', { name: 'As a picture' }).getAttribute('href')).endsWith(`/boots/${id}.svg`), 'and a link to it');
  await page.getByRole('link', { name: 'The machine' }).click();
  await page.getByRole('heading', { name: BOOTED.name }).waitFor();

  await world.goto('/boots/b0000000z');
  await page.getByRole('alert').waitFor();
  await world.look('boot-unknown');
}
