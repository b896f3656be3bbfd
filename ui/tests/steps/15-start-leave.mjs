// Whoever leaves finds the way back in the navigation, on the step he was at; whoever says that it is over is not
// asked again.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.goto('/now');
  await page.getByRole('link', { name: 'Go on with the first steps' }).click();
  await page.getByRole('heading', { name: 'What this network looks like' }).waitFor();
  await page.getByRole('button', { name: 'Leave the first steps' }).click();
  await page.getByRole('heading', { name: 'Now' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Now' }).waitFor();
  await page.getByText('Nobody is booting').waitFor();
  await world.quiet();
  check((await page.getByRole('link', { name: 'Go on with the first steps' }).count()) === 0, 'it is offered again');
}
