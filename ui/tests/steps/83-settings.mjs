// The configuration: faults are marked where they stand as one writes, what is good is written after a look at the
// change, somebody else's change is not written over, and it can be taken back.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.goto('/operations/settings');
  const field = page.getByRole('textbox', { name: 'Configuration' });
  await field.waitFor();
  await page.getByText('Nothing is changed.').waitFor();
  await world.waitFor(async () => (await field.inputValue()).includes('[[network]]'), 'the file is shown');
  const before = await field.inputValue();

  await field.fill(`${before}\n[boot]\nmenu_wait = "20 parsecs"\n[bot]\n`);
  await page.getByText(/\d faults?/).first().waitFor();
  const place = page.getByRole('button', { name: /^Line \d+, column \d+$/ }).first();
  await place.click();
  const line = () => field.evaluate((one) => one.value.slice(0, one.selectionStart).split('\n').length);
  await world.waitFor(async () => (await place.textContent()).startsWith(`Line ${await line()},`), 'the cursor is at the place');
  await world.waitFor(async () => (await page.locator('.gutter .wrong').count()) > 0, 'the line is marked');
  check(await page.getByRole('button', { name: 'Review and write …' }).isDisabled(), 'what is wrong is not written');
  await world.look('settings-faults');

  const good = before.includes('menu_wait') ? before.replace(/menu_wait.*/, 'menu_wait = "21s"') : before.replace('[boot]', '[boot]\nmenu_wait = "21s" # slow readers');
  await field.fill(`${good}\n[admin]\nhosts = ["boot.lab.example"]\n`);
  await page.getByText('It is good.').waitFor();
  await page.getByText('admin.hosts', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Review and write …' }).click();
  await page.getByRole('dialog').getByText('hosts = ["boot.lab.example"]').waitFor();
  await world.look('settings-review');
  // Somebody else is quicker.
  const now = await world.api('GET', '/config');
  await world.api('PUT', '/config', { text: `# mine\n${now.text}`, seen: now.seen });
  await page.getByRole('button', { name: 'Write and put in force' }).click();
  await page.getByText('Somebody else changed the file meanwhile.').waitFor();
  check((await world.api('GET', '/config')).text.startsWith('# mine'), 'his change stays');
  await page.getByRole('button', { name: 'Keep my text', exact: false }).click();
  await page.getByText('It is good.').waitFor();
  await page.getByRole('button', { name: 'Review and write …' }).click();
  await page.getByRole('dialog').getByText('# mine').waitFor();
  await page.getByRole('button', { name: 'Write and put in force' }).click();
  await world.told('Written, and in force.');
  check((await world.api('GET', '/config')).text.includes('boot.lab.example'), 'it is written');
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await world.told('Taken back.');
  check((await world.api('GET', '/config')).text.startsWith('# mine'), 'it is taken back');
  const last = await world.api('GET', '/config');
  await world.api('PUT', '/config', { text: before, seen: last.seen });
  await world.settled();
}
