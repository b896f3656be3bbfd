// The one-time link makes the first admin, who is led on to the first steps. A link that is over says so.

import { check } from '../world.mjs';

export const ADMIN = { name: 'ada', password: 'correct horse battery' };

export default async function (world) {
  const { page } = world;
  await world.goto('/first/bwt_0000000000000000000000000000000000000000000');
  await page.getByRole('heading', { name: 'This link is good no more' }).waitFor();
  await world.look('first-over');

  await world.goto(new URL(world.first).pathname);
  await page.getByLabel('Name').fill(ADMIN.name);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByLabel('The same again').fill('something else');
  await page.getByText('The two passwords are not the same.').waitFor();
  await world.look('first');
  check(await page.getByRole('button', { name: 'Make me' }).isDisabled(), 'two passwords are sent');

  await page.getByLabel('Name').fill('<b>x</b>');
  await page.getByLabel('The same again').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Make me' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Name').fill(ADMIN.name);
  await page.getByRole('button', { name: 'Make me' }).click();
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await page.getByText('ada', { exact: true }).first().waitFor();
}
