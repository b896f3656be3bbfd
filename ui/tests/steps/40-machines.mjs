// Machines: search, filters, order, deep links, the keyboard, and a change of many with a preview.

import { check } from '../world.mjs';

const COUNT = 120;
const mac = (at) => `52:54:00:aa:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;

export default async function (world) {
  const { page } = world;
  const machines = Array.from({ length: COUNT }, (_, at) => ({
    mac: mac(at),
    name: `lab-${String(at + 1).padStart(3, '0')}`,
    labels: { room: String(1 + (at % 4)), rack: `r${at % 7}` },
    ...(at % 5 === 0 ? { profile: 'debian' } : {}),
  }));
  for (const one of await world.api('GET', '/machines')) await world.api('DELETE', `/machines/${one.mac}`);
  await world.api('POST', '/machines', { machines });
  for (const at of [2, 9, 23]) await world.api('PUT', `/machines/lab-${String(at).padStart(3, '0')}/state`, { state: 'blocked' });
  await world.api('PUT', '/machines/lab-050/state', { state: 'retired' });

  await world.goto('/machines');
  const grid = page.getByRole('grid');
  await page.getByText(`${COUNT} machines`).waitFor();
  await world.look('machines');

  await page.getByRole('searchbox').fill('room=3 lab-0');
  await page.waitForURL(/search=room%3D3/);
  const few = page.getByText(`25 of ${COUNT} machines`);
  await few.waitFor();
  await page.reload();
  await few.waitFor();
  await world.waitFor(async () => (await page.getByRole('searchbox').inputValue()) === 'room=3 lab-0', 'the address says what was searched');
  await page.getByRole('searchbox').fill('nobody is like this');
  await page.getByText('No machine is like that').waitFor();
  await world.look('machines-nothing');
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByRole('button', { name: /^blocked/ }).click();
  await page.getByText('3 of 120 machines').waitFor();
  await page.getByRole('button', { name: /^All/ }).click();
  await page.getByRole('columnheader', { name: 'Machine' }).getByRole('button').click();
  await page.waitForURL(/sort=name/);
  await grid.getByRole('row').nth(1).filter({ hasText: 'lab-001' }).waitFor();
  await page.getByText(new RegExp(`^${COUNT} machines$`)).waitFor();

  // By the keyboard alone: choose three, and block them after the preview.
  await grid.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('3 selected').first().waitFor();
  await world.look('machines-selected');
  await page.getByRole('button', { name: 'Block', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('machine lab-001 is blocked').waitFor();
  await world.look('machines-preview');
  await page.getByRole('dialog').getByRole('button', { name: 'Block' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const is = await world.api('GET', '/machines/lab-001');
  check(is.state === 'blocked', `lab-001 is ${is.state}`);
  await world.settled();
}
