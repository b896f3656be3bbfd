// A machine asks for an address while the page is open: it appears by itself, in the room of what happens now and
// among the machines, with what it said of itself shown as text.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.goto('/now');
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  const machine = spawnSync('python3', [fileURLToPath(new URL('../machine.py', import.meta.url))], { encoding: 'utf8' });
  check(machine.status === 0, `the machine did not come: ${machine.stderr}`);
  await page.getByRole('grid').getByText('52:54:00:77:00:01').waitFor();
  await page.getByText('DISCOVER → OFFER', { exact: false }).first().waitFor();
  // How far each is by now depends on how quick this host is.
  await world.look('now', { moving: 'main' });
  await world.goto('/machines/52:54:00:77:00:01');
  await page.getByText('PXEClient:Arch:00007:<img src=x onerror=executed++>', { exact: true }).waitFor();
  await page.getByText('Code on its screen').waitFor();
  await world.look('machine-pending');
}
