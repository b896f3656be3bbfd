// Signing out and in. A wrong password is told; the address that was asked for is the one that is shown then.

import { ADMIN } from './10-first.mjs';

export default async function (world) {
  const { page } = world;
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await world.look('sign-in');
  await world.goto('/machines?search=lab');
  await page.getByLabel('Name').fill(ADMIN.name);
  await page.getByLabel('Password').fill('wrong wrong wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('no such name and password').waitFor();
  await world.look('sign-in-wrong');
  await world.signIn(ADMIN.name, ADMIN.password);
  await page.getByRole('heading', { name: 'Machines' }).waitFor();
}
