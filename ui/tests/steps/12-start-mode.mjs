// Proxy or DHCP: what each means, and what exactly would be written into the configuration, by the keyboard alone.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  const before = await world.api('GET', '/config');
  await world.goto('/start?step=mode');
  await page.getByText('so it is now').waitFor();
  await world.waitFor(() => page.getByRole('radio', { name: /This server does/ }).isChecked(), 'what fits is chosen');
  await world.look('start-mode');
  await page.getByRole('radio', { name: /This server does/ }).focus();
  await page.keyboard.press('ArrowLeft');
  await world.waitFor(() => page.getByRole('radio', { name: /Another server does/ }).isChecked(), 'arrow keys choose');
  await page.getByText('mode = "proxy"').waitFor();
  await page.getByText('subnet = "10.77.0.0/24"').waitFor();
  await page.getByText('changed: network br0: mode proxy', { exact: false }).waitFor();
  await world.look('start-mode-proxy');
  const after = await world.api('GET', '/config');
  check(after.text === before.text, 'nothing is written before somebody says so');
  await page.getByRole('radio', { name: /Another server does/ }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  await page.getByRole('heading', { name: 'What shall be booted?' }).waitFor();
}
