// A machine that is switched by its BMC, as the server would tell of it: what stops it takes its name to be typed.

import { check } from '../world.mjs';

const MAC = '52:54:00:aa:00:0b';

export default async function (world) {
  const { page } = world;
  const asked = [];
  const power = { driver: 'redfish', url: 'https://10.0.0.5', user: 'bootwright', fingerprint: 'ab'.repeat(32), insecure_http: false, password_set: true, port: null, secret: null, system: null, via: null };
  const status = { actions: ['On', 'ForceOff'], boot_sources: ['Pxe', 'UefiHttp', 'Hdd'], firmware: '2.4', manufacturer: 'Contoso', model: 'R740', notes: ['its BMC has no time set'], power: 'on', secure_boot: true, secure_boot_in_force: true, secure_boot_mode: 'UserMode', serial: 'SN1', system: 'System.1' };
  await page.route('**/api/v1/machines/*/power**', async (route) => {
    const url = new URL(route.request().url());
    const what = url.pathname.split('/power')[1];
    if (route.request().method() === 'GET') return route.fulfill({ json: what === '/status' ? status : power });
    asked.push(`${what}${url.search}`);
    return route.fulfill({ json: { done: !url.search.includes('dry_run=true'), says: `lab-012: ${what.slice(1)}` } });
  });
  await page.route('**/api/v1/machines/*/power/**', async (route) => route.fallback());
  await world.goto(`/machines/${MAC}`);
  const card = page.locator('section', { has: page.getByRole('heading', { name: 'Power', exact: true }) });
  await card.getByText('redfish').waitFor();
  await card.getByRole('button', { name: 'Ask its BMC' }).click();
  await card.getByText('Contoso R740', { exact: false }).waitFor();
  await card.scrollIntoViewIfNeeded();
  await world.look('machine-power');
  await card.getByRole('button', { name: 'Cut its power …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('.preview li').first().waitFor();
  check(await dialog.getByRole('button', { name: 'Cut its power' }).isDisabled(), 'its name has to be typed');
  await dialog.getByLabel('Type lab-012 to confirm').fill('lab-012');
  await dialog.getByRole('button', { name: 'Cut its power' }).click();
  await dialog.waitFor({ state: 'detached' });
  await card.getByLabel('Next start').selectOption('pxe');
  await dialog.locator('.preview li').first().waitFor();
  await dialog.getByRole('button', { name: 'Do it' }).click();
  await dialog.waitFor({ state: 'detached' });
  check(asked.join(' ') === '/off?dry_run=true /off /boot?dry_run=true /boot' || asked.join(' ').replaceAll('?dry_run=false', '') === '/off?dry_run=true /off /boot?dry_run=true /boot', asked.join(' '));
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}
