// Health, numbers as pictures and as a table, the audit log searched and verified, webhooks, a backup.

import { readFileSync } from 'node:fs';
import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.goto('/operations');
  await page.getByRole('heading', { name: 'The server' }).waitFor();
  await page.getByRole('navigation', { name: 'Parts of operations' }).getByText('Health').waitFor();
  await world.look('operations');
  await page.getByRole('button', { name: 'Read the configuration again …' }).click();
  await page.getByRole('dialog').getByText('says nothing new', { exact: false }).waitFor();
  await page.keyboard.press('Escape');

  // A day of numbers: the server itself has run for minutes only.
  const every_s = 60;
  const samples = Array.from({ length: 300 }, (_, n) => {
    const wave = Math.max(0, Math.sin(n / 24)) ** 2;
    return {
      at: new Date(Date.now() - (300 - n) * 60_000).toISOString(), seconds: 60, bytes: Math.round(wave * 4e9), boots: Math.round(wave * 40),
      dhcp: 10 + Math.round(wave * 90), installed: Math.round(wave * 4), failed: n % 50 === 0 ? 1 : 0, leases: 40 + Math.round(n / 4),
    };
  });
  await page.route('**/api/v1/history', (route) => route.fulfill({ json: { every_s, samples } }));
  await world.goto('/operations/numbers');
  const boots = page.getByRole('slider', { name: 'Systems that were booted' });
  await boots.waitFor();
  await boots.focus();
  await page.keyboard.press('End');
  await world.waitFor(async () => /boots?$/.test((await boots.getAttribute('aria-valuetext')) ?? ''), 'the value is said');
  await page.getByText('As a table').click();
  await page.getByRole('columnheader', { name: 'Files sent' }).waitFor();
  await world.look('numbers');
  await page.getByLabel('How far back').selectOption('1440');
  await page.waitForURL(/minutes=1440/);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  const really = await world.api('GET', '/history');
  check(really.every_s === 60 && Array.isArray(really.samples), 'the server has a history');

  await world.goto('/operations/audit');
  await page.getByRole('grid').waitFor();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('The log is whole', { exact: false }).waitFor();
  await world.look('audit');
  await page.getByRole('searchbox').fill('set-user ada');
  await page.getByText(/^\d+ of \d+ records$/).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('a browser').waitFor();
  // A record has an address.
  await page.waitForURL(/record=\d+/);
  await world.look('audit-record');
  await page.keyboard.press('Escape');
  const [exported] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export (JSON)' }).click()]);
  const records = JSON.parse(readFileSync(await exported.path(), 'utf8'));
  check(records.length > 0 && records.every((one) => one.what === 'set-user'), 'what was found is exported');

  await world.goto('/operations/webhooks');
  await page.getByText('There is no webhook').waitFor();
  await world.look('webhooks-empty');
  await page.getByRole('button', { name: 'Add a webhook …' }).click();
  await page.getByLabel('Name').fill('chat');
  await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
  await page.getByRole('checkbox', { name: 'It may be on this host', exact: false }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('dialog').getByText('This is its key').waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('button', { name: 'Send a ping' }).click();
  await page.getByText('chat did not take the ping', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Last tries' }).click();
  await page.getByRole('dialog').getByText('ping').first().waitFor();
  await page.keyboard.press('Escape');
  await world.look('webhooks');
  await page.getByRole('button', { name: 'Remove …' }).click();
  await page.getByRole('dialog').getByText('chat', { exact: false }).last().waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove …' }).click();
  await page.getByText('There is no webhook').waitFor();

  await world.goto('/operations/backup');
  await page.getByLabel('Passphrase').fill('written on paper');
  await page.getByLabel('The same again').fill('written on paper');
  await world.look('backup');
  const [backup] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Make and download' }).click()]);
  check(readFileSync(await backup.path()).length > 10_000, 'the backup is a file');
  check(/^bootwright-.*\.backup$/.test(backup.suggestedFilename()), backup.suggestedFilename());
  const refused = await world.api('POST', '/backup', { passphrase: 'x', with_keys: true }).catch((error) => error.message);
  check(/own host only/.test(refused), 'the keys leave by the browser');
  await world.settled();
}
