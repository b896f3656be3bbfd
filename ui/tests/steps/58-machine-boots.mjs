// A machine that has booted: its boots as lines, its lease, what operators did; and all that can be done with it:
// boot once, wake, code, quirks, settings, retire, forget. Each is shown first as the server would do it.

import { check } from '../world.mjs';
import { BOOTED } from './56-boots.mjs';

async function more(page, name) {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name }).click();
  await page.getByRole('dialog').waitFor();
}

async function submit(page, name) {
  const dialog = page.getByRole('dialog');
  await dialog.locator('.preview li').first().waitFor();
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

export default async function (world) {
  const { page } = world;
  const machine = () => world.api('GET', `/machines/${BOOTED.mac}`);
  await world.goto(`/machines/${BOOTED.name}`);
  await page.getByRole('heading', { name: 'Its last boots' }).waitFor();
  await page.getByRole('link', { name: /^Boot b.*:/ }).first().waitFor();
  const addresses = page.locator('section', { has: page.getByRole('heading', { name: 'Addresses' }) });
  await addresses.getByText(/^10\.77\.0\.1/).first().waitFor();
  await addresses.getByText('bound').waitFor();
  await page.getByText('Nobody said how it is switched.').waitFor();
  await world.look('machine-boots');

  // The menu, by keys.
  await page.getByRole('button', { name: 'More', exact: true }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const focused = (what) => world.waitFor(async () => what.test(await page.evaluate(() => document.activeElement.textContent)), `the focus is at ${what}`);
  await focused(/^\s*Wake/);
  await page.keyboard.press('Escape');
  await focused(/^\s*More\s*$/);

  await more(page, 'Boot once …');
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'debian-12' });
  await page.getByRole('dialog').locator('.preview li').first().waitFor();
  await world.look('machine-boot-once');
  await submit(page, 'Boot once');
  await page.getByText('armed', { exact: true }).first().waitFor();
  check((await world.api('GET', `/deployments?machine=${BOOTED.mac}`))[0].kind === 'once', 'it is armed with it');
  await more(page, 'Confirm by code …');
  await page.getByLabel('Code', { exact: true }).fill('12');
  check(await page.getByRole('button', { name: 'Confirm' }).isDisabled(), 'two digits are no code');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Cancel deployment' }).click();
  await submit(page, 'Cancel deployment');

  await more(page, 'Wake …');
  await page.getByRole('dialog').locator('.preview li, .preview [role=alert]').first().waitFor();
  await page.keyboard.press('Escape');

  await more(page, 'Quirks …');
  await page.getByRole('searchbox', { name: 'Find a quirk' }).fill('broadcast');
  await page.getByRole('combobox', { name: 'needs-broadcast' }).selectOption('on');
  await page.getByRole('dialog').locator('.preview li').first().waitFor();
  await world.look('machine-quirks');
  await submit(page, 'Save');
  check((await machine()).quirks['needs-broadcast'] === 'on', 'it is said of the machine');

  await more(page, 'Settings and options …');
  await page.getByLabel('Settings for its templates').fill('user=ada\npackages=[vim,git]\nretries=3');
  await page.getByLabel('DHCP options of its own').fill('ntp-servers=10.77.0.1');
  await page.getByLabel('Further MACs').fill('52:54:00:bb:00:f1');
  await page.getByRole('dialog').locator('.preview li').first().waitFor();
  await world.look('machine-settings');
  await submit(page, 'Save');
  const has = await machine();
  check(has.settings.user === 'ada' && has.settings.packages.join() === 'vim,git' && has.settings.retries === 3, JSON.stringify(has.settings));
  check(has.options.length === 1 && has.macs[0] === '52:54:00:bb:00:f1', JSON.stringify(has));
  await more(page, 'Settings and options …');
  await page.getByLabel('Settings for its templates').fill('user=ada');
  await submit(page, 'Save');
  check(Object.keys((await machine()).settings).join() === 'user', 'what was taken away is gone, what was not named stays');

  await page.getByRole('button', { name: 'Read the audit log' }).click();
  const audit = page.locator('section', { has: page.getByRole('heading', { name: 'What operators did with it' }) });
  // Who did it stands there.
  await audit.locator('li').first().filter({ hasText: 'ada' }).waitFor();

  await more(page, 'Retire …');
  await submit(page, 'Retire');
  check((await machine()).state === 'retired', 'it is retired');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText(`${BOOTED.name} is approved.`).waitFor();

  await world.goto('/machines/render-02');
  await page.getByText(/^It would /).waitFor();
  await more(page, 'Forget …');
  await page.getByRole('dialog').locator('.preview li').first().waitFor();
  check(await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).isDisabled(), 'its name has to be typed');
  await page.getByLabel('Type render-02 to confirm').fill('render-02');
  await submit(page, 'Forget');
  await page.waitForURL(/\/machines$/);
}
