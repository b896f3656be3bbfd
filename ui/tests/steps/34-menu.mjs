// The boot menu: written by the page, drawn as the machine's loader draws it, with what a machine cannot boot left out;
// a password that is hashed in the browser.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  const before = await world.api('GET', '/menu');
  await world.goto('/menu?on=52:54:00:f0:34:01&arch=x86-bios');
  const screen = page.getByRole('group', { name: /^The screen/ });
  await screen.getByText('Start the local disk').waitFor();
  await page.getByText('Drawn by iPXE.', { exact: false }).waitFor();
  await world.look('menu-of-all');

  await page.getByRole('button', { name: 'Write it myself' }).click();
  const entries = page.locator('section', { hasText: 'Entries' }).first();
  await entries.getByLabel('Shown as').nth(1).fill('Debian, <b>by the book</b>');
  await screen.getByText('Debian, _b>by the book_/b>').or(screen.getByText('by the book')).first().waitFor();
  await entries.getByLabel('taken by itself').nth(1).check();
  await page.waitForFunction(() => document.querySelector('.screen .chosen')?.textContent?.includes('by the book'));
  await entries.getByLabel('Key').nth(2).fill('Not A Key');
  await page.getByText('is no name for a menu entry').waitFor();
  check(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'what would be refused cannot be saved');
  await entries.getByLabel('Key').nth(2).fill('second');
  await page.getByLabel('New password').fill('open sesame');
  await page.getByRole('button', { name: 'Take it', exact: true }).click();
  // It is hashed in the browser, which takes its time.
  await page.getByRole('button', { name: 'Take it away', exact: true }).waitFor();
  await entries.getByLabel('asks for the password').nth(2).check();
  await screen.getByText('(password)').waitFor();
  await world.look('menu-draft');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved yet', { exact: true }).waitFor({ state: 'detached' });
  const kept = await world.api('GET', '/menu');
  check(kept.password_set && kept.entries[2].locked && kept.default === kept.entries[1].key, JSON.stringify(kept));

  // Another machine is shown another menu.
  await page.getByLabel('As', { exact: true }).selectOption('arm64-uefi');
  await page.getByText('Not shown to this machine').waitFor();
  await world.look('menu-arm');
  await world.api('PUT', '/menu', { entries: before.entries, default: before.default, no_password: true });
}
