// Leases and reservations: found, released after a preview, reserved from a lease, changed and taken back.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.goto('/leases');
  const grid = page.getByRole('grid');
  await grid.waitFor();
  await world.look('leases');
  await page.getByRole('searchbox').fill('pc-1');
  await page.waitForURL(/search=pc-1/);
  await page.getByText(/^1[0-9] of [0-9]+ leases$/).waitFor();
  await page.reload();
  await page.getByText(/^1[0-9] of [0-9]+ leases$/).waitFor();

  await page.getByRole('searchbox').fill('10.77.0.104');
  await page.getByText(/^1 of /).waitFor();
  await grid.focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('dialog').getByText('52:54:00:aa:00:02').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Reserve …' }).click();
  await world.waitFor(async () => (await page.getByLabel('Hardware address').inputValue()) === '52:54:00:aa:00:02', 'the lease is taken over');
  await page.getByRole('dialog').getByText('10.77.0.104', { exact: false }).last().waitFor();
  await world.look('leases-reserve');
  await page.getByRole('button', { name: 'Reserve', exact: true }).click();
  await world.told('10.77.0.104 is reserved.');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await page.getByRole('searchbox').fill('pc-2');
  await page.getByText(/^1[0-9] of /).waitFor();
  await grid.focus();
  await page.keyboard.press('Control+a');
  await page.getByRole('button', { name: 'Release …' }).click();
  await page.getByRole('dialog').getByText('Type release to confirm').waitFor();
  await page.getByRole('dialog').getByText('10.77.0.104', { exact: false }).waitFor();
  check(await page.getByRole('dialog').getByRole('button', { name: 'Release …' }).isDisabled(), 'it takes a word');
  await world.look('leases-release');
  await page.getByLabel('Type release to confirm').fill('release');
  await page.getByRole('dialog').getByRole('button', { name: 'Release …' }).click();
  await world.told(/^1[0-9] leases are ended\.$/);

  await world.goto('/leases?show=reservations');
  await page.getByText('3 reservations').waitFor();
  await world.look('reservations');
  await page.getByRole('searchbox').fill('10.77.0.20');
  await page.getByText('1 of 3 reservations').waitFor();
  await grid.focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Host name that it is told').fill('plotter');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await grid.getByText('plotter').waitFor();
  await grid.focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Remove …' }).click();
  await page.getByRole('dialog').getByText('10.77.0.20', { exact: false }).last().waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove …' }).click();
  await world.told('1 reservation is removed.');
  await world.settled();
}
