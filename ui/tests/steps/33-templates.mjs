// Templates: a starting point copied, written with a mark at the line and column that the server names, rendered for a
// machine with its secrets masked, saved, and a text of somebody that executes nothing.

import { check } from '../world.mjs';

export default async function (world) {
  const { page } = world;
  await world.api('PUT', '/secrets/user_password', { value: 'canary-of-33' });
  await world.api('POST', '/machines', {
    machines: [{ mac: '52:54:00:f0:33:01', name: 'try-33', settings: { mirror_host: 'deb.debian.org' } }],
  });
  await world.goto('/templates');
  await page.getByText('Starting points').waitFor();
  await world.look('templates');
  await page.getByLabel('Search templates').fill('debian.pre');
  await page.waitForURL(/search=debian/);
  await page.getByRole('button', { name: 'Copy debian.preseed' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('bench');
  await page.getByText('It will be called bench.preseed.').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('A copy of debian.preseed; it is not saved yet.').waitFor();
  await page.getByLabel('Try it on').fill('try-33');

  const made = page.getByLabel('preseed.cfg');
  await made.getByText('netcfg/get_hostname string try-33').waitFor();
  const text = await made.textContent();
  check(!text.includes('canary-of-33'), 'the secret is masked');
  await page.getByText('Masked secrets: user_password').waitFor();
  await page.getByText('A sound Debian preseed', { exact: false }).or(page.getByText('A sound preseed', { exact: false })).waitFor();
  await world.look('template-new');

  // What is wrong is marked in its line; pressing it leads there.
  const editor = page.getByLabel('Text of bench.preseed');
  const whole = await editor.inputValue();
  await editor.fill(`# first\nd-i a/b string {{ machine.nam }}\n${whole}`);
  const mark = page.getByRole('button', { name: /^Line \d/ });
  await mark.filter({ hasText: /^\s*Line 2/ }).filter({ hasText: /machine\.nam|not known/ }).waitFor();
  await world.look('template-wrong');
  await mark.click();
  const line = () => editor.evaluate((area) => area.value.slice(0, area.selectionStart).split('\n').length);
  await world.waitFor(async () => (await line()) === 2, 'the cursor is in line 2');
  await editor.fill('{% if machine.name %}\nd-i a/b string x\n');
  // What was wrong before is marked until the server has read this.
  await mark.filter({ hasNotText: /machine\.nam|not known/ }).waitFor();
  check(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'what does not follow the grammar cannot be saved');

  await editor.fill(`d-i hostile/text string <img src=x onerror=executed=1> {{ machine.name }}\n${whole}`);
  await made.getByText('onerror=executed=1').waitFor();
  await page.getByRole('button', { name: 'Save', disabled: false }).waitFor();
  await editor.press('Control+s');
  await page.getByText('Not saved yet', { exact: true }).waitFor({ state: 'detached' });
  await world.told('template bench.preseed is added');
  check((await world.api('GET', '/templates/bench.preseed')).text.startsWith('d-i hostile/text'), 'it is saved');
  await world.settled();
  await page.goto('/templates/ubuntu.user-data?on=try-33');
  await page.getByText('What you save takes its place.', { exact: false }).waitFor();

  await page.goto('/templates/bench.preseed?on=try-33');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Type bench.preseed').fill('bench.preseed');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.waitForURL(/\/templates$/);
  await world.told('template bench.preseed is removed');
}
