// A machine is switched on while the last of the first steps is open: it appears there by itself, and is followed.

import { check } from '../world.mjs';

const MAC = '52:54:00:76:00:01';

export default async function (world) {
  const { page } = world;
  await world.goto('/start?step=machine');
  await page.getByRole('heading', { name: 'Switch a machine on' }).waitFor();
  // Whoever is not told yet does not hear of it.
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  await world.quiet();
  check((await page.getByText(MAC).count()) === 0, 'it is not there before');
  const answer = await fetch(`http://10.77.0.1/boot.ipxe?mac=${MAC}&arch=x86_64&platform=efi`);
  check(answer.status === 200, `its script: ${answer.status}`);
  await page.getByText(MAC).first().waitFor();
  await page.locator('li', { hasText: MAC }).locator('[aria-current=step]', { hasText: 'is told what to boot' }).waitFor();
  await page.getByText('Your first machine boots.', { exact: false }).waitFor();
  await world.look('start-live');
}
